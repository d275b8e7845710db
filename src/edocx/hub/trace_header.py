"""Appending one TraceHeader to an envelope without touching any other byte.

A relay must not parse and write an envelope again: what the sender's agency sealed has to stay as it is, and so do the
bytes that nobody understands. So the new entry is put before the end tag of TraceHeaderList, which stands outside the
seal, and everything else is passed on as it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from edocx import _xml
from edocx.clock import in_vietnam
from edocx.content import PIECE, Blob
from edocx.envelope import names as n
from edocx.errors import InputError
from edocx.routing.transport.spool import spooled


def with_trace(envelope: Blob, unit: str, at: datetime, *, workdir: Path) -> Blob:
    """Return the envelope with an entry of ``unit`` at the end of its trace.

    An envelope without a trace list (a status message), or in UTF-16, comes back as it is.
    """
    finder = _Finder()
    try:
        _xml.walk(envelope.pieces(PIECE), finder)
    except _Found as found:
        prefix, offset = found.prefix, found.offset
    except InputError:
        return envelope
    else:
        return envelope
    moment = f"{in_vietnam(at):%Y/%m/%d %H:%M:%S}"
    entry = (
        f"<{prefix}{n.TRACE}><{prefix}{n.ORGAN_ID}>{escape(unit)}</{prefix}{n.ORGAN_ID}>"
        f"<{prefix}{n.TIMESTAMP}>{moment}</{prefix}{n.TIMESTAMP}></{prefix}{n.TRACE}>"
    ).encode()
    if not _stands_at(envelope, offset, f"</{prefix}{n.TRACE_LIST}".encode()):
        return envelope
    return spooled(_inserted(envelope, offset, entry), workdir)


class _Found(Exception):
    def __init__(self, prefix: str, offset: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.offset = offset


class _Finder:
    """Looks for the end of edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList, and for no list elsewhere."""

    _PLACE = (n.ROOT, n.ENVELOPE, n.HEADER, n.TRACE_LIST)

    def __init__(self) -> None:
        self._path: list[str] = []

    def start(self, name: str, _attributes: dict[str, str], _offset: int) -> None:
        self._path.append(name)

    def end(self, name: str, offset: int) -> None:
        local = tuple(one.rpartition(":")[2] for one in self._path)
        self._path.pop()
        if local == self._PLACE:
            prefix, colon, _ = name.rpartition(":")
            raise _Found(prefix + colon, offset)

    def text(self, _text: str, _offset: int) -> None:
        return

    def other(self, _offset: int, _kind: str) -> None:
        return


def _stands_at(envelope: Blob, offset: int, tag: bytes) -> bool:
    """Tell whether an end tag really begins there: an empty-element tag has none to put an entry before."""
    with envelope.open() as stream:
        left = offset
        while left > 0:
            left -= len(stream.read(min(PIECE, left)) or b"x" * left)
        return stream.read(len(tag)) == tag


def _inserted(envelope: Blob, offset: int, entry: bytes) -> Iterator[bytes]:
    at = 0
    for piece in envelope.pieces():
        if at <= offset < at + len(piece):
            cut = offset - at
            yield piece[:cut]
            yield entry
            yield piece[cut:]
        else:
            yield piece
        at += len(piece)
