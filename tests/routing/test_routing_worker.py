"""The worker: it carries, waits out an axis that is away, and gives up on what can never go."""

from __future__ import annotations

import json
import os
import threading
from datetime import timedelta

import pytest

from edocx.content import Blob
from edocx.errors import Text, TransportUnavailable, Unavailable
from edocx.routing.database import Store
from edocx.routing.inbox import IncomingState
from edocx.routing.retry import Backoff
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.testing.faults import Faults

AWAY = TransportUnavailable(Text("Trục vắng mặt.", "The axis is away."), hint=Text("Chờ.", "Wait."), retryable=True)


@pytest.fixture
def receiver(tmp_path, clock):
    with Store.open(tmp_path / "receiver.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def offices(store, receiver):
    return store, receiver


def submit(store, *parcels):
    with store.begin() as tx:
        for parcel, payload in parcels:
            tx.submit(parcel, payload)


def state_of(store, message_id):
    with store.read() as tx:
        return tx.outbox.find(message_id)


def test_parcels_travel_from_outbox_to_inbox(store, receiver, axis, parcel_of, worker_of):
    contents = [b"nho", b"x" * (INLINE_LIMIT + 1), os.urandom(700_000)]
    submit(store, *[parcel_of(content, document_id=f"D{n}") for n, content in enumerate(contents)])
    assert worker_of(store, axis, "H58.12.01").run_until_quiet().sent == 3
    assert worker_of(receiver, axis, "G22").run_until_quiet().received == 3
    with receiver.read() as tx:
        assert [tx.inbox.payload(incoming).read() for incoming in tx.inbox.in_state(IncomingState.NEW)] == contents
    assert axis.pending("G22") == ()


def test_a_refused_parcel_is_a_dead_letter_with_its_reason_and_the_others_go(store, axis, parcel_of, worker_of):
    bad, good = parcel_of(recipients=("H99",), document_id="D1"), parcel_of(document_id="D2")
    submit(store, bad, good)
    done = worker_of(store, axis, "H58.12.01").run_until_quiet()
    assert (done.sent, done.dead, done.faults) == (1, 1, ("EDX-UNIT-UNKNOWN",))
    assert state_of(store, bad[0].message_id).reason == "EDX-UNIT-UNKNOWN"


def test_a_parcel_that_dies_of_its_payload_is_counted_and_named(store, axis, parcel_of, worker_of):
    large = parcel_of(b"x" * (INLINE_LIMIT + 1), message_id="m1")
    submit(store, large, parcel_of(message_id="m2"))
    (path,) = store.payload_folder.glob("*/*")
    path.unlink()
    done = worker_of(store, axis, "H58.12.01").run_until_quiet()
    assert (done.dead, done.sent, done.faults) == (1, 1, ("EDX-STORE-PAYLOAD",))
    with store.read() as tx:
        assert [(letter.message_id, letter.reason) for letter in tx.outbox.dead()] == [("m1", "EDX-STORE-PAYLOAD")]


def test_an_axis_that_is_away_costs_one_attempt_not_all(store, axis, parcel_of, worker_of, clock):
    submit(store, *[parcel_of(document_id=f"D{n}") for n in range(5)])
    faults = Faults()
    faults.fail("transport.submit.before", AWAY, times=1)
    worker = worker_of(store, axis, "H58.12.01", faults=faults)
    first = worker.step()
    assert (first.sent, first.put_off, first.faults) == (0, 1, ("EDX-TRANSPORT",))
    assert worker.step().sent == 0
    assert faults.points.count("transport.submit.before") == 1
    clock.advance(minutes=1)
    assert worker.run_until_quiet().sent == 5


def test_a_long_outage_ends_in_dead_letters_only_after_the_lifetime(store, axis, parcel_of, worker_of, clock):
    parcel, payload = parcel_of()
    submit(store, (parcel, payload))
    faults = Faults()
    faults.fail("transport.submit.before", AWAY, times=10_000)
    worker = worker_of(store, axis, "H58.12.01", faults=faults, backoff=Backoff(lifetime=timedelta(hours=6)))
    while clock.now() - parcel.created_at < timedelta(hours=5):
        worker.step()
        clock.advance(minutes=5)
        assert state_of(store, parcel.message_id).state == "queued"
    while clock.now() - parcel.created_at < timedelta(hours=8):
        worker.step()
        clock.advance(minutes=5)
    assert (state_of(store, parcel.message_id).state, state_of(store, parcel.message_id).reason) == (
        "dead",
        "EDX-TRANSPORT",
    )


def test_an_answer_lost_on_its_way_back_delivers_once(offices, axis, parcel_of, worker_of, clock):
    store, receiver = offices
    submit(store, parcel_of())
    faults = Faults()
    faults.fail("transport.submit.after", AWAY)
    worker = worker_of(store, axis, "H58.12.01", faults=faults)
    worker.step()
    clock.advance(minutes=1)
    assert worker.step().sent == 1
    assert worker_of(receiver, axis, "G22").run_until_quiet().received == 1


def test_an_acknowledgement_that_is_lost_is_given_again(store, receiver, axis, parcel_of, worker_of):
    submit(store, parcel_of())
    worker_of(store, axis, "H58.12.01").step()
    faults = Faults()
    faults.fail("transport.acknowledge.before", AWAY)
    worker = worker_of(receiver, axis, "G22", faults=faults)
    assert worker.step().faults == ("EDX-TRANSPORT",)
    assert len(axis.pending("G22")) == 1
    again = worker.step()
    assert (again.received, again.absorbed) == (0, 1)
    assert axis.pending("G22") == ()


def test_one_damaged_message_does_not_keep_the_others_away(offices, axis, parcel_of, worker_of, monkeypatch):
    store, receiver = offices
    submit(store, parcel_of(b"hong", document_id="D1"), parcel_of(b"tot", document_id="D2"))
    worker_of(store, axis, "H58.12.01").step()
    fetch = axis.fetch

    def damaged(entry):
        return Blob.from_bytes(b"honG") if entry.document_id == "D1" else fetch(entry)

    monkeypatch.setattr(axis, "fetch", damaged)
    done = worker_of(receiver, axis, "G22").step()
    assert (done.received, done.faults) == (1, ("EDX-PAYLOAD-DIGEST",))
    assert [entry.document_id for entry in axis.pending("G22")] == ["D1"]
    monkeypatch.setattr(axis, "fetch", fetch)
    assert worker_of(receiver, axis, "G22").step().received == 1


def test_content_longer_than_announced_is_never_read_whole(offices, axis, parcel_of, worker_of, monkeypatch):
    store, receiver = offices
    submit(store, parcel_of(b"ngan"))
    worker_of(store, axis, "H58.12.01").step()
    (entry,) = axis.pending("G22")
    read = []

    class Endless:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, size):
            read.append(size)
            return b"x" * size

    monkeypatch.setattr(axis, "fetch", lambda _: Blob.from_opener(Endless, sha256=entry.sha256, size=entry.size))
    assert worker_of(receiver, axis, "G22").step().faults == ("EDX-PAYLOAD-DIGEST",)
    assert len(read) == 1


