"""Taking in many units: whole or not at all, every fault by line and column; what goes out comes back equal."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from units_scene import REFORM, passage, unit

from edocx.errors import InputError, LimitExceeded
from edocx.units import Capabilities, Contact, Level, MemoryDirectory, Snapshot, Span, table
from edocx.units.agencies import is_agency_list, take_in_agencies
from edocx.units.bulk import take_in
from edocx.units.conversion import convert_table, read_codes
from edocx.units.difference import compare, same_record
from edocx.units.history import BEGIN
from edocx.units.table import MAX_FAULTS, FaultyTable
from edocx.units.units_csv import write_successions, write_units
from edocx.units.units_json import read_document, write_document

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SNAPSHOT = Snapshot(3, NOW, "thử")


def taken(base, text, **known):
    data = text if isinstance(text, bytes) else text.encode()
    return take_in(base, data, now=NOW, source="test", **known)


def faults(base, text):
    with pytest.raises(FaultyTable) as refused:
        taken(base, text)
    assert all(fault.text.vi and fault.text.en for fault in refused.value.faults)
    return [(fault.line, fault.column, fault.code) for fault in refused.value.faults]


def rich_directory():
    renamed = date(2021, 5, 1)
    return MemoryDirectory(
        [
            unit("tinh-a", "H01", code102="000.00.00.H01", level=Level.PROVINCE, kind="tỉnh", source="nguồn"),
            unit(
                "so-mot",
                "H01.DN.001",
                name=(Span("Sở, “cũ”", BEGIN, renamed), Span("Sở; mới", renamed, REFORM, verified=False)),
                parent="tinh-a",
                served_by="tinh-a",
                closed=REFORM,
                contact=Contact("Số 1, đường A", "a@example.vn", "0123"),
                capabilities=Capabilities(("edoc", "status"), 50_000_000, seals=True),
            ),
            unit("xa-hai", None, opened=REFORM, formerly=("Xã A (huyện B)", "Xã C"), statistical_code="30709"),
            unit("mst-ba", "0301234567-001", authority="local"),
        ],
        [passage("split", "so-mot", "xa-hai", custodian="tinh-a", source="nguồn", verified=False)],
        SNAPSHOT,
    )


def test_a_json_document_comes_back_equal():
    directory = rich_directory()
    text = "".join(write_document(directory, directory.successions, SNAPSHOT))
    assert json.loads(text)["schema"] == 1
    for layout in (text, json.dumps(json.loads(text)), json.dumps(json.loads(text), indent=2, ensure_ascii=False)):
        document = read_document(layout.encode())
        assert document.snapshot == SNAPSHOT
        again = MemoryDirectory((one for _, one in document.units), (one for _, one in document.successions))
        assert not compare(directory, again)


def test_csv_tables_come_back_equal():
    directory = rich_directory()
    empty = MemoryDirectory([], [], SNAPSHOT)
    units = taken(empty, "".join(write_units(directory)), authority="shipped").directory
    again = taken(units, "".join(write_successions(directory.successions)), authority="shipped").directory
    for history in directory:
        mine = again.history(history.identity)
        assert [(s.name, s.code, s.parent, s.contact, s.capabilities, s.since, s.until) for s in mine.states] == [
            (s.name, s.code, s.parent, s.contact, s.capabilities, s.since, s.until) for s in history.states
        ]
        assert mine.formerly == history.formerly
    assert again.successions == directory.successions


def test_the_tables_of_vietnamese_excel_are_read(reform):
    table = "id;code;name;level;parent;from\r\nso-moi;H20.55;Sở Tài chính;province;H20;2025-07-01\r\n"
    for data in (table.encode("utf-8-sig"), table.encode("utf-16"), table.replace(";", "\t").encode()):
        made = taken(reform, data)
        history = made.directory.history("so-moi")
        assert (history.last.parent, history.last.level, history.last.local) == (
            "ubnd-dong-thap-2025",
            Level.PROVINCE,
            True,
        )
        assert [one.identity for one in made.difference.added] == ["so-moi"]


def test_several_rows_of_one_unit_are_its_history(reform):
    made = taken(
        reform,
        "id,code,name,kind,from,to\n"
        "so-moi,G12.01,Tên một,sở,2020-01-01,2022-01-01\n"
        "so-moi,G12.01,Tên hai,sở,2022-01-01,\n",
    )
    history = made.directory.history("so-moi")
    assert [(one.name, one.since, one.until) for one in history.states] == [
        ("Tên một", date(2020, 1, 1), date(2022, 1, 1)),
        ("Tên hai", date(2022, 1, 1), None),
    ]
    assert [span.start for span in history.spans("kind")] == [date(2020, 1, 1)]


def test_without_an_id_one_is_made_of_code_and_first_day(reform):
    made = taken(reform, "code,name,from\nG12.77,Cục A,2024-01-01\nG12.78,Cục B,\n")
    assert {one.identity for one in made.difference.added} == {"unit-g12.77-2024-01-01", "unit-g12.78"}


def test_parents_may_stand_further_down_in_the_same_file(reform):
    made = taken(reform, "id,code,name,parent\ncuc-con,G12.77.01,Chi cục,G12.77\ncuc-cha,G12.77,Cục,bo-tai-chinh\n")
    assert made.directory.parent("G12.77.01", NOW).identity == "cuc-cha"


def test_every_fault_of_every_row_is_named_and_nothing_is_taken(reform):
    before = len(reform)
    assert faults(
        reform,
        "id,code,name,level,parent,from,to,max_bytes,seals\n"
        "so-a,Н58.01,Tên,province,,,,,\n"
        "so-b,G12.02,Tên,tỉnh,,,,,\n"
        "so-c,G12.03,Tên,,H77,,,,\n"
        "so-d,G12.04,Tên,,,01/07/2025,,,\n"
        "so-e,G12.05,Tên,,,,,1e9,\n"
        "so-g,G12.06,Tên,,,,,,maybe\n"
        "so-h,G12.07,Tên\u202e,,,,,,\n",
    ) == [
        (2, "code", "EDX-UNIT-CHARACTER"),
        (3, "level", "EDX-TABLE-VALUE"),
        (5, "from", "EDX-TABLE-VALUE"),
        (6, "max_bytes", "EDX-TABLE-VALUE"),
        (7, "seals", "EDX-TABLE-VALUE"),
        (8, "name", "EDX-TABLE-VALUE"),
        (4, "parent", "EDX-UNITS-NOBODY"),
    ]
    assert len(reform) == before


def test_what_the_rows_would_make_of_the_directory_is_checked_too(reform):
    assert faults(
        reform,
        "id,code,name,parent,from,to\n"
        "so-a,G22,Kẻ mạo danh,,,\n"
        "so-b,G12.01,Cục,so-c,,\n"
        "so-c,G12.02,Cục,so-b,,\n"
        "so-d,H20.01,Sở,ubnd-dong-thap-2025,2024-01-01,\n"
        "so-e,G12.09,Cục,,2025-01-01,2024-01-01\n",
    ) == [
        (2, "code", "EDX-UNITS-CODE-TWICE"),
        (3, "parent", "EDX-UNITS-CYCLE"),
        (4, "parent", "EDX-UNITS-CYCLE"),
        (5, "parent", "EDX-UNITS-OUTLIVES"),
        (6, "to", "EDX-UNITS-LIFE"),
    ]


def test_overlapping_rows_of_one_unit_are_named(reform):
    assert faults(reform, "id,name,from,to\nso-a,Một,,2024-01-01\nso-a,Hai,2023-01-01,\n") == [
        (3, "from", "EDX-UNITS-OVERLAP")
    ]


def test_a_change_that_breaks_a_unit_not_in_the_file_names_that_unit(reform):
    rows = "id,code,name,level,parent,to\nhuyen-12,H58.12,Huyện,district,ubnd-tien-giang,2024-01-01\n"
    with pytest.raises(FaultyTable, match="xa-12-01") as refused:
        taken(reform, rows, authority="shipped")
    assert {fault.line for fault in refused.value.faults} == {2}


def test_successions_take_codes_of_the_right_day(reform):
    made = taken(
        reform,
        "kind,predecessor,successor,on,decree,custodian\nmerge,H58.01,H20,2025-07-01,QĐ 1,\n",
        authority="shipped",
    )
    (edge,) = made.difference.successions_added
    assert (edge.predecessor, edge.successor) == ("so-01", "ubnd-dong-thap-2025")
    assert faults(reform, "kind,predecessor,successor,on\nmerge,H58.01,H77,2025-07-01\nfuse,H58.01,,2025-07-01\n") == [
        (2, "successor", "EDX-UNITS-NOBODY"),
        (3, "kind", "EDX-TABLE-VALUE"),
    ]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("", (1, "", "EDX-TABLE-EMPTY")),
        ("code,parent\nH01,\n", (1, "name", "EDX-TABLE-COLUMN")),
        ("name,colour\na,b\n", (1, "colour", "EDX-TABLE-COLUMN")),
        ("name,name\na,b\n", (1, "name", "EDX-TABLE-COLUMN")),
        ("id,name\nso-a,x,y\n", (2, "", "EDX-TABLE-CELLS")),
        ('id,name\nso-a,"x\n', (2, "", "EDX-TABLE-CSV")),
        ('{"units": [{"id": "so-a", "name": "x"},\n {"id": 7}]}', (2, "id", "EDX-TABLE-VALUE")),
        ('{"units": [{"id": "so-a",\n "nickname": "x"}]}', (1, "nickname", "EDX-TABLE-VALUE")),
        ('{"units": [{"id": "so-a"}\n {"id": "so-b"}]}', (2, "", "EDX-TABLE-JSON")),
        ("[" * 100_000, (1, "", "EDX-TABLE-JSON")),
        ('{"taken": "yesterday", "units": []}', (1, "taken", "EDX-TABLE-VALUE")),
        ('{"taken": "2026-01-01T00:00:00", "units": []}', (1, "taken", "EDX-TABLE-VALUE")),
    ],
)
def test_files_of_the_wrong_shape_are_refused_by_line_and_column(reform, text, expected):
    assert expected in faults(reform, text)


def test_another_encoding_is_refused_by_line_and_byte(reform):
    data = "id,name\nso-a,Sở A\nso-b,S\xf4 B\n".encode("cp1258", errors="ignore") + b"so-c,\xd5\xd6\n"
    with pytest.raises(InputError, match="UTF-8") as refused:
        taken(reform, data)
    assert refused.value.code == "EDX-TABLE-ENCODING"
    assert "line" in refused.value.where


def test_lines_are_counted_inside_quoted_cells(reform):
    assert (
        faults(reform, 'id,name,address\nso-a,Một,"Số 1"\nso-b,"Hai",\nso-c,"Ba",\nso-d,,x\nso-e,H,"a\nb"\n')[0][0] == 6
    )


def test_two_hundred_thousand_rows_are_all_looked_at(reform):
    rows = "".join(f"so-{number},Tên\n" for number in range(200_000))
    seen = []
    with pytest.raises(FaultyTable) as refused:
        taken(reform, f"id,name\n{rows}So sai,Tên\n", progress=seen.append)
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [(200_002, "id")]
    assert len(seen) > 50


def test_limits_stop_what_is_too_large(reform, monkeypatch):
    monkeypatch.setattr(table, "MAX_BYTES", 100)
    with pytest.raises(LimitExceeded) as refused:
        taken(reform, "id,name\n" + "so-a,x\n" * 50)
    assert refused.value.code == "EDX-LIMIT-SIZE"
    monkeypatch.setattr(table, "MAX_BYTES", 10_000)
    monkeypatch.setattr(table, "MAX_ROWS", 10)
    with pytest.raises(LimitExceeded) as refused:
        taken(reform, "id,name\n" + "".join(f"so-{n},x\n" for n in range(50)))
    assert refused.value.code == "EDX-LIMIT-ROWS"
    assert faults(reform, f"id,name\nso-a,{'x' * 9000}\n") == [(2, "name", "EDX-TABLE-CELL")]


def test_a_difference_names_field_before_and_after(reform):
    made = taken(reform, "id,code,name,level\nvan-phong-chinh-phu,G22,Văn phòng CP,central\n")
    changes = {(one.field, one.before, one.after) for one in made.difference.changes}
    assert ("name", "Văn phòng Chính phủ", "Văn phòng CP") in changes
    assert ("authority", "shipped", "local") in changes
    assert not compare(reform, reform.with_changes())
    back = compare(made.directory, reform)
    assert [one.identity for one in back.changed] == ["van-phong-chinh-phu"]
    gone = compare(made.directory, made.directory.with_changes(without=["so-01"]))
    assert [one.identity for one in gone.removed] == ["so-01"]


names = st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=30)


@given(st.lists(st.tuples(names.map(lambda text: " ".join(text.split())), st.booleans()), min_size=1, max_size=6))
def test_any_names_survive_both_forms(named):
    histories = [
        unit(f"so-{number}", f"H01.{number:02}" if coded else None, name=unicodedata.normalize("NFC", name) or "x")
        for number, (name, coded) in enumerate(named)
    ]
    empty = MemoryDirectory([], [], SNAPSHOT)
    for text in ("".join(write_units(histories)), "".join(write_document(histories, (), SNAPSHOT))):
        again = taken(empty, text, authority="shipped").directory
        assert all(same_record(again.history(history.identity), history) for history in histories)


AXIS_LIST = {
    "status": "OK",
    "ErrorCode": "0",
    "data": [
        {"id": 1, "code": "H20", "name": "UBND tỉnh Đồng Tháp", "mail": "vt@example.vn", "code102": "000.00.00.H20"},
        {"id": 2, "pid": 1, "code": "H20.900", "name": "Sở mới", "mail": "", "oldCode": "000.00.77.H20"},
        {"id": 3, "pid": 9, "code": "G12.18", "name": "Cục Thuế", "deleted": False},
        {"id": 4, "code": "G12.19", "name": "Đã xóa", "deleted": True},
    ],
}


def test_the_axis_list_adds_the_recorded_pair_from_its_day_on(reform):
    data = json.dumps(AXIS_LIST, ensure_ascii=False).encode()
    assert is_agency_list(data)
    made = take_in_agencies(reform, data, now=NOW)
    unit_now = made.directory.resolve("H20", NOW)
    assert (unit_now.identity, unit_now.code102.code) == ("ubnd-dong-thap-2025", "000.00.00.H20")
    assert (unit_now.name, unit_now.contact.email, unit_now.local) == (
        "Ủy ban nhân dân Đồng Tháp",
        "vt@example.vn",
        True,
    )
    assert made.directory.resolve("H20", date(2025, 8, 1)).code102 is None
    assert made.directory.same_unit("H20.900", "000.00.77.H20", NOW).basis == "recorded"
    child = made.directory.resolve("000.00.77.H20", NOW)
    assert (child.parent, child.level, child.local) == ("ubnd-dong-thap-2025", None, True)
    assert made.directory.find("G12.19", NOW) is None


def test_the_axis_list_is_taken_twice_without_a_change(reform):
    data = json.dumps(AXIS_LIST, ensure_ascii=False).encode()
    once = take_in_agencies(reform, data, now=NOW).directory
    assert not take_in_agencies(once, data, now=NOW).difference


def test_faults_of_the_axis_list_are_named_by_entry(reform):
    rows = [
        {"code": "Н20", "name": "x"},
        {"name": "x"},
        {"code": "H20.1"},
        7,
        {"code": "H20.2", "name": "a"},
        {"code": "H20.2", "name": "b"},
    ]
    with pytest.raises(FaultyTable) as refused:
        take_in_agencies(reform, json.dumps({"data": rows}).encode(), now=NOW)
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [
        (1, "code"),
        (2, "code"),
        (3, "name"),
        (4, ""),
        (6, "code"),
    ]
    for broken in (b"{", b'{"data": 7}', b"[" * 100_000):
        with pytest.raises(FaultyTable):
            take_in_agencies(reform, broken, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "id,name,level\n" + "so-a,Một,?\n" * (MAX_FAULTS + 7),
        "kind,predecessor,on\n" + "fuse,H58.01,2025-07-01\n" * (MAX_FAULTS + 7),
        "id,name,parent\n" + "".join(f"so-{n},Một,no-body\n" for n in range(MAX_FAULTS + 7)),
    ],
    ids=["units", "successions", "parents"],
)
def test_more_faults_than_are_listed_are_counted_and_said_to_be_more(reform, text):
    with pytest.raises(FaultyTable) as refused:
        take_in(reform, text.encode(), now=NOW, source="t.csv")
    assert (refused.value.total, len(refused.value.faults)) == (MAX_FAULTS + 7, MAX_FAULTS)
    assert f"at least {MAX_FAULTS + 7}" in refused.value.text.en
    assert f"ít nhất {MAX_FAULTS + 7}" in refused.value.text.vi


def test_a_successor_that_nobody_is_is_said_to_be_nobody(reform):
    assert faults(reform, "kind,predecessor,successor,on\nmerge,H58.01,nobody,2025-07-01\n") == [
        (2, "successor", "EDX-UNITS-NOBODY")
    ]


def test_a_parent_that_nobody_is_is_said_to_be_nobody(reform):
    assert faults(reform, "id,name,parent\nso-a,Một,nobody\n") == [(2, "parent", "EDX-UNITS-NOBODY")]


def test_excels_separator_line_and_unfilled_columns_are_passed_over():
    data = "sep=;\r\nid;code;name;;\r\nso-01;H20.01;Sở Một;;\r\nso-02;H20.02;Sở Hai\r\n".encode()
    made = take_in(MemoryDirectory(), data, now=NOW, source="test")
    assert {unit.last.name for unit in made.directory} == {"Sở Một", "Sở Hai"}


def test_a_fault_after_the_separator_line_names_the_line_of_the_file():
    data = "sep=;\nid;code;name\nso-01;H20.01;Sở Một\nso-02;sai!;Sở Hai\n".encode()
    with pytest.raises(FaultyTable) as refused:
        take_in(MemoryDirectory(), data, now=NOW, source="test")
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [(4, "code")]


def test_a_cell_too_many_is_a_fault_even_at_the_end():
    data = "id,code,name\nso-01,H20.01,Sở Một,thừa\n".encode()
    with pytest.raises(FaultyTable) as refused:
        take_in(MemoryDirectory(), data, now=NOW, source="test")
    assert refused.value.faults[0].code == "EDX-TABLE-CELLS"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("code\nH58.12\nsai!\nH58.13\n", ["000.00.12.H58", (3, "code"), "000.00.13.H58"]),
        ("code,name\nH58.12,a\nH58.14,a,b\nH58.13,c\n", ["000.00.12.H58", (3, ""), "000.00.13.H58"]),
        ("name,code\na,H58.12\nb\nc,\nd,H58.13\n", ["000.00.12.H58", (3, "code"), (4, "code"), "000.00.13.H58"]),
        ('code\nH58.12\n"H58.14\nH58.13\n', ["000.00.12.H58", (3, ""), "000.00.13.H58"]),
        ("sep=;\ncode;\nH58.12;\nsai!;\n", ["000.00.12.H58", (4, "code")]),
        ("H58.12\nH58.13\n", ["000.00.12.H58", "000.00.13.H58"]),
    ],
)
def test_conversion_names_each_bad_row_by_line_and_column_and_goes_on(text, expected):
    rows = convert_table(read_codes(text.encode()), "qcvn102")
    assert [row.output or (row.error.line, row.error.column) for row in rows] == expected


def test_quotes_that_never_close_cost_no_more_than_their_lines():
    lines = 20_000
    data = ("code\n" + '"H58.12\n' * lines).encode()
    rows = convert_table(read_codes(data), "qcvn102")
    assert len(rows) == lines
    assert {row.error.code for row in rows} == {"EDX-TABLE-CSV"}


def test_a_succession_table_of_excel_is_known_behind_its_first_line(reform):
    table = "sep=;\r\nkind;predecessor;successor;on\r\nmerge;H58.01;H20;2025-07-01\r\n"
    for data in (table.encode("utf-8-sig"), table.encode("utf-16")):
        made = take_in(reform, data, now=NOW, source="test", authority="shipped")
        assert len(made.difference.successions_added) == 1


@pytest.mark.parametrize(
    "text",
    [
        "id,name\nso-a,\n",
        "id,name\nso-a,  \n",
        '{"units": [\n{"id": "so-a", "name": ""}]}',
        '{"units": [\n{"id": "so-a"}]}',
        '{"units": [\n{"id": "so-a", "name": [{"value": "Một", "to": "2021-01-01"}, {"value": ""}]}]}',
    ],
)
def test_a_unit_without_a_name_is_refused(reform, text):
    assert (2, "name", "EDX-TABLE-VALUE") in faults(reform, text)


def test_days_between_two_rows_of_one_unit_are_named():
    rows = "id,name,from,to\nso-a,Sở A,2020-01-01,2022-01-01\nso-a,Sở A,{},\n"
    made = taken(MemoryDirectory([]), rows.format("2023-01-01"))
    assert [(identity, why.en) for identity, why in made.notes] == [
        ("so-a", "no row speaks of the unit from 2022-01-01 until before 2023-01-01.")
    ]
    assert not taken(MemoryDirectory([]), rows.format("2022-01-01")).notes
