"""The Directory: who is this, on which date; the Protocol, and what its answers carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from edocx.errors import Text
from edocx.units.succession import Predecessor, Successor
from edocx.units.unit import Unit
from edocx.units.unit_id import UnitId

Who = UnitId | Unit | str
"""A unit is asked for by its identifier, its code as text, its identity, or an earlier answer."""

When = date | datetime
"""A calendar day in Vietnam, or an aware moment that is taken as one."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which state of the directory an answer comes from: version, the moment it was taken, who signed it."""

    version: int
    taken: datetime
    source: str
    expires: datetime | None = None

    def age(self, now: datetime) -> timedelta:
        """Return how old the snapshot is at an aware moment."""
        return now - self.taken

    def expired(self, now: datetime) -> bool:
        """Say whether whoever signed the snapshot no longer vouches for it at an aware moment."""
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True, slots=True)
class SameUnit:
    """Whether two codes mean one unit on a date, and what that rests on.

    `basis` is ``recorded`` (the directory lists both codes), ``syntactic`` (only the conversion rule,
    which no norm confirms) or ``different``.
    """

    basis: str
    text: Text
    local: bool = False
    """Whether the answer rests on a record that only this office vouches for: what others record says otherwise."""

    @property
    def same(self) -> bool:
        """Whether the two codes mean one unit, on whatever basis."""
        return self.basis != "different"

    def __bool__(self) -> bool:
        return self.same


@dataclass(frozen=True, slots=True)
class RegisterHolder:
    """Who answers today for a unit's earlier documents: the unit, and the rule that named it."""

    unit: Unit
    rule: Text
    local: bool = False
    """Whether this rests on a record that only this office vouches for."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One station of a route: its role, the unit there (None for the axis itself), and the rule behind it.

    `role` is ``sender``, ``hub``, ``axis`` or ``recipient``; `basis` is ``end``, ``served_by``, ``code`` or ``axis``.
    """

    role: str
    unit: Unit | None
    basis: str
    rule: Text

    @property
    def code(self) -> UnitId | None:
        """The identifier of the unit at this hop."""
        return self.unit.code if self.unit else None


@runtime_checkable
class Directory(Protocol):
    """Answers for any date who a unit is, under whom, whether it exists, who took over, and the way to it."""

    @property
    def snapshot(self) -> Snapshot:
        """The state that all answers come from."""
        ...

    def resolve(self, code: UnitId | str, at: When) -> Unit:
        """Return the unit that holds a code on a date.

        Raises `UnitError`: ``EDX-UNIT-UNKNOWN`` names the nearest known ancestor (``.nearest``),
        ``EDX-UNIT-CLOSED`` names the successors (``.successors``), ``EDX-UNIT-NOT-OPEN`` the first day.
        """
        ...

    def find(self, who: Who, at: When) -> Unit | None:
        """Return the unit on a date, or None."""
        ...

    def parent(self, who: Who, at: When) -> Unit | None:
        """Return the unit above on a date, or None."""
        ...

    def children(self, who: Who, at: When) -> tuple[Unit, ...]:
        """Return the units directly below on a date, by code and name."""
        ...

    def search(self, text: str, at: When | None = None, *, limit: int = 20) -> tuple[Unit, ...]:
        """Find units by name, diacritics optional, the best first; without a date, of any time."""
        ...

    def successors(self, who: Who, at: When) -> tuple[Successor, ...]:
        """Return the units that stand on a date where a closed one stood: one, several or none."""
        ...

    def predecessors(self, who: Who, at: When) -> tuple[Predecessor, ...]:
        """Return the units that passed into this one up to a date."""
        ...

    def same_unit(self, first: UnitId | str, second: UnitId | str, at: When) -> SameUnit:
        """Say whether two codes mean one unit on a date: recorded pairs first, else the syntactic rule, said so."""
        ...

    def rests_on_local(self, code: UnitId | str, at: When) -> bool:
        """Say whether only this office's records give a code to the unit that holds it on a date."""
        ...

    def route(self, sender: UnitId | str, recipient: UnitId | str, at: When) -> tuple[Hop, ...]:
        """Return the stations from one unit to another on a date; refuses closed and unknown units as `resolve`."""
        ...

    def register_holder(self, who: Who, at: When) -> RegisterHolder:
        """Return who holds on a date the register of a unit that may be closed; `UnitError` when nobody is named."""
        ...
