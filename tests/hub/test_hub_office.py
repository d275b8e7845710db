"""Offices of four levels over a real hub: the same verbs as over the local axis, over HTTP."""

from __future__ import annotations

import pytest
from hub_scene import enrol, serving

from edocx.hub import HubConfig, NewAgency, app
from edocx.office import Office, OfficeConfig
from edocx.routing.transport.axis import AxisTransport
from edocx.signing.report import Indication
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def wired(tmp_path):
    """Offices of a network, each with a line of its own to one hub that names itself in the trace."""
    with Network.four_levels(tmp_path / "net") as network:
        hub = app(HubConfig(database=tmp_path / "hub.db", unit="H58"), clock=network.clock)
        codes = [station.code for station in scene.STATIONS]
        enrol(hub, *(NewAgency(code, code) for code in codes), secrets={code: f"s-{code}" for code in codes})
        opened = {}
        with serving(hub) as address:
            for code in codes:
                folder = network.folder / "offices" / code
                line = AxisTransport(
                    f"http://{address[0]}:{address[1]}",
                    system=code,
                    secret=f"s-{code}",
                    clock=network.clock,
                    attempts=folder / "attempts",
                )
                config = OfficeConfig.from_path(folder / "office.toml")
                office = Office.open(config, clock=network.clock, directory=network.directory, transport=line)
                opened[code] = (office, line)
            yield network, {code: office for code, (office, _) in opened.items()}
            for office, line in opened.values():
                office.close()
                line.close()
        hub.service.close()


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
