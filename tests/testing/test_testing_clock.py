from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edocx.errors import UsageError
from edocx.testing import FixedClock

START = datetime(2023, 6, 15, 1, tzinfo=UTC)


def test_the_clock_stands_still():
    clock = FixedClock(START)
    assert clock.now() == clock.now() == START


def test_the_clock_advances_by_a_step_or_its_parts():
    clock = FixedClock(START)
    assert clock.advance(timedelta(minutes=1)) == START + timedelta(minutes=1)
    assert clock.advance(hours=2, seconds=5) == START + timedelta(hours=2, minutes=1, seconds=5)
    assert clock.now() == START + timedelta(hours=2, minutes=1, seconds=5)


def test_only_set_goes_back():
    clock = FixedClock(START)
    with pytest.raises(UsageError, match="EDX-CLOCK-BACKWARDS"):
        clock.advance(seconds=-1)
    clock.set(START - timedelta(days=1))
    assert clock.now() == START - timedelta(days=1)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(UsageError, match="EDX-CLOCK-NAIVE"):
        FixedClock(datetime(2023, 6, 15))  # noqa: DTZ001
