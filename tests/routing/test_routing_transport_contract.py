"""One contract for every transport, run against each of ours."""

from __future__ import annotations

import pytest

from edocx.content import Blob
from edocx.errors import InputError, Refused, UnitError
from edocx.routing.parcel import ParcelKind


def test_a_parcel_waits_for_each_recipient_until_that_one_acknowledges(axis, parcel_of):
    axis.submit(*parcel_of(recipients=("G22", "H58.07")))
    (entry,) = axis.pending("G22")
    axis.acknowledge(entry)
    assert axis.pending("G22") == ()
    assert [waiting.recipient for waiting in axis.pending("H58.07")] == ["H58.07"]


def test_the_raw_bytes_come_back_unchanged(axis, parcel_of):
    content = bytes(range(256)) * 3000
    axis.submit(*parcel_of(content))
    (entry,) = axis.pending("G22")
    assert axis.fetch(entry).read() == content
    assert axis.fetch(entry).sha256 == Blob.from_bytes(content).sha256


def test_an_entry_tells_what_the_parcel_told(axis, parcel_of, clock):
    parcel, payload = parcel_of(urgency=3, kind=ParcelKind.STATUS)
    receipt = axis.submit(parcel, payload)
    (entry,) = axis.pending("G22")
    assert (entry.key, entry.message_id, entry.kind, entry.sender, entry.urgency, entry.document_id) == (
        receipt.key,
        parcel.message_id,
        ParcelKind.STATUS,
        parcel.sender,
        3,
        "D1",
    )
    assert (entry.sha256, entry.size, entry.arrived_at) == (payload.sha256, payload.size, clock.now())


def test_a_duplicate_submit_returns_the_original_receipt(axis, parcel_of, clock):
    parcel, payload = parcel_of()
    first = axis.submit(parcel, payload)
    clock.advance(hours=1)
    assert axis.submit(parcel, payload) == first
    assert len(axis.pending("G22")) == 1


def test_a_duplicate_submit_does_not_wake_an_acknowledged_copy(axis, parcel_of):
    parcel, payload = parcel_of()
    axis.submit(parcel, payload)
    axis.acknowledge(axis.pending("G22")[0])
    axis.submit(parcel, payload)
    assert axis.pending("G22") == ()


def test_the_same_id_with_other_content_is_refused(axis, parcel_of):
    axis.submit(*parcel_of(message_id="m1"))
    with pytest.raises(Refused, match="EDX-PARCEL-CONFLICT"):
        axis.submit(*parcel_of(b"khac", message_id="m1"))


def test_the_same_id_from_another_sender_is_another_message(axis, parcel_of):
    axis.submit(*parcel_of(message_id="m1"))
    axis.submit(*parcel_of(b"khac", message_id="m1", sender="H58.07"))
    assert len(axis.pending("G22")) == 2


def test_one_unknown_recipient_refuses_the_whole_parcel_by_name(axis, parcel_of):
    with pytest.raises(UnitError, match="H99") as refused:
        axis.submit(*parcel_of(recipients=("G22", "H99.01")))
    assert refused.value.where == "H99.01"
    assert not refused.value.retryable
    assert axis.pending("G22") == ()


def test_an_unknown_sender_is_refused(axis, parcel_of):
    with pytest.raises(UnitError):
        axis.submit(*parcel_of(sender="H99"))


def test_content_that_does_not_fit_its_digest_is_refused(axis, parcel_of):
    parcel, payload = parcel_of(b"noi dung")
    forged = Blob.from_opener(Blob.from_bytes(b"noi dunG").open, sha256=payload.sha256, size=payload.size)
    with pytest.raises(InputError, match="EDX-PAYLOAD-DIGEST"):
        axis.submit(parcel, forged)
    assert axis.pending("G22") == ()
    axis.submit(parcel, payload)


def test_pending_gives_urgent_first_then_oldest(axis, parcel_of, clock):
    for name, urgency in (("thuong", 0), ("khan", 1), ("hoa toc", 3), ("thuong 2", 0)):
        axis.submit(*parcel_of(name.encode(), document_id=name, urgency=urgency))
        clock.advance(seconds=1)
    assert [entry.document_id for entry in axis.pending("G22")] == ["hoa toc", "khan", "thuong", "thuong 2"]


def test_acknowledging_twice_does_nothing_more(axis, parcel_of):
    axis.submit(*parcel_of())
    (entry,) = axis.pending("G22")
    axis.acknowledge(entry)
    axis.acknowledge(entry)
    assert axis.pending("G22") == ()


def test_a_unit_cannot_fetch_what_was_not_sent_to_it(axis, parcel_of):
    axis.submit(*parcel_of())
    (entry,) = axis.pending("G22")
    with pytest.raises(Refused):
        axis.fetch(entry._replace(recipient="H58.07"))


def test_the_way_over_the_levels_is_recorded(axis, parcel_of):
    parcel, payload = parcel_of(recipients=("H58.07", "G22"))
    axis.submit(parcel, payload)
    ways: dict[str, list[str]] = {}
    for hop in axis.trace(parcel.sender, parcel.message_id):
        ways.setdefault(hop.recipient, []).append(hop.node)
    assert ways == {
        "H58.07": ["H58.12.01", "H58.12", "H58", "H58.07"],
        "G22": ["H58.12.01", "H58.12", "H58", "G22"],
    }


def test_a_message_nobody_sent_left_no_trace(axis):
    assert axis.trace("G22", "none") == ()
