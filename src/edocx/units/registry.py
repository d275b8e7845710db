"""The certificate registry: which certificate belongs to which unit or person, from when to when.

Official-duty certificates carry no unit code (law.md #109), so who a certificate speaks for comes from
this registry alone. It is keyed by the certificate's SHA-256, so two certificates of one holder overlap
freely on renewal and each is judged for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from edocx.clock import in_vietnam
from edocx.errors import Text, UsageError
from edocx.units.unit import LOCAL, SHIPPED, SIGNED
from edocx.units.unit_id import UnitId

is_fingerprint = re.compile(r"[0-9a-f]{64}").fullmatch
"""Match a certificate's SHA-256 as the registry writes it: 64 lower-case hexadecimal digits."""


class HolderKind(StrEnum):
    """The three kinds of subscribers of NĐ 68/2024."""

    PERSON = "person"
    ORGANISATION = "organisation"
    DEVICE = "device"


class SigningCapacity(StrEnum):
    """In whose name a person signs (NĐ 30/2020 Điều 13); `OWN` is the head's own right."""

    OWN = ""
    TM = "TM."
    Q = "Q."
    KT = "KT."
    TL = "TL."
    TUQ = "TUQ."


@dataclass(frozen=True, slots=True)
class Mandate:
    """One position of a person with one capacity: over which kinds of document, from when to when, by which source.

    `document_kinds` holds abbreviations (``QĐ``, ``CV``); empty means every kind.
    """

    position: str
    capacity: SigningCapacity = SigningCapacity.OWN
    document_kinds: frozenset[str] = frozenset()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    source: str = ""
    passed_on_by: SigningCapacity | None = None
    """The capacity of whoever passed the right on; None where the head gave it."""

    def covers(self, document_kind: str) -> bool:
        """Say whether the mandate reaches a kind of document."""
        return not self.document_kinds or document_kind in self.document_kinds

    def holds_at(self, at: datetime) -> bool:
        """Say whether the mandate runs at an aware moment (`valid_to` is the first moment it no longer does)."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


def may_pass_on(held: SigningCapacity, given: SigningCapacity) -> bool:
    """Say whether NĐ 30/2020 Điều 13 lets one capacity give another: never TUQ., and TL. only to a deputy."""
    if held is SigningCapacity.TUQ:
        return False
    return held is not SigningCapacity.TL or given is SigningCapacity.KT


def doubts(mandate: Mandate) -> tuple[Text, ...]:
    """Return what a mandate lacks that Điều 13 asks of an authorisation (TUQ.): a written source, an end, a subject."""
    if mandate.capacity is not SigningCapacity.TUQ:
        return ()
    lacking = []
    if not mandate.source:
        lacking.append(Text("thừa ủy quyền phải có văn bản", "an authorisation needs a written source"))
    if mandate.valid_to is None:
        lacking.append(Text("thừa ủy quyền phải có thời hạn", "an authorisation is limited in time"))
    if not mandate.document_kinds:
        lacking.append(Text("thừa ủy quyền phải giới hạn nội dung", "an authorisation is limited in subject"))
    return tuple(lacking)


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """Whom a certificate speaks for: its unit, and for a person the name and the mandates.

    `valid_from` is inclusive, `valid_to` exclusive; None is open. `repr` shows no name (personal data).
    """

    sha256: str
    kind: HolderKind
    unit: UnitId
    full_name: str = field(default="", repr=False)
    mandates: tuple[Mandate, ...] = field(default=(), repr=False)
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    source: str = ""
    authority: str = LOCAL

    @property
    def local(self) -> bool:
        """Whether only this office vouches for the entry; verdicts that rest on it must say so."""
        return self.authority == LOCAL

    @property
    def positions(self) -> tuple[str, ...]:
        """The titles held, without repetition, in the order recorded."""
        return tuple(dict.fromkeys(mandate.position for mandate in self.mandates if mandate.position))

    @property
    def capacities(self) -> frozenset[SigningCapacity]:
        """The capacities held over any kind of document."""
        return frozenset(mandate.capacity for mandate in self.mandates)

    def holds_at(self, at: datetime) -> bool:
        """Say whether the entry runs at an aware moment."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


@runtime_checkable
class CertificateRegistry(Protocol):
    """Answers whom a certificate spoke for at a moment; signing policies ask only this."""

    def lookup(self, certificate_sha256: str, at: datetime) -> RegistryEntry | None:
        """Return the entry of a certificate (SHA-256, hex) with the mandates that ran at an aware moment, or None.

        None is a finding of its own on a good chain: the certificate is unknown, not bad.
        """
        ...


_RANK = {SIGNED: 0, SHIPPED: 1, LOCAL: 2}


class MemoryRegistry:
    """A registry of entries in memory; `CsvRegistry` and the office's stores fill it."""

    def __init__(self, entries: Iterable[RegistryEntry] = ()) -> None:
        self._entries: dict[str, tuple[RegistryEntry, ...]] = {}
        for entry in entries:
            self._entries[entry.sha256] = (*self._entries.get(entry.sha256, ()), entry)

    def lookup(self, certificate_sha256: str, at: datetime) -> RegistryEntry | None:
        """Return the entry of a certificate with the mandates that ran at an aware moment, or None."""
        if at.tzinfo is None:
            raise UsageError(
                Text("Thời điểm thiếu múi giờ.", "The moment has no time zone."),
                hint=Text("Gắn múi giờ ở nơi nhận dữ liệu.", "Attach a zone where the data comes in."),
            )
        running = [entry for entry in self._entries.get(certificate_sha256.lower(), ()) if entry.holds_at(at)]
        if not running:
            return None
        # A local row never overrules a signed one, nor do mandates of one holder pass to another.
        running.sort(key=lambda entry: _RANK.get(entry.authority, len(_RANK)))
        first = running[0]
        holder = (first.kind, first.unit, first.full_name)
        running = [entry for entry in running if (entry.kind, entry.unit, entry.full_name) == holder]
        mandates = tuple(mandate for entry in running for mandate in entry.mandates if mandate.holds_at(at))
        return RegistryEntry(
            first.sha256,
            first.kind,
            first.unit,
            first.full_name,
            mandates,
            first.valid_from,
            first.valid_to,
            first.source,
            LOCAL if any(entry.local for entry in running) else first.authority,
        )

    def __iter__(self) -> Iterator[RegistryEntry]:
        for entries in self._entries.values():
            yield from entries

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def history(self, certificate_sha256: str) -> tuple[RegistryEntry, ...]:
        """Return every entry of a certificate, whatever its dates."""
        return self._entries.get(certificate_sha256.lower(), ())


class CsvRegistry(MemoryRegistry):
    """A registry read from a CSV file; see `edocx.units.registry_csv` for its columns."""

    @classmethod
    def from_path(cls, path: Path | str) -> CsvRegistry:
        """Read a registry file whole or not at all; `InputError` lists every fault with its line and column."""
        from edocx.units import registry_csv  # noqa: PLC0415  # it makes entries, so it needs this module

        return cls(registry_csv.read_registry(Path(path)))


def moment_text(moment: datetime | None) -> str:
    """Write a moment as the registry does: ISO 8601 in Vietnam's zone, empty for open."""
    return "" if moment is None else in_vietnam(moment).isoformat()
