"""The signatures in a PDF as they stand: where, over which bytes, in which revision.

What a signature covers is read from the file's bytes, not from what the file says of itself: universal forgery,
incremental saving and signature wrapping all live in the difference.
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from edocx.content import PIECE
from edocx.signing.mechanism import finish, new_hash
from edocx.signing.pdf.document import MALFORMED, section_before

MAX_GAP = 16 * 1024 * 1024
"""Hex digits of one signature; a CMS with a long chain, lists and timestamps has some hundred thousand."""

MAX_TAIL = 64 * 1024
"""Bytes after the last revision's section in which its end mark stands."""

_LINE = re.compile(rb"\A(?:\r\n|\n|\r)")
END_OF_FILE = re.compile(rb" ?(?:\r\n|\n|\r){0,2}")
"""What may follow the last end mark: writers and editors end a line or two, and who pads a file gives it a size."""

MARK_WITHIN = 64
"""Bytes before a revision's end in which its mark stands, with white space after it."""


class Coverage(Enum):
    """What a byte range covers."""

    FILE = auto()
    REVISION = auto()
    WRONG = auto()
    """Not from the first byte, not to a revision's end, or with parts left out."""
    FOREIGN_GAP = auto()
    """The gap holds something else than this signature."""


@dataclass(slots=True)
class Embedded:
    """One filled signature field.

    ``revision`` counts from 0; ``certificates`` is /Cert of ``adbe.x509.rsa_sha1`` (DER each).
    """

    reader: PdfFileReader
    name: str
    holder: generic.DictionaryObject
    dictionary: generic.DictionaryObject
    subfilter: str
    byte_range: tuple[int, ...]
    contents: bytes
    revision: int
    certificates: tuple[bytes, ...] = ()
    _digests: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_stamp(self) -> bool:
        """Whether it is a document timestamp; the SubFilter decides, because some writers leave /Type wrong."""
        return self.subfilter == "/ETSI.RFC3161"

    @property
    def end(self) -> int:
        """The place where the byte range ends."""
        return self.byte_range[2] + self.byte_range[3] if len(self.byte_range) == 4 else 0  # noqa: PLR2004

    def digest(self, hash_name: str) -> bytes:
        """Digest the byte range, once for each hash; raise ``ValueError`` for an unknown hash or impossible range."""
        if hash_name not in self._digests:
            hasher = new_hash(hash_name)
            for piece in self._pieces():
                hasher.update(piece)
            self._digests[hash_name] = finish(hasher)
        return self._digests[hash_name]

    def hashed(self) -> tuple[str, bytes]:
        """Return hash and digest that the signature was checked by, to know the same octets again later."""
        return next(iter(self._digests.items()))

    def coverage(self) -> Coverage:
        """Say what the byte range covers, judged from the bytes (ISO 32000-2 12.8.1)."""
        size = _size(self.reader)
        if len(self.byte_range) != 4:  # noqa: PLR2004
            return Coverage.WRONG
        start, length, second, second_length = self.byte_range
        if start != 0 or length <= 0 or second <= length or second_length < 0 or self.end > size:
            return Coverage.WRONG
        if not self._gap_is_contents(length, second):
            return Coverage.FOREIGN_GAP
        if self.end == size:
            return Coverage.FILE
        return Coverage.REVISION if self._ends_revision() else Coverage.WRONG

    def tail_is_foreign(self) -> bool:
        """Say whether the file goes on after this last revision with more than line ends."""
        stream = self.reader.stream
        stream.seek(self.end)
        tail = stream.read(MAX_TAIL)
        return END_OF_FILE.fullmatch(tail) is None

    def _pieces(self) -> Iterator[bytes]:
        stream, size = self.reader.stream, _size(self.reader)
        pairs = list(zip(self.byte_range[::2], self.byte_range[1::2], strict=True))
        if any(start < 0 or length < 0 or start + length > size for start, length in pairs):
            raise ValueError("a byte range outside the file")
        for start, length in pairs:
            stream.seek(start)
            left = length
            while left and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

    def _gap_is_contents(self, start: int, end: int) -> bool:
        # The gap must be this signature's own hexadecimal string and nothing else, else another string was signed
        # than the one that is checked, or content hides beside it.
        if end - start > MAX_GAP:
            return False
        stream = self.reader.stream
        stream.seek(start)
        gap = stream.read(end - start)
        inside = gap.strip(b"\0\t\n\f\r ")
        if not (inside.startswith(b"<") and inside.endswith(b">")):
            return False
        digits = inside[1:-1].translate(None, b"\0\t\n\f\r ")
        try:
            found = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
        except binascii.Error:
            return False
        return found == self.contents

    def _ends_revision(self) -> bool:
        stream, xrefs = self.reader.stream, self.reader.xrefs
        stream.seek(self.end)
        try:
            if section_before(stream) != xrefs.get_startxref_for_revision(self.revision):
                return False
            ends = [xrefs.get_xref_container_info(r).end_location for r in range(self.revision + 1)]
        except MALFORMED:
            return False
        return all(end <= self.end for end in ends)


