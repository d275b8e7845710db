"""Calls that were heard before: whoever signs a word for one call alone is not heard twice by it.

Official clients cannot: their timestamp is frozen, their header map never cleared, and body and path stand outside the
signature (axis-http.md §1.3). One of them acknowledges two attempts of a document, or wishes for two agencies, by the
very same headers, so the same headers heard again are refused nothing. Their repeats are bounded by what an act does:
an acknowledgement is of the caller's own copy and is never taken back, a wish said again is one wish, and few wishes
stand under one timestamp (`edocx.hub.wishes`). Offices and hubs of edocx sign operation and a word for each call.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from edocx.hub import refusal
from edocx.hub.agencies import Agency
from edocx.hub.call import Call
from edocx.hub.schema import heard
from edocx.routing.store.upsert import upsert

MOST_HEARD = 5_000
"""Calls of one agency that are remembered, the newest: against a database filled with them."""

MAX_WORD = 64
_PRUNE_EVERY = 250

# Built once: building an expression takes longer than running it.
_KEEP = upsert(heard).on_conflict_do_nothing(index_elements=["agency", "word"]).returning(heard.c.number)


def was_heard(connection: Connection, call: Call, now: datetime) -> bool:
    """Remember a call that changes something, inside its transaction; tell whether it came before.

    A call without such a word comes for the first time always. Raises `UsageError` for a word that is none of ours.
    """
    word = call.get("edx-once")
    if not word:
        return False
    if len(word) > MAX_WORD or not (word.isascii() and word.isalnum()):
        raise refusal.bad_parameter("edx-once")
    agency = call.caller.agency
    row = {"agency": agency.id, "word": word, "heard_at": now}
    number = connection.execute(_KEEP, row).scalar_one_or_none()
    if number is not None and number % _PRUNE_EVERY == 0:
        _forget_oldest(connection, agency)
    return number is None


def _forget_oldest(connection: Connection, agency: Agency) -> None:
    mine = heard.c.agency == agency.id
    kept = select(heard.c.number).where(mine).order_by(heard.c.number.desc()).limit(MOST_HEARD)
    oldest = select(func.min(kept.subquery().c.number)).scalar_subquery()
    connection.execute(delete(heard).where(mine, heard.c.number < oldest))
