"""The axis' own list of agencies, in its four layouts, taken in as what it is: what the axis says on a day.

``getAgenciesList`` (code, oldCode), ``getAgenciesListQD20`` (code, code102), ``getSynchronizeUnit``
(deleted, centerCode) and LGSP's list (orgCode, orgName, parentCode).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from edocx.errors import EdocxError, Text
from edocx.units.bulk import Imported, combine
from edocx.units.history import FIELDS, Span, UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.precedence import closing
from edocx.units.record import BadValue, RecordReader
from edocx.units.table import Fault, Faults, FaultyTable, decode
from edocx.units.unit import LOCAL, NO_CONTACT, SIGNED, Contact, Unit, day_of
from edocx.units.unit_id import Scheme, UnitId

_NAMES = {
    "code": ("code", "orgCode"),
    "name": ("name", "orgName"),
    "mail": ("mail", "email"),
    "code102": ("code102", "oldCode"),
    "parent": ("pid", "parentCode"),
    "id": ("id",),
    "phone": ("phone", "mobile"),
    "address": ("address",),
}
_CODE, _CODE102, _CONTACT = FIELDS.index("code"), FIELDS.index("code102"), FIELDS.index("contact")


class _Stale(Exception):
    """A row of the list whose code was closed: passed over, with the reason."""

    def __init__(self, code: UnitId, why: Text) -> None:
        super().__init__(why.en)
        self.code, self.why = code, why


def take_in_agencies(base: MemoryDirectory, data: bytes, *, now: datetime, where: str | None = None) -> Imported:
    """Read the axis' list into a new directory, valid from the day of ``now``.

    A row whose code the directory knows on that day adds the other spelling (a recorded pair) and the
    e-mail; a row it does not know becomes a unit of its own, without a level, marked local. Names stay as
    the directory has them; rows marked deleted are passed over, since a closing needs its decree. The list has no
    dates and goes on naming what was closed: such rows are left out and stand in ``left_out``. A row whose two codes
    are two units' is a fault. Raises `FaultyTable`; the line of a fault is the row's number in the list.
    """
    rows = _rows(data, where)
    reader, faults = RecordReader(LOCAL), Faults()
    made: dict[str, tuple[int, UnitHistory]] = {}
    own: dict[str, str] = {}
    waiting: list[tuple[int, str, str]] = []
    stale: list[tuple[str, Text]] = []
    for line, row in enumerate(rows, start=1):
        try:
            if _get(row, "deleted") is True:
                continue
            history = _agency(base, row, reader, now)
        except _Stale as closed:
            stale.append((closed.code.code, closed.why))
            continue
        except BadValue as bad:
            faults.append(Fault(line, bad.column, bad.code, bad.text))
            continue
        if history.identity in made:
            earlier = made[history.identity][0]
            why = Text(f"cùng đơn vị với mục {earlier}.", f"the same unit as entry {earlier}.")
            faults.append(Fault(line, "code", "EDX-UNITS-TWICE", why))
        made[history.identity] = (line, history)
        own[str(_get(row, "id") or _get(row, "code"))] = history.identity
        parent = _get(row, "parent")
        if parent and base.history(history.identity) is None:
            waiting.append((line, history.identity, str(parent)))
    for _, identity, parent in waiting:
        _place_under(made, identity, own.get(parent))
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    source = f"axis agency list, {day_of(now).isoformat()}"
    # What the list adds nothing to is nobody's new record.
    added = [one for one in made.values() if base.history(one[1].identity) is not one[1]]
    done = combine(base, added, [], now=now, source=source, where=where, left_out=tuple(stale))
    return replace(done, rows=len(made) + len(stale))


def _agency(base: MemoryDirectory, row: Any, reader: RecordReader, now: datetime) -> UnitHistory:
    if type(row) is not dict:
        raise BadValue("", "cần một đối tượng JSON.", "a JSON object is due.")
    codes: dict[Scheme, UnitId] = {}
    for column, given in _codes(row):
        if codes.setdefault(given.scheme, given) != given:
            raise _two_codes(column, codes[given.scheme], given)
    if not codes:
        raise BadValue("code", "thiếu mã.", "the code is missing.")
    day = day_of(now)
    mail, phone, address = (_text(reader, row, name) for name in ("mail", "phone", "address"))
    contact = Contact(address, mail, phone) if mail or phone or address else NO_CONTACT
    old = codes.pop(Scheme.QCVN102, None)
    code = next(iter(codes.values()), None)
    known = _known(base, code, old, day)
    if known is not None:
        return _with_pair(base, known, {_CODE: code, _CODE102: old}, contact, now)
    name = _text(reader, row, "name")
    if not name:
        raise BadValue("name", "thiếu tên đơn vị.", "the name is missing.")
    shown = (code or old or UnitId.parse("")).code.lower()
    facts: dict[str, Any] = {"code": code, "code102": old, "contact": contact}
    return UnitHistory.of(
        f"axis-{shown}-{day.isoformat()}",
        name=name,
        opened=day,
        source="axis agency list",
        authority=LOCAL,
        **{column: value for column, value in facts.items() if value is not None},
    )


def _known(base: MemoryDirectory, code: UnitId | None, old: UnitId | None, day: date) -> Unit | None:
    """Return the one unit that a row's codes mean; none of them may be another's or stand against its record.

    Whoever writes the code of one agency beside the spelling of another would have the one's mail set for the other.
    """
    given = [one for one in (code, old) if one is not None]
    units = [base.find(one, day) for one in given]
    known = next((unit for unit in units if unit is not None), None)
    if known is None:
        _require_open(base, given, day)
        return None
    for one, unit in zip(given, units, strict=True):
        if unit is not None and unit.identity != known.identity:
            raise _two_units(one, given[0], unit, known)
        recorded = known.code102 if one.scheme is Scheme.QCVN102 else known.code
        if recorded is not None and recorded != one:
            raise _two_codes("code102" if one is old else "code", recorded, one)
    # Its other code may only be what the rule makes of the one recorded, or one that nobody had before.
    _require_open(base, [one for one, unit in zip(given, units, strict=True) if unit is None], day)
    return known


def _require_open(base: MemoryDirectory, codes: list[UnitId], day: date) -> None:
    for code in codes:
        ended = [(end, history) for _, end, history in base.holdings(code) if end <= day]
        if ended:
            end, history = max(ended, key=lambda one: one[0])
            why = closing(base, history, code, end, day)
            raise _Stale(code, Text(f"bỏ qua: {why.vi}", f"left out: {why.en}"))


def _two_units(code: UnitId, first: UnitId, unit: Unit, known: Unit) -> BadValue:
    return BadValue(
        "code102" if code.scheme is Scheme.QCVN102 else "code",
        f"hai mã của hai đơn vị: {first} là của {known.label}, {code} là của {unit.label}; sửa dòng này, hoặc ghi cặp"
        " mã riêng của từng đơn vị trước.",
        f"its codes are two units': {first} is {known.label}'s, {code} is {unit.label}'s; mend the row, or record each"
        " unit's own pair first.",
        "EDX-UNITS-CODE-TWICE",
    )


def _two_codes(column: str, recorded: UnitId, code: UnitId) -> BadValue:
    return BadValue(
        column,
        f"hai mã không hợp nhau: đơn vị mang mã {recorded}, dòng này ghi {code}.",
        f"its codes do not agree: the unit's is {recorded}, the row says {code}.",
        "EDX-UNITS-CODE-TWICE",
    )


def _with_pair(
    base: MemoryDirectory, unit: Unit, codes: dict[int, UnitId | None], contact: Contact, now: datetime
) -> UnitHistory:
    """Return the known unit with what the axis adds: the other spelling and the e-mail, from that day on."""
    history = base.history(unit.identity)
    assert history is not None
    if history.authority == SIGNED:
        return history  # what is signed is not for this office to add to
    facts = list(history.facts)
    for place, code in codes.items():
        if code is not None and getattr(unit, FIELDS[place]) is None:
            facts[place] = _from_day(history, place, code, now)
    if contact is not NO_CONTACT and unit.contact != contact:
        facts[_CONTACT] = _from_day(history, _CONTACT, contact, now)
    if tuple(facts) == history.facts:
        return history
    return UnitHistory(
        history.identity,
        tuple(facts),
        opened=history.opened,
        closed=history.closed,
        source=history.source,
        authority=LOCAL,
        unverified=history.unverified,
        statistical_code=history.statistical_code,
        formerly=history.formerly,
    )


def _from_day(history: UnitHistory, place: int, value: Any, now: datetime) -> tuple[Span, ...]:
    day = day_of(now)
    kept = [
        span._replace(end=min(span.end, day))
        for span in history.spans_at(place)
        if span.start < day and span.value not in (None, NO_CONTACT)
    ]
    return (*kept, Span(value, max(day, history.opened), history.closed, source="axis agency list"))


def _place_under(made: dict[str, tuple[int, UnitHistory]], identity: str, parent: str | None) -> None:
    """Set the parent that the list names, where it is in the list; a parent elsewhere is not known."""
    if parent is None or parent == identity:
        return
    line, history = made[identity]
    facts = list(history.facts)
    facts[FIELDS.index("parent")] = parent
    made[identity] = (
        line,
        UnitHistory(identity, tuple(facts), opened=history.opened, source=history.source, authority=LOCAL),
    )


def _codes(row: dict[str, Any]) -> Iterator[tuple[str, UnitId]]:
    """Yield every code that a row states, under whichever name: none is passed over for another."""
    for column in ("code", "code102"):
        for name in _NAMES[column]:
            text = row.get(name)
            if text in (None, ""):
                continue
            try:
                yield column, UnitId.parse(str(text))
            except EdocxError as error:
                raise BadValue(column, error.text.vi, error.text.en, error.code) from error


def _text(reader: RecordReader, row: dict[str, Any], name: str) -> str:
    value = _get(row, name)
    return "" if value is None else reader.text(name, str(value).strip())


def _get(row: Any, name: str) -> Any:
    if type(row) is not dict:
        raise BadValue("", "cần một đối tượng JSON.", "a JSON object is due.")
    return next((row[one] for one in _NAMES.get(name, (name,)) if row.get(one) not in (None, "")), None)


def _rows(data: bytes, where: str | None) -> list[Any]:
    """Return the list: bare, or under ``data`` of the axis' reply."""
    try:
        value = json.loads(decode(data, where))
    except (ValueError, RecursionError) as error:
        why = Text("không đúng cú pháp JSON.", "not JSON.")
        raise FaultyTable([Fault(1, "", "EDX-TABLE-JSON", why)], where) from error
    rows = value.get("data") if type(value) is dict else value
    if type(rows) is not list:
        why = Text("không có danh sách đơn vị.", "no list of agencies is in it.")
        raise FaultyTable([Fault(1, "data", "EDX-TABLE-JSON", why)], where)
    return rows


def is_agency_list(data: bytes) -> bool:
    """Say whether a JSON file looks like the axis' reply rather than a directory document."""
    head = data[:4096]
    return any(mark in head for mark in (b'"ErrorCode"', b'"code102"', b'"oldCode"', b'"pid"', b'"orgCode"')) and (
        b'"schema"' not in head and b'"id": "unit' not in head
    )
