"""When to try again: exponential back-off with jitter, bounded in attempts and in time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after each failed attempt, and when to give up.

    Attributes:
        first: pause after the first failure.
        factor: growth from one pause to the next.
        ceiling: longest pause.
        attempts: give up after this many.
        lifetime: give up when this long has passed since the parcel was queued. QĐ 28/2018 Điều 6
            wants a document out by the next working morning, so a clerk must hear of it within days.
    """

    first: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    ceiling: timedelta = timedelta(minutes=30)
    attempts: int = 200
    lifetime: timedelta = timedelta(days=3)

    def next_due(self, attempt: int, *, now: datetime, since: datetime, random: Random) -> datetime | None:
        """Return when attempt number ``attempt + 1`` is due, or None when it is time to give up.

        Args:
            attempt: how many attempts have failed (1 after the first).
            now: the present moment.
            since: when the parcel was queued.
            random: source of jitter; each pause is 50-100 % of its nominal length, so that a
                thousand offices do not return to a healed axis in the same second.
        """
        if attempt >= self.attempts or now - since >= self.lifetime:
            return None
        return now + self.pause(attempt, random)

    def pause(self, failures: int, random: Random) -> timedelta:
        """Return how long to wait after so many failures in a row (1 or more)."""
        # Both the exponent and the growth are capped before they are used: 2.0 ** 5000 and a timedelta of
        # a million years are an OverflowError, not a pause.
        growth = min(self.factor ** min(failures - 1, 60), self.ceiling / self.first)
        return self.first * growth * random.uniform(0.5, 1.0)
