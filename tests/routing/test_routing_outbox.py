"""Outbox and inbox: leases, lanes, dead letters, and nothing presented twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.errors import InputError, StateError, StoreUnavailable, UsageError
from edocx.routing.database import Store
from edocx.routing.inbox import Arrival, IncomingState
from edocx.routing.journal import parse_line
from edocx.routing.parcel import ParcelKind
from edocx.routing.state import Basis, EffectKind, Speaker
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.routing.transitions import Handling, Passage
from edocx.routing.transport import Entry


def submit(store, *parcels):
    with store.begin() as tx:
        for parcel, payload in parcels:
            tx.submit(parcel, payload)


def claim(store, lease="a", **options):
    with store.begin() as tx:
        return tx.outbox.claim(lease, **options)


def entry_of(clock, content=b"noi dung", **changes):
    payload = Blob.from_bytes(content)
    made = Entry(
        "k1", "m1", ParcelKind.DOCUMENT, "H58.12.01", "G22", "D1", "new", 0, payload.sha256, payload.size, clock.now()
    )
    return made._replace(**changes), payload


def receive(store, entry, payload):
    with store.begin() as tx:
        return tx.inbox.receive(entry, payload)


# The outbox


def test_a_claimed_parcel_is_nobody_elses_until_the_lease_ends(store, parcel_of, clock, later):
    submit(store, parcel_of())
    (task,) = claim(store, "a")
    assert claim(store, "b") == ()
    clock.advance(later)
    (again,) = claim(store, "b")
    assert again.parcel == task.parcel
    assert again.payload.read() == b"noi dung"


def test_released_parcels_are_due_at_once(store, parcel_of):
    submit(store, parcel_of())
    claim(store, "a")
    with store.begin() as tx:
        assert tx.outbox.release("b") == 0
        assert tx.outbox.release("a") == 1
    assert len(claim(store, "b")) == 1


def test_urgent_parcels_go_first(store, parcel_of, clock):
    for urgency in (0, 3, 1, 4, 2):
        submit(store, parcel_of(document_id=f"D{urgency}", urgency=urgency))
        clock.advance(seconds=1)
    assert [task.parcel.urgency for task in claim(store, limit=5)] == [4, 3, 2, 1, 0]


def test_a_flood_of_urgent_parcels_never_starves_the_rest(store, parcel_of, clock):
    submit(store, parcel_of(document_id="cho lau", urgency=0))
    clock.advance(seconds=1)
    submit(store, *[parcel_of(document_id=f"D{n}", urgency=3) for n in range(20)])
    assert "cho lau" in [task.parcel.document_id for task in claim(store, limit=4)]


def test_a_parcel_put_off_waits_for_its_time(store, parcel_of, clock):
    submit(store, parcel_of())
    (task,) = claim(store)
    due = clock.now() + timedelta(minutes=5)
    with store.begin() as tx:
        tx.outbox.put_off(task, due, "EDX-TRANSPORT")
        assert tx.outbox.next_due() == due
    assert claim(store) == ()
    clock.advance(minutes=5)
    assert claim(store)[0].attempts == 1


def test_a_lapsed_lease_cannot_bury_what_another_holds(store, parcel_of, clock, later):
    submit(store, parcel_of())
    (stale,) = claim(store, "a")
    clock.advance(later)
    (fresh,) = claim(store, "b")
    with store.begin() as tx:
        tx.outbox.bury(stale, "EDX-REFUSED")
        tx.outbox.put_off(stale, clock.now(), "EDX-TRANSPORT")
        assert tx.outbox.find(fresh.parcel.message_id).state == "queued"
        assert tx.outbox.find(fresh.parcel.message_id).attempts == 0


def test_a_receipt_counts_whoever_brings_it(store, parcel_of, clock, later):
    submit(store, parcel_of())
    (stale,) = claim(store, "a")
    clock.advance(later)
    (fresh,) = claim(store, "b")
    with store.begin() as tx:
        tx.outbox.mark_sent(stale, "r1")
        tx.outbox.mark_sent(fresh, "r1")
        tx.outbox.bury(fresh, "EDX-REFUSED")
        found = tx.outbox.find(fresh.parcel.message_id)
        assert (found.state, found.receipt, found.reason) == ("sent", "r1", None)
        assert sum("parcel.sent" in line for line in tx.journal_lines()) == 1


def test_a_dead_letter_can_be_queued_anew_with_the_same_id_and_bytes(store, parcel_of):
    parcel, payload = parcel_of()
    submit(store, (parcel, payload))
    (task,) = claim(store)
    with store.begin() as tx:
        tx.outbox.bury(task, "EDX-UNIT-UNKNOWN")
        assert [dead.reason for dead in tx.outbox.dead()] == ["EDX-UNIT-UNKNOWN"]
        assert tx.deliveries.of_document("D1")[0].delivery.shown.passage is Passage.DEAD
        tx.outbox.redrive(parcel.message_id)
        assert tx.deliveries.of_document("D1")[0].delivery.shown.passage is Passage.QUEUED
        with pytest.raises(StateError, match="EDX-OUTBOX-NOT-DEAD"):
            tx.outbox.redrive(parcel.message_id)
    (again,) = claim(store)
    assert (again.parcel, again.round, again.attempts) == (parcel, 2, 0)


def test_one_lost_payload_does_not_stop_the_outbox(store, parcel_of):
    lost, payload = parcel_of(b"x" * (INLINE_LIMIT + 1), document_id="lost")
    submit(store, (lost, payload), parcel_of(document_id="whole"))
    store._payloads.place(payload.sha256).unlink()
    assert [task.parcel.document_id for task in claim(store)] == ["whole"]
    with store.read() as tx:
        assert [dead.reason for dead in tx.outbox.dead()] == ["EDX-STORE-PAYLOAD"]


# The inbox


def test_the_same_message_again_is_absorbed(store, clock):
    first, arrival = receive(store, *entry_of(clock))
    again, repeat = receive(store, *entry_of(clock, key="k2"))
    assert (arrival, repeat) == (Arrival.NEW, Arrival.REPEAT)
    assert again == first


def test_the_same_content_under_another_id_is_a_duplicate(store, clock):
    first, _ = receive(store, *entry_of(clock))
    copy, arrival = receive(store, *entry_of(clock, message_id="m2"))
    assert arrival is Arrival.DUPLICATE
    assert (copy.state, copy.duplicate_of) == (IncomingState.DUPLICATE, first.id)


def test_other_content_under_the_same_id_is_quarantined_not_absorbed(store, clock):
    receive(store, *entry_of(clock))
    other, arrival = receive(store, *entry_of(clock, b"khac"))
    assert arrival is Arrival.CONFLICT
    assert (other.state, other.reason) == (IncomingState.QUARANTINED, "EDX-PARCEL-CONFLICT")


def test_a_stranger_cannot_hide_a_message_by_taking_its_id(store, clock):
    receive(store, *entry_of(clock, b"gia", sender="H41"))
    _, arrival = receive(store, *entry_of(clock))
    assert arrival is Arrival.NEW


def test_after_a_refusal_the_same_content_may_come_again(store, clock):
    first, _ = receive(store, *entry_of(clock))
    with store.begin() as tx:
        tx.inbox.move(first.id, IncomingState.PRESENTED)
        tx.inbox.move(first.id, IncomingState.REJECTED)
    assert receive(store, *entry_of(clock, message_id="m2"))[1] is Arrival.NEW


def test_each_message_is_presented_once(store, clock):
    made, _ = receive(store, *entry_of(clock))
    with store.begin() as tx:
        tx.inbox.move(made.id, IncomingState.PRESENTED, document_id="D1", by="van-thu")
        with pytest.raises(StateError, match="EDX-INBOX-STATE"):
            tx.inbox.move(made.id, IncomingState.PRESENTED)
        tx.inbox.move(made.id, IncomingState.ACCEPTED)
        with pytest.raises(StateError):
            tx.inbox.move(made.id, IncomingState.REJECTED)
        assert tx.inbox.of_document("D1") == tx.inbox.in_state(IncomingState.ACCEPTED)


def test_a_crashed_office_finds_its_claimed_message_again(store, clock, later):
    made, _ = receive(store, *entry_of(clock))

    def claimed(lease, kind=ParcelKind.DOCUMENT):
        with store.begin() as tx:
            return tx.inbox.claim(lease, kind=kind)

    assert claimed("a", ParcelKind.STATUS) == ()
    assert claimed("a") == (made,)
    assert claimed("b") == ()
    clock.advance(later)
    assert claimed("b") == (made,)
    with store.begin() as tx:
        assert tx.inbox.release("b") == 1
    assert claimed("c") == (made,)


def test_an_unknown_handle_is_refused(store):
    with store.read() as tx, pytest.raises(StateError, match="EDX-INBOX-UNKNOWN"):
        tx.inbox.get(99)


# Statuses


def record(store, code, unit="G22", *, document_id="D1", recipient="G22", **options):
    with store.begin() as tx:
        return tx.record_status(
            document_id, recipient, code, speaker=Speaker(unit, unit, Basis.SEAL), claimed_at=tx.now, **options
        )


def test_a_status_moves_the_delivery_it_speaks_of_and_no_other(store, parcel_of):
    submit(store, parcel_of(recipients=("G22", "H58.07")))
    record(store, "03", description="Đã vào sổ")
    with store.read() as tx:
        shown = {tracked.delivery.recipient: tracked.delivery.shown for tracked in tx.deliveries.of_document("D1")}
    assert (shown["G22"].handling, shown["G22"].passage) == (Handling.ACCEPTED, Passage.ARRIVED)
    assert (shown["H58.07"].handling, shown["H58.07"].passage) == (Handling.NONE, Passage.QUEUED)


def test_a_third_units_completion_changes_nothing(store, parcel_of):
    submit(store, parcel_of())
    found = record(store, "06", "H41")
    assert found.effects[0].kind is EffectKind.FOREIGN
    assert found.delivery.shown.handling is Handling.NONE


def test_a_repeated_status_is_recorded_once(store, parcel_of):
    submit(store, parcel_of())
    record(store, "03")
    assert record(store, "03").effects[0].kind is EffectKind.REPEATED
    with store.read() as tx:
        assert sum("status.recorded" in line for line in tx.journal_lines()) == 1


def test_a_status_for_an_unknown_document_is_told_and_journalled(store):
    found = record(store, "03", document_id="D9")
    assert found.delivery is None
    assert found.effects[0].kind is EffectKind.UNMATCHED
    with store.read() as tx:
        assert '"effect":"unmatched"' in tx.journal_lines()[-1]


def test_the_same_office_cannot_accept_what_it_rejected(store, clock):
    with store.begin() as tx:
        for _ in range(2):
            opened = tx.deliveries.open_incoming(message_id="m1", document_id="D1", issuer="H58.12.01", recipient="G22")
            assert opened.delivery.shown.passage is Passage.ARRIVED
        tx.state_status("D1", "G22", "01", unit="G22")
        clock.advance(seconds=1)
        tx.state_status("D1", "G22", "02", unit="G22", description="Không thuộc thẩm quyền")
    clock.advance(seconds=1)
    with store.begin() as tx, pytest.raises(StateError, match="EDX-STATE-STEP"):
        tx.state_status("D1", "G22", "03", unit="G22")


def test_an_office_that_writes_to_itself_keeps_both_ends_apart(store, parcel_of, clock):
    parcel, payload = parcel_of(recipients=("H58.12.01",))
    submit(store, (parcel, payload))
    with store.begin() as tx:
        tx.deliveries.open_incoming(
            message_id=parcel.message_id, document_id="D1", issuer="H58.12.01", recipient="H58.12.01"
        )
        tx.state_status("D1", "H58.12.01", "03", unit="H58.12.01")
    with store.read() as tx:
        seen = {tracked.direction: tracked.delivery.shown.handling for tracked in tx.deliveries.of_document("D1")}
    assert seen == {"in": Handling.ACCEPTED, "out": Handling.NONE}


def test_a_document_sent_anew_after_a_refusal_is_tracked_anew(store, parcel_of, clock):
    submit(store, parcel_of(message_id="m1"))
    record(store, "02")
    clock.advance(hours=1)
    submit(store, parcel_of(message_id="m2"))
    record(store, "03")
    with store.read() as tx:
        assert [tracked.delivery.shown.handling for tracked in tx.deliveries.of_document("D1")] == [
            Handling.REJECTED,
            Handling.ACCEPTED,
        ]
        assert len(tx.deliveries.of_message("m2")) == 1


def test_a_withdrawals_own_parcel_is_no_second_delivery(store, parcel_of):
    submit(store, parcel_of(), parcel_of(b"thu hoi", business="withdraw"))
    record(store, "03")
    with store.read() as tx:
        (tracked,) = tx.deliveries.of_document("D1")
    assert tracked.delivery.shown.handling is Handling.ACCEPTED


@pytest.mark.parametrize("code", ["07", "14", "ZZ"])
def test_a_code_nobody_knows_is_kept(store, parcel_of, code):
    submit(store, parcel_of())
    assert record(store, code).effects[0].kind is EffectKind.UNKNOWN
    with store.read() as tx:
        (tracked,) = tx.deliveries.of_document("D1")
    assert [statement.code for statement in tracked.delivery.shown.unknown] == [code]


@pytest.mark.parametrize(
    "wrong, code",
    [
        ({"document_id": "x" * 201}, "EDX-ID"),
        ({"unit": "G22\nG23"}, "EDX-ID"),
        ({"description": "x" * 20_001}, "EDX-LIMIT-DESCRIPTION"),
    ],
)
def test_a_hostile_status_is_an_input_error_and_leaves_nothing(store, parcel_of, wrong, code):
    submit(store, parcel_of())
    with pytest.raises(InputError, match=code):
        record(store, "03", **wrong)
    with store.read() as tx:
        assert len(tx.journal_lines()) == 1


@pytest.mark.parametrize(
    "moment, error",
    [
        (datetime(1, 1, 1, tzinfo=VIETNAM), InputError),
        (datetime(2023, 6, 15), UsageError),  # noqa: DTZ001 - the very thing refused
    ],
)
def test_a_time_that_cannot_be_is_refused(store, parcel_of, moment, error):
    submit(store, parcel_of())
    with store.begin() as tx, pytest.raises(error, match="EDX-MOMENT"):
        tx.record_status("D1", "G22", "03", speaker=Speaker("G22", "G22", Basis.SEAL), claimed_at=moment)


def test_a_payload_changed_in_the_database_is_found(sqlite_store, parcel_of):
    parcel, payload = parcel_of()
    submit(sqlite_store, (parcel, payload))
    with sqlite_store.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE payloads SET content = x'00'")
    assert claim(sqlite_store) == ()
    with sqlite_store.read() as tx, pytest.raises(StoreUnavailable, match="EDX-STORE-PAYLOAD"):
        tx.payload(payload.sha256)


def test_a_living_process_keeps_its_claims_and_a_dead_one_does_not(sqlite_store, parcel_of, clock):
    """Two openers in one process hold separate locks, as two processes do; closing lets go as dying does."""
    submit(sqlite_store, parcel_of())
    with Store.open(sqlite_store.path, clock=clock) as living:
        held = living.lease("worker")
        assert len(claim(living, held)) == 1
        with Store.open(sqlite_store.path, clock=clock) as other:
            assert claim(other, other.lease("worker")) == ()
    with Store.open(sqlite_store.path, clock=clock) as heir:
        assert len(claim(heir, heir.lease("worker"))) == 1


def test_a_journal_line_tells_when_what_and_of_what(store, parcel_of, clock):
    parcel, payload = parcel_of()
    submit(store, (parcel, payload))
    with store.read() as tx:
        (line,) = tx.journal_lines()
    read = parse_line(line)
    assert (read.at, read.event, read.ids["message_id"]) == (clock.now(), "parcel.queued", parcel.message_id)


# A clock that stood ahead


@pytest.mark.parametrize("how", ["queued", "leased", "put off"])
def test_what_a_clock_ahead_made_due_is_due_when_the_clock_is_put_right(store, parcel_of, clock, how):
    right = clock.now()
    clock.advance(days=20)
    submit(store, parcel_of())
    if how != "queued":
        (task,) = claim(store, "a")
    if how == "put off":
        with store.begin() as tx:
            tx.outbox.put_off(task, clock.now() + timedelta(minutes=5), "EDX-AWAY")
    clock.set(right)
    with store.read() as tx:
        assert len(tx.outbox.misdated()) == 1
        assert tx.outbox.next_due() == right
    (task,) = claim(store, "b")
    with store.read() as tx:
        assert tx.outbox.misdated() == ()
    assert claim(store, "c") == (), "claimed once, it is leased like any other"
    with store.begin() as tx:
        tx.outbox.mark_sent(task, "r")
        assert tx.outbox.next_due() is None


def test_a_pause_that_a_back_off_may_give_is_waited_for(store, parcel_of, clock):
    submit(store, parcel_of())
    (task,) = claim(store)
    due = clock.now() + timedelta(hours=3)
    with store.begin() as tx:
        tx.outbox.put_off(task, due, "EDX-AWAY")
        assert tx.outbox.next_due(longest=timedelta(hours=3)) == due
        assert tx.outbox.claim("b", longest=timedelta(hours=3)) == ()


@pytest.mark.parametrize("leased", [False, True])
def test_a_message_of_a_clock_ahead_is_opened_when_the_clock_is_put_right(store, clock, leased):
    right = clock.now()
    clock.advance(days=20)
    receive(store, *entry_of(clock))

    def opened(lease):
        with store.begin() as tx:
            return len(tx.inbox.claim(lease, kind=ParcelKind.DOCUMENT))

    assert not leased or opened("a") == 1
    clock.set(right)
    with store.read() as tx:
        assert tx.inbox.misdated() == ("m1",)
    assert opened("b") == 1
    assert opened("c") == 0
    with store.read() as tx:
        assert tx.inbox.misdated() == ()
