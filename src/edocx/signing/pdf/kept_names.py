"""Names that pyHanko would write otherwise than they stand: what is signed would not be what was seen.

It decodes a name as UTF-8, else as Latin-1, and writes UTF-8; a page whose font is called ``/B#e0n`` then names one
that is not there, and viewers leave its text out (ISO 32000-2 7.3.5: names are bytes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.appended import odd_names
from edocx.signing.pdf.fast.syntax import UNREADABLE
from edocx.signing.pdf.rows import stored_value

SHORTEST = 0x10
"""Bytes below are written with one hexadecimal digit, which no reader takes for a byte."""


def require_names_kept(reader: PdfFileReader, objects: Mapping[tuple[int, int], generic.PdfObject], where: str) -> None:
    """Raise `SigningRefused` (``EDX-PDF-NAMES``) when an object to be written again would get other names."""
    revision = int(reader.xrefs.total_revisions) - 1
    for (generation, number), value in objects.items():
        if not any(not (name.isascii() and name.isprintable()) for name in _names(value)):
            continue
        reference = generic.Reference(number, generation, reader)
        if reader.xrefs.get_historical_ref(reference, revision) is None:
            continue  # new: nobody saw it otherwise
        if not _are_kept(reader, revision, number):
            raise _refused(number, where)


def _are_kept(reader: PdfFileReader, revision: int, number: int) -> bool:
    try:
        raws = [name.encode("latin-1") for name in odd_names(stored_value(reader, revision, number))]
        return all(raw.decode() and min(raw) >= SHORTEST for raw in raws)
    except UNREADABLE:  # a name that is no UTF-8 among them
        return False


def _names(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, generic.DecryptedObjectProxy):
            one = one.raw_object
        if isinstance(one, generic.NameObject):
            yield str(one)
        elif isinstance(one, generic.DictionaryObject):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, generic.ArrayObject):
            waiting += list.__iter__(one)


def _refused(number: int, where: str) -> SigningRefused:
    return SigningRefused(
        Text(
            f"Đối tượng {number} của tệp PDF dùng tên có ký tự ngoài ASCII mà khi ghi lại sẽ đổi: trang được ký sẽ "
            "hiện khác trang đã xem.",
            f"Object {number} of the PDF uses names beyond ASCII that would change when written: the page signed would "
            "not show what was seen.",
        ),
        hint=Text(
            "Ký với --fast, hoặc in/lưu lại thành tệp PDF mới (Print to PDF) rồi ký tệp đó.",
            "Sign with --fast, or print or save it as a new PDF (Print to PDF) and sign that one.",
        ),
        code="EDX-PDF-NAMES",
        where=where,
    )
