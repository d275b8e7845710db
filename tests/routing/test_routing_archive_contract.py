"""One contract for every axis that remembers: journal heads, what it took from a unit and for one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edocx.routing.parcel import ParcelKind
from edocx.routing.transport import Archive, SignedHead, Traced
from edocx.routing.transport.local import LocalAxis

ME, OTHER = "H58.12.01", "G22"


@pytest.fixture
def archive(tmp_path, clock):
    with LocalAxis.open(tmp_path / "axis.db", clock=clock) as made:
        for unit, above in (("H58.12.01", "H58"), ("H58.07", "H58"), ("H58", "G22"), ("G22", None)):
            made.register(unit, above=above)
        yield made


def head(seq, text="lời"):
    return SignedHead(seq, f"{text} {seq}".encode(), b"chu ky \x00\xff")


def test_an_axis_that_remembers_says_so(archive):
    assert isinstance(archive, Archive)
    assert isinstance(archive, Traced)
    assert archive.remembers()


def test_nothing_is_known_of_a_unit_that_never_attested(archive):
    assert archive.head_of(ME) is None


def test_the_furthest_head_is_the_one_kept(archive):
    assert archive.keep_head(ME, head(5)) == head(5)
    assert archive.keep_head(ME, head(9)) == head(9)
    assert archive.keep_head(ME, head(7)) == head(9)
    assert archive.keep_head(ME, head(9, "khác")) == head(9), "what was said first stands"
    assert archive.head_of(ME) == head(9)


def test_a_count_that_begins_anew_may_be_shorter(archive):
    archive.keep_head(ME, head(9))
    assert archive.keep_head(ME, head(3, "mới"), anew=True) == head(3, "mới")
    assert archive.head_of(ME) == head(3, "mới")
    assert archive.keep_head(ME, head(4, "mới")) == head(4, "mới")
    assert archive.keep_head(ME, head(2, "mới")) == head(4, "mới")


def test_heads_of_units_do_not_mix(archive):
    archive.keep_head(ME, head(9))
    assert archive.head_of(OTHER) is None
    archive.keep_head(OTHER, head(2))
    assert archive.head_of(ME) == head(9)


def test_what_was_sent_is_listed_for_each_recipient_and_can_be_fetched(archive, parcel_of, clock):
    before = clock.now()
    parcel, payload = parcel_of(b"noi dung", recipients=("G22", "H58.07"), urgency=2)
    receipt = archive.submit(parcel, payload)
    entries = archive.sent(ME, before)
    assert [(one.key, one.message_id, one.recipient) for one in entries] == [
        (receipt.key, parcel.message_id, "G22"),
        (receipt.key, parcel.message_id, "H58.07"),
    ]
    first = entries[0]
    assert (first.sender, first.document_id, first.urgency, first.kind) == (ME, "D1", 2, ParcelKind.DOCUMENT)
    assert (first.sha256, first.size, first.arrived_at) == (payload.sha256, payload.size, clock.now())
    assert archive.fetch(first).read() == b"noi dung"
    assert archive.sent(OTHER, before) == ()


def test_what_came_is_listed_after_it_was_acknowledged_too(archive, parcel_of, clock):
    before = clock.now()
    archive.submit(*parcel_of(b"mot", document_id="D1"))
    archive.submit(*parcel_of(b"hai", document_id="D2", kind=ParcelKind.STATUS))
    archive.acknowledge(archive.pending(OTHER)[0])
    entries = archive.received(OTHER, before)
    assert [(one.document_id, one.kind, one.recipient) for one in entries] == [
        ("D1", ParcelKind.DOCUMENT, OTHER),
        ("D2", ParcelKind.STATUS, OTHER),
    ]
    assert [archive.fetch(one).read() for one in entries] == [b"mot", b"hai"]
    assert archive.received(ME, before) == ()


def test_what_is_older_than_asked_is_left_out(archive, parcel_of, clock):
    archive.submit(*parcel_of(b"mot", document_id="D1"))
    clock.advance(hours=1)
    archive.submit(*parcel_of(b"hai", document_id="D2"))
    since = clock.now() - timedelta(minutes=1)
    assert [one.document_id for one in archive.sent(ME, since)] == ["D2"]
    assert [one.document_id for one in archive.received(OTHER, since)] == ["D2"]


def test_the_way_of_a_message_is_told_to_who_sent_it(archive, parcel_of, clock):
    parcel, payload = parcel_of()
    archive.submit(parcel, payload)
    hops = archive.trace(ME, parcel.message_id)
    assert {(hop.recipient, hop.at) for hop in hops} == {(OTHER, clock.now())}
    assert archive.trace(ME, "khong-co") == ()
