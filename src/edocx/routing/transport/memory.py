"""The memory transport: an axis inside one process, for tests and simulations. Nothing survives it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from edocx.clock import Clock
from edocx.content import Blob
from edocx.routing.parcel import Parcel, conflict
from edocx.routing.route import hops
from edocx.routing.store.payloads import checked
from edocx.routing.transport import Entry, Hop, Receipt
from edocx.routing.transport.refusal import require_known, unknown_entry


@dataclass(slots=True)
class _Message:
    parcel: Parcel
    content: bytes
    receipt: Receipt
    ways: tuple[Hop, ...]
    waiting: set[str] = field(default_factory=set)


class MemoryAxis:
    """An axis in memory with the same contract as every other; safe to share between threads."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._units: dict[str, str | None] = {}
        self._messages: dict[str, _Message] = {}
        self._keys: dict[tuple[str, str], str] = {}

    def register(self, unit: str, *, above: str | None = None) -> None:
        """Make a unit known, with the node through which it is reached."""
        with self._lock:
            self._units[unit] = above

    def units(self) -> tuple[str, ...]:
        """Return the codes of all units, sorted."""
        with self._lock:
            return tuple(sorted(self._units))

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Take a parcel: see `edocx.routing.transport.Transport.submit`."""
        content = b"".join(checked(Blob(parcel.sha256, parcel.size, payload.path, payload.open)))
        with self._lock:
            known = self._keys.get((parcel.sender, parcel.message_id))
            if known is not None:
                if _identity(self._messages[known].parcel) != _identity(parcel):
                    raise conflict(parcel.message_id)
                return self._messages[known].receipt
            require_known(parcel, frozenset(self._units))
            now = self._clock.now()
            key = f"m{len(self._messages) + 1:08d}"
            receipt = Receipt(key, parcel.message_id, now)
            ways = tuple(
                Hop(unit, node, now)
                for unit in sorted(parcel.recipients)
                for node in hops(parcel.sender, unit, self._units)
            )
            self._messages[key] = _Message(parcel, content, receipt, ways, set(parcel.recipients))
            self._keys[parcel.sender, parcel.message_id] = key
            return receipt

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits for a unit: see `edocx.routing.transport.Transport.pending`."""
        with self._lock:
            waiting = [message for message in self._messages.values() if unit in message.waiting]
        waiting.sort(key=lambda each: (-each.parcel.urgency, each.receipt.received_at, each.receipt.key))
        return tuple(_entry(message, unit) for message in waiting)

    def fetch(self, entry: Entry) -> Blob:
        """Return the raw bytes: see `edocx.routing.transport.Transport.fetch`."""
        with self._lock:
            message = self._messages.get(entry.key)
        if message is None or entry.recipient not in message.parcel.recipients:
            raise unknown_entry(entry)
        return Blob.from_bytes(message.content)

    def acknowledge(self, entry: Entry) -> None:
        """Take note that a copy is safe: see `edocx.routing.transport.Transport.acknowledge`."""
        with self._lock:
            message = self._messages.get(entry.key)
            if message is not None:
                message.waiting.discard(entry.recipient)

    def trace(self, sender: str, message_id: str) -> tuple[Hop, ...]:
        """Return the nodes a message passed, recipient by recipient; empty when it is not known."""
        with self._lock:
            key = self._keys.get((sender, message_id))
            return () if key is None else self._messages[key].ways


def _identity(parcel: Parcel) -> tuple[str, int, str, frozenset[str]]:
    return parcel.sha256, parcel.size, parcel.document_id, frozenset(parcel.recipients)


def _entry(message: _Message, unit: str) -> Entry:
    parcel = message.parcel
    return Entry(
        key=message.receipt.key,
        message_id=parcel.message_id,
        kind=parcel.kind,
        sender=parcel.sender,
        recipient=unit,
        document_id=parcel.document_id,
        business=parcel.business,
        urgency=parcel.urgency,
        sha256=parcel.sha256,
        size=parcel.size,
        arrived_at=message.receipt.received_at,
    )
