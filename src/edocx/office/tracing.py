"""Where a document is: every station, every status, in the order of what was said and heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edocx.content import Blob
from edocx.documents import BusinessAction, status_label
from edocx.envelope.model import Envelope
from edocx.envelope.read import open_envelope
from edocx.errors import EdocxError, StateError, Text
from edocx.office.deadlines import Overdue, missed
from edocx.office.delivery_events import evidence_name
from edocx.office.desk import Desk
from edocx.office.received import RECEIVED, choose, own_id, same_content
from edocx.office.stations import Station, hops_of, stations_of, ways_of
from edocx.routing.deliveries import Tracked
from edocx.routing.dossier import Filed
from edocx.routing.parcel import ParcelKind
from edocx.routing.state import Moved, Statement, counts
from edocx.routing.transaction import Transaction

MAX_READ = 2_000
"""Status messages opened for one trace: against a peer that sends them without end."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a document at one recipient.

    ``at`` is the speaker's own time, ``heard_at`` when this office learned of it. ``actor`` is the unit that states it,
    ``person`` who there, if the status message says so; ``basis`` is what shows it.
    """

    at: datetime
    heard_at: datetime
    recipient: str
    what: str
    text: Text
    remark: str | None
    basis: str
    actor: str
    person: str | None = None

    @property
    def evidence(self) -> str | None:
        """The event's name in ETSI EN 319 522-1, if it has one there."""
        return evidence_name(self.what)


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one document: what each recipient did, and everything heard in order.

    ``replaced_by`` and ``replaces`` are DocumentIds: replaced documents point both ways. ``missed`` are the deadlines
    that passed unmet. ``ways`` are the nodes passed to each recipient, as far as the axis tells, and
    ``stations`` each of them with its times, actor and evidence, the two ends always among them.
    """

    document_id: str
    deliveries: tuple[Tracked, ...]
    events: tuple[Event, ...]
    replaced_by: str | None = None
    replaces: tuple[str, ...] = ()
    missed: tuple[Overdue, ...] = ()
    ways: tuple[tuple[str, ...], ...] = ()
    stations: tuple[Station, ...] = ()


def trace(desk: Desk, document: str) -> Trace:
    """Return the way of a document by its DocumentId, the office's own id, or the id of the message that carried it.

    Raises `StateError` for one unknown here, and (``EDX-DOCUMENT-AMBIGUOUS``, naming the messages) when several
    documents that were received bear the id.
    """
    with desk.store.read() as transaction:
        filed = transaction.documents.find(document)
        filed = None if filed is not None and filed.state == RECEIVED else filed
        if filed is not None:
            document_id = filed.document_id or document
            deliveries = transaction.deliveries.of_document(document_id)
        else:
            document_id, deliveries = _passed_through(transaction, document)
        late = missed(transaction, document_id)
    if not deliveries and filed is None:
        raise StateError(
            Text("Văn phòng không biết văn bản này.", "The office does not know this document."),
            hint=Text("Kiểm tra mã văn bản.", "Check the document's id."),
            code="EDX-DOCUMENT-UNKNOWN",
            where=document,
        )
    people = _people(desk, document_id)
    hops = hops_of(desk.transport, deliveries)
    events = [_event(tracked, heard, people) for tracked in deliveries for heard in tracked.delivery.events]
    return Trace(
        document_id,
        deliveries,
        tuple(sorted(events, key=_order)),
        replaced_by=_replaced_by(deliveries),
        replaces=_replaces(desk, filed, document_id),
        missed=late,
        ways=ways_of(deliveries, hops),
        stations=stations_of(deliveries, hops, people),
    )


def _passed_through(transaction: Transaction, document: str) -> tuple[str, tuple[Tracked, ...]]:
    """Return the id and the deliveries of what is no document of this office's own."""
    moved = transaction.deliveries.of_message(document)
    if moved and moved[0].direction == "out":
        return moved[0].delivery.document_id, moved
    held = transaction.deliveries.of_document(document)
    try:
        chosen = choose(transaction, document)
    except StateError as error:
        if error.code == "EDX-DOCUMENT-AMBIGUOUS":
            raise
        # Recalled, replaced, or only spoken of.
        return (moved[0].delivery.document_id, moved) if moved else (document, held)
    document_id = chosen.document_id or chosen.message_id
    if document != document_id:
        return document_id, tuple(
            t for t in transaction.deliveries.of_message(chosen.message_id) if t.direction == "in"
        )
    alike = {one.message_id for one in same_content(transaction, chosen)}
    return document_id, tuple(one for one in held if one.message_id in alike)


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


def _people(desk: Desk, document_id: str) -> dict[tuple[str, str, datetime], str]:
    """Return who at its unit stated each status, as the messages that came and went say (StaffInfo)."""
    with desk.store.read() as transaction:
        came = [m.sha256 for m in transaction.inbox.of_document(document_id) if m.kind is ParcelKind.STATUS]
        went = [one.sha256 for one in transaction.outbox.of_document(document_id, ParcelKind.STATUS)]
        payloads = [_held(transaction, sha256) for sha256 in dict.fromkeys((*came, *went))]
    people: dict[tuple[str, str, datetime], str] = {}
    for payload in payloads[:MAX_READ]:
        told = None if payload is None else _told(payload)
        if told is None or told.sender is None or told.timestamp is None or told.staff is None:
            continue
        if told.sender.unit and told.status_code and told.staff.name:
            people[told.sender.unit, told.status_code, told.timestamp.replace(microsecond=0)] = told.staff.name
    return people


def _held(transaction: Transaction, sha256: str) -> Blob | None:
    try:
        return transaction.payload(sha256)
    except EdocxError:
        return None  # erased or lost: what it said stands in the statements


def _told(payload: Blob) -> Envelope | None:
    try:
        # From memory, where it is small: whoever asks where a document is gets an answer from a full disk too.
        with open_envelope(payload.path or payload.read()) as reading:
            return reading.envelope
    except EdocxError:
        return None  # quarantined: it says nothing


def _event(tracked: Tracked, heard: Moved | Statement, people: dict[tuple[str, str, datetime], str]) -> Event:
    delivery = tracked.delivery
    recipient, own = delivery.recipient, delivery.issuer if tracked.direction == "out" else delivery.recipient
    if isinstance(heard, Moved):
        text = _PASSAGES[str(heard.passage)]
        return Event(heard.at, heard.at, recipient, str(heard.passage), text, heard.reason, "own", own)
    speaker = heard.speaker
    # Wire times have whole seconds, our own statements do not.
    person = people.get((speaker.unit, heard.code, heard.claimed_at.replace(microsecond=0)))
    label = _ACTIONS.get(heard.code) or status_label(heard.code)
    return Event(
        heard.claimed_at,
        heard.arrived_at,
        recipient,
        heard.code,
        label,
        heard.description,
        str(speaker.basis),
        speaker.unit,
        person,
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
