"""Custody follows the register: a copy that nobody took goes its new way once, and one that may be taken stays."""

from __future__ import annotations

import pytest
from hub_nation import COMMUNE, FAR, GOVERNMENT
from hub_scene import A, B, OfficialClient, document, enrol, open_hub, serving
from sqlalchemy import select

from edocx.errors import UnitError
from edocx.hub import HubConfig, NewAgency, Peer, admission, agencies, app, carrier, promises
from edocx.hub.carrier import ASK_AGAIN, LONGEST_PAUSE, Carrier
from edocx.hub.doctor import examine
from edocx.hub.schema import audit, copies
from edocx.hub.upkeep import Upkeep
from edocx.hub.way import way_of
from edocx.routing.parcel import is_plain_id
from edocx.testing.faults import Crash, Faults


def reached(hub, code, *, served_by=None):
    """Let an agency be reached another way, with a secret where it calls here from now on."""
    forget = () if served_by else ("served_by",)
    store = hub.service.store
    with store.begin("reach") as connection:
        agency = agencies.register(
            connection, NewAgency(code, code, served_by=served_by), now=store.now(), by="test", forget=forget
        )
        if served_by is None:
            told = {"now": store.now(), "by": "test", "secret": f"s-{code}"}
            agencies.new_hmac_secret(connection, agency, hub.service.vault, **told)


def custody(hub):
    with hub.service.store.read() as connection:
        query = select(copies.c.recipient, copies.c.via, copies.c.state, copies.c.unsure)
        return [tuple(row) for row in connection.execute(query)]


def reroutings(hub):
    with hub.service.store.read() as connection:
        query = select(audit.c.who, audit.c.subject).where(audit.c.act == "reroute").order_by(audit.c.id)
        return [tuple(row) for row in connection.execute(query)]


def from_government(nation, **more):
    return nation.client("G22", GOVERNMENT).send(document(sender=GOVERNMENT, to=(FAR,), **more)).json()


@pytest.mark.parametrize("tried", [False, True], ids=["not tried", "tried in vain"])
def test_what_waits_for_a_hub_that_is_away_is_fetched_here_once_its_unit_moved_here(nation, tried):
    nation.stop("H37")
    doc_id = from_government(nation)["DocId"]
    hub = nation.hubs["G22"]
    if tried:
        nation.carry()
    assert custody(hub) == [(FAR, "hub.H37", "initial", 0)]
    reached(hub, FAR)
    mine = nation.client("G22", FAR)
    assert [row["docId"] for row in mine.waiting()] == [doc_id]
    assert from_government(nation)["DocId"] == doc_id
    assert len(mine.waiting()) == 1
    assert reroutings(hub) == [("test", f"{FAR}: 1, hub.H37 > here")]
    (way,) = way_of(hub.service, doc_id)
    assert [(move.old, move.new) for move in way.moves] == [("hub.H37", None)]
    nation.start("H37")
    nation.clock.advance(LONGEST_PAUSE)
    nation.carry()
    assert nation.receiver.waiting() == []


def answer_lost(nation, monkeypatch):
    """Let a letter reach the next hub, whose answer is lost; return the hub that sent it."""
    from_government(nation)
    hub = nation.hubs["G22"]
    with monkeypatch.context() as patch:
        patch.setattr(Carrier, "_settle", crash)
        with pytest.raises(Crash):
            hub.carrier.step()
    return hub


def test_what_the_next_hub_may_have_taken_stays_until_that_hub_has_spoken(nation, monkeypatch):
    """It lies over there, and a second way would give it to the unit twice."""
    hub = answer_lost(nation, monkeypatch)
    reached(hub, FAR)
    assert custody(hub) == [(FAR, "hub.H37", "initial", 1)]
    assert reroutings(hub) == []
    nation.clock.advance(LONGEST_PAUSE)
    nation.carry()
    assert [row[2] for row in custody(hub)] == ["processing"]
    assert (len(nation.receiver.waiting()), len(nation.client("G22", FAR).waiting())) == (1, 0)


