"""Whether what follows a signature in its file can be read in one way only (`appended`), for both ways of reading."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakKeyDictionary

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.signing.pdf.appended import MAX_APPENDED, Before, read_appended
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded
from edocx.signing.pdf.fast.syntax import Ref
from edocx.signing.pdf.rows import SignedRows, stored_value

_WALKED: WeakKeyDictionary[PdfFileReader, tuple[int, ...]] = WeakKeyDictionary()
"""Where the sections of a file start that were read in one way only, the first a signed one."""


def followed_exactly(signature: Embedded) -> bool:
    """Say whether all that follows a signature are revisions read in one way only, the same that pyHanko found.

    Raises `LimitExceeded` when the reader's budget ends.
    """
    reader = signature.reader
    try:
        later = range(signature.revision + 1, reader.xrefs.total_revisions)
        if not later:
            return True  # bytes that are no revision are named as such
        expected = [int(reader.xrefs.get_startxref_for_revision(one)) for one in later]
        start = int(reader.xrefs.get_startxref_for_revision(signature.revision))
        known = list(_WALKED.get(reader, ()))
        if start in known and known[known.index(start) + 1 :] == expected:
            return True  # on the way from an earlier signature
        data = _bytes_after(reader, signature.end)
        before = _before(reader, signature.revision, start)
        found = read_appended(data, signature.end, before, len(later), _check_of(reader))
    except MALFORMED:
        return False
    if found != expected:
        return False
    _WALKED[reader] = (start, *found)
    return True


def _check_of(reader: PdfFileReader) -> Callable[[], object]:
    budget = getattr(reader, "budget", None)
    return budget.check if budget is not None else bool


def _bytes_after(reader: PdfFileReader, place: int) -> bytes:
    stream = reader.stream
    if stream.seek(0, os.SEEK_END) - place > MAX_APPENDED:
        raise ValueError("more than is ever appended")
    stream.seek(place)
    return bytes(stream.read(MAX_APPENDED))


def _before(reader: PdfFileReader, revision: int, start: int) -> Before:
    old = reader.get_historical_resolver(revision)
    trailer = old.trailer_view
    root = trailer.raw_get("/Root").reference

    def inflate(reference: Ref) -> bytes:
        return bytes(reader.get_object(generic.Reference(*reference, reader)).data)

    return Before(
        start=start,
        root=Ref(root.idnum, root.generation),
        size=int(trailer["/Size"]) if "/Size" in trailer else 0,
        known=SignedRows(reader, revision).known,
        inflate=inflate if reader.encrypted else None,
        value=lambda number: stored_value(reader, revision, number),
    )
