"""Additions for which a later signer answers are listed page by page, and shown before and after on the page."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from datetime import UTC, datetime

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from verification_scene import AT, SIGNED_AT

from edocx import cli
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.verification import verify


@pytest.fixture
def two_pages(tmp_path):
    import fpdf

    document = fpdf.FPDF()
    document.set_creation_date(datetime(2023, 6, 1, tzinfo=UTC))
    for _ in range(2):
        document.add_page()
        document.set_font("helvetica", size=12)
        document.cell(text="As signed")
    document.output(str(tmp_path / "two.pdf"))
    return tmp_path / "two.pdf"


def stamped(path, out):
    """Write a number onto the first page and a note onto the second, as the official tool does."""
    stream = io.BytesIO(path.read_bytes())
    writer = IncrementalPdfFileWriter(stream, strict=False)
    content = generic.StreamObject(stream_data=b"BT /F1 40 Tf 50 600 Td (NUMBER 12) Tj ET 50 500 400 50 re f")
    writer.add_stream_to_page(0, writer.add_object(content))
    page, _ = writer.find_page_for_modification(1)
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Contents"): pdf_string("arrived"),
            pdf_name("/DA"): pdf_string("/Helv 12 Tf 0 g"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (50, 600, 300, 640)),
        }
    )
    writer.register_annotation(page, writer.add_object(note))
    writer.write_in_place()
    out.write_bytes(stream.getvalue())
    return out


@pytest.fixture
def answered(bench, two_pages, tmp_path):
    first = sign(two_pages, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="Leader", certify=False)
    return sign(stamped(first, tmp_path / "b.pdf"), tmp_path / "c.pdf", bench.agency, at=SIGNED_AT, field="Seal")


def test_every_page_that_got_something_is_listed(bench, answered):
    report = verify(answered, trust=bench.trust, at=AT)
    assert report.indication is Indication.TOTAL_PASSED
    first, second = report.signatures
    listed = [(m.code, m.where) for m in first.messages if m.code.startswith("EDX-PDF-ADDED")]
    assert listed == [
        ("EDX-PDF-ADDED", "Seal"),
        ("EDX-PDF-ADDED-PAGE", "page 1"),
        ("EDX-PDF-ADDED-PAGE", "page 2"),
    ]
    assert [page.kinds for page in first.addition.pages] == [("content",), ("annotation",)]
    assert second.addition is None
    assert "addition" not in json.dumps(report.to_json())


def page_of(capfd, bench, path, out):
    command = ["--lang", "vi", "verify", str(path), "--trust", str(bench.folder / "trust")]
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--at", AT.isoformat(), "--html", str(out)])
    capfd.readouterr()
    assert caught.value.code == 0
    return out.read_text("utf-8")


def test_the_page_shows_before_and_after(bench, answered, tmp_path, capfd, tool):
    tool("pdftoppm")
    text = page_of(capfd, bench, answered, tmp_path / "p.html")
    pictures = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', text)]
    assert len(pictures) == 4
    assert pictures[0] != pictures[1], "page 1 looks different after"
    assert pictures[2] != pictures[3], "page 2 as well"
    assert all(data.startswith(b"\x89PNG") for data in pictures)
    assert not re.search(r'src="(?!data:)', text)


def test_without_the_tool_a_sentence_says_so(bench, answered, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    text = page_of(capfd, bench, answered, tmp_path / "p.html")
    assert "<img" not in text
    assert "pdftoppm" in text


@pytest.mark.parametrize("what", ["metadata", "information"])
def test_properties_rewritten_after_the_last_signature_are_named(bench, two_pages, tmp_path, what):
    signed = sign(two_pages, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="S", certify=False)
    stream = io.BytesIO(signed.read_bytes())
    writer = IncrementalPdfFileWriter(stream, strict=False)
    if what == "metadata":
        packet = generic.StreamObject(
            dict_data={pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")},
            stream_data=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        )
        writer.root[pdf_name("/Metadata")] = writer.add_object(packet)
        writer.update_root()
    else:
        title = generic.DictionaryObject({pdf_name("/Title"): pdf_string("another title")})
        writer.set_info(writer.add_object(title))
    writer.write_in_place()
    (tmp_path / "b.pdf").write_bytes(stream.getvalue())
    report = verify(tmp_path / "b.pdf", trust=bench.trust, at=AT)
    said = {message.code for message in report.messages}
    assert "EDX-PDF-PROPERTIES" in said, report
    assert "EDX-PDF-PROPERTIES" not in {m.code for m in verify(signed, trust=bench.trust, at=AT).messages}


def test_an_addition_that_readers_may_take_differently_is_not_held_against_the_earlier_signer(
    bench, two_pages, tmp_path
):
    first = sign(two_pages, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="Leader", certify=False)
    stream = io.BytesIO(stamped(first, tmp_path / "b.pdf").read_bytes())
    writer = IncrementalPdfFileWriter(stream, strict=False)
    writer.add_object(generic.DictionaryObject({pdf_name("/Tool"): pdf_string("an object that nothing names")}))
    writer.write_in_place()
    (tmp_path / "b.pdf").write_bytes(stream.getvalue())
    sealed = sign(tmp_path / "b.pdf", tmp_path / "c.pdf", bench.agency, at=SIGNED_AT, field="Seal")
    report = verify(sealed, trust=bench.trust, at=AT)
    leader, seal = report.signatures
    assert (leader.indication, seal.indication) == (Indication.INDETERMINATE, Indication.TOTAL_PASSED)
    assert report.indication is Indication.INDETERMINATE
    told = {message.code: message.where for message in leader.messages}
    assert told["EDX-PDF-ADDED-OTHERWISE"] == "Seal"
    assert leader.addition is not None
