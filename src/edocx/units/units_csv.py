"""The directory as CSV: one row for each state of a unit, one table for units and one for successions.

Units: ``id, code, code102, name, kind, level, parent, served_by, from, to, accepts, max_bytes, seals, address,
email, telephone, fax, website, statistical_code, formerly, source, unverified``; only ``name`` is required.
A unit with history has several rows with the same ``id`` and different ``from``/``to`` (first day, first day
after the last). Without an ``id`` one is made of the code and ``from``. ``parent`` and ``served_by`` take an
identity or a code, the code being read on the row's first day. ``accepts``, ``formerly`` and ``unverified``
hold several values separated by ``|``.

Successions: ``kind, predecessor, successor, on, decree, custodian, source, unverified``; units by identity or
by code, the predecessor's on the day before, the others' on the day itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from edocx.errors import EdocxError, Text
from edocx.units.history import BEGIN, END, FIELDS, Span, UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.record import BadValue, RecordReader
from edocx.units.soundness import is_identity
from edocx.units.succession import Succession
from edocx.units.table import Fault, Faults, FaultyTable, Row, read_table
from edocx.units.unit import LOCAL, Unit
from edocx.units.unit_id import UnitId

COLUMNS = (
    "id", "code", "code102", "name", "kind", "level", "parent", "served_by", "from", "to", "accepts", "max_bytes",
    "seals", "address", "email", "telephone", "fax", "website", "statistical_code", "formerly", "source", "unverified",
)  # fmt: skip
EDGE_COLUMNS = ("kind", "predecessor", "successor", "on", "decree", "custodian", "source", "unverified")
"""The columns, in the order written."""

_CONTACT = ("address", "email", "telephone", "fax", "website")
_YES, _NO = {"1", "true", "yes", "có", "x"}, {"0", "false", "no", "không"}

Progress = Callable[[int], None]
"""Told how many rows were read so far, now and then."""

EVERY = 2000
"""Rows between two reports of progress."""


@dataclass
class _State:
    """One row, decoded: a unit's state with the line it stands on."""

    line: int
    history: UnitHistory
    above: dict[str, str] = field(default_factory=dict)


def read_units(
    data: bytes, base: MemoryDirectory, *, authority: str, where: str | None = None, progress: Progress | None = None
) -> list[tuple[int, UnitHistory]]:
    """Read units from CSV, whole or not at all; `FaultyTable` lists every fault with its line and column."""
    reader, faults = RecordReader(authority), Faults()
    states: list[_State] = []
    required = frozenset({"name"})
    for number, row in enumerate(
        read_table(data, required=required, optional=frozenset(COLUMNS) - required, faults=faults, where=where)
    ):
        if progress is not None and number % EVERY == 0:
            progress(number)
        try:
            states.append(_state(row, reader))
        except BadValue as bad:
            faults.append(Fault(row.line, bad.column, bad.code, bad.text))
    names = _Names(base, states)
    for state in states:
        faults.extend(_resolve_above(state, names))
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    return _joined(states, where)


def read_successions(
    data: bytes, directory: MemoryDirectory, *, authority: str = LOCAL, where: str | None = None
) -> list[tuple[int, Succession]]:
    """Read succession edges from CSV, whole or not at all; codes are looked up in ``directory``."""
    reader, faults = RecordReader(authority), Faults()
    edges: list[tuple[int, Succession]] = []
    required = frozenset({"kind", "predecessor", "on"})
    optional = frozenset(EDGE_COLUMNS) - required
    for row in read_table(data, required=required, optional=optional, faults=faults, where=where):
        try:
            edges.append((row.line, _edge(row, reader, directory)))
        except BadValue as bad:
            faults.append(Fault(row.line, bad.column, bad.code, bad.text))
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    return edges


def is_succession_table(data: bytes) -> bool:
    """Say whether a CSV file's header is that of the succession table."""
    first, *rest = data[:4096].replace(b"\0", b"").lower().split(b"\n", 2)
    # Excel's first line "sep=;" stands before the header.
    header = rest[0] if rest and b"sep=" in first else first
    return b"predecessor" in header