def test_a_repeat_to_a_hub_that_closed_the_unit_meanwhile_is_answered_as_taken(nation, monkeypatch):
    hub = answer_lost(nation, monkeypatch)
    far = nation.hubs["H37"].service.store
    with far.begin("close") as connection:
        agencies.close(connection, FAR, now=far.now(), by="test")
    reached(hub, FAR)
    nation.clock.advance(LONGEST_PAUSE)
    nation.carry()
    assert [row[2] for row in custody(hub)] == ["processing"]


def test_what_the_next_hub_does_not_take_for_its_unit_goes_the_way_of_the_register(nation, monkeypatch):
    """It was offered, outcome unknown; the hub says that it knows no such unit; then it goes where the unit is now."""
    hub = nation.hubs["G22"]
    enrol(hub, NewAgency("H37.07", "x", served_by="hub.H37"), secrets={})
    nation.client("G22", GOVERNMENT).send(document(sender=GOVERNMENT, to=("H37.07",)))
    with monkeypatch.context() as patch:
        patch.setattr("edocx.hub.carrier._submit", crash)
        with pytest.raises(Crash):
            hub.carrier.step()
    enrol(nation.hubs["H58"], NewAgency("H37.07", "x"), secrets={"H37.07": "s-moi"})
    reached(hub, "H37.07", served_by="hub.H58")
    assert custody(hub) == [("H37.07", "hub.H37", "initial", 1)]
    patch_unknown(nation, monkeypatch)
    for _ in range(3):
        nation.clock.advance(LONGEST_PAUSE)
        nation.carry()
    assert reroutings(hub) == [("edocx", "H37.07: 1, hub.H37 > hub.H58")]
    line = OfficialClient(("127.0.0.1", nation.ports["H58"]), "H37.07", "s-moi")
    assert len(line.waiting()) == 1


def patch_unknown(nation, monkeypatch):
    """Let the hub of H37 refuse the unit instead of sending it up again."""
    door = nation.hubs["H37"].service.door
    monkeypatch.setattr(type(door), "_beyond", lambda self, code, day: False)


SPARE, SECRET = "H37.07", "s-moi"
"""A unit that the register puts behind H37, which does not know it; and its secret where it calls from now on."""


def tried_in_vain(nation, monkeypatch, *, to=(SPARE,)):
    """Let an attempt for a unit that H37 does not know leave, outcome unknown; return the hub and the attempts."""
    hub, left = nation.hubs["G22"], []
    enrol(hub, NewAgency(SPARE, "x", served_by="hub.H37"), secrets={})
    nation.client("G22", GOVERNMENT).send(document(sender=GOVERNMENT, to=to))
    with monkeypatch.context() as patch:
        patch.setattr("edocx.hub.carrier._submit", lambda *attempt: left.append(attempt) or crash())
        with pytest.raises(Crash):
            hub.carrier.step()
    return hub, left


def arrives_late(line, rows, payload, _pieces, statement):
    return carrier._submit(line, rows, payload, payload.pieces(), statement)


def later(nation):
    for _ in range(3):
        nation.clock.advance(LONGEST_PAUSE)
        nation.carry()


def waiting_at(nation, unit, code=SPARE, secret=SECRET):
    return len(OfficialClient(("127.0.0.1", nation.ports[unit]), code, secret).waiting())


@pytest.mark.parametrize("to", [(SPARE,), (SPARE, FAR)], ids=["alone", "among others"])
def test_what_the_next_hub_would_send_back_up_goes_the_way_of_the_register(nation, monkeypatch, to):
    """A hub below, which has a hub above, says of a unit it does not know that the letter would come back."""
    hub, _ = tried_in_vain(nation, monkeypatch, to=to)
    enrol(nation.hubs["H58"], NewAgency(SPARE, "x"), secrets={SPARE: SECRET})
    reached(hub, SPARE, served_by="hub.H58")
    assert (SPARE, "hub.H37", "initial", 1) in custody(hub)
    later(nation)
    assert reroutings(hub) == [("edocx", f"{SPARE}: 1, hub.H37 > hub.H58")]
    assert waiting_at(nation, "H58") == 1
    assert len(nation.receiver.waiting()) == to.count(FAR)


