"""Deadlines: what should have been sent, accepted, answered or finished by now.

QĐ 28/2018 Điều 6: sent on the day of signing, at the latest the next working morning; urgent right after signing.
NĐ 30/2020 Điều 21.2: received documents are acknowledged the same day; the due date is the issuer's.
"""

from __future__ import annotations

import csv
import importlib.resources
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from edocx.clock import VIETNAM, in_vietnam
from edocx.content import Blob
from edocx.documents import Urgency
from edocx.errors import InputError, Text
from edocx.office.desk import Desk
from edocx.office.issuing import ISSUED
from edocx.office.received import RECEIVED, own_id
from edocx.office.sending import derived_id
from edocx.routing.dossier import Filed
from edocx.routing.inbox import IncomingState
from edocx.routing.transaction import Transaction
from edocx.routing.transitions import TAKEN, Handling, Passage

NOON = time(12, 0)
"""The end of the morning by which a document signed the day before must have left."""

AT_ONCE = timedelta(minutes=30)
"""What “right after signing” and “on arrival” are taken to mean for urgent documents; the law gives no number."""

LOOKED_BACK = timedelta(days=90)
"""How old the documents are whose missed deadlines are still noted: longer than any deadline of the law."""

LOOK = timedelta(minutes=10)
"""How often a working office looks whether a deadline passed."""

MISSED = "deadline-missed"
"""The dossier's state of a note that a deadline passed unmet."""

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked: Monday to Friday, less ``off``, plus ``on`` (days worked in exchange)."""

    off: frozenset[date] = frozenset()
    on: frozenset[date] = frozenset()

    @classmethod
    def from_csv(cls, text: str, *, where: str = "holidays.csv") -> WorkingCalendar:
        """Read a calendar with the columns date (ISO), kind (off or on), name, source; raise `InputError`."""
        days: dict[str, set[date]] = {"off": set(), "on": set()}
        for line, row in enumerate(csv.DictReader(text.splitlines()), 2):
            try:
                days[row["kind"]].add(date.fromisoformat(row["date"]))
            except (KeyError, ValueError, TypeError) as error:
                raise InputError(
                    Text("Lịch làm việc có dòng sai.", "The working calendar has a faulty line."),
                    hint=Text(
                        "Mỗi dòng: date (năm-tháng-ngày), kind (off|on), name, source.",
                        "Each line: date (year-month-day), kind (off|on), name, source.",
                    ),
                    code="EDX-CALENDAR-LINE",
                    where=f"{where}:{line}",
                ) from error
        return cls(frozenset(days["off"]), frozenset(days["on"]))

    @classmethod
    def shipped(cls) -> WorkingCalendar:
        """Return the calendar that comes along: the public holidays whose dates were known when it was made."""
        return cls.from_csv(importlib.resources.files(__package__).joinpath("data/holidays.csv").read_text("utf-8"))

    def is_worked(self, day: date) -> bool:
        """Tell whether a day is worked."""
        return day in self.on or (day.weekday() < _SATURDAY and day not in self.off)

    def next_worked(self, day: date) -> date:
        """Return the first worked day after a day."""
        following = day + timedelta(days=1)
        while not self.is_worked(following):
            following += timedelta(days=1)
        return following


class Duty(StrEnum):
    """What should have been done."""

    SEND = "send"
    ARRIVE = "arrive"
    ACCEPT = "accept"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something not done in time; ``unit`` is the recipient of what was sent, the issuer of what came."""

    duty: Duty
    document_id: str
    unit: str | None
    due: datetime


def send_by(signed_at: datetime, urgency: Urgency, calendar: WorkingCalendar) -> datetime:
    """Return by when a document signed at a moment must have left (QĐ 28/2018 Điều 6)."""
    if urgency > Urgency.NORMAL:
        return signed_at + AT_ONCE
    day = in_vietnam(signed_at).date()
    return datetime.combine(calendar.next_worked(day), NOON, VIETNAM)


def accept_by(arrived_at: datetime, urgency: Urgency, calendar: WorkingCalendar) -> datetime:
    """Return by when a document that arrived must be accepted or refused: the same day, if that is worked.

    NĐ 30/2020 Điều 21.2; an urgent one on arrival, whatever the day.
    """
    if urgency > Urgency.NORMAL:
        return arrived_at + AT_ONCE
    day = in_vietnam(arrived_at).date()
    return _end_of(day if calendar.is_worked(day) else calendar.next_worked(day))


def overdue(desk: Desk, calendar: WorkingCalendar) -> tuple[Overdue, ...]:
    """Return what is past its deadline now, the longest overdue first; nothing is changed."""
    with desk.store.read() as transaction:
        return tuple(_late(transaction, calendar, desk.clock.now()))


def calendar_of(desk: Desk) -> WorkingCalendar:
    """Return the office's calendar: its own file, else the shipped one."""
    place = desk.config.calendar
    if place is None:
        return WorkingCalendar.shipped()
    return WorkingCalendar.from_csv(Blob.from_path(place).read().decode("utf-8", "replace"), where=str(place))


