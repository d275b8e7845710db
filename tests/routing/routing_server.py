"""A PostgreSQL server for the routing room: a fresh database for each test, copied from a migrated one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_server
from edocx.routing.database import Store


class Server(embedded_server.Server):
    """The running server."""

    def prepare(self, folder: Path) -> None:
        self.order("CREATE DATABASE template_edocx")
        Store.open(self.url("template_edocx"), folder=folder / "template").close()

    @contextmanager
    def fresh(self, template: str = "template_edocx") -> Iterator[str]:
        """Give a database of its own: with the current schema, or empty from ``template0``."""
        with super().fresh(template) as url:
            yield url
