"""A row that anybody may import never takes over, closes or reopens what the shipped data or a signed snapshot tells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from units_scene import REFORM, passage, unit

from edocx.errors import EdocxError, UnitError
from edocx.units import MemoryDirectory, UnitId, shipped_directory, take_in
from edocx.units.agencies import take_in_agencies
from edocx.units.soundness import breaches
from edocx.units.store import DirectoryStore
from edocx.units.table import FaultyTable
from edocx.units.unit import SIGNED
from edocx.units.units_json import load, write_document

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def table(text: str, base: MemoryDirectory | None = None) -> MemoryDirectory:
    return take_in(base or shipped_directory(), text.encode(), now=NOW, source="thử").directory


def axis(*rows, base: MemoryDirectory | None = None):
    return take_in_agencies(base or shipped_directory(), json.dumps(rows, ensure_ascii=False).encode(), now=NOW)


def faults(make, *arguments, **options):
    with pytest.raises(FaultyTable) as refused:
        make(*arguments, **options)
    return [(fault.line, fault.column, fault.code) for fault in refused.value.faults]


def test_a_row_never_takes_another_agencys_other_spelling():
    taken = "id,code,code102,name\nu-a1,G12.71,000.00.00.G22,Cục Của Tôi\n"
    assert faults(table, taken) == [(2, "code102", "EDX-UNITS-CODE-TWICE")]
    alone = "id,code102,name\nu-a1,000.00.00.G22,Cục Của Tôi\n"
    assert faults(table, alone) == [(2, "code102", "EDX-UNITS-CODE-TWICE")]
    as_json = '{"units": [\n{"id": "u-a1", "code": "G12.71", "code102": "000.00.00.G22", "name": "Cục"}\n]}'
    assert faults(table, as_json) == [(2, "code102", "EDX-UNITS-CODE-TWICE")]


def test_a_record_of_the_others_contact_does_not_open_the_way_to_its_code():
    made = axis({"code": "G22", "name": "VPCP", "mail": "vt@vpcp.example"}).directory
    assert made.resolve("G22", TODAY).local
    rows = "id,code,code102,name\nu-a1,G12.71,000.00.00.G22,Cục\n"
    assert faults(table, rows, made) == [(2, "code102", "EDX-UNITS-CODE-TWICE")]


def test_between_local_units_the_other_ones_own_pair_is_recorded_first():
    first = table("id,code,name\nso-a,H20.901,Sở A\n")
    stolen = "id,code,code102,name\nso-b,H20.902,000.00.91.H20,Sở B\n"
    first = table("id,code,name\nso-a,H20.91,Sở A\n", first)
    with pytest.raises(FaultyTable) as refused:
        table(stolen, first)
    (fault,) = refused.value.faults
    assert (fault.line, fault.column, fault.code) == (2, "code102", "EDX-UNITS-CODE-TWICE")
    assert "record the pair of so-a first" in fault.text.en
    paired = table("id,code,code102,name\nso-a,H20.91,000.00.92.H20,Sở A\n", first)
    made = table(stolen, paired)
    assert made.resolve("000.00.91.H20", TODAY).identity == "so-b"
    assert made.resolve("H20.91", TODAY).identity == "so-a"


def test_the_rows_of_one_list_may_not_change_places_with_each_other():
    swapped = [{"code": "G22", "oldCode": "000.00.00.G12"}, {"code": "G12", "oldCode": "000.00.00.G22"}]
    assert faults(axis, *swapped) == [(1, "code102", "EDX-UNITS-CODE-TWICE"), (2, "code102", "EDX-UNITS-CODE-TWICE")]


@pytest.mark.parametrize(
    "row",
    [
        {"code": "G12.99", "code102": "000.00.00.G22", "name": "Của tôi", "mail": "toi@toi.example"},
        {"code": "G12", "code102": "000.00.00.G22", "name": "Của tôi", "mail": "toi@toi.example"},
        {"code": "G12.99", "code102": "000.00.99.G12", "oldCode": "000.00.00.G22", "name": "Của tôi"},
        {"code": "G22", "code102": "G12", "name": "Của tôi", "mail": "toi@toi.example"},
    ],
)
def test_a_row_of_the_axis_list_with_the_codes_of_two_units_is_nobodys(row):
    ((line, _, code),) = faults(axis, row)
    assert (line, code) == (1, "EDX-UNITS-CODE-TWICE")


def test_a_pair_that_the_rule_does_not_make_is_not_added_to_anothers_unit():
    assert faults(axis, {"code": "G22", "code102": "000.00.00.G99"}) == [(1, "code", "EDX-UNITS-TOLD")]
    made = axis({"code": "G22", "code102": "000.00.00.G22"}).directory
    assert made.resolve("000.00.00.G22", TODAY).identity == "van-phong-chinh-phu"


def test_a_closed_code_stays_closed_and_the_axis_list_goes_on_without_it():
    made = axis(
        {"code": "H58", "name": "UBND tỉnh Tiền Giang", "oldCode": "000.00.00.H58"},
        {"code": "G22", "mail": "vt@vpcp.example"},
    )
    ((code, why),) = made.left_out
    assert (code, made.rows) == ("H58", 2)
    assert [part in why.en for part in ("2025-07-01", "NQ 202/2025/QH15", "H20")] == [True] * 3
    assert made.left_out[0] in made.notes
    with pytest.raises(UnitError, match="H58") as refused:
        made.directory.resolve("H58", TODAY)
    assert refused.value.code == "EDX-UNIT-CLOSED"


@pytest.mark.parametrize(
    "rows",
    [
        "id,code,name,from\nu-lai,H58,Tỉnh giả,2025-07-01\n",
        "id,code,name,from\nu-lai,H58,Tỉnh giả,2026-01-01\n",
        "id,code,code102,name,from\nu-lai,H20.999,000.00.00.H58,Tỉnh giả,2026-01-01\n",
    ],
)
def test_a_row_that_claims_a_closed_code_is_a_fault(rows):
    ((line, _, code),) = faults(table, rows)
    assert (line, code) == (2, "EDX-UNITS-CLOSED")


def test_a_code_that_is_in_use_again_belongs_to_its_new_unit_alone():
    again = "id,code,name,kind,level,from,email\nubnd-dong-thap-2025,H20,Tên,tỉnh,province,2025-07-01,a@b.example\n"
    assert table(again).resolve("H20", TODAY).contact.email == "a@b.example"
    assert faults(table, "id,code,name,from\nu-lai,H20,Giả,2026-01-01\n") == [(2, "code", "EDX-UNITS-CODE-TWICE")]


@pytest.mark.parametrize(
    "row,column",
    [
        ("van-phong-chinh-phu,G22,VPCP,,2026-01-01", "to"),
        ("van-phong-chinh-phu,G22,VPCP,2026-01-01,", "from"),
        ("van-phong-chinh-phu,G99,VPCP,,", "code"),
        ("ubnd-tien-giang,H58,Tiền Giang,,", "to"),
    ],
)
def test_a_local_row_neither_ends_nor_recodes_a_shipped_unit(row, column):
    assert faults(table, f"id,code,name,from,to\n{row}\n") == [(2, column, "EDX-UNITS-TOLD")]


def test_what_an_earlier_version_took_in_no_longer_counts():
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    store = DirectoryStore(engine)
    store.create_tables()
    base = store.load()
    rows = [
        unit("u-a1", "G12.71", code102="000.00.00.G22", authority="local"),
        unit("u-lai", "H58", opened=REFORM, authority="local"),
        unit("so-a", "H20.91", authority="local"),
    ]
    store.save(base.with_changes(rows, (), type(base.snapshot)(base.snapshot.version + 1, NOW, "x")), based_on=base)
    assert store.load().resolve("000.00.00.G22", TODAY).identity == "van-phong-chinh-phu"
    assert {one.identity for one in store.overruled()} == {"u-a1", "u-lai"}
    assert store.load().history("so-a") is not None
    engine.dispose()


def test_what_is_signed_is_not_taken_over_either():
    signed = shipped_directory().with_changes([unit("so-ky", "H20.91", authority=SIGNED)])
    rows = "id,code,code102,name\nso-a,H20.92,000.00.91.H20,Sở\n"
    assert faults(table, rows, signed) == [(2, "code102", "EDX-UNITS-CODE-TWICE")]
    twice = signed.with_changes([unit("so-khac", "H20.92", code102="000.00.91.H20", authority=SIGNED)])
    assert [breach.code for breach in breaches(twice)] == ["EDX-UNITS-CODE-TWICE"]


def test_the_directorys_word_on_two_codes_is_local_only_where_others_say_otherwise():
    same = axis({"code": "G22", "code102": "000.00.00.G22", "mail": "a@b.example"}).directory
    assert same.same_unit("G22", "000.00.00.G22", TODAY).local
    assert not same.rests_on_local("G22", TODAY)
    own = table("id,code,code102,name\nso-a,H20.91,000.00.92.H20,Sở\n")
    answer = own.same_unit("H20.91", "000.00.92.H20", TODAY)
    assert (answer.basis, answer.local) == ("recorded", True)
    assert own.rests_on_local("H20.91", TODAY)
    assert not shipped_directory().same_unit("G22", "000.00.00.G22", TODAY).local


def test_a_pair_recorded_while_a_unit_lived_decides_after_it_closed():
    directory = MemoryDirectory([unit("so-cu", "H58.01", code102="000.00.02.H58", closed=REFORM)])
    assert directory.same_unit("H58.01", "000.00.02.H58", TODAY).basis == "recorded"
    assert not directory.same_unit("H58.01", "000.00.01.H58", TODAY)


def test_a_document_written_out_by_whoever_took_such_a_row_in_carries_it_no_further(tmp_path):
    rows = [
        unit("van-phong-chinh-phu", "G22", authority="shipped"),
        unit("bo-tai-chinh", "G12", authority="local"),
        unit("u-a1", "G12.71", code102="000.00.00.G22", authority="local"),
        unit("u-a2", "G12.72", code102="000.00.00.G12", authority="local"),
        unit("so-a", "H20.91", authority="local"),
    ]
    place = tmp_path / "danh-ba.json"
    place.write_text("".join(write_document(rows, (), shipped_directory().snapshot)), encoding="utf-8")
    loaded = load(place)
    assert {one.identity for one in loaded} == {"van-phong-chinh-phu", "bo-tai-chinh", "so-a"}
    assert loaded.resolve("000.00.00.G22", TODAY).identity == "van-phong-chinh-phu"
    assert len(load(place, as_is=True)) == len(rows)


CODES = ["G22", "G12", "H58", "H20", "H20.91", "H20.92", "H58.12"]
OLD = [str(UnitId.parse(code).to_qcvn102()) for code in CODES]
DAYS = ["", "2024-01-01", "2025-07-01", "2026-01-01"]
IDENTITIES = ["u-a", "u-b", "van-phong-chinh-phu", "ubnd-tien-giang", "ubnd-dong-thap-2025"]
a_row = st.tuples(
    st.sampled_from(IDENTITIES),
    st.sampled_from(["", *CODES]),
    st.sampled_from(["", *OLD]),
    st.sampled_from(DAYS),
    st.sampled_from(DAYS),
)
an_agency = st.fixed_dictionaries(
    {
        "code": st.sampled_from(CODES),
        "code102": st.sampled_from(["", *OLD]),
        "name": st.just("Tên"),
        "mail": st.just(""),
    }
)
an_import = st.one_of(st.lists(a_row, min_size=1, max_size=2), st.lists(an_agency, min_size=1, max_size=3))


def small() -> MemoryDirectory:
    whole = shipped_directory()
    kept = [one for one in whole if one.identity in (*IDENTITIES, "bo-tai-chinh", "ubnd-dong-thap")]
    return MemoryDirectory(kept, [passage("merge", "ubnd-tien-giang", "ubnd-dong-thap-2025")])


@settings(max_examples=150, deadline=None)
@given(st.lists(an_import, max_size=4))
def test_after_any_imports_a_code_is_one_units_and_what_was_closed_stays_closed(imports):
    base = directory = small()
    for one in imports:
        try:
            if isinstance(one[0], dict):
                directory = axis(*one, base=directory).directory
            else:
                directory = table(
                    "id,code,code102,from,to,name\n" + "".join(f"{','.join(r)},Tên\n" for r in one), directory
                )
        except EdocxError:
            continue
    assert not list(breaches(directory))
    for text in (*CODES, *OLD):
        code = UnitId.parse(text)
        held = directory.holdings(code)
        for (_, end, first), (start, _, second) in pairwise(held):
            assert end <= start or first is second
        for day in (date(2024, 6, 1), date(2025, 8, 1), TODAY):
            told, found = base.find(code, day), directory.find(code, day)
            if told is not None:
                assert getattr(found, "identity", None) == told.identity
            elif any(end <= day for _, end, _ in base.holdings(code)):
                assert found is None
