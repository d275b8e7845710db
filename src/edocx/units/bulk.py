"""Taking in many units at once: every row checked, every fault named by line and column, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from edocx.errors import Text
from edocx.units import units_csv, units_json
from edocx.units.difference import Difference, compare
from edocx.units.directory import Snapshot
from edocx.units.history import FIELDS, UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.naming import misleading_names
from edocx.units.precedence import trespasses
from edocx.units.soundness import breaches, is_told
from edocx.units.succession import Succession
from edocx.units.table import Fault, Faults, FaultyTable
from edocx.units.unit import LOCAL, SIGNED
from edocx.units.units_csv import Progress

_NAME = FIELDS.index("name")

_FOLLOWING = frozenset({"EDX-UNITS-CODE-TWICE", "EDX-UNITS-SUCCESSION", "EDX-UNITS-OUTLIVES"})
"""What a row that takes over a unit or a code of others breaks besides: said once."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the new directory, and what changed against the one before."""

    directory: MemoryDirectory
    difference: Difference
    rows: int
    left_out: tuple[tuple[str, Text], ...] = ()
    """Rows that were passed over, by code, and why: a list without dates goes on naming what was closed."""

    @property
    def notes(self) -> tuple[tuple[str, Text], ...]:
        """What is sound and yet odd: rows left out by code; by identity days without a row and names that mislead."""
        made = (*self.difference.added, *self.difference.changed)
        gaps = ((history.identity, _gap(first, second)) for history in made for first, second in _gaps(history))
        return (*self.left_out, *gaps, *misleading_names(made, self.directory.vouched))


def take_in(
    base: MemoryDirectory,
    data: bytes,
    *,
    now: datetime,
    source: str,
    authority: str = LOCAL,
    where: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read a file of units or successions (CSV or JSON, told by its first character) into a new directory.

    A unit replaces the one of the same identity whole. Raises `FaultyTable` with every fault, of rows and
    of the directory they would make; nothing is half imported, as ``base`` never changes.
    """
    units: list[tuple[int, UnitHistory]] = []
    edges: list[tuple[int, Succession]] = []
    if _is_json(data):
        document = units_json.read_document(data, where=where, authority=authority)
        units, edges = document.units, document.successions
    elif units_csv.is_succession_table(data):
        edges = units_csv.read_successions(data, base, authority=authority, where=where)
    else:
        units = units_csv.read_units(data, base, authority=authority, where=where, progress=progress)
    return combine(base, units, edges, now=now, source=source, where=where)


def combine(
    base: MemoryDirectory,
    units: list[tuple[int, UnitHistory]],
    edges: list[tuple[int, Succession]],
    *,
    now: datetime,
    source: str,
    where: str | None = None,
    left_out: tuple[tuple[str, Text], ...] = (),
) -> Imported:
    """Add read records to a directory, checked as a whole; `FaultyTable` when the result would not be sound.

    Local records are held besides to what the shipped data and signed snapshots tell (`edocx.units.precedence`).
    """
    lines: dict[str | Succession, int] = {}
    faults = Faults()
    for line, history in units:
        if history.identity in lines:
            why = Text(
                f"đã có ở dòng {lines[history.identity]}.", f"it stands on line {lines[history.identity]} already."
            )
            faults.append(Fault(line, "id", "EDX-UNITS-TWICE", why))
        lines[history.identity] = line
        if not all(history.values("name")):
            why = Text("thiếu tên đơn vị.", "the unit's name is missing.")
            faults.append(Fault(line, "name", "EDX-TABLE-VALUE", why))
        held = base.history(history.identity)
        if held is not None and held.authority == SIGNED and history.authority != SIGNED:
            why = Text(
                "bản ghi này do cơ quan có thẩm quyền ký; không thay bằng bản nhập riêng.",
                "the record is signed by whoever is responsible; a local import does not replace it.",
            )
            faults.append(Fault(line, "id", "EDX-UNITS-SIGNED", why))
        else:
            faults.extend(
                Fault(line, breach.column, breach.code, breach.text) for breach in trespasses(base.vouched, history)
            )
    faults.extend(_over_told(base, edges))
    lines |= {edge: line for line, edge in edges}
    snapshot = Snapshot(base.snapshot.version + 1, now, source)
    directory = base.with_changes((one for _, one in units), (edge for _, edge in edges), snapshot)
    known = {fault.line for fault in faults}
    faults.extend(one for one in _unsound(directory, lines) if one.line not in known or one.code not in _FOLLOWING)
    if faults:
        faults.sort(key=lambda fault: (fault.line, fault.column))
        raise FaultyTable(faults, where)
    return Imported(directory, compare(base, directory), len(units) + len(edges) + len(left_out), left_out)


def _unsound(directory: MemoryDirectory, lines: Mapping[str | Succession, int]) -> Iterator[Fault]:
    """Find what is not sound about the whole, on the line of a row that has to do with it."""
    for breach in breaches(directory):
        line, told = lines.get(breach.subject, 0), breach.text
        if line == 0:
            # The unit that breaks it stands elsewhere; say which recorded unit no longer fits.
            subject = breach.subject if isinstance(breach.subject, str) else breach.subject.predecessor
            told = Text(f"{subject}: {told.vi}", f"{subject}: {told.en}")
            line = lines.get(breach.other, 0)
        yield Fault(line, breach.column, breach.code, told)


def _over_told(base: MemoryDirectory, edges: Iterable[tuple[int, Succession]]) -> Iterator[Fault]:
    """Find local edges over units whose end others tell: whoever imports a row does not take over their registers."""
    known = set(base.successions)
    for line, edge in edges:
        if edge not in known and is_told(base.vouched, edge):
            why = Text(
                f"dữ liệu kèm theo hoặc bản đã ký đã nói {edge.predecessor} kết thúc ra sao; không thêm bằng bản nhập"
                " riêng.",
                f"the shipped data or a signed snapshot tells how {edge.predecessor} ended; a local import adds nothing"
                " to it.",
            )
            yield Fault(line, "predecessor", "EDX-UNITS-TOLD", why)


def _gaps(history: UnitHistory) -> Iterator[tuple[date, date]]:
    """Yield the days between two states of a unit that no row covers: the first day without, the next one with."""
    for first, second in pairwise(span for span in history.spans_at(_NAME) if span.value):
        if first.end < second.start:
            yield first.end, second.start


def _gap(first: date, second: date) -> Text:
    return Text(
        f"không dòng nào nói về đơn vị từ {first:%d/%m/%Y} đến trước {second:%d/%m/%Y}.",
        f"no row speaks of the unit from {first.isoformat()} until before {second.isoformat()}.",
    )


def _is_json(data: bytes) -> bool:
    return data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
