"""Four levels: commune office, provincial hub, national hub, the other province's hub, commune office there; and back.

The same story over every way the offices have: add a world to `WORLDS` and it is told over that too.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hub_broker_scene import BrokerNation, require_nats
from hub_nation import COMMUNE, FAR, SECRETS, Nation

from edocx.hub import read_chain
from edocx.hub.carrier import ASK_AGAIN
from edocx.office import Office, OfficeConfig
from edocx.routing.transport import Transport
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.nats import NatsTransport
from edocx.routing.transport.nats_line import NatsSettings
from edocx.signing.report import Indication, Integrity
from edocx.testing import scene
from edocx.testing.nats_servers import NatsServers
from edocx.testing.network import Network
from edocx.testing.scene import Station
from edocx.units import Level

NODES = [COMMUNE, "H58", "G22", "H37"]
"""Who a letter passes before it is there."""

STATIONS = (
    Station("G22", "Văn phòng Chính phủ", Level.CENTRAL, "văn phòng", None, "van-thu-tw"),
    Station("H58", "Ủy ban nhân dân tỉnh Tiền Giang", Level.PROVINCE, "tỉnh", "G22", "van-thu-tinh"),
    Station("H37", "Ủy ban nhân dân tỉnh Lạng Sơn", Level.PROVINCE, "tỉnh", "G22", "van-thu-tinh-khac"),
    Station(COMMUNE, "Ủy ban nhân dân xã Bình Đức", Level.COMMUNE, "xã", "H58", "van-thu-xa"),
    Station(FAR, "Ủy ban nhân dân xã Mẫu Sơn", Level.COMMUNE, "xã", "H37", "van-thu-xa-khac"),
)


class LocalWorld:
    """One machine, one shared axis that knows the levels."""

    def __init__(self, network: Network, stack: ExitStack) -> None:
        self.network = network

    def line(self, unit: str) -> Transport:
        return self.network.axis

    def carry(self) -> int:
        return 0

    def passed(self, envelope, letter) -> list[str]:
        hops = self.network.axis.trace(COMMUNE, self.message_id(letter))
        return [hop.node for hop in hops if hop.recipient == FAR][:-1]

    def message_id(self, letter) -> str:
        with self.network.office(COMMUNE).store.read() as transaction:
            rows = transaction.connection.exec_driver_sql("SELECT message_id FROM parcels WHERE kind = 'document'")
            return rows.scalar_one()


class AxisWorld:
    """Three hubs, each on a socket of its own, and a line from each office to the hub of its province."""

    def __init__(self, network: Network, stack: ExitStack) -> None:
        self.network = network
        self.nation = Nation(network.folder / "hubs", network.clock, stack)
        self._stack = stack
        for hub in self.nation.hubs.values():
            stack.callback(hub.service.close)
            stack.callback(hub.carrier.stop)

    def line(self, unit: str) -> Transport:
        endpoint = f"http://127.0.0.1:{self.nation.ports[unit[:3]]}"
        told = {"clock": self.network.clock, "attempts": self.network.folder / f"attempts-{unit}"}
        return self._stack.enter_context(AxisTransport(endpoint, system=unit, secret=SECRETS[unit], **told))

    def carry(self) -> int:
        return sum(hub.carrier.step() for hub in self.nation.hubs.values())

    def passed(self, envelope, letter) -> list[str]:
        return [one.unit for one in envelope.trace]


class NatsWorld:
    """Three hubs that reach each other by NATS, and a line by NATS from each office to the hub of its province."""

    def __init__(self, network: Network, stack: ExitStack) -> None:
        require_nats()
        servers = stack.enter_context(NatsServers(network.folder / "nats"))
        self.nation = BrokerNation(
            network.folder / "hubs", network.clock, dict.fromkeys(("H58", "G22", "H37"), servers.urls)
        )
        stack.callback(self.nation.close)
        self.nation.carry()
        for broker in self.nation.brokers.values():
            broker.answer_calls()
        self.network, self._stack, self._settings = network, stack, NatsSettings(servers.urls)

    def line(self, unit: str) -> Transport:
        told = {"clock": self.network.clock, "attempts": self.network.folder / f"attempts-{unit}"}
        made = NatsTransport(self._settings, hub=unit[:3], system=unit, secret=SECRETS[unit], **told)
        return self._stack.enter_context(made)

    def carry(self) -> int:
        return sum(broker.step() for broker in self.nation.brokers.values()) + self.nation.lying()

    def passed(self, envelope, letter) -> list[str]:
        return [one.unit for one in envelope.trace]


WORLDS = {"local": LocalWorld, "axis": AxisWorld, "nats": NatsWorld}


class Story:
    """Two offices at the two ends of a world."""

    def __init__(self, network: Network, world, stack: ExitStack) -> None:
        self.network, self.world = network, world
        self.offices = {}
        for unit in (COMMUNE, FAR):
            config = OfficeConfig.from_path(network.folder / "offices" / unit / "office.toml")
            told = {"clock": network.clock, "directory": network.directory}
            # Offices before their lines: what is entered last is closed first.
            line = world.line(unit)
            self.offices[unit] = stack.enter_context(Office.open(config, transport=line, **told))

    def settle(self) -> None:
        quiet = 0
        while quiet < 2:
            moved = sum(office.work().moved for office in self.offices.values()) + self.world.carry()
            quiet = 0 if moved else quiet + 1
            self.network.clock.advance(ASK_AGAIN)

    def said(self, letter) -> dict[str, str | None]:
        events = self.offices[COMMUNE].trace(str(letter.id)).events
        return {event.what: event.remark for event in events if event.recipient == FAR}


@pytest.fixture(params=sorted(WORLDS))
def story(tmp_path, request, monkeypatch):
    monkeypatch.setattr(scene, "STATIONS", STATIONS)
    with ExitStack() as stack:
        network = stack.enter_context(Network.four_levels(tmp_path / "net"))
        yield Story(network, WORLDS[request.param](network, stack), stack)


def test_a_letter_passes_four_levels_and_its_rejection_comes_back_with_its_reason(story):
    letter = story.network.sample()
    story.offices[COMMUNE].send(letter, to=[FAR])
    story.settle()
    (arrived,) = story.offices[FAR].inbox()
    assert story.world.passed(arrived.envelope, letter) == NODES
    assert arrived.report.indication is Indication.TOTAL_PASSED
    assert [one.integrity for one in arrived.report.signatures] == [Integrity.VALID]
    reason = "Không thuộc thẩm quyền giải quyết của xã; đề nghị gửi huyện."
    arrived.reject(reason, by="van-thu-xa-khac")
    story.settle()
    assert story.said(letter)["02"] == reason


def test_every_status_of_the_handling_comes_back_over_the_same_levels(story):
    letter = story.network.sample()
    story.offices[COMMUNE].send(letter, to=[FAR])
    story.settle()
    (arrived,) = story.offices[FAR].inbox()
    arrived.accept(by="van-thu-xa-khac")
    arrived.assign(by="van-thu-xa-khac")
    arrived.process(by="van-thu-xa-khac")
    arrived.complete(by="van-thu-xa-khac", note="Đã trả lời")
    story.settle()
    assert {"01", "03", "04", "05", "06"} <= set(story.said(letter))


def test_the_relay_statements_of_all_three_hubs_come_back_to_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(scene, "STATIONS", STATIONS)
    with ExitStack() as stack:
        network = stack.enter_context(Network.four_levels(tmp_path / "net"))
        world = AxisWorld(network, stack)
        told = Story(network, world, stack)
        told.offices[COMMUNE].send(network.sample(), to=[FAR])
        told.settle()
        sender = world.nation.sender
        rows = sender.call("getSentEdocList", servicetype="eDoc", messagetype="edoc").json()["data"]
        (row,) = sender.call("getSentEdocList", messagetype="edoc", docId=rows[0]["senderDocId"]).json()["data"]
        keys = {f"hub.{unit}": hub.service.relay_book.public_key for unit, hub in world.nation.hubs.items()}
        chain = read_chain(row["edxStatements"], keys)
        assert [(one.hub, one.standing.value, one.remarks) for one in chain] == [
            (f"hub.{unit}", "attested", ()) for unit in ("H58", "G22", "H37")
        ]
