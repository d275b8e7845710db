"""Retention: contents that everybody has are let go after a time; who sent what to whom, and when, stays.

An axis passes documents on, it is no archive (NĐ 30/2020 Điều 29: those who issue and receive keep them). What nobody
fetched is never let go by this: it waits.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, func, select, update

from edocx.hub.admission import DONE, FAIL
from edocx.hub.database import HubStore
from edocx.hub.schema import copies, messages
from edocx.routing.store import tables

BATCH = 200
"""Contents let go in one transaction: nobody waits long behind it."""

_payloads = tables.payloads


def sweep(store: HubStore, keep: timedelta) -> int:
    """Let go of contents that every recipient settled longer than ``keep`` ago; return how many."""
    gone: list[str] = store.write("sweep", lambda connection: _let_go(connection, store, keep))
    # Bytes after the commit: what a transaction still names must not vanish.
    for sha256 in gone:
        store.drop_unnamed(sha256)
    return len(gone)


def _let_go(connection: Connection, store: HubStore, keep: timedelta) -> list[str]:
    now = store.now()
    settled = copies.c.state.in_((DONE, FAIL)) & (copies.c.updated_at < now - keep)
    named = select(messages.c.sha256).join(copies, copies.c.message == messages.c.number)
    held = select(copies.c.sha256)
    # Neither as the message's own content nor as a copy's is it wanted by anybody who has not settled.
    wanted = named.where(~settled).union(held.where(~settled))
    fresh = select(messages.c.sha256).where(messages.c.received_at >= now - keep)
    query = (
        select(_payloads.c.sha256)
        .where(_payloads.c.erased_at.is_(None))
        .where(_payloads.c.sha256.not_in(wanted), _payloads.c.sha256.not_in(fresh))
        .limit(BATCH)
    )
    gone = list(connection.execute(query).scalars())
    if gone:
        mine = _payloads.c.sha256.in_(gone)
        connection.execute(update(_payloads).where(mine).values(content=None, erased_at=now))
    return gone


def erased(store: HubStore) -> int:
    """Return how many contents were let go so far."""
    with store.read() as connection:
        query = select(func.count()).select_from(_payloads).where(_payloads.c.erased_at.is_not(None))
        return int(connection.execute(query).scalar_one())
