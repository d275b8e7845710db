"""The outbox in SQL: its statements, made once because building one costs more than running it, and its rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, insert, literal_column, null, select, union_all, update

from edocx.routing.parcel import TOP_URGENCY, Business, Parcel, ParcelKind
from edocx.routing.store.prepared import Prepared
from edocx.routing.store.tables import deliveries, parcels, payloads
from edocx.routing.store.upsert import upsert
from edocx.routing.transitions import Change, Handling

# As literal text: SQLite uses a partial index only when its condition stands in the statement itself.
IS_QUEUED = parcels.c.state == literal_column("'queued'")

_here = parcels.c.message_id == bindparam("its_id")
_chosen: BindParameter[Any] = bindparam("chosen", expanding=True)

_PARCEL_COLUMNS = (
    "message_id", "kind", "sender", "document_id", "business", "urgency", "sha256", "size", "created_at", "state",
    "round", "attempts", "queued_at", "due_at",
)  # fmt: skip
_DELIVERY_COLUMNS = (
    "direction", "message_id", "document_id", "issuer", "recipient", "handling", "change", "contradicted", "created_at",
)  # fmt: skip
ADD = Prepared(upsert(parcels).on_conflict_do_nothing(index_elements=["message_id"]).inline(), _PARCEL_COLUMNS)
ADD_DELIVERIES = Prepared(insert(deliveries), _DELIVERY_COLUMNS)
FIND = select(parcels).where(_here)
LEASE = Prepared(update(parcels).where(_here).values(lease=bindparam("held"), due_at=bindparam("until")))
_change = update(parcels).where(_here, parcels.c.state != "sent", parcels.c.round == bindparam("its_round"))
_change_held = _change.where(IS_QUEUED, parcels.c.lease == bindparam("its_lease"))
_settled: dict[str, Any] = {
    "state": bindparam("to"),
    "receipt": bindparam("its_receipt"),
    "reason": bindparam("because"),
    "settled_at": bindparam("at"),
    "attempts": bindparam("tried"),
    "lease": null(),
}
SENT = Prepared(_change.values(**_settled))
TAKEN = Prepared(
    update(parcels)
    .where(_here, parcels.c.state != "sent")
    .values(state=bindparam("to"), receipt=bindparam("its_receipt"), settled_at=bindparam("at"), lease=null())
)
BURIED = Prepared(_change_held.values(**_settled))
HELD_BACK = Prepared(_change_held.values(due_at=bindparam("due"), lease=null()))
PUT_OFF = Prepared(
    _change_held.values(attempts=bindparam("tried"), due_at=bindparam("due"), reason=bindparam("because"), lease=null())
)
CLAIMED = (
    select(parcels, payloads.c.content)
    .join(payloads, payloads.c.sha256 == parcels.c.sha256)
    .where(parcels.c.message_id.in_(_chosen))
)
RECIPIENTS = (
    select(deliveries.c.message_id, deliveries.c.recipient)
    .where(deliveries.c.message_id.in_(_chosen), deliveries.c.direction == "out")
    .order_by(deliveries.c.id)
)


_ripe = parcels.c.due_at <= bindparam("moment")
# No pause and no lease is so long: the clock was ahead when it was written, and was put right since.
_impossible = parcels.c.due_at > bindparam("latest")


def _lane(urgency: int, due: Any, *, locking: bool) -> Any:
    columns = (parcels.c.message_id, parcels.c.due_at, parcels.c.id, parcels.c.urgency)
    first = select(*columns).where(IS_QUEUED, parcels.c.urgency == urgency, due)
    first = first.order_by(parcels.c.due_at, parcels.c.id).limit(bindparam("most"))
    # Where a host writes beside us without taking turns, nobody waits for a parcel that another is claiming.
    return select((first.with_for_update(skip_locked=True) if locking else first).subquery())


# One short walk along the index (urgency, due_at, id) for each lane: with a million rows a single
# ORDER BY urgency, due_at would read every parcel that is not due yet.
_LANES = range(TOP_URGENCY, -1, -1)
_PARTS = [(urgency, due) for urgency in _LANES for due in (_ripe, _impossible)]
DUE = union_all(*(_lane(*part, locking=False) for part in _PARTS))
CLAIMABLE = union_all(*(_lane(*part, locking=True) for part in _PARTS))
IMPOSSIBLE = select(parcels.c.message_id).where(IS_QUEUED, _impossible).order_by(parcels.c.id).limit(bindparam("most"))


def parcel_row(parcel: Parcel, now: datetime) -> dict[str, Any]:
    """Return the row of a parcel queued now."""
    return {
        "message_id": parcel.message_id,
        "kind": parcel.kind,
        "sender": parcel.sender,
        "document_id": parcel.document_id,
        "business": parcel.business,
        "urgency": parcel.urgency,
        "sha256": parcel.sha256,
        "size": parcel.size,
        "created_at": parcel.created_at,
        "state": "queued",
        "round": 1,
        "attempts": 0,
        "queued_at": now,
        "due_at": now,
    }


def delivery_row(parcel: Parcel, recipient: str, now: datetime) -> dict[str, Any]:
    """Return the row of a parcel's delivery to one recipient."""
    return {
        "direction": "out",
        "message_id": parcel.message_id,
        "document_id": parcel.document_id,
        "issuer": parcel.sender,
        "recipient": recipient,
        "handling": Handling.NONE,
        "change": Change.NONE,
        "contradicted": False,
        "created_at": now,
    }


def parcel_of(row: Row[Any], recipients: tuple[str, ...]) -> Parcel:
    """Return the parcel of a row."""
    return Parcel(
        message_id=row.message_id,
        kind=ParcelKind(row.kind),
        sender=row.sender,
        recipients=recipients,
        document_id=row.document_id,
        business=Business(row.business),
        urgency=row.urgency,
        sha256=row.sha256,
        size=row.size,
        created_at=row.created_at,
    )