def newest_tail_is_foreign(reader: PdfFileReader) -> bool:
    """Say whether the file goes on after the end mark of its newest revision with more than line ends.

    Where validation data came last no signature ends there, and none would notice.
    """
    stream, xrefs = reader.stream, reader.xrefs
    try:
        end = max(xrefs.get_xref_container_info(one).end_location for one in range(xrefs.total_revisions))
    except MALFORMED:
        return True
    stream.seek(end)
    tail = stream.read(MAX_TAIL)
    _, mark, rest = tail.partition(b"%%EOF")
    return not mark or END_OF_FILE.fullmatch(_LINE.sub(b"", rest, count=1)) is None


def ends_revision(reader: PdfFileReader, size: int) -> bool:
    """Say whether the first ``size`` bytes are a whole file of their own: all of some revision and none of the next."""
    stream, xrefs = reader.stream, reader.xrefs
    if not 0 < size <= _size(reader):
        return False
    try:
        stream.seek(max(size - MARK_WITHIN, 0))
        if not stream.read(min(MARK_WITHIN, size)).rstrip(b"\0\t\n\f\r ").endswith(b"%%EOF"):
            return False  # some objects of the next revision are there already
        stream.seek(size)
        start = section_before(stream)
        for revision in range(xrefs.total_revisions):
            if xrefs.get_startxref_for_revision(revision) == start:
                ends = [xrefs.get_xref_container_info(one).end_location for one in range(revision + 1)]
                return all(end <= size for end in ends)
    except MALFORMED:
        return False
    return False


def embedded_in(reader: PdfFileReader, limit: int) -> tuple[list[Embedded], list[str]]:
    """Return the filled signature fields in signing order, and the names of those too malformed to look at.

    At most ``limit`` of both together are read. Raises what pyHanko raises when the form itself cannot be read.
    """
    found: list[Embedded] = []
    broken: list[str] = []
    for count, (name, value, field_object) in enumerate(enumerate_sig_fields(reader, filled_status=True)):
        if count >= limit:
            break
        called = str(name) if isinstance(name, str) else ""  # /T may be anything in a hostile file
        try:
            found.append(_read(reader, called, value, field_object))
        except MALFORMED:
            broken.append(called or "?")
    return sorted(found, key=lambda one: (one.revision, one.end)), broken


def _read(reader: PdfFileReader, name: str, value: Any, field_object: Any) -> Embedded:
    holder = field_object.get_object()
    dictionary = value.get_object()
    if not isinstance(dictionary, generic.DictionaryObject):
        raise TypeError("a signature must be a dictionary")
    contents = dictionary.raw_get("/Contents", decrypt=generic.EncryptedObjAccess.RAW)
    if isinstance(contents, generic.IndirectObject):
        contents = contents.get_object()
    byte_range = tuple(int(number) for number in dictionary["/ByteRange"])
    reference = holder.raw_get("/V")
    place = reference.reference if isinstance(reference, generic.IndirectObject) else holder.container_ref
    certificates = dictionary.get("/Cert", ())
    listed = (
        [certificates]
        if isinstance(certificates, generic.ByteStringObject | generic.TextStringObject)
        else certificates
    )
    return Embedded(
        reader=reader,
        name=name or "?",
        holder=holder,
        dictionary=dictionary,
        subfilter=str(dictionary.get("/SubFilter", "")),
        byte_range=byte_range,
        contents=contents.original_bytes,
        revision=reader.xrefs.get_last_change(place),
        certificates=tuple(one.original_bytes for one in listed),
    )


def _size(reader: PdfFileReader) -> int:
    return int(reader.stream.seek(0, os.SEEK_END))
