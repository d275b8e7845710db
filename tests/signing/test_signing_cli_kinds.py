"""Every kind of signature from the command line: forms, copies, attachments, containers, and levels put off."""

# ruff: noqa: F811 - fixtures of the other file of commands
from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import signing_samples as samples
from PIL import Image
from test_signing_cli import draft, edocx, key, tsa  # noqa: F401
from test_signing_timestamp import reply, served

from edocx.verification import verify


@pytest.fixture
def images(tmp_path):
    made = {}
    for name, colour in (("signature", (0, 0, 255, 255)), ("seal", (255, 0, 0, 255))):
        made[name] = tmp_path / f"{name}.png"
        Image.new("RGBA", (120, 120), colour).save(made[name])
    return made


@pytest.fixture
def away():
    with served(lambda handler, body: reply(handler, b"", status=503)) as url:
        yield url


def text_of(tool, path):
    done = subprocess.run([tool("pdftotext"), "-bbox", path, "-"], capture_output=True, text=True, check=True)
    return done.stdout


def level_of(path, signing, **options):
    report = verify(path, trust=signing.trust, **options)
    assert str(report.indication) == "TOTAL-PASSED", report.model_dump_json(indent=1)
    return report.signatures[0].level


def test_what_was_put_off_is_noted_and_done_when_a_service_is_back(edocx, signing, tmp_path, tsa, away):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(2):
        samples.plain(folder / f"{number}.pdf")
    code, said, err = edocx(
        "sign", folder, "--key", key(signing), "--as", "person", "--out", out, "--tsa", away, "--defer", "--json"
    )
    assert code == 0, err
    assert {one["level"] for one in json.loads(said)["files"]} == {"B-B"}
    assert sorted(path.name for path in out.glob("*.lift.json")) == ["0.pdf.lift.json", "1.pdf.lift.json"]
    code, said, _ = edocx("extend", out, "--tsa", away, "--json")
    assert code == 4
    assert (json.loads(said)["lifted"], json.loads(said)["left"]) == (0, 2)
    assert level_of(out / "0.pdf", signing) == "B-B"
    moved = out.rename(tmp_path / "moved")
    code, said, err = edocx("extend", moved, "--tsa", tsa, "--json")
    assert code == 0, err
    assert (json.loads(said)["lifted"], json.loads(said)["left"]) == (2, 0)
    assert level_of(moved / "1.pdf", signing) == "B-T"
    assert list(moved.glob("*.lift.json")) == []
    code, said, _ = edocx("extend", moved, "--tsa", tsa)
    assert code == 0
    assert "Nothing" in said


def test_one_file_put_off_is_noted_before_it_is_there_and_forgotten_when_lifted(  # noqa: PLR0917
    edocx,
    signing,
    draft,
    tmp_path,
    tsa,
    away,
):
    out = tmp_path / "out.pdf"
    arguments = ("sign", draft, "--key", key(signing), "--as", "person", "--out", out)
    assert edocx(*arguments, "--tsa", away, "--defer")[0] == 0
    note = tmp_path / "out.pdf.lift.json"
    assert json.loads(note.read_text())["level"] == "B-T"
    assert edocx("extend", out, "--to", "B-T", "--tsa", away)[0] == 4
    assert note.exists()
    assert edocx("extend", out, "--tsa", tsa)[0] == 0
    assert not note.exists()
    assert edocx("extend", out, "--tsa", tsa)[0] == 1
    # Signed anew with a service that answers: an older note says nothing any more.
    note.write_text('{"file": "x", "level": "B-T", "since": "2023-06-15T00:00:00Z", "reason": "EDX-TSA-NONE"}')
    assert edocx(*arguments, "--tsa", tsa)[0] == 0
    assert not note.exists()


def test_a_note_reaches_no_file_but_its_own_and_a_damaged_one_is_named(edocx, signing, draft, tmp_path, tsa):
    other = tmp_path / "elsewhere.pdf"
    shutil.copy(draft, other)
    before = other.read_bytes()
    folder = tmp_path / "folder"
    folder.mkdir()
    note = folder / "x.pdf.lift.json"
    task = {"file": str(other), "level": "B-T", "since": "2023-06-15T00:00:00Z", "reason": "EDX-TSA-NONE"}
    note.write_text(json.dumps(task))
    code, said, _ = edocx("extend", folder, "--tsa", tsa, "--json")
    assert code == 1
    assert json.loads(said)["files"][0]["error"]["code"] == "EDX-LIFT-GONE"
    assert other.read_bytes() == before
    note.write_text("{")
    put_off = folder / "y.pdf"
    arguments = ("sign", draft, "--key", key(signing), "--as", "person", "--out", put_off)
    assert edocx(*arguments, "--tsa", "http://127.0.0.1:9/", "--defer")[0] == 0
    code, said, _ = edocx("extend", folder, "--tsa", tsa)
    assert code == 4
    assert "EDX-LIFT-NOTE" in said
    assert not (folder / "y.pdf.lift.json").exists(), "a damaged note does not keep the others waiting"


