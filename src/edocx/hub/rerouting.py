"""Custody follows the register: a copy that nobody took yet goes the way that its recipient is reached by now.

``copies.unsure`` counts the attempts that may have left for the next hub and of which it is not known that they did
not arrive: it is raised, with the relay statement, in the commit before an attempt leaves, and lowered once that is
known to have reached nobody. Only a copy without such an attempt is routed anew; any other stays, the next hub is asked
by handing it on again, and the way is changed only when that hub has promised, durably, never to take it
(`edocx.hub.promises`): for it knows no such unit, closed it, or would send it back. A refusal alone speaks of one try,
and another may be taken later. So no copy is ever on two ways. Everything here works in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, exists, func, insert, select, update

from edocx.hub import agencies, refusal
from edocx.hub.database import HubStore
from edocx.hub.schema import audit, copies, messages, statements

SELF = "edocx"
"""Who routed anew when no administrator did: the hub, after its settings changed or the next hub knew no such unit."""

NO_SUCH_UNIT = frozenset({"EDX-UNIT-UNKNOWN", "EDX-UNIT-CLOSED", "EDX-UNIT-NOT-OPEN"})
"""Refusals of a copy for its recipient: it may be reached another way by now."""

_INITIAL, _FAIL = "initial", "fail"
_SUBJECT = 200

# A copy made by an earlier version counts no attempts: its relay statement tells that one may have left.
_STATED = exists().where(statements.c.message == copies.c.message, statements.c.via == copies.c.via)
UNSURE: ColumnElement[int] = func.coalesce(copies.c.unsure, case((_STATED, 1), else_=0))
"""How many attempts of a copy may have arrived at the next hub."""

_MOVE = (
    update(copies)
    .where(copies.c.message == bindparam("its_message"), copies.c.recipient == bindparam("its_recipient"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("recipient", "via", "due_at", "state", "description", "rerouted", "updated_at")
        }
        | {"attempt": copies.c.attempt + bindparam("another"), "tries": 0, "unsure": 0, "relayed_as": None}
    )
)


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a copy's way: when, from which hub, to which (None: fetched here)."""

    at: datetime
    old: str
    new: str | None


def moves_of(told: str | None) -> tuple[Move, ...]:
    """Return the changes of way that are written down of a copy."""
    return tuple(Move(datetime.fromisoformat(at), old, new) for at, old, new in json.loads(told or "[]"))


def way_now(connection: Connection, recipient: str, above: str | None) -> tuple[bool, str | None]:
    """Tell whether a recipient can be reached by the register as it is now, and through which hub (None: here)."""
    agency = agencies.find(connection, recipient)
    if agency is not None:
        return True, agency.served_by
    return above is not None, above


def mark_leaving(connection: Connection, rows: Sequence[Any], via: str) -> list[Any]:
    """Count an attempt about to leave; return of the rows those copies that still go this way and wait for it."""
    if not rows:
        return []
    mine = and_(
        copies.c.message == rows[0].number,
        copies.c.recipient.in_([row.recipient for row in rows]),
        copies.c.via == via,
        copies.c.state == _INITIAL,
    )
    # Locked: whoever changes the way at this moment either did it before, or waits and sees the attempt.
    held = connection.execute(select(copies.c.recipient, copies.c.attempt).where(mine).with_for_update()).all()
    there = {(row.recipient, row.attempt) for row in held}
    left = [row for row in rows if (row.recipient, row.attempt) in there]
    if left:
        connection.execute(update(copies).where(mine).values(unsure=UNSURE + 1))
    return left


def follow_register(connection: Connection, codes: Iterable[str], via: str | None, *, now: datetime, by: str) -> int:
    """Route the copies for an agency anew that wait for another hub and were taken by none; return how many.

    ``codes`` are the spellings of the agency, its own first.
    """
    spelt = tuple(dict.fromkeys(codes))
    waiting = and_(
        copies.c.recipient.in_(spelt),
        copies.c.state == _INITIAL,
        copies.c.via.is_not(None),
        copies.c.via.is_distinct_from(via),
        UNSURE == 0,
    )
    return _route(connection, waiting, via, spelt[0], now=now, by=by)


