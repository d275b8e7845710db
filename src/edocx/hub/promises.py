"""Promises to neighbouring hubs: a copy refused for its unit is never taken again, whatever still is on its way here.

A neighbour that has sent one copy more than once knows of a refusal only that this one try did not get it in: another
may lie in a stream, be delivered anew, or wait for the database, while the register changes. So the refusal is written
down in the transaction that decided it, and every later try of that copy meets it. Only on such a word does the
neighbour send the copy another way (`edocx.hub.rerouting`); otherwise the unit might get it twice.

A copy is known by the digest of its sender's relay statement, which is the same on every try, by its recipient and by
the number of its attempt: what a person sends again, or what comes back here by the register, is a later one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from edocx.errors import EdocxError, Refused, UnitError
from edocx.hub import refusal
from edocx.hub.schema import promises

MAX_COPIES = 10_000
"""Recipients of one message behind one hub."""

NEVER = "never\ttaken"
"""What a refusal for good names as its place, for neighbours to read: no unit's code, since those hold no tab."""

LATEST = 2**15 - 1
"""Highest number of an attempt: what a neighbour tells beyond it is no number that a hub counts."""

_SETTLED = frozenset({"EDX-UNIT-UNKNOWN", "EDX-UNIT-CLOSED", "EDX-UNIT-NOT-OPEN", "EDX-HUB-LOOP"})
"""Refusals for a recipient, raised before anything is taken."""

# Built once: building an expression takes longer than running it.
_MINE = (promises.c.hub == bindparam("its_hub")) & (promises.c.statement == bindparam("its_statement"))
_GIVEN = select(promises.c.recipient, promises.c.attempt).where(_MINE)
_RAISE = (
    update(promises)
    .where(_MINE, promises.c.recipient == bindparam("its_recipient"))
    .values(attempt=bindparam("its_attempt"), given_at=bindparam("its_time"))
)


class Asked(NamedTuple):
    """A copy as a neighbouring hub names it."""

    hub: str
    statement: str
    recipient: str
    attempt: int


def copies_in(text: str) -> list[tuple[str, int]]:
    """Read which copies a neighbouring hub speaks of: a JSON list of recipients, each with its attempt."""
    try:
        told = json.loads(text)
        found = [(str(recipient), int(attempt)) for recipient, attempt in told]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise refusal.bad_parameter("copies") from error
    if not 0 < len(found) <= MAX_COPIES:
        raise refusal.bad_parameter("copies")
    return found


def copies_told(rows: Iterable[Any]) -> str:
    """Write which copies a message is: what `copies_in` reads."""
    return json.dumps([[row.recipient, row.attempt] for row in rows], ensure_ascii=False)


def given(connection: Connection, hub: str, statement: str) -> Mapping[str, int]:
    """Return up to which attempt a message's copies were refused for good, by recipient."""
    rows = connection.execute(_GIVEN, {"its_hub": hub, "its_statement": statement})
    return {row.recipient: row.attempt for row in rows}


def holds(promised: Mapping[str, int], recipient: str, attempts: Mapping[str, int]) -> bool:
    """Tell whether a copy was refused for good; where its attempt is not told, any promise counts."""
    if recipient not in promised:
        return False
    told = attempts.get(recipient)
    return told is None or told <= promised[recipient]


def give(connection: Connection, asked: Asked, error: Refused, *, now: datetime) -> Refused:
    """Write down that a copy is never taken, in the transaction that refuses it; return the refusal that says so."""
    known = given(connection, asked.hub, asked.statement).get(asked.recipient)
    if known is None:
        connection.execute(insert(promises), asked._asdict() | {"given_at": now})
    elif known < asked.attempt:
        told = {f"its_{name}": value for name, value in asked._asdict().items()}
        connection.execute(_RAISE, told | {"its_time": now})
    return _of_its_unit(error, NEVER)


def for_each(error: Refused, recipient: str) -> Refused:
    """Return a refusal of a message for many as one of its recipients: its sender then asks for them one by one."""
    return error if isinstance(error, UnitError) else _of_its_unit(error, recipient)


def is_of_a_unit(error: EdocxError) -> bool:
    """Tell whether a refusal speaks of a recipient, and was raised before anything was taken."""
    return error.code in _SETTLED


def is_for_good(error: EdocxError) -> bool:
    """Tell whether a refusal promises that the copy is never taken."""
    return isinstance(error, UnitError) and error.where == NEVER


def _of_its_unit(error: Refused, where: str) -> Refused:
    # A loop is told as a unit that is not known: lines between hubs carry codes of units alone (`AxisExchange`).
    code = error.code if isinstance(error, UnitError) else "EDX-UNIT-UNKNOWN"
    made = UnitError(error.text, hint=error.hint, code=code, where=where)
    made.__cause__ = error
    return made