def test_a_form_is_initialled_signed_by_two_numbered_and_sealed(  # noqa: PLR0917
    edocx,
    signing,
    draft,
    tmp_path,
    images,
    tool,
):
    paths = [tmp_path / f"{number}.pdf" for number in range(5)]
    assert edocx("form", draft, "--out", paths[0], "--signers", "2", "--initials", "1")[0] == 0
    person = ("--key", key(signing), "--as", "person", "--image", images["signature"])
    agency = ("--key", key(signing, "organisation"), "--as", "organisation", "--image", images["seal"])
    assert edocx("sign", paths[0], *person, "--initials", "--out", paths[1])[0] == 0
    assert edocx("sign", paths[1], *person, "--out", paths[2])[0] == 0
    code, _, err = edocx("sign", paths[2], *agency, "--field", "EdocxSeal", "--out", paths[3])
    assert (code, "EDX-SEAL-WAITS" in err) == (1, True)
    assert edocx("sign", paths[2], *person, "--out", paths[3])[0] == 0
    assert edocx("sign", paths[3], *agency, "--out", paths[4])[0] == 0
    final = tmp_path / "final.pdf"
    code, _, err = edocx(
        "sign", paths[4], *agency, "--number", "05/TTLT", "--date", "2023-06-05", "--city", "Mỹ Tho", "--out", final
    )
    assert code == 0, err
    shown = subprocess.run([tool("pdftotext"), final, "-"], capture_output=True, text=True, check=True).stdout
    assert "Số: 05/TTLT" in shown
    assert "Mỹ Tho, ngày 05 tháng 6 năm 2023" in shown
    names = [one.id for one in verify(final, trust=signing.trust).signatures]
    assert names == ["EdocxInitial1", "EdocxPerson1", "EdocxPerson2", "EdocxJointSeal1", "EdocxSeal"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--number", "5/UB"),
        ("--attachment", "5/UB", "--image", "x.png"),
        ("--place", "1,2,3"),
        ("--pages", "1"),
        ("--near", "Nguyễn Văn A"),
        ("--place", "1,10,10,30,30"),
        ("--place", "1,10,10,30,30", "--near", "Nguyễn Văn A", "--image", "x.png"),
        ("--attachment", "5/UB", "--near", "Nguyễn Văn A"),
    ],
)
def test_what_cannot_go_together_is_a_usage_error_before_any_key_is_opened(edocx, draft, tmp_path, wrong):
    code, _, _ = edocx(
        "sign", draft, "--key", "file:none.p12", "--as", "organisation", "--out", tmp_path / "o.pdf", *wrong
    )
    assert code == 2
    assert not (tmp_path / "o.pdf").exists()


def test_a_place_is_in_millimetres_of_the_page_as_seen(edocx, signing, draft, tmp_path, images, tool):  # noqa: PLR0917
    tool("pdftoppm")
    code, _, err = edocx(
        "sign", draft, "--as", "person", "--image", images["signature"], "--place", "1,100,50,30,30", "--preview",
        tmp_path / "page.png",
    )  # fmt: skip
    assert code == 0, err
    with Image.open(tmp_path / "page.png") as page:
        dots = 100 / 25.4
        blue = page.convert("RGB").getpixel((round(115 * dots), page.height - round(65 * dots)))
        beside = page.convert("RGB").getpixel((round(97 * dots), page.height - round(65 * dots)))
    assert (blue, beside) == ((0, 0, 255), (255, 255, 255))
    code, _, err = edocx("sign", draft, "--as", "person", "--image", images["signature"], "--place", "9,1,1,30,30", "--preview", tmp_path / "p.png")  # fmt: skip
    assert (code, "EDX-PDF-PAGE" in err) == (2, True)


