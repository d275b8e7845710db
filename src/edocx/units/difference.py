"""What changed between two states of the directory, for people to read and for deltas to carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.record import unit_record
from edocx.units.succession import Succession


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one unit that differs: its recorded form before and after (None: not recorded)."""

    identity: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that turns one state of the directory into another."""

    added: tuple[UnitHistory, ...]
    removed: tuple[UnitHistory, ...]
    changed: tuple[UnitHistory, ...]
    changes: tuple[Change, ...]
    successions_added: tuple[Succession, ...]
    successions_removed: tuple[Succession, ...]

    def __bool__(self) -> bool:
        edges = self.successions_added or self.successions_removed
        return bool(self.added or self.removed or self.changed or edges)


def compare(old: MemoryDirectory, new: MemoryDirectory) -> Difference:
    """Return what is added, removed and changed from ``old`` to ``new``, units by identity."""
    added = tuple(history for history in new if old.history(history.identity) is None)
    removed = tuple(history for history in old if new.history(history.identity) is None)
    changed: list[UnitHistory] = []
    changes: list[Change] = []
    for history in new:
        before = old.history(history.identity)
        if before is None or before is history or same_record(before, history):
            continue
        changed.append(history)
        changes += _changes(before, history)
    was, now = set(old.successions), set(new.successions)
    return Difference(
        added,
        removed,
        tuple(changed),
        tuple(changes),
        tuple(edge for edge in new.successions if edge not in was),
        tuple(edge for edge in old.successions if edge not in now),
    )


def same_record(one: UnitHistory, other: UnitHistory) -> bool:
    """Say whether two histories record the same."""
    return _compared(one) == _compared(other)


def _compared(history: UnitHistory) -> tuple[Any, ...]:
    return (
        history.facts,
        history.opened,
        history.closed,
        history.source,
        history.authority,
        history.unverified,
        history.statistical_code,
        history.formerly,
    )


def _changes(before: UnitHistory, after: UnitHistory) -> list[Change]:
    was, now = unit_record(before), unit_record(after)
    return [
        Change(before.identity, name, was.get(name), now.get(name))
        for name in dict.fromkeys((*was, *now))
        if was.get(name) != now.get(name)
    ]
