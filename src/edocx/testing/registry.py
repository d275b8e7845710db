"""Rows of a certificate registry: which unit and person each certificate acts for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

COLUMNS = ("sha256", "kind", "unit", "full_name", "position", "capacity", "valid_from", "valid_to", "source")


@dataclass(frozen=True, slots=True)
class Registration:
    """One row; ``sha256`` is that of the DER certificate in lower-case hex, times are aware."""

    sha256: str
    kind: str
    unit: str
    full_name: str
    position: str
    capacity: str
    valid_from: datetime
    valid_to: datetime | None
    source: str


def write_registrations(rows: Iterable[Registration]) -> str:
    """Return the registry as CSV text with a header; times in ISO 8601, an open end is empty."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        values = (getattr(row, column) for column in COLUMNS)
        table.writerow(value.isoformat() if isinstance(value, datetime) else value or "" for value in values)
    return text.getvalue()


def read_registrations(text: str) -> list[Registration]:
    """Read what `write_registrations` wrote; raise ``ValueError`` or ``KeyError`` for anything else."""
    return [
        Registration(
            **{column: row[column] for column in COLUMNS if not column.startswith("valid_")},
            valid_from=_moment(row["valid_from"]),
            valid_to=_moment(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
