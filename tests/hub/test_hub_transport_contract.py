"""The contract of every transport, run over HTTP, in both dialects, against a hub that carries parcels unopened."""

from __future__ import annotations

import pytest
from hub_lines import Lines, contract
from hub_scene import enrol, serving

from edocx.errors import StateError, UnitError
from edocx.hub import HubConfig, NewAgency, agencies, app
from edocx.routing.parcel import ParcelKind
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.lgsp import LgspTransport

UNITS = ("H58.12.01", "H58.12", "H58.07", "H58", "G22")
_BEYOND = {"test_the_way_over_the_levels_is_recorded", "test_a_message_nobody_sent_left_no_trace"}
"""They ask for `trace`, which local axes have and the Protocol has not."""

globals().update(
    {name: test for name, test in contract("test_routing_transport_contract").items() if name not in _BEYOND}
)


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

    lines = Lines(over_axis if request.param == "axis" else over_lgsp, UNITS)
    yield lines
    lines.close()


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
