"""Linearised files (ISO 32000-2 Annex F): a first object by which viewers read a file from its front.

Where its /L is the size of the file, a viewer takes the section right behind it, and never looks at the end. A draft
that hides another section there shows other pages as soon as somebody brings the signed file to that size. Viewers
find the object as their tokenizers do, behind white space and comments of any length, and the section behind the
first bytes ``endobj``, be they in a comment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Self

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.content import PIECE
from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.document import HEADER, HEADER_WITHIN, MALFORMED
from edocx.signing.report import Message

HEAD = 4096
"""Bytes in which the object stands, and the beginning of the section behind it; the standard says 1024."""

WITHIN = 1024
"""Bytes that a genuine file may have before its first object; writers put a comment of some bytes there."""

FAR = 64 * 1024
"""Bytes of a draft in which the key stands at the front or not at all: further on it may be in a file attached."""

_LONGEST = b"/" + b"#4c" * len("Linearized")
_KEY = re.compile(
    b"/" + b"".join(b"(?:%c|#%x|#%X)" % (one, one, one) for one in b"Linearized").replace(b"#4c", b"#4[Cc]")
)
_NUMBER = 32
"""Bytes that a number may have, with zeros before it."""

_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_AHEAD = re.compile(rb"(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])*+")
_OBJECT = re.compile(rb"\d+(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])+\d+(?:[\0\t\n\f\r ]|%[^\r\n]*[\r\n])+obj")
_END = re.compile(rb"endobj[\0\t\n\f\r ]*")
_LENGTH = re.compile(rb"/L[\0\t\n\f\r ]+(\d{1,12})(?=[\0\t\n\f\r />])")
_LENGTH_KEY = re.compile(rb"/L(?=[\0\t\n\f\r ()<>\[\]{}/%])")
_STRUCTURE = re.compile(rb"obj|xref|trailer|stream")

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


def may_be_linearised(read: Callable[[int, int], bytes], size: int) -> bool:
    """Say whether any viewer may take a file for a linearised one: by the key, wherever it stands.

    ``read`` gives the bytes from one place up to another. Viewers know no bound for the first object, and some look for
    it on the header's own line.
    """
    return any(_KEY.search(read(begin, begin + PIECE + len(_LONGEST))) for begin in range(0, size, PIECE))


def _reading(stream: BinaryIO) -> Callable[[int, int], bytes]:
    def read(begin: int, end: int) -> bytes:
        stream.seek(begin)
        return stream.read(end - begin)

    return read


def _says(stream: BinaryIO, size: int, number: int) -> bool:
    """Say whether a number stands in a file by itself, with zeros before it or not."""
    digits, read = b"%d" % number, _reading(stream)
    alone = re.compile(rb"(?<![\d.])0*+%d(?!\d)" % number) if not digits.startswith(b"0") else None
    return any(
        digits in (piece := read(max(begin - _NUMBER, 0), begin + PIECE + _NUMBER))
        and alone is not None
        and alone.search(piece) is not None
        for begin in range(0, size, PIECE)
    )


@dataclass(frozen=True, slots=True)
class _Front:
    """What the front of a file that is called linearised says."""

    header: int
    """Where the header starts; some viewers count from there."""
    ahead: bytes
    """What stands before the first object."""
    own: bytes
    """The first object, up to the first ``endobj`` behind its beginning; empty when it is no such dictionary."""
    near: bytes
    """That object and what comes next."""
    behind: int
    """Where viewers look for a section: behind the first ``endobj``, whatever it stands in; -1 for none."""
    after: bytes
    """What is there, and on."""

    @classmethod
    def of(cls, stream: BinaryIO) -> Self | None:
        """Read the front; None unless a viewer may take the file for a linearised one."""
        stream.seek(0)
        data = stream.read(HEAD)
        header, size = _start(data), HEAD
        # An object behind a long comment is found by who reads on; so are we, as far as the file goes.
        while len(data) == size < (first := _first(data, header)) + 2 * HEAD:
            size *= 2
            stream.seek(0)
            data = stream.read(size)
        first = _first(data, header)
        near = data[first : first + HEAD]
        if b"/Linearized" not in _unescaped(near):
            return None
        begin = found.end() if (found := _OBJECT.match(data, first)) is not None else first
        own, behind = _END.search(data, begin), _END.search(data, header)
        about = data[begin : own.start() if own is not None else begin + HEAD]
        return cls(
            header=header,
            ahead=data[header + len(HEADER) : first],
            own=about if b"/Linearized" in _unescaped(about) else b"",
            near=near,
            behind=behind.end() if behind is not None else -1,
            after=data[behind.end() : behind.end() + HEAD] if behind is not None else b"",
        )

    def length(self) -> int | None:
        """Return what /L of the first object says; None when not every reader takes it for the same number."""
        said = _LENGTH.findall(self.own)
        if len(said) != 1 or len(_LENGTH_KEY.findall(_unescaped(self.own))) != 1 or b"%" in self.own:
            return None
        return int(said[0])


def front_takes_over(reader: PdfFileReader) -> bool:
    """Say whether viewers read the file from its front while its newest revision is another."""
    stream = reader.stream
    size = stream.seek(0, os.SEEK_END)
    if not may_be_linearised(_reading(stream), size):
        return False
    front = _Front.of(stream)
    if front is None:
        # Where a front never stands, for some: with the size of the file beside the key, nobody wrote it by chance.
        stream.seek(0)
        return any(_says(stream, size, one) for one in {size, size - _start(stream.read(HEAD))})
    says_so = front.own and front.length() in {None, size, size - front.header}
    if not says_so and not any(_says(stream, size, one) for one in {size, size - front.header}):
        return False
    try:
        newest = reader.xrefs.get_startxref_for_revision(reader.xrefs.total_revisions - 1)
    except MALFORMED:
        return True
    return int(newest) != front.behind


def refuse_hidden_section(reader: PdfFileReader, where: str) -> None:
    """Raise `SigningRefused` (``EDX-PDF-HIDDEN-SECTION``) for a section at the front that no revision is read by."""
    stream = reader.stream
    front = _Front.of(stream)
    if front is None:
        if not may_be_linearised(_reading(stream), FAR):
            return
        raise _hidden(where)
    known = {int(reader.xrefs.get_startxref_for_revision(one)) for one in range(reader.xrefs.total_revisions)}
    odd = (
        len(front.ahead) > WITHIN
        or _STRUCTURE.search(front.ahead) is not None
        or (front.own and front.length() is None)
    )
    if odd or (_begins_section(front.after) and front.behind not in known):
        raise _hidden(where)


def _hidden(where: str) -> SigningRefused:
    return SigningRefused(
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


def _begins_section(data: bytes) -> bool:
    behind = _unescaped(data[_first(data, 0) :].partition(b"stream")[0])
    return behind.startswith(b"xref") or b"/XRef" in behind


def _first(data: bytes, start: int) -> int:
    """Return where the first object begins as far as ``data`` shows: behind white space and comments."""
    found = _AHEAD.match(data, start)
    end = found.end() if found is not None else start
    return len(data) if data[end : end + 1] == b"%" else end  # a comment that goes on


def _start(head: bytes) -> int:
    return max(head[: HEADER_WITHIN + len(HEADER)].find(HEADER), 0)


def _unescaped(data: bytes) -> bytes:
    return _ESCAPE.sub(lambda one: bytes([int(one[1], 16)]), data)