def follow_settings(store: HubStore, above: str | None) -> int:
    """Route everything in custody anew whose way the register or the settings changed; return how many copies.

    For what changes without an act upon the register: ``[[peers]]`` of hub.toml, or a database from elsewhere.
    """
    ways = select(copies.c.recipient, copies.c.via).where(copies.c.state == _INITIAL, copies.c.via.is_not(None))
    with store.read() as connection:
        if not _changed(connection, ways, above):
            return 0

    def act(connection: Connection) -> int:
        now = store.now()
        return sum(
            follow_register(connection, (code, recipient), via, now=now, by=SELF)
            for recipient, code, via in _changed(connection, ways, above)
        )

    return store.write("reroute", act)


def _changed(connection: Connection, ways: Any, above: str | None) -> list[tuple[str, str, str | None]]:
    found: dict[tuple[str, str], tuple[str, str, str | None]] = {}
    for recipient, via in connection.execute(ways.distinct()):
        known, new = way_now(connection, recipient, above)
        if known and new != via:
            agency = agencies.find(connection, recipient)
            found[recipient, via] = (recipient, agency.code if agency else recipient, new)
    return list(dict.fromkeys(found.values()))


def turn_back(connection: Connection, row: Any, via: str, above: str | None, *, for_good: bool, now: datetime) -> bool:
    """Route a copy anew that the next hub refused for its unit; False where there is no other way, or it is not safe.

    ``for_good`` says that the hub promised never to take this copy (`edocx.hub.promises`): then it does not matter how
    many tries are on their way there. A hub of an earlier version promises nothing: its word is of this try alone.
    """
    known, new = way_now(connection, row.recipient, above)
    if not known or new == via:
        return False
    agency = agencies.find(connection, row.recipient)
    waiting = and_(
        copies.c.message == row.number,
        copies.c.recipient == row.recipient,
        copies.c.attempt == row.attempt,
        copies.c.via == via,
        copies.c.state == _INITIAL,
    )
    if not for_good:
        waiting &= UNSURE == 0
    named = agency.code if agency else row.recipient
    return bool(_route(connection, waiting, new, named, now=now, by=SELF, another=1))


def _route(
    connection: Connection,
    waiting: ColumnElement[bool],
    via: str | None,
    code: str,
    *,
    now: datetime,
    by: str,
    another: int = 0,
) -> int:
    # ``another``: attempts more. Refused there, it is a new one here: the old hub's promise and its old answers are of
    # the one before, should the register send it that way again.
    # Locked alone, and joined afterwards: an attempt that is about to leave is counted, or has not begun.
    picked = (
        select(copies.c.message, copies.c.recipient, copies.c.via, copies.c.rerouted).where(waiting).with_for_update()
    )
    rows = connection.execute(picked).all()
    if not rows:
        return 0
    moved = []
    for row in rows:
        message = connection.execute(
            select(messages.c.sender, messages.c.passed).where(messages.c.number == row.message)
        ).one()
        comes_back = via is not None and via in {message.sender, *message.passed.split(";")}
        told = [*json.loads(row.rerouted or "[]"), (now.isoformat(), row.via, via)]
        moved.append(
            {
                "its_message": row.message,
                "its_recipient": row.recipient,
                "new_recipient": _named(connection, row, code),
                "new_via": via,
                "new_due_at": now if via is not None and not comes_back else None,
                "new_state": _FAIL if comes_back else _INITIAL,
                "new_description": refusal.loop(str(via)).text.vi if comes_back else None,
                "new_rerouted": json.dumps(told),
                "another": another,
                "new_updated_at": now,
            }
        )
    connection.execute(_MOVE, moved)
    for old in sorted({str(row.via) for row in rows}):
        count = sum(row.via == old for row in rows)
        told_of = f"{code}: {count}, {old} > {via or 'here'}"[:_SUBJECT]
        connection.execute(insert(audit), {"at": now, "who": by, "act": "reroute", "subject": told_of})
    return len(rows)


def _named(connection: Connection, row: Any, code: str) -> str:
    """Return the recipient as the register spells it now: a mailbox is looked up by that, unless one is there."""
    if row.recipient == code:
        return code
    other = select(copies.c.message).where(copies.c.message == row.message, copies.c.recipient == code)
    return str(row.recipient) if connection.execute(other).first() else code
