"""What must hold of a directory; each breach is named with the unit and the field."""

from __future__ import annotations

from datetime import date

import pytest
from units_scene import REFORM, passage, unit

from edocx.units import MemoryDirectory, Span
from edocx.units.history import BEGIN, END
from edocx.units.soundness import MAX_LEVELS, MAX_STEPS, breaches

EARLY, LATE = date(2020, 1, 1), date(2024, 1, 1)


def found(*histories, edges=()):
    return [(breach.subject, breach.column, breach.code) for breach in breaches(MemoryDirectory(histories, edges))]


def test_the_scene_of_the_reform_is_sound(reform):
    assert list(breaches(reform)) == []


def test_a_life_ends_after_it_begins():
    assert found(unit("so-mot", opened=LATE, closed=EARLY)) == [("so-mot", "to", "EDX-UNITS-LIFE")]


def test_an_identity_can_never_be_read_as_a_code():
    for identity in ("h58", "H58", "somot", "so mot", "0301234567", "so-" + "a" * 200):
        assert [one[1:] for one in found(unit(identity))] == [("id", "EDX-UNITS-IDENTITY")]


@pytest.mark.parametrize(
    "spans,code",
    [
        ((Span("a", BEGIN, LATE), Span("b", EARLY, END)), "EDX-UNITS-OVERLAP"),
        ((Span("a", LATE, EARLY),), "EDX-UNITS-INTERVAL"),
    ],
)
def test_intervals_of_a_fact_neither_overlap_nor_run_backwards(spans, code):
    assert found(unit("so-mot", name=spans)) == [("so-mot", "name", code)]


def test_intervals_stay_inside_the_life():
    spans = (Span("a", EARLY, REFORM),)
    assert found(unit("so-mot", name=spans, opened=EARLY, closed=LATE)) == [("so-mot", "name", "EDX-UNITS-INTERVAL")]


def test_two_units_never_hold_one_code_on_one_day():
    first = unit("so-mot", "H01.01", closed=REFORM)
    assert found(first, unit("so-hai", "H01.01", opened=REFORM)) == []
    assert found(first, unit("so-hai", "H01.01", opened=LATE)) == [("so-hai", "code", "EDX-UNITS-CODE-TWICE")]
    assert found(unit("so-mot", code102="000.00.01.H01"), unit("so-hai", code102="000.00.01.H01")) == [
        ("so-hai", "code102", "EDX-UNITS-CODE-TWICE")
    ]


def test_a_code_that_was_given_back_may_be_given_out_again():
    spans = (Span(unit("x-x", "H01.01").last.code, BEGIN, EARLY),)
    assert (
        found(unit("so-mot", None).__class__.of("so-mot", name="a", code=spans), unit("so-hai", "H01.01", opened=EARLY))
        == []
    )


def test_parents_and_hubs_exist():
    assert found(unit("so-mot", parent="no-body", served_by="no-hub")) == [
        ("so-mot", "parent", "EDX-UNITS-NOBODY"),
        ("so-mot", "served_by", "EDX-UNITS-NOBODY"),
    ]


def test_a_child_lives_within_its_parents_life():
    parent = unit("tinh-a", "H01", opened=EARLY, closed=REFORM)
    assert found(parent, unit("so-mot", parent="tinh-a", opened=EARLY, closed=REFORM)) == []
    for life in ({"closed": REFORM}, {"opened": EARLY}):
        assert found(parent, unit("so-mot", parent="tinh-a", **life)) == [("so-mot", "parent", "EDX-UNITS-OUTLIVES")]


def test_a_child_may_move_when_its_parent_ends():
    moved = (Span("tinh-a", BEGIN, REFORM), Span("tinh-b", REFORM, END))
    old, new = unit("tinh-a", "H01", closed=REFORM), unit("tinh-b", "H01", opened=REFORM)
    assert found(old, new, unit("so-mot", parent=moved)) == []


@pytest.mark.parametrize("column", ["parent", "served_by"])
def test_nobody_stands_above_himself(column):
    ring = [
        unit("so-mot", **{column: "so-hai"}),
        unit("so-hai", **{column: "so-ba"}),
        unit("so-ba", **{column: "so-mot"}),
    ]
    assert {(one[1], one[2]) for one in found(*ring)} == {(column, "EDX-UNITS-CYCLE")}
    assert found(unit("so-mot", **{column: "so-mot"})) == [("so-mot", column, "EDX-UNITS-CYCLE")]


def test_two_units_may_change_places_as_long_as_no_day_sees_a_circle():
    first = unit("so-mot", parent=(Span("so-hai", BEGIN, EARLY), Span(None, EARLY, END)))
    second = unit("so-hai", parent=(Span(None, BEGIN, EARLY), Span("so-mot", EARLY, END)))
    assert found(first, second) == []
    second = unit("so-hai", parent=(Span(None, BEGIN, date(2019, 1, 1)), Span("so-mot", date(2019, 1, 1), END)))
    assert {one[2] for one in found(first, second)} == {"EDX-UNITS-CYCLE"}


