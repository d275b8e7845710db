"""Whose a record is: level 1 belongs to national, what lies below a prefix to that prefix's delegate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edocx.units import registry_csv
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.metadata import NATIONAL, Role
from edocx.units.naming import codes_of, level_one
from edocx.units.registry import RegistryEntry
from edocx.units.succession import Succession
from edocx.units.unit import SIGNED
from edocx.units.units_json import read_document


@dataclass(frozen=True, slots=True)
class Contents:
    """What one role's statement brought."""

    units: tuple[UnitHistory, ...] = ()
    successions: tuple[Succession, ...] = ()
    entries: tuple[RegistryEntry, ...] = ()


def read_contents(contents: bytes, certificates: bytes, name: str) -> Contents:
    """Read a role's directory document and registry table (maybe empty); `InputError` as their readers raise it."""
    document = read_document(contents, where=name, authority=SIGNED)
    entries = registry_csv.read_registry_bytes(certificates, where=name, authority=SIGNED) if certificates else []
    return Contents(
        tuple(unit for _, unit in document.units),
        tuple(edge for _, edge in document.successions),
        tuple(replace(entry, authority=SIGNED) for entry in entries),
    )


def foreign_to(name: str, role: Role, read: Contents) -> str | None:
    """Return the first identity or code in a role's contents that is not its to speak for, or None."""
    for unit in read.units:
        if not (level_one(unit) if name == NATIONAL else _under(role, unit)):
            return unit.identity
    own = {unit.identity for unit in read.units}
    for edge in read.successions:
        if edge.predecessor not in own:
            return edge.predecessor
    for entry in read.entries:
        first = entry.unit.depth == 1
        if not (first if name == NATIONAL else role.covers(entry.unit) and not first):
            return entry.unit.code
    return None


def clash(read: Contents, others: Iterable[Contents]) -> str | None:
    """Return the first identity or certificate that contents share with others, or None.

    A delegate that registers another's certificate as his own would speak in that other's name.
    """
    identities: set[str] = set()
    registered: dict[str, list[RegistryEntry]] = {}
    for other in others:
        identities.update(unit.identity for unit in other.units)
        for entry in other.entries:
            registered.setdefault(entry.sha256, []).append(entry)
    for unit in read.units:
        if unit.identity in identities:
            return unit.identity
    for entry in read.entries:
        if any(registry_csv.conflicting(one, entry) for one in registered.get(entry.sha256, ())):
            return entry.sha256
    return None


def not_replaceable(name: str, role: Role, base: MemoryDirectory, read: Contents) -> str | None:
    """Return the first record of ``base`` that a role's contents would replace and may not, or None."""
    return next((unit.identity for unit in read.units if not _may_replace(name, role, base, unit.identity)), None)


def _may_replace(name: str, role: Role, base: MemoryDirectory, identity: str) -> bool:
    """Say whether a record of ``base`` is a role's to replace: by its codes, else by those above it."""
    first = held = base.history(identity)
    seen: set[str] = set()
    while held is not None and held.identity not in seen:
        seen.add(held.identity)
        codes = codes_of(held)
        if codes and name == NATIONAL:
            return all(code.depth == 1 for code in codes)
        if codes:
            # A delegate's own prefix is a unit of level 1, which only national speaks for; below it, he does.
            return all(role.covers(code) and (held is not first or code.depth > 1) for code in codes)
        parent = held.last.parent
        held = None if parent is None else base.history(parent)
    return first is None


def _under(role: Role, unit: UnitHistory) -> bool:
    codes = codes_of(unit)
    return bool(codes) and all(role.covers(code) and code.depth > 1 for code in codes)
