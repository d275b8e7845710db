"""The axis' own list of agencies, in its four layouts, taken in as what it is: what the axis says on a day.

``getAgenciesList`` (code, oldCode), ``getAgenciesListQD20`` (code, code102), ``getSynchronizeUnit``
(deleted, centerCode) and LGSP's list (orgCode, orgName, parentCode).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from edocx.errors import EdocxError, Text
from edocx.units.bulk import Imported, combine
from edocx.units.history import FIELDS, Span, UnitHistory
from edocx.units.memory import MemoryDirectory
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
_CODE102, _CONTACT = FIELDS.index("code102"), FIELDS.index("contact")


def take_in_agencies(base: MemoryDirectory, data: bytes, *, now: datetime, where: str | None = None) -> Imported:
    """Read the axis' list into a new directory, valid from the day of ``now``.

    A row whose code the directory knows on that day adds the other spelling (a recorded pair) and the
    e-mail; a row it does not know becomes a unit of its own, without a level, marked local. Names stay as
    the directory has them; rows marked deleted are passed over, since a closing needs its decree. Raises
    `FaultyTable`; the line of a fault is the row's number in the list.
    """
    rows = _rows(data, where)
    reader, faults = RecordReader(LOCAL), Faults()
    made: dict[str, tuple[int, UnitHistory]] = {}
    own: dict[str, str] = {}
    waiting: list[tuple[int, str, str]] = []
    for line, row in enumerate(rows, start=1):
        try:
            if _get(row, "deleted") is True:
                continue
            history = _agency(base, row, reader, now)
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
    return combine(base, list(made.values()), [], now=now, source=source, where=where)


def _agency(base: MemoryDirectory, row: Any, reader: RecordReader, now: datetime) -> UnitHistory:
    if type(row) is not dict:
        raise BadValue("", "cần một đối tượng JSON.", "a JSON object is due.")
    codes = {code.scheme: code for code in _codes(row)}
    if not codes:
        raise BadValue("code", "thiếu mã.", "the code is missing.")
    day = day_of(now)
    mail, phone, address = (_text(reader, row, name) for name in ("mail", "phone", "address"))
    contact = Contact(address, mail, phone) if mail or phone or address else NO_CONTACT
    old = codes.pop(Scheme.QCVN102, None)
    code = next(iter(codes.values()), None)
    known = next((unit for one in (code, old) if one and (unit := base.find(one, day)) is not None), None)
    if known is not None:
        return _with_pair(base, known, old, contact, now)
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


def _with_pair(base: MemoryDirectory, unit: Unit, old: UnitId | None, contact: Contact, now: datetime) -> UnitHistory:
    """Return the known unit with what the axis adds: the other spelling and the e-mail, from that day on."""
    history = base.history(unit.identity)
    assert history is not None
    if history.authority == SIGNED:
        return history  # what is signed is not for this office to add to
    facts = list(history.facts)
    if old is not None and unit.code102 is None:
        facts[_CODE102] = _from_day(history, _CODE102, old, now)
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


def _codes(row: dict[str, Any]) -> Iterator[UnitId]:
    for column in ("code", "code102"):
        text = _get(row, column)
        if not text:
            continue
        try:
            yield UnitId.parse(str(text))
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
