"""The contract of every transport, run over HTTP, in both dialects, against a hub that carries parcels unopened."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_scene import enrol, serving

from edocx.content import Blob
from edocx.errors import StateError, UnitError
from edocx.hub import HubConfig, NewAgency, agencies, app
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.transport import Transport
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.lgsp import LgspTransport

UNITS = ("H58.12.01", "H58.12", "H58.07", "H58", "G22")
_CONTRACT = Path(__file__).parents[1] / "routing" / "test_routing_transport_contract.py"
_BEYOND = {"test_the_way_over_the_levels_is_recorded", "test_a_message_nobody_sent_left_no_trace"}
"""They ask for `trace`, which local axes have and the Protocol has not."""

_spec = importlib.util.spec_from_file_location("transport_contract", _CONTRACT)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
globals().update({n: v for n, v in vars(_module).items() if n.startswith("test_") and n not in _BEYOND})


class Lines:
    """One line for each unit, as offices have; the contract speaks for all of them."""

    def __init__(self, make: Callable[[str], Transport]) -> None:
        self._make = make
        self._lines: dict[str, Transport] = {}

    def of(self, unit: str) -> Transport:
        if unit not in self._lines:
            self._lines[unit] = self._make(unit)
        return self._lines[unit]

    def submit(self, parcel, payload):
        return self.of(parcel.sender if parcel.sender in UNITS else UNITS[0]).submit(parcel, payload)

    def pending(self, unit):
        return self.of(unit).pending(unit)

    def fetch(self, entry):
        return self.of(entry.recipient).fetch(entry)

    def acknowledge(self, entry):
        self.of(entry.recipient).acknowledge(entry)

    def close(self):
        for line in self._lines.values():
            line.close()


@pytest.fixture
def carrier(tmp_path, clock):
    hub = app(HubConfig(database=tmp_path / "hub.db", envelope="off"), clock=clock)
    enrol(hub, *(NewAgency(code, code) for code in UNITS), secrets={code: f"s-{code}" for code in UNITS})
    with serving(hub) as found:
        yield hub, found
    hub.service.close()


@pytest.fixture(params=["axis", "lgsp"])
def axis(carrier, tmp_path, clock, request):
    hub, (host, port) = carrier
    endpoint = f"http://{host}:{port}"

    def over_axis(unit):
        return AxisTransport(endpoint, system=unit, secret=f"s-{unit}", clock=clock, attempts=tmp_path / unit)

    def over_lgsp(unit):
        with hub.service.store.begin("lgsp") as connection:
            agency = agencies.require(connection, unit)
            key, password = agencies.new_lgsp_credentials(
                connection, agency, hub.service.vault, now=clock.now(), by="test"
            )
        told = {"system": unit, "key": key, "username": unit, "password": password}
        return LgspTransport(endpoint, **told, clock=clock, attempts=tmp_path / unit)

    lines = Lines(over_axis if request.param == "axis" else over_lgsp)
    yield lines
    lines.close()


@pytest.fixture
def parcel_of(clock):
    def make(content=b"noi dung", *, sender="H58.12.01", recipients=("G22",), document_id="D1", **more):
        payload = Blob.from_bytes(content)
        told = {"sender": sender, "recipients": recipients, "document_id": document_id, "created_at": clock.now()}
        return Parcel.of(payload, **told, **more), payload

    return make


def test_the_contract_is_not_empty():
    assert sum(name.startswith("test_") for name in globals()) > 10


def test_statuses_and_documents_come_in_one_list(axis, parcel_of):
    axis.submit(*parcel_of(document_id="H58.12.01,2023/06/15,1/VPCP-TTĐT"))
    axis.submit(*parcel_of(b"02", kind=ParcelKind.STATUS, document_id="D2"))
    assert {entry.kind for entry in axis.pending("G22")} == set(ParcelKind)
    assert "H58.12.01,2023/06/15,1/VPCP-TTĐT" in {entry.document_id for entry in axis.pending("G22")}


def test_a_line_serves_one_unit(axis, parcel_of):
    with pytest.raises(UnitError, match="EDX-AXIS-UNIT"):
        axis.of("G22").submit(*parcel_of(sender="H58"))
    with pytest.raises(UnitError, match="EDX-AXIS-UNIT"):
        axis.of("G22").pending("H58")


def test_an_entry_that_is_no_more_is_refused_as_such(axis, parcel_of):
    axis.submit(*parcel_of())
    (entry,) = axis.pending("G22")
    with pytest.raises(StateError, match="EDX-AXIS-ENTRY"):
        axis.fetch(entry._replace(key="khong-co"))


def test_a_large_parcel_passes_in_pieces(axis, parcel_of):
    content = bytes(range(256)) * 20_000
    axis.submit(*parcel_of(content))
    (entry,) = axis.pending("G22")
    blob = axis.fetch(entry)
    assert blob.path is None
    with blob.open() as first, blob.open() as second:
        assert first.read(10) == second.read(10) == content[:10]
    assert blob.read() == content
