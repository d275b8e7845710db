"""Opening a PDF that somebody else made."""

from __future__ import annotations

import errno
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.misc import PdfError as PyHankoError
from pyhanko.pdf_utils.reader import PdfFileReader, process_data_at_eof

from edocx.content import reason
from edocx.errors import InputError, PdfError, Text
from edocx.signing.budget import Budget

HEADER = b"%PDF-"
HEADER_WITHIN = 1024
"""Readers accept the header within the first 1024 bytes (ISO 32000-1 Annex H, implementation note 13)."""

END_WITHIN = 4096
"""Bytes before the end of a revision in which ``startxref`` and ``%%EOF`` stand; pyHanko looks for the mark in 1024."""

_END = re.compile(rb".*[\r\n]startxref.*[\r\n]%%EOF", re.DOTALL)

READS = 10_000
"""Reads after which a file's budget is asked; pyHanko reads white space and numbers byte by byte."""

MALFORMED = (
    PyHankoError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    StopIteration,
    struct.error,
    zlib.error,
)
"""What pyHanko raises on hostile files, its own errors and what slips through.

No ``OSError``: a full disk does not make a document a damaged one (see `_Seekable` for the one that is the file's).
"""


class _Seekable:
    """A stream whose impossible positions are the file's fault: numbers in a PDF say where to seek.

    The operating system calls a negative offset ``EINVAL``; here it is a ``ValueError``, so that what else it says
    (no space, no right, a failing device) is never taken for a damaged file.
    """

    def __init__(self, stream: BinaryIO, budget: Budget | None = None) -> None:
        self._stream = stream
        # Called for every character of a header or number: bound once, not looked up through __getattr__.
        self._read = stream.read
        self._budget = budget
        self._left = READS
        self.tell = stream.tell
        self.write = stream.write

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            self._left = READS
            if self._budget is not None:
                self._budget.check()
        return self._read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._stream.seek(offset, whence)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise ValueError("a position outside the file") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _BoundedReader(PdfFileReader):  # type: ignore[misc, unused-ignore]
    """A reader that asks its budget whenever an object or a revision is fetched: every walk and comparison does."""

    budget: Budget | None = None

    def get_object(self, *args: Any, **options: Any) -> Any:
        if self.budget is not None:
            self.budget.check()
        return super().get_object(*args, **options)  # type: ignore[no-untyped-call]

    def get_historical_resolver(self, revision: int) -> Any:
        if self.budget is not None:
            self.budget.check()
        return super().get_historical_resolver(revision)


@contextmanager
def open_pdf(path: Path, budget: Budget | None = None, *, unlock: bool = False) -> Iterator[PdfFileReader]:
    """Open a PDF for reading; raise `InputError` for the file, `PdfError` for what is in it.

    ``unlock`` opens an encrypted file whose user password is empty. With a ``budget``, reading on after its deadline
    raises `LimitExceeded`.

    ``EDX-PDF-NOT``: no PDF at all; ``EDX-PDF-DAMAGED``: truncated or broken; ``EDX-PDF-ENCRYPTED``.
    """
    with open_source(path) as stream:
        yield read_pdf(stream, str(path), budget, unlock=unlock)


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading; raise `InputError` (``EDX-FILE-UNREADABLE``) when it cannot be."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            Text(f"Không mở được tệp ({reason(error).vi}).", f"The file cannot be opened ({reason(error).en})."),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error


def read_pdf(stream: BinaryIO, where: str, budget: Budget | None = None, *, unlock: bool = False) -> PdfFileReader:
    """Read the structure of a PDF from a stream; see `open_pdf` for the errors."""
    if HEADER not in stream.read(HEADER_WITHIN):
        raise PdfError(
            Text("Tệp không phải là PDF.", "The file is not a PDF."),
            hint=Text("Chuyển văn bản sang PDF rồi thử lại.", "Convert the document to PDF and try again."),
            code="EDX-PDF-NOT",
            where=where,
        )
    stream.seek(0, os.SEEK_END)
    try:
        require_end_mark(stream)
        stream.seek(0)
        reader = _BoundedReader(_Seekable(stream, budget), strict=False)
        reader.budget = budget
        encrypted = reader.encrypted and not (unlock and _opens_without_password(reader))
        if not encrypted:
            reader.root["/Pages"]
    except MALFORMED as error:
        raise damaged(where) from error
    if encrypted:
        raise PdfError(
            Text("Tệp PDF bị mã hóa.", "The PDF is encrypted."),
            hint=Text(
                "Bỏ mật khẩu của tệp trước khi ký hoặc gửi.", "Remove the file's password before signing or sending."
            ),
            code="EDX-PDF-ENCRYPTED",
            where=where,
        )
    return reader


def section_before(stream: BinaryIO) -> int:
    """Return where the end mark before a stream's position says the section is; raise what pyHanko raises."""
    require_end_mark(stream)
    return int(process_data_at_eof(stream))


def require_end_mark(stream: BinaryIO) -> None:
    """Raise ``ValueError`` unless an end mark stands a little before a stream's position, which is kept.

    pyHanko goes back byte by byte to the next end of line: a second for each million NULs.
    """
    place = stream.tell()
    stream.seek(max(0, place - END_WITHIN))
    window = stream.read(min(place, END_WITHIN))
    stream.seek(place)
    if not _END.match(window):
        raise ValueError("no end mark")


def _opens_without_password(reader: PdfFileReader) -> bool:
    # A file that anybody may read, with restrictions for its viewers only: its signatures can be judged.
    return reader.decrypt(b"").status is not AuthStatus.FAILED


def damaged(where: str) -> PdfError:
    """Make the error for a PDF that is truncated or broken."""
    return PdfError(
        Text("Tệp PDF bị cắt hoặc hỏng.", "The PDF is truncated or damaged."),
        hint=Text(
            "Lấy lại tệp từ nguồn; kiểm tra bằng qpdf --check.", "Fetch the file again; check it with qpdf --check."
        ),
        code="EDX-PDF-DAMAGED",
        where=where,
    )
