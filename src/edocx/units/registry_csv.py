"""The registry as a CSV file: ``sha256,kind,unit,full_name,position,capacity,valid_from,valid_to,source``.

============  =====================================================================================
sha256        SHA-256 of the certificate's DER, 64 hexadecimal digits (colons allowed)
kind          ``person``, ``organisation`` or ``device``
unit          identifier of the unit, any scheme
full_name     of a person; empty for the others
position      of a person; one row for each position held; without position and capacity: no right to sign
capacity      of a person: ``TM.``, ``Q.``, ``KT.``, ``TL.``, ``TUQ.`` or empty for the head's own right;
              several with ``|``; kinds of document in parentheses: ``KT.(QĐ CV)|TL.``; ``KT.<TL.`` where the
              right was passed on by someone who holds ``TL.`` himself (Điều 13 lets that one go to a deputy
              and forbids passing on ``TUQ.``)
valid_from    ISO date or datetime, inclusive; empty: not limited. Without a zone: Vietnam's
valid_to      likewise, **exclusive** (the first day or moment on which it no longer holds); empty: open
source        decision, letter or list that says so
============  =====================================================================================

Rows with the same ``sha256`` add mandates; they may not disagree on kind, unit or name while they overlap.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from edocx.content import Blob
from edocx.errors import Text, UnitError
from edocx.units.registry import (
    HolderKind,
    Mandate,
    RegistryEntry,
    SigningCapacity,
    is_fingerprint,
    may_pass_on,
    moment_text,
)
from edocx.units.table import MAX_BYTES, Fault, Faults, FaultyTable, Row, read_moment, read_table
from edocx.units.unit import LOCAL
from edocx.units.unit_id import UnitId

COLUMNS = ("sha256", "kind", "unit", "full_name", "position", "capacity", "valid_from", "valid_to", "source")
"""The columns, in the order written."""

_capacity = re.compile(r"(TM\.|Q\.|KT\.|TL\.|TUQ\.|)(?:<(TM\.|Q\.|KT\.|TL\.|TUQ\.))?(?:\(([^()]*)\))?").fullmatch
_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def read_registry(path: Path, *, authority: str = LOCAL) -> list[RegistryEntry]:
    """Read a registry file whole or not at all; `FaultyTable` lists every fault with its line and column."""
    return read_registry_bytes(Blob.from_path(path).read(MAX_BYTES), where=str(path), authority=authority)


def read_registry_bytes(data: bytes, *, where: str | None = None, authority: str = LOCAL) -> list[RegistryEntry]:
    """Read registry entries from the bytes of a CSV file, as `read_registry` does."""
    faults = Faults()
    entries: list[tuple[int, RegistryEntry]] = []
    required = frozenset({"sha256", "kind", "unit"})
    optional = frozenset(COLUMNS) - required
    for row in read_table(data, required=required, optional=optional, faults=faults, where=where):
        made = _entry(row, faults, authority)
        if made is not None:
            entries.append((row.line, made))
    faults.extend(_disagreements(entries))
    if faults:
        faults.sort(key=lambda fault: (fault.line, fault.column))
        raise FaultyTable(faults, where, unchecked=True)
    return [entry for _, entry in entries]


def write_registry(entries: Iterable[RegistryEntry]) -> str:
    """Write entries as CSV text that `read_registry_bytes` reads back to entries that answer the same."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        for mandate, position, capacity in _cells(entry):
            dates = (entry.valid_from, entry.valid_to) if mandate is None else (mandate.valid_from, mandate.valid_to)
            writer.writerow(
                [
                    entry.sha256,
                    entry.kind.value,
                    entry.unit.reference,
                    entry.full_name,
                    position,
                    capacity,
                    *map(moment_text, dates),
                    entry.source if mandate is None else mandate.source,
                ]
            )
    return out.getvalue()


def _cells(entry: RegistryEntry) -> Iterator[tuple[Mandate | None, str, str]]:
    """Yield (mandate, position, capacities) a row; mandates that share position, dates and source share the row."""
    rows: dict[tuple[object, ...], list[Mandate]] = {}
    for mandate in entry.mandates:
        key = (mandate.position, mandate.valid_from, mandate.valid_to, mandate.source)
        rows.setdefault(key, []).append(mandate)
    if not any(key[1:3] == (entry.valid_from, entry.valid_to) for key in rows):
        # The certificate runs longer than any right to sign: a row without position says so.
        yield None, "", ""
    for mandates in rows.values():
        yield mandates[0], mandates[0].position, "|".join(_capacity_text(mandate) for mandate in mandates)


def _capacity_text(mandate: Mandate) -> str:
    by = f"<{mandate.passed_on_by.value}" if mandate.passed_on_by else ""
    kinds = f"({' '.join(sorted(mandate.document_kinds))})" if mandate.document_kinds else ""
    return mandate.capacity.value + by + kinds


