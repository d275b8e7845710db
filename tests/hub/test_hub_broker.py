"""Mail between hubs over real NATS servers: nothing lost, nothing twice, whatever the broker forgets."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from hub_broker_scene import COMMUNE, FAR, GOVERNMENT, BrokerNation, require_nats
from hub_scene import PATIENCE, status
from sqlalchemy import select, update

from edocx.content import Blob
from edocx.envelope import open_envelope
from edocx.errors import TransportUnavailable
from edocx.hub.carrier import OUR_OWN
from edocx.hub.schema import copies, messages
from edocx.routing.transport.nats_subjects import mail_subject, stream_name
from edocx.testing.nats_servers import NatsServers

require_nats()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with NatsServers(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def nation(server, tmp_path, clock):
    _purge(server)
    made = BrokerNation(tmp_path, clock, dict.fromkeys(("H58", "G22", "H37"), server.urls))
    made.carry()  # every hub makes its stream
    yield made
    made.close()


def _js(server, act):
    import nats

    async def run():
        client = await nats.connect(list(server.urls), connect_timeout=PATIENCE)
        try:
            return await act(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(run())


def _purge(server):
    async def act(js):
        for info in await js.streams_info():
            await js.delete_stream(info.config.name)

    _js(server, act)


def test_a_clock_that_stood_ahead_and_was_put_right_keeps_no_mail(nation, clock):
    right = clock.now()
    nation.send(1, to=(FAR,))
    clock.advance(days=40)
    with nation.hubs["H58"].service.store.begin("ahead") as connection:
        connection.execute(update(copies).values(due_at=clock.now(), tries=3))
    clock.set(right)
    nation.carry()
    assert nation.arrived("H37", FAR).total() == 1
    with nation.hubs["H58"].service.store.begin("ahead") as connection:
        connection.execute(update(copies).values(due_at=clock.now() + timedelta(days=40)))
    nation.settle("H37", FAR, "done")
    for _ in range(3):
        clock.advance(minutes=2)
        nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        assert connection.execute(select(copies.c.state)).scalars().all() == ["done"]


def test_a_letter_climbs_to_the_nation_and_down_again_and_its_fate_comes_back(nation, clock):
    nation.send(1, to=(FAR, GOVERNMENT))
    nation.carry()
    assert nation.arrived("H37", FAR).total() == nation.arrived("G22", GOVERNMENT).total() == 1
    nation.settle("H37", FAR, "fail", "sai địa chỉ")
    nation.settle("G22", GOVERNMENT, "done")
    for _ in range(3):
        clock.advance(minutes=2)
        nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        rows = connection.execute(select(copies.c.recipient, copies.c.state, copies.c.description)).all()
    assert {tuple(row) for row in rows} == {(FAR, "fail", "sai địa chỉ"), (GOVERNMENT, "done", None)}


def test_every_hub_on_the_way_stands_in_the_trace_and_states_its_part(nation, clock):
    from edocx.hub import mailroom

    nation.send(1)
    nation.carry()
    service = nation.hubs["H37"].service
    with service.store.read() as connection:
        sha256 = connection.execute(select(copies.c.sha256)).scalar_one()
        blob = service.store.load(connection, sha256)
    with open_envelope(blob, workdir=service.store.spool) as reading:
        assert [one.unit for one in reading.envelope.trace] == [COMMUNE, "H58", "G22", "H37"]
    nation.settle("H37", FAR, "done")
    for _ in range(3):
        clock.advance(minutes=2)
        nation.carry()
    home = nation.hubs["H58"].service
    with home.store.read() as connection:
        from edocx.hub import agencies

        rows = mailroom.sent(connection, agencies.find(connection, COMMUNE), "edoc", "")
        found = home.relay_book.of_copies(connection, rows)
    assert [statement.split('"hub":"')[1].split('"')[0] for statement in found[FAR]] == [
        "hub.H58",
        "hub.G22",
        "hub.H37",
    ]


def test_neighbours_by_nats_tell_each_other_their_clocks_and_keys(nation):
    for broker in nation.brokers.values():
        broker.answer_calls()
    for hub in nation.hubs.values():
        hub.carrier.step()
        nation.stack.callback(hub.carrier.stop)
    met = nation.hubs["H58"].service.neighbours()
    assert list(met) == ["hub.G22"]
    from edocx.hub.schema import neighbours

    with nation.hubs["H58"].service.store.read() as connection:
        row = connection.execute(select(neighbours)).one()
    assert (row.error, abs(row.ahead_ms) < 60_000) == (None, True)


def test_what_the_next_hub_refuses_fails_with_its_reason_and_the_others_arrive(nation):
    # The province knows neither: it asks the nation, which knows only one of them.
    nation.send(1, to=(FAR, "H99.01"))
    nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        rows = dict(connection.execute(select(copies.c.recipient, copies.c.state)).all())
        reason = connection.execute(select(copies.c.description).where(copies.c.state == "fail")).scalar_one()
    assert rows == {FAR: "processing", "H99.01": "fail"}
    assert "H99.01" in reason


@pytest.mark.parametrize("code", [*sorted(OUR_OWN), "EDX-UNIT-UNKNOWN"])
def test_a_refusal_of_the_line_settles_no_mail_and_one_of_the_message_does(nation, code):
    from edocx.hub.broker_mail import Pen
    from edocx.routing.transport.nats_frame import unpack

    doc_id = nation.send(1)
    receipt = {"key": doc_id, "copies": [[FAR, 1]], "code": code, "vi": "Không nhận", "en": "No"}
    body = json.dumps({"receipts": [receipt]}).encode()
    word = unpack(Pen("hub.G22", "hub.G22>H58").write({"kind": "talk"}, body, nation.clock.now()))
    nation.brokers["H58"].talk.hear([word])
    assert nation.states("H58") == ({"initial": 1} if code in OUR_OWN else {"fail": 1})
    told = nation.hubs["H58"].service.metrics.text({})
    assert ("edocx_hub_lines_refused_total 1" in told) == (code in OUR_OWN)


def test_what_the_next_hub_s_door_refuses_comes_back_with_its_own_reason(nation):
    from edocx.hub import NewAgency, agencies

    upper, home = nation.hubs["G22"].service, nation.hubs["H58"].service

    def refused(number, **facts):
        with upper.store.begin("limits") as connection:
            agencies.register(connection, NewAgency(GOVERNMENT, "VPCP", **facts), now=nation.clock.now(), by="test")
            if not facts:
                agencies.close(connection, GOVERNMENT, now=nation.clock.now(), by="test")
        doc_id = nation.send(number, to=(GOVERNMENT,))
        nation.carry()
        with home.store.read() as connection:
            query = select(copies.c.state, copies.c.description).join(messages).where(messages.c.doc_id == doc_id)
            return tuple(connection.execute(query).one())

    found = [refused(1, takes_types="docx"), refused(2, takes_bytes=1024), refused(3)]
    assert [state for state, _ in found] == ["fail"] * 3
    for (_, reason), words in zip(found, ("chỉ nhận tệp: docx", "chỉ nhận gói đến 1024 byte", "đã khóa"), strict=True):
        assert words in reason
    assert nation.arrived("G22", GOVERNMENT).total() == 0


def test_a_message_at_which_nobody_foresaw_an_error_holds_up_no_other(nation, clock, monkeypatch):
    from edocx.hub.broker_intake import Intake

    take = Intake.take

    def failing(self, caller, file):
        if "%2C1%2F" in caller.parameters.get("edx-document-id"):
            raise RuntimeError("không ai lường trước")
        return take(self, caller, file)

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "take", failing)
        for number in (1, 2):
            nation.send(number, to=(GOVERNMENT,))
        nation.carry()
        assert nation.arrived("G22", GOVERNMENT).total() == 1
    clock.advance(minutes=6)
    nation.carry()
    assert nation.arrived("G22", GOVERNMENT).total() == 2


@pytest.mark.parametrize(
    "signed", ['{"XroadVnpt-systemid":"\\ud800"}', '{"\\udfff":"x"}', "\ud800", "[]", "7", "[" * 9_000]
)
def test_words_of_the_broker_that_are_no_text_are_refused_as_such(nation, signed):
    from edocx.errors import Refused
    from edocx.hub.broker_mail import Reader
    from edocx.routing.transport.nats_frame import Frame

    reader = Reader.of(nation.hubs["G22"].service.gate)
    with pytest.raises(Refused, match="EDX-HUB-"):
        reader.believe(Frame({"signed": signed, "mac": "0" * 64}, b""))


def test_a_content_past_the_message_limit_goes_through_the_object_store_and_leaves_it(nation, server):
    big = bytes(range(256)) * 12_000
    nation.send(1, content=big)
    nation.carry()
    assert nation.arrived("H37", FAR).total() == 1

    async def act(js):
        return [info.state.messages for info in await js.streams_info() if info.config.name.startswith("OBJ_")]

    # What is left of an object is one line that says that it was removed.
    assert max(_js(server, act)) <= 1
    service = nation.hubs["H37"].service
    with service.store.read() as connection:
        blob = service.store.load(connection, connection.execute(select(copies.c.sha256)).scalar_one())
    assert blob.size > len(big)


def test_a_stream_that_is_lost_is_filled_again_from_the_database(nation, server):
    nation.brokers["G22"].step()
    for number in range(20):
        nation.send_opaque(number, to=(GOVERNMENT,))
    nation.hubs["G22"].service.config.__dict__["envelope"] = "off"
    while nation.brokers["H58"].step():
        pass

    async def lose(js):
        held = (await js.stream_info(stream_name("G22"))).state.messages
        await js.delete_stream(stream_name("G22"))
        return held

    assert _js(server, lose) == 20
    nation.carry()  # no clock was moved: the loss itself is noticed
    assert nation.arrived("G22", GOVERNMENT) == {f"D{number}": 1 for number in range(20)}


def test_mail_published_again_after_the_brokers_memory_is_over_arrives_once(nation, clock):
    nation.brokers["G22"].step()
    nation.send(1, to=(GOVERNMENT,))
    for _ in range(3):  # nobody answers
        assert nation.brokers["H58"].step() >= 1
        clock.advance(minutes=6)
    nation.carry()
    assert nation.arrived("G22", GOVERNMENT).total() == 1
    assert nation.states("H58") == {"processing": 1}


def test_two_nodes_of_one_hub_share_its_mail(nation):
    nation.hubs["G22"].service.config.__dict__["envelope"] = "off"
    for number in range(40):
        nation.send_opaque(number, to=(GOVERNMENT,))
    second = nation.open_broker("G22")
    nation.brokers["H58"].step()
    nation.brokers["G22 nữa"] = second
    nation.carry()
    assert nation.arrived("G22", GOVERNMENT) == {f"D{number}": 1 for number in range(40)}


def test_a_forged_or_changed_message_is_dropped_and_the_others_go_on(nation, server):
    from edocx.routing.transport.nats_frame import pack

    nation.brokers["G22"].step()
    nation.send(1, to=(GOVERNMENT,))
    mail = nation.brokers["H58"].outbox.claim()[0]
    good = nation.brokers["H58"].outbox.write(mail, inline=True)

    async def act(js):
        subject = mail_subject("G22", "bottom")
        for data in (b"", b"\x00\x00\x00\x02{}", pack({"signed": "{}", "mac": "0" * 64}), good[:-3] + b"xyz", good):
            await js.publish(subject, data)

    _js(server, act)
    nation.carry_until(
        lambda: "edocx_hub_broker_poisoned_total 4" in nation.hubs["G22"].service.metrics.text({}), units=("G22",)
    )
    nation.carry()
    assert nation.arrived("G22", GOVERNMENT).total() == 1


def test_a_receipt_counts_only_from_the_hub_that_the_copy_went_to(nation):
    from edocx.hub.broker_mail import Pen
    from edocx.routing.transport.nats_frame import unpack

    doc_id = nation.send(1)
    talk = nation.brokers["G22"].talk
    body = b'{"receipts":[{"key":"%s","copies":[["%s",1]],"as":"falsch"}]}' % (doc_id.encode(), FAR.encode())
    now = nation.clock.now()
    forged = Pen("hub.H37", "hub.H37>G22").write({"kind": "talk"}, body, now)
    talk.hear([unpack(forged)])
    home = nation.brokers["H58"].talk
    stranger = Pen("hub.H37", "hub.H37>H58").write({"kind": "talk"}, body, now)
    home.hear([unpack(stranger)])
    assert nation.states("H58") == {"initial": 1}


def test_an_old_receipt_does_not_settle_a_new_attempt(nation):
    from edocx.hub.broker_mail import Pen
    from edocx.routing.transport.nats_frame import unpack

    doc_id = nation.send(1)
    body = b'{"receipts":[{"key":"%s","copies":[["%s",2]],"as":"cu"}]}' % (doc_id.encode(), FAR.encode())
    word = unpack(Pen("hub.G22", "hub.G22>H58").write({"kind": "talk"}, body, nation.clock.now()))
    nation.brokers["H58"].talk.hear([word])
    assert nation.states("H58") == {"initial": 1}
    right = body.replace(b",2]]", b",1]]")
    word = unpack(Pen("hub.G22", "hub.G22>H58").write({"kind": "talk"}, right, nation.clock.now()))
    nation.brokers["H58"].talk.hear([word, word])
    assert nation.states("H58") == {"processing": 1}


def test_urgent_mail_is_published_and_pulled_before_the_rest(nation, server):
    nation.brokers["G22"].step()
    for number in range(3):
        nation.send_opaque(number, to=(GOVERNMENT,))
    nation.send_opaque(9, to=(GOVERNMENT,), urgency=4)
    claimed = nation.brokers["H58"].outbox.claim()
    assert [mail.rows[0].document_id for mail in claimed] == ["D9", "D0", "D1", "D2"]
    assert [mail.subject for mail in claimed[:2]] == ["edx.G22.mail.top", "edx.G22.mail.bottom"]


def test_mail_waits_in_the_database_while_the_servers_are_away(tmp_path, clock):
    with NatsServers(tmp_path / "nats") as alone:
        nation = BrokerNation(tmp_path / "hubs", clock, dict.fromkeys(("H58", "G22"), alone.urls))
        try:
            nation.carry()
            alone.kill(0)
            nation.send(1, to=(GOVERNMENT,))
            broker = nation.brokers["H58"]
            with pytest.raises(TransportUnavailable):
                broker.line.run(broker._ensure(), seconds=3)
            alone.revive(0)
            clock.advance(timedelta(minutes=6))
            nation.carry()
            assert nation.arrived("G22", GOVERNMENT).total() == 1
        finally:
            nation.close()


def test_a_status_climbs_like_any_mail(nation):
    service = nation.hubs["H37"].service
    from hub_broker_scene import LOCAL

    from edocx.hub.letter_facts import read_facts

    nation.send(1)
    nation.carry()
    answer = Blob.from_bytes(status("02", sender=FAR, to=COMMUNE, number="1", reason="Không thuộc thẩm quyền"))
    facts = read_facts(answer, max_bytes=1 << 20, workdir=service.store.spool)
    nation._admit(service, "H37", facts, answer, ())
    nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        query = select(messages.c.message_type, copies.c.recipient).join(copies).where(copies.c.via.is_(None))
        assert tuple(connection.execute(query).one()) == ("status", LOCAL["H58"])
