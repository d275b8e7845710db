"""Unit: what the directory knows of an agency on a date."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from edocx.clock import in_vietnam
from edocx.errors import Text, UsageError
from edocx.units.level import Level
from edocx.units.unit_id import UnitId

SHIPPED, SIGNED, LOCAL = "shipped", "signed", "local"
"""Who answers for a record: the data in this package, a signed snapshot's delegate, or only this office."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How people reach a unit; empty strings where nothing is recorded."""

    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a unit's system takes: envelope types, the largest size in bytes, whether it seals; None is not known."""

    accepts: tuple[str, ...] = ()
    max_bytes: int | None = None
    seals: bool | None = None


NO_CONTACT, NO_CAPABILITIES = Contact(), Capabilities()


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it stands from `since` (inclusive) to `until` (exclusive); nothing recorded changes in between.

    `identity` is the unit's own name in the directory and never its code: the province Đồng Tháp before
    and after 2025-07-01 are two units that both hold ``H20``. `parent` and `served_by` are identities.
    None for a date means "not limited as far as is known".
    """

    identity: str
    name: str
    kind: str
    level: Level | None
    code: UnitId | None
    code102: UnitId | None
    parent: str | None
    served_by: str | None
    opened: date | None
    closed: date | None
    since: date | None
    until: date | None
    contact: Contact = field(default=NO_CONTACT, repr=False)
    capabilities: Capabilities = NO_CAPABILITIES
    statistical_code: str | None = None
    formerly: tuple[str, ...] = ()
    """Names of predecessors of which only the name is recorded (communes merged in 2025)."""
    source: str = ""
    authority: str = SHIPPED
    unverified: frozenset[str] = field(default=frozenset())
    """Names of the fields above that rest on memory or inference alone."""

    @property
    def label(self) -> str:
        """The name for people, or the code or identity where no name is recorded."""
        return self.name or (self.code.code if self.code else self.identity)

    @property
    def local(self) -> bool:
        """Whether only this office vouches for the record; verdicts that rest on it must say so."""
        return self.authority == LOCAL


def day_of(at: date | datetime) -> date:
    """Return the calendar day in Vietnam of a date or an aware datetime; `UsageError` for a naive one."""
    if not isinstance(at, datetime):
        return at
    if at.tzinfo is None:
        raise UsageError(
            Text("Thời điểm thiếu múi giờ.", "The moment has no time zone."),
            hint=Text("Gắn múi giờ ở nơi nhận dữ liệu.", "Attach a zone where the data comes in."),
        )
    return in_vietnam(at).date()
