"""The contract of every transport, run over NATS against a hub that carries parcels unopened; and what is NATS' own."""

from __future__ import annotations

import pytest
from hub_broker_scene import require_nats
from hub_lines import Lines, contract
from hub_scene import enrol

from edocx.errors import Refused, StateError, TransportUnavailable, UsageError
from edocx.hub import HubConfig, NewAgency, app
from edocx.hub.broker import Broker
from edocx.hub.broker_settings import BrokerConfig
from edocx.routing.parcel import ParcelKind
from edocx.routing.transport.nats import NatsTransport
from edocx.routing.transport.nats_frame import pack, unpack
from edocx.routing.transport.nats_line import NatsSettings
from edocx.routing.transport.nats_subjects import bucket_name, call_subject, mail_subject, stream_name
from edocx.testing.nats_servers import NatsServers

require_nats()

UNITS = ("H58.12.01", "H58.12", "H58.07", "H58", "G22")
_BEYOND = {"test_the_way_over_the_levels_is_recorded", "test_a_message_nobody_sent_left_no_trace"}
"""They ask for `trace`, which local axes have and the Protocol has not."""

globals().update(
    {name: test for name, test in contract("test_routing_transport_contract").items() if name not in _BEYOND}
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with NatsServers(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def hub(server, tmp_path, clock):
    broker = BrokerConfig(servers=server.urls, replicas=1)
    hub = app(HubConfig(database=tmp_path / "hub.db", unit="H58", envelope="off", broker=broker), clock=clock)
    enrol(hub, *(NewAgency(code, code) for code in UNITS), secrets={code: f"s-{code}" for code in UNITS})
    yield hub
    hub.service.close()


@pytest.fixture
def carrier(hub):
    broker = Broker(hub.service, hub)
    broker.step(wait=0.01)
    calls = broker.line.run(broker._answer_calls())
    yield broker
    broker.line.run(calls.unsubscribe())
    broker.stop()


@pytest.fixture
def axis(server, carrier, tmp_path, clock):
    def make(unit):
        return NatsTransport(
            NatsSettings(server.urls), hub="H58", system=unit, secret=f"s-{unit}", clock=clock, attempts=tmp_path / unit
        )

    lines = Lines(make, UNITS)
    yield lines
    lines.close()


def test_statuses_and_documents_come_in_one_list(axis, parcel_of):
    axis.submit(*parcel_of(document_id="H58.12.01,2023/06/15,1/VPCP-TTĐT"))
    axis.submit(*parcel_of(b"02", kind=ParcelKind.STATUS, document_id="D2"))
    assert {entry.kind for entry in axis.pending("G22")} == set(ParcelKind)
    assert "H58.12.01,2023/06/15,1/VPCP-TTĐT" in {entry.document_id for entry in axis.pending("G22")}


def test_a_content_past_the_message_limit_goes_both_ways_through_the_object_store(axis, parcel_of):
    content = bytes(range(256)) * 12_000
    axis.submit(*parcel_of(content))
    (entry,) = axis.pending("G22")
    assert axis.fetch(entry).read() == content
    assert axis.fetch(entry).read() == content


def test_a_hub_that_nobody_serves_leaves_no_doubt_about_what_was_sent(server, carrier, tmp_path, clock, parcel_of):
    line = NatsTransport(
        NatsSettings(server.urls), hub="H99", system="G22", secret="s", clock=clock, attempts=tmp_path / "attempts"
    )
    try:
        with pytest.raises(TransportUnavailable, match="EDX-AXIS-UNREACHED"):
            line.submit(*parcel_of(sender="G22"))
        assert not list((tmp_path / "attempts").glob("*.json"))
    finally:
        line.close()


def test_a_wrong_secret_opens_nothing(server, carrier, tmp_path, clock):
    line = NatsTransport(
        NatsSettings(server.urls), hub="H58", system="G22", secret="s-H58", clock=clock, attempts=tmp_path / "a"
    )
    try:
        with pytest.raises(Refused, match="EDX-AXIS-CREDENTIALS"):
            line.pending("G22")
    finally:
        line.close()


def test_an_entry_that_is_no_more_is_refused_as_such(axis, parcel_of):
    axis.submit(*parcel_of())
    (entry,) = axis.pending("G22")
    with pytest.raises(StateError, match="EDX-AXIS-ENTRY"):
        axis.fetch(entry._replace(key="khong-co"))


@pytest.mark.parametrize(
    "address", ["nats://nats.example:4222", "http://127.0.0.1", "tls://an:mat-khau@nats.example:4222", "tls://"]
)
def test_mail_never_crosses_a_network_in_clear_and_no_password_stands_in_an_address(address):
    with pytest.raises(UsageError, match="EDX-NATS-ADDRESS") as caught:
        NatsSettings((address,))
    assert "mat-khau" not in str(caught.value)
    NatsSettings(("nats://nats.example:4222",), plain=True)


def test_subjects_follow_the_tree_and_names_never_meet():
    assert mail_subject("H58.12", "top") == "edx.H58.12.mail.top"
    assert call_subject("H58") == "edx.H58.call"
    names = {stream_name(unit) for unit in ("H58.12", "H58-12", "H5812", "H58_12", "H58")}
    assert len(names) == 5
    assert all("." not in name and " " not in name for name in (*names, bucket_name("H58.12", "mail")))


@pytest.mark.parametrize("unit", ["H58.*", ">", "H58.>", "H58 12", "H58..12", ""])
def test_a_code_that_would_reach_other_units_mail_makes_no_subject(unit):
    with pytest.raises(UsageError, match="EDX-NATS-SUBJECT"):
        mail_subject(unit, "top")


def test_a_message_comes_back_as_it_was_packed():
    head = {"status": 200, "vi": "Đã nhận"}
    assert unpack(pack(head, b"\x00than")) == (head, b"\x00than")
