"""An unruly line to an axis: calls are lost, messages come twice, late and in another order.

Wrap an axis that remembers its units. Nothing is ever lost by the axis itself: what it took it keeps, as any axis must.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime
from enum import StrEnum

from edocx.content import Blob
from edocx.errors import Text, TransportUnavailable
from edocx.routing.parcel import Parcel
from edocx.routing.transport import Entry, Receipt, SignedHead
from edocx.routing.transport.local import LocalAxis


class Trouble(StrEnum):
    """What can go wrong between an office and its axis, once for each time it is asked for."""

    REQUEST_LOST = "request lost"
    REQUEST_REPEATED = "request repeated"
    RECEIPT_LOST = "receipt lost"
    ACKNOWLEDGEMENT_LOST = "acknowledgement lost"
    LISTED_TWICE = "listed twice"
    REORDERED = "reordered"
    DELAYED = "delayed"


class UnrulyLine:
    """An `edocx.routing.transport.Transport` that gives trouble when told to, and is the wrapped one otherwise."""

    def __init__(self, axis: LocalAxis) -> None:
        self._axis = axis
        self._ahead: Counter[Trouble] = Counter()
        self._safe: dict[str, list[Entry]] = {}
        self._lock = threading.Lock()

    def expect(self, trouble: Trouble, *, times: int = 1) -> None:
        """Let the next ``times`` calls that can suffer a trouble suffer it."""
        with self._lock:
            self._ahead[trouble] += times

    def calm(self) -> None:
        """Give no more trouble."""
        with self._lock:
            self._ahead.clear()

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Hand over a parcel; the request may be lost or repeated on its way, or the receipt lost."""
        if self._meets(Trouble.REQUEST_LOST):
            raise _lost()
        receipt = self._axis.submit(parcel, payload)
        if self._meets(Trouble.REQUEST_REPEATED):
            receipt = self._axis.submit(parcel, payload)
        if self._meets(Trouble.RECEIPT_LOST):
            raise _lost()
        return receipt

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits: perhaps nothing yet, in the wrong order, or again what was acknowledged long ago."""
        entries = self._axis.pending(unit)
        if entries and self._meets(Trouble.DELAYED):
            return ()
        if self._meets(Trouble.LISTED_TWICE):
            entries = (*self._safe.get(unit, ()), *entries, *entries)
        if self._meets(Trouble.REORDERED):
            entries = tuple(reversed(entries))
        return entries

    def fetch(self, entry: Entry) -> Blob:
        """Return the message's raw bytes."""
        return self._axis.fetch(entry)

    def acknowledge(self, entry: Entry) -> None:
        """Tell the axis that a message is safe; the word may be lost."""
        if self._meets(Trouble.ACKNOWLEDGEMENT_LOST):
            raise _lost()
        self._axis.acknowledge(entry)
        with self._lock:
            self._safe.setdefault(entry.recipient, []).append(entry)

    def remembers(self) -> bool:
        """Tell whether the axis behind remembers."""
        return self._axis.remembers()

    def keep_head(self, unit: str, head: SignedHead, *, anew: bool = False) -> SignedHead:
        """Keep a unit's journal head; the request may be lost, or the answer."""
        if self._meets(Trouble.REQUEST_LOST):
            raise _lost()
        kept = self._axis.keep_head(unit, head, anew=anew)
        if self._meets(Trouble.RECEIPT_LOST):
            raise _lost()
        return kept

    def head_of(self, unit: str) -> SignedHead | None:
        """Return the furthest head of a unit; the request may be lost."""
        if self._meets(Trouble.REQUEST_LOST):
            raise _lost()
        return self._axis.head_of(unit)

    def sent(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what the axis took from a unit since a moment."""
        return self._axis.sent(unit, since)

    def received(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what the axis took for a unit since a moment."""
        return self._axis.received(unit, since)

    def _meets(self, trouble: Trouble) -> bool:
        with self._lock:
            if self._ahead[trouble] <= 0:
                return False
            self._ahead[trouble] -= 1
            return True


def _lost() -> TransportUnavailable:
    return TransportUnavailable(
        Text("Mất kết nối với trục (mô phỏng).", "The line to the axis broke (simulated)."),
        hint=Text("Hệ thống tự thử lại.", "It is tried again."),
        code="EDX-AXIS-LOST",
        retryable=True,
    )
