"""Bytes to an envelope: every dialect read, every oddity named, nothing held in memory that can be long."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from lxml import etree

from edocx import _xml
from edocx.content import Blob
from edocx.envelope import rules, spans, streaming
from edocx.envelope.assemble import assemble
from edocx.envelope.dialect import Dialect, recognise
from edocx.envelope.limits import Limits
from edocx.envelope.model import Envelope, Finding
from edocx.envelope.notes import Notes
from edocx.envelope.quirks import UsedQuirk
from edocx.envelope.source import FileSource, MemorySource, Source, pieces_of, plain_blob
from edocx.envelope.tree import Payload, Tree, exceeded
from edocx.errors import EnvelopeError, InputError, Text, XmlError

_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ASCII_NAMES: Final = frozenset(("us-ascii", "ascii"))
_UTF8_NAMES: Final = _ASCII_NAMES | {None, "utf-8", "utf8"}
_BLANKS: Final = b" \t\r\n"
_SMALL: Final = 1024 * 1024
"""A Blob without a file is held in memory up to this size, else put into an anonymous file."""


class Reading:
    """An envelope read, with what was odd about it, and its bytes. A context manager.

    Attributes:
        envelope: the envelope; its attachments' content can be read while the reading is open.
        dialect: "A", "A-net", "A-default", "C" or "D".
        quirks: the tolerances used, in the order met.
        findings: what is wrong, of reading and of rules.
        skeleton: the root element; every ``ContentTransferEncoded`` in it is empty, all else as received.
        payloads: what stood in those, by element, in document order.
        unknown: how many unknown elements and attributes there were.
        attributed: the elements of the skeleton that have attributes.
    """

    def __init__(self, source: Source, tree: Tree, envelope: Envelope, dialect: Dialect, notes: Notes) -> None:
        self.envelope = envelope
        self.dialect = dialect
        self.quirks: tuple[UsedQuirk, ...] = tuple(notes.quirks)
        self.findings: tuple[Finding, ...] = (*notes.findings, *rules.check(envelope))
        self.skeleton: etree._Element = tree.root
        self.payloads: Mapping[etree._Element, Payload] = tree.payloads
        self.unknown = notes.unknown_count
        self.attributed: Sequence[etree._Element] = tree.attributed
        self._source = source
        self._owned = tree.owned

    @cached_property
    def raw(self) -> Blob:
        """The received bytes, untouched; digested when first asked for."""
        digest = hashlib.sha256()
        for piece in pieces_of(self._source):
            digest.update(piece)
        return plain_blob(self._source, 0, self._source.size, digest.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and remove what was put aside; contents cannot be read afterwards."""
        for source in (self._source, *self._owned):
            source.close()

    def detach(self) -> Envelope:
        """Close the received file, and return an envelope whose contents are read from its path when asked for.

        What had to be put aside stays until the last content is let go.
        """
        if isinstance(self._source, FileSource):
            self._source.detach()
        return self.envelope


def read(path: Path | str, *, limits: Limits | None = None) -> Envelope:
    """Read an envelope from a file; its attachments can be read as long as the file stays as it is.

    Raises as `open_envelope` does.
    """
    return open_envelope(Path(path), limits=limits).detach()


def open_envelope(
    source: Path | str | Blob | bytes, *, limits: Limits | None = None, workdir: Path | None = None
) -> Reading:
    """Open an envelope for reading.

    Args:
        source: a file, a Blob or bytes.
        limits: bounds on what the envelope may cost.
        workdir: folder for temporary files (without names: a crash leaves nothing); the system's by default.

    Raises:
        XmlError: not XML, a DTD, another encoding than UTF-8 or UTF-16 (``where``: element path, byte).
        EnvelopeError: XML, but no dialect we read (``EDX-ENVELOPE-DIALECT`` names B, B′ and F), or a
            status message without a code (``EDX-STATUS-CODELESS``).
        LimitExceeded: a limit was passed.
        InputError: the file cannot be read.
    """
    bounds = limits or Limits()
    opened = _opened(source, bounds, workdir)
    tree: Tree | None = None
    try:
        notes = Notes()
        tree = _parsed(opened, bounds, workdir, notes)
        frame = recognise(tree.root)
        envelope = assemble(tree, frame, notes, bounds)
        return Reading(opened, tree, envelope, frame.dialect, notes)
    except BaseException:
        for item in (opened, *(tree.owned if tree else ())):
            item.close()
        raise


