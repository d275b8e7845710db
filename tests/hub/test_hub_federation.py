"""Hubs of several levels: custody, traces, loops, and what comes back (four levels over real sockets)."""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hub_nation import COMMUNE, FAR, GOVERNMENT, Nation
from hub_scene import NOW, OfficialClient, document, enrol, status
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from edocx.content import Blob
from edocx.envelope import open_envelope
from edocx.hub import NewAgency, agencies, app
from edocx.hub.carrier import ASK_AGAIN, LONGEST_PAUSE, Carrier
from edocx.hub.schema import agencies as register
from edocx.hub.schema import neighbours
from edocx.hub.trace_header import with_trace
from edocx.testing.faults import Crash


def letter(**more):
    return document(sender=COMMUNE, **({"to": (FAR, GOVERNMENT)} | more))


def fetched(client, row):
    return client.call("downloadEdoc", None, method="GET", docId=row["docId"]).body


def test_a_letter_climbs_to_the_nation_and_down_to_another_province_and_the_answer_comes_back(nation):
    nation.sender.send(letter())
    nation.carry()
    (row,) = nation.receiver.waiting()
    (upper,) = nation.client("G22", GOVERNMENT).waiting()
    assert row["from"] == upper["from"] == COMMUNE
    with open_envelope(fetched(nation.receiver, row)) as reading:
        assert [one.unit for one in reading.envelope.trace] == [COMMUNE, "H58", "G22", "H37"]
    reason = "Không thuộc thẩm quyền giải quyết"
    nation.receiver.call("updateStatus", b"{}", docId=row["docId"], status="done")
    nation.receiver.send(status("02", sender=FAR, to=COMMUNE, reason=reason), kind="status")
    nation.carry()
    (answer,) = nation.sender.waiting("status")
    with open_envelope(fetched(nation.sender, answer)) as reading:
        assert (reading.envelope.status_code, reading.envelope.description) == ("02", reason)


@pytest.mark.parametrize("ahead", [timedelta(days=40), timedelta(days=4_000)])
def test_a_clock_that_stood_ahead_and_was_put_right_keeps_no_custody(nation, clock, ahead):
    """Whatever was put off, asked or greeted meanwhile would else wait for as long as that clock was wrong."""
    right = clock.now()
    nation.stop("G22")
    nation.sender.send(letter())
    clock.advance(seconds=ahead.total_seconds())
    nation.hubs["H58"].carrier.step()  # the next hub is away: put off, by a clock that is wrong
    clock.set(right)
    nation.start("G22")
    nation.carry()
    assert len(nation.receiver.waiting()) == 1
    clock.advance(seconds=ahead.total_seconds())
    nation.carry()  # asked after, and due again in an impossible future
    clock.set(right)
    for client in (nation.receiver, nation.client("G22", GOVERNMENT)):
        (row,) = client.waiting()
        client.call("updateStatus", b"{}", docId=row["docId"], status="done")
    nation.carry()
    clock.advance(seconds=2 * ASK_AGAIN.total_seconds())
    nation.carry()
    assert {state for state, _ in nation.sent().values()} == {"done"}
    with nation.hubs["H58"].service.store.read() as connection:
        (asked_at,) = connection.execute(select(neighbours.c.asked_at)).scalars()
    assert asked_at < right + timedelta(hours=1)


def test_a_rate_counted_by_a_clock_that_stood_ahead_shuts_nobody_out(nation, clock):
    hub = nation.hubs["H58"]
    enrol(hub, NewAgency(COMMUNE, COMMUNE, per_minute=2), secrets={})
    clock.advance(days=40)
    told = [nation.sender.call("getAgenciesList").status for _ in range(3)]
    assert told == [200, 200, 429]
    clock.set(NOW)
    assert nation.sender.call("getAgenciesList").status == 200
    hub.service.gate.rate._parts.clear()  # another node, that knows the database alone
    assert nation.sender.call("getAgenciesList").status == 200


def test_every_byte_but_the_trace_comes_as_it_was_sent(nation):
    nation.sender.send(letter())
    nation.carry()
    (row,) = nation.receiver.waiting()
    entry = rb"<edXML:TraceHeader><edXML:OrganId>(H58|G22|H37)</edXML:OrganId><edXML:Timestamp>[^<]*</edXML:Timestamp></edXML:TraceHeader>"
    assert re.sub(entry, b"", fetched(nation.receiver, row)) == letter()


