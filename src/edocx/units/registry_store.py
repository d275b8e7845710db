"""The certificate registry in the office's database, and the acts by which a clerk changes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edocx.errors import StateError, Text, UsageError
from edocx.units import registry_csv
from edocx.units.registry import HolderKind, MemoryRegistry, RegistryEntry, is_fingerprint
from edocx.units.store import _chunks, metadata, translated
from edocx.units.table import Fault, Faults, FaultyTable
from edocx.units.unit import LOCAL
from edocx.units.unit_id import UnitId

ENTRIES = sa.Table(
    "units_registry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("row", sa.Text, nullable=False),
    sa.Column("authority", sa.String(10), nullable=False),
)
"""Entries as rows of the registry's CSV form, found by the certificate's fingerprint."""

_ENDED = "ended"
"""In the place of an authority: the entry never held, and stays only to show who decided so."""


class RegistryStore:
    """A `CertificateRegistry` over a database; each act is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create_tables(self) -> None:
        """Create this room's tables where they are missing."""
        with translated(), self._engine.begin() as connection:
            metadata.create_all(connection)

    def lookup(self, certificate_sha256: str, at: datetime) -> RegistryEntry | None:
        """Return the entry of a certificate with the mandates that ran at an aware moment, or None."""
        return MemoryRegistry(self._entries(certificate_sha256.lower())).lookup(certificate_sha256, at)

    def load(self) -> MemoryRegistry:
        """Return every entry as a registry in memory, for verifying many documents in a row."""
        return MemoryRegistry(self._entries(None))

    def take_in(self, data: bytes, *, where: str | None = None, authority: str = LOCAL) -> int:
        """Import a registry CSV whole or not at all and return how many entries are new.

        Raises `FaultyTable` with line and column, also where a row gives a registered certificate to
        another holder. Rows that are there already are passed over, so an import can be repeated.
        """
        entries = registry_csv.read_registry_bytes(data, where=where, authority=authority)
        return self._add(entries, where)

    def confirm(
        self,
        certificate_sha256: str,
        *,
        kind: HolderKind,
        unit: UnitId,
        full_name: str = "",
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        by: str,
    ) -> RegistryEntry:
        """Register an unknown certificate by a clerk's decision: a local entry whose source names who decided."""
        fingerprint = _fingerprint(certificate_sha256)
        entry = RegistryEntry(fingerprint, kind, unit, full_name, (), valid_from, valid_to, f"confirmed by {by}", LOCAL)
        self._add([entry], None)
        return entry

    def renew(
        self, old_sha256: str, new_sha256: str, *, valid_from: datetime, valid_to: datetime | None, source: str
    ) -> RegistryEntry:
        """Register a renewed certificate for the holder of an old one: same unit, name and mandates.

        Both certificates run side by side. The renewal is a decision of this office, so the entry is local
        whoever vouched for the old one. Raises `StateError` when the old certificate is not registered at
        ``valid_from``.
        """
        old = self.lookup(_fingerprint(old_sha256), valid_from)
        if old is None:
            raise StateError(
                Text(
                    "Chứng thư cũ không có trong sổ vào ngày đó.", "The old certificate is not registered on that day."
                ),
                hint=Text(
                    "Xác nhận chứng thư mới (edocx units confirm).", "Confirm the new one (edocx units confirm)."
                ),
                code="EDX-REGISTRY-UNKNOWN",
            )
        mandates = tuple(
            replace(mandate, valid_from=valid_from, valid_to=_earlier(mandate.valid_to, valid_to))
            for mandate in old.mandates
        )
        entry = replace(
            old,
            sha256=_fingerprint(new_sha256),
            mandates=mandates,
            valid_from=valid_from,
            valid_to=valid_to,
            source=source,
            authority=LOCAL,
        )
        self._add([entry], None)
        return entry

    def close(self, certificate_sha256: str, *, by: str, at: datetime | None = None) -> int:
        """End this office's own entries of a certificate at an aware moment and return how many were ended.

        Without ``at``, or where an entry begins later, it never held: so a table that was forged can make way
        for the genuine one. The row stays in the database with who decided, and is read no more. Entries that
        others signed are theirs to end. Raises `StateError` when no local entry runs at or after ``at``.
        """
        fingerprint = _fingerprint(certificate_sha256)
        which = (ENTRIES.c.sha256 == fingerprint) & (ENTRIES.c.authority == LOCAL)
        count = 0
        with translated(), self._engine.begin() as connection:
            for entry in _read(connection, which):
                if at is None or entry.valid_to is None or at < entry.valid_to:
                    count += 1
            if count == 0:
                raise StateError(
                    Text("Sổ không có dòng riêng nào để kết thúc.", "The registry has no local entry to end."),
                    hint=Text("Kiểm tra dấu vân tay và ngày.", "Check the fingerprint and the day."),
                    code="EDX-REGISTRY-UNKNOWN",
                )
            kept = [row for entry in _read(connection, which) for row in _ended(entry, at, by)]
            connection.execute(ENTRIES.delete().where(which))
            connection.execute(ENTRIES.insert(), kept)
        return count

    def _add(self, entries: list[RegistryEntry], where: str | None) -> int:
        with translated(), self._engine.begin() as connection:
            there: dict[str, list[RegistryEntry]] = {}
            for some in _chunks([entry.sha256 for entry in entries]):
                for entry in _read(connection, ENTRIES.c.sha256.in_(some)):
                    there.setdefault(entry.sha256, []).append(entry)
            fresh, faults = [], Faults()
            for number, entry in enumerate(entries, start=2):
                earlier = there.get(entry.sha256, [])
                if entry in earlier:
                    continue
                if any(registry_csv.conflicting(entry, other) for other in earlier):
                    why = Text(
                        "chứng thư này đã được đăng ký cho chủ thể khác.",
                        "the certificate is registered for another holder.",
                    )
                    faults.append(Fault(number, "sha256", "EDX-REGISTRY-CONFLICT", why))
                fresh.append(entry)
            if faults:
                raise FaultyTable(faults, where)
            rows = [row for entry in fresh for row in _rows(entry)]
            for some_rows in _chunks(rows):
                connection.execute(ENTRIES.insert(), some_rows)
        return len(fresh)

    def _entries(self, sha256: str | None) -> list[RegistryEntry]:
        with translated(), self._engine.connect() as connection:
            return _read(connection, sa.true() if sha256 is None else ENTRIES.c.sha256 == sha256)


