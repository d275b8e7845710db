"""The directory in the office's database: what differs from the shipped data, record by record.

The tables belong to this room; the office gives the engine and creates them with its own
(`metadata`). A package upgrade brings new shipped data without touching what an office imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edocx.clock import in_vietnam
from edocx.errors import StateError, StoreUnavailable, Text
from edocx.units.difference import Difference, compare
from edocx.units.directory import Snapshot
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.precedence import trespasses
from edocx.units.record import BadValue, RecordReader, collection_paused, succession_record, unit_record
from edocx.units.shipped import shipped_directory
from edocx.units.soundness import is_told
from edocx.units.succession import Succession
from edocx.units.unit import SIGNED

metadata = sa.MetaData()
"""The tables of this room; the office's database creates and migrates them with its own."""

SNAPSHOTS = sa.Table(
    "units_snapshot",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("taken", sa.String(40), nullable=False),
    sa.Column("expires", sa.String(40)),
    sa.Column("source", sa.String(500), nullable=False),
)
"""Every version this directory ever had; the highest is the present one."""

RECORDS = sa.Table(
    "units_record",
    metadata,
    sa.Column("identity", sa.String(100), primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
)
"""Units that are not as shipped, as JSON records."""

EDGES = sa.Table(
    "units_succession",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
)
"""Succession edges that are not shipped, as JSON records."""

REMOVED = sa.Table(
    "units_removed",
    metadata,
    sa.Column("identity", sa.String(100), primary_key=True),
)
"""Shipped units that this office took out (a record replaced under another identity)."""

CHUNK = 500
"""Rows of one INSERT batch: keeps memory flat for 80,000 units."""


class DirectoryStore:
    """Keeps a directory in a database; every save is one transaction and makes one new version."""

    def __init__(self, engine: sa.Engine, base: Callable[[], MemoryDirectory] = shipped_directory) -> None:
        """``base`` gives the directory whose records are not stored: the shipped one unless an office has its own."""
        self._engine = engine
        self._base = base

    def create_tables(self) -> None:
        """Create this room's tables where they are missing (an office that migrates does it itself)."""
        with translated(), self._engine.begin() as connection:
            metadata.create_all(connection)

    def version(self) -> int:
        """Return the version last saved, or that of the shipped data when nothing was."""
        with translated(), self._engine.connect() as connection:
            return self._version(connection)

    def load(self) -> MemoryDirectory:
        """Return the present directory: the base (shipped data) with what this office has changed."""
        with translated(), self._engine.connect() as connection, collection_paused():
            present = connection.execute(
                sa.select(SNAPSHOTS).order_by(SNAPSHOTS.c.version.desc()).limit(1)
            ).one_or_none()
            if present is None:
                return self._base()
            reader = RecordReader()
            units = [_read(reader.history, text) for (text,) in connection.execute(sa.select(RECORDS.c.record))]
            edges = [_read(reader.succession, text) for (text,) in connection.execute(sa.select(EDGES.c.record))]
            removed = [identity for (identity,) in connection.execute(sa.select(REMOVED.c.identity))]
            base = self._base()
            expires = _moment(present.expires) if present.expires else None
            snapshot = Snapshot(present.version, _moment(present.taken), present.source, expires)
            if base.snapshot.expires is not None:
                # The signed state below is what ages and expires; a local import does not make it younger.
                source = f"{base.snapshot.source}; {present.source}"
                snapshot = Snapshot(present.version, base.snapshot.taken, source, base.snapshot.expires)
            units = [unit for unit in units if not overruled(unit, base)]
            edges = [edge for edge in edges if not is_told(base.vouched, edge)]
            return base.with_changes(units, edges, snapshot, without=removed)

    def overruled(self) -> tuple[UnitHistory, ...]:
        """Return this office's records that do not count, because others answer for those units or codes."""
        with translated(), self._engine.connect() as connection:
            reader, base = RecordReader(), self._base()
            units = [_read(reader.history, text) for (text,) in connection.execute(sa.select(RECORDS.c.record))]
        return tuple(unit for unit in units if overruled(unit, base))

    def overruled_successions(self) -> tuple[Succession, ...]:
        """Return this office's succession edges that do not count, because others tell how those units ended."""
        with translated(), self._engine.connect() as connection:
            reader, base = RecordReader(), self._base()
            edges = [_read(reader.succession, text) for (text,) in connection.execute(sa.select(EDGES.c.record))]
        return tuple(edge for edge in edges if is_told(base.vouched, edge))

    def save(self, directory: MemoryDirectory, *, based_on: MemoryDirectory) -> Difference:
        """Write what ``directory`` changes against ``based_on``, in one transaction.

        Raises `StateError` ``EDX-UNITS-STALE`` when somebody saved another version meanwhile: load again
        and repeat the change. The version becomes that of ``directory.snapshot``.
        """
        difference = compare(based_on, directory)
        snapshot = directory.snapshot
        with translated(), self._engine.begin() as connection:
            found = self._version(connection)
            if found != based_on.snapshot.version or snapshot.version <= found:
                raise _stale(found, based_on)
            row = {
                "version": snapshot.version,
                "taken": in_vietnam(snapshot.taken).isoformat(),
                "expires": in_vietnam(snapshot.expires).isoformat() if snapshot.expires else None,
                "source": snapshot.source,
            }
            try:
                connection.execute(SNAPSHOTS.insert().values(row))
            except sa.exc.IntegrityError as error:
                # Another process wrote this very version between our reading and our writing.
                raise _stale(snapshot.version, based_on) from error
            self._write(connection, difference)
        return difference

    def _write(self, connection: sa.Connection, difference: Difference) -> None:
        changed = (*difference.added, *difference.changed)
        gone = [history.identity for history in difference.removed]
        for some in _chunks([history.identity for history in changed] + gone):
            connection.execute(RECORDS.delete().where(RECORDS.c.identity.in_(some)))
            connection.execute(REMOVED.delete().where(REMOVED.c.identity.in_(some)))
        for some in _chunks(list(changed)):
            rows = [{"identity": one.identity, "record": _dump(unit_record(one))} for one in some]
            connection.execute(RECORDS.insert(), rows)
        if gone:
            connection.execute(REMOVED.insert(), [{"identity": identity} for identity in gone])
        for edge in difference.successions_removed:
            connection.execute(EDGES.delete().where(EDGES.c.record == _dump(succession_record(edge))))
        for edges in _chunks(list(difference.successions_added)):
            connection.execute(EDGES.insert(), [{"record": _dump(succession_record(edge))} for edge in edges])

    def _version(self, connection: sa.Connection) -> int:
        found = connection.execute(sa.select(sa.func.max(SNAPSHOTS.c.version))).scalar_one()
        return self._base().snapshot.version if found is None else int(found)


def overruled(unit: UnitHistory, base: MemoryDirectory) -> bool:
    """Say whether a record of this office does not count against those of others (`edocx.units.precedence`).

    Signed records speak for their identities whole. So that a row taken in by an earlier version, or before somebody
    signed, gives way too.
    """
    vouched = base.vouched
    held = vouched.history(unit.identity)
    if held is not None and held.authority == SIGNED:
        return True
    return any(True for _ in trespasses(vouched, unit))


def _stale(found: int, based_on: MemoryDirectory) -> StateError:
    mine = based_on.snapshot.version
    return StateError(
        Text(
            f"Danh bạ đã ở phiên bản {found}, không phải {mine}.", f"The directory is at version {found}, not {mine}."
        ),
        hint=Text("Nạp lại danh bạ rồi nhập lại.", "Load the directory again and repeat the import."),
        code="EDX-UNITS-STALE",
        retryable=True,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database raises into `StoreUnavailable` ``EDX-UNITS-STORE``."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable(
            Text(
                "Không đọc ghi được danh bạ trong cơ sở dữ liệu.", "The directory's database cannot be read or written."
            ),
            hint=Text(
                "Kiểm tra cơ sở dữ liệu có hoạt động, còn chỗ và không bị khóa.",
                "Check that the database runs, has room and is not locked.",
            ),
            code="EDX-UNITS-STORE",
            retryable=isinstance(error, sa.exc.OperationalError),
        ) from error


def _read(make: Any, text: str) -> Any:
    try:
        return make(json.loads(text))
    except (BadValue, ValueError) as error:
        raise _damaged() from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise _damaged() from error
    if moment.tzinfo is None:
        raise _damaged()
    return moment


def _damaged() -> StoreUnavailable:
    return StoreUnavailable(
        Text(
            "Một bản ghi danh bạ trong cơ sở dữ liệu bị hỏng.",
            "A record of the directory in the database is damaged.",
        ),
        hint=Text("Khôi phục từ bản sao lưu.", "Restore it from a backup."),
        code="EDX-UNITS-STORE",
    )


def _dump(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
