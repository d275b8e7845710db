"""The signature over the headers (axis-http.md §1.3): what a caller said, as far as its HMAC vouches for it.

Pure: bytes in, parameters out. The HMAC is taken over the header exactly as received; nothing is ever written again to
be compared. The signature covers neither method, path nor body, so what it proves is who speaks and with which words.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edocx.clock import VIETNAM
from edocx.hub.refusal import bad_headers, bad_signature, not_ascii, unsigned

PREFIX = "xroadvnpt-"
UNSIGNED = frozenset({"hash-header", "sign-header", "sign-header-key", "version"})
"""The four headers that official clients leave out of the signature, and no others (32 of 32 measured)."""

MAX_MEMBERS = 200
"""Most signed headers: an official call has about ten; against a JSON object made to be slow."""

_HEX = re.compile(rb"[0-9A-Fa-f]{64}")
_TIMESTAMP = re.compile(r"(\d{2})(\d{2})(\d{4})T(\d{2})(\d{2})(\d{2})\+\d{1,4}")
_DECOY = "0" * 48


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """A call's headers, not yet believed.

    Attributes:
        system: the code that the caller claims.
        message: the bytes that were signed.
        mac: the signature, 64 hex digits.
    """

    system: str
    message: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    _members: dict[str, str] = field(repr=False)
    _received: dict[str, list[bytes]] = field(repr=False)

    @classmethod
    def from_raw(cls, raw: Iterable[tuple[bytes, bytes]]) -> SignedHeaders:
        """Take the signed headers out of a request's; raise `Refused` when there are none, or not such.

        Args:
            raw: names in lower case and values, as received.
        """
        received: dict[str, list[bytes]] = {}
        for name, value in raw:
            text = name.decode("latin-1").lower()
            if text.startswith(PREFIX):
                received.setdefault(text[len(PREFIX) :], []).append(value.strip())
        message, mac = _one(received, "sign-header"), _one(received, "hash-header")
        if not message or _HEX.fullmatch(mac) is None:
            raise unsigned()
        members = _members(message)
        systems = {value for name, value in members.items() if name.lower() == "systemid"}
        if len(systems) != 1:
            raise bad_headers("systemid")
        return cls(systems.pop(), message, mac.lower(), members, received)

    def verify(self, secrets: Sequence[str]) -> Parameters:
        """Return the parameters when one of the secrets made the signature and it covers every header.

        Raises `Refused`. An unknown system is given no secret: the same work is done and the same answer given.
        """
        found = [hmac.compare_digest(sign(secret, self.message), self.mac) for secret in secrets or (_DECOY,)]
        if not (secrets and any(found)):
            raise bad_signature()
        for name, values in self._received.items():
            if name in UNSIGNED:
                continue
            told = [value.strip().encode() for member, value in self._members.items() if member.lower() == name]
            # Two spellings of one name ("docid", "docId") of an uncleared header map are two headers and two members.
            if not told or any(value not in told for value in values) or any(value not in values for value in told):
                raise bad_headers(name)
        for member in self._members:
            if member.lower() not in self._received:
                raise bad_headers(member.lower())
        return Parameters(dict(self._members))


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a caller said and signed, by name; an operation reads what it uses and ignores what is left over."""

    _members: dict[str, str] = field(repr=False)

    def get(self, name: str) -> str:
        """Return a parameter, "" when it was not given.

        The spelling of the operation's own description goes first; raises `Refused` where other spellings disagree.
        """
        if name in self._members:
            return self._members[name].strip()
        found = {value.strip() for member, value in self._members.items() if member.lower() == name.lower()}
        if len(found) > 1:
            raise bad_headers(name)
        return found.pop() if found else ""

    @property
    def made_at(self) -> datetime | None:
        """The client's own time, read in Vietnam's zone; None for what cannot be read (it decides nothing by itself).

        The part after "+" is milliseconds, not a zone (axis-http.md §1.2).
        """
        found = _TIMESTAMP.fullmatch(self.get("timestamp"))
        if found is None:
            return None
        day, month, year, hour, minute, second = map(int, found.groups())
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
        except ValueError:
            return None


def sign(secret: str, message: bytes) -> bytes:
    """Return the signature of a sign-header's bytes: lower-case hex of HMAC-SHA256 under the secret's UTF-8."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode()


def _one(received: dict[str, list[bytes]], name: str) -> bytes:
    values = received.get(name, [])
    if len(values) > 1:
        raise bad_headers(name)
    return values[0] if values else b""


def is_text(told: str) -> bool:
    r"""Tell whether a text of JSON has bytes: half a surrogate (``"\ud800"``) has none, so no header can be it."""
    try:
        told.encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(message: bytes) -> dict[str, str]:
    """Read the signed object; names come back without their prefix, in the client's own spelling."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) != len(pairs) or len(pairs) > MAX_MEMBERS:
            raise ValueError("twice")
        return dict(pairs)

    try:
        read = json.loads(message.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        # HttpClient drops the high bytes of letters: what was signed never arrives (axis-http.md §1.3).
        raise (bad_headers("sign-header") if message.isascii() else not_ascii()) from error
    if not isinstance(read, dict):
        raise bad_headers("sign-header")
    members: dict[str, str] = {}
    for name, value in read.items():
        if not name.lower().startswith(PREFIX) or not isinstance(value, str) or name.lower()[len(PREFIX) :] in UNSIGNED:
            raise bad_headers("sign-header")
        if not (is_text(name) and is_text(value)):
            raise bad_headers("sign-header")
        members[name[len(PREFIX) :]] = value
    return members