def test_the_seal_is_still_valid_after_every_hop(nation, tmp_path):
    from edocx.envelope import compose, read
    from edocx.sealing import seal, verify_envelope
    from edocx.signing.judgement import Criteria
    from edocx.signing.keys import open_signer
    from edocx.signing.report import Integrity
    from edocx.signing.trust import TrustStore
    from edocx.testing.pki import Pki

    key = tmp_path / "agency.p12"
    pki = Pki.create(key="p256")
    pki.issue_organisation("XÃ BÌNH ĐỨC", "TIỀN GIANG").save(key)
    plain = tmp_path / "plain.edxml"
    plain.write_bytes(letter())
    skeleton = compose(read(plain))
    seal(skeleton, open_signer(f"file:{key}"), at=NOW)
    skeleton.save(tmp_path / "sealed.edxml")
    assert nation.sender.send((tmp_path / "sealed.edxml").read_bytes()).json()["status"] == "OK"
    nation.carry()
    (row,) = nation.receiver.waiting()
    arrived = tmp_path / "arrived.edxml"
    arrived.write_bytes(fetched(nation.receiver, row))
    report = verify_envelope(arrived, Criteria(TrustStore(), NOW, None))
    assert [one.integrity for one in report.signatures] == [Integrity.VALID]
    assert "EDX-UNSEALED" not in {message.code for message in report.messages}


def test_the_sender_learns_that_the_far_copy_was_fetched(nation):
    nation.sender.send(letter(to=(FAR,)))
    nation.carry()
    assert nation.sent()[FAR][0] == "processing"
    (row,) = nation.receiver.waiting()
    nation.receiver.call("updateStatus", b"{}", docId=row["docId"], status="done")
    for _ in range(2):
        nation.clock.advance(ASK_AGAIN)
        nation.carry()
    assert nation.sent()[FAR][0] == "done"


def test_custody_stays_while_the_next_hub_is_away(nation):
    nation.stop("G22")
    doc_id = nation.sender.send(letter()).json()["DocId"]
    for _ in range(3):
        nation.carry()
        nation.clock.advance(LONGEST_PAUSE)
    assert set(nation.sent()) == {FAR, GOVERNMENT}
    assert {state for state, _ in nation.sent().values()} == {"initial"}
    nation.start("G22")
    nation.carry()
    assert len(nation.receiver.waiting()) == len(nation.client("G22", GOVERNMENT).waiting()) == 1
    assert nation.sender.send(letter()).json()["DocId"] == doc_id


def wrong_secret(hub, clock, secret="sai"):
    with hub.service.store.begin("outgoing") as connection:
        above = agencies.find(connection, "hub.G22")
        told = {"now": clock.now(), "by": "test"}
        agencies.put_outgoing_secret(connection, above, hub.service.vault, secret, **told)


def closed_there(nation, state):
    with nation.hubs["G22"].service.store.begin("close") as connection:
        connection.execute(update(register).where(register.c.code == "hub.H58").values(state=state))


def unknown_there(nation, hub):
    with nation.hubs["G22"].service.store.begin("unserve") as connection:
        connection.execute(update(register).where(register.c.code == COMMUNE).values(served_by=hub))


def other_path(nation, path):
    (peer,) = nation.hubs["H58"].service.config.peers
    line = nation.hubs["H58"].carrier._opened(peer.model_copy(update={"endpoint": peer.endpoint + path}))
    nation.hubs["H58"].carrier._lines["hub.G22"] = line


@pytest.mark.parametrize("fault", ["secret", "closed", "unknown", "path"])
def test_custody_stays_while_the_line_itself_is_refused(nation, fault):
    """A wrong secret or address says nothing of the message: it arrives once an operator has mended the line."""
    hub = nation.hubs["H58"]
    break_, mend = {
        "secret": (lambda: wrong_secret(hub, nation.clock), lambda: wrong_secret(hub, nation.clock, "hub.H58>G22")),
        "closed": (lambda: closed_there(nation, "closed"), lambda: closed_there(nation, "open")),
        "unknown": (lambda: unknown_there(nation, "hub.H37"), lambda: unknown_there(nation, "hub.H58")),
        "path": (lambda: other_path(nation, "/sai"), lambda: None),
    }[fault]
    break_()
    nation.sender.send(letter(to=(FAR,)))
    nation.carry()
    assert nation.sent()[FAR][0] == "initial"
    with hub.service.store.read() as connection:
        assert connection.execute(select(neighbours.c.error).where(neighbours.c.code == "hub.G22")).scalar_one()
    assert "edocx_hub_lines_refused_total 1" in hub.service.metrics.text({})
    mend()
    nation.clock.advance(LONGEST_PAUSE)
    nation.carry()
    assert len(nation.receiver.waiting()) == 1


def test_a_carrier_killed_before_it_wrote_down_the_answer_hands_nothing_on_twice(nation, monkeypatch):
    nation.sender.send(letter(to=(FAR,)))

    def killed(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Carrier, "_settle", killed)
        with pytest.raises(Crash):
            nation.hubs["H58"].carrier.step()
    nation.clock.advance(timedelta(minutes=1))
    nation.carry()
    assert len(nation.receiver.waiting()) == 1
    assert nation.sent()[FAR][0] == "processing"


def test_a_unit_that_nobody_knows_fails_with_its_name_and_the_others_arrive(nation):
    nation.sender.send(letter(to=(FAR, "H99.07")))
    nation.carry()
    state, reason = nation.sent()["H99.07"]
    assert state == "fail"
    assert "H99.07" in reason
    assert len(nation.receiver.waiting()) == 1


