"""What waits, what was sent, and what became of it: lists, contents, counts, acknowledgements.

Authorised, not only authenticated: every docId is looked up among the caller's own sent or received messages; anything
else answers as if it did not exist. Functions work in the caller's transaction and return rows without nulls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, String, func, select, type_coerce, update

from edocx.clock import in_vietnam
from edocx.errors import Text
from edocx.hub import refusal
from edocx.hub.admission import DONE, FAIL, INITIAL, PROCESSING
from edocx.hub.agencies import Agency
from edocx.hub.replies import RawJson, without_nulls
from edocx.hub.schema import copies, messages
from edocx.hub.told_text import is_doc_id, tidied

STATES = {
    INITIAL: Text("Chưa xử lý", "Not fetched yet"),
    PROCESSING: Text("Đang xử lý", "Being fetched"),
    DONE: Text("Hoàn thành", "Done"),
    FAIL: Text("Không nhận được", "Failed"),
}
"""The words for the states of a copy."""

STATUS_WORDS = {
    DONE: DONE,
    FAIL: FAIL,
    PROCESSING: PROCESSING,
    "inbox": PROCESSING,
    "acceptance": DONE,
    "rejection": FAIL,
}
"""What updateStatus may say (the second half only by the SDK's README)."""

MAX_DESCRIPTION = 2_000
"""Characters of a description that are kept: it comes in a header."""

SENT_LIMIT = 10_000
"""Newest rows of what was sent: the protocol has no pages, and an agency sends for years."""

_WAITING = (INITIAL, PROCESSING)
_quoted = json.encoder.encode_basestring_ascii
_DESCRIBED = {state: _quoted(text.vi) for state, text in STATES.items()}
# A list may have ten thousand rows: no column is read that is not shown, and moments stay the text they are stored as.
_LISTED = (
    *(messages.c[name] for name in ("doc_id", "message_type", "origin", "document_id", "business", "urgency")),
    type_coerce(messages.c.received_at, String),
)
_HELD = (
    *(copies.c[name] for name in ("recipient", "state")),
    *(type_coerce(copies.c[name], String) for name in ("updated_at", "created_at")),
    *(copies.c[name] for name in ("message_id", "sha256", "size")),
)

LISTED = select(*_LISTED, *_HELD).join(copies, copies.c.message == messages.c.number)
"""Messages with one copy each, as `received_rows` shows them."""

SENT = select(
    messages,
    *(copies.c[name] for name in ("recipient", "state", "description", "updated_at", "via", "downstream", "rerouted")),
).join(copies, copies.c.message == messages.c.number)
"""Messages with what became of each copy."""


def received(
    connection: Connection,
    caller: Agency,
    message_type: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[tuple[Any, ...]]:
    """Return what waits for the caller and is not acknowledged: urgent first, then oldest first."""
    query = (
        LISTED.where(copies.c.recipient == caller.code, copies.c.via.is_(None), copies.c.state.in_(_WAITING))
        .where(messages.c.message_type == message_type)
        .order_by(messages.c.urgency.desc(), messages.c.number)
    )
    if since is not None:
        query = query.where(copies.c.created_at >= since)
    if until is not None:
        query = query.where(copies.c.created_at <= until)
    return connection.execute(query).all()


def received_json(rows: Sequence[tuple[Any, ...]]) -> RawJson:
    """Return received messages as the rows of the axis' list, written out: ten thousand dictionaries take longer.

    What `edocx` offices use further stands in extra members.
    """
    minutes = lru_cache(1024)(_minute_in_vietnam)
    return RawJson("[" + ",".join([_received_row(minutes, *row) for row in rows]) + "]")


def received_rows(rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return the rows of `received_json` one by one."""
    return list(json.loads(received_json(rows).text))


def _received_row(  # noqa: PLR0917 - the columns of `received`, in their order
    minutes: Callable[[str], str],
    doc_id: str,
    message_type: str,
    origin: str,
    document_id: str,
    business: str,
    urgency: int,
    received_at: str,
    recipient: str,
    state: str,
    updated_at: str,
    created_at: str,
    message_id: str | None,
    sha256: str,
    size: int,
) -> str:
    # Moments are stored in UTC with a fixed width: seconds stand where the zone does not reach.
    created = f'"{minutes(created_at[:16])}{created_at[16:19]}"'
    updated = created if updated_at == created_at else f'"{minutes(updated_at[:16])}{updated_at[16:19]}"'
    more = "" if message_id is None else f',"edxMessageId":{_quoted(message_id)}'
    return (
        f'{{"docId":{_quoted(doc_id)},"serviceType":"eDoc","messageType":{_quoted(message_type)}'
        f',"created_time":{created},"updated_time":{updated}'
        f',"from":{_quoted(origin)},"to":{_quoted(recipient)}'
        f',"status":{_quoted(state)},"status_desc":{_DESCRIBED[state]}'
        f',"edxDocumentId":{_quoted(document_id)},"edxBusiness":{_quoted(business)},"edxUrgency":{urgency:d}'
        f',"edxSha256":{_quoted(sha256)},"edxSize":{size:d},"edxReceivedAt":{_quoted(received_at)}{more}}}'
    )


def _minute_in_vietnam(moment: str) -> str:
    return wire_time(datetime.fromisoformat(f"{moment}:00+00:00"))[:16]


def count(connection: Connection, caller: Agency, message_type: str) -> int:
    """Return how many messages of a type wait for the caller."""
    query = (
        select(func.count())
        .select_from(copies.join(messages, messages.c.number == copies.c.message))
        .where(copies.c.recipient == caller.code, copies.c.via.is_(None), copies.c.state.in_(_WAITING))
        .where(messages.c.message_type == message_type)
    )
    return int(connection.execute(query).scalar_one())


def sent(connection: Connection, caller: Agency, message_type: str, doc_id: str) -> Sequence[Row[Any]]:
    """Return the caller's sent messages, newest first, a row for each recipient; of one when a docId is given."""
    if doc_id and not is_doc_id(doc_id):
        return []
    query = (
        SENT.where(messages.c.sender == caller.code)
        .order_by(messages.c.number.desc(), copies.c.recipient)
        .limit(SENT_LIMIT)
    )
    query = query.where(messages.c.doc_id == doc_id) if doc_id else query.where(messages.c.message_type == message_type)
    return list(connection.execute(query))


def sent_rows(rows: Sequence[Row[Any]], statements: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return sent messages as rows of the axis' list; ``statements`` are the relay statements by recipient."""
    return without_nulls(
        [
            {
                "serviceType": "eDoc",
                "messageType": row.message_type,
                "senderDocId": row.doc_id,
                "receiverDocId": row.doc_id,
                "fromCode": row.origin,
                "toCode": row.recipient,
                "title": row.title or "",
                "notation": row.notation or "",
                "sentTime": wire_time(row.received_at),
                "receivedTime": wire_time(row.updated_at) if row.state != INITIAL else "",
                "sendStatus": DONE,
                "sendStatusDesc": STATES[DONE].vi,
                "receiveStatus": row.state,
                "receiveStatusDesc": row.description or STATES[row.state].vi,
                "edxMessageId": row.message_id,
                "edxDocumentId": row.document_id,
                "edxReceivedAt": row.received_at.isoformat(),
                "edxStatements": statements.get(row.recipient),
            }
            for row in rows
        ]
    )


def own_message(connection: Connection, caller: Agency, doc_id: str) -> tuple[Row[Any], str]:
    """Return the message of a docId that the caller sent or received, and the digest of its content for this caller.

    Raises `StateError` for any other docId, the same whether it exists or not.
    """
    named = select(messages).where(messages.c.doc_id == doc_id)
    message = connection.execute(named).first() if is_doc_id(doc_id) else None
    if message is None:
        raise refusal.unknown_document(doc_id)
    mine = (copies.c.message == message.number) & (copies.c.recipient == caller.code) & copies.c.via.is_(None)
    held = connection.execute(select(copies.c.sha256).where(mine)).scalar_one_or_none()
    if held is None and message.sender != caller.code:
        raise refusal.unknown_document(doc_id)
    return message, held or message.sha256


def update_status(
    connection: Connection, caller: Agency, doc_id: str, word: str, description: str, *, now: datetime
) -> tuple[int, float] | None:
    """Acknowledge the caller's own copy; the same word again does nothing, and `done` is never taken back.

    Returns, of a copy that is done now, its urgency and how many seconds it waited here; None otherwise.
    """
    state = STATUS_WORDS.get(word.strip().lower())
    if state is None:
        raise refusal.bad_parameter("status")
    query = (
        select(copies.c.message, copies.c.state, copies.c.created_at, messages.c.urgency)
        .join(messages, messages.c.number == copies.c.message)
        .where(messages.c.doc_id == doc_id, copies.c.recipient == caller.code, copies.c.via.is_(None))
    )
    row = connection.execute(query).first() if is_doc_id(doc_id) else None
    if row is None:
        raise refusal.unknown_document(doc_id)
    if row.state == state:
        return None
    if row.state == DONE or (row.state == FAIL and state == PROCESSING):
        raise refusal.settled()
    where = (copies.c.message == row.message) & (copies.c.recipient == caller.code)
    values = {"state": state, "description": tidied(description, MAX_DESCRIPTION) or None, "updated_at": now}
    connection.execute(update(copies).where(where).values(**values))
    return (row.urgency, (now - row.created_at).total_seconds()) if state == DONE else None


def wire_time(moment: datetime) -> str:
    """Return a moment as lists show it: ``yyyy-MM-dd HH:mm:ss`` in Vietnam's time."""
    return in_vietnam(moment).isoformat(" ", "seconds")[:19]
