"""The fate of a document at one recipient, as a pure function of the events heard of it.

Three regions run side by side: the passage (queued to arrived, or dead), the handling at the recipient
(01-06) and a change the issuer asks for (13, withdrawal, update, replacement; answered by 15 or 16).
What is shown depends on the *set* of events only, never on the order in which they came: messages are
repeated, delayed and overtaken on their way (axis-http 1.8-1.9).

The steps themselves are data, in `edocx.routing.transitions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from edocx.errors import LimitExceeded, StateError, Text
from edocx.routing.transitions import (
    CHANGE,
    HANDLING,
    ISSUER_CODES,
    PASSAGE,
    RECALLS,
    RECIPIENT_CODES,
    TAKEN,
    Change,
    Handling,
    Passage,
    Step,
)

MAX_EVENTS = 2_000
"""Most events kept of one delivery: against a peer that floods one document with statuses."""


class Basis(StrEnum):
    """What shows that a statement comes from whom it names."""

    SEAL = "seal"
    HUB = "hub"
    OWN = "own"
    NOTHING = "nothing"


class EffectKind(StrEnum):
    """What an event did to the delivery."""

    REPEATED = "repeated"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    MOVED = "moved"
    CONTRADICTED = "contradicted"
    NOTED = "noted"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said something, and whose voice that counts as.

    Attributes:
        unit: the unit code that the statement names.
        voice_of: the unit it may speak for: itself, or a predecessor by the directory. The caller
            resolves successors; routing compares texts.
        basis: how the caller knows; with `Basis.NOTHING` a statement has no effect.
    """

    unit: str
    voice_of: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Moved:
    """The passage reached a step, in attempt number ``round`` (a dead letter sent anew starts the next)."""

    passage: Passage
    at: datetime
    round: int = 1
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A status or a request for change, as somebody stated it.

    Attributes:
        code: "01"… as on the wire, kept as text, or "withdraw", "update", "replace" for a message of
            that business action.
        speaker: who said it.
        claimed_at: the speaker's time; the order among statements.
        description: free text, such as the reason for 02.
        arrived_at: when it reached us; takes no part in equality, since a repeat arrives later.
    """

    code: str
    speaker: Speaker
    claimed_at: datetime
    description: str | None
    arrived_at: datetime = field(compare=False)


Event = Moved | Statement


class Effect(NamedTuple):
    """One thing that an event did; ``detail`` is a state, a code or a contradiction's code."""

    kind: EffectKind
    detail: str


class Contradiction(NamedTuple):
    """Two things said that cannot both be so."""

    code: str
    first: str
    then: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a clerk sees: a function of the set of events."""

    passage: Passage = Passage.QUEUED
    reason: str | None = None
    handling: Handling = Handling.NONE
    change: Change = Change.NONE
    asked: str | None = None
    contradictions: tuple[Contradiction, ...] = ()
    notes: tuple[str, ...] = ()
    foreign: tuple[Statement, ...] = ()
    unknown: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document on its way to one recipient.

    Attributes:
        document_id: the wire's DocumentId.
        issuer: unit code; only it may ask for changes.
        recipient: unit code; only it may state 01-06, 15, 16.
        events: everything heard.
        shown: what follows from them; always ``show`` of the rest.
    """

    document_id: str
    issuer: str
    recipient: str
    events: frozenset[Event] = frozenset()
    shown: Shown = Shown()


def advance(delivery: Delivery, event: Event) -> tuple[Delivery, tuple[Effect, ...]]:
    """Add an event to what is known of a delivery; return the delivery after it, and what it did.

    A repeat changes nothing. Raises `LimitExceeded` past `MAX_EVENTS`.
    """
    if event in delivery.events:
        return delivery, (Effect(EffectKind.REPEATED, _name(event)),)
    if len(delivery.events) >= MAX_EVENTS:
        raise LimitExceeded(
            Text(
                f"Một lượt chuyển đã có {MAX_EVENTS} sự kiện; không nhận thêm.",
                f"One delivery has {MAX_EVENTS} events already; no more are taken.",
            ),
            hint=Text(
                "Hệ thống bên nhận gửi trạng thái lặp vô hạn: liên hệ bên nhận.",
                "The recipient's system sends statuses without end: contact the recipient.",
            ),
            code="EDX-LIMIT-EVENTS",
        )
    before = delivery.shown
    after = assemble(delivery.document_id, delivery.issuer, delivery.recipient, delivery.events | {event})
    return after, _effects(before, after.shown, event)


