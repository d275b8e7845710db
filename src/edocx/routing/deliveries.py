"""Deliveries: what is known of each document at each recipient, kept as the statements heard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, insert, literal, select, update

from edocx.errors import LimitExceeded, Text
from edocx.routing.journal import canonical
from edocx.routing.parcel import require_id
from edocx.routing.session import Session
from edocx.routing.state import (
    Basis,
    Delivery,
    Effect,
    EffectKind,
    Event,
    Moved,
    Speaker,
    Statement,
    advance,
    assemble,
    require_consistent,
)
from edocx.routing.store import tables
from edocx.routing.store.prepared import Prepared
from edocx.routing.store.tables import moment_text
from edocx.routing.transitions import ISSUER_CODES, RECIPIENT_CODES, Change, Handling, Passage

_deliveries = tables.deliveries
_statements = tables.statements
_parcels = tables.parcels

# Made once: building a statement costs more than running it.
_SELECT = (
    select(
        _deliveries,
        *(_parcels.c[name] for name in ("kind", "business", "state", "round", "queued_at", "settled_at", "reason")),
    )
    .select_from(
        _deliveries.outerjoin(
            _parcels, (_parcels.c.message_id == _deliveries.c.message_id) & (_deliveries.c.direction == "out")
        )
    )
    .order_by(_deliveries.c.id)
)
_OF_DOCUMENT = _SELECT.where(_deliveries.c.document_id == bindparam("its_document"))
_AT = _OF_DOCUMENT.where(_deliveries.c.recipient == bindparam("its_recipient"))
_OF_MESSAGE = _SELECT.where(_deliveries.c.message_id == bindparam("its_message"))
_HEARD_OF = select(_statements).where(_statements.c.delivery == bindparam("this"))
_HEARD = select(_statements).where(_statements.c.delivery.in_(bindparam("these", expanding=True)))
_ADD_STATEMENT = Prepared(
    insert(_statements),
    (
        "delivery", "fingerprint", "code", "unit", "voice_of", "basis", "claimed_at", "description", "arrived_at",
    ),
)  # fmt: skip
_SHOW = Prepared(
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("this"))
    .values(
        handling=bindparam("its_handling"),
        change=bindparam("its_change"),
        asked=bindparam("its_asked"),
        contradicted=bindparam("doubted"),
    )
)

_PASSAGES = {"queued": Passage.QUEUED, "sent": Passage.SENT, "dead": Passage.DEAD}
MAX_DESCRIPTION = 20_000
"""Longest description of a status, in characters (peers keep 500): against one that fills the store."""

EXPIRED = "expired"
"""The code under which our own office notes that no answer came in time."""


class Recorded(NamedTuple):
    """What recording a statement did; ``delivery`` is None when it matched none (kept in the journal only)."""

    delivery: Delivery | None
    effects: tuple[Effect, ...]


class Tracked(NamedTuple):
    """A delivery with the parcel it belongs to.

    Attributes:
        message_id: the parcel.
        direction: "out" for what this office sent, "in" for what it received.
        created_at: when this office first knew of it.
        delivery: document, issuer, recipient, everything heard, and what it shows.
    """

    message_id: str
    direction: str
    created_at: datetime
    delivery: Delivery


class Deliveries:
    """The deliveries within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(
        self,
        document_id: str,
        recipient: str,
        statement: Statement,
        *,
        own: bool = False,
        message_id: str | None = None,
    ) -> Recorded:
        """Add a statement about a document at a recipient; journal it; return what it did.

        Args:
            document_id: the document spoken of.
            recipient: whose delivery it concerns, whoever speaks.
            statement: what was said, by whom, and on which basis.
            own: this office is the speaker; then `StateError` is raised instead of a contradiction.
            message_id: which message is meant, where several bear the document's id; else what the speaker's own
                unit sent comes before what a stranger sent under that id, and the last before the earlier.

        Raises `InputError` for ids that cannot be ids, and `LimitExceeded` for a description past
        `MAX_DESCRIPTION` or a delivery past its number of events.
        """
        _bound(document_id, recipient, statement)
        rows = self._rows(document_id, recipient, statement, own=own, message_id=message_id)
        if not rows:
            self._journal(document_id, recipient, statement, (Effect(EffectKind.UNMATCHED, statement.code),))
            return Recorded(None, (Effect(EffectKind.UNMATCHED, statement.code),))
        row, before = rows[-1], self._assembled(rows)[-1].delivery
        if own:
            require_consistent(before, statement)
        after, effects = advance(before, statement)
        if effects and effects[0].kind is EffectKind.REPEATED:
            return Recorded(before, effects)
        self._keep(row.id, statement, after)
        self._journal(document_id, recipient, statement, effects)
        return Recorded(after, effects)

    def of_document(self, document_id: str) -> tuple[Tracked, ...]:
        """Return every delivery of a document, in and out, oldest first; not the parcels of withdrawals and updates."""
        return self._assembled(self._found(_OF_DOCUMENT, {"its_document": document_id}))

    def of_message(self, message_id: str) -> tuple[Tracked, ...]:
        """Return the deliveries of one parcel, in the sender's order."""
        return self._assembled(self._found(_OF_MESSAGE, {"its_message": message_id}, every=True))

    def asked(self) -> tuple[Tracked, ...]:
        """Return the received documents whose issuer asked for a change that this office has not answered."""
        # As literal text: SQLite uses a partial index only when its condition stands in the statement itself.
        waits = (_deliveries.c.direction == literal("in", literal_execute=True)) & (
            _deliveries.c.change == literal(str(Change.ASKED), literal_execute=True)
        )
        return self._assembled(self._select(waits))

    def open_incoming(self, *, message_id: str, document_id: str, issuer: str, recipient: str) -> Tracked:
        """Begin to track a document that this office received; a repeat returns what is known."""
        require_id(document_id, "document_id")
        require_id(issuer, "issuer")
        known = [
            tracked
            for tracked in self.of_message(message_id)
            if (tracked.direction, tracked.delivery.issuer, tracked.delivery.recipient) == ("in", issuer, recipient)
        ]
        if known:
            return known[0]
        now = self._session.now
        row = {"direction": "in", "message_id": message_id, "document_id": document_id, "issuer": issuer}
        shown = {"handling": Handling.NONE, "change": Change.NONE, "contradicted": False}
        self._session.connection.execute(
            insert(_deliveries), {**row, "recipient": recipient, **shown, "created_at": now}
        )
        moved = Moved(Passage.ARRIVED, now)
        return Tracked(message_id, "in", now, assemble(document_id, issuer, recipient, frozenset({moved})))

    def expire(self, sent_before: datetime) -> int:
        """Note for every document sent before a moment that its recipient has said nothing; return how many.

        Nothing ends by it: a late answer still counts. It is what a clerk must know (QĐ 28/2018 Điều 6).
        """
        unanswered = (
            (_deliveries.c.direction == "out")
            & (_parcels.c.kind == "document")
            & (_parcels.c.state == "sent")
            & (_parcels.c.settled_at < sent_before)
            & (_deliveries.c.handling == Handling.NONE)
        )
        count = 0
        for row in self._select(unanswered):
            attempts = self._found(_AT, {"its_document": row.document_id, "its_recipient": row.recipient})
            tracked = next(
                t for t in self._assembled(attempts) if (t.message_id, t.direction) == (row.message_id, "out")
            )
            if tracked.delivery.shown.passage is not Passage.SENT:
                continue
            count += 1
            self._session.connection.execute(insert(_statements), _expiry_row(row, self._session.now))
            self._session.journal.add(
                "delivery.expired",
                {"message_id": row.message_id, "document_id": row.document_id, "recipient": row.recipient},
            )
        return count

    def _select(self, condition: Any) -> list[Row[Any]]:
        return self._found(_SELECT.where(condition), {})

    def _found(self, query: Select[Any], values: dict[str, str], *, every: bool = False) -> list[Row[Any]]:
        rows = list(self._session.connection.execute(query, values))
        return rows if every else [row for row in rows if _carries_document(row)]

    def _rows(
        self, document_id: str, recipient: str, statement: Statement, *, own: bool, message_id: str | None
    ) -> list[Row[Any]]:
        """Return the deliveries that a statement may concern; it concerns the last of them."""
        rows = self._found(_AT, {"its_document": document_id, "its_recipient": recipient})
        # An office that writes to itself holds both ends; each statement belongs to the end that hears it.
        direction = _direction(statement.code, own=own)
        rows = [row for row in rows if row.direction == direction] or rows
        if message_id is not None:
            return [row for row in rows if row.message_id == message_id] or rows
        if statement.code in ISSUER_CODES:
            # A stranger who sends something under a genuine document's id must not draw its recall away.
            return [row for row in rows if row.issuer == statement.speaker.voice_of] or rows
        # A document sent anew after a refusal has two deliveries; what is said now concerns the last.
        return rows

    def _assembled(self, rows: Iterable[Row[Any]]) -> tuple[Tracked, ...]:
        rows = list(rows)
        heard: dict[int, set[Event]] = {row.id: set() for row in rows}
        if not heard:
            return ()
        # A list is spelled out anew for each length; most often it is one.
        one = len(heard) == 1
        query, values = (_HEARD_OF, {"this": next(iter(heard))}) if one else (_HEARD, {"these": list(heard)})
        for found in self._session.connection.execute(query, values):
            heard[found.delivery].add(_event(found))
        if not one:
            _share_answers(rows, heard)
        return tuple(
            Tracked(row.message_id, row.direction, row.created_at, _delivery(row, heard[row.id] | set(_moves(row))))
            for row in rows
        )

    def _keep(self, delivery_id: int, statement: Statement, after: Delivery) -> None:
        connection = self._session.connection
        _ADD_STATEMENT.run(connection, {"delivery": delivery_id, **_statement_row(statement)})
        shown = after.shown
        values = {"its_handling": str(shown.handling), "its_change": str(shown.change), "its_asked": shown.asked}
        _SHOW.run(connection, {"this": delivery_id, **values, "doubted": bool(shown.contradictions)})

    def _journal(self, document_id: str, recipient: str, statement: Statement, effects: tuple[Effect, ...]) -> None:
        kinds = ",".join(dict.fromkeys(effect.kind for effect in effects)) or None
        self._session.journal.add(
            "status.recorded",
            {
                "document_id": document_id,
                "recipient": recipient,
                "unit": statement.speaker.unit,
                "code": statement.code,
                "basis": statement.speaker.basis,
                "effect": kinds,
            },
        )


