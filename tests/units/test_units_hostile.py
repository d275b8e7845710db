"""Whatever comes in, what comes out is a directory or an error that says what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from units_scene import passage, unit

from edocx.errors import EdocxError, InputError
from edocx.units import MemoryDirectory
from edocx.units.agencies import take_in_agencies
from edocx.units.bulk import take_in
from edocx.units.conversion import convert_table, read_codes
from edocx.units.history import FIELDS
from edocx.units.publishing import apply_delta
from edocx.units.registry_csv import COLUMNS, read_registry_bytes
from edocx.units.units_csv import COLUMNS as UNIT_COLUMNS
from edocx.units.units_csv import EDGE_COLUMNS
from edocx.units.units_json import load, read_document

NOW = datetime(2026, 11, 22, tzinfo=UTC)
EMPTY = MemoryDirectory()

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["H58", "so-a", "2025-07-01"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "from", "to", "email"]), inner)
    ),
    max_leaves=5,
)
records = st.dictionaries(
    st.sampled_from([*FIELDS, "id", "from", "to", "unverified", "formerly", "source", "kind"]), values
)
cells = st.text(max_size=12) | st.sampled_from(
    ["H58", "H58.12", "so-a", "2025-07-01", "province", "1", "KT.", "a" * 64]
)


def table(columns, rows):
    return "\n".join(",".join(cell.replace(",", "") for cell in row) for row in [columns, *rows]).encode(
        "utf-8", "replace"
    )


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data):
    for act in (
        lambda: take_in(EMPTY, data, now=NOW, source="x"),
        lambda: take_in_agencies(EMPTY, data, now=NOW),
        lambda: read_registry_bytes(data),
        lambda: convert_table(read_codes(data), "qd20"),
        lambda: apply_delta(b"", data),
    ):
        try:
            act()
        except EdocxError as error:
            assert error.text.vi  # noqa: PT017


@given(
    st.lists(records, max_size=3),
    st.lists(records, max_size=2),
    st.dictionaries(st.sampled_from(["version", "taken", "expires", "source"]), values),
)
def test_arbitrary_records(units, edges, header):
    data = json.dumps(header | {"units": units, "successions": edges}).encode()
    try:
        made = take_in(EMPTY, data, now=NOW, source="x")
    except InputError:
        return
    assert len(made.directory) == len(units)


@given(st.lists(st.lists(cells, min_size=len(UNIT_COLUMNS), max_size=len(UNIT_COLUMNS)), max_size=3))
def test_arbitrary_unit_rows(rows):
    try:
        made = take_in(EMPTY, table(UNIT_COLUMNS, rows), now=NOW, source="x")
    except InputError:
        return
    assert len(made.directory) <= len(rows)


@given(st.lists(st.lists(cells, min_size=9, max_size=9), max_size=3))
def test_arbitrary_registry_rows(rows):
    try:
        entries = read_registry_bytes(table(COLUMNS, rows))
    except InputError:
        return
    assert len(entries) <= len(rows)


@given(st.lists(st.lists(cells, min_size=8, max_size=8), max_size=3))
def test_arbitrary_succession_rows(rows):
    try:
        made = take_in(EMPTY, table(EDGE_COLUMNS, rows), now=NOW, source="x")
    except InputError:
        return
    assert not made.difference.successions_added


@pytest.mark.parametrize(
    "text",
    [
        '{"units": [], "version": 1e999}',
        '{"units": [], "version": ' + "9" * 5000 + "}",
        '{"units": [], "source": "\\ud800"}',
        '{"units": [{"id": "so-a", "name": "\\ud800"}]}',
        '{"units": [{"id": "so-a", "to": "0001-01-01"}]}',
        '{"units": [{"id": "so-a", "from": "9998-01-01"}]}',
        '{"units": [{"id": "so-a", "name": "x", "formerly": "y"}]}',
        '{"units": [{"id": "so-a", "capabilities": {"max_bytes": -1}}]}',
        '{"units": [{"id": "so-a", "capabilities": {"accepts": "x"}}]}',
        '{"units": [{"id": "so-a", "code": "000.00.00.H58"}]}',
        '{"units": [{"id": "so-a", "code102": "H58.12"}]}',
        '{"units": [{"id": "so-a", "level": ["province"]}]}',
        '{"units": [{"id": "so-a", "contact": {"fax": 7}}]}',
        '{"units": [{"id": "so-a", "authority": "king"}]}',
        '{"units": [{"id": "so-a", "name": "' + "x" * 501 + '"}]}',
        '{"schema": 1, "units": [\n{"id": "so-a"}\n{"id": "so-b"}\n]}',
        '{"schema": 1, "units": [\n{"id": "so-a"} x\n]}',
        '{"schema": 1, "units": [\n{"id": "so-a"}\n',
        '{"schema": 1, "units": [\n{"id": "so-a"}\n], "successions": [\n',
        '{"schema": 1, "units": [\n{"id": "so-a"},\n{"id": ',
    ],
)
def test_values_that_are_no_such_thing_are_refused_by_line(text):
    with pytest.raises(InputError, match="line"):
        read_document(text.encode())


def test_an_open_end_may_be_written_as_the_last_day_of_all():
    document = read_document(b'{"units": [{"id": "so-a", "name": "x", "to": "9999-12-31"}]}')
    assert document.units[0][1].last.closed is None


def test_hidden_characters_never_reach_the_registry():
    with pytest.raises(InputError):
        read_registry_bytes(f"sha256,kind,unit,full_name\n{'a' * 64},person,H58,Nguyễn\u202eVăn A\n".encode())


def test_a_document_that_was_never_checked_hangs_and_breaks_nothing(tmp_path):
    text = json.dumps(
        {
            "units": [
                {
                    "id": "so-a",
                    "name": "A",
                    "code": "H01.01",
                    "parent": "so-b",
                    "served_by": "so-b",
                    "to": "2020-01-01",
                },
                {
                    "id": "so-b",
                    "name": "B",
                    "code": "H01.02",
                    "parent": "so-a",
                    "served_by": "so-a",
                    "from": "2021-01-01",
                    "to": "2020-01-01",
                },
                {"id": "so-c", "name": "C", "code": "H01.03", "from": "2020-01-01", "to": "2020-01-01"},
            ],
            "successions": [
                {"kind": "merge", "predecessor": "so-a", "successor": "no-body", "on": "2020-01-01"},
                {"kind": "merge", "predecessor": "no-body", "successor": "so-a", "on": "2020-01-01"},
                {"kind": "merge", "predecessor": "so-a", "successor": "so-a", "on": "2020-01-01"},
            ],
        }
    )
    file = tmp_path / "units.json"
    file.write_text(text, encoding="utf-8")
    directory = load(file)
    for day in (date(2019, 1, 1), date(2026, 1, 1)):
        for code in ("H01.01", "H01.02", "H01.03", "H01.01.01"):
            for ask in (
                directory.resolve,
                directory.successors,
                directory.predecessors,
                directory.children,
                directory.register_holder,
            ):
                try:
                    ask(code, day)
                except EdocxError as error:
                    assert error.hint.vi  # noqa: PT017
        assert isinstance(directory.search("a", day), tuple)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError):
        load(tmp_path / "none.json")


def test_an_edge_to_nobody_gives_no_successor():
    directory = MemoryDirectory(
        [unit("so-a", "H01.01", closed=date(2020, 1, 1))], [passage("merge", "so-a", "no-body", date(2020, 1, 1))]
    )
    assert directory.successors("H01.01", date(2026, 1, 1)) == ()
