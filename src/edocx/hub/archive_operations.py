"""What a hub remembers of a unit, for its office alone: its journal heads, what it sent and got, which way.

An extension of the axis' protocol: paths of their own under the same signed headers, which no official client calls. A
hub keeps heads and judges nothing: whose word a head is, the office itself knows by its own seal
(`edocx.routing.transport.Archive`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pybase64
from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy import delete as deleted_from
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from edocx.hub import mailroom, refusal, replies
from edocx.hub.call import Call, Operation, answer, reading, take_body
from edocx.hub.relay_statement import read_chain
from edocx.hub.schema import copies, heads, messages
from edocx.hub.told_text import is_countable
from edocx.routing.parcel import is_message_id
from edocx.routing.store.tables import payloads
from edocx.routing.transport.axis_archive import KEEP_HEAD, mark_of

MAX_HEAD = 256 * 1024
"""Bytes of one head with its signature: some kilobytes, more with an evidence of revocation in it."""

MOST_COUNTS = 50
"""Counts kept of one unit, a new one after each restore; against a database filled with them."""

PAGE = 500
"""Messages in one answer, with all their recipients."""

_FURTHEST = 2**63 - 1


async def keep_head(call: Call) -> Response:
    """Keep a journal head; answer with the furthest of its count.

    The call's signature covers the head, and names the one that it follows: what was said before, said again by
    somebody else, changes nothing.
    """
    agency = _office_of(call)
    body = await take_body(call, MAX_HEAD)
    try:
        told = body.readings()[-1]
        call.require_meant(KEEP_HEAD, told)
        head = _head_in(told.read())
    finally:
        body.close()
    follows, now = call.get("edx-follows"), call.service.store.now()

    def act(connection: Connection) -> bytes:
        return replies.to_bytes(replies.ok(edxHead=_keep(connection, agency, head, follows, now)))

    return answer(await run_in_threadpool(call.service.store.write, "head", act))


def _keep(connection: Connection, agency: str, head: Mapping[str, Any], follows: str, now: datetime) -> dict[str, Any]:
    known = _latest(connection, agency)
    row = {name: head[name] for name in ("seq", "said", "signature")}
    # A head of the count before, said again, would stand before the present one; a new count could be begun again.
    if known is not None and not hmac.compare_digest(follows.encode(), mark_of(known["said"], known["signature"])):
        return _told(known)
    if known is None or head["anew"]:
        connection.execute(insert(heads), {"unit": agency, "kept_at": now, **row})
        _forget_oldest(connection, agency)
        return _told(row)
    if known["seq"] >= head["seq"]:
        return _told(known)
    # Another node of this hub may have been faster: a head never goes back within its count.
    ahead = (heads.c.number == known["number"]) & (heads.c.seq < head["seq"])
    connection.execute(update(heads).where(ahead).values(kept_at=now, **row))
    found = _latest(connection, agency)
    assert found is not None
    return _told(found)


def _forget_oldest(connection: Connection, agency: str) -> None:
    mine = heads.c.unit == agency
    kept = select(heads.c.number).where(mine).order_by(heads.c.number.desc()).limit(MOST_COUNTS)
    oldest = select(func.min(kept.subquery().c.number)).scalar_subquery()
    connection.execute(deleted_from(heads).where(mine, heads.c.number < oldest))


def _latest(connection: Connection, agency: str) -> RowMapping | None:
    query = select(heads).where(heads.c.unit == agency).order_by(heads.c.number.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def _told(head: Mapping[Any, Any]) -> dict[str, Any]:
    said, signature = (pybase64.b64encode(head[name]).decode() for name in ("said", "signature"))
    return {"seq": head["seq"], "said": said, "signature": signature}


def _head_in(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
        seq, anew = told["seq"], told.get("anew", False)
        said, signature = (pybase64.b64decode(told[name], validate=True) for name in ("said", "signature"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise refusal.bad_parameter("head") from error
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq <= _FURTHEST or not isinstance(anew, bool):
        raise refusal.bad_parameter("seq")
    return {"seq": seq, "anew": anew, "said": said, "signature": signature}


def head_of(call: Call, connection: Connection) -> dict[str, Any]:
    """Tell the furthest head of the caller's present count, where there is one."""
    found = _latest(connection, _office_of(call))
    return {} if found is None else {"edxHead": _told(found)}


