"""Letting contents go that were kept long enough: what would go is told first, and rows, digests and journal stay.

Only envelopes of documents go. Statuses stay, since they are the proof of delivery; the office's own issued documents
stay, since no copy of them is anywhere else; and so does whatever somebody still has to do something with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, exists, literal, not_, or_, select, union_all, update

from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.store import tables
from edocx.routing.transaction import Transaction
from edocx.routing.transitions import Change, Handling

_payloads, _parcels, _inbox, _deliveries = tables.payloads, tables.parcels, tables.inbox, tables.deliveries


class Expired(NamedTuple):
    """A content that was kept long enough.

    Attributes:
        sha256: digest of the payload.
        size: its length in bytes.
        direction: "out" for what this office sent, "in" for what it received; what came and went is "in".
        message_id: the (last) message that carried it.
        document_id: the document, as far as known.
        settled_at: when the last step was done with it here.
    """

    sha256: str
    size: int
    direction: str
    message_id: str
    document_id: str | None
    settled_at: datetime


def expired(transaction: Transaction, before: datetime, *, unfinished: bool = False) -> tuple[Expired, ...]:
    """Return the contents with which nothing was done since a moment and nobody has anything left to do, oldest first.

    Sent: taken by the axis. Received: refused, recalled, a duplicate, a request that was recorded, or accepted and
    reported as completed; with ``unfinished`` also accepted and never reported so. Never: what waits for the clerk, is
    in quarantine, or is asked back; dead letters; statuses; what the dossier holds. Nothing is changed.
    """
    needed = union_all(
        select(tables.documents.c.sha256).where(tables.documents.c.sha256.is_not(None)),
        select(_parcels.c.sha256).where(not_(_sent_before(before))),
        select(_inbox.c.sha256).where(not_(_done_before(before, unfinished=unfinished))),
    )
    whole = and_(_payloads.c.erased_at.is_(None), _payloads.c.sha256.not_in(needed))
    found: dict[str, Expired] = {}
    for query in (_carried("out", _parcels, "settled_at"), _carried("in", _inbox, "changed_at")):
        for row in transaction.connection.execute(query.where(whole)):
            found[row.sha256] = Expired(*row)
    return tuple(sorted(found.values(), key=lambda one: (one.settled_at, one.sha256)))


def let_go(transaction: Transaction, contents: tuple[Expired, ...], *, by: str) -> int:
    """Delete contents from the store, each with its line in the journal; return how many went.

    The caller asks `expired` in the same transaction, so that nothing goes that was taken up again meanwhile. The file
    of a large one is the caller's to remove once this is committed.
    """
    count = 0
    for one in contents:
        gone = update(_payloads).where(_payloads.c.sha256 == one.sha256, _payloads.c.erased_at.is_(None))
        if not transaction.connection.execute(gone.values(content=None, erased_at=transaction.now)).rowcount:
            continue
        count += 1
        about = {"message_id": one.message_id, "document_id": one.document_id, "direction": one.direction}
        transaction.journal("payload.erased", **about, sha256=one.sha256, reason="retention", by=by)
    return count


def _carried(direction: str, table: Table, settled: str) -> Select[Any]:
    return (
        select(
            _payloads.c.sha256,
            _payloads.c.size,
            literal(direction),
            table.c.message_id,
            table.c.document_id,
            table.c[settled],
        )
        .join(table, table.c.sha256 == _payloads.c.sha256)
        .order_by(table.c.id)
    )


def _sent_before(before: datetime) -> ColumnElement[bool]:
    settled = and_(_parcels.c.settled_at.is_not(None), _parcels.c.settled_at < before)
    return and_(_parcels.c.kind == ParcelKind.DOCUMENT, _parcels.c.state == "sent", settled)


def _done_before(before: datetime, *, unfinished: bool) -> ColumnElement[bool]:
    states = [IncomingState.REJECTED, IncomingState.RECALLED, IncomingState.DUPLICATE, IncomingState.APPLIED]
    accepted = _inbox.c.state == IncomingState.ACCEPTED
    its_own = (_deliveries.c.message_id == _inbox.c.message_id) & (_deliveries.c.direction == "in")
    asked = exists().where(its_own, _deliveries.c.change == Change.ASKED)
    completed = exists().where(its_own, _deliveries.c.handling == Handling.COMPLETED)
    done = or_(_inbox.c.state.in_(states), accepted if unfinished else and_(accepted, completed))
    return and_(_inbox.c.kind == ParcelKind.DOCUMENT, _inbox.c.changed_at < before, done, not_(asked))
