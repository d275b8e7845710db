"""Opening a PDF that somebody else made."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.misc import PdfError as PyHankoError
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.content import reason
from edocx.errors import InputError, PdfError, Text
from edocx.signing.budget import Budget

HEADER = b"%PDF-"
HEADER_WITHIN = 1024
"""Readers accept the header within the first 1024 bytes (ISO 32000-1 Annex H, implementation note 13)."""

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

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        # Called for every character of a header or number: bound once, not looked up through __getattr__.
        self.read = stream.read
        self.tell = stream.tell
        self.write = stream.write

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
    stream.seek(0)
    try:
        reader = _BoundedReader(_Seekable(stream), strict=False)
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
