"""Time as an argument: the only file that reads the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

VIETNAM = timezone(timedelta(hours=7), "+07:00")
"""Asia/Ho_Chi_Minh has had this one offset since 1975; wire text without a zone means it (QĐ 28/2018 Điều 14.4)."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        return datetime.now(UTC)


def in_vietnam(moment: datetime) -> datetime:
    """Return an aware ``moment`` in Vietnam's zone; raise ``ValueError`` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone reached edocx; attach one at the edge")
    return moment.astimezone(VIETNAM)
