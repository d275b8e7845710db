"""Transports: how a parcel reaches an axis and comes from one. The contract is here, adapters beside it.

A transport may fail at any moment with `TransportUnavailable`, and its caller may die before it sees the
answer; so every call can be repeated without harm.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from edocx.content import Blob
from edocx.routing.parcel import Business, Parcel, ParcelKind


class Receipt(NamedTuple):
    """The axis's word that it took a parcel (biên nhận): not that anyone received it.

    Attributes:
        key: the axis's id of the message (docId).
        message_id: the sender's.
        received_at: when the axis took it, at the first submit.
    """

    key: str
    message_id: str
    received_at: datetime


class Entry(NamedTuple):
    """One message waiting for one unit.

    Attributes:
        key: the axis's id.
        message_id: the sender's; over an axis that does not carry it, the axis's id again.
        kind: document or status.
        sender: as the axis knows it.
        recipient: the unit it waits for.
        document_id: as the sender told the axis, or None.
        business: new, withdraw, update or replace.
        urgency: 0-4.
        sha256: announced digest, or None.
        size: announced length in bytes, or None.
        arrived_at: when the axis took it.
    """

    key: str
    message_id: str
    kind: ParcelKind
    sender: str
    recipient: str
    document_id: str | None
    business: Business
    urgency: int
    sha256: str | None
    size: int | None
    arrived_at: datetime


class Hop(NamedTuple):
    """One node that a message passed on its way to a recipient."""

    recipient: str
    node: str
    at: datetime


class SignedHead(NamedTuple):
    """A unit's own word on how far its journal goes, signed by it; an axis keeps it and judges nothing.

    Attributes:
        seq: how many lines the journal had.
        said: the statement, as the office wrote it.
        signature: the unit's detached CMS signature over ``said``.
    """

    seq: int
    said: bytes
    signature: bytes


class Transport(Protocol):
    """An axis, seen from an office."""

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Hand over a parcel; the same message id again gives the first receipt, and nothing new happens.

        Raises `UnitError` naming the recipient or sender that the axis does not know (the whole parcel is
        refused), `Refused` when the message id stands for other content, `TransportUnavailable` when the
        axis is away. When only a destination behind the axis is, any other error that is retryable, with the
        recipient in ``where``: others are then sent on (`edocx.routing.breaker`).
        """
        ...

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits for a unit and is not acknowledged, urgent first, then oldest first."""
        ...

    def fetch(self, entry: Entry) -> Blob:
        """Return the message's raw bytes; possible as often as wanted until acknowledged."""
        ...

    def acknowledge(self, entry: Entry) -> None:
        """Tell the axis that the message is safe; it waits no longer. A repeat does nothing."""
        ...


@runtime_checkable
class Traced(Protocol):
    """What an axis may offer besides: the nodes that a message passed."""

    def trace(self, sender: str, message_id: str) -> tuple[Hop, ...]:
        """Return the nodes a message passed, recipient by recipient, in order; empty when it is not known."""
        ...


@runtime_checkable
class Archive(Protocol):
    """What an axis may offer besides: its own memory of a unit, for an office that lost some of its own.

    Its entries are fetched like any other. Every call may raise `TransportUnavailable` and can be repeated.
    """

    def remembers(self) -> bool:
        """Tell whether it does so: a line to an axis that may be anybody's finds out by asking."""
        ...

    def keep_head(self, unit: str, head: SignedHead, *, anew: bool = False) -> SignedHead:
        """Keep a unit's journal head; return the furthest one kept, which is a later one where the unit fell back.

        ``anew`` begins a new count: the unit was restored, says so, and its journal is shorter than it was. Whatever
        was kept before stays as evidence.
        """
        ...

    def head_of(self, unit: str) -> SignedHead | None:
        """Return the furthest head of a unit since its count last began anew, or None."""
        ...

    def sent(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what the axis took from a unit since a moment, an entry for each recipient, oldest first."""
        ...

    def received(self, unit: str, since: datetime) -> tuple[Entry, ...]:
        """Return what the axis took for a unit since a moment, acknowledged or not, oldest first."""
        ...