def test_several_workers_on_one_store_send_each_parcel_once(store, axis, parcel_of, worker_of):
    submit(store, *[parcel_of(document_id=f"D{n}") for n in range(30)])
    workers = [worker_of(store, axis, "H58.12.01", name="same", batch=4) for _ in range(3)]
    sent = 0
    while any((done := worker.step()).moved and (sent := sent + done.sent) for worker in workers):
        pass
    assert sent == 30
    assert len(axis.pending("G22")) == 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipient": "H58.07"},
        {"message_id": "x" * 201},
        {"sender": "G\n22"},
        {"document_id": ""},
        {"urgency": 9},
    ],
)
def test_an_entry_that_cannot_be_right_does_not_stop_the_batch(receiver, axis, parcel_of, worker_of, wrong):
    for parcel in (parcel_of(b"xau", document_id="D1"), parcel_of(b"tot", document_id="D2")):
        axis.submit(*parcel)
    bad, good = axis.pending("G22")
    axis.pending = lambda _: (bad._replace(**wrong), good)
    done = worker_of(receiver, axis, "G22").step()
    assert (done.received, len(done.faults)) == (1, 1)


def test_threads_that_share_a_store_take_turns(store, axis, parcel_of, worker_of):
    failures = []

    def send(who):
        try:
            for number in range(10):
                with store.begin() as tx:
                    tx.register.reserve("H58.12.01", "di", 2023, f"{who}-{number}")
                    tx.submit(*parcel_of(f"{who}-{number}".encode(), document_id=f"{who}-{number}"))
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=send, args=(who,)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert worker_of(store, axis, "H58.12.01").run_until_quiet().sent == 60
    with store.read() as tx:
        assert [entry.number for entry in tx.register.entries("H58.12.01", "di", 2023)] == list(range(1, 61))
        tx.verify_journal().require()


def test_a_worker_told_to_stop_ends_after_its_parcel_and_leaves_the_rest_free(store, axis, parcel_of, worker_of):
    for number in range(8):
        submit(store, parcel_of(document_id=f"D{number}"))

    class Stopping:
        def submit(self, parcel, payload):
            worker.stop()
            return axis.submit(parcel, payload)

        def pending(self, unit):
            pytest.fail("nothing more is begun")

    worker = worker_of(store, Stopping(), "H58.12.01")
    assert worker.run_until_quiet().sent == 1
    assert worker.is_stopping
    with store.begin() as tx:
        assert len(tx.outbox.claim("another", limit=16)) == 7


def test_two_workers_of_one_name_share_the_work_and_settle_only_their_own(store, axis, parcel_of, worker_of, clock):
    for number in range(6):
        submit(store, parcel_of(document_id=f"D{number}"))
    first, second = (worker_of(store, axis, "H58.12.01", name="clerk", batch=2) for _ in range(2))
    total = sum(worker.step().sent for _ in range(3) for worker in (first, second))
    assert total == 6
    assert len(axis.pending("G22")) == 6
    with store.read() as tx:
        events = [json.loads(line.partition(" ")[2])["event"] for line in tx.journal_lines()]
    assert events.count("parcel.sent") == 6


@pytest.mark.parametrize("away", ["the axis", "the destination"])
def test_a_worker_that_met_an_outage_while_the_clock_was_ahead_goes_on_when_it_is_put_right(  # noqa: PLR0917
    store, axis, parcel_of, worker_of, clock, away
):
    class Away:
        gone = True

        def submit(self, parcel, payload):
            if not self.gone:
                return axis.submit(parcel, payload)
            kind = TransportUnavailable if away == "the axis" else Unavailable
            raise kind(Text("Vắng mặt.", "Away."), hint=Text("Chờ.", "Wait."), code="EDX-AWAY", retryable=True)

        def pending(self, unit):
            return axis.pending(unit)

    line, right = Away(), clock.now()
    worker = worker_of(store, line, "H58.12.01")
    clock.advance(days=2)
    for number in range(4):
        submit(store, parcel_of(document_id=f"D{number}"))
    worker.run_until_quiet()
    line.gone = False
    clock.set(right)
    assert worker.run_until_quiet().sent == 4
