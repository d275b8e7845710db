"""PDFs for the tests of signing, made here: plain, many pages, linearised, hybrid, with forms, attachments and traps."""

from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import fpdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

SIGNED_AT = datetime(2023, 6, 15, 1, tzinfo=UTC)


def plain(path: Path, pages: int = 1) -> Path:
    document = fpdf.FPDF()
    document.set_creation_date(datetime(2023, 6, 1, tzinfo=UTC))
    for number in range(pages):
        document.add_page()
        document.set_font("helvetica", size=12)
        document.cell(text=f"Page {number + 1}")
    document.output(str(path))
    return path


def with_attachments(path: Path) -> Path:
    document = fpdf.FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text="With an attachment")
    document.embed_file(basename="table.csv", bytes=b"a,b\n1,2\n")
    document.output(str(path))
    return path


def with_form(path: Path) -> Path:
    stream = io.BytesIO(plain(path).read_bytes())
    writer = IncrementalPdfFileWriter(stream)
    page, _ = writer.find_page_for_modification(0)
    field = writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Widget"),
                pdf_name("/FT"): pdf_name("/Tx"),
                pdf_name("/T"): pdf_string("Remark"),
                pdf_name("/V"): pdf_string("as it was"),
                pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (50, 50, 200, 70)),
                pdf_name("/P"): page,
            }
        )
    )
    writer.register_annotation(page, field)
    form = generic.DictionaryObject({pdf_name("/Fields"): generic.ArrayObject([field])})
    writer.root["/AcroForm"] = writer.add_object(form)
    writer.update_root()
    writer.write_in_place()
    path.write_bytes(stream.getvalue())
    return path


def with_xfa(path: Path) -> Path:
    stream = io.BytesIO(with_form(path).read_bytes())
    writer = IncrementalPdfFileWriter(stream)
    template = writer.add_object(generic.StreamObject(stream_data=b"<xdp/>"))
    writer.root["/AcroForm"]["/XFA"] = template
    writer.update_container(writer.root["/AcroForm"])
    writer.write_in_place()
    path.write_bytes(stream.getvalue())
    return path


def by_qpdf(qpdf: str, path: Path, *options: str, pages: int = 3) -> Path:
    source = plain(path.with_suffix(".source.pdf"), pages)
    subprocess.run([qpdf, *options, str(source), str(path)], check=True, capture_output=True)
    return path


def hybrid(path: Path) -> Path:
    """A file with both kinds of cross-references (ISO 32000-1 7.5.8.4): the stream holds one object more."""
    body = bytearray(b"%PDF-1.5\n")
    offsets = {}

    def add(number: int, data: bytes) -> None:
        offsets[number] = len(body)
        body.extend(b"%d 0 obj\n%s\nendobj\n" % (number, data))

    add(1, b"<</Type/Catalog/Pages 2 0 R>>")
    add(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    add(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>")
    add(5, b"<</Type/Extra>>")
    stream_at = len(body)
    entries = b"\x01" + offsets[5].to_bytes(3, "big") + b"\x00"
    body.extend(
        b"6 0 obj\n<</Type/XRef/Size 7/Index[5 1]/W[1 3 1]/Root 1 0 R/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (len(entries), entries)
    )
    table_at = len(body)
    rows = [b"0000000000 65535 f \n", *(b"%010d 00000 n \n" % offsets[n] for n in (1, 2, 3))]
    body.extend(b"xref\n0 4\n" + b"".join(rows))
    body.extend(b"trailer\n<</Size 7/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (stream_at, table_at))
    path.write_bytes(bytes(body))
    return path


def broken_xref(path: Path) -> Path:
    data = plain(path).read_bytes()
    at = data.rindex(b"startxref") + len(b"startxref\n")
    end = data.index(b"\n", at)
    path.write_bytes(data[:at] + b"999999999" + data[end:])
    return path


def heavy(path: Path, size: int) -> Path:
    """One page and one stream of ``size`` bytes that compresses badly, written in pieces."""
    head = b"%PDF-1.7\n"
    objects = [
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Extra 4 0 R>>\nendobj\n",
    ]
    with path.open("wb") as stream:
        stream.write(head)
        offsets = []
        for one in objects:
            offsets.append(stream.tell())
            stream.write(one)
        offsets.append(stream.tell())
        stream.write(b"4 0 obj\n<</Length %d>>\nstream\n" % size)
        piece = bytes(range(256)) * 1024
        for begin in range(0, size, len(piece)):
            stream.write(piece[: size - begin])
        stream.write(b"\nendstream\nendobj\n")
        table = stream.tell()
        stream.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % n for n in offsets))
        stream.write(b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table)
    return path
