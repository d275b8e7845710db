"""Many files at once: an overrun budget or a dead process costs one file its verdict, and never the run."""

from __future__ import annotations

import io
import json
import pickle
import signal
import sys
import zipfile

import pytest
from pool_judges import judge, tell_waiting
from verification_scene import AT, SIGNED_AT

from edocx import cli
from edocx.cli.progress import progress
from edocx.cli.verify_pool import CRASHED, TIME, TOO_LARGE, FileBudget, run_all
from edocx.cli.verify_run import Options, _Failure
from edocx.errors import EdocxError, Text
from edocx.signing.pdf import verify as pdf_verify
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is bounded on Linux only")


def run(tmp_path, *names, jobs=2, seconds=1.0, memory=128 * 1024 * 1024):
    files = [tmp_path / f"{name}-{place}" for place, name in enumerate(names)]
    for file in files:
        file.write_bytes(b"")
    budget = FileBudget(seconds, memory)
    return list(run_all(judge, files, [""] * len(files), Options(), jobs=jobs, budget=budget)), files


@pytest.mark.parametrize(
    "bad,why",
    [
        ("hang", TIME),
        pytest.param("memory", TOO_LARGE, marks=linux),
        pytest.param("crash", CRASHED, marks=linux),
        ("exit", CRASHED),
        ("bug", CRASHED),
    ],
)
def test_a_bad_file_is_indeterminate_and_the_run_goes_on(tmp_path, bad, why):
    answers, files = run(tmp_path, "good", "good", bad, "good", seconds=3.0)
    assert [answer.file for answer in answers] == [str(file) for file in files]
    assert [answer.messages for answer in answers] == [(), (), (why,), ()]
    assert answers[2].indication is Indication.INDETERMINATE
    assert answers[2].sub_indication == "GENERIC"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals wait on POSIX only")
def test_ctrl_c_waits_while_a_process_starts_and_not_here(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (answer,) = run_all(tell_waiting, [tmp_path / "a"], [""], Options(), jobs=1, budget=FileBudget())
    assert signal.SIGINT in answer
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_answers_come_in_the_order_of_the_files(tmp_path):
    answers, files = run(tmp_path, *["good"] * 50, jobs=3)
    assert [answer.file for answer in answers] == [str(file) for file in files]


@pytest.fixture
def folder(bench, plain, tmp_path):
    place = tmp_path / "files"
    place.mkdir()
    for number in range(3):
        sign(plain, place / f"{number}.pdf", bench.person, at=SIGNED_AT, field="S")
    return place


def verified(capfd, bench, folder, *more):
    with pytest.raises(SystemExit) as caught:
        cli.main(["verify", str(folder), "--trust", str(bench.folder / "trust"), "--at", AT.isoformat(), *more])
    return caught.value.code, capfd.readouterr()


@linux
def test_the_command_bounds_memory_a_file(bench, folder, capfd):
    code, said = verified(capfd, bench, folder, "--jobs", "2", "--file-memory", "1024", "--json")
    assert code == 0
    assert [one["indication"] for one in json.loads(said.out)] == ["TOTAL-PASSED"] * 3


def test_a_summary_tells_what_is_no_signed_document_from_what_could_not_be_read(bench, folder, capfd):
    (folder / "x.bin").write_bytes(b"nothing known")
    code, said = verified(capfd, bench, folder, "--jobs", "2")
    assert code == 0, "what is left out changes no verdict"
    assert said.out.splitlines()[-1].endswith("4; TOTAL-PASSED 3, no signed document, left out 1")
    (folder / "y.p7s").write_bytes(b"nothing known")
    code, said = verified(capfd, bench, folder, "--jobs", "2")
    assert code == 4
    assert said.out.splitlines()[-1].endswith("5; TOTAL-PASSED 3, could not be read 1, no signed document, left out 1")


def test_json_and_page_tell_them_apart_too(bench, folder, capfd, tmp_path):
    for name, data in {
        "x.bin": b"nothing known",
        "page.html": b"<!DOCTYPE html><html></html>",
        "list.txt": b"0 of 7",
        "book.docx": zipped(),
        "y.edxml": b"nothing known",
        "z.asice": zipped(),
    }.items():
        (folder / name).write_bytes(data)
    page = tmp_path / "page.html"
    code, said = verified(capfd, bench, folder, "--json", "--html", str(page))
    assert code == 4
    errors = {one["file"].rpartition("/")[2]: one["left_out"] for one in json.loads(said.out) if "error" in one}
    assert errors == {
        "x.bin": True, "page.html": True, "list.txt": True, "book.docx": True, "y.edxml": False, "z.asice": False,
    }  # fmt: skip
    text = page.read_text("utf-8")
    assert text.count("left out") == 4
    assert text.count("EDX-FILE-KIND") == 1


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return stream.getvalue()


def test_a_file_that_is_named_is_never_left_out(bench, folder, capfd):
    (folder / "x.bin").write_bytes(b"nothing known")
    code, said = verified(capfd, bench, folder / "x.bin")
    assert code == 4
    assert "EDX-FILE-KIND" in said.err


def test_names_longer_than_a_line_are_wrapped_and_lose_nothing(bench, folder, capfd):
    _, said = verified(capfd, bench, folder / "0.pdf")
    issuer = "CN=CA THỬ NGHIỆM phục vụ các cơ quan Nhà nước, O=PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ, C=VN"
    assert f"issued and managed by {issuer}" in " ".join(said.out.split())
    assert len(issuer) > 80
    named = [line for line in said.out.splitlines() if any(part in line for part in ("CN=", "O=", "C=VN"))]
    assert len(named) >= 3
    assert all(len(line) <= 80 for line in named), named


def test_a_wrong_call_is_said_once_and_not_of_each_file(bench, folder, capfd):
    code, said = verified(capfd, bench, folder, "--jobs", "2", "--policy", "no-such")
    assert code == 2
    assert said.err.count("EDX-POLICY-UNKNOWN") == 1


def test_signatures_over_the_bound_are_named_and_the_file_does_not_pass(bench, plain, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(pdf_verify, "MAX_SIGNATURES", 1)
    first = sign(plain, tmp_path / "1.pdf", bench.person, at=SIGNED_AT, field="S1")
    sign(first, tmp_path / "2.pdf", bench.agency, at=SIGNED_AT, field="S2")
    code, said = verified(capfd, bench, tmp_path / "2.pdf", "--json")
    value = json.loads(said.out)
    assert (code, value["indication"]) == (3, "INDETERMINATE")
    assert "EDX-SIGNATURES-TOO-MANY" in {message["code"] for message in value["messages"]}


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_moves_on_a_terminal_only(monkeypatch):
    shown = _Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with progress(3) as advance:
        assert list(advance(range(3))) == [0, 1, 2]
    assert "3/3" in shown.getvalue()
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    with progress(3) as advance:
        assert list(advance(range(3))) == [0, 1, 2]
    assert quiet.getvalue() == ""


def every_kind(kind=EdocxError):
    return [kind, *(one for sub in kind.__subclasses__() for one in every_kind(sub))]


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_every_error_travels_between_processes(kind):
    text = Text("Sai.", "Wrong.")
    failure = _Failure(kind, text, text, "EDX-X", "a.pdf", retryable=True)
    error = pickle.loads(pickle.dumps(failure)).rebuild()
    assert isinstance(error, kind)
    assert (error.code, error.text, error.where, error.retryable) == ("EDX-X", text, "a.pdf", True)