def test_what_would_go_back_to_where_it_came_from_is_stopped_and_said(nation):
    # The national register sends it down to a hub that knows it no better and would send it up again.
    enrol(nation.hubs["G22"], NewAgency("H37.99", "x", served_by="hub.H37"), secrets={})
    nation.sender.send(letter(to=("H37.99",)))
    for _ in range(3):
        nation.carry()
        nation.clock.advance(ASK_AGAIN)
    state, reason = nation.sent()["H37.99"]
    assert state == "fail"
    assert "quay lại" in reason


def test_a_message_that_was_here_already_is_refused(nation):
    caller = OfficialClient(("127.0.0.1", nation.ports["H37"]), "hub.G22", "hub.G22>H37")
    told = {"edx-relays": "hub.H58;hub.H37;hub.G22", "from": COMMUNE}
    reply = _sent_by_hub(caller, letter(to=(FAR,)), told)
    assert reply.json()["EdxCode"] == "EDX-HUB-LOOP"
    assert _sent_by_hub(caller, letter(to=(FAR,)), told | {"edx-relays": "hub.H58;hub.G22"}).json()["status"] == "OK"


def _sent_by_hub(caller, edxml, told):
    from hub_scene import unpadded_hash

    more = {"messagetype": "edoc", "hash-file": unpadded_hash(edxml)}
    return caller.call("sendEdoc", edxml + b"\r\n", content_type="application/octet-stream", **told, **more)


@pytest.mark.parametrize("origin", [COMMUNE, GOVERNMENT])
def test_a_hub_speaks_only_for_the_units_behind_it(nation, origin):
    liar = OfficialClient(("127.0.0.1", nation.ports["G22"]), "hub.H37", "hub.H37>G22")
    reply = _sent_by_hub(liar, document(sender=origin, to=(FAR,)), {"from": origin})
    assert reply.json()["EdxCode"] == "EDX-HUB-SENDER"


def test_a_hub_above_cannot_speak_for_a_unit_that_calls_here_itself(nation):
    above = OfficialClient(("127.0.0.1", nation.ports["H37"]), "hub.G22", "hub.G22>H37")
    reply = _sent_by_hub(above, document(sender=FAR, to=(FAR,)), {"from": FAR})
    assert reply.json()["EdxCode"] == "EDX-HUB-SENDER"


def test_the_carrier_works_by_itself_while_the_hub_is_served(tmp_path, clock):
    with ExitStack() as stack:
        made = Nation(tmp_path, clock, stack)
        made.stop("H58")
        hub = made.hubs["H58"]
        quick = app(hub.service.config.model_copy(update={"relay_seconds": 0.01}), clock=clock)
        hub.service.close()
        made.hubs["H58"] = quick
        made.start("H58")
        made.sender.send(letter(to=(GOVERNMENT,)))
        national = made.client("G22", GOVERNMENT)
        for _ in range(1000):
            if national.waiting():
                break
        assert len(national.waiting()) == 1
    for each in made.hubs.values():
        each.carrier.stop()
        each.service.close()


@pytest.mark.parametrize(
    "edxml", [status("01"), b"<x/>", b"khong", letter().decode().replace("TraceHeaderList", "Vet").encode()]
)
def test_what_has_no_trace_list_is_passed_on_as_it_is(tmp_path, edxml):
    assert with_trace(Blob.from_bytes(edxml), "H58", NOW, workdir=tmp_path).read() == edxml


def test_a_list_elsewhere_or_in_a_comment_is_not_the_trace(tmp_path):
    edxml = letter()
    decoy = edxml.replace(
        b"<edXML:edXMLHeader>",
        b"<!-- </edXML:TraceHeaderList> --><edXML:edXMLHeader><x><TraceHeaderList></TraceHeaderList></x>",
    )
    changed = with_trace(Blob.from_bytes(decoy), "H58", NOW, workdir=tmp_path).read()
    with open_envelope(changed) as reading:
        assert [one.unit for one in reading.envelope.trace] == [COMMUNE, "H58"]


@given(content=st.binary(min_size=1, max_size=5000), unit=st.from_regex(r"[A-Z][0-9]{2}(&<)?", fullmatch=True))
def test_removing_the_entry_gives_the_same_bytes_again(tmp_path_factory, content, unit):
    folder = tmp_path_factory.getbasetemp()
    edxml = letter(content=content)
    changed = with_trace(Blob.from_bytes(edxml), unit, NOW, workdir=folder).read()
    added = len(changed) - len(edxml)
    at = next(i for i in range(len(edxml)) if edxml[i] != changed[i])
    starts = [i for i in range(max(0, at - added), at + 1) if changed[:i] + changed[i + added :] == edxml]
    assert starts
    with open_envelope(changed) as reading:
        assert reading.envelope.trace[-1].unit == unit
