"""Clocks for tests: one stands still until it is told to move, one begins on another day and runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from edocx.errors import Text, UsageError

DEMO_TIME = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
"""A Thursday morning, 08:00 in Vietnam, when there were four levels of government."""


class FixedClock:
    """A `edocx.clock.Clock` whose time is set, never measured; it can also be set back."""

    def __init__(self, now: datetime = DEMO_TIME) -> None:
        self._now = _aware(now)

    def now(self) -> datetime:
        """Return the set moment as an aware datetime."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to an aware ``moment``, earlier or later; raise `UsageError` for a naive one."""
        self._now = _aware(moment)

    def advance(self, by: timedelta | None = None, /, **parts: float) -> datetime:
        """Move by a timedelta, or by its parts (``hours=2``), and return the new moment.

        A negative step is refused with `UsageError`: time that runs backwards is said with `set`.
        """
        step = (by or timedelta()) + timedelta(**parts)
        if step < timedelta():
            raise UsageError(
                Text("Đồng hồ chỉ chạy tới.", "A clock advances only forwards."),
                hint=Text("Dùng set() để lùi giờ.", "Use set() to go back."),
                code="EDX-CLOCK-BACKWARDS",
            )
        self._now += step
        return self._now

    def __repr__(self) -> str:
        return f"FixedClock({self._now.isoformat()})"


class RunningClock:
    """A `edocx.clock.Clock` that shows ``start`` at ``origin`` and runs from there as fast as the machine's.

    ``origin`` is a reading of ``time.monotonic()``: processes of one machine that share both agree on the time.
    """

    def __init__(self, start: datetime = DEMO_TIME, origin: float | None = None) -> None:
        self.start = _aware(start)
        self.origin = time.monotonic() if origin is None else origin

    def now(self) -> datetime:
        """Return the present moment of that day as an aware datetime."""
        return self.start + timedelta(seconds=time.monotonic() - self.origin)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise UsageError(
            Text("Thời điểm thiếu múi giờ.", "The moment has no time zone."),
            hint=Text("Ghi rõ tzinfo, ví dụ UTC.", "Give a tzinfo, such as UTC."),
            code="EDX-CLOCK-NAIVE",
        )
    return moment
