"""A file's properties (title, author, dates) rewritten after everything that is signed: allowed, and never silent.

Tools that add validation data often touch them, so it fails nothing; but viewers show them, and nobody vouches for it.
"""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.errors import Text
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.report import Message


def properties_rewritten(reader: PdfFileReader, revision: int) -> bool:
    """Say whether the revisions after one touch the document's metadata or its information dictionary."""
    newest = int(reader.xrefs.total_revisions) - 1
    if revision >= newest:
        return False
    try:
        before, after = _held(reader.get_historical_resolver(revision)), _held(reader.get_historical_resolver(newest))
        changed: set[Any] = set()
        for one in range(revision + 1, newest + 1):
            changed |= set(reader.get_historical_resolver(one).explicit_refs_in_revision())
    except MALFORMED:
        return False  # what cannot be read is judged elsewhere
    return before != after or bool(changed & (before | after))


def _held(resolver: HistoricalResolver) -> set[Any]:
    found = set()
    root, trailer = resolver.root, resolver.trailer_view
    if "/Metadata" in root and isinstance(raw := root.raw_get("/Metadata"), generic.IndirectObject):
        found.add(raw.reference)
    info = trailer.get_value_as_reference("/Info", optional=True)
    if info is not None:
        found.add(info)
    return found


PROPERTIES = Message.of(
    "EDX-PDF-PROPERTIES",
    "warning",
    Text(
        "Sau chữ ký cuối cùng, thuộc tính của tệp (tiêu đề, tác giả, ngày) bị ghi lại; nội dung các trang không đổi, "
        "nhưng đừng tin các thuộc tính đó.",
        "After the last signature the file's properties (title, author, dates) were rewritten; the pages are "
        "unchanged, but do not rely on those properties.",
    ),
)
