"""The way of a document on a date, and who answers for one that was sent before a reform."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from units_scene import REFORM, passage, unit

from edocx.errors import UnitError
from edocx.testing.territory import IDENTIFIERS, MARK, SOURCE, dong_thap_2026, four_level_directory, tien_giang_2023
from edocx.units import Level, MemoryDirectory, UnitId
from edocx.units.soundness import breaches

BEFORE, AFTER = date(2023, 6, 30), date(2026, 11, 22)


@pytest.fixture(scope="module")
def territory() -> MemoryDirectory:
    return four_level_directory()


def stations(hops):
    return [(hop.role, hop.code.code if hop.code else None, hop.basis) for hop in hops]


def test_a_document_of_a_commune_of_2023_passes_four_levels(territory):
    hops = territory.route("H58.12.01", "G22", BEFORE)
    assert stations(hops) == [
        ("sender", "H58.12.01", "end"),
        ("hub", "H58.12", "served_by"),
        ("hub", "H58", "served_by"),
        ("axis", None, "axis"),
        ("recipient", "G22", "end"),
    ]
    levels = [hop.unit.level for hop in hops if hop.unit]
    assert levels == [Level.COMMUNE, Level.DISTRICT, Level.PROVINCE, Level.CENTRAL]
    assert all(hop.rule.vi and hop.rule.en for hop in hops)


def test_a_document_of_a_commune_of_2026_passes_three_levels(territory):
    hops = territory.route("H20.101", "G22", AFTER)
    assert [hop.unit.level for hop in hops if hop.unit] == [Level.COMMUNE, Level.PROVINCE, Level.CENTRAL]


def test_a_unit_with_a_ministrys_code_goes_by_the_hub_that_serves_it(territory):
    assert stations(territory.route("G12.18.58", "H58.12.01", BEFORE)) == [
        ("sender", "G12.18.58", "end"),
        ("hub", "H58", "served_by"),
        ("hub", "H58.12", "served_by"),
        ("recipient", "H58.12.01", "end"),
    ]


def test_without_a_recorded_hub_the_code_tree_decides_and_says_so(reform):
    hops = reform.route("H58.12.01", "G22", BEFORE)
    assert stations(hops) == [
        ("sender", "H58.12.01", "end"),
        ("hub", "H58.12", "code"),
        ("hub", "H58", "code"),
        ("axis", None, "axis"),
        ("recipient", "G22", "end"),
    ]
    assert "cây mã" in hops[1].rule.vi


def test_two_units_of_one_hub_never_use_the_national_axis(reform):
    assert [code for _, code, _ in stations(reform.route("H58.12.01", "H58.12.02", BEFORE))] == [
        "H58.12.01",
        "H58.12",
        "H58.12.02",
    ]
    assert [code for _, code, _ in stations(reform.route("H58.12.01", "H58.01", BEFORE))] == [
        "H58.12.01",
        "H58.12",
        "H58",
        "H58.01",
    ]


def test_the_way_up_and_the_way_down_are_the_same_way(reform):
    assert [code for _, code, _ in stations(reform.route("H58.12.01", "H58", BEFORE))] == ["H58.12.01", "H58.12", "H58"]
    assert [code for _, code, _ in stations(reform.route("H58", "H58.12.01", BEFORE))] == ["H58", "H58.12", "H58.12.01"]
    assert [code for _, code, _ in stations(reform.route("G22", "G22", BEFORE))] == ["G22", "G22"]
    there = [code for _, code, _ in stations(reform.route("H58.12.01", "G22", BEFORE))]
    back = [code for _, code, _ in stations(reform.route("G22", "H58.12.01", BEFORE))]
    assert back == there[::-1]


def test_a_hub_that_has_ended_is_passed_over():
    directory = MemoryDirectory(
        [
            unit("tinh-a", "H01"),
            unit("hub-cu", "H01.90", closed=REFORM),
            unit("so-mot", "H01.01", served_by="hub-cu"),
            unit("bo-x", "G12"),
        ]
    )
    assert stations(directory.route("H01.01", "G12", BEFORE))[1] == ("hub", "H01.90", "served_by")
    after = directory.route("H01.01", "G12", AFTER)
    assert stations(after)[1] == ("hub", "H01", "code")
    assert "hub-cu" in after[1].rule.en
    assert "no connection is recorded" not in after[1].rule.en


def test_hubs_in_a_circle_do_not_hang_the_route():
    directory = MemoryDirectory(
        [unit("so-a", "H01.01", served_by="so-b"), unit("so-b", "H01.02", served_by="so-a"), unit("bo-x", "G12")]
    )
    assert len(directory.route("H01.01", "G12", AFTER)) == 4


def test_a_send_to_a_unit_abolished_yesterday_is_refused_with_the_successors_named(territory):
    assert territory.route("G22", "H58.12.01", date(2025, 6, 30))
    with pytest.raises(UnitError) as refused:
        territory.route("G22", "H58.12.01", REFORM)
    assert refused.value.code == "EDX-UNIT-CLOSED"
    assert refused.value.successors == ("H20.101",)


def test_the_register_goes_to_the_only_successor_or_to_the_named_custodian(reform):
    assert reform.register_holder("H58", AFTER).unit.identity == "ubnd-dong-thap-2025"
    assert reform.register_holder("H58", BEFORE).unit.identity == "ubnd-tien-giang"
    custodian = reform.register_holder("H58.12", AFTER)
    assert custodian.unit.identity == "ubnd-dong-thap-2025"
    assert "giữ sổ" in custodian.rule.vi
    assert reform.register_holder("H58.12.01", AFTER).unit.identity == "xa-101"


def test_several_successors_without_a_custodian_are_refused_and_named(reform):
    with pytest.raises(UnitError) as refused:
        reform.register_holder("H58.12.02", AFTER)
    assert refused.value.code == "EDX-UNIT-NO-CUSTODIAN"
    assert set(refused.value.successors) == {"H20.101", "H20.102"}
    with pytest.raises(UnitError) as refused:
        reform.register_holder("H58.01", AFTER)
    assert refused.value.successors == ()
    with pytest.raises(UnitError):
        reform.register_holder("H77", AFTER)


def test_a_custodian_that_ends_passes_the_register_on():
    later = date(2026, 1, 1)
    directory = MemoryDirectory(
        [
            unit("so-a", "H01.01", closed=REFORM),
            unit("so-b", "H01.02", closed=later),
            unit("so-c", "H01.03"),
        ],
        [
            passage("abolish", "so-a", None, custodian="so-b"),
            passage("abolish", "so-b", None, later, custodian="so-c"),
        ],
    )
    assert directory.register_holder("H01.01", REFORM).unit.identity == "so-b"
    assert directory.register_holder("H01.01", later).unit.identity == "so-c"


def test_the_generated_territory_has_the_figures_of_2023_and_says_it_is_generated(territory):
    made = tien_giang_2023()
    codes = {history.last.code for history in made.units} | {UnitId.parse("H58")}
    assert len(codes) == len(made.units) + 1 == IDENTIFIERS == 1174
    assert all(MARK in history.last.name and history.source == SOURCE for history in made.units)
    assert all(history.last.local for history in (*made.units, *dong_thap_2026().units))
    assert list(breaches(territory)) == []
    counts = [history.last.kind for history in made.units]
    assert (counts.count("sở"), counts.count("huyện"), counts.count("xã")) == (18, 11, 172)
    for history in made.units:
        code = history.last.code
        assert code.to_qcvn102().to_qd20() == code


DEEP = "H58.12.01.001"
TERRITORY = four_level_directory().with_changes(
    [unit("truong-12-01-001", DEEP, closed=REFORM), unit("to-12-01-001-01", f"{DEEP}.01", closed=REFORM)]
)
TREE_2023 = sorted(
    str(unit.code) for unit in (history.at(BEFORE) for history in TERRITORY) if unit is not None and unit.code
)


def above(code):
    """Every unit that the recorded connections lead to from here, this one included."""
    found, hub = [], TERRITORY.find(code, BEFORE)
    while hub is not None and hub.identity not in found:
        found.append(hub.identity)
        nearest = (TERRITORY.find(one, BEFORE) for one in hub.code.ancestors)
        hub = TERRITORY.find(hub.served_by, BEFORE) if hub.served_by else next(filter(None, nearest), None)
    return found


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("low, high", [*combinations([f"{DEEP}.01", DEEP, "H58.12.01", "H58.12", "H58"], 2)])
def test_a_route_to_or_from_a_units_own_ancestor_ends_there(low, high, turned):
    ends = (high, low) if turned else (low, high)
    codes = [code for _, code, _ in stations(TERRITORY.route(*ends, BEFORE))]
    assert (codes[0], codes[-1]) == ends
    assert codes == sorted(codes, key=len, reverse=not turned)
    assert len(codes) == low.count(".") - high.count(".") + 1


codes_2023 = st.sampled_from(TREE_2023) | st.sampled_from(["H58", "H58.12", "H58.12.01", DEEP, f"{DEEP}.01"])


@given(codes_2023, codes_2023)
def test_a_route_never_visits_a_unit_twice_nor_goes_above_the_common_ancestor(sender, recipient):
    passed = [hop.unit.identity for hop in TERRITORY.route(sender, recipient, BEFORE) if hop.unit]
    if sender != recipient:
        assert len(passed) == len(set(passed))
    common = [identity for identity in above(sender) if identity in above(recipient)]
    assert not set(passed) & set(common[1:])
    assert not common or common[0] in passed