def write_units(histories: Iterable[UnitHistory]) -> Iterator[str]:
    """Yield CSV lines, one for each state of each unit, that `read_units` reads back to equal units."""
    yield _line(COLUMNS)
    for history in histories:
        for unit in history.states:
            yield _line(_cells(unit, history))


def write_successions(edges: Iterable[Succession]) -> Iterator[str]:
    """Yield CSV lines of succession edges that `read_successions` reads back."""
    yield _line(EDGE_COLUMNS)
    for edge in edges:
        yield _line(
            [
                edge.kind.value,
                edge.predecessor,
                edge.successor or "",
                edge.on.isoformat(),
                edge.decree,
                edge.custodian or "",
                edge.source,
                "" if edge.verified else "1",
            ]
        )


def _state(row: Row, reader: RecordReader) -> _State:
    cells = row.cells
    record: dict[str, Any] = {
        name: text
        for name in ("name", "kind", "level", "code", "code102", "from", "to", "statistical_code", "source")
        if (text := cells.get(name))
    }
    contact = {name: text for name in _CONTACT if (text := cells.get(name))}
    if contact:
        record["contact"] = contact
    capabilities = _capabilities(row)
    if capabilities:
        record["capabilities"] = capabilities
    for name in ("formerly", "unverified"):
        if cells.get(name):
            record[name] = [part.strip() for part in cells[name].split("|")]
    record["id"] = cells.get("id") or _made_identity(record)
    return _State(row.line, reader.history(record), {name: row[name] for name in ("parent", "served_by") if row[name]})


