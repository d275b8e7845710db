"""What the cross-reference rows of signed revisions say of an object, as a viewer takes them; and where it stands.

pyHanko passes over rows with a generation above 65535, and takes a free row for the end of one generation only; a
viewer takes the newest row that there is. Where both differ on an object, nobody can say what the signer saw of it:
who appends it once more shows it to some, and compares as unchanged.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef, parse_xref_stream

from edocx.signing.pdf.fast.revisions import Packed
from edocx.signing.pdf.fast.syntax import parse, parse_header

MAX_TABLE = 64 * 1024 * 1024
"""Bytes of one table, some three million rows."""

MAX_GENERATION = 65_535
"""Of a row (ISO 32000-2 7.5.4)."""

MAX_OBJECT = 4 * 1024 * 1024
"""Bytes of one object without its stream that are looked through for its names; a page has some hundred."""

NARROW = 2
"""Bytes that no higher generation fits into."""

_ROW = re.compile(rb"\d[\0\t\n\f\r ]+(\d+)[\0\t\n\f\r ]*[fn](?![A-Za-z])")


class SignedRows:
    """The rows of the revisions up to one that was signed."""

    def __init__(self, reader: PdfFileReader, revision: int) -> None:
        self._reader, self._revision = reader, revision

    def known(self, number: int) -> bool:
        """Say whether the revision has an object; raise ``ValueError`` where a viewer and pyHanko differ on that."""
        if self._has_passed_over:
            raise ValueError("rows that not all readers see")
        xrefs = self._reader.xrefs
        believed = xrefs.get_historical_ref(generic.Reference(number, 0, self._reader), self._revision) is not None
        for revision in range(self._revision, -1, -1):
            data = xrefs.get_xref_data(revision)
            tables = [data] if data.hybrid is None else [data, data.hybrid.xref_data]
            used = [one for one in tables if number in one.standard_xrefs or number in one.xrefs_in_objstm]
            if used:
                if not believed or used[0].standard_xrefs.get(number, (0, 0))[0]:
                    raise ValueError("an object of a later generation")
                return True
            if any(number in one.freed for one in tables):
                if believed:
                    raise ValueError("an object that is free to some readers")
                return False
        return False

    @cached_property
    def _has_passed_over(self) -> bool:
        return any(self._passes_over(revision) for revision in range(self._revision + 1))

    def _passes_over(self, revision: int) -> bool:
        xrefs, stream = self._reader.xrefs, self._reader.stream
        about, data = xrefs.get_xref_container_info(revision), xrefs.get_xref_data(revision)
        streams = [one for one in (about.stream_ref, data.hybrid and data.hybrid.meta_info.stream_ref) if one]
        for one in streams:
            section = self._reader.get_object(one, revision=revision)
            widths = section["/W"]
            if int(widths[2]) > NARROW and any(
                row.generation > MAX_GENERATION for row in parse_xref_stream(section, strict=False)
            ):
                return True
        if about.stream_ref is not None:
            return False
        stream.seek(about.start_location)
        table = stream.read(min(about.end_location - about.start_location, MAX_TABLE))
        return any(len(row) > NARROW and int(row) > MAX_GENERATION for row in set(_ROW.findall(table)))


def stored_value(reader: PdfFileReader, revision: int, number: int) -> Any:
    """Return an object as it stands in a revision's bytes, of a stream its dictionary; raise `NotPlain`.

    Names are bytes there and no letters, which pyHanko makes of them.
    """
    place = reader.xrefs.get_historical_ref(generic.Reference(number, 0, reader), revision)
    if isinstance(place, ObjStreamRef):
        held = reader.get_object(generic.Reference(place.obj_stream_id, 0, reader), revision=revision)
        about = {"Type": "ObjStm", "N": int(held["/N"]), "First": int(held["/First"])}
        return Packed.unpack(held.data, about).stored(number).value
    reader.stream.seek(place)
    data = reader.stream.read(MAX_OBJECT)
    return parse(data, parse_header(data, 0)[2]).value
