"""The shipped faults: numbered, named, and acting where they are told to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edocx.errors import StoreUnavailable, Text
from edocx.testing import Faults
from edocx.testing.faults import Crash


def reach(faults, *points):
    for point in points:
        faults.reached(point)


def test_points_are_numbered_in_order():
    faults = Faults()
    reach(faults, "a", "b", "a")
    assert faults.points == ("a", "b", "a")


def test_a_crash_comes_at_its_number_and_only_there():
    faults = Faults.crash_at(2)
    reach(faults, "a")
    with pytest.raises(Crash):
        faults.reached("b")
    reach(faults, "c", "d")


def test_a_crash_can_be_counted_from_now_and_called_off():
    faults = Faults()
    reach(faults, "a", "a")
    faults.crash_after(2)
    reach(faults, "a")
    faults.disarm()
    reach(faults, "a")
    assert faults.points == ("a",) * 4


def test_a_named_point_fails_as_often_as_told():
    faults = Faults()
    error = StoreUnavailable(Text("Đầy.", "Full."), hint=Text("Dọn.", "Free some."))
    faults.fail("store.commit.before:*", error, times=2)
    reach(faults, "store.payload.before")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            faults.reached("store.commit.before:send")
    reach(faults, "store.commit.before:send")


def test_a_point_can_move_the_clock(clock):
    faults = Faults()
    faults.call("transport.*", lambda: clock.advance(hours=1))
    before = clock.now()
    reach(faults, "transport.submit.before", "store.commit.after:x")
    assert (clock.now() - before).total_seconds() == 3600


def test_a_step_can_be_slow_so_that_its_lease_ends(store, axis, parcel_of, worker_of, clock):
    """What a slow worker had claimed another takes; the axis absorbs the second submit, and the parcel is sent once."""
    with store.begin() as tx:
        tx.submit(*parcel_of())
    faults = Faults()
    other = worker_of(store, axis, "H58.12.01", name="other")
    faults.delay("transport.submit.before", clock, timedelta(minutes=2))
    faults.call("transport.submit.before", other.step)
    slow = worker_of(store, axis, "H58.12.01", faults=faults)
    slow.run_until_quiet()
    assert len(axis.pending("G22")) == 1
    with store.read() as tx:
        assert tx.outbox.waiting() == 0
        assert sum('"event":"parcel.sent"' in line for line in tx.journal_lines()) == 1


def test_no_crash_can_be_caught_as_an_error():
    assert not issubclass(Crash, Exception)
