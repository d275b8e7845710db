"""The local transport: an axis in one SQLite file, shared by the offices and processes of one machine.

For demonstrations, tests and agencies that share a server. It trusts its callers: who may open the file
may speak for every unit registered in it. Over a network, use a hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, false, func, insert, select, update

from edocx.clock import Clock
from edocx.content import PIECE, Blob
from edocx.errors import StoreUnavailable, Text, TransportUnavailable
from edocx.routing.closing import Closing
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.parcel import Parcel, conflict, new_message_id
from edocx.routing.route import hops
from edocx.routing.store.engine import Gate, sqlite_engine, writing
from edocx.routing.store.failure import corrupt, translated
from edocx.routing.store.payloads import checked
from edocx.routing.store.pieces import even_pieces, piecewise
from edocx.routing.transport import Entry, Hop, Receipt
from edocx.routing.transport.local_archive import LocalArchive, entry_of
from edocx.routing.transport.local_schema import copies, create, messages, passed, pieces, units
from edocx.routing.transport.refusal import require_known, unknown_entry

NODES_AT_ONCE = 500
"""Codes named in one question to the database, well below what SQLite takes."""

PENDING_LIMIT = 1_000
"""Most entries listed at once: a unit that was away for a year is served in bites."""


class LocalAxis(LocalArchive, Closing):
    """An axis in one SQLite file; several processes may use it at once."""

    def __init__(self, path: Path, *, clock: Clock, faults: Faults = NO_FAULTS) -> None:
        self.path = path
        self._clock = clock
        self._faults = faults
        self._engine = sqlite_engine(path)
        self._gate = Gate()

    @classmethod
    def open(cls, path: str | Path, *, clock: Clock, faults: Faults = NO_FAULTS) -> Self:
        """Open an axis, making its file when it is not there; raise `TransportUnavailable` when it cannot be."""
        axis = cls(Path(path), clock=clock, faults=faults)
        with _translated(axis.path):
            try:
                with axis._engine.connect() as bare, writing(bare) as connection, connection.begin():
                    create(connection)
            except BaseException:
                axis.close()
                raise
        return axis

    def register(self, unit: str, *, above: str | None = None) -> None:
        """Make a unit known, with the node through which it is reached; a repeat sets that node anew."""
        with self._writing("register") as connection:
            row = {"code": unit, "above": above, "closed": False}
            if connection.execute(select(units.c.code).where(units.c.code == unit)).first() is None:
                connection.execute(insert(units), row)
            else:
                connection.execute(update(units).where(units.c.code == unit).values(**row))

    def register_all(self, above: Mapping[str, str | None]) -> None:
        """Make many new units known at once, each with the node through which it is reached; all of them or none."""
        with self._writing("register") as connection:
            connection.execute(
                insert(units), [{"code": code, "above": node, "closed": False} for code, node in above.items()]
            )

    def close_unit(self, unit: str) -> None:
        """Accept nothing more for a unit; what waits for it stays."""
        with self._writing("close") as connection:
            connection.execute(update(units).where(units.c.code == unit).values(closed=True))

    def units(self) -> tuple[str, ...]:
        """Return the codes of all open units, sorted."""
        with self._reading() as connection:
            query = select(units.c.code).where(units.c.closed.is_(False)).order_by(units.c.code)
            return tuple(connection.execute(query).scalars())

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Take a parcel: see `edocx.routing.transport.Transport.submit`."""
        with self._writing("submit") as connection:
            known = _find(connection, parcel)
            if known is not None:
                if not _same(connection, known, parcel):
                    raise conflict(parcel.message_id)
                return Receipt(known.key, parcel.message_id, known.received_at)
            nodes = _nodes(connection, {parcel.sender, *parcel.recipients})
            closed = frozenset(code for code, row in nodes.items() if row.closed)
            require_known(parcel, frozenset(nodes) - closed, closed)
            now = self._clock.now()
            key = new_message_id(now)
            _store(connection, parcel, payload, key, now)
            above = {code: row.above for code, row in nodes.items()}
            connection.execute(insert(passed), _ways(parcel, key, above, now))
            return Receipt(key, parcel.message_id, now)

    def waiting_units(self) -> tuple[str, ...]:
        """Return the units for which something waits, those with the most urgent mail first: for hosts of many."""
        with self._reading() as connection:
            query = (
                select(copies.c.recipient)
                .join(messages, messages.c.key == copies.c.key)
                .where(copies.c.acknowledged_at.is_(None))
                .group_by(copies.c.recipient)
                .order_by(func.max(messages.c.urgency).desc(), func.min(messages.c.number))
            )
            return tuple(connection.execute(query).scalars())

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits for a unit: see `edocx.routing.transport.Transport.pending`."""
        with self._reading() as connection:
            query = (
                select(messages, copies.c.recipient)
                .join(copies, copies.c.key == messages.c.key)
                .where(copies.c.recipient == unit, copies.c.acknowledged_at.is_(None))
                .order_by(messages.c.urgency.desc(), messages.c.number)
                .limit(PENDING_LIMIT)
            )
            return tuple(entry_of(row) for row in connection.execute(query))

    def fetch(self, entry: Entry) -> Blob:
        """Return the raw bytes: see `edocx.routing.transport.Transport.fetch`."""
        with self._reading() as connection:
            query = (
                select(messages.c.sha256, messages.c.size)
                .join(copies, copies.c.key == messages.c.key)
                .where(messages.c.key == entry.key, copies.c.recipient == entry.recipient)
            )
            row = connection.execute(query).one_or_none()
        if row is None:
            raise unknown_entry(entry)
        sha256 = row.sha256
        return Blob.from_opener(
            lambda: piecewise(partial(self.piece, sha256), size=row.size, piece=PIECE),
            sha256=sha256,
            size=row.size,
        )

    def acknowledge(self, entry: Entry) -> None:
        """Take note that a copy is safe: see `edocx.routing.transport.Transport.acknowledge`."""
        with self._writing("acknowledge") as connection:
            waiting = (copies.c.key == entry.key) & (copies.c.recipient == entry.recipient)
            connection.execute(
                update(copies)
                .where(waiting, copies.c.acknowledged_at.is_(None))
                .values(acknowledged_at=self._clock.now())
            )

    def trace(self, sender: str, message_id: str) -> tuple[Hop, ...]:
        """Return the nodes a message passed, recipient by recipient, in order; empty when it is not known."""
        with self._reading() as connection:
            query = (
                select(passed.c.recipient, passed.c.node, passed.c.at)
                .join(messages, messages.c.key == passed.c.key)
                .where(messages.c.sender == sender, messages.c.message_id == message_id)
                .order_by(passed.c.recipient, passed.c.position)
            )
            return tuple(Hop(*row) for row in connection.execute(query))

    def piece(self, sha256: str, position: int) -> bytes:
        """Return one piece of a payload, 256 KiB except the last."""
        with self._reading() as connection:
            query = select(pieces.c.content).where(pieces.c.sha256 == sha256, pieces.c.position == position)
            return connection.execute(query).scalar_one_or_none() or b""

    def try_writing(self) -> None:
        """Take the write lock and let go of it, changing nothing; raise `TransportUnavailable` when that cannot be."""
        with _translated(self.path), self._connected() as connection:
            connection.execute(update(units).where(false()).values(code=units.c.code))
            connection.rollback()

    def require_whole(self) -> None:
        """Look through the file; raise `TransportUnavailable` (``EDX-AXIS-CORRUPT``) when it is damaged anywhere."""
        with _translated(self.path), self._engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            connection.rollback()
            if found != "ok":
                raise corrupt(str(self.path))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _writing(self, step: str) -> Iterator[Connection]:
        with _translated(self.path):
            with self._gate.one_writer(), self._connected() as connection:
                yield connection
                self._faults.reached(f"axis.commit.before:{step}")
            self._faults.reached(f"axis.commit.after:{step}")

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._engine.connect() as bare, writing(bare) as connection, connection.begin():
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _translated(self.path), self._engine.connect() as connection:
            yield connection
            connection.rollback()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        with translated(str(path)):
            yield
    except StoreUnavailable as error:
        # Whatever ails the axis's file, the parcels are not to blame: they wait until it is mended.
        raise TransportUnavailable(
            Text(f"Không dùng được trục cục bộ: {error.text.vi}", f"The local axis cannot be used: {error.text.en}"),
            hint=error.hint,
            code=error.code.replace("EDX-STORE", "EDX-AXIS"),
            where=error.where,
            retryable=True,
        ) from error


def _find(connection: Connection, parcel: Parcel) -> Any:
    mine = (messages.c.sender == parcel.sender) & (messages.c.message_id == parcel.message_id)
    return connection.execute(select(messages).where(mine)).one_or_none()


def _same(connection: Connection, known: Any, parcel: Parcel) -> bool:
    recipients = set(connection.execute(select(copies.c.recipient).where(copies.c.key == known.key)).scalars())
    return (known.sha256, known.size, known.document_id, recipients) == (
        parcel.sha256,
        parcel.size,
        parcel.document_id,
        set(parcel.recipients),
    )


def _store(connection: Connection, parcel: Parcel, payload: Blob, key: str, now: datetime) -> None:
    held = select(func.count()).select_from(pieces).where(pieces.c.sha256 == parcel.sha256)
    if not connection.execute(held).scalar_one():
        content = Blob(parcel.sha256, parcel.size, payload.path, payload.open)
        for position, piece in enumerate(even_pieces(checked(content), PIECE)):
            connection.execute(insert(pieces), {"sha256": parcel.sha256, "position": position, "content": piece})
    row = {
        "key": key,
        "message_id": parcel.message_id,
        "kind": parcel.kind,
        "sender": parcel.sender,
        "document_id": parcel.document_id,
        "business": parcel.business,
        "urgency": parcel.urgency,
        "sha256": parcel.sha256,
        "size": parcel.size,
        "received_at": now,
    }
    connection.execute(insert(messages), row)
    connection.execute(insert(copies), [{"key": key, "recipient": unit} for unit in parcel.recipients])


def _nodes(connection: Connection, codes: set[str]) -> dict[str, Any]:
    """Return the rows of units and of every node above them: a province's other thousand units are not read."""
    found: dict[str, Any] = {}
    asked: set[str] = set()
    while codes := codes - asked:
        asked |= codes
        ordered = sorted(codes)
        for start in range(0, len(ordered), NODES_AT_ONCE):
            query = select(units).where(units.c.code.in_(ordered[start : start + NODES_AT_ONCE]))
            found |= {row.code: row for row in connection.execute(query)}
        codes = {row.above for row in found.values() if row.above is not None}
    return found


def _ways(parcel: Parcel, key: str, above: dict[str, str | None], now: datetime) -> list[dict[str, Any]]:
    return [
        {"key": key, "recipient": unit, "position": position, "node": node, "at": now}
        for unit in parcel.recipients
        for position, node in enumerate(hops(parcel.sender, unit, above))
    ]