def test_an_attachment_is_sealed_at_the_top_right_with_number_and_time(edocx, signing, draft, tmp_path, tool):
    out, picture = tmp_path / "out.pdf", tmp_path / "page.png"
    common = ("sign", draft, "--as", "organisation", "--attachment", "15/QĐ-UBND")
    assert edocx(*common, "--preview", picture)[0] == 0
    assert picture.exists()
    code, _, err = edocx(*common, "--key", key(signing, "organisation"), "--out", out)
    assert code == 0, err
    words = text_of(tool, out)
    line = next(one for one in words.splitlines() if "15/QĐ-UBND" in one)
    left, top = (float(line.split(f'{name}="')[1].split('"')[0]) for name in ("xMin", "yMin"))
    assert left > 300
    assert top < 40
    code, _, err = edocx("sign", draft, "--key", key(signing), "--as", "person", "--attachment", "1/A", "--out", out)
    assert code == 2


@pytest.mark.parametrize("form", ["sao-y", "sao-luc", "trich-sao"])
def test_copies_are_made_shown_and_sealed(edocx, signing, tmp_path, tool, form):
    signed, out, picture = tmp_path / "signed.pdf", tmp_path / "copy.pdf", tmp_path / "page.png"
    source = samples.plain(tmp_path / "source.pdf", pages=3)
    assert edocx("sign", source, "--key", key(signing), "--as", "person", "--out", signed)[0] == 0
    pages = ("--pages", "2-3") if form == "trich-sao" else ()
    common = ("copy", signed, "--form", form, "--agency", "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC", *pages)
    assert edocx(*common, "--preview", picture)[0] == 0
    assert picture.exists()
    assert not out.exists()
    code, said, err = edocx(*common, "--key", key(signing, "organisation"), "--out", out, "--json")
    assert code == 0, err
    assert json.loads(said)["form"] == form
    label = {"sao-y": "SAO Y", "sao-luc": "SAO LỤC", "trich-sao": "TRÍCH SAO"}[form]
    shown = subprocess.run([tool("pdftotext"), out, "-"], capture_output=True, text=True, check=True).stdout
    assert label in shown
    assert shown.count("Page ") == (2 if pages else 3)
    assert len(verify(out, trust=signing.trust).signatures) == 1


def test_an_extract_names_its_pages_and_a_bad_list_is_refused(edocx, signing, draft, tmp_path):
    common = ("copy", draft, "--agency", "X", "--key", key(signing, "organisation"), "--out", tmp_path / "o.pdf")
    for wrong in (
        ("--form", "trich-sao"),
        ("--form", "sao-y", "--pages", "1"),
        ("--form", "trich-sao", "--pages", "0"),
        ("--form", "trich-sao", "--pages", "3-1"),
        ("--form", "trich-sao", "--pages", "1-999999999"),
    ):
        assert edocx(*common, *wrong)[0] == 2, wrong
    assert not (tmp_path / "o.pdf").exists()


@pytest.mark.parametrize("kind, level", [("p7s", "B-T"), ("asice", "B-T"), ("asice", "B-LT")])
def test_other_files_are_time_stamped_too(edocx, signing, tmp_path, tsa, kind, level):  # noqa: PLR0917
    data, more = tmp_path / "data.bin", tmp_path / "more.csv"
    data.write_bytes(bytes(1000))
    more.write_text("a,b\n")
    out = tmp_path / f"out.{kind}"
    files = (data, more) if kind == "asice" else (data,)
    code, _, err = edocx(
        "sign", *files, "--key", key(signing), "--as", "person", "--out", out, "--format", kind, "--level", level,
        "--tsa", tsa, "--trust", signing.folder / "trust",
    )  # fmt: skip
    assert code == 0, err
    assert level_of(out, signing, **({"detached": [data]} if kind == "p7s" else {})) == level


@pytest.mark.parametrize(
    "wrong",
    [
        ("--format", "p7s", "--level", "B-LT"),
        ("--format", "asice", "--level", "B-LTA"),
        ("--format", "asice", "--defer"),
        ("--format", "asice", "--preview", "x.png"),
        ("--format", "p7s", "--near", "X"),
    ],
)
def test_what_a_format_has_not_is_refused_and_never_left_out_silently(edocx, signing, draft, tmp_path, tsa, wrong):  # noqa: PLR0917
    code, _, err = edocx(
        "sign", draft, "--key", key(signing), "--as", "person", "--out", tmp_path / "o", "--tsa", tsa,
        "--trust", signing.folder / "trust", *wrong,
    )  # fmt: skip
    assert code == 2, err
    assert "EDX-USAGE-SIGN" in err
    assert not (tmp_path / "o").exists()


def test_several_files_go_into_a_container_only(edocx, signing, draft, tmp_path):
    code, _, err = edocx("sign", draft, draft, "--key", key(signing), "--as", "person", "--out", tmp_path / "o.pdf")
    assert code == 2
    assert "asice" in err
