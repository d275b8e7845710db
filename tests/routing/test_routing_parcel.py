"""Parcels, retries and routes: the pure small things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.content import Blob
from edocx.errors import UsageError
from edocx.routing.parcel import Parcel, is_message_id, new_message_id
from edocx.routing.retry import Backoff
from edocx.routing.route import hops

NOW = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipients": ()},
        {"recipients": ("G22", "G22")},
        {"recipients": ("G22\n",)},
        {"sender": ""},
        {"sender": "Tie\u0302\u0300n Giang"},
        {"document_id": "x" * 201},
        {"urgency": 5},
        {"urgency": -1},
        {"message_id": "../../etc/passwd"},
        {"message_id": "a b"},
        {"created_at": datetime(2023, 6, 15)},  # noqa: DTZ001 - the very thing refused
    ],
)
def test_a_parcel_that_cannot_be_right_is_refused(wrong):
    right = {"sender": "H58", "recipients": ("G22",), "document_id": "D1", "created_at": NOW, "message_id": "m1"}
    Parcel.of(Blob.from_bytes(b""), **right)
    with pytest.raises(UsageError, match="EDX-PARCEL-FIELD"):
        Parcel.of(Blob.from_bytes(b""), **{**right, **wrong})


def test_message_ids_are_fit_for_every_peer_and_never_alike():
    ids = {new_message_id(NOW) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_message_id(each) and each.isalnum() for each in ids)


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_pauses_are_bounded_and_jittered(attempt, seed):
    backoff = Backoff(attempts=20_000)
    due = backoff.next_due(attempt, now=NOW, since=NOW, random=Random(seed))
    nominal = min(backoff.first * 2 ** min(attempt - 1, 20), backoff.ceiling)
    assert nominal / 2 <= due - NOW <= nominal


def test_retrying_ends_in_attempts_and_in_time():
    backoff = Backoff(attempts=3, lifetime=timedelta(hours=1))
    assert backoff.next_due(2, now=NOW, since=NOW, random=Random(1)) is not None
    assert backoff.next_due(3, now=NOW, since=NOW, random=Random(1)) is None
    assert backoff.next_due(1, now=NOW + timedelta(hours=1), since=NOW, random=Random(1)) is None


ABOVE = {"H58.12.01": "H58.12", "H58.12": "H58", "H58.07": "H58", "H58": "truc", "G22": "truc", "H41": None}


@pytest.mark.parametrize(
    "sender, recipient, way",
    [
        ("H58.12.01", "G22", ("H58.12.01", "H58.12", "H58", "truc", "G22")),
        ("H58.12.01", "H58.07", ("H58.12.01", "H58.12", "H58", "H58.07")),
        ("H58.12.01", "H58.12", ("H58.12.01", "H58.12")),
        ("H58", "H58.12.01", ("H58", "H58.12", "H58.12.01")),
        ("H58", "H58", ("H58",)),
        ("H58.07", "H41", ("H58.07", "H58", "truc", "H41")),
        ("X", "Y", ("X", "Y")),
    ],
)
def test_a_way_goes_up_to_the_first_common_node_and_down(sender, recipient, way):
    assert hops(sender, recipient, ABOVE) == way


def test_a_circle_of_nodes_is_refused():
    with pytest.raises(UsageError, match="EDX-ROUTE-CIRCLE"):
        hops("a", "z", {"a": "b", "b": "a"})
