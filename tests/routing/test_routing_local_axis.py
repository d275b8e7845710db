"""The local axis: one file, several openers, flat memory, and refusals with a reason."""

from __future__ import annotations

import sqlite3
import tracemalloc

import pytest

from edocx.content import Blob
from edocx.errors import TransportUnavailable, UnitError
from edocx.routing.parcel import Parcel
from edocx.routing.transport.local import LocalAxis


def test_two_openers_share_one_axis(tmp_path, clock, parcel_of):
    with (
        LocalAxis.open(tmp_path / "axis.db", clock=clock) as one,
        LocalAxis.open(tmp_path / "axis.db", clock=clock) as two,
    ):
        one.register("H58.12.01")
        two.register("G22")
        one.submit(*parcel_of())
        assert len(two.pending("G22")) == 1
        assert one.units() == ("G22", "H58.12.01")


def test_a_closed_unit_is_refused_by_name(tmp_path, clock, parcel_of):
    with LocalAxis.open(tmp_path / "axis.db", clock=clock) as axis:
        axis.register("H58.12.01")
        axis.register("G22")
        axis.close_unit("G22")
        with pytest.raises(UnitError, match="EDX-UNIT-CLOSED"):
            axis.submit(*parcel_of())


def test_a_file_that_is_no_axis_is_refused(tmp_path, clock):
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(TransportUnavailable, match="EDX-AXIS-VERSION"):
        LocalAxis.open(other, clock=clock)


def test_a_damaged_file_makes_parcels_wait_not_die(tmp_path, clock):
    place = tmp_path / "axis.db"
    place.write_bytes(b"khong phai co so du lieu" * 100)
    with pytest.raises(TransportUnavailable, match="EDX-AXIS-CORRUPT") as away:
        LocalAxis.open(place, clock=clock)
    assert away.value.retryable


def test_a_large_payload_never_stands_in_memory_whole(tmp_path, clock):
    big = tmp_path / "big"
    size = 24 * 1024 * 1024
    with big.open("wb") as stream:
        for number in range(24):
            stream.write(bytes([number]) * 1024 * 1024)
    payload = Blob.from_path(big)
    with LocalAxis.open(tmp_path / "axis.db", clock=clock) as axis:
        axis.register("H58.12.01")
        axis.register("G22")
        parcel = Parcel.of(payload, sender="H58.12.01", recipients=("G22",), document_id="D1", created_at=clock.now())
        tracemalloc.start()
        try:
            axis.submit(parcel, payload)
            copy = axis.fetch(axis.pending("G22")[0]).save(tmp_path / "copy")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert Blob.from_path(copy.path) == payload
    assert peak < size / 4
