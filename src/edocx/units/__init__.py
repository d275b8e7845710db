"""Unit identifiers (both code systems) and the dated directory: who is this, on which date, under whom.

Names are loaded when first used, so that ``import edocx`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edocx.units.level import Level
from edocx.units.unit_id import Scheme, UnitId

if TYPE_CHECKING:
    from edocx.units.bulk import take_in
    from edocx.units.directory import Directory, Hop, RegisterHolder, SameUnit, Snapshot
    from edocx.units.history import Span, UnitHistory
    from edocx.units.memory import MemoryDirectory, View
    from edocx.units.published import take_published
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
    from edocx.units.registry_store import RegistryStore
    from edocx.units.shipped import shipped_directory
    from edocx.units.store import DirectoryStore
    from edocx.units.succession import Predecessor, Succession, SuccessionKind, Successor
    from edocx.units.trusted import TrustedDirectory
    from edocx.units.trusted_store import TrustedStore
    from edocx.units.unit import Capabilities, Contact, Unit

_HOMES = {
    "Capabilities": "unit",
    "CertificateRegistry": "registry",
    "Contact": "unit",
    "CsvRegistry": "registry",
    "Directory": "directory",
    "DirectoryStore": "store",
    "HolderKind": "registry",
    "Hop": "directory",
    "Mandate": "registry",
    "MemoryDirectory": "memory",
    "MemoryRegistry": "registry",
    "Predecessor": "succession",
    "Reading": "reading",
    "RegisterHolder": "directory",
    "RegistryEntry": "registry",
    "RegistryStore": "registry_store",
    "SameUnit": "directory",
    "SigningCapacity": "registry",
    "Snapshot": "directory",
    "Span": "history",
    "Succession": "succession",
    "SuccessionKind": "succession",
    "Successor": "succession",
    "TrustedDirectory": "trusted",
    "TrustedStore": "trusted_store",
    "Unit": "unit",
    "UnitHistory": "history",
    "View": "memory",
    "read": "reading",
    "shipped_directory": "shipped",
    "take_in": "bulk",
    "take_published": "published",
}

__all__ = [
    "Capabilities",
    "CertificateRegistry",
    "Contact",
    "CsvRegistry",
    "Directory",
    "DirectoryStore",
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
    "RegistryStore",
    "SameUnit",
    "Scheme",
    "SigningCapacity",
    "Snapshot",
    "Span",
    "Succession",
    "SuccessionKind",
    "Successor",
    "TrustedDirectory",
    "TrustedStore",
    "Unit",
    "UnitHistory",
    "UnitId",
    "View",
    "read",
    "shipped_directory",
    "take_in",
    "take_published",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
