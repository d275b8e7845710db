"""What hubs write to each other over the broker: signed like calls of the axis protocol (axis-http.md §1.3).

The broker is believed in nothing: who speaks, with which words and which content is shown by the HMAC under the secret
that the two hubs share, and every repeat is known by the receiving database's own key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edocx.clock import in_vietnam
from edocx.hub import refusal
from edocx.hub.gate import Caller, Gate, Known
from edocx.hub.signed_headers import SignedHeaders, is_text, sign
from edocx.routing.transport.nats_frame import Frame, pack

_PREFIX = "XroadVnpt-"


@dataclass(frozen=True, slots=True)
class Pen:
    """Signs as this hub towards one neighbour."""

    system: str
    secret: str

    def write(self, told: Mapping[str, str], body: bytes, now: datetime, *, about: str = "", where: str = "") -> bytes:
        """Return a message: ``told`` signed, and the body that it speaks of, or the name under which that lies.

        Args:
            told: parameters, by the axis' names.
            body: what goes along.
            now: the moment of signing.
            about: SHA-256 of the content where it is not the body's.
            where: name of the content in the object store.
        """
        moment = in_vietnam(now)
        signed = {
            "systemid": self.system,
            "timestamp": f"{moment:%d%m%YT%H%M%S}+{moment.microsecond // 1000:04d}",
            "hash-file": about or hashlib.sha256(body).hexdigest(),
            "object": where,
        } | dict(told)
        text = json.dumps({f"{_PREFIX}{k}": v for k, v in signed.items() if v}, ensure_ascii=False)
        return pack({"signed": text, "mac": sign(self.secret, text.encode()).decode()}, body)


@dataclass(slots=True)
class Reader:
    """Believes messages of neighbouring hubs; keeps for one batch what the register says of each."""

    gate: Gate
    _known: dict[str, Known]

    @classmethod
    def of(cls, gate: Gate) -> Reader:
        """Make a reader for one batch."""
        return cls(gate, {})

    def believe(self, frame: Frame) -> Caller:
        """Return which neighbouring hub wrote a message; raise `Refused` when none did.

        The body is not looked at: whoever uses it compares it with ``hash-file``.
        """
        text = str(frame.head.get("signed") or "")
        headers = SignedHeaders.from_raw(
            [
                *((name.encode(), value.encode()) for name, value in _members(text).items()),
                (f"{_PREFIX}sign-header".encode(), text.encode()),
                (f"{_PREFIX}hash-header".encode(), str(frame.head.get("mac") or "").encode()),
            ]
        )
        if headers.system not in self._known:
            self._known[headers.system] = self.gate.known(headers.system)
        caller = self.gate.believe(headers, self._known[headers.system])
        if caller.agency.kind != "hub" or caller.agency.state != "open":
            raise refusal.bad_signature()
        return caller


def _members(text: str) -> dict[str, str]:
    try:
        read: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refusal.bad_headers("signed") from error
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise refusal.bad_headers("signed")
    if not all(is_text(word) for word in (text, *read, *read.values())):
        raise refusal.bad_headers("signed")
    return read
