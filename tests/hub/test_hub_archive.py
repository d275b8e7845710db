"""What a hub remembers of its offices: the contract over HTTP and NATS, who may ask, and what stays bounded."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager

import pytest
from hub_broker_scene import require_nats
from hub_lines import Lines, contract
from hub_scene import SECRETS, A, B, OfficialClient, document, enrol, open_hub, serving

from edocx.errors import UnitError
from edocx.hub import HubConfig, NewAgency, app, archive_operations
from edocx.routing.transport import SignedHead
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.axis_archive import mark_of

UNITS = ("H58.12.01", "H58.07", "H58", "G22")
globals().update(contract("test_routing_archive_contract"))


def carrier_of(folder, clock, **settings):
    hub = app(HubConfig(database=folder / "hub.db", unit="H58", envelope="off", **settings), clock=clock)
    enrol(hub, *(NewAgency(code, code) for code in UNITS), secrets={code: f"s-{code}" for code in UNITS})
    return hub


@contextmanager
def lines_over_http(folder, clock, **settings):
    hub = carrier_of(folder, clock, **settings)
    with serving(hub) as (host, port):
        told = {"clock": clock, "attempts": folder / "attempts"}
        lines = Lines(
            lambda unit: AxisTransport(f"http://{host}:{port}", system=unit, secret=f"s-{unit}", **told), UNITS
        )
        yield lines
        lines.close()
    hub.service.close()


@pytest.fixture
def over_http(tmp_path, clock):
    with lines_over_http(tmp_path, clock) as lines:
        yield lines


@pytest.fixture
def over_postgres(tmp_path, clock, postgres):
    with postgres.fresh() as url, lines_over_http(tmp_path, clock, server=url) as lines:
        yield lines


@pytest.fixture
def over_nats(tmp_path, clock, nats_server):
    from edocx.hub.broker import Broker
    from edocx.hub.broker_settings import BrokerConfig
    from edocx.routing.transport.nats import NatsTransport
    from edocx.routing.transport.nats_line import NatsSettings

    hub = carrier_of(tmp_path, clock, broker=BrokerConfig(servers=nats_server.urls, replicas=1))
    broker = Broker(hub.service, hub)
    broker.step(wait=0.01)
    broker.answer_calls()
    told = {"hub": "H58", "clock": clock, "attempts": tmp_path / "attempts"}
    settings = NatsSettings(nats_server.urls)
    lines = Lines(lambda unit: NatsTransport(settings, system=unit, secret=f"s-{unit}", **told), UNITS)
    yield lines
    lines.close()
    broker.stop()
    hub.service.close()


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory):
    require_nats()
    from edocx.testing.nats_servers import NatsServers

    with NatsServers(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(params=["http", "postgres", "nats"])
def archive(request):
    return request.getfixturevalue(f"over_{request.param}")


def test_a_long_list_comes_in_pages(over_http, parcel_of, clock, monkeypatch):
    monkeypatch.setattr(archive_operations, "PAGE", 2)
    since = clock.now()
    for number in range(5):
        over_http.submit(*parcel_of(b"%d" % number, document_id=f"D{number}", recipients=("G22", "H58.07")))
    assert [one.document_id for one in over_http.sent("H58.12.01", since)] == [f"D{n // 2}" for n in range(10)]
    assert [one.document_id for one in over_http.received("G22", since)] == [f"D{n}" for n in range(5)]


def test_contents_let_go_after_their_time_are_listed_no_more(tmp_path, clock, parcel_of):
    from datetime import timedelta

    from edocx.hub import retention

    hub = carrier_of(tmp_path, clock)
    with serving(hub) as (host, port):
        told = {"clock": clock, "attempts": tmp_path / "attempts"}
        lines = Lines(
            lambda unit: AxisTransport(f"http://{host}:{port}", system=unit, secret=f"s-{unit}", **told), UNITS
        )
        since = clock.now()
        lines.submit(*parcel_of(b"cu", document_id="D1"))
        lines.acknowledge(lines.pending("G22")[0])
        clock.advance(days=3)
        lines.submit(*parcel_of(b"moi", document_id="D2"))
        assert retention.sweep(hub.service.store, timedelta(days=2)) == 1
        assert [one.document_id for one in lines.sent("H58.12.01", since)] == ["D2"]
        assert [one.document_id for one in lines.received("G22", since)] == ["D2"]
        lines.close()
    hub.service.close()


def test_a_line_asks_only_for_its_own_unit(over_http, clock):
    line = over_http.of("G22")
    for asked in (
        lambda: line.head_of("H58"),
        lambda: line.keep_head("H58", SignedHead(1, b"", b"")),
        lambda: line.sent("H58", clock.now()),
        lambda: line.received("H58", clock.now()),
    ):
        with pytest.raises(UnitError, match="EDX-AXIS-UNIT"):
            asked()


@pytest.mark.parametrize(
    "told",
    [
        b"", b"[]", b"{}", b'{"seq":1,"said":"!","signature":""}', b'{"seq":true,"said":"","signature":""}',
        b'{"seq":0,"said":"","signature":""}', b'{"seq":9223372036854775808,"said":"","signature":""}',
        b'{"seq":1,"said":3,"signature":""}', b'{"seq":1,"said":"","signature":"","anew":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_head_is_refused_with_the_triple(client, told):
    reply = keep(client(A), told)
    assert (reply.status, reply.json()["status"], reply.json()["EdxCode"]) == (400, "FAIL", "EDX-HUB-PARAMETER")


def test_a_head_past_the_limit_is_refused(client):
    told = json.dumps({"seq": 1, "said": "A" * archive_operations.MAX_HEAD, "signature": ""}).encode()
    assert keep(client(A), told).json()["EdxCode"] == "EDX-HUB-SIZE"


def keep(caller, told, *, follows=""):
    """Leave a head as an office does: operation, body and the head that it follows stand in the signed headers."""
    digest = hashlib.sha256(told).hexdigest()
    return caller.call("edxKeepHead", told, edx_operation="edxKeepHead", edx_body=digest, edx_follows=follows)


def head(seq, *, anew=False):
    return json.dumps({"seq": seq, "said": "QUFB", "signature": f"{seq:04d}", "anew": anew}).encode()


def mark(seq):
    import base64

    return mark_of(b"AAA", base64.b64decode(f"{seq:04d}")).decode()


def test_headers_of_another_call_set_no_head(client, hub):
    """Headers seen once, of whatever call, sign no head that somebody else writes behind them."""
    caller, caught = client(A), []
    keep(caller, head(9))
    sent, caller.raw = caller.raw, lambda request, lines, body: caught.append((request, lines, body))
    caller.call("getReceivedEdocList", b"", servicetype="eDoc", messagetype="edoc")
    keep(caller, head(12), follows=mark(9))
    forged = head(2**62, anew=True)
    for _, lines, _ in caught:
        reply = sent("POST /edxKeepHead HTTP/1.1", lines, forged)
        assert (reply.status, reply.json()["EdxCode"]) == (401, "EDX-HUB-HEADERS")
    assert client(A).call("edxHeadOf", b"{}").json()["edxHead"]["seq"] == 9


def test_a_head_said_again_by_somebody_else_changes_nothing(client):
    """Neither a head of the count before a restore nor the beginning of the present count can be said a second time."""
    caller, caught = client(A), []
    sent = caller.raw
    caller.raw = lambda request, lines, body: caught.append((request, lines, body)) or sent(request, lines, body)
    for told, follows in (
        (head(9), ""), (head(20), mark(9)), (head(5, anew=True), mark(20)), (head(6), mark(5)), (head(7), mark(6)),
    ):  # fmt: skip
        assert keep(caller, told, follows=follows).json()["edxHead"]["seq"] == json.loads(told)["seq"]
    for request, lines, body in caught:
        assert sent(request, lines, body).json()["edxHead"]["seq"] == 7
    assert client(A).call("edxHeadOf", b"{}").json()["edxHead"]["seq"] == 7


def test_counts_begun_without_end_fill_no_database(client, hub, monkeypatch):
    from sqlalchemy import func, select

    from edocx.hub.schema import heads

    monkeypatch.setattr(archive_operations, "MOST_COUNTS", 3)
    for seq in range(1, 8):
        follows = mark(seq) if seq > 1 else ""
        assert keep(client(A), head(seq, anew=True), follows=follows).json()["status"] == "OK"
        keep(client(A), head(seq + 1), follows=mark(seq))
    with hub.service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(heads)).scalar_one() == 3
    assert client(A).call("edxHeadOf", b"{}").json()["edxHead"]["seq"] == 8


def test_neighbouring_hubs_are_told_that_these_paths_do_not_exist(hub, client):
    enrol(hub, NewAgency("hub.G22", "hub.G22", kind="hub"), secrets={"hub.G22": "s"})
    for operation in archive_operations.FOR_OFFICES:
        reply = client("hub.G22", secret="s").call(operation, b"{}")
        assert (reply.status, reply.json()["EdxCode"]) == (404, "EDX-HUB-PATH")


def test_unsigned_calls_learn_nothing(client):
    for operation in archive_operations.FOR_OFFICES:
        assert client(A, secret="sai").call(operation, b"{}").status == 401


def test_a_stranger_to_a_message_learns_no_way_of_it(client):
    client(A).send(document(), edx_message_id="m1")
    assert client(A).call("edxTrace", b"{}", edx_message_id="m1").json()["edxHops"] == []  # this hub has no name
    assert client(B).call("edxTrace", b"{}", edx_message_id="m1").json()["edxHops"] == []


@pytest.mark.parametrize("since", ["", "hom qua", "2023-06-15T00:00:00"])
def test_a_moment_that_is_none_is_refused(client, since):
    assert client(A).call("edxSentSince", b"{}", edx_since=since).json()["EdxCode"] == "EDX-HUB-PARAMETER"


def test_an_older_hub_of_ours_is_a_hub_that_remembers_nothing(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock)
    hub.router.routes[:] = [one for one in hub.router.routes if not one.path.startswith("/edx")]
    with serving(hub) as (host, port):
        told = {"clock": clock, "attempts": tmp_path / "attempts"}
        with AxisTransport(f"http://{host}:{port}", system=A, secret=SECRETS[A], **told) as line:
            assert not line.remembers()
            kept = SignedHead(1, b"a", b"b")
            assert (line.keep_head(A, kept), line.head_of(A), line.sent(A, clock.now())) == (kept, None, ())
            assert line.trace(A, "m1") == ()
    hub.service.close()


def test_official_clients_never_see_the_extension(client):
    assert isinstance(client(A), OfficialClient)
    reply = client(A).send(document()).json()
    assert "edxHead" not in reply
    assert "edxHead" not in client(A).call("getReceivedEdocList", messagetype="edoc").json()