def assemble(document_id: str, issuer: str, recipient: str, events: frozenset[Event]) -> Delivery:
    """Build a delivery from everything heard of it, in no particular order."""
    bare = Delivery(document_id, issuer, recipient, events)
    return replace(bare, shown=_show(bare))


def require_consistent(delivery: Delivery, statement: Statement) -> None:
    """Raise `StateError` when our own office is about to state what its earlier statements rule out.

    Others' contradictions are recorded and shown; our own are not made. A step that changes nothing,
    such as accepting twice, is refused too.
    """
    after, effects = advance(delivery, statement)
    if any(effect.kind is EffectKind.MOVED for effect in effects) and (
        after.shown.contradictions == delivery.shown.contradictions
    ):
        return
    raise StateError(
        Text(
            f"Không thể báo trạng thái {statement.code}: xử lý văn bản: {delivery.shown.handling.label.vi}"
            f"; yêu cầu thay đổi: {delivery.shown.change.label.vi}.",
            f"Status {statement.code} cannot be stated: handling of the document: {delivery.shown.handling.label.en}; "
            f"change request: {delivery.shown.change.label.en}.",
        ),
        hint=Text(
            "Xem lại lịch sử trạng thái của văn bản trước khi thao tác.",
            "Look at the document's history before acting on it.",
        ),
        code="EDX-STATE-STEP",
        where=delivery.document_id,
    )


def counts(delivery: Delivery, statement: Statement) -> bool:
    """Tell whether a statement comes, authenticated, from the unit whose word it is to say."""
    speaker = statement.speaker
    if speaker.basis is Basis.NOTHING:
        return False
    if statement.code in RECIPIENT_CODES:
        return speaker.voice_of == delivery.recipient
    if statement.code in ISSUER_CODES:
        return speaker.voice_of == delivery.issuer
    return speaker.voice_of in {delivery.recipient, delivery.issuer}


def _show(delivery: Delivery) -> Shown:
    statements = sorted((event for event in delivery.events if isinstance(event, Statement)), key=_order)
    valid = [statement for statement in statements if counts(delivery, statement)]
    known = [statement for statement in valid if statement.code in RECIPIENT_CODES + ISSUER_CODES]
    fold = _Fold()
    for statement in known:
        fold.take(statement)
    fold.finish()
    passage, reason, doubts = _passage(delivery, valid)
    return Shown(
        passage=passage,
        reason=reason,
        handling=fold.handling,
        change=fold.change,
        asked=fold.asked,
        contradictions=(*doubts, *fold.contradictions),
        notes=tuple(fold.notes),
        foreign=tuple(statement for statement in statements if not counts(delivery, statement)),
        unknown=tuple(statement for statement in valid if statement not in known),
    )


def _passage(delivery: Delivery, valid: list[Statement]) -> tuple[Passage, str | None, tuple[Contradiction, ...]]:
    moves = [event for event in delivery.events if isinstance(event, Moved)]
    last = max((move.round for move in moves), default=1)
    in_round = {move.passage: move for move in sorted(moves, key=_move_order) if move.round == last}
    # Any word from the recipient is proof that the document reached it, whatever the axis said.
    spoken = any(statement.speaker.voice_of == delivery.recipient for statement in valid)
    arrived = spoken or any(move.passage is Passage.ARRIVED for move in moves)
    heard = [passage for passage in Passage if passage in in_round and passage is not Passage.ARRIVED]
    state, reason, doubts = Passage.QUEUED, None, []
    for passage in [*heard, *([Passage.ARRIVED] if arrived else [])]:
        step = PASSAGE[state, passage]
        if step.contradiction:
            doubts.append(Contradiction(step.contradiction, state, passage))
        state = Passage(step.to)
    if state in in_round:
        reason = in_round[state].reason
    return state, reason, tuple(doubts)


