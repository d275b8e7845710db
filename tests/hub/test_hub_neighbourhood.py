"""What hubs tell each other: clocks, keys, and who is believed about whose key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hub_nation import COMMUNE
from hub_scene import OfficialClient
from hypothesis import given
from hypothesis import strategies as st

from edocx.hub import HubConfig, Peer
from edocx.hub.carrier import GREET_AGAIN
from edocx.hub.neighbourhood import enter_by_hand, key_text, known_keys, learn, read_key
from edocx.hub.relay_statement import read_chain
from edocx.hub.schema import neighbours


def fresh() -> str:
    return key_text(Ed25519PrivateKey.generate().public_key())


def held(hub):
    with hub.service.store.read() as connection:
        return known_keys(connection)


def test_every_hub_learns_every_key_by_way_of_the_nation(nation):
    for _ in range(2):
        nation.carry()
        nation.clock.advance(GREET_AGAIN)
    known = held(nation.hubs["H58"])
    for unit in ("G22", "H37"):
        assert known[f"hub.{unit}"] == (nation.hubs[unit].service.relay_book.public_key,)
    assert "hub.H58" not in known


def test_clocks_apart_are_measured(nation):
    from edocx.testing.clock import FixedClock

    ahead = FixedClock(nation.clock.now() + timedelta(minutes=7))
    nation.hubs["G22"].service.store.clock = ahead
    nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        (row,) = connection.execute(neighbours.select()).all()
    assert row.code == "hub.G22"
    assert 415_000 < row.ahead_ms <= 420_000
    assert row.error is None


def test_a_neighbour_that_is_away_is_noted_with_its_code_and_when_it_last_answered(nation):
    nation.carry()
    nation.stop("G22")
    nation.clock.advance(GREET_AGAIN)
    nation.carry()
    with nation.hubs["H58"].service.store.read() as connection:
        (row,) = connection.execute(neighbours.select()).all()
    assert row.error == "EDX-AXIS-UNREACHED"
    assert row.answered_at < row.asked_at


def test_agencies_are_not_told(nation):
    reply = nation.client("H58", COMMUNE).call("edxGreeting", b"{}")
    assert (reply.status, reply.json()["EdxCode"]) == (404, "EDX-HUB-PATH")
    above = OfficialClient(("127.0.0.1", nation.ports["H58"]), "hub.G22", "hub.G22>H58")
    assert above.call("edxGreeting", b"{}").json()["edxHub"] == "hub.H58"


ABOVE, BELOW = Peer(code="hub.G22", endpoint="https://x", role="above"), Peer(code="hub.H58.12", endpoint="https://y")
CONFIG = HubConfig(unit="H58", peers=(ABOVE, BELOW))


@pytest.mark.parametrize(
    "teller, hub_code, believed",
    [
        (ABOVE, "hub.G22", True),
        (ABOVE, "hub.H37", True),
        (ABOVE, "hub.H58", False),
        (ABOVE, "hub.H58.12", False),
        (BELOW, "hub.H58.12", True),
        (BELOW, "hub.H58.12.01", True),
        (BELOW, "hub.H58.120", False),
        (BELOW, "hub.H37", False),
        (BELOW, "hub.G22", False),
        (BELOW, "hub.H58", False),
        (BELOW, "", False),
    ],
)
def test_a_hub_is_believed_only_about_what_stands_below_it(hub, clock, teller, hub_code, believed):
    with hub.service.store.begin("learn") as connection:
        assert learn(connection, teller, CONFIG, [{"hub": hub_code, "key": fresh()}], clock.now()) == int(believed)


def test_a_hub_may_change_its_own_key_and_the_old_one_still_proves_old_statements(hub, clock):
    first, second = fresh(), fresh()
    with hub.service.store.begin("learn") as connection:
        for key in (first, second, first):
            learn(connection, ABOVE, CONFIG, [{"hub": "hub.G22", "key": key}], clock.now())
            clock.advance(timedelta(days=1))
        assert [key_text(key) for key in known_keys(connection)["hub.G22"]] == [first, second]


def test_what_an_administrator_entered_goes_before_what_was_told(hub, clock):
    mine = Ed25519PrivateKey.generate().public_key()
    with hub.service.store.begin("learn") as connection:
        learn(connection, ABOVE, CONFIG, [{"hub": "hub.H37", "key": fresh()}], clock.now())
        enter_by_hand(connection, "hub.H37", mine, now=clock.now())
        assert learn(connection, ABOVE, CONFIG, [{"hub": "hub.H37", "key": fresh()}], clock.now()) == 0
        assert known_keys(connection)["hub.H37"][-1] == mine


@given(told=st.lists(st.dictionaries(st.sampled_from(["hub", "key"]), st.text() | st.integers() | st.none())))
def test_whatever_a_neighbour_says_does_no_harm(told):
    for one in told:
        assert read_key(str(one.get("key"))) is None


def test_a_hop_that_stated_nothing_ends_the_chain_unattested(nation):
    from hub_nation import FAR
    from hub_scene import document

    nation.sender.send(document(sender=COMMUNE, to=(FAR,)))
    nation.stop("G22")
    nation.carry()
    nation.start("G22")
    nation.clock.advance(timedelta(minutes=10))
    nation.hubs["H58"].carrier.step()
    store = nation.hubs["H58"].service
    from edocx.hub.mailroom import sent

    with store.store.read() as connection:
        from edocx.hub import agencies

        rows = sent(connection, agencies.require(connection, COMMUNE), "edoc", "")
        statements = store.relay_book.of_copies(connection, rows)[FAR]
        keys = known_keys(connection) | {"hub.H58": (store.relay_book.public_key,)}
    chain = read_chain(statements, keys, recipient=FAR)
    assert [(one.hub, one.standing.value, one.remarks) for one in chain] == [
        ("hub.H58", "attested", ()),
        ("hub.G22", "unattested", ("silent",)),
    ]
