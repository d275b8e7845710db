"""The signed statements in which directory and registry travel, as plain data.

::

    root       which keys speak for root, timestamp, snapshot and national, and how many must sign; version, expiry
    timestamp  the one present snapshot, by version and digest; short-lived, so that an old state shows (freeze)
    snapshot   the one present version of every role's statement, by digest (mix-and-match)
    national   the directory of level 1, and which keys speak for which prefix below it
    H20, G12…  a delegate's units and certificates: only codes under his prefixes count

A statement is signed as the bytes that are sent; nothing is canonicalised again. The roles and their
rules are those of The Update Framework, cut to what a directory needs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, Protocol

from edocx.errors import EdocxError, Refused, Text
from edocx.units.unit_id import UnitId

ROOT, TIMESTAMP, SNAPSHOT, NATIONAL = "root", "timestamp", "snapshot", "national"
"""The roles whose keys the root names; every other role is a delegate of the national one."""

MAX_STATEMENT = 4 * 1024 * 1024
"""Largest signed statement in bytes (contents travel beside it, by digest)."""

MAX_KEYS = 64
"""Most keys of one role and most signatures looked at: against work that grows with hostile input."""

MAX_NAME = 80
"""Longest name of a delegate: against keys of unbounded size in the database."""

DOMAIN = b"edocx units statement v1\n"
"""Stands before every statement's bytes when signing, so that no other signed thing can pass for one."""


class SignatureCheck(Protocol):
    """Checks one signature; how is the caller's affair (this room knows no keys)."""

    def __call__(self, key: str, signature: bytes, content: bytes) -> None:
        """Return when ``signature`` over ``content`` is ``key``'s; raise any `EdocxError` when it is not."""
        ...


Sign = Callable[[bytes], tuple[str, bytes]]
"""Signs content and returns the public key as text, and the signature."""


