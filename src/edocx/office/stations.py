"""The nodes that a document passed to each recipient, with the times of each, who acted there and what shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edocx.errors import TransportUnavailable
from edocx.office.delivery_events import evidence_name
from edocx.routing.deliveries import Tracked
from edocx.routing.state import Moved, Statement, counts
from edocx.routing.transitions import Passage
from edocx.routing.transport import Hop, Traced, Transport

AXIS = "axis"
"""The basis of what only the axis states: it vouches for its own nodes, and nobody for it here."""

People = Mapping[tuple[str, str, datetime], str]
"""Who at a unit stated a status: by unit, code and moment in whole seconds."""


@dataclass(frozen=True, slots=True)
class Station:
    """One node on the way of one message to one recipient, in the order passed.

    Attributes:
        recipient: to whom this way leads.
        message_id: the message that went it; each attempt has its own.
        node: the unit or hub.
        came_at: when the message was there, or None when nobody says.
        left_at: when it went on; for the recipient, when it was accepted or refused. None when nobody says.
        actor: the unit that states this.
        person: who there, if the status message says so.
        basis: "own" (this office's journal), "seal" (a status under the unit's seal), "hub", or "axis".
        evidence: the event's name in ETSI EN 319 522-1, or None.
    """

    recipient: str
    message_id: str
    node: str
    came_at: datetime | None
    left_at: datetime | None
    actor: str
    person: str | None
    basis: str
    evidence: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the station as plain JSON data, moments as ISO 8601: what the command prints and a bundle holds."""
        return {
            "recipient": self.recipient,
            "message_id": self.message_id,
            "node": self.node,
            "came_at": self.came_at.isoformat() if self.came_at else None,
            "left_at": self.left_at.isoformat() if self.left_at else None,
            "actor": self.actor,
            "person": self.person,
            "basis": self.basis,
            "evidence": self.evidence,
        }


def hops_of(axis: Transport, deliveries: tuple[Tracked, ...]) -> dict[tuple[str, str], tuple[Hop, ...]]:
    """Return the nodes that the axis tells of, by message and recipient; none where it tells nothing or is away."""
    if not isinstance(axis, Traced):
        return {}
    messages = dict.fromkeys((t.delivery.issuer, t.message_id) for t in deliveries)
    told: dict[tuple[str, str], tuple[Hop, ...]] = {}
    try:
        for issuer, message_id in messages:
            for hop in axis.trace(issuer, message_id):
                told[message_id, hop.recipient] = (*told.get((message_id, hop.recipient), ()), hop)
    except TransportUnavailable:
        return {}
    return told


def ways_of(
    deliveries: tuple[Tracked, ...], told: Mapping[tuple[str, str], tuple[Hop, ...]]
) -> tuple[tuple[str, ...], ...]:
    """Return the nodes alone, a way for each recipient, as the axis names them."""
    found = {t.delivery.recipient: told.get((t.message_id, t.delivery.recipient), ()) for t in deliveries}
    return tuple(tuple(hop.node for hop in hops) for _, hops in sorted(found.items()) if hops)


def stations_of(
    deliveries: Iterable[Tracked], told: Mapping[tuple[str, str], tuple[Hop, ...]], people: People
) -> tuple[Station, ...]:
    """Return the stations of every way: the two ends by what this office holds, what is between by the axis' word."""
    return tuple(
        station
        for tracked in deliveries
        for station in _way(tracked, told.get((tracked.message_id, tracked.delivery.recipient), ()), people)
    )


def _way(tracked: Tracked, hops: tuple[Hop, ...], people: People) -> list[Station]:
    delivery = tracked.delivery
    ends = {delivery.issuer, delivery.recipient}
    by_axis = {hop.node: hop.at for hop in hops if hop.node in ends}
    between = [hop for hop in hops if hop.node not in ends]
    last = _recipient(tracked, by_axis.get(delivery.recipient), people)
    arrived = by_axis.get(delivery.recipient)
    onward = [*(hop.at for hop in between[1:]), arrived] if between else []
    relays = [
        Station(
            delivery.recipient, tracked.message_id, hop.node, hop.at, left, hop.node, None, AXIS, evidence_name("relay")
        )
        for hop, left in zip(between, onward, strict=True)
    ]
    return [_issuer(tracked, by_axis.get(delivery.issuer)), *relays, last]


def _issuer(tracked: Tracked, by_axis: datetime | None) -> Station:
    delivery = tracked.delivery
    moves = {event.passage: event for event in delivery.events if isinstance(event, Moved)}
    queued, sent, dead = (moves.get(passage) for passage in (Passage.QUEUED, Passage.SENT, Passage.DEAD))
    own = tracked.direction == "out"
    left = sent.at if sent else by_axis
    what = "dead" if own and dead else "sent" if left else None
    return Station(
        delivery.recipient,
        tracked.message_id,
        delivery.issuer,
        queued.at if queued else None,
        left,
        delivery.issuer,
        None,
        "own" if own else AXIS,
        evidence_name(what) if what else None,
    )


def _recipient(tracked: Tracked, by_axis: datetime | None, people: People) -> Station:
    """Return the recipient's end: its own first word, under its seal, comes before what the axis says of it."""
    delivery = tracked.delivery
    said = sorted(
        (e for e in delivery.events if isinstance(e, Statement) and counts(delivery, e) and _EVIDENCE.get(e.code)),
        key=lambda one: (one.claimed_at, one.code),
    )
    first = next((one for one in said if one.code == "01"), said[0] if said else None)
    decided = next((one for one in said if one.code in {"02", "03"}), None)
    shown = decided or first
    person = None
    if shown is not None:
        person = people.get((shown.speaker.unit, shown.code, shown.claimed_at.replace(microsecond=0)))
    received = next((e.at for e in delivery.events if isinstance(e, Moved) and e.passage is Passage.ARRIVED), None)
    return Station(
        delivery.recipient,
        tracked.message_id,
        delivery.recipient,
        first.claimed_at if first else received or by_axis,
        decided.claimed_at if decided else None,
        shown.speaker.unit if shown else delivery.recipient,
        person,
        str(shown.speaker.basis) if shown else AXIS,
        evidence_name(shown.code) if shown else None,
    )


_EVIDENCE = {code: evidence_name(code) for code in ("01", "02", "03", "04")}
