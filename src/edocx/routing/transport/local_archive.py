"""What the local axis remembers of each unit: its journal heads, what it sent, what it received."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select

from edocx.clock import Clock
from edocx.routing.parcel import Business, ParcelKind
from edocx.routing.transport import Entry, SignedHead
from edocx.routing.transport.local_schema import copies, heads, messages


class LocalArchive:
    """The part of a local axis that is an `edocx.routing.transport.Archive`."""

    _clock: Clock

    def remembers(self) -> bool:
        """Tell that it does."""
        return True

    def keep_head(self, unit: str, head: SignedHead, *, anew: bool = False) -> SignedHead:
        """Keep a journal head: see `edocx.routing.transport.Archive.keep_head`."""
        with self._writing("head") as connection:
            row = {"unit": unit, "seq": head.seq, "anew": anew, "said": head.said, "signature": head.signature}
            known = _furthest(connection, unit)
            if anew or known is None or known.seq < head.seq:
                connection.execute(insert(heads), {**row, "kept_at": self._clock.now()})
                return head
            return known

    def head_of(self, unit: str) -> SignedHead | None:
        """Return the furthest journal head: see `edocx.routing.transport.Archive.head_of`."""
        with self._reading() as connection:
            return _furthest(connection, unit)

    def sent(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what a unit sent: see `edocx.routing.transport.Archive.sent`."""
        with self._reading() as connection:
            query = _LISTED.where(messages.c.sender == unit, messages.c.received_at >= since)
            return tuple(entry_of(row) for row in connection.execute(query))

    def received(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what came for a unit: see `edocx.routing.transport.Archive.received`."""
        with self._reading() as connection:
            query = _LISTED.where(copies.c.recipient == unit, messages.c.received_at >= since)
            return tuple(entry_of(row) for row in connection.execute(query))

    @abstractmethod
    def _writing(self, step: str) -> AbstractContextManager[Connection]:
        """Give a connection to write with."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """Give a connection to read with."""


_LISTED = (
    select(messages, copies.c.recipient)
    .join(copies, copies.c.key == messages.c.key)
    .order_by(messages.c.number, copies.c.recipient)
)


def entry_of(row: Row[tuple[object, ...]]) -> Entry:
    """Return the entry of a message's row with its recipient."""
    return Entry(
        key=row.key,
        message_id=row.message_id,
        kind=ParcelKind(row.kind),
        sender=row.sender,
        recipient=row.recipient,
        document_id=row.document_id,
        business=Business(row.business),
        urgency=row.urgency,
        sha256=row.sha256,
        size=row.size,
        arrived_at=row.received_at,
    )


def _furthest(connection: Connection, unit: str) -> SignedHead | None:
    begun = select(func.max(heads.c.number)).where(heads.c.unit == unit, heads.c.anew).scalar_subquery()
    query = (
        select(heads.c.seq, heads.c.said, heads.c.signature)
        .where(heads.c.unit == unit, heads.c.number >= func.coalesce(begun, 0))
        .order_by(heads.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else SignedHead(*row)
