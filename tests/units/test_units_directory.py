"""The dated directory: who holds a code on a day, who took over, which two codes are one unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from units_scene import REFORM, passage, unit

from edocx.errors import UnitError, UsageError
from edocx.units import Directory, Level, MemoryDirectory, Snapshot, Span, UnitHistory, UnitId
from edocx.units.history import BEGIN, END
from edocx.units.soundness import breaches

BEFORE, DAY_BEFORE, AFTER = date(2023, 6, 30), date(2025, 6, 30), date(2026, 11, 22)


def test_one_code_means_two_units_before_and_after_a_merger(reform):
    assert reform.resolve("H20", DAY_BEFORE).identity == "ubnd-dong-thap"
    assert reform.resolve("H20", REFORM).identity == "ubnd-dong-thap-2025"


def test_level_is_what_the_directory_says_and_not_the_depth_of_the_code(reform):
    ministry, province = reform.resolve("G22", AFTER), reform.resolve("H20", AFTER)
    assert (ministry.code.depth, province.code.depth) == (1, 1)
    assert (ministry.level, province.level) == (Level.CENTRAL, Level.PROVINCE)
    district, department = reform.resolve("H58.12", BEFORE), reform.resolve("H58.01", BEFORE)
    assert (district.code.depth, department.code.depth) == (2, 2)
    assert (district.level, department.level) == (Level.DISTRICT, Level.PROVINCE)
    old, new = reform.resolve("H58.12.01", BEFORE), reform.resolve("H20.101", AFTER)
    assert (old.code.depth, new.code.depth) == (3, 2)
    assert old.level is new.level is Level.COMMUNE


def test_a_moment_is_taken_as_the_day_in_vietnam(reform):
    just_before = datetime(2025, 6, 30, 16, 59, tzinfo=UTC)
    assert reform.resolve("H20", just_before).identity == "ubnd-dong-thap"
    assert reform.resolve("H20", just_before + timedelta(minutes=1)).identity == "ubnd-dong-thap-2025"
    with pytest.raises(UsageError):
        reform.resolve("H20", datetime(2025, 7, 1))  # noqa: DTZ001


def test_a_closed_unit_is_refused_with_its_successors_from_the_first_day_on(reform):
    assert reform.resolve("H58", DAY_BEFORE)
    with pytest.raises(UnitError) as refused:
        reform.resolve("H58", REFORM)
    error = refused.value
    assert error.code == "EDX-UNIT-CLOSED"
    assert error.successors == ("H20",)
    assert "01/07/2025" in error.text.vi
    assert "NQ 202/2025/QH15" in error.text.vi
    assert "Ủy ban nhân dân Đồng Tháp" in error.hint.vi
    with pytest.raises(UnitError) as refused:
        reform.resolve("H58.12.02", REFORM)
    assert set(refused.value.successors) == {"H20.101", "H20.102"}


def test_a_closed_unit_without_successor_points_to_who_stands_above_today(reform):
    with pytest.raises(UnitError) as refused:
        reform.resolve("H58.01", AFTER)
    assert refused.value.successors == ()
    assert "H20 (Ủy ban nhân dân Đồng Tháp)" in refused.value.hint.vi


def test_an_unlisted_unit_is_refused_naming_the_nearest_known_ancestor(reform):
    with pytest.raises(UnitError) as refused:
        reform.resolve("H58.12.99", BEFORE)
    assert (refused.value.code, refused.value.nearest) == ("EDX-UNIT-UNKNOWN", "H58.12")
    assert "Huyện Cái Bè" in refused.value.text.vi
    with pytest.raises(UnitError) as refused:
        reform.resolve("H58.77.01", AFTER)
    assert (refused.value.nearest, refused.value.successors) == ("H58", ("H20",))
    with pytest.raises(UnitError) as refused:
        reform.resolve("K01.02", AFTER)
    assert refused.value.nearest is None


def test_a_unit_that_does_not_exist_yet_is_refused_with_its_first_day(reform):
    with pytest.raises(UnitError) as refused:
        reform.resolve("H20.101", BEFORE)
    assert refused.value.code == "EDX-UNIT-NOT-OPEN"
    assert "01/07/2025" in refused.value.text.vi


def test_a_code_given_up_by_a_unit_that_goes_on_points_to_its_new_code():
    codes = (Span(UnitId.parse("H58.12"), BEGIN, REFORM), Span(UnitId.parse("H58.13"), REFORM, END))
    directory = MemoryDirectory([UnitHistory.of("so-mot", name="Sở", code=codes)])
    with pytest.raises(UnitError) as refused:
        directory.resolve("H58.12", AFTER)
    assert (refused.value.code, refused.value.successors) == ("EDX-UNIT-CLOSED", ("H58.13",))
    with pytest.raises(UnitError) as refused:
        directory.resolve("H58.13", BEFORE)
    assert refused.value.code == "EDX-UNIT-NOT-OPEN"
    assert "01/07/2025" in refused.value.text.vi
    assert directory.resolve("000.00.12.H58", BEFORE).identity == "so-mot"
    with pytest.raises(UnitError) as refused:
        directory.resolve("000.00.12.H58", AFTER)
    assert refused.value.successors == ("H58.13",)


def test_the_last_holder_of_a_code_is_the_one_that_is_explained():
    directory = MemoryDirectory(
        [
            unit("so-mot", "H58.12", name="Sở Một", closed=date(2020, 1, 1)),
            unit("so-hai", "H58.12", name="Sở Hai", opened=date(2021, 1, 1), closed=date(2022, 1, 1)),
            unit("so-ba", "H58.12", name="Sở Ba", opened=date(2024, 1, 1)),
        ]
    )
    for day, name in ((date(2020, 6, 1), "Sở Một"), (date(2023, 1, 1), "Sở Hai")):
        with pytest.raises(UnitError) as refused:
            directory.resolve("H58.12", day)
        assert refused.value.code == "EDX-UNIT-CLOSED"
        assert name in refused.value.text.vi


def test_successors_are_those_of_the_day_asked_for(reform):
    assert [one.unit.identity for one in reform.successors("H58", AFTER)] == ["ubnd-dong-thap-2025"]
    assert reform.successors("H58", BEFORE) == ()
    assert reform.successors("H20", AFTER) == ()
    assert [one.unit.identity for one in reform.successors("ubnd-dong-thap", AFTER)] == ["ubnd-dong-thap-2025"]
    assert {one.edge.predecessor for one in reform.predecessors("H20", AFTER)} == {"ubnd-dong-thap", "ubnd-tien-giang"}
    assert reform.predecessors("H20", BEFORE) == ()


def test_successors_are_followed_to_units_that_stand():
    later = date(2026, 1, 1)
    directory = MemoryDirectory(
        [
            unit("one-a", "H01.01", closed=REFORM),
            unit("two-b", "H01.02", opened=REFORM, closed=later),
            unit("three-c", "H01.03", opened=later),
        ],
        [
            passage("merge", "one-a", "two-b"),
            passage("rename", "two-b", "three-c", later, verified=False, source="memory"),
        ],
    )
    (heir,) = directory.successors("H01.01", later)
    assert heir.unit.identity == "three-c"
    assert [edge.successor for edge in heir.path] == ["two-b", "three-c"]
    assert not heir.verified
    assert [one.unit.identity for one in directory.successors("H01.01", REFORM)] == ["two-b"]
    with pytest.raises(UnitError) as refused:
        directory.resolve("H01.01", later)
    assert "chưa kiểm chứng" in refused.value.hint.vi


def test_a_recorded_pair_decides_before_the_syntactic_rule():
    directory = MemoryDirectory(
        [
            unit("so-mot", "H58.99", code102="000.00.12.H58"),
            unit("so-hai", "H58.12"),
            unit("so-ba", "H58.13"),
        ]
    )
    recorded = directory.same_unit("000.00.12.H58", "H58.99", AFTER)
    assert (recorded.same, recorded.basis) == (True, "recorded")
    contradicted = directory.same_unit("000.00.12.H58", "H58.12", AFTER)
    assert (contradicted.same, contradicted.basis) == (False, "different")
    syntactic = directory.same_unit("000.00.13.H58", "H58.13", AFTER)
    assert (syntactic.same, syntactic.basis) == (True, "syntactic")
    assert "quy tắc chuyển đổi" in syntactic.text.vi
    assert not directory.same_unit("0301234567", "H58.13", AFTER)
    assert directory.resolve("000.00.12.H58", AFTER).identity == "so-mot"
    assert directory.resolve("000.00.13.H58", AFTER).identity == "so-ba"


def test_a_code_recorded_otherwise_is_not_found_by_the_syntactic_rule():
    directory = MemoryDirectory([unit("so-mot", "H58.12", code102="000.00.77.H58")])
    with pytest.raises(UnitError):
        directory.resolve("000.00.12.H58", AFTER)


def test_every_fact_has_its_own_validity():
    renamed, moved = date(2020, 1, 1), date(2022, 1, 1)
    history = unit(
        "so-mot",
        "H01.01",
        name=(Span("Tên cũ", BEGIN, renamed), Span("Tên mới", renamed, END, verified=False)),
        served_by=(Span("tinh-a", BEGIN, moved), Span(None, moved, END)),
    )
    directory = MemoryDirectory([history, unit("tinh-a", "H01")])
    assert [(one.name, one.served_by) for one in history.states] == [
        ("Tên cũ", "tinh-a"),
        ("Tên mới", "tinh-a"),
        ("Tên mới", None),
    ]
    old, new = directory.resolve("H01.01", date(2019, 1, 1)), directory.resolve("H01.01", renamed)
    assert (old.unverified, new.unverified) == (frozenset(), {"name"})
    assert (old.since, old.until, new.since, new.until) == (None, renamed, renamed, moved)


def test_parents_and_children_follow_the_date(reform):
    assert [child.identity for child in reform.children("H58.12", BEFORE)] == ["xa-12-01", "xa-12-02"]
    assert [child.identity for child in reform.children("H20", AFTER)] == ["xa-101", "xa-102"]
    assert reform.children("H20", BEFORE) == ()
    assert reform.parent("H58.12.01", BEFORE).identity == "huyen-12"
    assert reform.parent("H20", AFTER) is None
    assert len(list(reform.at(BEFORE))) == 8


def test_answers_carry_the_age_of_the_snapshot():
    taken = datetime(2026, 11, 1, tzinfo=UTC)
    directory = MemoryDirectory([], [], Snapshot(7, taken, "trục"))
    assert directory.snapshot.age(taken + timedelta(days=3)) == timedelta(days=3)
    assert directory.at(AFTER).snapshot.version == 7


def test_the_memory_directory_is_a_directory(reform):
    assert isinstance(reform, Directory)


@st.composite
def successions(draw):
    """A row of days; on each some of the units then open end and pass to new ones or to one that stays."""
    histories, edges = [], []
    standing = [(f"unit-{number}", f"H01.{number:02}", BEGIN) for number in range(draw(st.integers(1, 4)))]
    number, day = len(standing), date(2020, 1, 1)
    for _ in range(draw(st.integers(0, 5))):
        day += timedelta(days=draw(st.integers(1, 400)))
        ending = [one for one in standing if draw(st.booleans())]
        staying = [one for one in standing if one not in ending]
        fresh = []
        for _ in range(draw(st.integers(0 if staying else 1, 2))):
            code = draw(st.sampled_from([one[1] for one in ending] or ["H01.99"]))
            if code not in {one[1] for one in fresh + staying}:
                fresh.append((f"unit-{number}", code, day))
                number += 1
        for identity, code, opened in ending:
            histories.append(unit(identity, code, opened=opened, closed=day))
            heirs = draw(st.lists(st.sampled_from(staying + fresh), max_size=2, unique=True)) if staying + fresh else []
            edges += [passage("merge", identity, heir[0], day) for heir in heirs]
        standing = staying + fresh
    histories += [unit(identity, code, opened=opened) for identity, code, opened in standing]
    return MemoryDirectory(histories, edges)


@given(successions(), st.dates(date(2019, 1, 1), date(2026, 1, 1)))
def test_following_successors_ends_at_units_that_stand(directory, day):
    assert list(breaches(directory)) == []
    for history in directory:
        for heir in directory.successors(history.last, day):
            assert heir.unit.since is None or heir.unit.since <= day
            assert heir.unit.until is None or day < heir.unit.until
            assert heir.path[0].predecessor == history.identity


@given(successions(), st.dates(date(2019, 1, 1), date(2026, 1, 1)))
def test_every_day_has_at_most_one_holder_of_a_code(directory, day):
    held = [one.code for one in directory.at(day) if one.code]
    assert len(held) == len(set(held))
    for code in held:
        assert directory.resolve(code, day).code == code


def test_identities_and_codes_are_never_confused(reform):
    assert reform.find("xa-101", AFTER).code == UnitId.parse("H20.101")
    assert reform.find(reform.resolve("H20.101", AFTER), AFTER).identity == "xa-101"
    assert reform.find("H99", AFTER) is None


def test_a_recorded_pair_is_never_overruled_by_the_syntactic_rule():
    directory = MemoryDirectory([unit("so-a", "H20.55", code102="000.00.77.H20")])
    assert directory.latest("000.00.77.H20", date(2026, 1, 1)).identity == "so-a"
    assert directory.latest("H20.77", date(2026, 1, 1)) is None
    assert directory.holdings(UnitId.parse("H20.77")) == []
    assert directory.successors("H20.77", date(2026, 1, 1)) == ()
    with pytest.raises(UnitError) as refused:
        directory.resolve("H20.77", date(2026, 1, 1))
    assert refused.value.code == "EDX-UNIT-UNKNOWN"


def test_the_syntactic_rule_speaks_until_the_pair_is_recorded():
    codes = (Span(None, BEGIN, date(2024, 1, 1)), Span(UnitId.parse("H20.55"), date(2024, 1, 1), END))
    directory = MemoryDirectory([UnitHistory.of("so-a", name="A", code=codes, code102=UnitId.parse("000.00.77.H20"))])
    held = directory.holdings(UnitId.parse("H20.77"))
    assert [(start, end) for start, end, _ in held] == [(BEGIN, date(2024, 1, 1))]
    assert directory.resolve("H20.77", date(2023, 1, 1)).identity == "so-a"
