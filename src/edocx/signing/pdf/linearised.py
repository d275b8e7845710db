"""Linearised files (ISO 32000-2 Annex F): a first object by which viewers read a file from its front.

Where its /L is the size of the file, a viewer takes the section right behind it, and never looks at the end. A draft
that hides another section there shows other pages as soon as somebody brings the signed file to that size.
"""

from __future__ import annotations

import os
import re
from typing import BinaryIO

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.report import Message

HEAD = 4096
"""Bytes in which the object and the beginning of the section behind it stand; the standard says 1024."""

_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_END = re.compile(rb"endobj[\0\t\n\f\r ]*")

LINEARISED = Message.of(
    "EDX-PDF-LINEARISED",
    "error",
    Text(
        "Phần đầu tệp PDF (đối tượng /Linearized) khiến phần mềm xem đọc một mục lục khác với mục lục ở cuối tệp: nội "
        "dung hiện ra có thể không phải nội dung đã ký. Lấy lại bản gốc từ nơi gửi.",
        "The front of the PDF (a /Linearized object) makes viewers read another cross-reference section than the one "
        "at its end: what they show may not be what was signed. Fetch the original from its sender.",
    ),
)


def says_linearised(head: bytes) -> bool:
    """Say whether the first bytes of a file call it linearised, in whatever way the name is written."""
    return b"/Linearized" in _unescaped(head)


def front_takes_over(reader: PdfFileReader) -> bool:
    """Say whether viewers read the file from its front while its newest revision is another."""
    stream = reader.stream
    size = stream.seek(0, os.SEEK_END)
    head = _head(stream)
    if not says_linearised(head):
        return False
    end = _END.search(head)
    about = head[: end.start()] if end is not None else head
    if re.search(rb"(?<![\d.])0*%d(?!\d)" % size, about) is None:
        return False
    try:
        newest = reader.xrefs.get_startxref_for_revision(reader.xrefs.total_revisions - 1)
    except MALFORMED:
        return True
    return end is None or newest != end.end()


def refuse_hidden_section(reader: PdfFileReader, where: str) -> None:
    """Raise `SigningRefused` (``EDX-PDF-HIDDEN-SECTION``) for a section at the front that no revision is read by."""
    head = _head(reader.stream)
    end = _END.search(head)
    if end is None or not says_linearised(head):
        return
    behind = _unescaped(head[end.end() :].partition(b"stream")[0])
    if not (behind.startswith(b"xref") or b"/XRef" in behind):
        return
    known = {int(reader.xrefs.get_startxref_for_revision(one)) for one in range(reader.xrefs.total_revisions)}
    if end.end() not in known:
        raise SigningRefused(
            Text(
                "Tệp PDF có một mục lục ẩn ở đầu tệp, có thể làm hiện nội dung khác sau khi ký.",
                "The PDF hides a cross-reference section at its front, which may show other content once it is signed.",
            ),
            hint=Text(
                "In hoặc lưu lại thành tệp PDF mới (Print to PDF), xem lại nội dung rồi ký tệp mới.",
                "Print or save it as a new PDF (Print to PDF), look at what that shows, and sign it.",
            ),
            code="EDX-PDF-HIDDEN-SECTION",
            where=where,
        )


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return bytes(stream.read(HEAD))


def _unescaped(data: bytes) -> bytes:
    return _ESCAPE.sub(lambda one: bytes([int(one[1], 16)]), data)