def _bound(document_id: str, recipient: str, statement: Statement) -> None:
    for name, value in (("document_id", document_id), ("recipient", recipient), ("code", statement.code)):
        require_id(value, name)
    require_id(statement.speaker.unit, "unit")
    if len(statement.description or "") > MAX_DESCRIPTION:
        raise LimitExceeded(
            Text(
                f"Diễn giải dài hơn {MAX_DESCRIPTION} ký tự.",
                f"The description has more than {MAX_DESCRIPTION} characters.",
            ),
            hint=Text("Yêu cầu bên gửi rút gọn diễn giải.", "Ask the sender for a shorter one."),
            code="EDX-LIMIT-DESCRIPTION",
        )


def _delivery(row: Row[Any], events: Iterable[Event]) -> Delivery:
    return assemble(row.document_id, row.issuer, row.recipient, frozenset(events))


def _share_answers(rows: list[Row[Any]], heard: dict[int, set[Event]]) -> None:
    """Let what a recipient says of a document answer every attempt to send it, up to a refusal or an agreed recall.

    Statuses name the document and not the message, and a recipient shows the repeats of a document once: its words
    stand for all of them. After a 02 or 15 the document is shown anew, and the next attempt is answered for itself.
    """
    runs: dict[tuple[str, str, str], list[list[int]]] = {}
    for row in rows:
        if row.direction == "out":
            attempts = runs.setdefault((row.document_id, row.issuer, row.recipient), [[]])
            attempts[-1].append(row.id)
            shown = _delivery(row, heard[row.id]).shown
            if shown.handling in _GIVEN_BACK or shown.change is Change.AGREED:
                attempts.append([])
    for run in (run for attempts in runs.values() for run in attempts if len(run) > 1):
        said = {event for row_id in run for event in heard[row_id] if isinstance(event, Statement)}
        for row_id in run:
            heard[row_id] |= said


