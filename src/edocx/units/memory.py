"""MemoryDirectory: the dated directory in memory, 80,000 units with their history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from edocx.errors import UnitError
from edocx.units import refusal, route
from edocx.units.directory import Hop, RegisterHolder, SameUnit, Snapshot, When, Who
from edocx.units.history import FIELDS, UnitHistory
from edocx.units.search import SearchIndex
from edocx.units.succession import Predecessor, Succession, Successor
from edocx.units.unit import LOCAL, Unit, day_of
from edocx.units.unit_id import Scheme, UnitId

_PARENT = FIELDS.index("parent")
_CODES = (FIELDS.index("code"), FIELDS.index("code102"))


class MemoryDirectory:
    """A `Directory` over histories and succession edges that were checked where they came in (`edocx.units.soundness`).

    It never changes; a new state of affairs is a new directory (`with_changes`).
    """

    def __init__(
        self,
        histories: Iterable[UnitHistory] = (),
        successions: Iterable[Succession] = (),
        snapshot: Snapshot | None = None,
    ) -> None:
        self._histories = {history.identity: history for history in histories}
        self._successions = tuple(successions)
        self._snapshot = snapshot or Snapshot(0, datetime(2020, 9, 15, tzinfo=UTC), "memory")
        self._holders = _index_codes(self._histories.values())
        # Built when first asked for: loading 80,000 units would pay time and 15 MB for them.
        self._edges: tuple[dict[str, list[Succession]], dict[str, list[Succession]]] | None = None
        self._children: dict[str, list[UnitHistory]] | None = None
        self._search: SearchIndex | None = None
        self._beneath: MemoryDirectory | None = None
        self._vouched_whole: bool | None = None

    @property
    def vouched(self) -> MemoryDirectory:
        """The directory without this office's own records, and with those of others that they stand in place of.

        Of a directory that was read with local records in it, only the records of others.
        """
        if self._beneath is not None:
            return self._beneath
        if self._vouched_whole is None:
            units = [history for history in self if history.authority != LOCAL]
            edges = [edge for edge in self._successions if not edge.local]
            self._vouched_whole = len(units) == len(self) and len(edges) == len(self._successions)
            if not self._vouched_whole:
                self._beneath = MemoryDirectory(units, edges, self._snapshot)
        return self if self._beneath is None else self._beneath

    @property
    def snapshot(self) -> Snapshot:
        """The state that all answers come from."""
        return self._snapshot

    @property
    def successions(self) -> tuple[Succession, ...]:
        """Every succession edge."""
        return self._successions

    def __iter__(self) -> Iterator[UnitHistory]:
        return iter(self._histories.values())

    def __len__(self) -> int:
        return len(self._histories)

    def history(self, identity: str) -> UnitHistory | None:
        """Return the whole history of a unit by its identity."""
        return self._histories.get(identity)

    def shared_codes(self) -> Iterator[tuple[UnitId, tuple[UnitHistory, ...], tuple[UnitHistory, ...]]]:
        """Yield every code that several units hold or held, in either spelling.

        First the units recorded with this spelling, then those with the other one.
        """
        for code, found in self._holders.items():
            recorded = (found,) if isinstance(found, UnitHistory) else found
            other = self._twin(code)
            turned = () if other is None else (other,) if isinstance(other, UnitHistory) else other
            if len(recorded) > 1 or any(one is not recorded[0] for one in turned):
                yield code, recorded, turned

    def _twin(self, code: UnitId) -> UnitHistory | tuple[UnitHistory, ...] | None:
        """Return who is recorded with the other spelling of a code."""
        both = spellings(code)
        return self._holders.get(both[1]) if len(both) > 1 else None

    def with_changes(
        self,
        histories: Iterable[UnitHistory] = (),
        successions: Iterable[Succession] = (),
        snapshot: Snapshot | None = None,
        *,
        without: Iterable[str] = (),
        without_successions: Iterable[Succession] = (),
    ) -> MemoryDirectory:
        """Return a directory in which these histories replace those of the same identity, and the edges are added.

        ``without`` names identities to leave out, ``without_successions`` edges. What is left out stays among what
        others vouch for.
        """
        fresh, added = {history.identity: history for history in histories}, tuple(successions)
        changed = self._histories | fresh
        gone = [identity for identity in without if changed.pop(identity, None) is not None]
        dropped = set(without_successions)
        edges = dict.fromkeys(edge for edge in (*self._successions, *added) if edge not in dropped)
        made = MemoryDirectory(changed.values(), edges, snapshot or self._snapshot)
        theirs = [history for history in fresh.values() if history.authority != LOCAL]
        told = [edge for edge in added if not edge.local]
        below = self.vouched
        if below is not self or gone or len(theirs) < len(fresh) or len(told) < len(added):
            made._beneath = below.with_changes(theirs, told) if theirs or told else below
        else:
            made._vouched_whole = True
        return made

    def at(self, day: When) -> View:
        """Return the directory as it stood on a day."""
        return View(self, day_of(day))

    def resolve(self, code: UnitId | str, at: When) -> Unit:
        """Return the unit that holds a code on a date; `UnitError` as in `Directory.resolve`."""
        unit_id = code if type(code) is UnitId else UnitId.parse(code)
        day = at if type(at) is date else day_of(at)
        unit = self._holder(unit_id, day)
        if unit is None:
            raise refusal.explain(self, unit_id, day)
        return unit

    def find(self, who: Who, at: When) -> Unit | None:
        """Return the unit on a date by code, identity or earlier answer; None where there is none."""
        day = day_of(at)
        if isinstance(who, Unit):
            who = who.identity
        if isinstance(who, str):
            history = self._histories.get(who)
            if history is not None:
                return history.at(day)
            who = UnitId.parse(who)
        return self._holder(who, day)

    def holdings(self, code: UnitId) -> list[tuple[date, date, UnitHistory]]:
        """Return who held a code from when to when, oldest first: as recorded, and by the syntactic rule.

        As in `resolve`, the rule says nothing about a unit while the directory records its code in both schemes.
        """
        held: list[tuple[date, date, UnitHistory]] = []
        for spelling in spellings(code):
            found = self._holders.get(spelling)
            if found is None:
                continue
            several = (found,) if isinstance(found, UnitHistory) else found
            claims = recorded_claims if spelling is code else syntactic_claims
            held += [(start, end, history) for history in several for start, end in claims(history, spelling)]
        return sorted(held, key=lambda one: one[:2])

    def parent(self, who: Who, at: When) -> Unit | None:
        """Return the unit above on a date, or None."""
        unit = self.find(who, at)
        return self.find(unit.parent, at) if unit is not None and unit.parent else None

    def children(self, who: Who, at: When) -> tuple[Unit, ...]:
        """Return the units directly below on a date, by code and name."""
        day = day_of(at)
        unit = self.find(who, day)
        if unit is None:
            return ()
        if self._children is None:
            self._children = _index_children(self._histories.values())
        below = (history.at(day) for history in self._children.get(unit.identity, ()))
        return tuple(sorted((child for child in below if child and child.parent == unit.identity), key=_by_code))

    def search(self, text: str, at: When | None = None, *, limit: int = 20) -> tuple[Unit, ...]:
        """Find units by name, diacritics optional, the best first; without a date, of any time."""
        if self._search is None:
            self._search = SearchIndex(self._histories.values())
        return self._search.find(text, None if at is None else day_of(at), limit)

    def edges_from(self, identity: str) -> tuple[Succession, ...]:
        """Return the succession edges that leave a unit, in the order recorded."""
        return tuple(self._edges_of(identity)[0])

    def _edges_of(self, identity: str) -> tuple[list[Succession], list[Succession]]:
        """Return the edges that leave a unit and those that lead to it."""
        if self._edges is None:
            forward: dict[str, list[Succession]] = {}
            backward: dict[str, list[Succession]] = {}
            for edge in self._successions:
                if (
                    edge.predecessor not in self._histories
                    or (edge.successor or edge.predecessor) not in self._histories
                ):
                    # A document from elsewhere may name units that it does not bring; soundness says so.
                    continue
                forward.setdefault(edge.predecessor, []).append(edge)
                if edge.successor is not None:
                    backward.setdefault(edge.successor, []).append(edge)
            self._edges = forward, backward
        return self._edges[0].get(identity, []), self._edges[1].get(identity, [])

    def successors(self, who: Who, at: When) -> tuple[Successor, ...]:
        """Return the units open on a date that stand where this one stood, following edges dated up to it."""
        day = day_of(at)
        start = self.latest(who, day)
        found: dict[str, Successor] = {}
        seen: set[str] = set()
        waiting: list[tuple[str, tuple[Succession, ...]]] = [] if start is None else [(start.identity, ())]
        while waiting:
            identity, path = waiting.pop(0)
            if identity in seen:
                continue
            seen.add(identity)
            unit = self._histories[identity].at(day)
            if unit is not None and path:
                found[identity] = Successor(unit, path)
            if unit is None or not path:
                waiting += [
                    (edge.successor, (*path, edge))
                    for edge in self._edges_of(identity)[0]
                    if edge.successor is not None and edge.on <= day
                ]
        return tuple(found.values())

    def predecessors(self, who: Who, at: When) -> tuple[Predecessor, ...]:
        """Return the units that passed directly into this one up to a date."""
        day = day_of(at)
        history = self.latest(who, day)
        if history is None:
            return ()
        edges = (edge for edge in self._edges_of(history.identity)[1] if edge.on <= day)
        return tuple(Predecessor(self._histories[edge.predecessor].last, edge) for edge in edges)

    def latest(self, who: Who, day: date) -> UnitHistory | None:
        """Return the history of the unit that holds a code on a day, else of the one that held it last before."""
        if isinstance(who, Unit):
            return self._histories.get(who.identity)
        if isinstance(who, str):
            if who in self._histories:
                return self._histories[who]
            who = UnitId.parse(who)
        begun = [history for start, _, history in self.holdings(who) if start <= day]
        return begun[-1] if begun else None

    def same_unit(self, first: UnitId | str, second: UnitId | str, at: When) -> SameUnit:
        """Say whether two codes mean one unit on a date: recorded pairs first, else the syntactic rule, said so."""
        return refusal.compare(self, UnitId.parse(first), UnitId.parse(second), day_of(at))

    def rests_on_local(self, code: UnitId | str, at: When) -> bool:
        """Say whether only this office's records give a code to the unit that holds it on a date."""
        unit = self.find(UnitId.parse(code), at)
        if unit is None or not unit.local:
            return False
        told = self.vouched.find(UnitId.parse(code), at)
        return told is None or told.identity != unit.identity

    def route(self, sender: UnitId | str, recipient: UnitId | str, at: When) -> tuple[Hop, ...]:
        """Return the stations from one unit to another on a date."""
        return route.route(self, sender, recipient, at)

    def register_holder(self, who: Who, at: When) -> RegisterHolder:
        """Return who holds on a date the register of a unit that may be closed."""
        return route.register_holder(self, who, at)

    def recorded(self, code: UnitId, day: date) -> Unit | None:
        """Return the unit that holds exactly this spelling on a day, without the syntactic rule."""
        found = self._holders.get(code)
        if found is None:
            return None
        if isinstance(found, UnitHistory):
            unit = found.at(day)
            return unit if unit is not None and code in (unit.code, unit.code102) else None
        for history in found:
            unit = history.at(day)
            if unit is not None and code in (unit.code, unit.code102):
                return unit
        return None

    def _holder(self, code: UnitId, day: date) -> Unit | None:
        unit = self.recorded(code, day)
        if unit is not None:
            return unit
        # QĐ 20 and QCVN 102: only where no pair is recorded does the syntactic rule speak (law.md #14-15).
        for spelling in spellings(code)[1:]:
            other = self.recorded(spelling, day)
            if other is not None and (other.code is None or other.code102 is None):
                return other
        return None


