"""What a delegate may say of the units that are its own: no higher level, no name of another, no foreign parent.

A prefix bounds whose codes a delegate gives; it does not bound what he says under them. ``H58.99`` with the name
"Văn phòng Chính phủ" and the level ``central`` would be found first by whoever searches that name, and a rule for
central agencies would take it for one. So:

- **level**: none above that of the unit of level 1 under whose code he stands. A department of a province works at the
  province's level, so equal is allowed; only national makes anything central under an ``H`` code;
- **name**: none that a unit of level 1 bears on one of the same days, compared without case, diacritics, dots
  and "tỉnh", and Latin letters only, so that none merely looks so (Cyrillic "а");
- **parent**: his own units, or what stands under his prefix or above it; a ministry's office in a province hangs under
  the ministry, and says by ``served_by`` whose hub carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from edocx.errors import Text
from edocx.units.history import UnitHistory
from edocx.units.level import Level
from edocx.units.memory import MemoryDirectory
from edocx.units.metadata import Role
from edocx.units.naming import bare_name, codes_of, foreign_letter, level_one
from edocx.units.ownership import Contents
from edocx.units.unit_id import Scheme, UnitId

_RANK = {level: rank for rank, level in enumerate(Level)}
"""The highest first."""


class Overreach(NamedTuple):
    """The unit of which a delegate says more than he may, and what."""

    identity: str
    why: Text


class LevelOne:
    """The units of level 1, whoever recorded them: their levels by code, and when they bear their names."""

    def __init__(self, units: Iterable[UnitHistory]) -> None:
        self._levels: dict[str, Level] = {}
        self._names: dict[str, list[tuple[date, date]]] = {}
        for unit in units:
            if level_one(unit):
                self._take(unit)

    @classmethod
    def of(cls, base: MemoryDirectory, national: Contents) -> LevelOne:
        """Collect them from the shipped data and from what national says, which replaces records of one identity."""
        units = {unit.identity: unit for unit in base} | {unit.identity: unit for unit in national.units}
        return cls(units.values())

    def highest(self, unit: UnitHistory) -> Level:
        """Return the highest level that a unit's codes allow: that of their root's holder, else a province's."""
        found = [self._levels.get(_root(code), Level.PROVINCE) for code in codes_of(unit)]
        return max(found, key=_RANK.__getitem__)

    def bears(self, name: str, start: date, end: date) -> bool:
        """Say whether a unit of level 1 bears a name on any day from ``start`` to before ``end``."""
        return any(since < end and start < until for since, until in self._names.get(bare_name(name), ()))

    def _take(self, unit: UnitHistory) -> None:
        for code in codes_of(unit):
            for level in unit.values("level"):
                held = self._levels.get(_root(code))
                if level is not None and (held is None or _RANK[level] < _RANK[held]):
                    self._levels[_root(code)] = level
        for span in unit.spans("name"):
            if span.value:
                self._names.setdefault(bare_name(span.value), []).append((span.start, span.end))


def overreach(role: Role, base: MemoryDirectory, above: LevelOne, read: Contents) -> Overreach | None:
    """Return the first thing that a delegate says of its own units and may not, or None."""
    own = {unit.identity: unit for unit in read.units}
    for unit in read.units:
        for why in _wrong(unit, role, base, above, own=own):
            return Overreach(unit.identity, why)
    return None


def _wrong(
    unit: UnitHistory,
    role: Role,
    base: MemoryDirectory,
    above: LevelOne,
    *,
    own: dict[str, UnitHistory],
) -> Iterator[Text]:
    highest = above.highest(unit)
    for level in unit.values("level"):
        if level is not None and _RANK[level] < _RANK[highest]:
            yield Text(
                f"cấp “{level.label.vi}” cao hơn cấp của mã được giao (“{highest.label.vi}”)",
                f"the level {level.value} is above that of its prefix ({highest.value})",
            )
    for span in unit.spans("name"):
        foreign = foreign_letter(span.value)
        if foreign is not None:
            yield Text(
                f"tên có chữ không thuộc bảng chữ Latinh ({foreign})", f"its name holds a letter not Latin ({foreign})"
            )
        if above.bears(span.value, span.start, span.end):
            yield Text("tên trùng với một cơ quan cấp 1", "its name is that of a unit of level 1")
    for parent in unit.values("parent"):
        if parent is not None and parent not in own and not _within(role, base, parent):
            yield Text(f"đơn vị cấp trên {parent} thuộc nơi khác", f"its parent {parent} is another's")


def _root(code: UnitId) -> str:
    """Return the level-1 code that a code of a national scheme begins with (QCVN 102: ends with)."""
    return code.code[-3:] if code.scheme is Scheme.QCVN102 else code.code[:3]


def _within(role: Role, base: MemoryDirectory, identity: str) -> bool:
    """Say whether a unit of the base stands under one of a role's prefixes or above it, by its codes or those above."""
    held = base.history(identity)
    if held is None:
        return True  # national's, or nobody: soundness of the whole tells
    seen: set[str] = set()
    while held is not None and held.identity not in seen:
        seen.add(held.identity)
        codes = codes_of(held)
        if codes:
            return any(role.covers(code) or _leads_to(code, role) for code in codes)
        parent = held.last.parent
        held = None if parent is None else base.history(parent)
    return False


def _leads_to(code: UnitId, role: Role) -> bool:
    return any(code.to_qd20().contains(prefix) for prefix in role.prefixes)
