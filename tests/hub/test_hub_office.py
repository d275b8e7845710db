"""Offices of four levels over a real hub: the same verbs as over the local axis, over HTTP."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import pytest
from hub_scene import enrol, serving
from sqlalchemy import select

from edocx.errors import StateError
from edocx.hub import HubConfig, NewAgency, agencies, app
from edocx.hub.schema import copies, messages
from edocx.office import Office, OfficeConfig
from edocx.routing.transport.axis import AxisTransport
from edocx.routing.transport.lgsp import LgspTransport
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.testing.network import Network


class Wires:
    """Offices of a network, each with a line of its own to one hub that names itself in the trace."""

    def __init__(self, network, hub, address):
        self.network, self.hub, self._address = network, hub, address
        self._stacks, self.offices = {}, {}
        for station in scene.STATIONS:
            self.open(station.code)

    def open(self, code):
        self._stacks[code], folder = ExitStack(), self.network.folder / "offices" / code
        line = AxisTransport(
            "http://{}:{}".format(*self._address),
            system=code,
            secret=f"s-{code}",
            clock=self.network.clock,
            attempts=folder / "attempts",
        )
        self._stacks[code].callback(line.close)
        told = {"clock": self.network.clock, "directory": self.network.directory, "transport": line}
        office = Office.open(OfficeConfig.from_path(folder / "office.toml"), **told)
        self.offices[code] = self._stacks[code].enter_context(office)
        return office

    def put_back(self, code, backup):
        """Lose an office's store and put a copy of it in its place."""
        self._stacks.pop(code).close()
        folder = self.network.folder / "offices" / code
        for file in folder.glob("office.db*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        Office.restore(folder / "office.toml", backup)
        return self.open(code)

    def on_the_hub(self):
        with self.hub.service.store.read() as connection:
            query = select(messages.c.origin, messages.c.message_id, messages.c.document_id, copies.c.recipient)
            return sorted(map(tuple, connection.execute(query.join(copies))))

    def close(self):
        for stack in self._stacks.values():
            stack.close()


@pytest.fixture
def wires(tmp_path):
    with Network.four_levels(tmp_path / "net") as network:
        hub = app(HubConfig(database=tmp_path / "hub.db", unit="H58"), clock=network.clock)
        codes = [station.code for station in scene.STATIONS]
        enrol(hub, *(NewAgency(code, code) for code in codes), secrets={code: f"s-{code}" for code in codes})
        with serving(hub) as address:
            made = Wires(network, hub, address)
            yield made
            made.close()
        hub.service.close()


@pytest.fixture
def wired(wires):
    return wires.network, wires.offices


def settle(offices):
    moved = True
    while moved:
        moved = sum(office.work().moved for office in offices.values()) > 0  # all of them, not up to the first


def test_a_letter_its_acceptance_and_its_rejection_travel_over_the_hub(wired):
    network, offices = wired
    letter = network.sample()
    offices[scene.COMMUNE].send(letter, to=[scene.DEPARTMENT, scene.GOVERNMENT])
    settle(offices)
    (arrived,) = offices[scene.GOVERNMENT].inbox()
    assert arrived.report.indication is Indication.TOTAL_PASSED
    assert [one.unit for one in arrived.envelope.trace] == [scene.COMMUNE, "H58"]
    arrived.accept(by="van-thu-tw")
    (other,) = offices[scene.DEPARTMENT].inbox()
    other.reject(scene.REJECTION, by="van-thu-so")
    settle(offices)
    events = offices[scene.COMMUNE].trace(str(letter.id)).events
    said = {(event.recipient, event.what): event.remark for event in events}
    assert (scene.GOVERNMENT, "03") in said
    assert said[scene.DEPARTMENT, "02"] == scene.REJECTION


def test_sending_again_after_a_rejection_reaches_the_clerk_again(wired):
    network, offices = wired
    letter = network.sample()
    offices[scene.COMMUNE].send(letter, to=[scene.DEPARTMENT])
    settle(offices)
    (arrived,) = offices[scene.DEPARTMENT].inbox()
    arrived.reject(scene.REJECTION, by="van-thu-so")
    settle(offices)
    network.clock.advance(minutes=5)
    assert offices[scene.DEPARTMENT].inbox_count() == 0
    offices[scene.COMMUNE].send(letter, to=[scene.DEPARTMENT], attempt=2)
    settle(offices)
    (again,) = offices[scene.DEPARTMENT].inbox()
    assert (again.document_id, again.report.indication) == (str(letter.id), Indication.TOTAL_PASSED)


def issued(office, network, draft_id):
    path, layout = scene.write_letter(network.folder)
    return office.issue(office.approve(scene.draft(path, layout), by="director", draft_id=draft_id), seal="agency")


def shown(office, document):
    found = office.trace(str(document.id)).deliveries
    return {one.delivery.recipient: str(one.delivery.shown.handling) for one in found if one.direction == "out"}


def test_an_office_put_back_from_yesterday_sends_nothing_twice_over_a_hub(wires, tmp_path):
    network, offices = wires.network, wires.offices
    commune, centre = offices[scene.COMMUNE], offices[scene.GOVERNMENT]
    issued(commune, network, "d0")
    settle(offices)
    commune.backup(tmp_path / "backup")
    network.clock.advance(hours=1)
    first = issued(commune, network, "d1")
    commune.send(first, to=[scene.GOVERNMENT, scene.DEPARTMENT])
    settle(offices)
    centre.accept(str(first.id), by="van-thu-tw")
    offices[scene.DEPARTMENT].reject(str(first.id), scene.REJECTION, by="van-thu-so")
    never_sent = issued(commune, network, "d2")
    settle(offices)
    network.clock.advance(hours=20)
    before, statuses = wires.on_the_hub(), shown(commune, first)

    again = wires.put_back(scene.COMMUNE, tmp_path / "backup")
    with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
        issued(again, network, "d3")
    assert again.work().faults == ("EDX-OFFICE-RESTORED",)
    found = again.reconcile()
    assert (found.sent, found.received, found.unread) == (1, 4, ())
    settle(offices)
    assert wires.on_the_hub() == before, "something was sent again"
    assert shown(again, first) == statuses
    number = issued(again, network, "d3").number.number
    assert int(number) == int(never_sent.number.number) + 1, "the number of a document issued and never sent"
    assert commune is not again
    assert [one for one in again.doctor() if one.severity == "error"] == []


def test_a_store_that_fell_back_unmarked_is_noticed_by_what_the_hub_holds(wires, tmp_path):
    network, offices = wires.network, wires.offices
    commune = offices[scene.COMMUNE]
    settle(offices)
    commune.backup(tmp_path / "copy")
    issued(commune, network, "d1")
    settle(offices)
    again = wires.put_back(scene.COMMUNE, tmp_path / "copy")
    (network.folder / "offices" / scene.COMMUNE / "office.db.restored.json").unlink()  # a snapshot leaves no marker
    with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
        issued(again, network, "d2")


@pytest.mark.parametrize("wrong", ["", "password", "key", "username", "address"])
def test_the_doctor_names_a_wrong_password_of_an_lgsp_line(wires, tmp_path, wrong):
    code, network = scene.COMMUNE, wires.network
    with wires.hub.service.store.begin("lgsp") as connection:
        agency, told = agencies.require(connection, code), {"now": network.clock.now(), "by": "test"}
        key, password = agencies.new_lgsp_credentials(connection, agency, wires.hub.service.vault, **told)
    given = {"key": key, "username": code, "password": password} | ({wrong: "sai"} if wrong else {})
    address = "http://127.0.0.1:9" if given.pop("address", None) else "http://{}:{}".format(*wires._address)
    line = LgspTransport(address, system=code, clock=network.clock, attempts=tmp_path / "attempts", **given)
    config = OfficeConfig.from_path(network.folder / "offices" / code / "office.toml")
    with Office.open(config, clock=network.clock, directory=network.directory, transport=line) as office:
        found = [(one.code, one.severity) for one in office.doctor() if one.code.startswith("EDX-AXIS")]
    line.close()
    code = "EDX-AXIS-UNREACHED" if wrong == "address" else "EDX-AXIS-CREDENTIALS"
    assert found == ([(code, "error")] if wrong else [])


def test_the_doctor_names_a_wrong_secret_of_an_axis(wires):
    code, network = scene.COMMUNE, wires.network
    address, folder = "http://{}:{}".format(*wires._address), network.folder / "offices" / code
    line = AxisTransport(address, system=code, secret="sai", clock=network.clock, attempts=folder / "attempts")
    config = OfficeConfig.from_path(folder / "office.toml")
    with Office.open(config, clock=network.clock, directory=network.directory, transport=line) as office:
        found = [(one.code, one.severity) for one in office.doctor() if one.code.startswith("EDX-AXIS")]
    line.close()
    assert found == [("EDX-AXIS-CREDENTIALS", "error")]


def test_the_nodes_of_the_way_and_their_times_are_told_by_the_hub(wires):
    network, offices = wires.network, wires.offices
    letter = network.sample()
    offices[scene.COMMUNE].send(letter, to=[scene.GOVERNMENT])
    settle(offices)
    assert offices[scene.COMMUNE].trace(str(letter.id)).ways == (("hub.H58",),)
