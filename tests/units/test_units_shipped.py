"""The shipped data: what the tables say, nothing invented, what rests on memory marked."""

from __future__ import annotations

import csv
import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest

from edocx.units import Level, UnitId
from edocx.units.shipped import DOCUMENTS, shipped_directory
from edocx.units.soundness import breaches

ROOT = Path(__file__).parents[2]
BEFORE, AFTER = date(2023, 6, 30), date(2026, 11, 22)


@pytest.fixture(scope="module")
def directory():
    return shipped_directory()


@pytest.fixture(scope="module")
def builder():
    spec = importlib.util.spec_from_file_location("build_units_data", ROOT / "tools/build_units_data.py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    yield module
    monkeypatch.undo()


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_shipped_directory_is_sound(directory):
    assert list(breaches(directory)) == []


def test_34_provinces_stand_and_29_codes_closed_on_the_first_of_july(directory):
    def codes(day, letter):
        return {
            one.code.code
            for one in directory.at(day)
            if one.code and one.code.depth == 1 and one.code.code[0] == letter
        }

    for letter in "HK":
        assert len(codes(date(2025, 6, 30), letter)) == 63
        assert len(codes(date(2025, 7, 1), letter)) == 34
        assert len(codes(date(2025, 6, 30), letter) - codes(date(2025, 7, 1), letter)) == 29


def test_a_merged_province_keeps_its_code_and_is_another_unit(directory):
    old, new = directory.resolve("H20", BEFORE), directory.resolve("H20", AFTER)
    assert old.identity != new.identity
    assert old.name == new.name
    heirs = directory.successors("H58", AFTER)
    assert [heir.unit.identity for heir in heirs] == [new.identity]
    assert heirs[0].path[0].decree == "NQ 202/2025/QH15"


def test_an_unchanged_province_is_one_unit_throughout(directory):
    assert directory.resolve("H26", BEFORE).identity == directory.resolve("H26", AFTER).identity


def test_later_changes_of_kind_have_their_own_days(directory):
    for code, day in (("H19", date(2026, 4, 30)), ("H49", date(2026, 9, 1)), ("H05", date(2026, 9, 20))):
        assert directory.resolve(code, date.fromordinal(day.toordinal() - 1)).kind == "tỉnh"
        assert directory.resolve(code, day).kind == "thành phố"
    kinds = [one.kind for one in directory.at(AFTER) if one.code and one.code.depth == 1 and one.code.code[0] == "H"]
    assert (kinds.count("thành phố"), kinds.count("tỉnh")) == (9, 25)


def test_hue_was_thua_thien_hue_until_2025(directory):
    assert directory.resolve("H57", date(2024, 12, 31)).name.endswith("Thừa Thiên Huế")
    assert directory.resolve("H57", date(2025, 1, 1)).name.endswith("thành phố Huế")


def test_3321_communes_stand_directly_under_their_provinces(directory):
    communes = [one for one in directory.at(AFTER) if one.level is Level.COMMUNE]
    assert len(communes) == 3321
    assert len({one.statistical_code for one in communes}) == 3321
    assert len(directory.children("H20", AFTER)) == 102
    assert [one for one in directory.at(BEFORE) if one.level is Level.COMMUNE] == []
    assert [one for one in directory if one.last.level is Level.DISTRICT] == []


def test_the_ten_wards_of_dong_nai_were_communes_until_the_city_was_made(directory):
    def wards(day):
        return sum(one.kind == "phường" for one in directory.children("H19", day))

    assert wards(date(2026, 4, 30)) - wards(date(2026, 4, 29)) == 10


def test_where_no_official_code_is_known_there_is_none(directory):
    coded = [one for one in directory.at(AFTER) if one.level is Level.COMMUNE and one.code]
    assert [(one.code.code, one.name) for one in coded] == [("H01.151", "Xã Định Mỹ")]
    assert all(one.code102 is None for one in directory.at(AFTER))


def test_what_rests_on_memory_says_so(directory):
    heirs = directory.successors("G07", AFTER)
    assert {heir.unit.code.code for heir in heirs} == {"G03", "G09", "G18"}
    assert not any(heir.verified for heir in heirs)
    assert "kind" in directory.resolve("H58", BEFORE).unverified
    assert "status" in directory.resolve("G36", AFTER).unverified
    assert {"name", "status"} <= directory.resolve("G29", AFTER).unverified
    assert directory.resolve("G10", BEFORE).unverified == {"name"}
    assert directory.resolve("G10", AFTER).unverified == frozenset()


def test_communes_that_may_have_become_wards_are_unverified_from_that_day(directory):
    communes = [one for one in directory.children("H49", AFTER) if one.kind == "xã"]
    assert communes
    assert all({"kind", "name"} <= one.unverified for one in communes)
    assert not any(one.unverified for one in directory.children("H49", date(2026, 8, 31)))


def test_predecessors_of_a_commune_are_found_by_name(directory):
    found = directory.search("Xã Định Thành", AFTER)
    assert any(one.name == "Xã Định Mỹ" for one in found)
    (commune,) = [one for one in directory.children("H01", AFTER) if one.code == UnitId.parse("H01.151")]
    assert commune.formerly == ("Xã Vĩnh Phú (huyện Thoại Sơn)", "Xã Định Thành", "Xã Định Mỹ")


def test_the_files_are_what_the_script_makes_of_the_tables(tables, builder):
    made = builder.documents(builder.build(tables))
    assert tuple(made) == DOCUMENTS
    for name, text in made.items():
        assert text == (builder.DATA / name).read_text(encoding="utf-8")
        assert len(text.encode()) < 1_000_000  # a change must be readable in a review


def test_every_row_of_the_commune_tables_matches_or_is_listed(tables, builder):
    notes = builder.build(tables).notes
    assert notes[0].startswith("3321 communes, 3321 matched; 14 by name")
    assert len(notes) == 1 + 14
    assert sum("Đồng Nai" in note for note in notes) == 10


def test_every_listed_level_one_code_is_there_with_its_status(tables, directory):
    for row in rows(tables / "org-codes.csv"):
        holders = directory.holdings(UnitId.parse(row["code"]))
        assert holders, row["code"]
        standing = directory.find(UnitId.parse(row["code"]), AFTER)
        assert (standing is None) == (row["status_2026"] == "closed"), row["code"]


def test_every_predecessor_of_a_province_leads_to_it(tables, directory):
    for row in rows(tables / "provinces-2025.csv"):
        for closed in filter(None, row["closed_org_codes"].split("|")):
            (heir,) = directory.successors(closed, AFTER)
            assert heir.unit.code.code == row["org_code_level1"]
            assert heir.unit.statistical_code == row["gso_code_qd19_2025"]