def note_missed(desk: Desk) -> tuple[Overdue, ...]:
    """Write a line of negative evidence for every deadline that passed unmet and has none yet; return those.

    The line names duty, document, unit and due moment. It stays when the duty is done later: that it was late is a
    fact. Only what began within `LOOKED_BACK` is looked at, so that an old store is not read whole.
    """
    since = desk.clock.now() - LOOKED_BACK
    with desk.store.read() as transaction:
        found = _late(transaction, calendar_of(desk), desk.clock.now(), since=since)
        new = [one for one in found if transaction.documents.find(_key_of(one)) is None]
    if not new:
        return ()
    with desk.store.begin("missed") as transaction:
        for one in new:
            if transaction.documents.find(_key_of(one)) is None:
                about = {"duty": str(one.duty), "unit": one.unit, "due": one.due.isoformat()}
                transaction.documents.put(
                    _key_of(one), state=MISSED, metadata={"document_id": one.document_id, **about}
                )
                due = one.due.isoformat(timespec="seconds")
                transaction.journal(
                    "deadline.missed", document_id=one.document_id, unit=one.unit, code=str(one.duty), due=due
                )
    return tuple(new)


def missed(transaction: Transaction, document_id: str) -> tuple[Overdue, ...]:
    """Return the deadlines of a document that were missed, each with its due moment, whatever happened later."""
    deliveries = [tracked.delivery for tracked in transaction.deliveries.of_document(document_id)]
    units = {unit for delivery in deliveries for unit in (delivery.recipient, delivery.issuer)}
    keys = (_key(duty, document_id, unit) for duty in Duty for unit in (None, *units))
    notes = (filed.metadata for key in keys if (filed := transaction.documents.find(key)) is not None)
    duties = (
        Overdue(Duty(note["duty"]), document_id, note["unit"], datetime.fromisoformat(note["due"])) for note in notes
    )
    return tuple(sorted(duties, key=lambda one: (one.due, one.duty, one.unit or "")))


def _key(duty: Duty, document_id: str, unit: str | None) -> str:
    return f"qua-han.{derived_id(duty, document_id, unit or '')}"


def _key_of(one: Overdue) -> str:
    return _key(one.duty, one.document_id, one.unit)


def _late(
    transaction: Transaction, calendar: WorkingCalendar, now: datetime, *, since: datetime | None = None
) -> list[Overdue]:
    found = [
        *_outgoing(transaction, calendar, since),
        *_waiting(transaction, calendar),
        *_unfinished(transaction, since),
    ]
    late = (one for one in found if one.due < now)
    return sorted(late, key=lambda one: (one.due, one.document_id, one.unit or ""))


def _outgoing(transaction: Transaction, calendar: WorkingCalendar, since: datetime | None) -> Iterator[Overdue]:
    for filed in transaction.documents.in_state(ISSUED, since=since):
        if filed.document_id is None or "recalled" in filed.metadata:
            continue
        urgency = Urgency(filed.metadata["draft"].get("urgency", 0))
        due = send_by(filed.changed_at, urgency, calendar)
        sent = [t for t in transaction.deliveries.of_document(filed.document_id) if t.direction == "out"]
        if not sent:
            yield Overdue(Duty.SEND, filed.document_id, None, due)
        for tracked in sent:
            shown, unit = tracked.delivery.shown, tracked.delivery.recipient
            if shown.passage in {Passage.QUEUED, Passage.DEAD}:
                yield Overdue(Duty.SEND, filed.document_id, unit, due)
            elif shown.handling in {Handling.NONE, Handling.ARRIVED}:
                duty = Duty.ARRIVE if shown.handling is Handling.NONE else Duty.ACCEPT
                yield Overdue(duty, filed.document_id, unit, accept_by(tracked.created_at, urgency, calendar))


def _waiting(transaction: Transaction, calendar: WorkingCalendar) -> Iterator[Overdue]:
    for message in transaction.inbox.in_state(IncomingState.PRESENTED, IncomingState.QUARANTINED):
        filed = transaction.documents.find(own_id(message))
        urgency = Urgency(_within(filed.metadata["urgency"] if filed else message.urgency))
        issuer = filed.metadata["issuer"] if filed else message.sender
        document_id = message.document_id or message.message_id
        yield Overdue(Duty.ACCEPT, document_id, issuer, accept_by(message.arrived_at, urgency, calendar))


def _unfinished(transaction: Transaction, since: datetime | None) -> Iterator[Overdue]:
    for filed in _with_due_date(transaction.documents.in_state(RECEIVED, since=since)):
        meta = filed.metadata
        held = [
            t for t in transaction.deliveries.of_document(meta["document_id"]) if t.message_id == meta["message_id"]
        ]
        if any(t.delivery.shown.handling in set(TAKEN) - {Handling.COMPLETED} for t in held):
            yield Overdue(
                Duty.FINISH, meta["document_id"], meta["issuer"], _end_of(date.fromisoformat(meta["due_date"]))
            )


def _with_due_date(filed: Iterable[Filed]) -> Iterator[Filed]:
    return (one for one in filed if one.metadata["due_date"])


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), VIETNAM)


def _within(urgency: int | None) -> int:
    # Peers write 5 for “thường” (spec/edxml.md §6.4): what is no urgency is none.
    return urgency if urgency is not None and 0 <= urgency <= max(Urgency) else 0
