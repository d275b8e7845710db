"""``edocx demo`` as a user runs it: what it leaves, what other people's tools say, what happens when things go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from edocx.cli import demo

IDS = ("MessageHeader", "Bussiness", "edXMLBody", "ContentTransferEncoded", "SignedProperties")


def edocx(*arguments, cwd=None, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edocx", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = edocx("demo", "--keep", folder, "--json")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_demo_gives_one_json_value_in_nfc_with_every_level(kept):
    _, output = kept
    assert output == unicodedata.normalize("NFC", output)
    assert "\\u" not in output
    told = json.loads(output)
    assert told["schema"] == 1
    assert {moment["level"] for moment in told["timeline"]} == {"commune", "district", "province", "central"}
    times = [moment["at"] for moment in told["timeline"]]
    assert times == sorted(times)
    assert {r["unit"]: r["handling"] for r in told["results"]} == {
        "H58.12": "completed",
        "H58.05": "rejected",
        "G22": "completed",
    }
    assert next(r["reason"] for r in told["results"] if r["unit"] == "H58.05")
    assert set(told["verdicts"].values()) == {"TOTAL-PASSED"}


def test_the_timeline_fits_80_columns_in_both_languages(kept):
    folder, _ = kept
    for lang in ("vi", "en"):
        done = edocx("demo", "--keep", folder, "--lang", lang, cwd=folder.parent)
        assert done.returncode == 0
        shown = done.stdout.replace(str(folder), "out")
        assert max(len(line) for line in shown.splitlines()) <= 80


def test_a_program_with_a_long_path_is_shown_in_two_lines():
    program, arguments = "/opt/" + "p" * 60 + "/edocx", "verify document.pdf --trust trust"
    shown = demo.in_width(program, arguments)
    assert max(map(len, shown)) <= demo.WIDTH
    assert "".join(shown).replace("\\ ", "").split() == [program, *arguments.split()]


def test_the_commands_shown_run_as_they_stand(kept, tool, tmp_path):
    tool("pdfsig")
    tool("qpdf")
    tool("xmlsec1")
    folder, _ = kept
    place = tmp_path / "a folder; with 'marks'"
    shutil.copytree(folder, place)
    done = edocx("demo", "--keep", place, "--json", env={**os.environ, "PATH": os.defpath})
    script = "set -e\n" + "\n".join(json.loads(done.stdout)["check"])
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_kept_office_sends_by_its_own_file(kept, tmp_path):
    shutil.copytree(kept[0], tmp_path / "out")
    office = tmp_path / "out" / "offices" / "H58.12.01" / "office.toml"
    document = json.loads(kept[1])["document_id"]
    done = edocx("office", "send", document, "--to", "H58", "--office", office, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == 1


def test_the_status_of_a_document_is_told_in_the_language_asked_for(kept):
    office = kept[0] / "offices" / "H58.12.01" / "office.toml"
    done = edocx("office", "status", "--office", office, "--lang", "vi")
    assert done.returncode == 0, done.stderr
    assert "từ chối tiếp nhận" in done.stdout
    assert "rejected" not in done.stdout


def test_pdfsig_calls_both_signatures_valid(kept, tool):
    folder, _ = kept
    said = subprocess.run([tool("pdfsig"), folder / "document.pdf"], capture_output=True, text=True, check=False).stdout
    assert said.count("Signature is Valid") == 2


def test_qpdf_finds_no_fault(kept, tool):
    folder, _ = kept
    assert (
        subprocess.run([tool("qpdf"), "--check", folder / "document.pdf"], check=False, capture_output=True).returncode
        == 0
    )


def test_xmlsec1_accepts_the_seal_with_the_kept_trust(kept, tool):
    folder, _ = kept
    ids = [word for name in IDS for word in ("--id-attr:Id", name)]
    trust = ["--trusted-pem", folder / "trust/root.crt", "--untrusted-pem", folder / "trust/state.crt"]
    command = [tool("xmlsec1"), "--verify", *trust, *ids, folder / "envelope.edxml"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_pyhanko_finds_form_filling_after_the_person_and_nothing_after_the_seal(kept):
    from pyhanko.keys import load_cert_from_pemder
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    folder, _ = kept
    roots = [load_cert_from_pemder(str(folder / "trust/root.crt"))]
    others = [load_cert_from_pemder(str(folder / "trust/state.crt"))]
    with (folder / "document.pdf").open("rb") as stream:
        person, agency = PdfFileReader(stream).embedded_signatures
        first, second = (
            validate_pdf_signature(s, ValidationContext(trust_roots=roots, other_certs=others))
            for s in (person, agency)
        )
    assert first.bottom_line
    assert first.modification_level.name == "FORM_FILLING"
    assert second.bottom_line
    assert second.modification_level.name == "NONE"


def test_verify_exits_0_with_the_kept_trust_and_3_with_another(kept, tmp_path):
    folder, _ = kept
    files = [folder / "document.pdf", folder / "envelope.edxml"]
    assert edocx("verify", *files, "--trust", folder / "trust").returncode == 0
    assert edocx("pki", "init", tmp_path / "pki", "--key", "p256").returncode == 0
    for file in files:
        assert edocx("verify", file, "--trust", tmp_path / "pki/trust").returncode == 3
        assert edocx("verify", file).returncode == 3


def test_verify_names_who_signed_from_the_registry(kept):
    folder, _ = kept
    registry = folder / "offices/registry.csv"
    done = edocx("verify", folder / "document.pdf", "--trust", folder / "trust", "--registry", registry, "--json")
    report = json.loads(done.stdout)
    assert [(s["kind"], s["unit"]) for s in report["signatures"]] == [
        ("person", "H58.12.01"),
        ("organisation", "H58.12.01"),
    ]


def test_one_changed_byte_of_the_signed_text_exits_1(kept, tmp_path):
    folder, _ = kept
    data = bytearray((folder / "document.pdf").read_bytes())
    place = data.index(b"stream", 200) + 40
    data[place] ^= 1
    (tmp_path / "changed.pdf").write_bytes(data)
    assert edocx("verify", tmp_path / "changed.pdf", "--trust", folder / "trust").returncode == 1
    text = (folder / "envelope.edxml").read_bytes()
    for old, new in ((b"2023/06/15<", b"2023/06/16<"), (b"kinh", b"kjnh"), (b"JVBERi0", b"JVBERi1")):
        assert old in text
        (tmp_path / "changed.edxml").write_bytes(text.replace(old, new, 1))
        assert edocx("verify", tmp_path / "changed.edxml", "--trust", folder / "trust").returncode == 1


def test_a_kept_demo_is_told_again_and_changes_nothing(kept):
    folder, first = kept
    before = (folder / "envelope.edxml").read_bytes()
    again = edocx("demo", "--keep", folder, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["timeline"] == json.loads(first)["timeline"]
    assert (folder / "envelope.edxml").read_bytes() == before


def test_any_pdf_can_be_the_document(tmp_path, tool):
    from fpdf import FPDF

    page = FPDF(format=(120, 160))
    page.set_creation_date(datetime(2023, 1, 1, tzinfo=UTC))
    page.add_page()
    page.set_font("Helvetica")
    page.cell(text="Any text")
    page.add_page(format="a3")
    page.output(str(tmp_path / "any.pdf"))
    done = edocx("demo", "--pdf", tmp_path / "any.pdf", "--keep", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    said = subprocess.run(
        [tool("pdfsig"), tmp_path / "out/document.pdf"], capture_output=True, text=True, check=False
    ).stdout
    assert said.count("Signature is Valid") == 2


def broken(tmp_path, kind, kept, tool):
    path = tmp_path / "bad.pdf"
    good = kept[0] / "offices/H58.12.01/letter.pdf"
    match kind:
        case "truncated":
            path.write_bytes(good.read_bytes()[:3000])
        case "not a PDF":
            path.write_text("Kính gửi", encoding="utf-8")
        case "empty":
            path.write_bytes(b"")
        case "encrypted":
            subprocess.run([tool("qpdf"), "--encrypt", "a", "b", "256", "--", good, path], check=True)
        case "already signed":
            shutil.copy(kept[0] / "document.pdf", path)
        case "missing":
            pass
    return path


@pytest.mark.parametrize(
    "kind,code,exit_code",
    [
        ("truncated", "EDX-PDF-DAMAGED", 4),
        ("not a PDF", "EDX-PDF-NOT", 4),
        ("empty", "EDX-PDF-NOT", 4),
        ("encrypted", "EDX-PDF-ENCRYPTED", 4),
        ("already signed", "EDX-PDF-SIGNED", 1),
        ("missing", "EDX-FILE-UNREADABLE", 4),
    ],
)
def test_a_bad_pdf_gives_one_sentence_with_a_remedy(tmp_path, kept, tool, kind, code, exit_code):  # noqa: PLR0917
    path = broken(tmp_path, kind, kept, tool)
    done = edocx("demo", "--pdf", path, "--keep", tmp_path / "out", "--lang", "vi")
    assert done.returncode == exit_code, done.stderr
    assert code in done.stderr
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists(), "refused before anything was made"


def test_a_wrong_password_exits_1_and_shows_no_secret(tmp_path, kept):
    (tmp_path / "password").write_text("đúng-mật-khẩu", encoding="utf-8")
    init = edocx("pki", "init", tmp_path / "pki", "--key", "p256", "--password-file", tmp_path / "password")
    assert init.returncode == 0, init.stderr
    sign = ["sign", kept[0] / "offices/H58.12.01/letter.pdf", "--key", tmp_path / "pki/person.p12", "--as", "person"]
    environment = {**os.environ, "EDOCX_KEY_PASSWORD": "sai-mật-khẩu"}
    done = edocx(*sign, "--out", tmp_path / "out.pdf", env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "EDX-KEY-PASSWORD" in done.stderr
    assert "sai-mật-khẩu" not in done.stdout + done.stderr
    assert not (tmp_path / "out.pdf").exists()
    environment["EDOCX_KEY_PASSWORD"] = "đúng-mật-khẩu"
    assert edocx(*sign, "--out", tmp_path / "out.pdf", env=environment).returncode == 0


def confined(*arguments):
    """As root, without the right to write where permissions forbid it; anybody else never has it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("running as root, and setpriv is not installed")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


