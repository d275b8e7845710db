"""What was taken of the signed snapshots, kept in the office's database across restarts."""

from __future__ import annotations

import sqlalchemy as sa

from edocx.units.metadata import ROOT, SNAPSHOT, TIMESTAMP
from edocx.units.store import metadata, translated
from edocx.units.trusted import Taken

STATEMENTS = sa.Table(
    "units_trusted",
    metadata,
    sa.Column("role", sa.String(100), primary_key=True),
    sa.Column("statement", sa.LargeBinary, nullable=False),
    sa.Column("contents", sa.LargeBinary),
    sa.Column("certificates", sa.LargeBinary),
)
"""The statements in force, as signed, with the contents they name."""

_GOOD = "\x1fgood "
"""Stands likewise in the row of what a delegate is served with while its contents in force are set aside."""

_REFUSED = "\x1frefused "
"""Stands before a delegate's name in the row that holds the digest of its refused statement; no role is called so."""


class TrustedStore:
    """Keeps and gives back `Taken`; a save is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create_tables(self) -> None:
        """Create this room's tables where they are missing."""
        with translated(), self._engine.begin() as connection:
            metadata.create_all(connection)

    def save(self, taken: Taken) -> None:
        """Replace what is kept; call it after every accepted statement, before anything relies on it."""
        single = ((ROOT, taken.root), (TIMESTAMP, taken.timestamp), (SNAPSHOT, taken.snapshot))
        rows: list[dict[str, object]] = [
            {"role": role, "statement": data, "contents": None, "certificates": None}
            for role, data in single
            if data is not None
        ]
        rows += [
            {"role": role, "statement": data, "contents": contents, "certificates": certificates}
            for role, (data, contents, certificates) in taken.roles.items()
        ]
        rows += [
            {"role": _REFUSED + role, "statement": sha256.encode(), "contents": None, "certificates": None}
            for role, sha256 in taken.refused.items()
        ]
        rows += [
            {"role": _GOOD + role, "statement": data, "contents": contents, "certificates": certificates}
            for role, (data, contents, certificates) in taken.good.items()
        ]
        with translated(), self._engine.begin() as connection:
            connection.execute(STATEMENTS.delete())
            connection.execute(STATEMENTS.insert(), rows)

    def load(self) -> Taken | None:
        """Return what was kept, or None before the first save."""
        with translated(), self._engine.connect() as connection:
            rows = {row.role: row for row in connection.execute(sa.select(STATEMENTS))}
        if ROOT not in rows:
            return None
        roles = {
            role: (row.statement, row.contents, row.certificates)
            for role, row in rows.items()
            if role not in (ROOT, TIMESTAMP, SNAPSHOT) and not role.startswith((_REFUSED, _GOOD))
        }
        good = {
            role.removeprefix(_GOOD): (row.statement, row.contents, row.certificates)
            for role, row in rows.items()
            if role.startswith(_GOOD)
        }
        refused = {
            role.removeprefix(_REFUSED): row.statement.decode()
            for role, row in rows.items()
            if role.startswith(_REFUSED)
        }
        timestamp, snapshot = (rows[role].statement if role in rows else None for role in (TIMESTAMP, SNAPSHOT))
        return Taken(rows[ROOT].statement, timestamp, snapshot, roles, refused, good)
