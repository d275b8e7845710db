"""Relay statements: what each hub signs about a message that passed it, chained from the first hub to the last.

A hub states which content it took and when, from which statement before it, and to whom it gave it on. The digest of
its statement travels forward with the message; the statements themselves come back when a hub asks the next one how
the message fared. So the sender's hub holds the whole chain, and gaps, other content and false order show. A hub whose
key the reader does not know is unattested: its word stands there, and nothing vouches for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edocx.errors import Text

MAX_CHAIN = 16
"""Statements in one chain: as many as hubs on one way."""

MAX_TEXT = 4_000
"""Characters of one statement: against a neighbour that fills the database."""

SKEW = timedelta(minutes=15)
"""How far two hubs' clocks may be apart before their times are named as contradicting."""

_FIELDS = ("hub", "doc", "content", "previous", "in", "out", "next")


class Standing(StrEnum):
    """How one station of a chain stands: signed by a known key, by an unknown one, or not so."""

    ATTESTED = "attested"
    UNATTESTED = "unattested"
    BROKEN = "broken"


REMARKS = {
    "gap": Text("Thiếu trạm trước đó hoặc trạm này bị thay.", "A station before it is missing, or it was replaced."),
    "order": Text("Trạm trước giao cho nơi khác.", "The station before gave it to somebody else."),
    "content": Text("Nội dung khác với trạm đầu.", "Another content than at the first station."),
    "time": Text("Thời gian mâu thuẫn với trạm trước.", "Its times contradict the station before."),
    "silent": Text("Chặng này chưa khai hoặc không khai.", "This hop stated nothing."),
    "signature": Text("Chữ ký của trạm không đúng.", "The station's signature is not right."),
    "unreadable": Text("Không đọc được lời khai của trạm.", "The station's statement cannot be read."),
}
"""What may be remarked on a station."""


@dataclass(frozen=True, slots=True)
class Station:
    """One hub on the way: how its statement stands, what is to be remarked, and what it says."""

    hub: str
    standing: Standing
    remarks: tuple[str, ...]
    entered: datetime | None
    left: datetime | None
    following: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a hub states: its own code, its docId, the content's digest, the statement before, times, who is next."""

    hub: str
    doc: str
    content: str
    previous: str
    entered: datetime
    left: datetime | None
    following: str


def make_statement(fact: Fact, key: Ed25519PrivateKey) -> str:
    """Sign a statement; the same fact gives the same text (Ed25519 is deterministic)."""
    told = {
        "hub": fact.hub,
        "doc": fact.doc,
        "content": fact.content,
        "previous": fact.previous,
        "in": fact.entered.isoformat(),
        "out": fact.left.isoformat() if fact.left else "",
        "next": fact.following,
    }
    text = json.dumps(told, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"{text}|{base64.b64encode(key.sign(text.encode())).decode()}"


def digest_of(statement: str) -> str:
    """Return what the next statement names as the one before it."""
    return hashlib.sha256(statement.encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Tell whether a text can be a statement's digest."""
    return len(text) == hashlib.sha256().digest_size * 2 and all(sign in "0123456789abcdef" for sign in text)


def bounded(statements: object) -> list[str]:
    """Return the statements a neighbour gave, as far as they can be such; the rest is left out."""
    listed = statements if isinstance(statements, list) else []
    return [one for one in listed[:MAX_CHAIN] if isinstance(one, str) and len(one) <= MAX_TEXT and one.isascii()]


def read_chain(
    statements: Sequence[str],
    keys: Mapping[str, Ed25519PublicKey | Collection[Ed25519PublicKey]],
    *,
    recipient: str | None = None,
) -> tuple[Station, ...]:
    """Judge a chain from the first hub to the last.

    Args:
        statements: as they came back.
        keys: the hubs' public keys by their system codes, the earlier ones too; others are unattested.
        recipient: the unit that the message is for. Where the last statement names another next hop, that hop (a
            foreign axis, a hub that stated nothing yet) ends the chain, unattested.
    """
    stations: list[Station] = []
    before: tuple[str, dict[str, str]] | None = None
    first: dict[str, str] | None = None
    for statement in statements:
        told = _read(statement)
        if told is None:
            stations.append(Station("?", Standing.BROKEN, ("unreadable",), None, None, ""))
            before = None
            continue
        first = first or told
        remarks = [*_beside(before, told), *(["content"] if told["content"] != first["content"] else [])]
        standing = _standing(statement, keys.get(told["hub"]))
        if standing is Standing.BROKEN:
            remarks.append("signature")
        if not stations and told["previous"]:
            remarks.append("gap")
        moments = (_moment(told["in"]), _moment(told["out"]))
        stations.append(Station(told["hub"], standing, tuple(dict.fromkeys(remarks)), *moments, told["next"]))
        before = (statement, told)
    last = stations[-1].following if stations else ""
    if recipient is not None and last and last != recipient:
        stations.append(Station(last, Standing.UNATTESTED, ("silent",), None, None, ""))
    return tuple(stations)


def _beside(before: tuple[str, dict[str, str]] | None, told: dict[str, str]) -> list[str]:
    """Compare a statement with the one before it."""
    if before is None:
        return []
    statement, earlier = before
    remarks = []
    if told["previous"] != digest_of(statement):
        remarks.append("gap")
    if earlier["next"] != told["hub"]:
        remarks.append("order")
    left, entered = _moment(earlier["out"]), _moment(told["in"])
    if left is None or entered is None or entered < left - SKEW:
        remarks.append("time")
    return remarks


def _standing(statement: str, known: Ed25519PublicKey | Collection[Ed25519PublicKey] | None) -> Standing:
    keys = [known] if isinstance(known, Ed25519PublicKey) else list(known or ())
    if not keys:
        return Standing.UNATTESTED
    return Standing.ATTESTED if any(_signed_by(statement, key) for key in keys) else Standing.BROKEN


def _signed_by(statement: str, key: Ed25519PublicKey) -> bool:
    text, _, signature = statement.rpartition("|")
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _read(statement: str) -> dict[str, str] | None:
    try:
        told: Any = json.loads(statement.rpartition("|")[0])
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in _FIELDS):
        return None
    return {name: told[name] for name in _FIELDS}


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
