"""Where a document is: every station, every status, in the order of what was said and heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edocx.documents import BusinessAction, status_label
from edocx.errors import StateError, Text
from edocx.office.deadlines import Overdue, missed
from edocx.office.delivery_events import evidence_name
from edocx.office.desk import Desk
from edocx.office.received import own_id
from edocx.routing.deliveries import Tracked
from edocx.routing.dossier import Filed
from edocx.routing.parcel import ParcelKind
from edocx.routing.state import Moved, Statement, counts


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a document at one recipient.

    ``at`` is the speaker's own time, ``heard_at`` when this office learned of it.
    """

    at: datetime
    heard_at: datetime
    recipient: str
    what: str
    text: Text
    remark: str | None
    basis: str

    @property
    def evidence(self) -> str | None:
        """The event's name in ETSI EN 319 522-1, if it has one there."""
        return evidence_name(self.what)


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one document: what each recipient did, and everything heard in order.

    ``replaced_by`` and ``replaces`` are DocumentIds: replaced documents point both ways. ``missed`` are the deadlines
    that passed unmet.
    """

    document_id: str
    deliveries: tuple[Tracked, ...]
    events: tuple[Event, ...]
    replaced_by: str | None = None
    replaces: tuple[str, ...] = ()
    missed: tuple[Overdue, ...] = ()


def trace(desk: Desk, document: str) -> Trace:
    """Return the way of a document by its DocumentId or the office's own id; `StateError` for one unknown here."""
    with desk.store.read() as transaction:
        filed = transaction.documents.find(document)
        document_id = filed.document_id or document if filed else document
        deliveries = transaction.deliveries.of_document(document_id)
        late = missed(transaction, document_id)
    if not deliveries and filed is None:
        raise StateError(
            Text("Văn phòng không biết văn bản này.", "The office does not know this document."),
            hint=Text("Kiểm tra mã văn bản.", "Check the document's id."),
            code="EDX-DOCUMENT-UNKNOWN",
            where=document,
        )
    events = [_event(tracked, heard) for tracked in deliveries for heard in tracked.delivery.events]
    return Trace(
        document_id,
        deliveries,
        tuple(sorted(events, key=_order)),
        replaced_by=_replaced_by(deliveries),
        replaces=_replaces(desk, filed, document_id),
        missed=late,
    )


def _order(event: Event) -> tuple[datetime, int, datetime, str]:
    return event.at.replace(microsecond=0), _RANK.get(event.what, len(_RANK)), event.heard_at, event.what


def _replaced_by(deliveries: tuple[Tracked, ...]) -> str | None:
    said = [
        heard
        for tracked in deliveries
        for heard in tracked.delivery.events
        if isinstance(heard, Statement) and heard.code == "replace" and counts(tracked.delivery, heard)
    ]
    return max(said, key=lambda one: one.claimed_at).description if said else None


def _replaces(desk: Desk, filed: Filed | None, document_id: str) -> tuple[str, ...]:
    if filed is not None:
        return (filed.metadata["replaces"]["document"],) if "replaces" in filed.metadata else ()
    with desk.store.read() as transaction:
        messages = [m for m in transaction.inbox.of_document(document_id) if m.kind is ParcelKind.DOCUMENT]
        kept = [transaction.documents.find(own_id(message)) for message in messages]
    return tuple(dict.fromkeys(old for one in kept if one is not None for old in one.metadata["replaces"]))


def _event(tracked: Tracked, heard: Moved | Statement) -> Event:
    recipient = tracked.delivery.recipient
    if isinstance(heard, Moved):
        return Event(
            heard.at, heard.at, recipient, str(heard.passage), _PASSAGES[str(heard.passage)], heard.reason, "own"
        )
    label = _ACTIONS.get(heard.code) or status_label(heard.code)
    return Event(
        heard.claimed_at, heard.arrived_at, recipient, heard.code, label, heard.description, str(heard.speaker.basis)
    )


_PASSAGES = {
    "queued": Text("Chờ gửi", "Queued"),
    "sent": Text("Đã gửi lên trục", "Sent"),
    "arrived": Text("Đã nhận về", "Received"),
    "expired": Text("Quá hạn", "Expired"),
    "dead": Text("Không gửi được", "Not sendable"),
}
_ACTIONS = {action.name.lower(): action.label for action in BusinessAction}
_RANK = {what: place for place, what in enumerate(_PASSAGES)}
"""Wire times have whole seconds: what moved stands before what was said of it in the same second."""
