"""Custody follows the register over NATS as well: what was never published moves, what was stays until it is answered."""

from __future__ import annotations

import pytest
from hub_broker_scene import FAR, GOVERNMENT, LOCAL, BrokerNation, require_nats
from hub_scene import enrol
from sqlalchemy import delete, select

from edocx.hub import NewAgency, admission, agencies
from edocx.hub.broker_outbox import LONGEST_PAUSE
from edocx.hub.schema import audit, copies, secrets
from edocx.testing.nats_servers import NatsServers

require_nats()


@pytest.fixture
def nation(tmp_path, clock):
    with NatsServers(tmp_path / "nats") as server:
        made = BrokerNation(tmp_path, clock, dict.fromkeys(LOCAL, server.urls))
        made.carry()  # every hub makes its stream
        yield made
        made.close()


def reached(hub, code, *, served_by=None):
    forget = () if served_by else ("served_by",)
    with hub.service.store.begin("reach") as connection:
        new = NewAgency(code, code, served_by=served_by)
        agencies.register(connection, new, now=hub.service.store.now(), by="test", forget=forget)


def custody(hub):
    with hub.service.store.read() as connection:
        query = select(copies.c.recipient, copies.c.via, copies.c.state, copies.c.unsure)
        return [tuple(row) for row in connection.execute(query)]


def reroutings(hub):
    with hub.service.store.read() as connection:
        return list(connection.execute(select(audit.c.subject).where(audit.c.act == "reroute")).scalars())


def settle(nation):
    for _ in range(3):
        nation.clock.advance(LONGEST_PAUSE)
        nation.carry()


@pytest.mark.parametrize("tried", [False, True], ids=["not tried", "tried without a secret"])
def test_what_was_never_published_is_fetched_here_once_its_unit_moved_here(nation, tried):
    hub, broker = nation.hubs["G22"], nation.brokers["G22"]
    with hub.service.store.begin("forget") as connection:
        next_hub = agencies.require(connection, "hub.H37").id
        connection.execute(delete(secrets).where(secrets.c.agency == next_hub, secrets.c.kind == agencies.OUTGOING))
    broker.outbox.forget_pens()
    nation.send("1", unit="G22")
    if tried:
        broker.step()
    assert custody(hub) == [(FAR, "hub.H37", "initial", 0)]
    reached(hub, FAR)
    settle(nation)
    assert nation.arrived("G22", FAR).total() == 1
    assert nation.arrived("H37", FAR).total() == 0
    assert reroutings(hub) == [f"{FAR}: 1, hub.H37 > here"]


def test_what_was_published_stays_until_the_next_hub_has_spoken(nation):
    """It may lie over there, and a second way would give it to the unit twice."""
    hub = nation.hubs["G22"]
    nation.send("1", unit="G22")
    nation.brokers["G22"].step()  # into the stream, and nobody took it yet
    assert custody(hub) == [(FAR, "hub.H37", "initial", 1)]
    reached(hub, FAR)
    assert custody(hub) == [(FAR, "hub.H37", "initial", 1)]
    settle(nation)
    assert [row[2] for row in custody(hub)] == ["processing"]
    assert (nation.arrived("H37", FAR).total(), nation.arrived("G22", FAR).total()) == (1, 0)


def test_what_the_next_hub_does_not_take_for_its_unit_goes_the_way_of_the_register(nation, monkeypatch):
    hub = nation.hubs["G22"]
    enrol(hub, NewAgency("H37.07", "x", served_by="hub.H37"), secrets={})
    nation.send("1", unit="G22", to=("H37.07", FAR, GOVERNMENT))
    nation.brokers["G22"].step()
    enrol(nation.hubs["H58"], NewAgency("H37.07", "x"), secrets={})
    reached(hub, "H37.07", served_by="hub.H58")
    assert ("H37.07", "hub.H37", "initial", 1) in custody(hub)
    # H37 itself knows no such unit, and must not send it up again.
    door = nation.hubs["H37"].service.door
    monkeypatch.setattr(type(door), "_beyond", lambda self, code, day: False)
    settle(nation)
    assert reroutings(hub) == ["H37.07: 1, hub.H37 > hub.H58"]
    assert nation.arrived("H58", "H37.07").total() == 1
    assert nation.arrived("H37", "H37.07").total() == 0
    assert nation.arrived("H37", FAR).total() == nation.arrived("G22", GOVERNMENT).total() == 1


