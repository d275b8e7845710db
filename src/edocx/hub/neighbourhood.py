"""What neighbouring hubs tell each other: their clocks, that they are there, and by which keys statements are believed.

A hub is believed about its own key, and about the keys of hubs whose code stands below its own (``hub.H58.12`` below
``hub.H58``); the hub above is believed about every hub that is no neighbour of ours. What an administrator entered goes
before whatever was told. So a provincial hub cannot put a key under another province's name.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, delete, insert, select, update

from edocx.errors import EdocxError
from edocx.hub.configuration import HubConfig, Peer
from edocx.hub.schema import neighbours, relay_keys
from edocx.routing.parcel import is_plain_id
from edocx.routing.transport.axis_exchange import AxisExchange

OPERATION = "edxGreeting"
"""Its path, beside the axis' own operations; only hubs may call it."""

BY_HAND = "cli"
"""Who told a key that an administrator entered."""

MAX_KEYS = 2_000
"""Keys taken from one answer: against a neighbour that fills the database."""

GREET_AGAIN = timedelta(minutes=5)
"""How often neighbours are asked for their time and keys."""

STALE = 3 * GREET_AGAIN
"""How long an answer stands for "it is there": two questions that were not asked."""

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Met:
    """How a neighbour was found: how far its clock is ahead of ours, how long it took, or the code of the error."""

    asked_at: datetime
    ahead_ms: int | None = None
    took_ms: int | None = None
    error: str | None = None


def greeting(
    connection: Connection, config: HubConfig, own_key: Ed25519PublicKey | None, now: datetime
) -> dict[str, Any]:
    """Return what this hub tells a neighbour: its time, its code, and the keys it knows."""
    rows = connection.execute(select(relay_keys).where(relay_keys.c.until.is_(None)).limit(MAX_KEYS)).all()
    keys = [{"hub": row.hub, "key": row.key} for row in rows]
    if own_key is not None and config.system_code is not None:
        keys.insert(0, {"hub": config.system_code, "key": key_text(own_key)})
    return {"edxTime": now.isoformat(), "edxHub": config.system_code or "", "edxKeys": keys}


def greet(line: AxisExchange, now: datetime) -> tuple[Met, list[Mapping[str, Any]]]:
    """Call a neighbour; return how it was found, and the keys it told."""
    started = time.perf_counter()
    try:
        reply = line.call(OPERATION, {}, body=b"{}")
    except EdocxError as error:
        return Met(now, error=error.code), []
    took = time.perf_counter() - started
    told = reply.get("edxKeys")
    listed = told[:MAX_KEYS] if isinstance(told, list) else []
    keys: list[Mapping[str, Any]] = [one for one in listed if isinstance(one, dict)]
    return Met(now, _ahead(reply.get("edxTime"), now, took), int(took * 1000)), keys


def _ahead(told: object, now: datetime, took: float) -> int | None:
    """Return by how many milliseconds the neighbour's clock is ahead, taking its answer as made half-way."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    return int((moment - now).total_seconds() * 1000 - took * 500)


def note(connection: Connection, peer: Peer, met: Met) -> None:
    """Write down how a neighbour was found."""
    row = {"asked_at": met.asked_at, "ahead_ms": met.ahead_ms, "took_ms": met.took_ms, "error": met.error}
    if met.error is None:
        row["answered_at"] = met.asked_at
    changed = connection.execute(update(neighbours).where(neighbours.c.code == peer.code).values(**row))
    if not changed.rowcount:
        connection.execute(insert(neighbours), {"answered_at": None} | row | {"code": peer.code})


def is_stale(answered_at: datetime | None, now: datetime) -> bool:
    """Tell whether a neighbour's last answer is too old to say that it is there; one from the future says nothing."""
    return answered_at is None or abs(now - answered_at) > STALE


def learn(connection: Connection, peer: Peer, config: HubConfig, told: list[Mapping[str, Any]], now: datetime) -> int:
    """Take over the keys that a neighbour may speak for; return how many are new."""
    new = 0
    for one in told:
        hub, key = str(one.get("hub") or ""), str(one.get("key") or "")
        if _may_tell(peer, hub, config) and is_plain_id(hub) and read_key(key) is not None:
            new += _enter(connection, hub, key, by=peer.code, now=now)
    return new


def enter_by_hand(connection: Connection, hub: str, key: Ed25519PublicKey, *, now: datetime) -> None:
    """Enter a key that an administrator vouches for; whatever was told about this hub ends."""
    mine = (relay_keys.c.hub == hub) & relay_keys.c.until.is_(None)
    connection.execute(delete(relay_keys).where(relay_keys.c.hub == hub, relay_keys.c.key == key_text(key)))
    connection.execute(update(relay_keys).where(mine).values(until=now))
    row = {"hub": hub, "key": key_text(key), "since": now, "until": None, "told_by": BY_HAND}
    connection.execute(insert(relay_keys), row)


def known_keys(connection: Connection) -> dict[str, tuple[Ed25519PublicKey, ...]]:
    """Return every key that was ever believed, by hub: a statement outlives a change of keys."""
    found: dict[str, tuple[Ed25519PublicKey, ...]] = {}
    for row in connection.execute(select(relay_keys).order_by(relay_keys.c.since)):
        key = read_key(row.key)
        if key is not None:
            found[row.hub] = (*found.get(row.hub, ()), key)
    return found


def key_text(key: Ed25519PublicKey) -> str:
    """Return a public key as text: base64 of its 32 bytes."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def read_key(text: str) -> Ed25519PublicKey | None:
    """Read a public key; None for what is none."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Ed25519PublicKey.from_public_bytes(raw) if len(raw) == _KEY_BYTES else None


def _may_tell(peer: Peer, hub: str, config: HubConfig) -> bool:
    if hub == peer.code:
        return True
    if hub == config.system_code or any(hub == other.code for other in config.peers):
        return False
    return peer.role == "above" or hub.startswith(f"{peer.code}.")


def _enter(connection: Connection, hub: str, key: str, *, by: str, now: datetime) -> int:
    rows = connection.execute(select(relay_keys).where(relay_keys.c.hub == hub)).all()
    open_rows = [row for row in rows if row.until is None]
    if any(row.key == key for row in rows) or any(row.told_by == BY_HAND for row in open_rows):
        return 0
    if any(row.told_by != by for row in open_rows):
        return 0  # two neighbours that say different things: the first stays until an administrator decides
    mine = (relay_keys.c.hub == hub) & relay_keys.c.until.is_(None)
    connection.execute(update(relay_keys).where(mine).values(until=now))
    row = {"hub": hub, "key": key, "since": now, "until": None, "told_by": by}
    connection.execute(insert(relay_keys), row)
    return 1
