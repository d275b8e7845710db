"""When the room's test files were signed and are judged, and who signs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edocx.signing.keys import Signer
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.units.registry import CsvRegistry

SIGNED_AT = datetime(2023, 6, 15, 1, tzinfo=UTC)
AT = SIGNED_AT + timedelta(days=1)
UNIT = "H58.12.01"


@dataclass(frozen=True)
class Bench:
    """A PKI on disk; a person and an agency of one unit, an agency of another; their keys."""

    pki: Pki
    folder: Path
    trust: TrustStore
    registry: CsvRegistry
    person: Signer
    agency: Signer
    other: Signer
