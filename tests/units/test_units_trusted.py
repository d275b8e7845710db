"""Signed snapshots: only whoever speaks for a code is heard, and never an older, mixed or frozen state."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from trusted_scene import H20, H58, LATER, NATION, NOW, ROOT, SNAP, SOON, TIME, Hub, Key, check, role, root, take
from units_scene import passage, unit

from edocx.errors import EdocxError, Refused
from edocx.units import HolderKind, MemoryDirectory, RegistryEntry, Snapshot, UnitId
from edocx.units import metadata as meta
from edocx.units import publishing as pub
from edocx.units.difference import compare
from edocx.units.registry_csv import write_registry
from edocx.units.shipped import shipped_directory
from edocx.units.trusted import TrustedDirectory
from edocx.units.trusted_store import TrustedStore


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def trusted():
    return TrustedDirectory(root(), check)


def code_of(act):
    with pytest.raises(Refused) as refused:
        act()
    assert refused.value.text.vi
    return refused.value.code


def test_an_honest_state_is_taken_and_marked_signed(hub, trusted):
    hub.entries = [RegistryEntry("a" * 64, HolderKind.ORGANISATION, UnitId.parse("H20.55"))]
    take(trusted, hub.publish())
    directory = trusted.directory(shipped_directory())
    unit_now = directory.resolve("H20.55", NOW)
    assert (unit_now.authority, unit_now.local) == ("signed", False)
    assert directory.resolve("G41", NOW).name == "Bộ mới"
    assert directory.snapshot.expires == SOON
    assert trusted.registry().lookup("a" * 64, NOW).authority == "signed"


def test_a_newer_state_replaces_an_older_one(hub, trusted):
    take(trusted, hub.publish())
    hub.units = [unit("so-55", "H20.55", name="Tên mới")]
    take(trusted, hub.publish())
    assert trusted.version("h20") == 2
    assert trusted.directory(MemoryDirectory()).resolve("H20.55", NOW).name == "Tên mới"


def test_an_older_timestamp_is_a_rollback(hub, trusted):
    old = hub.publish()
    take(trusted, hub.publish())
    assert code_of(lambda: trusted.take_timestamp(old["timestamp"], NOW)) == "EDX-UNITS-ROLLBACK"


def test_a_newer_timestamp_over_an_older_snapshot_is_a_rollback(hub, trusted):
    old = hub.publish()
    take(trusted, hub.publish())
    forged = pub.write_timestamp(3, NOW, SOON, (1, old["snapshot"]), [TIME])
    assert code_of(lambda: trusted.take_timestamp(forged, NOW)) == "EDX-UNITS-ROLLBACK"


def test_a_newer_snapshot_over_an_older_role_is_a_rollback(hub, trusted):
    old = hub.publish()
    fresh = hub.publish()
    take(trusted, fresh)
    mixed = pub.write_snapshot(3, LATER, {"national": (2, fresh["national"][0]), "h20": (1, old["h20"][0])}, [SNAP])
    trusted.take_timestamp(pub.write_timestamp(3, NOW, SOON, (3, mixed), [TIME]), NOW)
    assert code_of(lambda: trusted.take_snapshot(mixed, NOW)) == "EDX-UNITS-ROLLBACK"


def test_a_role_that_disappears_from_the_snapshot_is_a_rollback(hub, trusted):
    fresh = hub.publish()
    take(trusted, fresh)
    less = pub.write_snapshot(2, LATER, {"national": (1, fresh["national"][0])}, [SNAP])
    trusted.take_timestamp(pub.write_timestamp(2, NOW, SOON, (2, less), [TIME]), NOW)
    assert code_of(lambda: trusted.take_snapshot(less, NOW)) == "EDX-UNITS-ROLLBACK"


def test_parts_of_two_states_never_mix(hub, trusted):
    old, fresh = hub.publish(), hub.publish()
    trusted.take_timestamp(fresh["timestamp"], NOW)
    assert code_of(lambda: trusted.take_snapshot(old["snapshot"], NOW)) == "EDX-UNITS-MIX"
    trusted.take_snapshot(fresh["snapshot"], NOW)
    assert code_of(lambda: trusted.take_role("national", *old["national"], NOW)) == "EDX-UNITS-MIX"
    trusted.take_role("national", *fresh["national"], NOW)
    assert code_of(lambda: trusted.take_role("h20", fresh["h20"][0], old["h20"][1], NOW)) == "EDX-UNITS-MIX"
    assert code_of(lambda: trusted.directory(MemoryDirectory())) == "EDX-UNITS-ORDER"


def test_a_new_snapshot_is_not_joined_with_the_old_roles(hub, trusted):
    take(trusted, hub.publish())
    fresh = hub.publish()
    trusted.take_timestamp(fresh["timestamp"], NOW)
    trusted.take_snapshot(fresh["snapshot"], NOW)
    assert code_of(lambda: trusted.directory(MemoryDirectory())) == "EDX-UNITS-ORDER"


def test_a_frozen_state_shows_when_it_expires(hub, trusted):
    state = hub.publish()
    take(trusted, state)
    assert code_of(lambda: trusted.take_timestamp(state["timestamp"], SOON)) == "EDX-UNITS-EXPIRED"
    other = TrustedDirectory(root(), check)
    other.take_timestamp(state["timestamp"], NOW)
    assert code_of(lambda: other.take_snapshot(state["snapshot"], SOON)) == "EDX-UNITS-EXPIRED"
    stale = Hub().publish(expires=NOW)
    third = TrustedDirectory(root(), check)
    third.take_timestamp(stale["timestamp"], NOW)
    assert code_of(lambda: third.take_snapshot(stale["snapshot"], NOW)) == "EDX-UNITS-EXPIRED"
    fourth = TrustedDirectory(root(expires=NOW), check)
    assert code_of(lambda: fourth.take_timestamp(state["timestamp"], NOW)) == "EDX-UNITS-EXPIRED"


def test_only_the_roles_own_keys_count(hub, trusted):
    state = hub.publish(h20_key=H58)
    trusted.take_timestamp(state["timestamp"], NOW)
    trusted.take_snapshot(state["snapshot"], NOW)
    trusted.take_role("national", *state["national"], NOW)
    assert code_of(lambda: trusted.take_role("h20", *state["h20"][:2], NOW)) == "EDX-UNITS-UNSIGNED"


def test_a_statement_of_one_role_never_passes_for_another():
    roles = {"timestamp": role(SNAP), "snapshot": role(SNAP)}
    trusted = TrustedDirectory(root(roles=roles), check)
    data = pub.write_snapshot(1, LATER, {}, [SNAP])
    assert code_of(lambda: trusted.take_timestamp(data, NOW)) == "EDX-UNITS-STATEMENT"


def test_a_threshold_is_met_by_different_keys_only():
    two = {"timestamp": role(TIME, SNAP, threshold=2)}
    state = Hub().publish()
    trusted = TrustedDirectory(root(roles=two), check)
    assert code_of(lambda: trusted.take_timestamp(state["timestamp"], NOW)) == "EDX-UNITS-UNSIGNED"
    twice = pub.write_timestamp(1, NOW, SOON, (1, state["snapshot"]), [TIME, TIME])
    assert code_of(lambda: trusted.take_timestamp(twice, NOW)) == "EDX-UNITS-UNSIGNED"
    trusted.take_timestamp(pub.write_timestamp(1, NOW, SOON, (1, state["snapshot"]), [TIME, SNAP]), NOW)


def test_order_is_kept(hub, trusted):
    state = hub.publish()
    assert code_of(lambda: trusted.take_snapshot(state["snapshot"], NOW)) == "EDX-UNITS-ORDER"
    assert code_of(lambda: trusted.take_role("national", *state["national"], NOW)) == "EDX-UNITS-ORDER"
    trusted.take_timestamp(state["timestamp"], NOW)
    trusted.take_snapshot(state["snapshot"], NOW)
    assert code_of(lambda: trusted.take_role("h20", *state["h20"][:2], NOW)) == "EDX-UNITS-ORDER"


@pytest.mark.parametrize(
    "units",
    [
        [unit("bo-gia", "G22")],
        [unit("so-gia", "H58.01")],
        [unit("tinh-gia", "H20")],
        [unit("khong-ma")],
        [unit("doanh-nghiep", "0301234567")],
        [unit("so-hai-mat", "H20.56", code102="000.00.01.H58")],
        [unit("bo-moi", "H20.57")],
    ],
    ids=["ministry", "other province", "level 1", "no code", "flat code", "foreign pair", "identity of national"],
)
def test_a_delegate_is_heard_for_its_own_prefix_only(hub, trusted, units):
    hub.units += units
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"
    assert trusted.version("h20") == 0


def test_a_delegate_never_replaces_a_shipped_unit_of_another(hub, trusted):
    hub.units.append(unit("van-phong-chinh-phu", "H20.58", name="Kẻ mạo danh"))
    take(trusted, hub.publish())
    base = shipped_directory()
    joined = trusted.directory(base)
    assert trusted.refusals["h20"].code == "EDX-UNITS-FOREIGN"
    assert joined.find("van-phong-chinh-phu", NOW) == base.find("van-phong-chinh-phu", NOW)
    assert joined.resolve("G41", NOW).name == "Bộ mới"


def test_a_delegate_never_replaces_the_unit_of_level_one_above_it(hub, trusted):
    hub.units = [unit("ubnd-dong-thap-2025", "H20.55", name="ĐÃ THAY", opened=date(2025, 7, 1))]
    take(trusted, hub.publish())
    base = shipped_directory()
    assert trusted.directory(base).resolve("H20", NOW) == base.resolve("H20", NOW)
    assert trusted.refusals["h20"].code == "EDX-UNITS-FOREIGN"


@pytest.mark.parametrize("code", ["H20", "000.00.00.H20"])
def test_a_delegate_registers_no_certificate_for_level_one(hub, trusted, code):
    hub.entries = [RegistryEntry("c" * 64, HolderKind.ORGANISATION, UnitId.parse(code))]
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"


def test_a_delegate_may_give_codes_to_the_shipped_communes_of_its_province(hub, trusted):
    base = shipped_directory()
    mine = base.children("H20", NOW)[0].identity
    theirs = base.children("H01", NOW)[0].identity
    day = date(2025, 7, 1)
    hub.units.append(unit(mine, "H20.101", parent="ubnd-dong-thap-2025", opened=day))
    take(trusted, hub.publish())
    assert trusted.directory(base).resolve("H20.101", NOW).identity == mine
    hub.units.append(unit(theirs, "H20.102", parent="ubnd-dong-thap-2025", opened=day))
    take(trusted, hub.publish())
    joined = trusted.directory(base)
    assert trusted.refusals["h20"].code == "EDX-UNITS-FOREIGN"
    assert joined.resolve("H20.101", NOW).identity == mine, "the last good contents are still served"
    assert joined.find(theirs, NOW) == base.find(theirs, NOW)


def test_the_national_hub_speaks_for_level_one_only(hub, trusted):
    hub.national.append(unit("so-xa", "H01.02"))
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"


def test_a_delegate_says_nothing_about_who_succeeds_others(hub, trusted):
    hub.edges = [passage("transfer", "van-phong-chinh-phu", "so-55")]
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"


def test_whoever_maps_his_certificate_to_another_unit_does_not_become_it(hub, trusted):
    hub.entries = [RegistryEntry("a" * 64, HolderKind.ORGANISATION, UnitId.parse("G22"))]
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"


def test_an_unsound_delegate_is_named_and_left_at_his_last_good_contents(hub, trusted):
    take(trusted, hub.publish())
    trusted.directory(shipped_directory())
    hub.units = [unit("so-55", "H20.55", name="Tên mới"), unit("so-56", "H20.56", parent="no-body")]
    take(trusted, hub.publish())
    joined = trusted.directory(shipped_directory())
    assert trusted.refusals["h20"].code == "EDX-UNITS-UNSOUND"
    assert joined.resolve("H20.55", NOW).name == "Sở năm mươi lăm"
    assert joined.history("so-56") is None
    assert joined.resolve("G41", NOW).name == "Bộ mới"
    hub.units = [unit("so-55", "H20.55", name="Tên mới")]
    take(trusted, hub.publish())
    assert trusted.directory(shipped_directory()).resolve("H20.55", NOW).name == "Tên mới"
    assert not trusted.refusals


def test_an_unsound_delegate_without_earlier_contents_is_left_out(hub, trusted):
    hub.units.append(unit("so-56", "H20.56", parent="no-body"))
    hub.entries = [RegistryEntry("a" * 64, HolderKind.ORGANISATION, UnitId.parse("H20.56"))]
    take(trusted, hub.publish())
    joined = trusted.directory(shipped_directory())
    assert joined.history("so-55") is None
    assert joined.resolve("G41", NOW).name == "Bộ mới"
    assert len(trusted.registry()) == 0


def test_a_national_statement_that_is_not_sound_is_refused(hub, trusted):
    hub.national.append(unit("bo-42", "G42", parent="no-body"))
    take(trusted, hub.publish())
    assert code_of(lambda: trusted.directory(shipped_directory())) == "EDX-UNITS-UNSOUND"


def test_a_refused_delegate_holds_nobody_up_not_even_after_a_restart(hub, trusted):
    take(trusted, hub.publish())
    hub.national[0] = unit("bo-moi", "G41", name="Bộ tên mới")
    hub.units.append(unit("bo-gia", "G22"))
    assert code_of(lambda: take(trusted, hub.publish())) == "EDX-UNITS-FOREIGN"
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    store = TrustedStore(engine)
    store.create_tables()
    store.save(trusted.taken)
    again = TrustedDirectory.restore(store.load(), check)
    engine.dispose()
    for one in (trusted, again):
        joined = one.directory(shipped_directory())
        assert "h20" in one.refusals
        assert joined.resolve("G41", NOW).name == "Bộ tên mới"
        assert joined.resolve("H20.55", NOW).name == "Sở năm mươi lăm"


def test_a_delegate_never_blocks_national_by_claiming_its_certificate_or_identity(hub, trusted):
    hub.entries = [RegistryEntry("b" * 64, HolderKind.ORGANISATION, UnitId.parse("H20.55"))]
    hub.units.append(unit("bo-khac", "H20.66"))
    take(trusted, hub.publish())
    hub.national.append(unit("bo-khac", "G42"))
    theirs = [RegistryEntry("b" * 64, HolderKind.ORGANISATION, UnitId.parse("G42"))]
    level1 = pub.write_contents(hub.national, (), Snapshot(2, NOW, "national"))
    table = write_registry(theirs).encode()
    national = pub.write_role("national", 2, LATER, level1, [NATION], certificates=table, delegations=hub.delegations)
    kept = trusted.taken.roles["h20"][0]
    snapshot = pub.write_snapshot(2, LATER, {"national": (2, national), "h20": (1, kept)}, [SNAP])
    trusted.take_timestamp(pub.write_timestamp(2, NOW, SOON, (2, snapshot), [TIME]), NOW)
    trusted.take_snapshot(snapshot, NOW)
    trusted.take_role("national", national, level1, NOW, table)
    assert trusted.directory(shipped_directory()).resolve("G42", NOW).identity == "bo-khac"
    assert trusted.registry().lookup("b" * 64, NOW).unit == UnitId.parse("G42")
    assert trusted.refusals["h20"].code == "EDX-UNITS-FOREIGN"


def name_national(trusted, version, delegations, *, key=NATION, national=(), **others):
    """Publish and take a national statement, in a snapshot that names these other statements."""
    level1 = pub.write_contents(national, (), Snapshot(version, NOW, "national"))
    data = pub.write_role("national", version, LATER, level1, [key], delegations=delegations)
    number = trusted.version("snapshot") + 1
    number = max(number, trusted.version("timestamp") + 1)
    snapshot = pub.write_snapshot(number, LATER, {"national": (version, data), **others}, [SNAP])
    trusted.take_timestamp(pub.write_timestamp(number, NOW, SOON, (number, snapshot), [TIME]), NOW)
    trusted.take_snapshot(snapshot, NOW)
    return lambda: trusted.take_role("national", data, level1, NOW)


@pytest.mark.parametrize("still_named", [False, True], ids=["snapshot without it", "snapshot still names it"])
def test_national_withdraws_a_delegate(hub, trusted, still_named):
    state = hub.publish()
    take(trusted, state)
    others = {"h20": (1, state["h20"][0])} if still_named else {}
    name_national(trusted, 2, {}, **others)()
    joined = trusted.directory(shipped_directory())
    assert joined.history("so-55") is None
    assert trusted.version("h20") == 0


def test_a_snapshot_never_drops_or_sets_back_a_delegate_that_national_keeps(hub, trusted):
    old = hub.publish()
    take(trusted, hub.publish())
    for others in ({}, {"h20": (1, old["h20"][0])}):
        act = name_national(trusted, trusted.version("timestamp") + 1, hub.delegations, **others)
        assert code_of(act) == "EDX-UNITS-ROLLBACK"
        assert code_of(lambda: trusted.directory(shipped_directory())) == "EDX-UNITS-ORDER"


def test_a_delegate_whose_lost_key_signed_the_highest_version_begins_again(hub, trusted):
    take(trusted, hub.publish(version=10**9))
    hub.delegations = {"h20": role(H58, prefixes=["H20"])}
    contents = pub.write_contents(hub.units, (), Snapshot(2, NOW, "h20"))
    fresh = pub.write_role("h20", 2, LATER, contents, [H58])
    name_national(trusted, 10**9 + 1, hub.delegations, h20=(2, fresh))()
    trusted.take_role("h20", fresh, contents, NOW)
    assert trusted.directory(shipped_directory()).resolve("H20.55", NOW).name == "Sở năm mươi lăm"


def test_national_begins_again_after_the_root_takes_its_lost_key_away(hub, trusted):
    hub.national = [unit("co-quan-gia", "G99", name="Kẻ trộm khóa")]
    state = hub.publish(version=10**9)
    take(trusted, state)
    fresh_key = Key("nation-2")
    trusted.take_root(root(2, {"national": role(fresh_key)}))
    again = TrustedDirectory.restore(trusted.taken, check)
    for one in (trusted, again):
        act = name_national(one, 2, {}, key=fresh_key)
        assert code_of(lambda one=one: one.directory(shipped_directory())) == "EDX-UNITS-ORDER"
        act()
        assert one.directory(shipped_directory()).find("G99", NOW) is None


def test_a_root_that_takes_no_key_away_lets_nothing_step_back(hub, trusted):
    old = hub.publish()
    take(trusted, hub.publish())
    trusted.take_root(root(2))
    trusted.take_root(root(3, {"timestamp": role(TIME, Key("time-2"))}))
    assert code_of(lambda: trusted.take_timestamp(old["timestamp"], NOW)) == "EDX-UNITS-ROLLBACK"
    assert trusted.directory(shipped_directory()).resolve("G41", NOW).name == "Bộ mới"
    trusted.take_root(root(4, {"timestamp": role(Key("time-2"))}))
    assert trusted.version("timestamp") == trusted.version("snapshot") == 0


def test_a_new_timestamp_is_not_joined_with_the_old_snapshot(hub, trusted):
    take(trusted, hub.publish())
    fresh = hub.publish(time_expires=LATER)
    trusted.take_timestamp(fresh["timestamp"], NOW)
    assert code_of(lambda: trusted.directory(shipped_directory())) == "EDX-UNITS-ORDER"
    assert code_of(trusted.registry) == "EDX-UNITS-ORDER"


def test_a_version_published_again_with_other_bytes_is_not_served_from_the_old_ones(hub, trusted):
    state = hub.publish()
    take(trusted, state)
    hub.units = [unit("so-55", "H20.55", name="Tên mới")]
    other = pub.write_contents(hub.units, (), Snapshot(1, NOW, "h20"))
    again = pub.write_role("h20", 1, LATER, other, [H20])
    named = {"national": (1, state["national"][0]), "h20": (1, again)}
    snapshot = pub.write_snapshot(2, LATER, named, [SNAP])
    trusted.take_timestamp(pub.write_timestamp(2, NOW, SOON, (2, snapshot), [TIME]), NOW)
    trusted.take_snapshot(snapshot, NOW)
    assert code_of(lambda: trusted.directory(shipped_directory())) == "EDX-UNITS-ORDER"
    trusted.take_role("h20", again, other, NOW)
    assert trusted.directory(shipped_directory()).resolve("H20.55", NOW).name == "Tên mới"


def test_one_timestamp_version_has_one_content(hub, trusted):
    state = hub.publish()
    take(trusted, state)
    other = pub.write_timestamp(1, NOW, LATER, (1, state["snapshot"]), [TIME])
    assert code_of(lambda: trusted.take_timestamp(other, NOW)) == "EDX-UNITS-MIX"


def test_a_delegate_whose_keys_are_taken_away_is_no_longer_heard(hub, trusted):
    take(trusted, hub.publish())
    hub.delegations = {"h20": role(H58, prefixes=["H20"])}
    state = hub.publish()
    trusted.take_timestamp(state["timestamp"], NOW)
    trusted.take_snapshot(state["snapshot"], NOW)
    trusted.take_role("national", *state["national"], NOW)
    assert trusted.version("h20") == 0
    assert code_of(lambda: trusted.take_role("h20", *state["h20"][:2], NOW)) == "EDX-UNITS-UNSIGNED"


def test_a_root_follows_only_from_the_root_before(trusted):
    new_key = Key("root-2")
    roles = {"root": role(new_key)}
    assert code_of(lambda: trusted.take_root(root(2, roles, [new_key]))) == "EDX-UNITS-UNSIGNED"
    assert code_of(lambda: trusted.take_root(root(2, roles, [ROOT]))) == "EDX-UNITS-UNSIGNED"
    assert code_of(lambda: trusted.take_root(root(3, roles, [ROOT, new_key]))) == "EDX-UNITS-ROLLBACK"
    trusted.take_root(root(2, roles, [ROOT, new_key]))
    assert trusted.root_version == 2
    assert code_of(lambda: trusted.take_root(root(1, {}, [ROOT, new_key]))) == "EDX-UNITS-ROLLBACK"
    assert code_of(lambda: trusted.take_root(root(3, {}, [ROOT]))) == "EDX-UNITS-UNSIGNED"


def test_a_restart_forgets_nothing_that_must_not_step_back(hub, trusted):
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    store = TrustedStore(engine)
    store.create_tables()
    assert store.load() is None
    old = hub.publish()
    hub.entries = [RegistryEntry("a" * 64, HolderKind.ORGANISATION, UnitId.parse("H20.55"))]
    take(trusted, hub.publish())
    store.save(trusted.taken)
    again = TrustedDirectory.restore(store.load(), check)
    engine.dispose()
    assert again.taken == trusted.taken
    assert (again.version("h20"), again.root_version) == (2, 1)
    assert not compare(again.directory(shipped_directory()), trusted.directory(shipped_directory()))
    assert len(again.registry()) == 1
    assert code_of(lambda: again.take_timestamp(old["timestamp"], NOW)) == "EDX-UNITS-ROLLBACK"


def test_what_is_kept_is_checked_again(hub, trusted):
    take(trusted, hub.publish())
    kept = trusted.taken
    forged = {**kept.roles, "h20": (kept.roles["h20"][0], kept.roles["national"][1], b"")}
    assert code_of(lambda: TrustedDirectory.restore(replace(kept, roles=forged), check)) == "EDX-UNITS-MIX"
    unsigned = pub.write_role("h20", 1, LATER, kept.roles["h20"][1], [H58])
    forged = {**kept.roles, "h20": (unsigned, kept.roles["h20"][1], b"")}
    assert code_of(lambda: TrustedDirectory.restore(replace(kept, roles=forged), check)) == "EDX-UNITS-UNSIGNED"


@pytest.mark.parametrize(
    "data",
    [
        b'{"payload":"e30=","signatures":[{"key":["a"],"signature":"e30="}]}',
        b'{"payload":"e30=","signatures":[{"key":"time","signature":5}]}',
        b'{"payload":"e30=","signatures":{}}',
        b'{"payload":5,"signatures":[]}',
        b"[" * 100_000,
        b"null",
    ],
)
def test_an_unsigned_oddity_is_one_refusal(trusted, data):
    assert code_of(lambda: trusted.take_timestamp(data, NOW)) == "EDX-UNITS-STATEMENT"


META = {"version": 1, "sha256": "0" * 64}
TAKEN = NOW.isoformat()


@pytest.mark.parametrize(
    "name, key, body",
    [
        ("timestamp", TIME, {"taken": TAKEN, "snapshot": {}}),
        ("timestamp", TIME, {"taken": TAKEN, "snapshot": META | {"version": "x"}}),
        ("timestamp", TIME, {"taken": "9999-12-31T23:59:59+00:00", "snapshot": META}),
        ("timestamp", TIME, {"taken": 5, "snapshot": META}),
        ("snapshot", SNAP, {"roles": 5}),
        ("snapshot", SNAP, {"roles": {"national": 5}}),
        ("snapshot", SNAP, {"roles": {"timestamp": META}}),
        ("national", NATION, {"units": 5}),
        ("national", NATION, {"units": META, "delegations": {"snapshot": role(H20).as_json()}}),
        ("national", NATION, {"units": META, "delegations": {"h20": {"keys": [["a"]], "threshold": 1}}}),
        ("national", NATION, {"units": META, "delegations": {"h20": role(H20).as_json() | {"prefixes": ["?"]}}}),
    ],
)
def test_what_is_signed_but_odd_is_one_refusal(name, key, body):
    signed = meta.write_statement(name, 1, LATER, body, [key])
    with pytest.raises(Refused) as refused:
        meta.open_statement(signed, name, role(key), check)
    assert refused.value.code == "EDX-UNITS-STATEMENT"


def test_a_root_with_roles_of_the_wrong_form_is_one_refusal():
    for body in ({"roles": 5}, {"roles": {"root": role(ROOT).as_json(), "timestamp": 5}}, {"roles": {"root": [5]}}):
        data = meta.write_statement("root", 1, LATER, body, [ROOT])
        assert code_of(lambda data=data: TrustedDirectory(data, check)) == "EDX-UNITS-STATEMENT"


@given(st.binary(max_size=200))
def test_no_bytes_at_all_pass_for_a_statement(data):
    trusted = TrustedDirectory(root(), check)
    with pytest.raises(EdocxError):
        trusted.take_timestamp(data, NOW)
    with pytest.raises(EdocxError):
        TrustedDirectory(data, check)


@given(st.data())
def test_one_changed_bit_anywhere_is_noticed(data):
    state = Hub().publish()
    name = data.draw(st.sampled_from(["timestamp", "snapshot"]))
    envelope = json.loads(state[name])
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    envelope["payload"] = base64.b64encode(payload).decode()
    trusted = TrustedDirectory(root(), check)
    changed = state | {name: json.dumps(envelope).encode()}
    with pytest.raises(EdocxError):
        take(trusted, changed)


def test_a_delta_gives_exactly_the_bytes_that_were_signed(hub):
    old = pub.write_contents(hub.units, hub.edges, Snapshot(1, NOW, "h20"))
    units = [unit("so-55", "H20.55", name="Tên mới"), unit("so-57", "H20.57")]
    new = pub.write_contents(units, [passage("transfer", "so-55", "so-57")], Snapshot(2, NOW, "h20"))
    delta = pub.write_delta(old, new)
    assert pub.apply_delta(old, delta) == new
    gone = pub.write_contents([units[1]], (), Snapshot(3, NOW, "h20"))
    assert pub.apply_delta(new, pub.write_delta(new, gone)) == gone


def test_a_delta_is_small_against_the_whole(hub):
    many = [unit(f"so-{n}", f"H20.{n:03}") for n in range(100, 900)]
    old = pub.write_contents(many, (), Snapshot(1, NOW, "h20"))
    new = pub.write_contents([*many[1:], unit("so-100", "H20.100", name="Khác")], (), Snapshot(2, NOW, "h20"))
    assert len(pub.write_delta(old, new)) < len(new) / 50


def test_a_delta_for_other_contents_or_with_another_outcome_is_refused(hub):
    old = pub.write_contents(hub.units, (), Snapshot(1, NOW, "h20"))
    new = pub.write_contents([], (), Snapshot(2, NOW, "h20"))
    delta = json.loads(pub.write_delta(old, new))
    for change in (
        {"from": "0" * 64},
        {"removed": []},
        {"units": [7]},
        {"taken": "x"},
        {"to": hashlib.sha256(b"").hexdigest()},
    ):
        assert (
            code_of(lambda change=change: pub.apply_delta(old, json.dumps(delta | change).encode()))
            == "EDX-UNITS-DELTA"
        )
    assert code_of(lambda: pub.apply_delta(old, b"[")) == "EDX-UNITS-DELTA"
