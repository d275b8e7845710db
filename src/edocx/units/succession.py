"""Succession: how one unit's tasks passed to others, by which decree, on which day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

from edocx.errors import Text
from edocx.units.unit import LOCAL, SHIPPED

if TYPE_CHECKING:
    from edocx.units.unit import Unit


class SuccessionKind(Enum):
    """What happened to the predecessor."""

    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    TRANSFER = "transfer"
    ABOLISH = "abolish"

    @property
    def label(self) -> Text:
        """The event's name for people, in both languages."""
        return _LABELS[self]


_LABELS = {
    SuccessionKind.MERGE: Text("sáp nhập", "merged"),
    SuccessionKind.SPLIT: Text("chia tách", "split"),
    SuccessionKind.RENAME: Text("đổi tên", "renamed"),
    SuccessionKind.TRANSFER: Text("chuyển giao nhiệm vụ", "tasks transferred"),
    SuccessionKind.ABOLISH: Text("giải thể", "abolished"),
}


@dataclass(frozen=True, slots=True)
class Succession:
    """One edge: on the day `on`, by `decree`, `predecessor` passed to `successor` (None: to nobody by name).

    `custodian` is the identity of the unit named to keep the predecessor's register when the
    successors are several or none. Units are given by identity. `authority` says who answers for the edge
    (`edocx.units.unit`); it is no part of what the edge says, so equal edges of two sources are one.
    """

    kind: SuccessionKind
    predecessor: str
    successor: str | None
    on: date
    decree: str = ""
    custodian: str | None = None
    source: str = ""
    verified: bool = True
    authority: str = field(default=SHIPPED, compare=False)

    @property
    def local(self) -> bool:
        """Whether only this office vouches for the edge; answers that rest on it must say so."""
        return self.authority == LOCAL


@dataclass(frozen=True, slots=True)
class Successor:
    """A unit that stands today where another stood: the unit, and the edges that lead to it, oldest first."""

    unit: Unit
    path: tuple[Succession, ...]

    @property
    def verified(self) -> bool:
        """Whether every edge on the way rests on a source that was read, not on memory."""
        return all(edge.verified for edge in self.path)

    @property
    def local(self) -> bool:
        """Whether some edge on the way is vouched for by this office only."""
        return any(edge.local for edge in self.path)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A unit that passed into another: its last recorded state, and the edge."""

    unit: Unit
    edge: Succession
