"""The inbox: what came from an axis, on disk before the axis is told so, and shown to the office once."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, insert, literal, select, update

from edocx.content import Blob
from edocx.errors import StateError, Text
from edocx.routing.outbox import is_under
from edocx.routing.parcel import Business, ParcelKind, require_id
from edocx.routing.session import Session
from edocx.routing.store import tables
from edocx.routing.transport import Entry

LEASE = timedelta(minutes=5)
"""How long an office may take to open and judge what it claimed before it is offered again."""

_inbox = tables.inbox


class IncomingState(StrEnum):
    """Where a received message stands in the office.

    ``new``: stored, not yet opened. ``presented``: opened and shown, waiting for the clerk. ``accepted``,
    ``rejected``: the clerk decided. ``applied``: a status message that was read and recorded.
    ``quarantined``: kept, but not to be trusted or not readable. ``duplicate``: the same content came before.
    ``recalled``: taken back by its issuer, or replaced; its content may be erased.
    """

    NEW = "new"
    PRESENTED = "presented"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    APPLIED = "applied"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    RECALLED = "recalled"

    @property
    def label(self) -> Text:
        """The state in words, for people."""
        return _LABELS[self]


_LABELS = {
    IncomingState.NEW: Text("mới đến, chưa mở", "new, not yet opened"),
    IncomingState.PRESENTED: Text("chờ văn thư xử lý", "waiting for the clerk"),
    IncomingState.ACCEPTED: Text("đã tiếp nhận", "accepted"),
    IncomingState.REJECTED: Text("đã từ chối", "rejected"),
    IncomingState.APPLIED: Text("đã ghi nhận trạng thái", "recorded as a status"),
    IncomingState.QUARANTINED: Text("bị cách ly", "in quarantine"),
    IncomingState.DUPLICATE: Text("bản trùng", "a duplicate"),
    IncomingState.RECALLED: Text("đã bị thu hồi", "recalled"),
}


class Arrival(StrEnum):
    """What receiving an entry turned out to be."""

    NEW = "new"
    REPEAT = "repeat"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Incoming(NamedTuple):
    """A received message as the store holds it.

    Attributes:
        id: the office's own handle.
        message_id: the sender's.
        transport_key: the axis's id of it.
        kind: document or status.
        sender: the unit the axis names; nothing is authenticated yet.
        recipient: the unit it came for.
        document_id: as the axis or, later, the office names it; None when nobody has yet.
        business: new, withdraw, update, replace, as the axis names it.
        urgency: 0-4, as the axis names it.
        sha256: digest of the raw bytes.
        size: their length.
        state: see `IncomingState`.
        reason: stable code of why it was quarantined.
        duplicate_of: the handle of the first copy.
        arrived_at: when the raw bytes were on disk.
    """

    id: int
    message_id: str
    transport_key: str
    kind: ParcelKind
    sender: str
    recipient: str
    document_id: str | None
    business: Business
    urgency: int
    sha256: str
    size: int
    state: IncomingState
    reason: str | None
    duplicate_of: int | None
    arrived_at: datetime


def _columns() -> list[Any]:
    return [_inbox.c[name] for name in Incoming._fields]


_NO_COPY = (
    IncomingState.REJECTED,
    IncomingState.DUPLICATE,
    IncomingState.QUARANTINED,
    IncomingState.RECALLED,
)

# Made once: building a statement costs more than running it.
_ADD = insert(_inbox).returning(_inbox.c.id)
_KNOWN = select(*_columns()).where(
    _inbox.c.sender == bindparam("its_sender"),
    _inbox.c.message_id == bindparam("its_id"),
    _inbox.c.recipient == bindparam("its_recipient"),
)
_SAME = (
    select(_inbox.c.id)
    .where(
        _inbox.c.sender == bindparam("its_sender"),
        _inbox.c.sha256 == bindparam("its_sha256"),
        _inbox.c.kind == bindparam("its_kind"),
        _inbox.c.recipient == bindparam("its_recipient"),
        _inbox.c.document_id.is_not_distinct_from(bindparam("its_document")),
        # After a refusal or a recall the sender may try again with the same content (axis-http 1.9).
        _inbox.c.state.not_in(_NO_COPY),
    )
    .order_by(_inbox.c.id)
    .limit(1)
)


_MOVES = {
    # A repeat is shown after all when what it repeats turns out to have been refused (a restored store).
    IncomingState.PRESENTED: (IncomingState.NEW, IncomingState.QUARANTINED, IncomingState.DUPLICATE),
    IncomingState.APPLIED: (IncomingState.NEW,),
    IncomingState.DUPLICATE: (IncomingState.NEW, IncomingState.PRESENTED),
    IncomingState.QUARANTINED: (IncomingState.NEW, IncomingState.PRESENTED),
    IncomingState.ACCEPTED: (IncomingState.PRESENTED, IncomingState.QUARANTINED),
    IncomingState.REJECTED: (IncomingState.PRESENTED, IncomingState.QUARANTINED),
    IncomingState.RECALLED: (
        IncomingState.PRESENTED,
        IncomingState.QUARANTINED,
        IncomingState.ACCEPTED,
        IncomingState.REJECTED,
        IncomingState.DUPLICATE,
    ),
}
"""From which states the office may move a message to each state."""


class Inbox:
    """The inbox within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def receive(self, entry: Entry, payload: Blob) -> tuple[Incoming, Arrival]:
        """Keep a fetched message: raw bytes, digest and journal line together; acknowledge only after the commit.

        The same message again is absorbed, the same content under another id is kept as a duplicate, and
        another content under the same id is kept in quarantine: never absorbed, never presented.
        """
        known = self._known(entry)
        for row in known:
            if row.sha256 == payload.sha256:
                return _incoming(row), Arrival.REPEAT
        session = self._session
        session.keep(payload)
        arrival, first = Arrival.NEW, None
        if known:
            arrival = Arrival.CONFLICT
        else:
            first = self._first_copy(entry, payload)
            arrival = Arrival.NEW if first is None else Arrival.DUPLICATE
        values = _row(entry, payload, arrival, first, session.now)
        made = session.connection.execute(_ADD, values).scalar_one()
        session.journal.add(
            "message.received",
            {
                "message_id": entry.message_id,
                "incoming": made,
                "sender": entry.sender,
                "kind": entry.kind,
                "document_id": entry.document_id,
                "sha256": payload.sha256,
                "effect": arrival,
            },
        )
        fields = {name: values[name] for name in Incoming._fields if name != "id"}
        return Incoming(id=made, **fields), arrival

    def claim(
        self, lease: str, *, kind: ParcelKind, limit: int = 16, lasting: timedelta = LEASE
    ) -> tuple[Incoming, ...]:
        """Take new messages under a lease, urgent ones first, then in order of arrival.

        What is due later than any lease allows was put there by a clock that stood ahead: it is due now.
        """
        now = self._session.now
        due = (_inbox.c.due_at <= now) | (_inbox.c.due_at > now + max(lasting, LEASE))
        query = (
            select(*_columns())
            .where(_state_is(IncomingState.NEW), _inbox.c.kind == kind, due)
            .order_by(_inbox.c.urgency.desc(), _inbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed = tuple(_incoming(row) for row in self._session.connection.execute(query))
        if claimed:
            self._session.connection.execute(
                update(_inbox).where(_inbox.c.id == bindparam("claimed")),
                [{"claimed": message.id, "lease": lease, "due_at": now + lasting} for message in claimed],
            )
        return claimed

    def recipients(self) -> frozenset[str]:
        """Return every unit that received here."""
        return frozenset(self._session.connection.scalars(select(_inbox.c.recipient).distinct()))

    def misdated(self, *, most: int = 20) -> tuple[str, ...]:
        """Return message ids of new messages that are due in an impossible future: the clock stood ahead once."""
        far = _inbox.c.due_at > self._session.now + LEASE
        query = select(_inbox.c.message_id).where(_state_is(IncomingState.NEW), far).order_by(_inbox.c.id).limit(most)
        return tuple(self._session.connection.scalars(query))

    def release(self, lease: str) -> int:
        """Give back everything claimed under ``lease`` or a lease that begins with it and a dot; return how many."""
        freed = (
            update(_inbox)
            .where(is_under(_inbox.c.lease, lease), _state_is(IncomingState.NEW))
            .values(lease=None, due_at=self._session.now)
        )
        return int(self._session.connection.execute(freed).rowcount)

    def move(
        self,
        incoming_id: int,
        to: IncomingState,
        *,
        reason: str | None = None,
        document_id: str | None = None,
        duplicate_of: int | None = None,
        by: str | None = None,
    ) -> Incoming:
        """Move a message to a state; raise `StateError` when it is not in a state for that.

        Args:
            incoming_id: the office's handle.
            to: presented, applied, duplicate, quarantined, accepted, rejected or recalled.
            reason: a stable code, for quarantine.
            document_id: the document's id, once the envelope was read.
            duplicate_of: the handle of the copy that stands for it, for a duplicate.
            by: account id of whoever decided, for the journal.

        Being there already is a repeat only for ``applied`` and ``quarantined``; presenting, accepting or
        rejecting twice is refused, so that two clerks never both believe they decided.
        """
        if document_id is not None:
            require_id(document_id, "document_id")
        before = self.get(incoming_id)
        if before.state is to and to in {IncomingState.APPLIED, IncomingState.QUARANTINED}:
            return before
        if before.state not in _MOVES.get(to, ()):
            raise _wrong_state(before, to)
        values: dict[str, Any] = {"state": to, "reason": reason, "lease": None, "changed_at": self._session.now}
        if document_id is not None:
            values["document_id"] = document_id
        if duplicate_of is not None:
            values["duplicate_of"] = duplicate_of
        self._session.connection.execute(update(_inbox).where(_inbox.c.id == incoming_id).values(**values))
        self._session.journal.add(
            f"message.{to}",
            {
                "incoming": incoming_id,
                "message_id": before.message_id,
                "document_id": document_id or before.document_id,
                "reason": reason,
                "by": by,
            },
        )
        return self.get(incoming_id)

    def get(self, incoming_id: int) -> Incoming:
        """Return a message; raise `StateError` when there is none with that handle."""
        row = self._session.connection.execute(select(*_columns()).where(_inbox.c.id == incoming_id)).one_or_none()
        if row is None:
            raise StateError(
                Text("Không có văn bản đến nào mang số này.", "No incoming message has this handle."),
                hint=Text("Xem danh sách văn bản đến.", "Look at the list of incoming messages."),
                code="EDX-INBOX-UNKNOWN",
                where=str(incoming_id),
            )
        return _incoming(row)

    def in_state(self, *states: IncomingState, kind: ParcelKind = ParcelKind.DOCUMENT) -> tuple[Incoming, ...]:
        """Return messages in any of the states, in order of arrival."""
        query = select(*_columns()).where(_inbox.c.state.in_(states), _inbox.c.kind == kind).order_by(_inbox.c.id)
        return tuple(_incoming(row) for row in self._session.connection.execute(query))

    def of_document(self, document_id: str) -> tuple[Incoming, ...]:
        """Return every message that concerns a document, in order of arrival."""
        query = select(*_columns()).where(_inbox.c.document_id == document_id).order_by(_inbox.c.id)
        return tuple(_incoming(row) for row in self._session.connection.execute(query))

    def of_message(self, message_id: str) -> tuple[Incoming, ...]:
        """Return every message of an id, in order of arrival: ids are unique for each sender only."""
        query = select(*_columns()).where(_inbox.c.message_id == message_id).order_by(_inbox.c.id)
        return tuple(_incoming(row) for row in self._session.connection.execute(query))

    def payload(self, incoming: Incoming) -> Blob:
        """Return the raw bytes as they came; raise `StateError` when they were erased."""
        return self._session.payloads.load(self._session.connection, incoming.sha256)

    def erase(self, incoming: Incoming) -> bool:
        """Delete the content of a recalled message, keeping its row, digest and journal; tell whether it went.

        Content that something else here still needs stays. The file of a large one goes with the next
        `edocx.routing.health.sweep`, since a transaction can be undone and a deleted file cannot.
        """
        if incoming.state is not IncomingState.RECALLED:
            raise _wrong_state(incoming, IncomingState.RECALLED)
        session = self._session
        if not session.erase(incoming.sha256):
            return False
        ids: dict[str, str | int | None] = {"incoming": incoming.id, "message_id": incoming.message_id}
        session.journal.add("payload.erased", {**ids, "sha256": incoming.sha256})
        return True

    def _known(self, entry: Entry) -> list[Row[Any]]:
        place = {"its_sender": entry.sender, "its_id": entry.message_id, "its_recipient": entry.recipient}
        return list(self._session.connection.execute(_KNOWN, place))

    def _first_copy(self, entry: Entry, payload: Blob) -> int | None:
        same = {
            "its_sender": entry.sender,
            "its_sha256": payload.sha256,
            "its_kind": entry.kind,
            "its_recipient": entry.recipient,
            "its_document": entry.document_id,
        }
        return self._session.connection.execute(_SAME, same).scalar_one_or_none()


def _state_is(state: IncomingState) -> Any:
    # As literal text: SQLite uses a partial index only when the condition stands in the statement itself.
    return _inbox.c.state == literal(str(state), literal_execute=True)


def _incoming(row: Row[Any]) -> Incoming:
    values = row._asdict()
    kinds = {"kind": ParcelKind(row.kind), "business": Business(row.business), "state": IncomingState(row.state)}
    return Incoming(**{**values, **kinds})


def _row(entry: Entry, payload: Blob, arrival: Arrival, first: int | None, now: datetime) -> dict[str, Any]:
    state = {
        Arrival.DUPLICATE: IncomingState.DUPLICATE,
        Arrival.CONFLICT: IncomingState.QUARANTINED,
    }.get(arrival, IncomingState.NEW)
    return {
        "message_id": entry.message_id,
        "transport_key": entry.key,
        "kind": entry.kind,
        "sender": entry.sender,
        "recipient": entry.recipient,
        "document_id": entry.document_id,
        "business": entry.business,
        "urgency": entry.urgency,
        "sha256": payload.sha256,
        "size": payload.size,
        "state": state,
        "reason": "EDX-PARCEL-CONFLICT" if arrival is Arrival.CONFLICT else None,
        "duplicate_of": first,
        "arrived_at": now,
        "due_at": now,
        "changed_at": now,
    }


def _wrong_state(incoming: Incoming, to: IncomingState) -> StateError:
    return StateError(
        Text(
            f"Văn bản đến số {incoming.id}: {incoming.state.label.vi}; không thể chuyển thành: {to.label.vi}.",
            f"Incoming message {incoming.id}: {incoming.state.label.en}; it cannot become: {to.label.en}.",
        ),
        hint=Text(
            "Có thể người khác đã xử lý; tải lại danh sách văn bản đến.",
            "Somebody else may have dealt with it; load the list again.",
        ),
        code="EDX-INBOX-STATE",
        where=incoming.message_id,
    )