class View:
    """The directory as it stood on one day: the same questions, without the date."""

    def __init__(self, directory: MemoryDirectory, day: date) -> None:
        self.directory = directory
        self.day = day

    @property
    def snapshot(self) -> Snapshot:
        """The state that all answers come from."""
        return self.directory.snapshot

    def __iter__(self) -> Iterator[Unit]:
        for history in self.directory:
            unit = history.at(self.day)
            if unit is not None:
                yield unit

    def resolve(self, code: UnitId | str) -> Unit:
        """Return the unit that holds a code; `UnitError` as in `Directory.resolve`."""
        return self.directory.resolve(code, self.day)

    def find(self, who: Who) -> Unit | None:
        """Return the unit, or None."""
        return self.directory.find(who, self.day)

    def parent(self, who: Who) -> Unit | None:
        """Return the unit above, or None."""
        return self.directory.parent(who, self.day)

    def children(self, who: Who) -> tuple[Unit, ...]:
        """Return the units directly below."""
        return self.directory.children(who, self.day)

    def search(self, text: str, *, limit: int = 20) -> tuple[Unit, ...]:
        """Find units by name, the best first."""
        return self.directory.search(text, self.day, limit=limit)


def _index_codes(histories: Iterable[UnitHistory]) -> dict[UnitId, UnitHistory | tuple[UnitHistory, ...]]:
    index: dict[UnitId, UnitHistory | tuple[UnitHistory, ...]] = {}
    for history in histories:
        for place in _CODES:
            fact = history.facts[place]
            codes = {span.value for span in fact if span.value} if type(fact) is tuple else (fact,) if fact else ()
            for code in codes:
                earlier = index.get(code)
                if earlier is None:
                    index[code] = history
                elif type(earlier) is tuple:
                    index[code] = tuple(sorted((*earlier, history), key=lambda one: one.opened))
                elif earlier is not history:
                    index[code] = tuple(sorted((earlier, history), key=lambda one: one.opened))  # type: ignore[arg-type]
    return index


