"""Appending a revision to a PDF without touching what is there, and without looking at the clock."""

from __future__ import annotations

import logging
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from edocx.content import PIECE
from edocx.documents import Box
from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.document import MALFORMED, damaged, read_pdf
from edocx.signing.pdf.kept_names import require_names_kept
from edocx.signing.pdf.linearised import refuse_hidden_section
from edocx.signing.pdf.page_view import PageView, page_view
from edocx.signing.pdf.placing import no_such_page, require_inside

# pyHanko logs names out of certificates and tracebacks of what we turn into errors; an application that wants them
# can still attach a handler.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())


class Revision(IncrementalPdfFileWriter):
    """pyHanko's incremental writer, minus five habits.

    It sets /ModDate to the machine's present (time is an argument here, and a signature needs no other change than
    itself), it copies in pieces of 4 KiB, it raises the version under signatures that are there already, and it
    believes a /Size that is too small: new objects would then take the places of old ones, and a blank page would be
    signed. And names beyond ASCII become others (`require_names_kept`).
    """

    IO_CHUNK_SIZE = PIECE

    def __init__(self, stream: BinaryIO, reader: PdfFileReader, where: str = "") -> None:
        self._where = where
        # Before pyHanko numbers anything: it may do so on opening already.
        size = _size(reader)
        if size > int(reader.trailer["/Size"]):
            reader.trailer["/Size"] = generic.NumberObject(size)
        super().__init__(stream, prev=reader, strict=False)

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """Raise the catalogue's /Version before the first signature only; to that one's signer it is a change."""
        if self.prev.input_version >= version or not _is_signed(self.prev):
            super().ensure_output_version(version)  # type: ignore[no-untyped-call, unused-ignore]

    def _update_meta(self) -> None:
        """Leave the document's metadata as the document has it; refuse what would be written otherwise than it is.

        pyHanko calls this when all that is to be written is known.
        """
        require_names_kept(self.prev, self.objects, self._where)


def open_revision(stream: BinaryIO, where: str) -> Revision:
    """Begin a revision of the PDF in ``stream``; see `edocx.signing.pdf.document.open_pdf` for the errors.

    Refuses XFA forms too (``EDX-PDF-XFA``): viewers draw those from XML that no page holds, so what is signed would
    not be what is seen; and files with a second front (`refuse_hidden_section`).
    """
    stream.seek(0)
    reader = read_pdf(stream, where)
    try:
        _refuse_xfa(reader, where)
        refuse_hidden_section(reader, where)
        return Revision(stream, reader, where)
    except MALFORMED as error:
        raise damaged(where) from error


def require_place(revision: Revision, box: Box, where: str) -> PageView:
    """Return the view of the page a box is on.

    Raises `UsageError`: ``EDX-PDF-PAGE`` when the document has no such page, ``EDX-SIGN-PLACE`` when the box does not
    lie whole on it.
    """
    count = int(revision.root["/Pages"]["/Count"])
    if not -count <= box.page < count:
        raise no_such_page(count, where)
    view = page_view(revision, box.page)
    require_inside(box, view.size, where)
    return view


def _is_signed(reader: PdfFileReader) -> bool:
    try:
        return next(enumerate_sig_fields(reader, filled_status=True), None) is not None
    except MALFORMED:
        return False  # a form that cannot be read is judged where it is needed


def _size(reader: PdfFileReader) -> int:
    """Return one more than the highest object number that any cross-reference section speaks of."""
    highest = 0
    for number in range(int(reader.xrefs.total_revisions)):
        data: Any = reader.xrefs.get_xref_data(number)
        stream = reader.xrefs.get_xref_container_info(number).stream_ref
        hybrid = () if data.hybrid is None else (data.hybrid.xref_data,)
        tables = [
            table for one in (data, *hybrid) for table in (one.standard_xrefs, one.xrefs_in_objstm, one.freed) if table
        ]
        highest = max(highest, 0 if stream is None else stream.idnum, *map(max, tables))
    return highest + 1


def _refuse_xfa(reader: PdfFileReader, where: str) -> None:
    root = reader.root
    if "/AcroForm" in root and "/XFA" in root["/AcroForm"]:
        raise SigningRefused(
            Text("Tệp PDF dùng biểu mẫu XFA.", "The PDF uses an XFA form."),
            hint=Text(
                "In tệp ra PDF thường (Print to PDF) rồi ký bản đó.", "Print it to a plain PDF and sign that one."
            ),
            code="EDX-PDF-XFA",
            where=where,
        )