def test_a_read_only_folder_gives_one_sentence_with_a_remedy(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    command = [*confined(), sys.executable, "-m", "edocx", "demo", "--keep", str(folder), "--lang", "vi"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "EDX-FILE-DENIED" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_store_gives_one_sentence_and_loses_nothing(tmp_path, kept):
    folder = tmp_path / "out"
    shutil.copytree(kept[0], folder)
    store = folder / "offices/H58.12.01"
    for path in [*store.iterdir(), store]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [*confined(), sys.executable, "-m", "edocx", "demo", "--keep", str(folder), "--pdf"]
    done = subprocess.run([*command, str(store / "letter.pdf")], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert "→" in done.stderr
    for path in [store, *store.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    again = edocx("demo", "--keep", folder, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["timeline"] == json.loads(kept[1])["timeline"]


def on_a_small_disk(size, folder, command):
    """Run the command in a file system of this size, with its output on another; copy what is left to ``saved``."""
    small, saved = folder / "small", folder / "saved"
    small.mkdir()
    inside = (
        f"mount -t tmpfs -o size={size} none {small} && {command.format(small)};"
        f"code=$?; cp -r {small}/out {saved}; exit $code"
    )
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0:
        pytest.skip("no small file system can be made here (unshare)")
    return subprocess.run(["unshare", "-rm", "sh", "-c", inside], capture_output=True, text=True, check=False), saved


def test_a_full_disk_gives_one_sentence_and_the_next_run_goes_on(tmp_path):
    command = f"{sys.executable} -m edocx demo --keep {{}}/out --lang vi"
    done, saved = on_a_small_disk("1m", tmp_path, command)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert "đã đầy" in done.stderr
    assert "→" in done.stderr
    again = edocx("demo", "--keep", saved, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["document_id"].endswith(",01/UBND-VP")


# Each size fills up at another step: keys, axis, form, approval, seal, stores, envelope, answers.
@pytest.mark.parametrize("size", ["100k", "200k", "560k", "640k", "800k", "1200k", "1800k", "2600k"])
def test_whatever_step_the_disk_is_full_at_it_is_called_full(tmp_path, size):
    done, saved = on_a_small_disk(size, tmp_path, f"{sys.executable} -m edocx demo --keep {{}}/out --lang vi")
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert sum(line.startswith("Lỗi ") for line in done.stderr.splitlines()) == 1, done.stderr
    assert "đã đầy" in done.stderr
    assert "→" in done.stderr
    for kept in saved.rglob("*.pdf"):
        assert kept.read_bytes().rstrip().endswith(b"%%EOF"), kept
    for kept in saved.rglob("*.edxml"):
        etree.parse(kept)


def test_two_processes_on_one_store_end_with_one_document(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "edocx", "demo", "--keep", str(folder), "--json"]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate(), process.returncode) for process in pair]
    for (_, errors), code in ends:
        assert code in {0, 1, 4}, errors
        assert "Traceback" not in errors
    again = edocx("demo", "--keep", folder, "--json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["document_id"].endswith("01/UBND-VP")
    statuses = [(moment["unit"], moment["status"]) for moment in told["timeline"] if moment["status"]]
    assert len(statuses) == len(set(statuses))


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent the POSIX way")
def test_ctrl_c_in_the_middle_exits_130_and_the_next_run_finishes(tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "edocx", "demo", "--keep", str(folder), "--lang", "en"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )
    for line in process.stdout:
        if "signs" in line:
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Run it again" in errors
    assert "Traceback" not in errors
    assert edocx("demo", "--keep", folder).returncode == 0


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "offices").mkdir()
    (tmp_path / "offices/mine.txt").write_text("x")
    done = edocx("demo", "--keep", tmp_path)
    assert done.returncode == 2
    assert "EDX-NETWORK-FOLDER" in done.stderr
    assert [p.name for p in Path(tmp_path / "offices").iterdir()] == ["mine.txt"]


def test_the_first_page_shows_number_date_signature_and_seal(kept, tool, tmp_path):
    """What stands on the page: the text by pdftotext, blue and red ink by pdftoppm."""
    folder, _ = kept
    text = subprocess.run(
        [tool("pdftotext"), "-layout", folder / "document.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "01/UBND-VP",
        "ngày 15 tháng 6 năm 2023",
        "TM. ỦY BAN NHÂN DÂN",
        "Nguyễn Văn A",
        "Nơi nhận:",
    ):
        assert words in unicodedata.normalize("NFC", text), words
    subprocess.run(
        [tool("pdftoppm"), "-r", "50", "-png", "-singlefile", folder / "document.pdf", tmp_path / "page"], check=True
    )
    from PIL import Image

    with Image.open(tmp_path / "page.png") as picture:
        pixels = list(picture.convert("RGB").get_flattened_data())
    assert sum(r > 150 and g < 110 and b < 110 for r, g, b in pixels) > 200, "the seal is red"
    assert sum(b > 120 and r < 110 and g < 120 for r, g, b in pixels) > 50, "the signature is blue"
