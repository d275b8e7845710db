"""Unit identifiers (both code systems) and the dated directory: who is this, on which date, under whom.

Names are loaded when first used, so that ``import edocx`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edocx.units.level import Level
from edocx.units.unit_id import Scheme, UnitId

if TYPE_CHECKING:
    from edocx.units.directory import Directory, Hop, RegisterHolder, SameUnit, Snapshot
    from edocx.units.history import Span, UnitHistory
    from edocx.units.memory import MemoryDirectory, View
    from edocx.units.reading import Reading, read
    from edocx.units.registry import (
        CertificateRegistry,
        CsvRegistry,
        HolderKind,
        Mandate,
        MemoryRegistry,
        RegistryEntry,
        SigningCapacity,
    )
    from edocx.units.succession import Predecessor, Succession, SuccessionKind, Successor
    from edocx.units.unit import Capabilities, Contact, Unit

_HOMES = {
    "Capabilities": "unit",
    "CertificateRegistry": "registry",
    "Contact": "unit",
    "CsvRegistry": "registry",
    "Directory": "directory",
    "HolderKind": "registry",
    "Hop": "directory",
    "Mandate": "registry",
    "MemoryDirectory": "memory",
    "MemoryRegistry": "registry",
    "Predecessor": "succession",
    "Reading": "reading",
    "RegisterHolder": "directory",
    "RegistryEntry": "registry",
    "SameUnit": "directory",
    "SigningCapacity": "registry",
    "Snapshot": "directory",
    "Span": "history",
    "Succession": "succession",
    "SuccessionKind": "succession",
    "Successor": "succession",
    "Unit": "unit",
    "UnitHistory": "history",
    "View": "memory",
    "read": "reading",
}

__all__ = [
    "Capabilities",
    "CertificateRegistry",
    "Contact",
    "CsvRegistry",
    "Directory",
    "HolderKind",
    "Hop",
    "Level",
    "Mandate",
    "MemoryDirectory",
    "MemoryRegistry",
    "Predecessor",
    "Reading",
    "RegisterHolder",
    "RegistryEntry",
    "SameUnit",
    "Scheme",
    "SigningCapacity",
    "Snapshot",
    "Span",
    "Succession",
    "SuccessionKind",
    "Successor",
    "Unit",
    "UnitHistory",
    "UnitId",
    "View",
    "read",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
