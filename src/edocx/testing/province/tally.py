"""The count: what was sent, what arrived, how long it took, and what was said of it, read from the stores themselves.

The files are read with plain SQL and no code of the offices: what is counted is what lies on disk.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from edocx.testing.province.plan import Plan
from edocx.testing.province.population import AXIS, OFFICES

_SENT = """
SELECT p.sender, p.message_id, d.recipient, p.kind, p.urgency, p.sha256, p.queued_at, p.state, d.handling, d.change
FROM parcels p JOIN deliveries d ON d.message_id = p.message_id AND d.direction = 'out'
"""
_BARE = "SELECT sender, message_id, state FROM parcels"
_ARRIVED = "SELECT sender, message_id, recipient, sha256, state, arrived_at FROM inbox"
_NUMBERED_TWICE = """
SELECT count(*) FROM (SELECT 1 FROM register WHERE series = 'den' AND state <> 'voided'
                      GROUP BY document HAVING count(*) > 1)
"""
_HOPS = """
SELECT m.sender, m.message_id, p.recipient, count(*) - 1 FROM passed p JOIN messages m ON m.key = p.key
GROUP BY p.key, p.recipient
"""
_HANDED_OVER = "SELECT m.sender, m.message_id, c.recipient, c.acknowledged_at FROM copies c JOIN messages m USING (key)"
_ANSWERED = frozenset({"accepted", "rejected"})


class Key(NamedTuple):
    """One message on its way to one recipient."""

    sender: str
    message_id: str
    recipient: str


@dataclass(slots=True)
class Tally:
    """What the stores hold after the day; the three counts that must be zero come first.

    Attributes:
        lost: messages queued for a recipient that are not in its inbox.
        twice: messages that stand twice in an inbox, or documents with two arrival numbers.
        altered: messages that arrived with other bytes than were sent, or that nobody sent.
        unanswered: copies of documents whose sender has neither an acceptance nor a refusal.
        undone: recalls and replacements that some receiver has not agreed to.
        quarantined: messages that a receiver put aside.
        copies: copies of documents.
        messages: all messages, statuses too, counted by recipient.
        refused: copies refused, as their senders know it.
        taken_back: documents recalled or replaced, as their senders know it.
        waits: seconds from send to arrival of each copy of a document, by urgency and hops.
        status_waits: the same of statuses.
    """

    lost: int = 0
    twice: int = 0
    altered: int = 0
    unanswered: int = 0
    undone: int = 0
    quarantined: int = 0
    copies: int = 0
    messages: int = 0
    refused: int = 0
    taken_back: int = 0
    waits: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    status_waits: list[float] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Everything that should not be."""
        return self.lost + self.twice + self.altered + self.unanswered + self.undone + self.quarantined

    @classmethod
    def of(cls, folder: Path, plan: Plan) -> Tally:
        """Count a province's folder after its day."""
        tally, arrived = cls(), _arrivals(folder)
        with _reading(folder / AXIS) as axis:
            hops = {Key(*row[:3]): int(row[3]) for row in axis.execute(_HOPS)}
            handed = {Key(*row[:3]) for row in axis.execute(_HANDED_OVER) if row[3] is not None}
        sent: set[Key] = set()
        for place in _stores(folder):
            with _reading(place) as office:
                tally.twice += int(office.execute(_NUMBERED_TWICE).fetchone()[0])
                for row in office.execute(_SENT):
                    key = Key(*row[:3])
                    sent.add(key)
                    tally._count(row[3:], arrived.get(key, []), hops.get(key), acknowledged=key in handed)
        tally.altered += sum(key not in sent for key in arrived)
        tally.lost += _unaccounted(folder, sent)
        tally.lost += sum(len(letter.recipients) for letter in plan.letters) - _new_copies(folder)
        return tally

    def _count(
        self, told: tuple[object, ...], arrivals: list[_Arrival], hops: int | None, *, acknowledged: bool
    ) -> None:
        kind, urgency, sha256, queued_at, state, handling, change = told
        self.messages += 1
        if not arrivals or not acknowledged or state != "sent" or hops is None:
            self.lost += 1
            return
        self.twice += len(arrivals) - 1
        self.altered += sum(arrival.sha256 != sha256 for arrival in arrivals)
        self.quarantined += sum(arrival.state == "quarantined" for arrival in arrivals)
        wait = (arrivals[0].at - datetime.fromisoformat(str(queued_at))).total_seconds()
        if kind != "document":
            self.status_waits.append(wait)
            return
        self.copies += 1
        self.waits.setdefault((int(str(urgency)), hops), []).append(wait)
        self.refused += handling == "rejected"
        self.taken_back += change == "agreed"
        self.undone += change not in {"none", "agreed"}
        self.unanswered += handling not in _ANSWERED and change != "agreed"


class _Arrival(NamedTuple):
    sha256: str
    state: str
    at: datetime


def _arrivals(folder: Path) -> dict[Key, list[_Arrival]]:
    found: dict[Key, list[_Arrival]] = {}
    for place in _stores(folder):
        with _reading(place) as office:
            for row in office.execute(_ARRIVED):
                arrival = _Arrival(row[3], row[4], datetime.fromisoformat(row[5]))
                found.setdefault(Key(*row[:3]), []).append(arrival)
    return found


def _unaccounted(folder: Path, sent: set[Key]) -> int:
    """Count parcels that have no delivery row at all: none may exist."""
    known = Counter((key.sender, key.message_id) for key in sent)
    missing = 0
    for place in _stores(folder):
        with _reading(place) as office:
            missing += sum((row[0], row[1]) not in known for row in office.execute(_BARE))
    return missing


def _new_copies(folder: Path) -> int:
    """Count the copies of new documents that were queued: as many as the plan wanted, or some were never sent."""
    query = _SENT + " WHERE p.kind = 'document' AND p.business = 'new'"
    total = 0
    for place in _stores(folder):
        with _reading(place) as office:
            total += len(office.execute(query).fetchall())
    return total


def _stores(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / OFFICES).glob("*/office.db"))


def _reading(place: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True))