@dataclass(frozen=True, slots=True)
class Role:
    """The keys that speak for a role, how many of them must sign, and the prefixes a delegate speaks for."""

    keys: frozenset[str]
    threshold: int = 1
    prefixes: tuple[UnitId, ...] = ()

    def covers(self, code: UnitId) -> bool:
        """Say whether a code lies under one of the prefixes (codes of QCVN 102 by the syntactic rule)."""
        try:
            plain = code.to_qd20()
        except EdocxError:
            # Điều 5 and 6: flat codes lie under no prefix, so no delegate speaks for them.
            return False
        return any(prefix.contains(plain) for prefix in self.prefixes)

    def as_json(self) -> dict[str, Any]:
        """Return the role as it stands in a statement."""
        return {
            "keys": sorted(self.keys),
            "threshold": self.threshold,
            "prefixes": [prefix.code for prefix in self.prefixes],
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose signatures were checked: its role, version, expiry and body, and the digest of its bytes."""

    role: str
    version: int
    expires: datetime
    body: Mapping[str, Any]
    sha256: str


def write_statement(role: str, version: int, expires: datetime, body: dict[str, Any], signers: Iterable[Sign]) -> bytes:
    """Write and sign a statement with every signer given."""
    payload = json.dumps(
        {"type": role, "version": version, "expires": expires.isoformat(), **body}, ensure_ascii=False, sort_keys=True
    ).encode()
    made = [sign(DOMAIN + payload) for sign in signers]
    signatures = [{"key": key, "signature": base64.b64encode(signature).decode()} for key, signature in made]
    envelope = {"payload": base64.b64encode(payload).decode(), "signatures": signatures}
    return json.dumps(envelope).encode()


def open_statement(data: bytes, name: str, role: Role, check: SignatureCheck) -> Statement:
    """Check a statement's signatures against a role and return what it says.

    Raises `Refused`: ``EDX-UNITS-STATEMENT`` for what is malformed or speaks for another role,
    ``EDX-UNITS-UNSIGNED`` when fewer of the role's keys signed than must.
    """
    if len(data) > MAX_STATEMENT:
        raise _malformed(name, "quá dài", "it is too long")
    try:
        envelope = json.loads(data)
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (_text(one["key"]), base64.b64decode(_text(one["signature"]))) for one in envelope["signatures"][:MAX_KEYS]
        ]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise _malformed(name, "không đọc được", "it cannot be read") from error
    signed_by: set[str] = set()
    for key, signature in signatures:
        if key not in role.keys or key in signed_by:
            continue
        try:
            check(key, signature, DOMAIN + payload)
        except EdocxError:
            # A bad signature counts for nothing; the threshold below decides.
            continue
        signed_by.add(key)
    if len(signed_by) < role.threshold:
        raise Refused(
            Text(
                f"Bản công bố {name} chỉ có {len(signed_by)}/{role.threshold} chữ ký hợp lệ.",
                f"The statement {name} carries {len(signed_by)} of {role.threshold} signatures that count.",
            ),
            hint=Text(
                "Tải lại từ trục; nếu lặp lại, báo cho đơn vị vận hành.", "Fetch it again; if it stays, tell the hub."
            ),
            code="EDX-UNITS-UNSIGNED",
        )
    # Only the bytes that were signed are read from here on.
    return _statement(payload, name, hashlib.sha256(data).hexdigest())


def read_role(value: Any, name: str) -> Role:
    """Read a role out of a checked statement's body."""
    try:
        keys, threshold = frozenset(_text(key) for key in value["keys"]), _whole(value["threshold"])
        prefixes = tuple(UnitId.parse(_text(prefix)).to_qd20() for prefix in value.get("prefixes", []))
    except (KeyError, TypeError, ValueError, AttributeError, EdocxError) as error:
        raise _malformed(name, "vai trò sai dạng", "a role of the wrong form") from error
    if not 1 <= threshold <= len(keys) <= MAX_KEYS:
        raise _malformed(name, "ngưỡng chữ ký không hợp lệ", "an impossible threshold")
    return Role(keys, threshold, prefixes)


def _statement(payload: bytes, name: str, sha256: str) -> Statement:
    try:
        body = json.loads(payload)
        version, expires, kind = _whole(body["version"]), _moment(body["expires"]), body["type"]
        if kind == name:
            _check_body(name, body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed(name, "nội dung sai dạng", "its content is malformed") from error
    if kind != name:
        raise _malformed(name, "không phải vai trò này", "it is not of this role")
    return Statement(kind, version, expires, body, sha256)


def _check_body(name: str, body: dict[str, Any]) -> None:
    """Read every field that is used later once, so that what is signed but odd is refused here and nowhere else."""
    match name:
        case "root":
            for role in (ROOT, TIMESTAMP, SNAPSHOT, NATIONAL):
                read_role(body["roles"][role], role)
        case "timestamp":
            _moment(body["taken"])
            _meta(body["snapshot"], versioned=True)
        case "snapshot":
            for role, meta in body["roles"].items():
                _meta(meta, versioned=True)
                # A role of the root named here could be taken in the wrong order and stand for another.
                _own_name(role, ROOT, TIMESTAMP, SNAPSHOT)
        case _:
            _meta(body["units"])
            if "registry" in body:
                _meta(body["registry"])
            for delegate, role in body.get("delegations", {}).items():
                _own_name(delegate, ROOT, TIMESTAMP, SNAPSHOT, NATIONAL)
                read_role(role, delegate)


def _own_name(name: str, *taken: str) -> None:
    if name in taken or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(name)


def _meta(value: Any, *, versioned: bool = False) -> None:
    _text(value["sha256"])
    if versioned:
        _whole(value["version"])


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    # At either end of the calendar another time zone has no such moment.
    if moment.tzinfo is None or moment.year in (MINYEAR, MAXYEAR):
        raise ValueError(value)
    return moment


def _malformed(name: str, vi: str, en: str) -> Refused:
    return Refused(
        Text(f"Bản công bố {name} không dùng được: {vi}.", f"The statement {name} is of no use: {en}."),
        hint=Text("Tải lại từ trục.", "Fetch it again from the hub."),
        code="EDX-UNITS-STATEMENT",
    )
