"""What a hub of ours remembers of a unit, asked over the axis' protocol; a foreign axis remembers nothing.

The operations are our own: they are called only where a reply showed that the axis is a hub of ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pybase64

from edocx.clock import Clock
from edocx.errors import EdocxError, Refused, Text, TransportUnavailable
from edocx.routing.parcel import ParcelKind
from edocx.routing.transport import Entry, Hop, SignedHead
from edocx.routing.transport.axis_exchange import UNKNOWN_OPERATION, AxisExchange
from edocx.routing.transport.axis_rows import entry_of, moment_of, rows_of
from edocx.routing.transport.refusal import require_own

MAX_PAGES = 100_000
"""Pages of one list: against a hub whose list never ends."""

KEEP_HEAD = "edxKeepHead"
"""The operation that leaves a journal head with the hub."""

_TRIES = 3
"""Attempts to leave one head: the first may not know yet which head it follows."""

_KINDS = {"edoc": ParcelKind.DOCUMENT, "status": ParcelKind.STATUS}


class AxisArchive:
    """The part of a line to an axis that is an `edocx.routing.transport.Archive`, and `Traced`."""

    _line: AxisExchange
    _clock: Clock
    _keeps: bool | None = None
    _follows: bytes = b""

    def remembers(self) -> bool:
        """Tell whether the axis is a hub of ours that keeps journal heads; raise `TransportUnavailable` when away.

        An axis that never answered on this line is asked once, by an operation that every axis has.
        """
        if not self._line.has_answered:
            with contextlib.suppress(Refused):  # that is an answer, too
                self._line.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": "status"})
        if self._line.is_edocx and self._keeps is None:
            self._ask("edxHeadOf", {})  # an older hub of ours has no such operation
        return self._line.is_edocx and bool(self._keeps)

    def keep_head(self, unit: str, head: SignedHead, *, anew: bool = False) -> SignedHead:
        """Keep a journal head: see `edocx.routing.transport.Archive.keep_head`."""
        require_own(unit, self._line.system)
        told = {"seq": head.seq, "anew": anew} | {
            name: pybase64.b64encode(value).decode()
            for name, value in (("said", head.said), ("signature", head.signature))
        }
        body = json.dumps(told).encode()
        for _ in range(_TRIES):
            known = _head_in(self._ask(KEEP_HEAD, {"edx-follows": self._follows.decode()}, body=body))
            if known is None:
                return head  # an older hub of ours keeps none
            follows, self._follows = self._follows, mark_of(known.said, known.signature)
            # Whoever named the head that stands was heard, whatever stands now; the others name it and say it again.
            if known == head or follows == self._follows or (known.seq >= head.seq and not anew):
                return known
        raise _unreadable()

    def head_of(self, unit: str) -> SignedHead | None:
        """Return the furthest journal head: see `edocx.routing.transport.Archive.head_of`."""
        require_own(unit, self._line.system)
        return _head_in(self._ask("edxHeadOf", {}))

    def sent(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what a unit sent: see `edocx.routing.transport.Archive.sent`."""
        require_own(unit, self._line.system)
        return tuple(self._entries("edxSentSince", since))

    def received(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what came for a unit: see `edocx.routing.transport.Archive.received`."""
        require_own(unit, self._line.system)
        return tuple(self._entries("edxReceivedSince", since))

    def trace(self, sender: str, message_id: str) -> tuple[Hop, ...]:
        """Return the hubs a message of this unit passed, as they stated it: see `edocx.routing.transport.Traced`."""
        if sender != self._line.system or not self._is_ours():
            return ()
        hops = self._ask("edxTrace", {"edx-message-id": message_id}).get("edxHops")
        read = [_hop_in(one) for one in hops] if isinstance(hops, list) else []
        return tuple(hop for hop in read if hop is not None)

    def _is_ours(self) -> bool:
        return self._line.is_edocx or (not self._line.has_answered and self.remembers())

    def _entries(self, operation: str, since: datetime) -> Iterator[Entry]:
        after = 0
        for _ in range(MAX_PAGES):
            reply = self._ask(operation, {"edx-since": since.isoformat(), "edx-after": str(after)})
            for row in rows_of(reply):
                kind = _KINDS.get(str(row.get("messageType")), ParcelKind.DOCUMENT)
                yield entry_of(row, kind, str(row.get("to") or ""), self._clock.now())
            following = reply.get("edxNext")
            if not isinstance(following, int) or following <= after:
                return
            after = following

    def _ask(self, operation: str, parameters: Mapping[str, str], *, body: bytes = b"{}") -> dict[str, Any]:
        """Call an operation of hubs of ours; an older one that lacks it answers nothing, and is not asked again."""
        if self._keeps is False:
            return {}
        # The axis' signature covers neither path nor body (axis-http.md §1.3): what is meant is said in signed headers.
        meant = {"edx-operation": operation, "edx-body": hashlib.sha256(body).hexdigest()}
        try:
            reply = self._line.call(operation, meant | dict(parameters), body=body)
        except TransportUnavailable:
            raise
        except EdocxError as error:
            if error.code == UNKNOWN_OPERATION:
                self._keeps = False
                return {}
            # Whatever it refuses: its memory is not to be had now, and what was to be asked is asked again.
            raise TransportUnavailable(
                error.text, hint=error.hint, code=error.code, where=error.where, retryable=True
            ) from error
        self._keeps = True
        return reply


def mark_of(said: bytes, signature: bytes) -> bytes:
    """Return how a head is named where another follows it: SHA-256 over both digests, hex in lower case."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (said, signature))).hexdigest().encode()


def _head_in(reply: Mapping[str, Any]) -> SignedHead | None:
    told = reply.get("edxHead")
    if told is None:
        return None
    try:
        said, signature = (pybase64.b64decode(told[name], validate=True) for name in ("said", "signature"))
        return SignedHead(int(told["seq"]), said, signature)
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable() from error


def _unreadable() -> TransportUnavailable:
    return TransportUnavailable(
        Text("Trục trả lời không đọc được.", "The axis' answer cannot be read."),
        hint=Text("Báo đơn vị vận hành trục.", "Tell whoever runs the axis."),
        code="EDX-AXIS-HEAD",
        retryable=True,
    )


def _hop_in(told: object) -> Hop | None:
    if not isinstance(told, dict):
        return None
    recipient, node, at = told.get("recipient"), told.get("node"), moment_of(told.get("at"))
    return Hop(recipient, node, at) if isinstance(recipient, str) and isinstance(node, str) and at else None
