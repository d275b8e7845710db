"""Relay statements: the way of a message, hub by hub, each signed; gaps, false order and strangers named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hub_scene import NOW
from hypothesis import given
from hypothesis import strategies as st
from test_hub_federation import FAR, letter

from edocx.hub.carrier import ASK_AGAIN
from edocx.hub.relay_statement import Fact, Standing, bounded, digest_of, make_statement, read_chain

HUBS = ("hub.H58", "hub.G22", "hub.H37")
KEYS = {hub: Ed25519PrivateKey.generate() for hub in HUBS}
PUBLIC = {hub: key.public_key() for hub, key in KEYS.items()}


def chain(**changes):
    made, previous = [], ""
    for step, hub in enumerate(HUBS):
        following = (*HUBS, FAR)[step + 1]
        fact = {
            "hub": hub, "doc": f"d{step}", "content": "c" * 64, "previous": previous,
            "entered": NOW + timedelta(minutes=step), "left": NOW + timedelta(minutes=step, seconds=5),
            "following": following,
        }  # fmt: skip
        fact |= changes.get(hub.replace(".", "_"), {})
        made.append(make_statement(Fact(**fact), KEYS[hub]))
        previous = digest_of(made[-1])
    return made


def remarks(statements, keys=PUBLIC):
    return [(station.standing.value, station.remarks) for station in read_chain(statements, keys)]


def test_a_whole_chain_is_attested_without_remarks():
    assert remarks(chain()) == [("attested", ())] * 3
    assert [station.following for station in read_chain(chain(), PUBLIC)] == ["hub.G22", "hub.H37", FAR]


def test_a_hub_whose_key_is_not_known_is_unattested():
    known = {hub: key for hub, key in PUBLIC.items() if hub != "hub.G22"}
    assert [standing for standing, _ in remarks(chain(), known)] == ["attested", "unattested", "attested"]


def test_a_missing_station_is_a_gap():
    first, _, last = chain()
    assert remarks([first, last])[1] == ("attested", ("gap", "order"))
    assert "gap" in remarks([_, last])[0][1]


def test_reordered_stations_are_named():
    first, second, third = chain()
    found = remarks([first, third, second])
    assert "order" in found[1][1]
    assert "gap" in found[1][1]


def test_another_content_and_contradicting_times_are_named():
    assert "content" in remarks(chain(hub_G22={"content": "d" * 64}))[1][1]
    assert "time" in remarks(chain(hub_G22={"entered": NOW - timedelta(hours=1)}))[1][1]


@given(place=st.integers(0, 2), data=st.data())
def test_no_letter_of_a_statement_can_be_changed_unseen(place, data):
    statements = chain()
    text, _, signature = statements[place].rpartition("|")
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
    statements[place] = f"{changed}|{signature}"
    station = read_chain(statements, PUBLIC)[place]
    # A changed name makes it a stranger's word; anything else breaks the signature.
    assert station.standing is not Standing.ATTESTED


@pytest.mark.parametrize("told", [None, "x", [1, None, "é", "x" * 5000], [["x"]], {}])
def test_what_a_neighbour_tells_is_bounded(told):
    assert bounded(told) == []
    assert len(bounded(["x"] * 100)) == 16


@pytest.mark.parametrize("statement", ["", "|", "{}|x", "[]|", '{"hub":1}|x', "{" * 5000 + "|"])
def test_what_is_no_statement_is_broken(statement):
    assert remarks([statement]) == [("broken", ("unreadable",))]


def test_the_sender_s_hub_gets_the_whole_chain_back(nation):
    doc_id = nation.sender.send(letter(to=(FAR,))).json()["DocId"]
    nation.carry()
    (row,) = nation.receiver.waiting()
    nation.receiver.call("updateStatus", b"{}", docId=row["docId"], status="done")
    for _ in range(2):
        nation.clock.advance(ASK_AGAIN)
        nation.carry()
    asked = {"servicetype": "eDoc", "messagetype": "edoc", "docId": doc_id}
    (line,) = nation.sender.call("getSentEdocList", **asked).json()["data"]
    keys = {f"hub.{unit}": hub.service.relay_book.public_key for unit, hub in nation.hubs.items()}
    stations = read_chain(line["edxStatements"], keys)
    assert [station.hub for station in stations] == list(HUBS)
    assert [(station.standing.value, station.remarks) for station in stations] == [("attested", ())] * 3
    assert stations[-1].following == FAR
