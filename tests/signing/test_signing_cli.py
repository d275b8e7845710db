"""The signing commands: levels, containers, folders, and what they say."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
import signing_samples as samples
from PIL import Image
from signing_samples import SIGNED_AT
from test_signing_timestamp import reply, served

from edocx.cli import main
from edocx.cli.sign_folder import SignedFolder
from edocx.cli.staging import Staging
from edocx.errors import SigningRefused, Text, Unavailable
from edocx.testing import Pki, Tsa


@pytest.fixture
def edocx(capsys, monkeypatch):
    monkeypatch.setenv("EDOCX_KEY_PASSWORD", "")

    def run(*arguments):
        with pytest.raises(SystemExit) as done:
            main(["--lang", "en", *map(str, arguments)])
        said = capsys.readouterr()
        return (done.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def tsa(signing):
    service = Tsa(signing.pki)
    with served(lambda handler, body: reply(handler, service.answer(body, datetime.now(UTC)))) as url:
        yield url


@pytest.fixture
def draft(tmp_path):
    return samples.plain(tmp_path / "draft.pdf")


def key(signing, who="person"):
    return f"file:{signing.folder}/{who}.p12"


def test_sign_seal_and_extend_reach_the_archive_level(edocx, signing, draft, tmp_path, tsa):
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    trust = signing.folder / "trust"
    code, out, err = edocx("sign", draft, "--key", key(signing), "--as", "person", "--out", one, "--tsa", tsa)
    assert code == 0, err
    code, out, err = edocx(
        "sign", one, "--key", key(signing, "organisation"), "--as", "organisation", "--out", two, "--level", "B-LT",
        "--tsa", tsa, "--trust", trust, "--registry", signing.folder / "registry.csv", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["messages"] == []
    code, out, err = edocx("extend", two, "--to", "B-LTA", "--tsa", tsa, "--trust", trust, "--json")
    assert code == 0, err
    assert json.loads(out)["level"] == "B-LTA"
    verdicts = signing.judge(two)
    assert all(verdict.bottom_line for verdict in verdicts.values())


def test_no_service_fails_or_defers_as_told(edocx, signing, draft, tmp_path):
    with served(lambda handler, body: reply(handler, b"", status=503)) as url:
        common = ("sign", draft, "--key", key(signing), "--as", "person", "--out", tmp_path / "o.pdf", "--tsa", url)
        code, _, err = edocx(*common)
        assert code == 4
        assert "EDX-TSA-NONE" in err
        assert "127.0.0.1: The service gave no answer (HTTP 503) [EDX-TSA-AWAY]" in err
        assert not (tmp_path / "o.pdf").exists()
        code, out, _ = edocx(*common, "--defer", "--json")
    assert code == 0
    (message,) = json.loads(out)["messages"]
    assert message["code"] == "EDX-LEVEL-DEFERRED"
    assert message["severity"] == "warning"
    assert "HTTP 503" in message["en"]


def test_a_service_taken_without_trust_is_said_to_be_unchecked(edocx, signing, draft, tmp_path, tsa):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(draft, folder)
    person = ("--key", key(signing), "--as", "person", "--tsa", tsa, "--json")
    trust = ("--trust", signing.folder / "trust")
    for source, out in ((draft, tmp_path / "o.pdf"), (folder, tmp_path / "out")):
        code, said, err = edocx("sign", source, *person, "--out", out)
        assert code == 0, err
        assert [one["code"] for one in json.loads(said)["messages"]] == ["EDX-TSA-UNCHECKED"]
    code, said, _ = edocx("sign", draft, *person, "--out", tmp_path / "o.pdf", *trust)
    assert (code, json.loads(said)["messages"]) == (0, [])
    assert edocx("sign", draft, *person[:4], "--out", tmp_path / "b.pdf")[0] == 0
    _, said, _ = edocx("extend", tmp_path / "b.pdf", "--to", "B-T", "--tsa", tsa)
    assert "EDX-TSA-UNCHECKED" in said


def test_a_level_without_a_service_is_a_usage_error(edocx, signing, draft, tmp_path):
    code, _, err = edocx(
        "sign", draft, "--key", key(signing), "--as", "person", "--out", tmp_path / "o.pdf", "--level", "B-LT"
    )
    assert code == 2
    assert "--tsa" in err


def test_sealing_needs_a_person(edocx, signing, draft, tmp_path):
    code, _, err = edocx(
        "sign", draft, "--key", key(signing, "organisation"), "--as", "organisation", "--out", tmp_path / "o.pdf"
    )
    assert code == 1
    assert "EDX-SEAL-NO-PERSON" in err


@pytest.mark.parametrize("kind", ["p7s", "asice"])
def test_other_files_are_signed_by_format(edocx, signing, tmp_path, kind):
    (tmp_path / "data.bin").write_bytes(bytes(1000))
    out = tmp_path / f"out.{kind}"
    code, _, err = edocx(
        "sign", tmp_path / "data.bin", "--key", key(signing), "--as", "person", "--out", out, "--format", kind
    )
    assert code == 0, err
    assert out.stat().st_size > 1000


def test_without_out_nothing_is_signed(edocx, signing, draft):
    code, _, _ = edocx("sign", draft, "--key", key(signing), "--as", "person")
    assert code == 2


def test_a_preview_shows_the_page_and_signs_nothing(edocx, signing, draft, tmp_path, tool):
    tool("pdftoppm")
    Image.new("RGBA", (200, 100), (0, 0, 255, 255)).save(tmp_path / "name.png")
    before = draft.read_bytes()
    code, _, err = edocx(
        "sign", draft, "--key", "file:none.p12", "--as", "person", "--image", tmp_path / "name.png", "--preview",
        tmp_path / "page.png",
    )  # fmt: skip
    assert code == 0, err
    assert draft.read_bytes() == before
    with Image.open(tmp_path / "page.png") as page:
        colours = {colour for _, colour in page.convert("RGB").getcolors(1 << 24)}
    assert (0, 0, 255) in colours


def test_a_folder_is_signed_and_resumed(edocx, signing, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(5):
        samples.plain(folder / f"{number}.pdf")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / "readme.txt").write_text("not a PDF")
    arguments = ("sign", folder, "--key", key(signing), "--as", "person", "--out", tmp_path / "out", "--json")
    code, out, _ = edocx(*arguments, "--jobs", "3")
    said = json.loads(out)
    assert code == 1
    assert (said["signed"], said["skipped"], said["failed"]) == (5, 0, 1)
    (tmp_path / "out" / "3.pdf").unlink()
    code, out, _ = edocx(*arguments)
    said = json.loads(out)
    assert (said["signed"], said["skipped"], said["failed"]) == (1, 4, 1)
    failed = next(one for one in said["files"] if one["state"] == "failed")
    assert failed["error"]["code"] == "EDX-PDF-DAMAGED"
    assert all(signing.judge(tmp_path / "out" / f"{n}.pdf", SIGNED_AT.replace(year=2027)) for n in range(5))


def away(*_):
    raise Unavailable(Text("đi vắng", "away"), hint=Text("", ""), code="EDX-TSA-NONE")


def test_an_interrupted_level_is_finished_without_signing_again(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    (source / "a.pdf").write_bytes(b"a")
    signed = []

    def sign_one(path, target):
        signed.append(path.name)
        shutil.copy(path, target)

    first = SignedFolder(sign_one, away, level="B-T").run([source / "a.pdf"], out, lambda _: None)
    assert [one.state for one in first] == ["failed"]
    assert not (out / "a.pdf").exists(), "below its level a file has no final name"
    second = SignedFolder(sign_one, shutil.copy, level="B-T").run([source / "a.pdf"], out, lambda _: None)
    assert [(one.state, one.level) for one in second] == [("signed", "B-T")]
    assert signed == ["a.pdf"]
    assert [path.name for path in out.iterdir()] == ["a.pdf"]


def test_deferring_gives_the_final_name_at_b_b_and_says_so(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"a")
    out = tmp_path / "out"
    out.mkdir()
    (outcome,) = SignedFolder(shutil.copy, away, level="B-T", keep=lambda *_: None).run(
        [tmp_path / "a.pdf"], out, lambda _: None
    )
    assert (outcome.state, outcome.level, outcome.error.code) == ("signed", "B-B", "EDX-TSA-NONE")
    assert (out / "a.pdf").exists()


def test_no_document_waits_for_a_slow_service(tmp_path):
    import threading

    out = tmp_path / "out"
    out.mkdir()
    sources = [tmp_path / f"{n}.pdf" for n in range(10)]
    for source in sources:
        source.write_bytes(b"x")
    all_signed = threading.Event()
    left = iter(range(9, -1, -1))

    def sign_one(path, target):
        shutil.copy(path, target)
        if next(left) == 0:
            all_signed.set()

    def lift_one(staged, target):
        assert all_signed.wait(30), "a signature waited for a timestamp"
        shutil.copy(staged, target)

    outcomes = SignedFolder(sign_one, lift_one, level="B-T", jobs=1).run(sources, out, lambda _: None)
    assert all(one.level == "B-T" for one in outcomes)


def test_a_programming_error_stops_the_run(tmp_path):
    def broken(*_):
        raise ZeroDivisionError

    (tmp_path / "a.pdf").write_bytes(b"a")
    with pytest.raises(ZeroDivisionError):
        SignedFolder(broken).run([tmp_path / "a.pdf"], tmp_path / "out", lambda _: None)


def test_a_refusal_is_an_outcome(tmp_path):
    def refuse(*_):
        raise SigningRefused(Text("không", "no"), hint=Text("", ""))

    (outcome,) = SignedFolder(refuse).run([tmp_path / "a.pdf"], tmp_path / "out", lambda _: None)
    assert outcome.state == "failed"


def test_two_runs_into_one_folder_share_no_file_before_it_has_its_name(tmp_path):
    """Both sign, both wait for a service: each in a file of its own, and neither takes over from one that lives."""
    out, seen = tmp_path / "out", []
    out.mkdir()
    (tmp_path / "a.pdf").write_bytes(b"a")

    def sign_one(path, target):
        seen.append(target)
        shutil.copy(path, target)

    def lift_one(staged, target):
        if len(seen) == 1:
            second = SignedFolder(sign_one, lift_one, level="B-T", look_at=lambda *_: None)
            assert [one.state for one in second.run([tmp_path / "a.pdf"], out, lambda _: None)] == ["signed"]
        assert staged.exists()
        shutil.copy(staged, target)

    first = SignedFolder(sign_one, lift_one, level="B-T", look_at=lambda *_: None)
    assert [one.state for one in first.run([tmp_path / "a.pdf"], out, lambda _: None)] == ["signed"]
    assert len(set(seen)) == 2
    assert [path.name for path in out.iterdir()] == ["a.pdf"]


def test_what_a_killed_run_left_is_taken_over_and_a_link_never_is(tmp_path):
    (tmp_path / ".a.pdf.0123abcd.B-B").write_bytes(b"a")
    (tmp_path / ".edocx.0123abcd.run").touch()
    (tmp_path / "elsewhere").write_bytes(b"b")
    (tmp_path / ".b.pdf.0123abcd.B-B").symlink_to(tmp_path / "elsewhere")
    with Staging(tmp_path) as run:
        assert not run.take_over(tmp_path / "b.pdf")
        assert run.take_over(tmp_path / "a.pdf")
        assert run.name_for(tmp_path / "a.pdf").read_bytes() == b"a"
        assert not run.take_over(tmp_path / "a.pdf")
        with Staging(tmp_path) as other:
            assert not other.take_over(tmp_path / "a.pdf"), "its run lives"
    assert not list(tmp_path.glob("*.run"))


def test_an_agencys_key_that_signs_as_a_person_is_said_to_be_doubtful(edocx, signing, draft, tmp_path):
    agency = ("--key", key(signing, "organisation"), "--as", "person", "--out", tmp_path / "o.pdf")
    code, said, err = edocx("sign", draft, *agency, "--json")
    assert code == 0, err
    assert [one["code"] for one in json.loads(said)["messages"]] == ["EDX-SUBJECT-DOUBTFUL"]
    _, said, _ = edocx("sign", draft, *agency)
    assert "looks like an organisation's" in said
    code, _, err = edocx("sign", draft, *agency, "--registry", signing.folder / "registry.csv")
    assert (code, "EDX-CERT-NOT-FIT" in err) == (1, True)


def test_an_archived_file_verifies_twenty_years_on_with_every_service_gone(edocx, draft, tmp_path):
    pki, made = tmp_path / "pki", tmp_path / "made.pdf"
    assert edocx("pki", "init", pki, "--key", "p256", "--years", "30")[0] == 0
    service = Tsa(Pki.load(pki))
    with served(lambda handler, body: reply(handler, service.answer(body, datetime.now(UTC)))) as url:
        code, _, err = edocx(
            "sign", draft, "--key", f"file:{pki}/person.p12", "--as", "person", "--out", made, "--tsa", url,
            "--level", "B-LTA", "--trust", pki / "trust",
        )  # fmt: skip
    assert code == 0, err
    later = f"{datetime.now(UTC).year + 20}-12-01T00:00:00+07:00"
    root = pki / "trust" / "root.crt"
    code, said, err = edocx("verify", made, "--trust", root, "--at", later, "--json")
    assert code == 0, said + err
    (one,) = json.loads(said)["signatures"]
    assert (one["indication"], one["level"]) == ("TOTAL-PASSED", "B-LTA")


def test_of_several_leftovers_one_is_taken_over_and_those_of_finished_files_go(tmp_path):
    for run in ("00000001", "00000002"):
        (tmp_path / f".a.pdf.{run}.B-B").write_bytes(b"half")
        (tmp_path / f".done.pdf.{run}.B-B").write_bytes(b"half")
        (tmp_path / f".open.pdf.{run}.B-B").write_bytes(b"half")
    (tmp_path / "done.pdf").write_bytes(b"whole")
    with Staging(tmp_path) as run:
        assert run.take_over(tmp_path / "a.pdf")
        run.name_for(tmp_path / "a.pdf").rename(tmp_path / "a.pdf")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".open.pdf.00000001.B-B", ".open.pdf.00000002.B-B", "a.pdf", "done.pdf"]