class _Fold:
    """The recipient's and issuer's statements in the order of their own times."""

    def __init__(self) -> None:
        self.handling = Handling.NONE
        self.change = Change.NONE
        self.asked: str | None = None
        self.contradictions: list[Contradiction] = []
        self.notes: list[str] = []
        self._last: dict[str, str] = {}
        self._early: list[Statement] = []

    def take(self, statement: Statement) -> None:
        code = statement.code
        if code in ISSUER_CODES:
            self._move_change(code)
            self.asked = code
            early, self._early = self._early, []
            for answer in early:
                # Two machines' clocks: an answer stamped before its request still answers it.
                self.notes.append("EDX-STATE-CLOCKS-DIFFER")
                self._move_change(answer.code)
        elif code in {"15", "16"}:
            if self.change is Change.NONE:
                self._early.append(statement)
            else:
                self._move_change(code)
        elif self._answers_recall(code):
            # Some systems answer a recall with 03 or 02 (spec/law #43): read in the request's context.
            self.notes.append("EDX-STATE-READ-IN-CONTEXT")
            self._move_change("15" if code == "03" else "16")
        else:
            step = HANDLING[self.handling, code]
            self._note(step, "handling", code)
            self.handling = Handling(step.to)

    def finish(self) -> None:
        for answer in self._early:
            self._move_change(answer.code)

    def _answers_recall(self, code: str) -> bool:
        recalled = self.change is Change.ASKED and self.asked in RECALLS
        return recalled and code in {"02", "03"} and self.handling in TAKEN

    def _move_change(self, code: str) -> None:
        step = CHANGE[self.change, code]
        self._note(step, "change", code)
        self.change = Change(step.to)

    def _note(self, step: Step, region: str, code: str) -> None:
        if step.contradiction:
            self.contradictions.append(Contradiction(step.contradiction, self._last.get(region, ""), code))
        self._last[region] = code


def _effects(before: Shown, after: Shown, event: Event) -> tuple[Effect, ...]:
    effects: list[Effect] = []
    if isinstance(event, Statement) and event in after.foreign:
        effects.append(Effect(EffectKind.FOREIGN, event.code))
    if isinstance(event, Statement) and event in after.unknown:
        effects.append(Effect(EffectKind.UNKNOWN, event.code))
    regions: tuple[Callable[[Shown], str], ...] = (
        lambda shown: shown.passage,
        lambda shown: shown.handling,
        lambda shown: shown.change,
    )
    effects += [Effect(EffectKind.MOVED, region(after)) for region in regions if region(after) != region(before)]
    effects += [
        Effect(EffectKind.CONTRADICTED, contradiction.code)
        for contradiction in after.contradictions
        if contradiction not in before.contradictions
    ]
    effects += [Effect(EffectKind.NOTED, note) for note in after.notes if note not in before.notes]
    return tuple(effects)


def _name(event: Event) -> str:
    match event:
        case Moved():
            return event.passage
        case Statement():
            return event.code
        case _:
            assert_never(event)


def _order(statement: Statement) -> tuple[datetime, int, str, str, str, str, str]:
    # 02 last among equals: wire times have whole seconds, and a refusal in the same second as a
    # machine's 01 came after it.
    rank = 2 if statement.code == "02" else 0 if statement.code in ISSUER_CODES else 1
    speaker = statement.speaker
    tail = (statement.code, speaker.unit, speaker.voice_of, speaker.basis, repr(statement.description))
    return (statement.claimed_at, rank, *tail)


def _move_order(move: Moved) -> tuple[datetime, str]:
    return (move.at, move.reason or "")
