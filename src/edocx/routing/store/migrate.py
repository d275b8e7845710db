"""Bringing a store's file to the current schema; Alembic is loaded only when there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.sql import column, table

from edocx.errors import StoreUnavailable, Text
from edocx.routing.store.engine import writing
from edocx.routing.store.tables import HEAD

MIGRATIONS = Path(__file__).with_name("migrations")
"""The folder of revisions, packaged with the code."""

_version = table("alembic_version", column("version_num"))


def bring_up_to_date(engine: Engine) -> None:
    """Create or upgrade the schema, in one transaction under the write lock.

    Raises `StoreUnavailable` (``EDX-STORE-NEWER``) for a file that a newer edocx wrote.
    """
    with engine.connect() as connection:
        if revision(connection) == HEAD:
            return
    with engine.connect() as bare, writing(bare) as connection, connection.begin():
        # Asked again under the lock: another process may have been faster.
        if revision(connection) != HEAD:
            _upgrade(connection)


def revision(connection: Connection) -> str | None:
    """Return the file's schema revision, or None when it has no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    found = revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreUnavailable(
            Text(
                "Kho dữ liệu do phiên bản edocx mới hơn tạo ra.",
                f"The store was written by a newer edocx (schema {found}, known up to {HEAD}).",
            ),
            hint=Text("Nâng cấp edocx rồi mở lại.", "Upgrade edocx and open it again."),
            code="EDX-STORE-NEWER",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
