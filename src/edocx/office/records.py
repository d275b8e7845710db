"""What an office knows of units and certificates, one resting on another.

1. the directory file of ``office.toml``, else the shipped data;
2. the signed snapshot last taken (``edocx units snapshot take``), where there is one;
3. what was imported at this office, marked local; it never overrules what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from edocx.office.configuration import OfficeConfig
from edocx.routing.store.engine import of_one_moment
from edocx.signing.named_key import check_named
from edocx.units.directory import Directory
from edocx.units.memory import MemoryDirectory
from edocx.units.registry import CertificateRegistry, CsvRegistry, RegistryEntry
from edocx.units.registry_store import ENTRIES, RegistryStore
from edocx.units.store import SNAPSHOTS, DirectoryStore, translated
from edocx.units.trusted import TrustedDirectory
from edocx.units.trusted_store import STATEMENTS, TrustedStore


class OfficeRegistry:
    """Several registries as one: an earlier one that knows a certificate answers before a later one."""

    def __init__(self, *sources: CertificateRegistry | None) -> None:
        self._sources = [source for source in sources if source is not None]

    def lookup(self, certificate_sha256: str, at: datetime) -> RegistryEntry | None:
        """Return the entry of a certificate at an aware moment, as the first that has one says."""
        found = (source.lookup(certificate_sha256, at) for source in self._sources)
        return next((entry for entry in found if entry is not None), None)


@dataclass(frozen=True, slots=True)
class Records:
    """Directory and registry of an office, as they stood when it was opened."""

    directory: Directory
    registry: CertificateRegistry | None


def records_of(config: OfficeConfig, engine: sa.Engine, *, directory: Directory | None = None) -> Records:
    """Return what the office knows; a ``directory`` given stands in the place of its own.

    Raises `Refused` when what is kept of the signed snapshot no longer holds.
    """
    engine = of_one_moment(engine)  # a directory that is imported meanwhile is read before or after, never torn
    trusted: TrustedDirectory | None = None
    if directory is None or _has(engine, STATEMENTS):
        base, trusted = base_of(config, engine)
        if directory is None:
            directory = DirectoryStore(engine, lambda: base).load() if _has(engine, SNAPSHOTS) else base
    file = CsvRegistry.from_path(config.registry) if config.registry else None
    stored = RegistryStore(engine) if _has(engine, ENTRIES) else None
    signed = trusted.registry() if trusted is not None else None
    if file is None and stored is None and signed is None:
        return Records(directory, None)
    # What a delegate signed is asked first: whoever imports a table does not become another unit by it.
    return Records(directory, OfficeRegistry(signed, file, stored))


def base_of(config: OfficeConfig, engine: sa.Engine) -> tuple[MemoryDirectory, TrustedDirectory | None]:
    """Return what the office's own records stand on, and the signed snapshot in it if one was taken."""
    base = unsigned_base(config)
    kept = TrustedStore(engine).load() if _has(engine, STATEMENTS) else None
    if kept is None or kept.timestamp is None:
        return base, None
    trusted = TrustedDirectory.restore(kept, check_named)
    return trusted.directory(base), trusted


def unsigned_base(config: OfficeConfig) -> MemoryDirectory:
    """Return the directory file that the office names, else the shipped data."""
    if config.directory is None:
        from edocx.units.shipped import shipped_directory  # noqa: PLC0415 - 3,400 units, loaded when wanted

        return shipped_directory()
    from edocx.units.units_json import load  # noqa: PLC0415 - only for a directory of its own

    return load(config.directory)


def _has(engine: sa.Engine, table: sa.Table) -> bool:
    with translated():
        return sa.inspect(engine).has_table(table.name)