_GIVEN_BACK = (Handling.REJECTED, Handling.RETURNED)


def _direction(code: str, *, own: bool) -> str:
    return "in" if own == (code in RECIPIENT_CODES) else "out"


def _carries_document(row: Row[Any]) -> bool:
    return bool(row.direction == "in" or (row.kind == "document" and row.business not in {"withdraw", "update"}))


def _moves(row: Row[Any]) -> list[Moved]:
    if row.direction == "in":
        return [Moved(Passage.ARRIVED, row.created_at)]
    queued = Moved(Passage.QUEUED, row.queued_at, row.round)
    if row.state == "queued":
        return [queued]
    return [queued, Moved(_PASSAGES[row.state], row.settled_at, row.round, row.reason)]


def _event(row: Row[Any]) -> Event:
    if row.code == EXPIRED:
        return Moved(Passage.EXPIRED, row.claimed_at, int(row.description))
    return Statement(
        code=row.code,
        speaker=Speaker(row.unit, row.voice_of, Basis(row.basis)),
        claimed_at=row.claimed_at,
        description=row.description,
        arrived_at=row.arrived_at,
    )


def _expiry_row(row: Row[Any], now: datetime) -> dict[str, Any]:
    own = {"unit": row.issuer, "voice_of": row.issuer, "basis": Basis.OWN}
    return {
        **own,
        "delivery": row.id,
        "fingerprint": f"{EXPIRED}-{row.round}",
        "code": EXPIRED,
        "claimed_at": now,
        "description": str(row.round),
        "arrived_at": now,
    }


def _statement_row(statement: Statement) -> dict[str, Any]:
    speaker = statement.speaker
    content = {
        "code": statement.code,
        "unit": speaker.unit,
        "voice_of": speaker.voice_of,
        "basis": str(speaker.basis),
        "claimed_at": moment_text(statement.claimed_at),
        "description": statement.description,
    }
    fingerprint = hashlib.sha256(canonical(dict(content)).encode()).hexdigest()
    return {
        **content,
        "claimed_at": statement.claimed_at,
        "fingerprint": fingerprint,
        "arrived_at": statement.arrived_at,
    }
