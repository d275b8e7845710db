"""What agencies wish changed in the register, and what an administrator makes of it.

A call over the axis' protocol changes nothing in the register by itself: its signature covers neither path nor body
(axis-http.md §1.3). It files a wish, within the caller's own subtree, that an administrator grants or refuses.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from edocx.errors import Refused, Text, UnitError
from edocx.hub import refusal
from edocx.hub.agencies import LENGTHS, Agency, NewAgency, close, find, note, register, require, tidied_facts
from edocx.hub.schema import agencies, requests
from edocx.hub.signed_headers import Parameters
from edocx.hub.told_text import tidied
from edocx.units import Scheme, UnitId

MAX_WISH = 4_000
"""Characters of a filed request: against a register that a client fills."""

WISH_MEMORY = timedelta(hours=1)
"""How long a wish that was settled is not filed again: against its headers, said again by somebody else."""

MAX_OPEN_WISHES = 100
"""Requests of one agency that wait for the administrator; further ones are refused until some are settled."""

MOST_OF_ONE_STAMP = 20
"""Open requests under one signed timestamp, and under all old ones together: whoever saw the headers of one call can
file wishes by them, and is not to fill the place of the agency's own. A client that is started anew has a new one."""

FRESH = timedelta(days=1)
"""How long a timestamp counts for itself. Official clients' are frozen for the life of their process."""

_OLD = "old"
_FLAT = (Scheme.ENTERPRISE, Scheme.SCHEMED)
_MOST_LEVELS = 8
"""Levels climbed in the register: the nation has four; against a ring of parents."""


def stamp_of(parameters: Parameters, now: datetime) -> str:
    """Return under which timestamp a call counts: its own while that is fresh, else with all the old ones."""
    made = parameters.made_at
    return parameters.get("timestamp") if made is not None and abs(now - made) <= FRESH else _OLD


def file_request(
    connection: Connection, agency: Agency, act: str, wish: dict[str, str], *, now: datetime, stamp: str | None = None
) -> int:
    """Write down what an agency wants changed in the register, within its own subtree; return the request's number.

    The same wish again is the same request while it is open, and for `WISH_MEMORY` after: the headers of a
    call can be replayed (axis-http.md §1.3), and an administrator who settled a wish is not to find it there again.
    ``stamp`` is the timestamp that it is wished under (`stamp_of`).
    """
    code, above = wish.get("code", ""), wish.get("pcode", "")
    if not code:
        raise refusal.bad_parameter("code")
    _require_below(connection, agency, code, above)
    text = json.dumps({name: tidied(told, MAX_WISH) for name, told in wish.items()}, ensure_ascii=False, sort_keys=True)
    if len(text) > MAX_WISH:
        raise refusal.too_large(MAX_WISH)
    mine, still_open = requests.c.agency == agency.code, requests.c.state == "open"
    just_settled = requests.c.settled_at.between(now - WISH_MEMORY, now + WISH_MEMORY)
    remembered = and_(mine, or_(still_open, just_settled))
    same = and_(remembered, requests.c.act == act, requests.c.wish == text)
    known = connection.execute(select(requests.c.id).where(same).order_by(requests.c.id.desc()).limit(1)).scalar()
    if known is not None:
        return int(known)
    waiting = connection.execute(select(func.count()).select_from(requests).where(mine, still_open)).scalar_one()
    if waiting >= MAX_OPEN_WISHES:
        raise refusal.too_many_wishes()
    if stamp is not None:
        alike = select(func.count()).select_from(requests).where(mine, still_open, requests.c.stamp == stamp)
        if connection.execute(alike).scalar_one() >= MOST_OF_ONE_STAMP:
            raise refusal.too_many_of_one_stamp()
    row = {"agency": agency.code, "act": act, "code": code, "wish": text, "state": "open", "filed_at": now}
    row |= {"stamp": stamp}
    return int(connection.execute(insert(requests), row).inserted_primary_key[0])  # type: ignore[index]


def open_requests(connection: Connection) -> Sequence[Any]:
    """Return the requests that wait for an administrator, oldest first."""
    return connection.execute(select(requests).where(requests.c.state == "open").order_by(requests.c.id)).all()