def test_what_the_next_hub_would_send_back_up_goes_the_way_of_the_register(nation):
    """A hub below, which has a hub above, says of a unit it does not know that the letter would come back."""
    hub = published_for_a_unit_unknown_there(nation, to=("H37.07", FAR, GOVERNMENT))
    enrol(nation.hubs["H58"], NewAgency("H37.07", "x"), secrets={})
    reached(hub, "H37.07", served_by="hub.H58")
    settle(nation)
    assert reroutings(hub) == ["H37.07: 1, hub.H37 > hub.H58"]
    assert (nation.arrived("H58", "H37.07").total(), nation.arrived("H37", "H37.07").total()) == (1, 0)
    assert nation.arrived("H37", FAR).total() == nation.arrived("G22", GOVERNMENT).total() == 1


def published_for_a_unit_unknown_there(nation, *, to=("H37.07",)):
    hub = nation.hubs["G22"]
    enrol(hub, NewAgency("H37.07", "x", served_by="hub.H37"), secrets={})
    nation.send("1", unit="G22", to=to)
    nation.brokers["G22"].step()
    return hub


def test_what_was_for_a_unit_closed_over_there_goes_the_way_of_the_register(nation):
    hub = nation.hubs["G22"]
    nation.send("1", unit="G22")
    nation.brokers["G22"].step()
    store = nation.hubs["H37"].service.store
    with store.begin("close") as connection:
        agencies.close(connection, FAR, now=store.now(), by="test")
    reached(hub, FAR)
    settle(nation)
    assert reroutings(hub) == [f"{FAR}: 1, hub.H37 > here"]
    assert (nation.arrived("H37", FAR).total(), nation.arrived("G22", FAR).total()) == (0, 1)


def test_of_two_publications_one_refused_the_other_is_never_taken(nation, monkeypatch):
    """Between them the unit is entered over there: the letter is on its other way by then."""
    monkeypatch.setattr("edocx.hub.broker.PULLED", 1)
    hub = published_for_a_unit_unknown_there(nation)
    nation.clock.advance(LONGEST_PAUSE)
    nation.brokers["G22"].step()
    assert (nation.lying(), custody(hub)) == (2, [("H37.07", "hub.H37", "initial", 2)])
    reached(hub, "H37.07")
    nation.carry_until(lambda: refused_at(nation) == 1, units=["H37"])
    enrol(nation.hubs["H37"], NewAgency("H37.07", "x"), secrets={})
    nation.carry()
    assert refused_at(nation) == 2
    settle(nation)
    assert (nation.arrived("H37", "H37.07").total(), nation.arrived("G22", "H37.07").total()) == (0, 1)
    assert reroutings(hub) == ["H37.07: 1, hub.H37 > here"]


def refused_at(nation):
    lines = nation.hubs["H37"].service.metrics.text({}).splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("edocx_hub_broker_refused"))


def test_what_comes_back_by_the_register_after_a_refusal_is_taken_once(nation):
    """What the hub refused for good was the attempt before, and the servers take the new one for no repeat."""
    hub = published_for_a_unit_unknown_there(nation)
    reached(hub, "H37.07", served_by="hub.H58")
    with hub.service.store.begin("aside") as connection:
        secret = secrets.c.agency == agencies.require(connection, "hub.H58").id
        kept = connection.execute(secrets.select().where(secret, secrets.c.kind == agencies.OUTGOING)).one()._asdict()
        connection.execute(delete(secrets).where(secret, secrets.c.kind == agencies.OUTGOING))
    nation.brokers["G22"].outbox.forget_pens()  # nothing is published for H58
    nation.carry_until(lambda: reroutings(hub), units=("H37", "G22"))
    with hub.service.store.begin("aside") as connection:
        connection.execute(secrets.insert(), kept)
    enrol(nation.hubs["H37"], NewAgency("H37.07", "x"), secrets={})
    reached(hub, "H37.07", served_by="hub.H37")
    settle(nation)
    assert len(reroutings(hub)) == 2
    assert nation.arrived("H37", "H37.07").total() == 1


def test_the_word_of_a_hub_that_promises_nothing_moves_no_letter(nation, monkeypatch):
    """A hub of an earlier version may be given the same frame again: the letter fails, and its sender is told why."""
    hub = published_for_a_unit_unknown_there(nation)
    reached(hub, "H37.07")
    door = nation.hubs["H37"].service.door
    monkeypatch.setattr(type(door), "_beyond", lambda self, code, day: False)
    monkeypatch.setattr(admission, "_for_good", lambda *_: None)
    settle(nation)
    assert [row[:3] for row in custody(hub)] == [("H37.07", "hub.H37", "fail")]
    assert reroutings(hub) == []