def _capabilities(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if row["accepts"]:
        made["accepts"] = [part.strip() for part in row["accepts"].split("|")]
    if row["max_bytes"]:
        if not (row["max_bytes"].isascii() and row["max_bytes"].isdigit() and len(row["max_bytes"]) < 16):  # noqa: PLR2004
            raise BadValue("max_bytes", "cần số nguyên (byte).", "a whole number of bytes is due.")
        made["max_bytes"] = int(row["max_bytes"])
    if row["seals"]:
        word = row["seals"].lower()
        if word not in _YES | _NO:
            raise BadValue("seals", "cần 1 hoặc 0.", "1 or 0 is due.")
        made["seals"] = word in _YES
    return made


def _made_identity(record: dict[str, Any]) -> str:
    text = record.get("code") or record.get("code102")
    if not text:
        raise BadValue("id", "cần id hoặc mã định danh.", "an id or a code is due.")
    try:
        code = UnitId.parse(text)
    except EdocxError as error:
        raise BadValue("code", error.text.vi, error.text.en, error.code) from error
    began = f"-{record['from']}" if "from" in record else ""
    return f"unit-{code.code.lower()}{began}"


class _Names:
    """Finds the identity meant by an identity or a code, in the file first and then in what is there already."""

    def __init__(self, base: MemoryDirectory, states: list[_State]) -> None:
        self._base = base
        self._file = MemoryDirectory(_anonymous(states))
        self._identities = {state.history.identity for state in states}

    def find(self, text: str, day: date) -> str | None:
        if is_identity(text):
            return text if text in self._identities or self._base.history(text) is not None else None
        if not any(char.isdigit() for char in text):
            # No code is without a digit: such a text was meant as an identity, and nobody has it.
            return None
        code = UnitId.parse(text)
        found = self._file.find(code, day)
        if found is not None:
            # The temporary directory's identities end in the row's line; the true one stands before it.
            return found.identity.rpartition("-line-")[0]
        known = self._base.find(code, day)
        return None if known is None else known.identity


def _anonymous(states: list[_State]) -> Iterator[UnitHistory]:
    for state in states:
        one = state.history
        yield UnitHistory(f"{one.identity}-line-{state.line}", one.facts, opened=one.opened, closed=one.closed)


def _resolve_above(state: _State, names: _Names) -> Iterator[Fault]:
    history = state.history
    day = history.opened if history.opened != BEGIN else min(history.closed, END) - timedelta(days=1)
    facts = list(history.facts)
    for column, text in state.above.items():
        try:
            identity = names.find(text, day)
        except EdocxError as error:
            yield Fault(state.line, column, error.code, error.text)
            continue
        if identity is None:
            shown = text[:60]
            why = Text(f"không có đơn vị “{shown}” vào ngày đó.", f"there is no unit '{shown}' on that day.")
            yield Fault(state.line, column, "EDX-UNITS-NOBODY", why)
        facts[FIELDS.index(column)] = identity
    history.facts = tuple(facts)


def _joined(states: list[_State], where: str | None) -> list[tuple[int, UnitHistory]]:
    """Join the rows of each unit into one history; a fact that several rows repeat becomes one interval."""
    groups: dict[str, list[_State]] = {}
    for state in states:
        groups.setdefault(state.history.identity, []).append(state)
    joined: list[tuple[int, UnitHistory]] = []
    faults = Faults()
    for group in groups.values():
        if len(group) == 1:
            joined.append((group[0].line, group[0].history))
            continue
        group.sort(key=lambda state: state.history.opened)
        for first, second in pairwise(group):
            if second.history.opened < first.history.closed:
                why = Text(
                    f"chồng thời gian với dòng {first.line} của cùng đơn vị.",
                    f"it overlaps line {first.line} of the same unit.",
                )
                faults.append(Fault(second.line, "from", "EDX-UNITS-OVERLAP", why))
        joined.append((group[0].line, _one_history([state.history for state in group])))
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    return joined


def _one_history(rows: list[UnitHistory]) -> UnitHistory:
    first, last = rows[0], rows[-1]
    facts: list[Any] = []
    for place, column in enumerate(FIELDS):
        spans: list[Span] = []
        for row in rows:
            verified = column not in row.unverified
            span = Span(row.facts[place], row.opened, row.closed, verified, row.source)
            if spans and spans[-1].end == span.start and spans[-1][0] == span.value and spans[-1][3] == verified:
                span = spans.pop()._replace(end=span.end)
            spans.append(span)
        whole = len(spans) == 1 and spans[0].start == first.opened and spans[0].verified
        facts.append(spans[0].value if whole else tuple(spans))
    return UnitHistory(
        first.identity,
        tuple(facts),
        opened=first.opened,
        closed=last.closed,
        source=last.source,
        authority=first.authority,
        unverified=frozenset(last.unverified - set(FIELDS)),
        statistical_code=last.statistical_code or first.statistical_code,
        formerly=last.formerly or first.formerly,
    )


def _edge(row: Row, reader: RecordReader, directory: MemoryDirectory) -> Succession:
    on = reader.day("on", row["on"])

    def identity(column: str, day: date) -> str | None:
        text = row[column]
        if not text or directory.history(text) is not None:
            return text or None
        try:
            # No code is without a digit: such a text was meant as an identity, and nobody has it.
            unit = directory.find(text, day) if any(char.isdigit() for char in text) else None
        except EdocxError as error:
            raise BadValue(column, error.text.vi, error.text.en, error.code) from error
        if unit is None:
            raise BadValue(
                column,
                f"không có đơn vị “{text[:60]}” vào ngày {day.isoformat()}.",
                f"there is no unit '{text[:60]}' on {day.isoformat()}.",
                "EDX-UNITS-NOBODY",
            )
        return unit.identity

    return reader.succession(
        {
            "kind": row["kind"].lower(),
            "predecessor": identity("predecessor", on - timedelta(days=1)),
            "successor": identity("successor", on),
            "on": row["on"],
            "decree": row["decree"],
            "custodian": identity("custodian", on),
            "source": row["source"],
            "unverified": row["unverified"].lower() in _YES,
        }
    )


def _cells(unit: Unit, history: UnitHistory) -> list[str]:
    contact, capabilities = unit.contact, unit.capabilities
    seals = "" if capabilities.seals is None else str(int(capabilities.seals))
    return [
        unit.identity,
        unit.code.reference if unit.code else "",
        unit.code102.reference if unit.code102 else "",
        unit.name,
        unit.kind,
        unit.level.value if unit.level else "",
        unit.parent or "",
        unit.served_by or "",
        unit.since.isoformat() if unit.since else "",
        unit.until.isoformat() if unit.until else "",
        "|".join(capabilities.accepts),
        "" if capabilities.max_bytes is None else str(capabilities.max_bytes),
        seals,
        *(getattr(contact, name) for name in _CONTACT),
        unit.statistical_code or "",
        "|".join(unit.formerly),
        history.source,
        "|".join(sorted(unit.unverified)),
    ]


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