def settle_request(connection: Connection, number: int, *, grant: bool, now: datetime, by: str) -> Any:
    """Grant or refuse a request; granting does what it asks. Return its row.

    Raises `Refused` for one that is not open, and for a wish about a closed agency (``EDX-HUB-SHUT``).
    """
    row = connection.execute(select(requests).where(requests.c.id == number, requests.c.state == "open")).first()
    if row is None:
        raise Refused(
            Text("Không có yêu cầu đang chờ với số này.", "No open request has this number."),
            hint=Text("Xem danh sách bằng `edocx hub agencies requests`.", "List: `edocx hub agencies requests`."),
            code="EDX-HUB-REQUEST",
            where=str(number),
        )
    if grant and row.act == "register":
        _grant(connection, row, now=now, by=by)
    elif grant:
        close(connection, row.code, now=now, by=by)
    state = {"state": "granted" if grant else "refused", "settled_at": now, "settled_by": by}
    connection.execute(update(requests).where(requests.c.id == number).values(**state))
    note(connection, now=now, by=by, act=str(state["state"]), subject=str(number))
    return row


def _grant(connection: Connection, row: Any, *, now: datetime, by: str) -> None:
    wish, known = json.loads(row.wish), find(connection, row.code)
    if known is not None and known.state != "open":
        # As for an administrator's own hand (`agencies.register`): opened again by name only.
        raise refusal.shut_agency(known.code)
    changes = changes_of(connection, row)
    facts = _reaching(wish)
    if known is None:
        parent = wish.get("pcode") or row.agency
        register(connection, NewAgency(row.code, facts.pop("name", row.code), parent=parent), now=now, by=by)
    # Of an agency that is known only how to reach it changes: no limits, no code, no place in the tree.
    known = require(connection, row.code)
    change = facts | {"modified_at": now}
    connection.execute(update(agencies).where(agencies.c.id == known.id).values(**change))
    if changes:
        note(
            connection, now=now, by=by, act="change", subject=f"{known.code}: {', '.join(one.name for one in changes)}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What granting a wish would change of an agency: which fact, from what, to what; None for nothing there."""

    name: str
    old: str | None
    new: str | None


def changes_of(connection: Connection, row: Any) -> tuple[Change, ...]:
    """Return what granting a request would change in the register, in letters that a terminal may show."""
    known = connection.execute(_KNOWN, {"told": _code_in(connection, row.code)}).first()
    if row.act != "register":
        state = known.state if known is not None else None
        return () if state == "closed" else (Change("state", state, "closed"),)
    wish = json.loads(row.wish)
    wanted: dict[str, str | None] = dict(_reaching(wish))
    if known is None:
        wanted = {"name": row.code} | wanted | {"parent": wish.get("pcode") or row.agency}
    held = {name: getattr(known, name) if known is not None else None for name in wanted}
    return tuple(
        Change(name, *(None if told is None else tidied(told, MAX_WISH) for told in (held[name], new)))
        for name, new in wanted.items()
        if new != held[name]
    )


def is_shut(connection: Connection, code: str) -> bool:
    """Tell whether a wish speaks of an agency that is closed: it can be filed, and only granted once it is open."""
    known = find(connection, code)
    return known is not None and known.state != "open"


def _reaching(wish: dict[str, str]) -> dict[str, str]:
    return tidied_facts({name: wish[name] for name in LENGTHS if name in wish})


_KNOWN = select(agencies).where(agencies.c.code == bindparam("told"))


def _code_in(connection: Connection, code: str) -> str:
    known = find(connection, code)
    return known.code if known is not None else code


def _require_below(connection: Connection, agency: Agency, code: str, above: str) -> None:
    """Raise `Refused` unless a code, and the parent named for it, stand below the caller; `UnitError` for no code.

    The parent that a caller names proves nothing by itself: whoever names itself above a code does not own it. Only
    codes that show no place (of enterprises, of schemes of their own) and that nobody registered are taken by it.
    """
    wanted, named = UnitId.parse(code), UnitId.parse(above) if above else None
    known = find(connection, code)
    if known is not None and known.id == agency.id:
        raise refusal.outside_subtree()
    parent = find(connection, above) if above else None
    is_mine = parent is not None and parent.id == agency.id
    if above and not is_mine and not _is_below(connection, agency, named, parent):
        raise refusal.outside_subtree()
    taken_by_parent = known is None and bool(above) and wanted.scheme in _FLAT
    if not taken_by_parent and not _is_below(connection, agency, wanted, known):
        raise refusal.outside_subtree()


def _is_below(connection: Connection, agency: Agency, unit: UnitId | None, known: Agency | None) -> bool:
    """Tell whether a unit stands below an agency: by the code tree, or by the parents that the register records."""
    if unit is None:
        return False
    for one in filter(None, (_parsed(code) for code in agency.codes)):
        if one != unit and one.contains(unit):
            return True
    for _ in range(_MOST_LEVELS):
        if known is None or known.parent is None:
            return False
        if known.parent in agency.codes:
            return True
        known = find(connection, known.parent)
    return False


def _parsed(code: str) -> UnitId | None:
    try:
        return UnitId.parse(code)
    except UnitError:
        return None  # one of the register's first years