def test_a_chain_deeper_than_any_real_one_is_still_followed_to_its_end():
    chain = [unit(f"so-{number}", parent=f"so-{number + 1}") for number in range(200)]
    assert found(*chain, unit("so-200")) == []
    assert {one[2] for one in found(*chain, unit("so-200", parent="so-0"))} == {"EDX-UNITS-CYCLE"}


def test_successors_exist_and_outlive_their_predecessors():
    old, new = unit("so-mot", closed=REFORM), unit("so-hai")
    assert found(old, new, edges=[passage("merge", "so-mot", "so-hai")]) == []
    for edge, column, code in (
        (passage("merge", "so-mot", "no-body"), "successor", "EDX-UNITS-NOBODY"),
        (passage("merge", "no-body", "so-hai"), "predecessor", "EDX-UNITS-NOBODY"),
        (passage("abolish", "so-mot", None, custodian="no-body"), "custodian", "EDX-UNITS-NOBODY"),
        (passage("merge", "so-mot", "so-hai", EARLY), "on", "EDX-UNITS-SUCCESSION"),
        (passage("merge", "so-mot", "so-mot"), "successor", "EDX-UNITS-SUCCESSION"),
    ):
        assert found(old, new, edges=[edge]) == [(edge, column, code)]


def test_successors_in_a_circle_are_impossible():
    first, second = unit("so-mot", closed=REFORM), unit("so-hai", closed=REFORM)
    edges = [passage("merge", "so-mot", "so-hai"), passage("merge", "so-hai", "so-mot")]
    assert {one[2] for one in found(first, second, edges=edges)} == {"EDX-UNITS-SUCCESSION"}


def test_a_transfer_leaves_the_predecessor_standing():
    assert found(unit("so-mot"), unit("so-hai"), edges=[passage("transfer", "so-mot", "so-hai")]) == []


def test_a_unit_is_connected_through_a_hub_that_lives_as_long():
    hub = unit("hub-mot", "H01", opened=EARLY, closed=REFORM)
    through = unit("so-mot", "H01.01", served_by="hub-mot", opened=EARLY)
    assert found(hub, through) == [("so-mot", "served_by", "EDX-UNITS-OUTLIVES")]
    assert found(hub, unit("so-mot", "H01.01", served_by="hub-mot", opened=EARLY, closed=REFORM)) == []


def test_a_chain_is_walked_once_whatever_its_length(monkeypatch):
    asked = []
    ask = MemoryDirectory.history
    monkeypatch.setattr(MemoryDirectory, "history", lambda self, who: asked.append(who) or ask(self, who))
    many = 2000
    chain = [unit(f"x-{n}", parent=f"x-{n + 1}" if n < many else None) for n in range(many + 1)]
    kinds = {breach.code for breach in breaches(MemoryDirectory(chain))}
    assert kinds == {"EDX-UNITS-DEPTH"}
    assert len(asked) < 10 * many


def test_a_chain_as_deep_as_allowed_is_sound_and_one_deeper_is_not():
    chain = [unit(f"x-{n}", parent=f"x-{n + 1}" if n < MAX_LEVELS else None) for n in range(MAX_LEVELS + 1)]
    assert found(*chain) == []
    assert found(*chain, unit("x-x", parent="x-0")) == [("x-x", "parent", "EDX-UNITS-DEPTH")]


def test_a_circle_of_thousands_is_refused_in_bounded_steps(monkeypatch):
    asked = []
    ask = MemoryDirectory.history
    monkeypatch.setattr(MemoryDirectory, "history", lambda self, who: asked.append(who) or ask(self, who))
    many = 3000
    circle = [unit(f"x-{n}", parent=f"x-{(n + 1) % many}") for n in range(many)]
    assert ("x-0", "parent", "EDX-UNITS-CYCLE") in [breach[:3] for breach in breaches(MemoryDirectory(circle))]
    assert len(asked) < 2 * MAX_STEPS


def test_a_unit_never_succeeds_itself_nor_do_transfers_lead_round_on_one_day():
    units = [unit("so-a"), unit("so-b"), unit("so-c")]
    itself = passage("transfer", "so-a", "so-a")
    assert found(*units, edges=[itself]) == [(itself, "successor", "EDX-UNITS-SUCCESSION")]
    there, on = passage("transfer", "so-a", "so-b"), passage("transfer", "so-b", "so-c")
    back = passage("transfer", "so-c", "so-a")
    assert found(*units, edges=[there, on]) == []
    assert [code for _, _, code in found(*units, edges=[there, on, back])] == ["EDX-UNITS-SUCCESSION"]
    later = passage("transfer", "so-c", "so-a", on=date(2026, 1, 1))
    assert found(*units, edges=[there, on, later]) == []
