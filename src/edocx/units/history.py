"""UnitHistory: one unit with every recorded fact and the days between which each held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from edocx.units.unit import NO_CAPABILITIES, NO_CONTACT, SHIPPED, Unit

FIELDS = ("name", "kind", "level", "parent", "code", "code102", "served_by", "contact", "capabilities")
"""The facts that have a validity interval of their own, in the order in which a history holds them."""

BEGIN, END = date.min, date.max
"""Stand for "no limit known" where dates are compared."""

MISSING = ("", "", None, None, None, None, None, NO_CONTACT, NO_CAPABILITIES)
"""What stands in the place of a fact that is not recorded, in the order of `FIELDS`."""


class Span(NamedTuple):
    """A value from `start` (inclusive) to `end` (exclusive), with the source that says so."""

    value: Any
    start: date = BEGIN
    end: date = END
    verified: bool = True
    source: str = ""


class UnitHistory:
    """A unit's record over time: compact, made once, and cut into `Unit` states on demand.

    Each fact is either a bare value, which then holds for the unit's whole life, or a tuple of
    `Span`. 80,000 of these are held in memory, so bare values stay bare.
    """

    __slots__ = (
        "_states",
        "authority",
        "closed",
        "facts",
        "formerly",
        "identity",
        "opened",
        "source",
        "statistical_code",
        "unverified",
    )

    def __init__(
        self,
        identity: str,
        facts: tuple[Any, ...],
        *,
        opened: date = BEGIN,
        closed: date = END,
        source: str = "",
        authority: str = SHIPPED,
        unverified: frozenset[str] = frozenset(),
        statistical_code: str | None = None,
        formerly: tuple[str, ...] = (),
    ) -> None:
        self.identity = identity
        self.facts = facts
        self.opened = opened
        self.closed = closed
        self.source = source
        self.authority = authority
        self.unverified = unverified
        self.statistical_code = statistical_code
        self.formerly = formerly
        self._states: tuple[tuple[date, date, Unit], ...] | None = None

    @classmethod
    def of(cls, identity: str, *, opened: date = BEGIN, closed: date = END, **known: Any) -> UnitHistory:
        """Make a history from named facts (`FIELDS`) and the keyword arguments of the constructor."""
        facts = tuple(known.pop(name, missing) for name, missing in zip(FIELDS, MISSING, strict=True))
        return cls(identity, facts, opened=opened, closed=closed, **known)

    def spans(self, name: str) -> tuple[Span, ...]:
        """Return the spans of a fact, oldest first; a bare value reads as one span over the unit's life."""
        return self.spans_at(FIELDS.index(name))

    def spans_at(self, place: int) -> tuple[Span, ...]:
        """Return the spans of the fact at a place of `FIELDS`."""
        fact = self.facts[place]
        if type(fact) is tuple:
            return fact
        return (Span(fact, self.opened, self.closed, FIELDS[place] not in self.unverified, self.source),)

    def values(self, name: str) -> Iterator[Any]:
        """Yield every value a fact ever had."""
        fact = self.facts[FIELDS.index(name)]
        if type(fact) is tuple:
            for span in fact:
                yield span.value
        else:
            yield fact

    def at(self, day: date) -> Unit | None:
        """Return the unit as it stood on a day, or None before its first and after its last."""
        for start, end, unit in self._states or self._cut():
            if start <= day < end:
                return unit
        return None

    @property
    def states(self) -> tuple[Unit, ...]:
        """The unit's states from the first to the last; nothing changes within one."""
        return tuple(unit for _, _, unit in self._states or self._cut())

    @property
    def pieces(self) -> tuple[tuple[date, date, Unit], ...]:
        """The states with their first day and the day after their last."""
        return self._states or self._cut()

    @property
    def last(self) -> Unit:
        """The unit's latest recorded state."""
        return (self._states or self._cut())[-1][2]

    def _cut(self) -> tuple[tuple[date, date, Unit], ...]:
        """Cut the life at every day on which some fact changes; each piece is one state."""
        days = {self.opened, self.closed}
        for fact in self.facts:
            if type(fact) is tuple:
                for span in fact:
                    days.update((max(span.start, self.opened), min(span.end, self.closed)))
        ordered = sorted(days)
        states = tuple((start, end, self._state(start, end)) for start, end in pairwise(ordered))
        # A life of no length is a breach (see soundness), yet has a state to show.
        self._states = states or ((self.opened, self.closed, self._state(self.opened, self.closed)),)
        return self._states

    def _state(self, start: date, end: date) -> Unit:
        values: list[Any] = []
        doubtful = set(self.unverified)
        for name, fact, missing in zip(FIELDS, self.facts, MISSING, strict=True):
            value = fact
            if type(fact) is tuple:
                doubtful.discard(name)
                held = next((span for span in fact if span.start <= start < span.end), None)
                value = missing if held is None else held.value
                if held is not None and not held.verified:
                    doubtful.add(name)
            values.append(value)
        name, kind, level, parent, code, code102, served_by, contact, capabilities = values
        return Unit(
            self.identity,
            name,
            kind,
            level,
            code,
            code102,
            parent,
            served_by,
            _known(self.opened),
            _known(self.closed),
            _known(start),
            _known(end),
            contact,
            capabilities,
            self.statistical_code,
            self.formerly,
            self.source,
            self.authority,
            frozenset(doubtful),
        )

    def __repr__(self) -> str:
        return f"UnitHistory({self.identity!r})"


def _known(day: date) -> date | None:
    return None if day in (BEGIN, END) else day
