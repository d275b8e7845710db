"""Every node on a document's way has its times, who acted there, and what shows it."""

from __future__ import annotations

import json

import pytest

from edocx.cli import main
from edocx.errors import Text, TransportUnavailable
from edocx.testing import scene
from edocx.testing.network import Network

G22 = "G22"


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with Network.four_levels(tmp_path_factory.mktemp("stations") / "net") as network:
        document, commune, centre = network.sample(), network.office(scene.COMMUNE), network.office(G22)
        for work in (lambda: commune.send(document, to=[G22]), commune.work, centre.work):
            work()
            network.clock.advance(minutes=4)
        centre.accept(str(document.id), by="van-thu-tw")
        network.run_until_quiet()
        yield network


def stations(net, code):
    return net.office(code).trace(str(net.sample().id)).stations


def minutes(station):
    return tuple(
        None if at is None else round((at - scene.MORNING).total_seconds() / 60)
        for at in (station.came_at, station.left_at)
    )


def test_each_node_of_four_levels_has_times_actor_and_evidence(net):
    found = stations(net, scene.COMMUNE)
    assert [(s.node, s.actor, s.person, s.basis, s.evidence) for s in found] == [
        (scene.COMMUNE, scene.COMMUNE, None, "own", "SubmissionAcceptance"),
        ("H58.12", "H58.12", None, "axis", "RelayAcceptance"),
        ("H58", "H58", None, "axis", "RelayAcceptance"),
        (G22, G22, "van-thu-tw", "seal", "ConsignmentAcceptance"),
    ]
    queued = minutes(found[0])[0]
    assert [minutes(s) for s in found] == [
        (queued, queued + 4),
        (queued + 4, queued + 4),
        (queued + 4, queued + 4),
        (queued + 8, queued + 12),
    ]


def test_the_recipient_sees_the_same_way_from_its_end(net):
    there = stations(net, G22)
    assert [s.node for s in there] == [s.node for s in stations(net, scene.COMMUNE)]
    assert (there[0].came_at, there[0].basis) == (None, "axis"), "when it was queued elsewhere is nothing it knows"
    assert (there[-1].basis, there[-1].person) == ("own", "van-thu-tw")


def test_without_the_axis_the_two_ends_are_still_told(net, monkeypatch):
    def away(_sender, _message):
        raise TransportUnavailable(Text("a", "b"), hint=Text("c", "d"), code="EDX-AXIS-AWAY")

    monkeypatch.setattr(net.axis, "trace", away)
    found = stations(net, scene.COMMUNE)
    assert [s.node for s in found] == [scene.COMMUNE, G22]
    assert all(at is not None for s in found for at in (s.came_at, s.left_at))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_command_shows_it_in_eighty_columns_and_as_json(net, capfd, lang):
    arguments = ("--lang", lang, "office", "trace", str(net.sample().id), "--office")
    place = str(net.folder / "offices" / scene.COMMUNE / "office.toml")
    shown = {}
    for extra in ((), ("--json",)):
        with pytest.raises(SystemExit):
            main([*arguments, place, *extra])
        shown[extra] = capfd.readouterr().out
    lines = shown[()].splitlines()
    assert max(map(len, lines)) <= 80
    assert any("H58: axis, RelayAcceptance" in line and line.count("2023") == 2 for line in lines)
    told = json.loads(shown[("--json",)])["stations"]
    assert [one["node"] for one in told] == [scene.COMMUNE, "H58.12", "H58", G22]
    assert told[-1]["person"] == "van-thu-tw"
