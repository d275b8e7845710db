"""How a command ends: every fault is a sentence with an exit code, whatever the streams and names are like."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edocx.cli import demo, main

READER_GONE = 141
TERMINATED = 143


def run(*arguments, before="", **options):
    """Run the command in a process of its own, after some lines of Python."""
    # A test run started in the background ignores Ctrl-C, and so would its children.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}\n{before}\nimport sys\nsys.argv[1:] = {list(map(str, arguments))!r}\nfrom edocx.cli import main\nmain()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, **options)


def sentence(done):
    """Return stderr, which holds a sentence and a remedy and no traceback."""
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    return said


@pytest.fixture(scope="module")
def stray(tmp_path_factory):
    """Give a folder whose PDF has a byte in its name that is not UTF-8."""
    folder = tmp_path_factory.mktemp("kept") / "out"
    done = run("demo", "--keep", folder, "--json")
    assert done.returncode == 0, done.stderr
    named = os.fsencode(folder) + b"/a\xff.pdf"
    shutil.copy(folder / "document.pdf", named)
    return folder, named


@pytest.mark.parametrize("arguments", [("units", "show", "G22"), ("units", "show", "G22", "--json"), ("--help",)])
def test_a_stdout_that_takes_nothing_is_said_once_and_exits_4(arguments):
    with Path("/dev/full").open("wb") as full:
        code = f"from edocx.cli import main\nmain({list(arguments)!r})"
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 4
    assert sentence(done).count("EDX-DISK-FULL") == 1


def test_a_closed_pipe_exits_141_in_silence():
    reader, writer = os.pipe()
    os.close(reader)
    code = "from edocx.cli import main\nmain(['units', 'show', 'G22', '--json'])"
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == READER_GONE
    assert not sentence(done)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_terminal_that_knows_ascii_only_still_gets_every_sentence(language):
    done = run("units", "show", "G22", "--lang", language, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert not sentence(done)
    assert b"G22" in done.stdout


def test_a_file_name_that_is_not_utf8_is_verified_and_escaped(stray):
    folder, named = stray
    for extra in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "edocx", "verify", named, "--trust", folder / "trust", *extra],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not sentence(done)
    assert os.fsencode(json.loads(done.stdout)["file"]) == named


def test_a_folder_name_that_is_not_utf8_is_refused_with_a_remedy(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "edocx", "demo", "--json", "--keep", os.fsencode(tmp_path) + b"/d\xff"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "EDX-FILE-NAME"
    assert "EDX-FILE-NAME" in sentence(done)


def test_ctrl_c_while_the_commands_load_exits_130():
    before = """
import os, signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
"""
    done = run("--help", before=before)
    assert done.returncode == 130
    assert sentence(done)


def test_ctrl_c_inside_a_lock_of_the_import_machinery_is_kept_and_obeyed():
    # There an exception is printed as "ignored" and lost; in a module's body libraries turn it into faults of their own.
    before = """
import os, signal, sys
class Broken:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            Broken()
sys.meta_path.insert(0, Impatient())
"""
    done = run("demo", "--json", before=before)
    assert done.returncode == 130
    assert sentence(done)


def test_ctrl_c_after_the_answer_changes_nothing():
    before = "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))"
    done = run("units", "show", "G22", "--json", before=before)
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == 1
    assert not sentence(done)


def test_a_fault_of_our_own_is_one_sentence_that_repeats_nothing_secret(monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("the password is 123456")

    monkeypatch.setattr(demo, "_introduce", broken)
    with pytest.raises(SystemExit) as left:
        main(["demo"])
    said = capsys.readouterr().err
    assert left.value.code == 4
    assert "EDX-INTERNAL" in said
    assert "123456" not in said


def test_a_program_in_the_background_goes_on_ignoring_ctrl_c():
    before = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "edocx.cli.units":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
"""
    done = run("units", "show", "G22", before=before)
    assert done.returncode == 0
    assert not sentence(done)


def test_sigterm_ends_in_order_and_leaves_no_half_written_file(tmp_path):
    (tmp_path / "h.json").write_text("{}", encoding="utf-8")
    (tmp_path / "big.bin").write_bytes(bytes(1 << 20))
    written = (
        "envelope",
        "write",
        tmp_path / "h.json",
        "--attach",
        tmp_path / "big.bin",
        "--out",
        tmp_path / "e.edxml",
    )
    assert run(*written).returncode == 0
    before = "import os, signal\nos.fsync = lambda _: os.kill(os.getpid(), signal.SIGTERM)"  # all bytes, not their name
    done = run("envelope", "read", tmp_path / "e.edxml", "--extract", tmp_path / "out", before=before)
    assert done.returncode == TERMINATED
    assert sentence(done)
    assert list((tmp_path / "out").iterdir()) == []


def test_sigterm_while_the_commands_load_exits_143():
    before = """
import os, signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Impatient())
"""
    done = run("--help", before=before)
    assert done.returncode == TERMINATED
    assert sentence(done)