def _read(connection: sa.Connection, which: Any) -> list[RegistryEntry]:
    found: list[RegistryEntry] = []
    by_authority: dict[str, list[str]] = {}
    live = which & (ENTRIES.c.authority != _ENDED)
    for row, authority in connection.execute(sa.select(ENTRIES.c.row, ENTRIES.c.authority).where(live)):
        by_authority.setdefault(authority, []).append(row)
    for authority, rows in by_authority.items():
        text = ",".join(registry_csv.COLUMNS) + "\n" + "".join(rows)
        found += registry_csv.read_registry_bytes(text.encode(), authority=authority)
    return found


def _rows(entry: RegistryEntry) -> Iterable[dict[str, str]]:
    header, _, rows = registry_csv.write_registry([entry]).partition("\n")
    assert header
    yield {"sha256": entry.sha256, "row": rows, "authority": entry.authority}


def _ended(entry: RegistryEntry, at: datetime | None, by: str) -> Iterable[dict[str, str]]:
    """Return the rows of an entry ended at a moment: unchanged when it ended before, set aside when it never held."""
    if at is not None and entry.valid_to is not None and entry.valid_to <= at:
        return _rows(entry)
    source = f"{entry.source}; closed by {by}".removeprefix("; ")
    if at is None or (entry.valid_from is not None and at <= entry.valid_from):
        return ({**row, "authority": _ENDED} for row in _rows(replace(entry, source=source)))
    mandates = tuple(
        replace(mandate, valid_to=_earlier(mandate.valid_to, at))
        for mandate in entry.mandates
        if mandate.valid_from is None or mandate.valid_from < at
    )
    return _rows(replace(entry, mandates=mandates, valid_to=at, source=source))


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").strip().lower()
    if not is_fingerprint(plain):
        raise UsageError(
            Text(
                "Dấu vân tay SHA-256 phải gồm 64 chữ số thập lục phân.",
                "A SHA-256 fingerprint has 64 hexadecimal digits.",
            ),
            hint=Text("Chép lại từ báo cáo kiểm tra chữ ký.", "Copy it from the verification report."),
            code="EDX-REGISTRY-FINGERPRINT",
        )
    return plain


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return other if one is None else one if other is None else min(one, other)
