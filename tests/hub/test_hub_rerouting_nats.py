"""Custody follows the register over NATS as well: what was never published moves, what was stays until it is answered."""

from __future__ import annotations

import pytest
from hub_broker_scene import FAR, GOVERNMENT, LOCAL, BrokerNation, require_nats
from hub_scene import enrol
from sqlalchemy import delete, select

from edocx.hub import NewAgency, agencies
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