def _entry(row: Row, faults: list[Fault], authority: str) -> RegistryEntry | None:
    before = len(faults)
    sha256 = row["sha256"].replace(":", "").lower()
    if not is_fingerprint(sha256):
        faults.append(_fault(row, "sha256", "cần 64 chữ số thập lục phân.", "64 hexadecimal digits are due."))
    faults += [
        _fault(row, column, "chứa ký tự điều khiển hoặc ký tự ẩn.", "it holds a hidden character.")
        for column in ("full_name", "position", "capacity", "source")
        if not row[column].isprintable()
    ]
    kind = _kind(row, faults)
    unit = _unit(row, faults)
    valid_from, valid_to = _moment(row, "valid_from", faults), _moment(row, "valid_to", faults)
    if valid_from and valid_to and valid_to <= valid_from:
        faults.append(_fault(row, "valid_to", "không sau valid_from.", "it is not after valid_from."))
    if kind is HolderKind.PERSON and not row["full_name"]:
        faults.append(_fault(row, "full_name", "cá nhân phải có họ tên.", "a person has a name."))
    if kind in (HolderKind.ORGANISATION, HolderKind.DEVICE) and row["capacity"]:
        faults.append(_fault(row, "capacity", "chỉ cá nhân có thẩm quyền ký.", "only a person has a capacity."))
    capacities = _capacities(row, faults)
    if len(faults) > before or kind is None or unit is None:
        return None
    source = row["source"]
    mandates = tuple(
        Mandate(unicodedata.normalize("NFC", row["position"]), capacity, kinds, valid_from, valid_to, source, by)
        for capacity, by, kinds in capacities
    )
    name = unicodedata.normalize("NFC", row["full_name"])
    signs = kind is HolderKind.PERSON and bool(row["position"] or row["capacity"])
    return RegistryEntry(sha256, kind, unit, name, mandates if signs else (), valid_from, valid_to, source, authority)


def _kind(row: Row, faults: list[Fault]) -> HolderKind | None:
    try:
        return HolderKind(row["kind"].lower())
    except ValueError:
        faults.append(
            _fault(row, "kind", "phải là person, organisation hoặc device.", "person, organisation or device is due.")
        )
        return None


def _unit(row: Row, faults: list[Fault]) -> UnitId | None:
    try:
        return UnitId.parse(row["unit"])
    except UnitError as error:
        faults.append(Fault(row.line, "unit", error.code, error.text))
        return None


def _moment(row: Row, column: str, faults: list[Fault]) -> datetime | None:
    try:
        return read_moment(row[column])
    except ValueError:
        faults.append(_fault(row, column, "không phải ngày giờ ISO 8601.", "not an ISO 8601 date or datetime."))
        return None


def _capacities(row: Row, faults: list[Fault]) -> list[tuple[SigningCapacity, SigningCapacity | None, frozenset[str]]]:
    found = []
    for part in unicodedata.normalize("NFC", row["capacity"]).split("|"):
        fits = _capacity(part.strip())
        if fits is None:
            vi = "chỉ nhận TM., Q., KT., TL., TUQ. (NĐ 30/2020 Điều 13)."
            faults.append(
                _fault(row, "capacity", vi, "only TM., Q., KT., TL., TUQ. are known (NĐ 30/2020 Article 13).")
            )
            continue
        capacity, by = SigningCapacity(fits[1]), SigningCapacity(fits[2]) if fits[2] else None
        if by is not None and not may_pass_on(by, capacity):
            faults.append(
                Fault(
                    row.line,
                    "capacity",
                    "EDX-REGISTRY-DELEGATION",
                    Text(
                        f"quyền ký {by} không được giao tiếp thành {capacity} (NĐ 30/2020 Điều 13).",
                        f"a right held {by} may not be passed on as {capacity} (NĐ 30/2020 Article 13).",
                    ),
                )
            )
        found.append((capacity, by, frozenset((fits[3] or "").replace(",", " ").split())))
    return found


def _disagreements(entries: list[tuple[int, RegistryEntry]]) -> list[Fault]:
    """Find rows that give one certificate to two holders at one moment."""
    faults: list[Fault] = []
    seen: dict[str, list[RegistryEntry]] = {}
    for line, entry in entries:
        for earlier in seen.setdefault(entry.sha256, []):
            if conflicting(entry, earlier):
                why = Text(
                    "chứng thư này đã thuộc chủ thể khác trong cùng thời gian.",
                    "the certificate belongs to another holder at the same time.",
                )
                faults.append(Fault(line, "sha256", "EDX-REGISTRY-CONFLICT", why))
                break
        seen[entry.sha256].append(entry)
    return faults


def conflicting(one: RegistryEntry, other: RegistryEntry) -> bool:
    """Say whether two entries of one certificate name different holders at one moment."""
    same = (one.kind, one.unit, one.full_name) == (other.kind, other.unit, other.full_name)
    return not same and _overlap(one, other)


def _overlap(one: RegistryEntry, other: RegistryEntry) -> bool:
    first = max(one.valid_from or _ALWAYS[0], other.valid_from or _ALWAYS[0])
    last = min(one.valid_to or _ALWAYS[1], other.valid_to or _ALWAYS[1])
    return first < last


def _fault(row: Row, column: str, vi: str, en: str) -> Fault:
    return Fault(row.line, column, "EDX-TABLE-VALUE", Text(vi, en))
