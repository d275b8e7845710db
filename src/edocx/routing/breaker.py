"""A circuit breaker and a bulkhead for each destination: one province that is away does not delay the others.

Pure: moments go in, decisions come out. After a few failures in a row nothing more is tried towards a
destination until a pause has passed; then one parcel goes ahead of the others to see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from edocx.routing.retry import Backoff

THRESHOLD = 3
"""Failures in a row that open the circuit: each may cost the whole of a time-out, during which others wait."""


@dataclass(slots=True)
class _Circuit:
    """Failures in a row, and until when nothing is tried; None while it is still closed."""

    failures: int = 0
    resume_at: datetime | None = None


class Breakers:
    """What is known of each destination that failed lately; the others are not remembered."""

    def __init__(self, backoff: Backoff, random: Random, *, threshold: int = THRESHOLD) -> None:
        self._backoff = backoff
        self._random = random
        self._threshold = threshold
        self._circuits: dict[str, _Circuit] = {}

    def admit(self, destinations: Iterable[str], now: datetime) -> datetime | None:
        """Return None when a parcel may be tried now, else the moment at which to ask again.

        A parcel waits only when every one of its destinations is away: the axis takes it as a whole, and
        the others must not wait. After the pause one parcel is let through, and the next ones wait for
        what becomes of it.
        """
        blocked: list[datetime] = []
        probed: list[_Circuit] = []
        for destination in destinations:
            circuit = self._circuits.get(destination)
            if circuit is None or circuit.resume_at is None:
                return None
            if now < circuit.resume_at <= now + self._backoff.ceiling:  # beyond: the clock was put back since
                blocked.append(circuit.resume_at)
            else:
                probed.append(circuit)
        for circuit in probed:
            circuit.resume_at = now + self._pause(circuit)
        return None if probed else min(blocked, default=None)

    def failed(self, destination: str, now: datetime) -> datetime | None:
        """Note that a destination could not be reached; return until when nothing is tried there, if so from now on."""
        circuit = self._circuits.setdefault(destination, _Circuit())
        circuit.failures += 1
        if circuit.failures < self._threshold:
            return None
        circuit.resume_at = now + self._pause(circuit)
        return circuit.resume_at

    def succeeded(self, destinations: Iterable[str]) -> None:
        """Note that the axis took a parcel for these destinations: they are as good as new."""
        for destination in destinations:
            self._circuits.pop(destination, None)

    def _pause(self, circuit: _Circuit) -> timedelta:
        return self._backoff.pause(max(1, circuit.failures - self._threshold + 1), self._random)