def test_what_was_for_a_unit_closed_over_there_goes_the_way_of_the_register(nation, monkeypatch):
    hub, _ = tried_in_vain(nation, monkeypatch, to=(FAR,))
    far = nation.hubs["H37"].service.store
    with far.begin("close") as connection:
        agencies.close(connection, FAR, now=far.now(), by="test")
    reached(hub, FAR)
    later(nation)
    assert reroutings(hub) == [("edocx", f"{FAR}: 1, hub.H37 > here")]
    assert len(nation.client("G22", FAR).waiting()) == 1


def test_a_try_that_comes_after_the_refusal_is_never_taken(nation, monkeypatch):
    """The first attempt was only late; the unit was entered over there meanwhile, and would get the letter twice."""
    hub, left = tried_in_vain(nation, monkeypatch)
    reached(hub, SPARE)
    later(nation)
    enrol(nation.hubs["H37"], NewAgency(SPARE, "x"), secrets={SPARE: SECRET})
    for attempt in left:
        with pytest.raises(UnitError, match="EDX-UNIT-UNKNOWN") as refused:
            arrives_late(*attempt)
        assert promises.is_for_good(refused.value)
    assert (waiting_at(nation, "H37"), waiting_at(nation, "G22", secret=f"s-{SPARE}")) == (0, 1)


def test_a_late_try_of_an_earlier_version_meets_the_promise_too(nation, monkeypatch):
    """It does not tell its number."""
    hub, left = tried_in_vain(nation, monkeypatch)
    reached(hub, SPARE)
    later(nation)
    enrol(nation.hubs["H37"], NewAgency(SPARE, "x"), secrets={SPARE: SECRET})
    monkeypatch.setattr("edocx.hub.carrier.copies_told", lambda rows: "")
    with pytest.raises(UnitError, match="EDX-UNIT-UNKNOWN"):
        arrives_late(*left[0])
    assert waiting_at(nation, "H37") == 0


def test_what_comes_back_by_the_register_after_a_refusal_is_taken_once(nation, monkeypatch):
    """What the hub refused for good was the attempt before."""
    hub, left = tried_in_vain(nation, monkeypatch)
    nation.stop("H58")
    reached(hub, SPARE, served_by="hub.H58")
    later(nation)
    assert [row[:3] for row in custody(hub)] == [(SPARE, "hub.H58", "initial")]
    enrol(nation.hubs["H37"], NewAgency(SPARE, "x"), secrets={SPARE: SECRET})
    with pytest.raises(UnitError, match="EDX-UNIT-UNKNOWN"):
        arrives_late(*left[0])
    reached(hub, SPARE, served_by="hub.H37")
    later(nation)
    arrives_late(*left[0])  # a repeat of what lies there by now
    assert waiting_at(nation, "H37") == 1
    assert [row[2] for row in custody(hub)] == ["processing"]


@pytest.mark.parametrize("unsure, moves", [(1, False), (0, True)], ids=["a try is uncertain", "this try alone"])
def test_the_word_of_a_hub_that_promises_nothing_is_of_one_try_alone(nation, monkeypatch, unsure, moves):
    """A hub of an earlier version: where an earlier try may still be taken, the letter fails and says why."""
    hub, _ = tried_in_vain(nation, monkeypatch)
    with hub.service.store.begin("known") as connection:
        connection.execute(copies.update().values(unsure=unsure))
    reached(hub, SPARE, served_by="hub.H37")
    patch_unknown(nation, monkeypatch)
    monkeypatch.setattr(admission, "_for_good", lambda *_: None)
    with hub.service.store.begin("aside") as connection:  # the register alone: custody waits for the next hub's word
        connection.execute(agencies.agencies.update().where(agencies.agencies.c.code == SPARE).values(served_by=None))
    nation.clock.advance(LONGEST_PAUSE)
    assert hub.carrier._hand_on() == 1
    state = ("initial", None) if moves else ("fail", "hub.H37")
    assert [(state, via) for _, via, state, _ in custody(hub)] == [state]