def sent_since(call: Call, connection: Connection) -> dict[str, Any]:
    """List what was taken from the caller since a moment, a row for each recipient, a page at a time."""
    agency = _office_of(call)
    since = _moment(call)
    named = select(messages.c.number).where(messages.c.sender == agency, messages.c.received_at >= since)
    return _page(call, connection, named, None)


def received_since(call: Call, connection: Connection) -> dict[str, Any]:
    """List what was taken for the caller since a moment, acknowledged or not, a page at a time."""
    agency = _office_of(call)
    since = _moment(call)
    named = (
        select(copies.c.message.label("number"))
        .where(copies.c.recipient == agency, copies.c.via.is_(None))
        .where(copies.c.created_at >= since)
    )
    return _page(call, connection, named, agency)


def _page(call: Call, connection: Connection, named: Any, recipient: str | None) -> dict[str, Any]:
    found = named.subquery()
    after = select(found.c.number).where(found.c.number > _after(call)).order_by(found.c.number).limit(PAGE)
    numbers = list(connection.execute(after).scalars())
    query = mailroom.LISTED.where(messages.c.number.in_(numbers)).order_by(messages.c.number, copies.c.recipient)
    # What was let go after its time (`edocx.hub.retention`) cannot be pulled back: naming it would stop its office.
    gone = select(payloads.c.sha256).where(payloads.c.sha256 == copies.c.sha256, payloads.c.erased_at.is_not(None))
    query = query.where(~gone.exists())
    if recipient is not None:
        query = query.where(copies.c.recipient == recipient)
    told: dict[str, Any] = {"data": mailroom.received_json(connection.execute(query).all())}
    return told | ({"edxNext": numbers[-1]} if len(numbers) == PAGE else {})


def trace(call: Call, connection: Connection) -> dict[str, Any]:
    """Tell the hubs that a message of the caller passed, recipient by recipient, as far as they stated it."""
    agency, message_id = _office_of(call), call.get("edx-message-id")
    if not is_message_id(message_id):
        raise refusal.bad_parameter("edx-message-id")
    own = call.service.config.unit or call.service.config.system_code or ""
    mine = (messages.c.origin == agency) & (messages.c.message_id == message_id)
    rows = list(connection.execute(mailroom.SENT.where(mine).order_by(copies.c.recipient)))
    stated = call.service.relay_book.of_copies(connection, rows)
    hops: list[dict[str, str]] = []
    for row in rows:
        stations = read_chain(stated.get(row.recipient, ()), {})
        way = [(one.hub, one.entered or row.received_at) for one in stations] or [(own, row.received_at)]
        hops += [{"recipient": row.recipient, "node": node, "at": at.isoformat()} for node, at in way if node]
    return {"edxHops": hops}


def _office_of(call: Call) -> str:
    """Return the code of the calling unit; a neighbouring hub has no office, and is told that there is no such path."""
    if call.caller.agency.kind == "hub":
        raise refusal.no_such_path()
    return call.caller.agency.code


def _moment(call: Call) -> datetime:
    try:
        moment = datetime.fromisoformat(call.get("edx-since"))
    except ValueError as error:
        raise refusal.bad_parameter("edx-since") from error
    if moment.tzinfo is None or not is_countable(moment):
        raise refusal.bad_parameter("edx-since")
    return moment


def _after(call: Call) -> int:
    told = call.get("edx-after") or "0"
    # Of bounded length first: Python itself refuses to read thousands of digits.
    if not (told.isascii() and told.isdigit() and len(told) <= len(str(_FURTHEST)) and int(told) <= _FURTHEST):
        raise refusal.bad_parameter("edx-after")
    return int(told)


FOR_OFFICES: dict[str, tuple[tuple[str, ...], Operation]] = {
    KEEP_HEAD: (("POST",), keep_head),
    "edxHeadOf": (("POST",), reading(head_of)),
    "edxSentSince": (("POST",), reading(sent_since)),
    "edxReceivedSince": (("POST",), reading(received_since)),
    "edxTrace": (("POST",), reading(trace)),
}
"""What only offices of edocx call."""
