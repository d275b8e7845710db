"""``edocx verify DIR``: whatever in a folder is not judged is said, and nothing hides behind it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest


def verify(*arguments, before=()):
    command = [*before, sys.executable, "-m", "edocx", "--lang", "en", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="surrogateescape")


@pytest.fixture
def folder(tmp_path):
    """Give a folder with a text, a hidden file, a link to a folder and a pipe; the certificates are an own file."""
    place = tmp_path / "files"
    (place / "inner").mkdir(parents=True)
    (place / "note.txt").write_text("ghi chú")
    (place / ".hidden.pdf").write_bytes(b"%PDF-1.7")
    (place / "again").symlink_to(place / "inner", target_is_directory=True)
    os.mkfifo(place / "pipe.pdf")
    return place


def without_rights():
    """As root, without the right to read where permissions forbid it; anybody else never has it."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("running as root, and setpriv is not installed")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


def test_what_is_passed_over_in_a_folder_is_named(folder):
    done = verify(folder)
    lines = done.stdout.splitlines()
    assert f"{folder}/.hidden.pdf: a hidden file, passed over" in lines
    assert f"{folder}/again: a link to a folder, passed over" in lines
    assert f"{folder}/pipe.pdf: no ordinary file, passed over" in lines
    assert done.returncode == 3, done.stderr


def test_programs_and_the_page_are_told_as_well(folder, tmp_path):
    page = tmp_path / "page.html"
    values = json.loads(verify(folder, "--json", "--html", page).stdout)
    passed = {value["file"] for value in values if value["error"]["code"] == "EDX-FOLDER-PASSED"}
    assert passed == {str(folder / name) for name in (".hidden.pdf", "again", "pipe.pdf")}
    assert all(value["left_out"] for value in values)
    assert "again: a link to a folder, passed over" in page.read_text("utf-8")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_that_cannot_be_opened_is_an_error_and_the_rest_is_judged(folder, jobs):
    (folder / "inner" / "letter.pdf").write_bytes(b"%PDF-1.7")
    (folder / "inner").chmod(0)
    try:
        done = verify(folder, "--jobs", jobs, before=without_rights())
    finally:
        (folder / "inner").chmod(0o755)
    assert done.returncode == 4
    assert "EDX-FOLDER-UNREADABLE" in done.stderr
    assert f"[{folder}/inner]" in done.stderr
    assert f"{folder}/note.txt: no signed document, left out" in done.stdout


def test_an_empty_folder_is_said(tmp_path):
    done = verify(tmp_path)
    assert (done.returncode, done.stdout) == (3, "Total: 0; there is no file to verify\n")


def test_a_name_that_is_not_utf_8_keeps_no_page_from_being_written(tmp_path):
    stray = os.fsencode(tmp_path) + b"/a\xff.p7s"
    with open(stray, "wb") as stream:  # noqa: PTH123 - a path of bytes
        stream.write(b"\x30\x80")
    done = verify(os.fsdecode(stray), "--html", tmp_path / "page.html")
    assert "EDX-INTERNAL" not in done.stderr
    assert "a\\udcff.p7s" in (tmp_path / "page.html").read_text("utf-8")


def test_a_page_in_place_of_a_folder_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    for place in (".", "/", tmp_path / "inner"):
        (tmp_path / "inner").mkdir(exist_ok=True)
        done = verify(tmp_path / "a.pdf", "--html", place)
        assert done.returncode == 4, done.stderr
        assert "EDX-INTERNAL" not in done.stderr
        assert "EDX-FILE-UNREADABLE" in done.stderr


def test_a_folder_is_no_detached_content(tmp_path):
    (tmp_path / "a.p7s").write_bytes(b"\x30\x80")
    done = verify(tmp_path / "a.p7s", "--detached", tmp_path)
    assert done.returncode == 2
    assert "EDX-USAGE-DETACHED" in done.stderr


def test_letters_named_as_a_signature_are_told_to_be_none(tmp_path):
    (tmp_path / "a.p7s").write_bytes(b"thu < 1")
    done = verify(tmp_path / "a.p7s")
    assert done.returncode == 4
    assert "EDX-FILE-KIND" in done.stderr