def test_nothing_is_promised_of_what_was_here(nation, monkeypatch):
    """Its recipient had it in hands and failed it; whether it is to come again is for the sender to say."""
    hub, left = tried_in_vain(nation, monkeypatch, to=(FAR,))
    arrives_late(*left[0])
    far = nation.hubs["H37"].service.store
    with far.begin("failed") as connection:
        connection.execute(copies.update().values(state="fail"))
        agencies.close(connection, FAR, now=far.now(), by="test")
    reached(hub, FAR)
    later(nation)
    assert [row[:3] for row in custody(hub)] == [(FAR, "hub.H37", "fail")]
    assert nation.client("G22", FAR).waiting() == []


def test_no_unit_can_be_named_so_that_a_mere_refusal_reads_as_a_promise():
    assert not is_plain_id(promises.NEVER)


@pytest.mark.parametrize("change", ["not known above", "entered under another spelling"])
def test_a_repeat_of_what_went_up_is_a_repeat_whatever_became_of_its_unit(nation, monkeypatch, change):
    enrol(nation.hubs["G22"], NewAgency("H37.09", "x"))
    first = nation.sender.send(document(sender=COMMUNE, to=("H37.09",))).json()["DocId"]
    nation.hubs["H58"].carrier.step()
    if change == "not known above":
        monkeypatch.setattr(type(nation.hubs["H58"].service.door), "_beyond", lambda self, code, day: False)
    else:
        store = nation.hubs["H58"].service.store
        with store.begin("aside") as connection:
            agency = NewAgency("H37.10", "x", old_code="H37.09")
            agencies.register(connection, agency, now=store.now(), by="test")
    again = nation.sender.send(document(sender=COMMUNE, to=("H37.09",))).json()
    assert (again["status"], again["DocId"]) == ("OK", first)
    assert len(custody(nation.hubs["H58"])) == 1


def test_what_would_go_back_to_the_hub_it_came_from_fails_and_says_so(nation):
    nation.stop("H37")
    nation.sender.send(document(sender=COMMUNE, to=(FAR,)))
    nation.hubs["H58"].carrier.step()
    hub = nation.hubs["G22"]
    reached(hub, FAR, served_by="hub.H58")
    assert [row[:3] for row in custody(hub)] == [(FAR, "hub.H58", "fail")]
    nation.clock.advance(ASK_AGAIN)
    nation.carry()
    state, reason = nation.sent()[FAR]
    assert state == "fail"
    assert "quay lại" in reason


def test_a_unit_entered_here_gets_what_was_on_its_way_above(nation):
    nation.stop("G22")
    nation.sender.send(document(sender=COMMUNE, to=(FAR,)))
    nation.hubs["H58"].carrier.step()
    reached(nation.hubs["H58"], FAR)
    assert len(nation.client("H58", FAR).waiting()) == 1


@pytest.mark.parametrize("step", ["before", "after"])
def test_killed_at_the_commit_of_a_changed_way_it_is_changed_wholly_or_not_at_all(tmp_path, clock, step):
    """SIGKILL between any two writes: register, copy, audit and trace are one commit."""
    faults = Faults()
    faults.call(f"hub.commit.{step}:reach", crash)
    hub = lined_hub(tmp_path, clock, "hub.X")
    doc_id = sent_to(hub, "H99.01")
    hub.service.close()
    hub = lined_hub(tmp_path, clock, "hub.X", faults=faults)
    store = hub.service.store
    with pytest.raises(Crash):
        store.write(
            "reach",
            lambda connection: agencies.register(
                connection, NewAgency("H99.01", "x"), now=store.now(), by="test", forget=("served_by",)
            ),
        )
    hub.service.close()
    hub = lined_hub(tmp_path, clock, "hub.X")
    changed = step == "after"
    with hub.service.store.read() as connection:
        assert (agencies.require(connection, "H99.01").served_by is None) is changed
    assert custody(hub) == [("H99.01", None if changed else "hub.X", "initial", 0)]
    assert len(reroutings(hub)) == len(way_of(hub.service, doc_id)[0].moves) == int(changed)
    hub.service.close()