def expect(envelope: Envelope, kind: str) -> Envelope:
    """Return the envelope when it is of a kind ("document" or "status"); raise `EnvelopeError` otherwise.

    The official status parser takes a document for a status with an empty code (spec §3).
    """
    if envelope.kind != kind:
        raise EnvelopeError(
            Text(
                f"Đây là gói “{envelope.kind}”, cần gói “{kind}”.", f"This is a {envelope.kind} message, not a {kind}."
            ),
            hint=Text("Kiểm tra xem có gửi nhầm gói không.", "Check whether it is the right message."),
            code="EDX-ENVELOPE-KIND",
        )
    return envelope


def _opened(source: Path | str | Blob | bytes, limits: Limits, workdir: Path | None) -> Source:
    opened: Source
    if isinstance(source, bytes):
        opened = MemorySource(source)
    elif isinstance(source, Path | str):
        opened = FileSource.from_path(source if isinstance(source, Path) else Path(source))
    elif source.path is not None:
        opened = FileSource.from_path(source.path)
    elif source.size <= _SMALL:
        opened = MemorySource(source.read())
    else:
        opened = spool = FileSource.anonymous(workdir)
        for piece in source.pieces():
            spool.append(piece)
    if opened.size > limits.file_bytes:
        opened.close()
        what = Text("byte của tệp", "bytes of the file")
        raise exceeded("EDX-LIMIT-FILE", limits.file_bytes, what, f"byte {limits.file_bytes}")
    return opened


def _parsed(source: Source, limits: Limits, workdir: Path | None, notes: Notes) -> Tree:
    """Find where the document begins and in which encoding, and parse it the fast way or else the plain one."""
    head = source.read_at(0, limits.junk_bytes + 512)
    encoding = _UTF16.get(head[:2])
    if encoding:
        notes.quirk("utf-16")
        text = streaming.transcode(source, encoding, workdir)
        try:
            tree = streaming.scan(text, _start(text, limits, notes), limits, workdir)
        finally:
            text.close()
        return _noted(tree, notes)
    start = _start(source, limits, notes)
    tree_or_none = spans.scan(source, start, limits)
    return _noted(tree_or_none or streaming.scan(source, start, limits, workdir), notes)


def _start(source: Source, limits: Limits, notes: Notes) -> int:
    head = source.read_at(0, limits.junk_bytes + 512)
    start = 0
    if head.startswith(_BOM):
        notes.quirk("byte-order-mark")
        start = len(_BOM)
    first = head.find(b"<", start)
    if first < 0 or first > limits.junk_bytes + start:
        _refuse_text(source)
    # Blanks may stand before the root (XML 1.0 2.8), but nothing before the declaration.
    if first > start and (head.startswith(b"<?xml", first) or head[start:first].strip(_BLANKS)):
        notes.quirk("leading-junk", f"byte {start}")
    declared = _xml.declared_encoding(head[first:])
    if declared not in _UTF8_NAMES:
        raise XmlError(
            Text(f"Bảng mã {declared} không được đọc.", f"The encoding {declared} is not read."),
            hint=Text("Dùng UTF-8.", "Use UTF-8."),
            code="EDX-XML-ENCODING",
            where=f"byte {first}",
        )
    if declared in _ASCII_NAMES or _xml.declared_version(head[first:]) not in {None, "1.0"}:
        notes.quirk("declaration", f"byte {first}")
    return first


def _noted(tree: Tree, notes: Notes) -> Tree:
    for quirk, where in tree.oddities:
        notes.quirk(quirk, where)
    if next(tree.root.itersiblings(preceding=True), None) is not None:
        notes.quirk("processing-instruction")
    return tree


def _refuse_text(source: Source) -> NoReturn:
    if source.size == 0:
        raise InputError(
            Text("Tệp rỗng.", "The file is empty."),
            hint=Text("Kiểm tra việc truyền tệp.", "Check how the file was transferred."),
            code="EDX-FILE-EMPTY",
            where="byte 0",
        )
    raise XmlError(
        Text("Tệp không phải là XML: không có thẻ nào ở đầu.", "Not XML: no tag stands at the beginning."),
        hint=Text("Kiểm tra xem có gửi nhầm tệp không.", "Check whether it is the right file."),
        where="byte 0",
    )
