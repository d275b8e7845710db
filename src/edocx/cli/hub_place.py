"""Where the commands of ``edocx hub`` find their hub: a hub.toml, a database by name, or the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.hub.configuration import HubConfig
    from edocx.hub.database import HubStore
    from edocx.hub.service import Service

CONFIG = typer.Option(None, "--config", help="hub.toml.")
DATABASE = typer.Option(None, "--db", help="sqlite:///hub.db, postgresql://…")
JSON = typer.Option(False, "--json", help="JSON.")
BY = "cli"
"""Who acts, in the audit, when the command line does."""


@contextmanager
def opened(config: Path | None, db: str | None) -> Iterator[Service]:
    """Open the hub for the block."""
    from edocx.hub.service import Service

    service = Service.open(settings_of(config, db)[0])
    try:
        yield service
    finally:
        service.close()


@contextmanager
def opened_store(config: Path | None, db: str | None) -> Iterator[tuple[HubConfig, HubStore]]:
    """Open the hub's database alone for the block, without its keys."""
    from edocx.clock import SystemClock
    from edocx.hub.database import HubStore
    from edocx.routing.store.postgres import postgres_url

    settings = settings_of(config, db)[0]
    server = postgres_url(settings.server) if settings.server else None
    with HubStore.open(settings.database, clock=SystemClock(), server=server) as store:
        yield settings, store


def settings_of(config: Path | None, db: str | None) -> tuple[HubConfig, bool]:
    """Return the settings, and whether anybody made them: a hub.toml, or a database that was named."""
    from edocx.hub.configuration import HubConfig

    place = config or Path("hub.toml")
    made = config is not None or place.exists()
    settings = HubConfig.from_path(place) if made else HubConfig(database=Path("edocx-sandbox/hub.db"))
    return (_at_place(settings, db) if db is not None else settings), made or db is not None


def _at_place(settings: HubConfig, url: str) -> HubConfig:
    """Return the settings with another database: a path, ``sqlite:///path``, or a PostgreSQL URL."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgresql", "postgres"}:
        place = settings.database if settings.server else Path("edocx-hub/hub")
        return settings.model_copy(update={"server": url, "database": place})
    if separator and not (scheme == "sqlite" and rest.startswith("/")):
        raise UsageError(
            Text(f"Chưa hỗ trợ cơ sở dữ liệu '{scheme}' cho trục.", f"A hub on '{scheme}' is not supported."),
            hint=Text(
                "Dùng sqlite:///đường-dẫn hoặc postgresql://máy/cơ-sở-dữ-liệu.",
                "Use sqlite:///path or postgresql://host/database.",
            ),
            code="EDX-STORE-URL",
        )
    return settings.model_copy(update={"server": None, "database": Path(rest[1:] if separator else url)})