def _index_children(histories: Iterable[UnitHistory]) -> dict[str, list[UnitHistory]]:
    below: dict[str, list[UnitHistory]] = {}
    for history in histories:
        fact = history.facts[_PARENT]
        parents = {span.value for span in fact} if type(fact) is tuple else {fact}
        for parent in parents:
            if parent is not None:
                below.setdefault(parent, []).append(history)
    return below


def recorded_claims(history: UnitHistory, code: UnitId) -> list[tuple[date, date]]:
    """Return from when to when a unit is recorded with exactly this spelling."""
    return [
        (max(span.start, history.opened), min(span.end, history.closed))
        for span in history.spans_at(_CODES[code.scheme is Scheme.QCVN102])
        if span.value == code
    ]


def syntactic_claims(history: UnitHistory, recorded: UnitId) -> list[tuple[date, date]]:
    """Return from when to when a unit recorded with one spelling has none recorded in the other scheme."""
    facts = [history.facts[place] for place in _CODES]
    if tuple not in map(type, facts):
        return [(history.opened, history.closed)] if recorded in facts and None in facts else []
    return [
        (start, end)
        for start, end, unit in history.pieces
        if recorded in (unit.code, unit.code102) and None in (unit.code, unit.code102)
    ]


def spellings(code: UnitId) -> tuple[UnitId, ...]:
    """Return the code itself and, where the syntactic rule has one, its form in the other national scheme."""
    try:
        match code.scheme:
            case Scheme.QD20:
                return code, code.to_qcvn102()
            case Scheme.QCVN102:
                return code, code.to_qd20()
    except UnitError:
        # A code of QĐ 20 without a 13-character form has one spelling only.
        return (code,)
    return (code,)


def _by_code(unit: Unit) -> tuple[bool, UnitId | str, str]:
    return unit.code is None, unit.code or "", unit.name