def crash(*_):
    raise Crash


def lined_hub(folder, clock, *peers, faults=None):
    """A hub with lines to hubs that are away."""
    options = {} if faults is None else {"faults": faults}
    told = tuple(Peer(code=code, endpoint="http://127.0.0.1:9", role="below") for code in peers)
    unit = {"unit": "H58"} if peers else {}
    return app(
        HubConfig(database=folder / "hub.db", peers=told, relay_seconds=0, **unit),
        clock=clock,
        **options,
    )


def sent_to(hub, code, *, via="hub.X"):
    enrol(hub, NewAgency(A, "a"), NewAgency(code, code, served_by=via))
    with serving(hub) as address:
        reply = OfficialClient(address, A, f"bi-mat-{A}").send(document(to=(code,))).json()
    assert reply["status"] == "OK", reply
    return reply["DocId"]


def test_a_hub_without_peers_strands_nothing(tmp_path, clock):
    """Its carrier does not run: what was in custody follows the register at the start, and the doctor names the rest."""
    hub = lined_hub(tmp_path, clock, "hub.X")
    sent_to(hub, "H99.01")
    hub.service.close()
    hub = lined_hub(tmp_path, clock)
    (found,) = [one for one in examine(hub.service) if one.name == "ways" and "copies" in one.text.en]
    assert (found.grade, "hub.X" in found.text.vi, "1 copies" in found.text.en) == ("error", True, True)
    with hub.service.store.begin("aside") as connection:  # as an earlier version changed it: without a word to custody
        connection.execute(agencies.agencies.update().values(served_by=None))
    Upkeep(hub.service, Carrier(hub.service)).begin()
    assert custody(hub) == [("H99.01", None, "initial", 0)]
    assert [one.grade for one in examine(hub.service) if one.name == "ways"] == ["ok"]
    assert [who for who, _ in reroutings(hub)] == ["edocx"]
    hub.service.close()


def test_mail_for_a_unit_behind_a_hub_without_a_line_is_refused_and_nothing_kept(tmp_path, clock):
    hub = open_hub(tmp_path, clock=clock)
    enrol(hub, NewAgency("H99.01", "x", served_by="hub.nowhere"))
    with serving(hub) as address:
        reply = OfficialClient(address, A, f"bi-mat-{A}").send(document(to=(B, "H99.01")))
    told = reply.json()
    assert (reply.status, told["status"], told["EdxCode"], told["DocId"]) == (503, "FAIL", "EDX-HUB-LINE", "")
    assert "hub.nowhere" in told["ErrorDescVi"]
    assert custody(hub) == []
    assert [one.grade for one in examine(hub.service) if one.name == "ways"] == ["error"]
    hub.service.close()


def test_copies_of_an_earlier_version_count_as_tried_where_a_statement_says_so(nation, monkeypatch):
    from_government(nation)
    hub = nation.hubs["G22"]
    with monkeypatch.context() as patch:
        patch.setattr("edocx.hub.carrier._submit", crash)
        with pytest.raises(Crash):
            hub.carrier.step()
    from_government(nation, number="1")
    with hub.service.store.begin("older") as connection:
        connection.execute(copies.update().values(unsure=None))
    reached(hub, FAR)
    assert sorted(via or "" for _, via, _, _ in custody(hub)) == ["", "hub.H37"]
