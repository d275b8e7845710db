"""The registers (sổ văn bản đi, đến): numbers per unit, series and year, each used once or voided.

NĐ 30/2020 Điều 15: numbers run from 01 on 1 January to 31 December; Điều 22: arrival numbers run by year.
A number is reserved, then issued or voided with its reason; it never serves a second document.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from edocx.errors import StateError, Text
from edocx.routing.journal import Id
from edocx.routing.session import Session
from edocx.routing.store import tables
from edocx.routing.store.prepared import Prepared
from edocx.routing.store.upsert import upsert

_books = tables.books
_register = tables.register

# Made once: building a statement costs more than running it.
_TAKE_NEXT = Prepared(
    upsert(_books)
    .values(unit=bindparam("unit"), series=bindparam("series"), year=bindparam("year"), next_number=2)
    .on_conflict_do_update(index_elements=["unit", "series", "year"], set_={"next_number": _books.c.next_number + 1})
    .returning(_books.c.next_number - 1)
)
_HELD = select(_register).where(
    _register.c.unit == bindparam("its_unit"),
    _register.c.series == bindparam("its_series"),
    _register.c.year == bindparam("its_year"),
    _register.c.document == bindparam("its_document"),
    _register.c.state != literal_column("'voided'"),
)
_THIS = (
    (_register.c.unit == bindparam("its_unit"))
    & (_register.c.series == bindparam("its_series"))
    & (_register.c.year == bindparam("its_year"))
    & (_register.c.number == bindparam("its_number"))
)
_FIND = select(_register).where(_THIS)
_DROP = delete(_register).where(_THIS)
_IS_HELD = Prepared(_HELD.with_only_columns(_register.c.number))
_MOVE = Prepared(
    update(_register)
    .where(_THIS, _register.c.document == bindparam("its_document"), _register.c.state == "reserved")
    .values(state=bindparam("to"), reason=bindparam("because"), changed_at=bindparam("at"))
)


class NumberState(StrEnum):
    """What became of a number."""

    RESERVED = "reserved"
    ISSUED = "issued"
    VOIDED = "voided"
    MISSING = "missing"
    """Given out before the store was restored from a backup; whom it serves only paper or the recipients know."""


MOST_MISSING = 10_000
"""How many numbers a book may go on without: more than an office gives out between two backups, fewer than a slip
of the keyboard leaves for ever."""


class RegisterEntry(NamedTuple):
    """One line of a register.

    Attributes:
        unit: whose register.
        series: which book of the unit, such as ``di/QĐ-UBND`` or ``den``; the caller names them.
        year: the calendar year in Vietnam's zone.
        number: from 1.
        document: the id of the document (or incoming message) it belongs to.
        state: reserved, issued, voided, or missing since a restore.
        reason: why it was voided, or is missing.
        reserved_at: when the number was taken.
        changed_at: when it was issued or voided.
    """

    unit: str
    series: str
    year: int
    number: int
    document: str
    state: NumberState
    reason: str | None
    reserved_at: datetime
    changed_at: datetime


_ADD = Prepared(insert(_register), RegisterEntry._fields)


class Register:
    """The registers within one transaction; the write lock makes concurrent processes take turns."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def reserve(self, unit: str, series: str, year: int, document: str) -> RegisterEntry:
        """Take the next number for a document; a document that holds one already keeps it."""
        held = self.held_by(unit, series, year, document)
        if held is not None:
            return held
        book = {"unit": unit, "series": series, "year": year}
        taken = _TAKE_NEXT.first(self._session.connection, book)
        assert taken is not None
        (number,) = taken
        now = self._session.now
        entry = RegisterEntry(unit, series, year, number, document, NumberState.RESERVED, None, now, now)
        _ADD.run(self._session.connection, entry._asdict())
        self._journal("number.reserved", entry)
        return entry

    def issue(self, entry: RegisterEntry) -> RegisterEntry:
        """Mark a reserved number as issued; a repeat is absorbed, a voided one raises `StateError`."""
        return self._move(entry, NumberState.ISSUED, None)

    def void(self, entry: RegisterEntry, reason: str) -> RegisterEntry:
        """Mark a reserved number as voided, with the reason that the register will show.

        Raises `StateError` for a number that was issued: an issued document is withdrawn, not unnumbered.
        """
        if not reason.strip():
            raise _wrong_step(entry, Text("Hủy số phải có lý do.", "Voiding a number needs a reason."))
        return self._move(entry, NumberState.VOIDED, reason)

    def start_at(self, unit: str, series: str, year: int, number: int) -> None:
        """Let a book go on from ``number``: a register begun on paper, or reconciled after a restore.

        Raises `StateError` for a number not above those given out: books never run backwards.
        """
        row = self._next_of(unit, series, year)
        if number < (row or 1):
            raise StateError(
                Text(
                    f"Sổ đã dùng đến số {(row or 1) - 1}; không thể lùi về {number}.",
                    f"The book has given out numbers up to {(row or 1) - 1}; it cannot go back to {number}.",
                ),
                hint=Text("Chọn số lớn hơn.", "Choose a higher number."),
                code="EDX-REGISTER-BACKWARDS",
                where=f"{series} {year}",
            )
        self._set_next(unit, series, year, number, known=row is not None)
        self._session.journal.add("book.continued", {"unit": unit, "series": series, "year": year, "number": number})

    def recover(self, unit: str, series: str, year: int, number: int, document: str) -> RegisterEntry:
        """Enter a number that was given out before this store was restored; the book goes on after it.

        A number that is entered already stays as it is, and is issued if it was reserved; one that was missing is
        found.
        """
        place = {"its_unit": unit, "its_series": series, "its_year": year, "its_number": number}
        row = self._session.connection.execute(_FIND, place).one_or_none()
        if row is not None and row.state != NumberState.MISSING:
            entry = _entry(row)
            return self.issue(entry) if entry.state is NumberState.RESERVED else entry
        now = self._session.now
        entry = RegisterEntry(unit, series, year, number, document, NumberState.ISSUED, None, now, now)
        if row is not None:
            self._session.connection.execute(_DROP, place)
        _ADD.run(self._session.connection, entry._asdict())
        known = self._next_of(unit, series, year)
        self._set_next(unit, series, year, max(known or 1, number + 1), known=known is not None)
        self._journal("number.recovered", entry)
        return entry

    def note_missing(self, unit: str, series: str, year: int, since: int, reason: str) -> tuple[int, ...]:
        """Enter every number from ``since`` to the book's end that has no line; return those that were entered.

        Raises `StateError` when they are more than `MOST_MISSING`. Done twice it comes to the same.
        """
        there = {entry.number for entry in self.entries(unit, series, year)}
        numbers = range(since, self._next_of(unit, series, year) or since)
        if len(numbers) - sum(number in numbers for number in there) > MOST_MISSING:
            raise StateError(
                Text(
                    f"Sổ sẽ bỏ trống hơn {MOST_MISSING} số.",
                    f"The book would go on without more than {MOST_MISSING} numbers.",
                ),
                hint=Text("Xem lại số đi kế tiếp.", "Look at the next number again."),
                code="EDX-REGISTER-GAP",
                where=f"{series} {year}",
            )
        missing = tuple(number for number in numbers if number not in there)
        now = self._session.now
        for number in missing:
            entry = RegisterEntry(
                unit, series, year, number, f"missing.{number}", NumberState.MISSING, reason, now, now
            )
            _ADD.run(self._session.connection, entry._asdict())
            self._journal("number.missing", entry)
        return missing

    def next_numbers(self, unit: str) -> dict[tuple[str, int], int]:
        """Return the next number of every book of a unit, by series and year."""
        query = select(_books.c.series, _books.c.year, _books.c.next_number).where(_books.c.unit == unit)
        return {(row.series, row.year): row.next_number for row in self._session.connection.execute(query)}

    def held_by(self, unit: str, series: str, year: int, document: str) -> RegisterEntry | None:
        """Return the number a document holds in a book, voided ones left out."""
        place = {"its_unit": unit, "its_series": series, "its_year": year, "its_document": document}
        if _IS_HELD.first(self._session.connection, place) is None:
            return None
        return _entry(self._session.connection.execute(_HELD, place).one())

    def entries(self, unit: str, series: str, year: int) -> tuple[RegisterEntry, ...]:
        """Return a book from its first number on, voided numbers with their reasons."""
        query = (
            select(_register)
            .where(_register.c.unit == unit, _register.c.series == series, _register.c.year == year)
            .order_by(_register.c.number)
        )
        return tuple(_entry(row) for row in self._session.connection.execute(query))

    def _next_of(self, unit: str, series: str, year: int) -> int | None:
        query = select(_books.c.next_number).where(
            _books.c.unit == unit, _books.c.series == series, _books.c.year == year
        )
        return self._session.connection.execute(query).scalar_one_or_none()

    def _set_next(self, unit: str, series: str, year: int, number: int, *, known: bool) -> None:
        if known:
            self._session.connection.execute(
                update(_books)
                .where(_books.c.unit == unit, _books.c.series == series, _books.c.year == year)
                .values(next_number=number)
            )
        else:
            row = {"unit": unit, "series": series, "year": year, "next_number": number}
            self._session.connection.execute(insert(_books), row)

    def _move(self, entry: RegisterEntry, to: NumberState, reason: str | None) -> RegisterEntry:
        now = self._session.now
        unit, series, year, number, document = entry[:5]
        place = {"its_unit": unit, "its_series": series, "its_year": year, "its_number": number}
        change = {"its_document": document, "to": to, "because": reason, "at": now}
        if _MOVE.run(self._session.connection, {**place, **change}) == 1:
            moved = entry._replace(state=to, reason=reason, changed_at=now)
            self._journal(f"number.{to}", moved)
            return moved
        row = self._session.connection.execute(_FIND, place).one_or_none()
        if row is not None and row.state == to and row.document == document:
            return _entry(row)
        raise _wrong_step(
            entry,
            Text(
                f"Số {number} không còn được giữ chỗ cho văn bản này.",
                f"Number {number} is not reserved for this document.",
            ),
        )

    def _journal(self, event: str, entry: RegisterEntry) -> None:
        place: dict[str, Id] = {"unit": entry.unit, "series": entry.series, "year": entry.year}
        self._session.journal.add(event, {**place, "number": entry.number, "document": entry.document})


def _entry(row: Any) -> RegisterEntry:
    return RegisterEntry(**{**row._asdict(), "state": NumberState(row.state)})


def _wrong_step(entry: RegisterEntry, text: Text) -> StateError:
    return StateError(
        text,
        hint=Text("Xem dòng này trong sổ văn bản.", "Look at this line of the register."),
        code="EDX-REGISTER-STATE",
        where=f"{entry.series} {entry.year} {entry.number}",
    )
