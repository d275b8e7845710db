"""How many calls an agency makes in a minute, counted for all nodes of a hub together.

Each node takes a part of the minute's allowance from the database and counts it down by itself: a commit for a part,
not for a call. What a node took and did not use is lost for that minute, so the limit is never passed, and missed by a
twentieth for each node at most.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from edocx.hub import refusal
from edocx.hub.agencies import Agency
from edocx.hub.database import HubStore
from edocx.hub.schema import call_rates
from edocx.routing.store.upsert import upsert

PARTS = 20
"""Into how many parts a minute's allowance is dealt out."""

AHEAD = 2
"""Minutes that a node's clock may be ahead. A minute later than that was counted by a clock that is put right since:
its allowance may be spent, and would be until that minute comes."""

# Built once: building an expression takes longer than running it.
_OPEN = upsert(call_rates).on_conflict_do_nothing()
_SPENT = select(call_rates.c.minute, call_rates.c.taken).where(call_rates.c.agency == bindparam("its_agency"))
_TAKE = (
    update(call_rates)
    .where(call_rates.c.agency == bindparam("its_agency"))
    .values(minute=bindparam("its_minute"), taken=bindparam("now_taken"))
)


class _Part(NamedTuple):
    """What a node holds of a minute; ``last`` when the database gives no more of it."""

    minute: int
    left: int
    last: bool = False


@dataclass(slots=True)
class Rate:
    """Counts the calls of agencies that have a limit."""

    store: HubStore
    _parts: dict[int, _Part] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, agency: Agency, limit: int | None, now: datetime) -> None:
        """Count one call; raise `Refused` beyond the limit, `StoreUnavailable` when the database cannot be asked."""
        if limit is None:
            return
        minute = int(now.timestamp()) // 60
        if self._has_one(agency.id, minute):
            return
        # Not under the lock: a commit takes its time, and other agencies call meanwhile.
        part = self.store.write("rate", lambda connection: _part_of(connection, agency.id, limit, minute))
        with self._lock:
            held = self._parts.get(agency.id)
            more = held.left if held is not None and held.minute == part.minute else 0
            left = more + part.left - 1
            self._parts[agency.id] = _Part(part.minute, max(0, left), part.last)
        if left < 0:
            raise refusal.too_many_requests()

    def _has_one(self, agency: int, minute: int) -> bool:
        """Take one call of what this node holds; raise `Refused` when the minute is known to be used up."""
        with self._lock:
            held = self._parts.get(agency)
            if held is None or not minute <= held.minute <= minute + AHEAD or not (held.left or held.last):
                return False
            if not held.left:
                raise refusal.too_many_requests()  # whoever calls on and on costs no commit
            self._parts[agency] = held._replace(left=held.left - 1)
            return True


def _part_of(connection: Connection, agency: int, limit: int, minute: int) -> _Part:
    connection.execute(_OPEN, {"agency": agency, "minute": minute, "taken": 0})
    # Nodes ask one after the other for the same agency.
    row = connection.execute(_SPENT.with_for_update(), {"its_agency": agency}).one()
    # Another node's clock may be ahead by a minute already: then its minute goes on.
    current, taken = (row.minute, row.taken) if minute <= row.minute <= minute + AHEAD else (minute, 0)
    given = max(0, min(max(1, limit // PARTS), limit - taken))
    if given:
        connection.execute(_TAKE, {"its_agency": agency, "its_minute": current, "now_taken": taken + given})
    return _Part(current, given, taken + given >= limit)
