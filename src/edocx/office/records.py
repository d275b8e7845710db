"""What an office knows of units and certificates: its files, and what was imported into its database on top of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from edocx.office.configuration import OfficeConfig
from edocx.units.directory import Directory
from edocx.units.memory import MemoryDirectory
from edocx.units.registry import CertificateRegistry, CsvRegistry, RegistryEntry
from edocx.units.registry_store import ENTRIES, RegistryStore
from edocx.units.store import SNAPSHOTS, DirectoryStore


class OfficeRegistry:
    """The registry file of ``office.toml``, and after it the entries confirmed or imported at this office."""

    def __init__(self, file: CertificateRegistry | None, store: RegistryStore | None) -> None:
        self._sources: list[CertificateRegistry] = [source for source in (file, store) if source is not None]

    def lookup(self, certificate_sha256: str, at: datetime) -> RegistryEntry | None:
        """Return the entry of a certificate at an aware moment; the file answers before the office's own entries."""
        found = (source.lookup(certificate_sha256, at) for source in self._sources)
        return next((entry for entry in found if entry is not None), None)


def directory_of(config: OfficeConfig, engine: sa.Engine) -> Directory:
    """Return the directory: the configured file or the shipped data, with what ``edocx units import`` changed."""
    base = _base(config)
    if not sa.inspect(engine).has_table(SNAPSHOTS.name):
        return base
    return DirectoryStore(engine, lambda: base).load()


def registry_of(config: OfficeConfig, engine: sa.Engine) -> CertificateRegistry | None:
    """Return the certificate registry, or None when the office has neither a file nor entries of its own."""
    file = CsvRegistry.from_path(config.registry) if config.registry else None
    stored = RegistryStore(engine) if sa.inspect(engine).has_table(ENTRIES.name) else None
    if file is None and stored is None:
        return None
    return OfficeRegistry(file, stored)


def _base(config: OfficeConfig) -> MemoryDirectory:
    if config.directory is None:
        from edocx.units.shipped import shipped_directory  # noqa: PLC0415 - 3,400 units, loaded when wanted

        return shipped_directory()
    from edocx.units.units_json import load  # noqa: PLC0415 - only for a directory of its own

    return load(config.directory)
