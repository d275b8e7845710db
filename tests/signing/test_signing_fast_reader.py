"""The reader of plain PDFs: what it reads is what pyHanko reads, and what it does not read it says so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_samples import broken_xref, by_qpdf, hybrid, plain, with_attachments, with_form

from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.source import Source
from edocx.signing.pdf.fast.syntax import NotPlain, Ref, parse, same

NAMES = st.text(st.characters(codec="ascii", exclude_characters="#"), min_size=1, max_size=8).map(
    lambda text: "".join(one for one in text if one.isalnum()) or "N"
)
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.binary(max_size=20)
    | st.builds(Ref, st.integers(1, 10**6), st.integers(0, 3))
    | NAMES
)
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


def encoded(value, literal: bool = True) -> bytes:  # noqa: PLR0911 - one kind of object a line
    match value:
        case None:
            return b"null"
        case bool():
            return b"true" if value else b"false"
        case Ref():
            return b"%d %d R" % value
        case int():
            return b"%d" % value
        case str():
            return b"/" + value.encode()
        case bytes():
            if not literal:
                return b"<" + value.hex().encode() + b">"
            escaped = value.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")
            return b"(" + escaped + b")"
        case list():
            return b"[" + b" ".join(encoded(one, not literal) for one in value) + b"]"
        case dict():
            return (
                b"<<" + b"".join(b"/%s %s\n" % (k.encode(), encoded(v, not literal)) for k, v in value.items()) + b">>"
            )
    raise AssertionError(value)


@given(VALUES)
def test_what_is_written_is_read(value):
    data = encoded(value)
    parsed = parse(b"  " + data + b" endobj", 0)
    assert same(parsed.value, value)
    assert (parsed.start, parsed.end) == (2, 2 + len(data))


@given(VALUES)
def test_entries_stand_where_they_are_said_to(value):
    parsed = parse(encoded({"A": value, "B": [value], "C": {"D": value}}), 0)
    for key, (begin, end) in parsed.spans.items():
        again = parse(encoded({"A": value, "B": [value], "C": {"D": value}})[begin:end], 0)
        assert same(again.value, parsed.value[key])
        assert again.end == end - begin


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        parsed = parse(data, 0)
    except NotPlain:
        return
    assert 0 <= parsed.start < parsed.end <= len(data)


# Without bare carriage returns: for those pyHanko leaves out what ISO 32000-2 7.3.4.2 says.
@given(st.text("()\\\nnrtbf0179 x", max_size=12))
def test_strings_are_read_as_pyhanko_reads_them(text):
    data = b"(" + text.encode() + b")"
    try:
        parsed = parse(data, 0)
        theirs = generic.read_string_from_stream(io.BytesIO(data))
    except (NotPlain, misc.PdfReadError, ValueError):
        return
    assert parsed.value == theirs.original_bytes


@pytest.mark.parametrize(
    "data",
    [
        b"<</A 1/A 2>>",
        b"<</A 1 % comment\n/B 2>>",
        b"[1 2",
        b"<</A>>",
        b"<<1 2>>",
        b"[1>>",
        b"<4>",
        b"<4g>",
        b"(a",
        b"/A#4",
        b"[" * 100 + b"]" * 100,
        b"99999999999999999999",
        b"nul",
        b"{1}",
    ],
)
def test_what_two_readers_could_read_differently_is_not_read(data):
    with pytest.raises(NotPlain):
        parse(data, 0)


def test_types_are_told_apart():
    assert not same([1], [True])
    assert not same(1, 1.0)
    assert not same(b"A", "A")
    assert not same([1, 0], Ref(1, 0))
    assert same({"A": [1, None]}, {"A": [1, None]})


def made(qpdf: str, folder: Path) -> list[Path]:
    return [
        plain(folder / "plain.pdf", 3),
        with_form(folder / "form.pdf"),
        with_attachments(folder / "attachments.pdf"),
        by_qpdf(qpdf, folder / "streams.pdf", "--object-streams=generate", pages=20),
        by_qpdf(qpdf, folder / "tables.pdf", "--object-streams=disable", pages=20),
    ]


def test_objects_are_what_pyhanko_takes_them_for(tool, tmp_path):
    for path in made(tool("qpdf"), tmp_path):
        with Source(path) as source, path.open("rb") as stream:
            file, reader = Revisions.read(source), PdfFileReader(stream)
            assert len(file.sections) == reader.xrefs.total_revisions
            for number in range(1, file.sections[-1].size):
                reference = generic.Reference(number, 0, reader)
                try:
                    theirs = reader.get_object(reference)
                except misc.PdfReadError:
                    continue
                if file.last_change(number, file.newest) is None or isinstance(theirs, generic.NullObject):
                    continue
                ours, expected = file.value(Ref(number, 0), file.newest), plainly(theirs)
                if isinstance(expected, dict):  # of binary strings pyHanko keeps the text it takes them for
                    expected.pop("ID", None)
                    ours = {key: value for key, value in ours.items() if key != "ID"}
                assert same(ours, expected), (path.name, number)


def plainly(value):  # noqa: PLR0911
    match value:
        case generic.NullObject():
            return None
        case generic.BooleanObject():
            return bool(value)
        case generic.IndirectObject():
            return Ref(value.idnum, value.generation)
        case generic.NameObject():
            return str(value)[1:]
        case generic.NumberObject():
            return int(value)
        case generic.FloatObject():
            return float(value)
        case generic.TextStringObject() | generic.ByteStringObject():
            return value.original_bytes
        case generic.ArrayObject():
            return [plainly(one) for one in list.__iter__(value)]
        case generic.DictionaryObject():
            return {key[1:]: plainly(value.raw_get(key)) for key in value}
    raise AssertionError(type(value))


def test_pages_are_found_by_their_index(tool, tmp_path):
    for path in made(tool("qpdf"), tmp_path)[3:]:
        with Source(path) as source, path.open("rb") as stream:
            file, reader = Revisions.read(source), PdfFileReader(stream)
            for index in range(20):
                theirs = reader.find_page_for_modification(index)[0].reference
                assert file.page(index, file.newest) == (theirs.idnum, theirs.generation)
                assert file.in_page_tree(file.page(index, file.newest), file.newest)


def test_odd_files_are_not_plain(tool, tmp_path):
    odd = [
        hybrid(tmp_path / "hybrid.pdf"),
        broken_xref(tmp_path / "broken.pdf"),
        by_qpdf(tool("qpdf"), tmp_path / "linear.pdf", "--linearize"),
        by_qpdf(tool("qpdf"), tmp_path / "locked.pdf", "--encrypt", "u", "o", "256", "--"),
    ]
    for path in odd:
        with Source(path) as source, pytest.raises(NotPlain):
            Revisions.read(source)


def test_a_file_that_is_all_structure_is_given_up(tmp_path):
    """A cross-reference table of a million rows, or objects without end, cost a bounded time."""
    path = tmp_path / "rows.pdf"
    rows = b"0000000009 00000 n \n" * 600_000
    body = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    table = b"xref\n0 600000\n" + rows + b"trailer\n<</Size 600000/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    path.write_bytes(body + table)
    with Source(path) as source, pytest.raises(NotPlain):
        Revisions.read(source)
