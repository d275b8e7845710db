"""Joining what several roles brought into one sound directory, so that one delegate's fault stays his own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edocx.units.directory import Snapshot
from edocx.units.memory import MemoryDirectory
from edocx.units.metadata import NATIONAL
from edocx.units.ownership import Contents
from edocx.units.soundness import Breach, breaches

Candidates = Mapping[str, tuple[Contents, ...]]
"""What each role may be served with, the preferred first; ``national`` has exactly one."""


def join(
    base: MemoryDirectory, candidates: Candidates, snapshot: Snapshot
) -> tuple[MemoryDirectory, dict[str, Contents], dict[str, Breach]]:
    """Return the joined directory, what each role is served with, and the first breach of each role at fault.

    A role at fault falls back on its next candidate, then on nothing. When ``national`` alone is not sound
    with ``base``, the directory returned has its breach under ``national`` and must not be relied on.
    """
    left = {name: list(some) for name, some in candidates.items()}
    found: dict[str, Breach] = {}
    while True:
        served = {name: some[0] for name, some in left.items() if some}
        directory = _with(base, served.values(), snapshot)
        faults = _by_role(served, breaches(directory))
        if not faults:
            return directory, served, found
        if NATIONAL in faults:
            # Seen in a record of national or of the base, yet a delegate may have changed what it stands on.
            return _one_by_one(base, candidates, snapshot)
        for name, breach in faults.items():
            found.setdefault(name, breach)
            left[name].pop(0)


def _one_by_one(
    base: MemoryDirectory, candidates: Candidates, snapshot: Snapshot
) -> tuple[MemoryDirectory, dict[str, Contents], dict[str, Breach]]:
    """Add the delegates one after another, each only when the whole stays sound: slow, for hostile contents only."""
    served = {name: some[0] for name, some in candidates.items() if name == NATIONAL}
    directory = _with(base, served.values(), snapshot)
    found: dict[str, Breach] = {}
    for first in breaches(directory):
        return directory, served, {NATIONAL: first}
    for name in sorted(candidates.keys() - served.keys()):
        for contents in candidates[name]:
            tried = _with(base, [*served.values(), contents], snapshot)
            breach = next(breaches(tried), None)
            if breach is None:
                directory, served[name] = tried, contents
                break
            found.setdefault(name, breach)
    return directory, served, found


def _with(base: MemoryDirectory, contents: Iterable[Contents], snapshot: Snapshot) -> MemoryDirectory:
    parts = list(contents)
    units = [unit for part in parts for unit in part.units]
    return base.with_changes(units, [edge for part in parts for edge in part.successions], snapshot)


def _by_role(served: Mapping[str, Contents], found: Iterable[Breach]) -> dict[str, Breach]:
    owner = {unit.identity: name for name, contents in served.items() for unit in contents.units}
    faults: dict[str, Breach] = {}
    for breach in found:
        subject = breach.subject if isinstance(breach.subject, str) else breach.subject.predecessor
        faults.setdefault(owner.get(subject, NATIONAL), breach)
    return faults
