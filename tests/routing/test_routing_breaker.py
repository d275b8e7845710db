"""The circuit breaker: a dead province costs a few attempts, and the others nothing."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from edocx.errors import Text, Unavailable
from edocx.routing.breaker import THRESHOLD, Breakers
from edocx.routing.retry import Backoff
from edocx.routing.transport.memory import MemoryAxis


class ProvinceAway:
    """An axis behind which some destinations do not answer."""

    def __init__(self, axis, *away):
        self.axis = axis
        self.away = set(away)
        self.tried = []

    def submit(self, parcel, payload):
        self.tried.append(parcel.recipients)
        for unit in parcel.recipients:
            if unit in self.away:
                raise Unavailable(
                    Text("Tỉnh vắng mặt.", "The province is away."),
                    hint=Text("Chờ.", "Wait."),
                    code="EDX-AWAY",
                    where=unit,
                    retryable=True,
                )
        return self.axis.submit(parcel, payload)

    def pending(self, unit):
        return self.axis.pending(unit)


@pytest.fixture
def axis(clock):
    made = MemoryAxis(clock=clock)
    for unit in ("H58.12.01", "G22", "H58"):
        made.register(unit)
    return ProvinceAway(made, "H58")


@pytest.fixture
def breakers():
    return Breakers(Backoff(), Random(3))


def queue(store, parcel_of, *destinations):
    with store.begin() as tx:
        for number, recipients in enumerate(destinations):
            tx.submit(*parcel_of(document_id=f"D{number}", recipients=recipients))


def test_a_dead_province_costs_a_few_attempts_and_the_others_nothing(store, axis, parcel_of, worker_of):
    queue(store, parcel_of, *[("H58",)] * 20, ("G22",))
    done = worker_of(store, axis, "H58.12.01", batch=4).run_until_quiet()
    assert (done.sent, done.put_off, len(axis.tried)) == (1, THRESHOLD, THRESHOLD + 1)
    with store.read() as tx:
        assert tx.outbox.waiting() == 20


def test_one_step_costs_one_time_out_for_each_destination(store, axis, parcel_of, worker_of):
    """While the circuit is still closed: what is behind the first failure waits, what goes elsewhere does not."""
    queue(store, parcel_of, *[("H58",)] * 5, ("G22",), *[("H58",)] * 5)
    done = worker_of(store, axis, "H58.12.01").step()
    assert (done.sent, len(axis.tried)) == (1, 2)


def test_a_thousand_parcels_for_a_dead_province_stand_in_nobodys_way(store, axis, parcel_of, worker_of):
    queue(store, parcel_of, *[("H58",)] * 1000, ("G22",))
    worker = worker_of(store, axis, "H58.12.01", batch=4)
    steps = 1
    while not worker.step().sent:
        steps += 1
    assert steps <= THRESHOLD + 1
    assert len(axis.tried) == THRESHOLD + 1


def test_what_goes_elsewhere_too_is_not_held_with_a_dead_province(store, parcel_of, clock):
    queue(store, parcel_of, ("H58",), ("H58", "G22"), ("G22",))
    later = clock.now() + timedelta(minutes=20)
    with store.begin() as tx:
        assert tx.outbox.hold_all("H58", later) == 1
        assert len(tx.outbox.claim("w")) == 2


def test_nothing_more_is_tried_until_the_pause_is_over_and_then_one(store, axis, parcel_of, worker_of, clock):
    queue(store, parcel_of, *[("H58",)] * 10)
    worker = worker_of(store, axis, "H58.12.01")
    worker.run_until_quiet()
    worker.run_until_quiet()
    assert len(axis.tried) == THRESHOLD
    clock.advance(minutes=1)
    worker.step()
    assert len(axis.tried) == THRESHOLD + 1


def test_what_was_held_back_goes_when_the_province_is_back(store, axis, parcel_of, worker_of, clock):
    queue(store, parcel_of, *[("H58",)] * 10)
    worker = worker_of(store, axis, "H58.12.01")
    worker.step()
    axis.away.clear()
    sent = 0
    for _ in range(20):
        clock.advance(minutes=1)
        sent += worker.step().sent
    assert sent == 10
    with store.read() as tx:
        assert tx.outbox.dead() == ()
        tx.verify_journal().require()


def test_waiting_uses_up_no_attempts_but_the_lifetime_ends_it(store, axis, parcel_of, worker_of, clock):
    queue(store, parcel_of, *[("H58",)] * 6)
    worker = worker_of(store, axis, "H58.12.01", backoff=Backoff(lifetime=timedelta(hours=2)))
    for _ in range(200):
        worker.step()
        clock.advance(minutes=1)
    with store.read() as tx:
        assert {dead.reason for dead in tx.outbox.dead()} <= {"EDX-AWAY", "EDX-DESTINATION-AWAY"}
        assert len(tx.outbox.dead()) == 6


def test_a_parcel_goes_as_long_as_one_of_its_destinations_is_there(breakers, clock):
    now = clock.now()
    for _ in range(THRESHOLD):
        assert breakers.admit(["H58"], now) is None
        breakers.failed("H58", now)
    assert breakers.admit(["H58"], now) is not None
    assert breakers.admit(["H58", "G22"], now) is None


def test_one_probe_at_a_time_and_each_failure_lengthens_the_pause(breakers, clock):
    now = clock.now()
    for _ in range(THRESHOLD):
        breakers.failed("H58", now)
    pauses = []
    for _ in range(6):
        due = breakers.admit(["H58"], now)
        assert due is not None
        pauses.append(due - now)
        now = due
        assert breakers.admit(["H58"], now) is None
        assert breakers.admit(["H58"], now) is not None
        breakers.failed("H58", now)
    assert pauses[-1] > 4 * pauses[0]


def test_success_closes_the_circuit(breakers, clock):
    now = clock.now()
    for _ in range(THRESHOLD - 1):
        breakers.failed("H58", now)
    breakers.succeeded(["H58"])
    breakers.failed("H58", now)
    assert breakers.admit(["H58"], now) is None
