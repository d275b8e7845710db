"""What follows a signature in its file is read in one way only, or the signature fails; genuine revisions are."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pytest
import signing_samples as samples
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from signing_samples import SIGNED_AT

from edocx.errors import EdocxError, LimitExceeded, SigningRefused
from edocx.signing.budget import Budget
from edocx.signing.pdf import appended
from edocx.signing.pdf.appended import Before, read_appended
from edocx.signing.pdf.document import READS, _Seekable
from edocx.signing.pdf.fast.syntax import Ref
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing.attacks.pdf_appended import freed_objects, later_generation, renamed, structure_forgeries
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)
BASE = 1000
LONGEST = 5.0
"""Seconds; byte by byte it would be twenty."""


@pytest.fixture(scope="module")
def files(signing, tmp_path_factory):
    """Signed once, and once more by the agency."""
    folder = tmp_path_factory.mktemp("pdf")
    one = sign(samples.plain(folder / "a.pdf"), folder / "b.pdf", signing.person, at=SIGNED_AT, field="S")
    two = sign(one, folder / "c.pdf", signing.organisation, at=SIGNED_AT, field="T")
    return one.read_bytes(), two.read_bytes()


def judged(tmp_path, data, trust):
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    try:
        return verify(path, trust=trust, at=AT)
    except EdocxError as error:
        return error


def test_no_forged_structure_passes(signing, files, tmp_path):
    for data in files:
        assert judged(tmp_path, data, signing.trust).indication is Indication.TOTAL_PASSED
        attacks = list(structure_forgeries(data))
        assert len({one.name for one in attacks}) == len(attacks) > 20
        for attack in attacks:
            outcome = judged(tmp_path, attack.data, signing.trust)
            assert isinstance(outcome, EdocxError) or outcome.indication is not Indication.TOTAL_PASSED, attack


def test_an_object_of_a_later_generation_stands_in_for_none_that_was_signed(signing, files, tmp_path):
    for data in files:
        attack = later_generation(data)
        outcome = judged(tmp_path, attack.data, signing.trust)
        assert outcome.indication is Indication.TOTAL_FAILED
        codes = {message.code for signature in outcome.signatures for message in signature.messages}
        assert "EDX-PDF-APPENDED" in codes


def test_no_row_takes_a_signed_object_away(signing, files, tmp_path):
    for data in files:
        for attack in freed_objects(data):
            outcome = judged(tmp_path, attack.data, signing.trust)
            assert isinstance(outcome, EdocxError) or outcome.indication is Indication.TOTAL_FAILED, attack


NAMES = b"/Resources<</Font<</F1 5 0 R/B%s 5 0 R>>>>"


@pytest.mark.parametrize(
    "was,becomes", [(b"#e0n", b"#c3#a0n"), (b"#c3#a0n", b"#e0n"), (b"#E0n", b"#E1#00"), (b"ien", b"ien/B#c4#91 5 0 R")]
)
def test_a_name_that_readers_decode_alike_is_not_exchanged(signing, tmp_path, was, becomes):
    path = named(tmp_path / "named.pdf", was)
    data = sign(path, tmp_path / "s.pdf", signing.person, at=SIGNED_AT, field="S", fast=True).read_bytes()
    assert judged(tmp_path, data, signing.trust).indication is Indication.TOTAL_PASSED
    forged = renamed(data, b"/B" + was + b" ", b"/B" + becomes + b" ")
    assert forged.data[len(data) :].count(becomes) == 1
    outcome = judged(tmp_path, forged.data, signing.trust)
    assert outcome.indication is Indication.TOTAL_FAILED


def named(path, name):
    """Write a PDF whose page calls its font by a name."""
    path.write_bytes(numbered([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R" + NAMES % name + b">>",
        b"<</Length 45>>\nstream\nBT /B#e0n 12 Tf 50 700 Td (IF APPROVED) Tj ET\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]))  # fmt: skip
    return path


@pytest.mark.parametrize("name,kept", [(b"#e0n", False), (b"#09n", False), (b"#C3#A0n", True), (b"#20n", True)])
def test_nobody_signs_a_page_whose_names_would_become_others(signing, tmp_path, name, kept):
    path, out = named(tmp_path / "named.pdf", name), tmp_path / "out.pdf"
    sign(path, tmp_path / "fast.pdf", signing.person, at=SIGNED_AT, field="S", fast=True)
    if not kept:
        with pytest.raises(SigningRefused) as refused:
            sign(path, out, signing.person, at=SIGNED_AT, field="S")
        assert refused.value.code == "EDX-PDF-NAMES"
        assert "--fast" in refused.value.hint.vi
        assert not out.exists()
        return
    data = sign(path, out, signing.person, at=SIGNED_AT, field="S").read_bytes()
    assert data.count(b"/B" + name + b" ") == 2


def numbered(bodies):
    """Write a PDF whose objects have these numbers from 1 on; the first is the catalogue."""
    out, rows = bytearray(b"%PDF-1.7\n"), b"0000000000 65535 f \n"
    for number, body in enumerate(bodies, 1):
        rows += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = len(bodies) + 1
    end = b"xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, rows, size, len(out))
    return bytes(out + end)


def test_a_row_that_not_all_readers_see_leaves_no_object_to_append_again(signing, tmp_path):
    """Signed without the content in a viewer, with it for pyHanko; then the same bytes once more bring it to light."""
    drafted = next(a.data for a in freed_objects(samples.plain(tmp_path / "a.pdf").read_bytes()) if "70000" in a.name)
    (tmp_path / "d.pdf").write_bytes(drafted)
    data = sign(tmp_path / "d.pdf", tmp_path / "s.pdf", signing.person, at=SIGNED_AT, field="S").read_bytes()
    forged = renamed(data, b"/Never", b"/Never")
    assert judged(tmp_path, forged.data, signing.trust).indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("blank", [b" " * 30_000, b"\0" * 70_000])
def test_a_file_that_viewers_rebuild_for_its_tail_does_not_pass(signing, files, tmp_path, blank):
    assert judged(tmp_path, files[0] + blank, signing.trust).indication is not Indication.TOTAL_PASSED


@pytest.mark.parametrize("name", ["key-twice", "key-escaped", "key-nul", "unnamed-nothing", "orphans"])
def test_what_is_appended_in_two_ways_is_named(signing, files, tmp_path, name):
    for data in files:
        (forged,) = [one.data for one in structure_forgeries(data) if one.name == f"appended-{name}"]
        report = judged(tmp_path, forged, signing.trust)
        assert report.indication is Indication.TOTAL_FAILED
        for one in report.signatures:
            assert "EDX-PDF-APPENDED" in {message.code for message in one.messages}


def test_a_revision_of_another_writer_is_still_explained(signing, files, tmp_path):
    stream = io.BytesIO(files[1])
    writer = IncrementalPdfFileWriter(stream)
    writer.set_info(writer.add_object(generic.DictionaryObject({pdf_name("/Title"): pdf_string("x")})))
    writer.write_in_place()
    report = judged(tmp_path, stream.getvalue(), signing.trust)
    codes = {message.code for one in report.signatures for message in one.messages}
    assert "EDX-PDF-APPENDED" not in codes
    assert report.indication is Indication.TOTAL_PASSED


def revision(
    body=b"<</Type/Catalog/Pages 2 0 R>>", *, header=b"1 0 obj\n", between=b"", eol=b"\n", rows=None, **trailer
):
    """Build one appended revision that overwrites the catalogue."""
    written = header + body + b"\nendobj" + eol + between
    start = BASE + len(written)
    listed = rows if rows is not None else b"1 1" + eol + b"%010d 00000 n \n" % BASE
    values = {"Size": b"9", "Root": b"1 0 R", "Prev": b"500", **trailer}
    said = b"".join(b"/%s %s" % (name.encode(), value) for name, value in values.items())
    end = eol.join([b"startxref", b"%d" % start, b"%%EOF", b""])
    return written + b"xref" + eol + listed + b"trailer" + eol + b"<<" + said + b">>" + eol + end


def is_exact(data):
    before = Before(start=500, root=Ref(1, 0), size=9, known=lambda number: number < 9)
    return read_appended(data, BASE, before, 1, bool) is not None


@pytest.mark.parametrize(
    "data",
    [
        revision(),
        revision(eol=b"\r\n"),
        revision(eol=b"\r"),
        revision(between=b"%iText-7.1.1\n"),
        revision(b"[1 0 R 9 0 R]"),
        revision(Size=b"12"),
    ],
    ids=["plain", "crlf", "cr", "writer", "another-value", "larger"],
)
def test_what_writers_write_is_exact(data):
    assert is_exact(data)


@pytest.mark.parametrize(
    "data",
    [
        revision(b"<</Pages 2 0 R/Pages 3 0 R>>"),
        revision(b"<</Pages 2 0 R/P#61ges 3 0 R>>"),
        revision(b"<</A[<</B 1/B 2>>]>>"),
        revision(b"<</Pages 2 0 R %c\n>>"),
        revision(b"<</A(3 0 obj)>>"),
        revision(b"<</A(3 0" + b" " * 5000 + b"obj)>>"),
        revision(b"<</A(3\x0b0\x0bobj)>>"),
        revision(b"<</A(3 %c\n0%c\robj)>>"),
        revision(b"<</A(trailer%c\n<<)>>"),
        revision(Type=b"(3 0 obj)"),
        revision(header=b"01 0 obj\n"),
        revision(header=b"1  0 obj\n"),
        revision(between=b"3 0 obj\nnull\nendobj\n"),
        revision(between=b" " * 5000),
        revision(between=b"%3 0 obj\n"),
        revision(between=b"garbage\n"),
        revision(rows=b"1 1\n%010d 00000 n \n" % (BASE + 1)),
        revision(rows=b"1 1\n%010d 00001 n \n" % BASE),
        revision(rows=b"1 1\n%010d 00000 n\n" % BASE),
        revision(rows=b"1 1\n%010d 00000 n \r\n" % BASE),
        revision(rows=b"1 1\n%010d 00000 n \n1 1\n%010d 00000 n \n" % (BASE, BASE)),
        revision(Size=b"8"),
        revision(Size=b"1"),
        revision(Size=b"999999999"),
        revision(Size=b"+9"),
        revision(Size=b"9.0"),
        revision(Root=b"2 0 R"),
        revision(Prev=b"499"),
        revision(Prev=b"+500"),
        revision(Prev=b"500/Prev 500"),
        revision(XRefStm=b"600"),
        revision(Encrypt=b"5 0 R"),
        revision().replace(b"startxref\n", b"startxref\n0"),
        revision().replace(b"startxref\n", b"startxref\n+"),
        revision().replace(b"%%EOF", b"%%EO"),
        revision()[:-30],
        b"",
    ],
)
def test_what_may_be_read_in_two_ways_is_not_exact(data):
    assert not is_exact(data)


def test_more_than_is_ever_appended_is_not_read(monkeypatch):
    data = revision()
    monkeypatch.setattr(appended, "MAX_APPENDED", len(data))
    assert is_exact(data)
    assert not is_exact(data + b"\n")


@pytest.mark.parametrize("mark", [b"", b"\nstartxref\n9 %%EOF\n"], ids=["no-mark", "mark-on-the-line"])
def test_a_file_of_nuls_is_refused_at_once(signing, tmp_path, mark):
    begin = time.monotonic()
    outcome = judged(tmp_path, b"%PDF-1.7\n" + bytes(20_000_000) + mark, signing.trust)
    assert time.monotonic() - begin < LONGEST
    assert isinstance(outcome, EdocxError)
    assert outcome.code == "EDX-PDF-DAMAGED"


def test_reading_byte_by_byte_ends_with_the_budget():
    class Endless(io.BytesIO):
        def read(self, size=-1):
            return b"\0"

    stream = _Seekable(Endless(), Budget(0.0))
    with pytest.raises(LimitExceeded):
        any(stream.read(1) != b"\0" for _ in range(2 * READS))
