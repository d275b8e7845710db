"""A table with broken rows: every one is named by line and column, and what was not looked at is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.errors import InputError, Text
from edocx.units import MemoryDirectory
from edocx.units.bulk import take_in
from edocx.units.registry_csv import read_registry_bytes
from edocx.units.table import MAX_CELL, Fault, Faults, FaultyTable, read_table

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
CELLS, CELL, QUOTE, VALUE = "EDX-TABLE-CELLS", "EDX-TABLE-CELL", "EDX-TABLE-CSV", "EDX-TABLE-VALUE"


def refused(text):
    with pytest.raises(FaultyTable) as caught:
        take_in(MemoryDirectory(), text.encode(), now=NOW, source="t.csv")
    return caught.value


def listed(error):
    return [(fault.line, fault.column, fault.code) for fault in error.faults]


@pytest.mark.parametrize(
    "broken, fault",
    [
        ("so-b", (3, "name", CELLS)),
        ("so-b,Hai,province,thừa", (3, "", CELLS)),
        (f"so-b,{'x' * (MAX_CELL + 1)},province", (3, "name", CELL)),
        ('so-b,"Hai,province', (3, "", QUOTE)),
        ('so-b,"Hai"x,province', (3, "", QUOTE)),
    ],
)
def test_a_broken_row_hides_no_other_fault(broken, fault):
    error = refused(f"id,name,level\nso-a,Một,?\n{broken}\nso-c,Ba,?\nso-d\n")
    assert listed(error) == [(2, "level", VALUE), fault, (4, "level", VALUE), (5, "name", CELLS)]


def test_a_broken_row_of_successions_and_of_the_registry_hides_no_other_fault():
    error = refused('kind,predecessor,on\nmerge,H58,?\nmerge\nmerge,"H58,2025-07-01\nmerge,H58,?\n')
    assert listed(error) == [
        (2, "on", VALUE),
        (3, "predecessor", CELLS),
        (4, "", QUOTE),
        (5, "on", VALUE),
    ]
    with pytest.raises(FaultyTable) as caught:
        read_registry_bytes(b'sha256,kind,unit\nx,organisation\ny,"organisation,H58\nz,organisation,H58\n')
    assert [fault.line for fault in caught.value.faults] == [2, 3, 4]


def test_a_cell_of_several_lines_after_a_broken_quote_is_read_whole():
    faults = Faults()
    data = b'id,name\nso-a,"M\xe1\xbb\x99t\nso-b,"Hai\nd\xc3\xb2ng"\nso-c,Ba\n'
    rows = list(read_table(data, required=frozenset({"name"}), optional=frozenset({"id"}), faults=faults))
    assert [(fault.line, fault.code) for fault in faults] == [(2, QUOTE)]
    assert [(row.line, row["name"]) for row in rows] == [(3, "Hai\ndòng"), (5, "Ba")]


def test_a_syntax_fault_at_the_end_of_a_json_document_hides_no_other():
    error = refused('{"units": [{"id": 7},\n{"id": "so-a", "name": "x"}')
    assert listed(error) == [(1, "id", VALUE), (2, "", "EDX-TABLE-JSON")]


@pytest.mark.parametrize(
    "text",
    [
        "id,name,level\nso-a,Một,?\n",
        "id,name,from,to\nso-a,Một,2020-01-01,2022-01-01\nso-a,Hai,2021-01-01,\n",
        "kind,predecessor,on\nfuse,H58,2025-07-01\n",
        "id,tên\nso-a,Một\n",
        '{"units": [{"id": 7}]}',
        "[" * 100_000,
    ],
)
def test_where_rows_kept_later_checks_from_being_made_the_refusal_says_so(text):
    error = refused(text)
    assert "Các kiểm tra tiếp theo chưa được thực hiện." in error.text.vi
    assert "Further checks were not made." in error.text.en


def test_where_every_check_was_made_nothing_is_said_of_further_ones():
    error = refused("id,name,parent\nso-a,Một,so-b\nso-b,Hai,so-a\n")
    assert "EDX-UNITS-CYCLE" in {fault.code for fault in error.faults}
    assert "tiếp theo" not in error.text.vi
    assert "urther checks" not in error.text.en


@given(st.lists(st.sampled_from(['so-a,"x', "so-a", 'so-a,"x"y', "so-a,Một", "", 'so-a,"x\ny"', '"']), max_size=12))
def test_every_row_is_read_or_named_and_in_order(lines):
    faults = Faults()
    data = "\n".join(["id,name", *lines]).encode()
    try:
        rows = list(read_table(data, required=frozenset({"name"}), optional=frozenset({"id"}), faults=faults))
    except InputError:
        pytest.fail("no row may refuse the table by itself")
    named = [fault.line for fault in faults]
    assert named == sorted(set(named))
    assert not {row.line for row in rows} & set(named)
    physical = [line for row in lines for line in row.split("\n")]
    plain = {place for place, line in enumerate(physical, start=2) if line == "so-a"}
    quoted = any('"' in line for line in physical)
    assert quoted or plain == set(named)


def test_a_fault_of_the_file_as_a_whole_names_no_line():
    table = FaultyTable([Fault(0, "parent", "EDX-UNITS-CYCLE", Text("vòng lặp.", "a cycle."))])
    assert "line 0" not in table.text.en
    assert "dòng 0" not in table.text.vi
    assert "the whole file, parent: a cycle." in table.text.en
