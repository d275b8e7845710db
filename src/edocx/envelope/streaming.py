"""The plain way to a tree: every byte goes through the XML parser, attachments into an anonymous file.

Slower than `spans` and right for every document, so it decides whatever that leaves open and is the
one that says what is wrong, with element path and byte offset.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from edocx import _xml
from edocx.envelope import names as n
from edocx.envelope.base64_stream import Decoder, NotBase64
from edocx.envelope.limits import Limits
from edocx.envelope.source import FileSource, Source, pieces_of, plain_blob
from edocx.envelope.tree import (
    HEAD,
    Allowance,
    Payload,
    Tree,
    check_size,
    exceeded,
    is_payload_place,
    path_of,
    step_of,
)
from edocx.errors import EnvelopeError, LimitExceeded, Text, XmlError

MAX_CDATA = 50
"""Places of CDATA sections named one by one."""


class _Run:
    """One attachment's text while it passes."""

    def __init__(self, depth: int, start: int) -> None:
        self.depth, self.tag_at = depth, start
        self.cut: tuple[int, int] | None = None
        self.decoder, self.digest = Decoder(), hashlib.sha256()
        self.spooled_at = self.size = 0
        self.head = b""
        self.text_only = True
        self.bad_at: int | None = None
        self.next_at: frozenset[int] | None = None

    def meet(self, offset: int) -> None:
        """Note where an event is: text that did not stand in the file as it was reported came from a reference."""
        if self.cut is None:
            self.cut = (offset, offset)
        if self.next_at is not None and offset not in self.next_at:
            self.text_only = False
        self.next_at = None


class _Handler:
    """Keeps the places of attachments and their bytes; everything else is counted only."""

    def __init__(self, limits: Limits, spool: FileSource) -> None:
        self._limits, self._spool = limits, spool
        self._allowance = Allowance(limits)
        self._scopes: list[frozenset[str]] = []
        self._elements = self._namespaces = self._cut_bytes = 0
        self._dialect_c = False
        self._open: _Run | None = None
        self.path: list[str] = []
        self.at = 0
        self.root: tuple[int, str] = (0, "")
        self.runs: list[_Run] = []
        self.undeclared: set[str] = set()
        self.cdata: dict[str, None] = {}

    def start(self, name: str, attributes: dict[str, str], offset: int) -> None:
        """Take a start tag."""
        self._bound(offset)
        if not self.path:
            self.root = (offset, name)
            prefix = name.rpartition(":")[0]
            self._dialect_c = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns") == n.GO
        self.path.append(step_of(name))
        if self._open:
            self._open.meet(offset)
            self._open.text_only = False
        self._elements += 1
        if self._elements > self._limits.elements:
            raise exceeded("EDX-LIMIT-ELEMENTS", self._limits.elements, Text("số phần tử", "number of elements"))
        self._count_attributes(attributes)
        self._note_prefixes(name, attributes)
        if not self._open and is_payload_place(self.path, dialect_c=self._dialect_c):
            self._allowance.another()
            self._open = _Run(len(self.path), offset)
            self._open.spooled_at = self._spool.size

    def end(self, _name: str, offset: int) -> None:
        """Take an end tag."""
        self._bound(offset)
        run = self._open
        if run:
            run.meet(offset)
            if run.depth == len(self.path):
                self._finish(run, offset)
        self.path.pop()
        self._scopes.pop()

    def text(self, text: str, offset: int) -> None:
        """Take text; inside an attachment decode it at once."""
        run = self._open
        if not run:
            self._bound(offset)
            return
        self.at = offset
        run.meet(offset)
        data = text.encode()
        # A line break is one character here and may have been two bytes in the file.
        run.next_at = frozenset((offset + len(data), offset + len(data) + (text == "\n")))
        if run.bad_at is None:
            taken = run.decoder.taken
            try:
                decoded = run.decoder.feed(data)
            except NotBase64 as error:
                run.bad_at = offset + max(0, error.offset - taken)
                return
            run.digest.update(decoded)
            run.size += len(decoded)
            if len(run.head) < HEAD:
                run.head += decoded[: HEAD - len(run.head)]
            self._allowance.spend(run.decoder, len(decoded), run.size)
            self._spool.append(decoded)

    def other(self, offset: int, kind: str) -> None:
        """Take a comment, an instruction or a CDATA section."""
        self._bound(offset)
        if kind == "cdata" and not self._open and len(self.cdata) < MAX_CDATA:
            self.cdata[f"/{'/'.join(self.path)}"] = None
        if self._open:
            self._open.meet(offset)
            self._open.text_only = False

    def _finish(self, run: _Run, offset: int) -> None:
        assert run.cut is not None
        run.cut = (run.cut[0], max(run.cut[0], offset))
        self._cut_bytes += run.cut[1] - run.cut[0]
        if run.bad_at is None:
            try:
                run.decoder.finish()
            except NotBase64:
                run.bad_at = offset
        self.runs.append(run)
        self._open = None

    def _bound(self, offset: int) -> None:
        self.at = offset
        inside = offset - self._open.tag_at if self._open else 0
        if offset - self._cut_bytes - inside > self._limits.skeleton_bytes:
            what = Text("byte ngoài tệp đính kèm", "bytes outside attachments")
            raise exceeded("EDX-LIMIT-SIZE", self._limits.skeleton_bytes, what)

    def _count_attributes(self, attributes: dict[str, str]) -> None:
        declared = sum(1 for key in attributes if key == "xmlns" or key.startswith("xmlns:"))
        self._namespaces += declared
        if len(attributes) - declared > self._limits.attributes:
            what = Text("thuộc tính một phần tử", "attributes of an element")
            raise exceeded("EDX-LIMIT-ATTRIBUTES", self._limits.attributes, what)
        if self._namespaces > self._limits.namespaces:
            what = Text("khai báo không gian tên", "namespace declarations")
            raise exceeded("EDX-LIMIT-NAMESPACES", self._limits.namespaces, what)

    def _note_prefixes(self, name: str, attributes: dict[str, str]) -> None:
        scope = self._scopes[-1] if self._scopes else frozenset(("xml", "xmlns"))
        declared = {key[6:] for key in attributes if key.startswith("xmlns:")}
        scope = scope | declared if declared else scope
        self._scopes.append(scope)
        for key in (name, *attributes):
            prefix, colon, _ = key.partition(":")
            if colon and prefix and prefix not in scope:
                self.undeclared.add(prefix)


def scan(source: Source, start: int, limits: Limits, workdir: Path | None) -> Tree:
    """Parse a UTF-8 document that begins at ``start``; temporary files have no names and live in ``workdir``.

    Raises `XmlError` and `LimitExceeded` with element path and byte offset.
    """
    spool = FileSource.anonymous(workdir)
    try:
        handler = _Handler(limits, spool)
        try:
            _xml.walk(pieces_of(source, start), handler, base=start)
        except (XmlError, LimitExceeded) as error:
            error.where = f"/{'/'.join(handler.path)}, {error.where or f'byte {handler.at}'}"
            raise
        skeleton = _without_runs(source, start, handler)
        root = _parsed(skeleton, source, start, handler, limits)
        check_size(root, skeleton, limits)
        tree = Tree(root, _assign(root, handler, spool), owned=[spool])
        tree.oddities += [("cdata", where) for where in handler.cdata]
        tree.oddities += [("undeclared-prefix", prefix) for prefix in sorted(handler.undeclared)]
    except BaseException:
        spool.close()
        raise
    return tree


def transcode(source: Source, encoding: str, workdir: Path | None) -> FileSource:
    """Return a UTF-16 document as UTF-8 in an anonymous file; raise `XmlError` where it is not UTF-16."""
    decoder = codecs.getincrementaldecoder(encoding)()
    target = FileSource.anonymous(workdir)
    done = 0
    try:
        for piece in pieces_of(source, 2):
            data = decoder.decode(piece).encode()
            target.append(data if target.size else _xml.without_encoding(data))
            done += len(piece)
        target.append(decoder.decode(b"", final=True).encode())
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        target.close()
        raise XmlError(
            Text("Tệp không phải là UTF-16 hợp lệ.", "The file is no valid UTF-16."),
            hint=Text("Dùng UTF-8.", "Use UTF-8."),
            code="EDX-XML-ENCODING",
            where=f"byte {2 + done + error.start}",
        ) from error
    return target


def _without_runs(source: Source, start: int, handler: _Handler) -> bytes:
    def kept() -> Iterator[bytes]:
        place = start
        for run in handler.runs:
            assert run.cut is not None
            yield from pieces_of(source, place, run.cut[0])
            place = run.cut[1]
        yield from pieces_of(source, place)

    return b"".join(kept())


def _parsed(skeleton: bytes, source: Source, start: int, handler: _Handler, limits: Limits) -> etree._Element:
    """Parse what is left without the attachments; expat knows no namespaces, libxml2 may still refuse theirs."""
    text, place, added = _declared(skeleton, start, handler)
    try:
        return _xml.parse(text, max_bytes=limits.skeleton_bytes + 4096)
    except _xml.NotWellFormed as error:
        offset = error.offset if error.offset <= place else max(place, error.offset - added)
        for run in handler.runs:
            assert run.cut is not None
            if run.cut[0] - start <= offset:
                offset += run.cut[1] - run.cut[0]
        path = _Steps(start + offset)
        _xml.walk(pieces_of(source, start), path, base=start)
        error.where = f"/{'/'.join(path.found)}, byte {start + offset}"
        raise


class _Steps:
    """Finds the path of the element in which a byte stands."""

    def __init__(self, sought: int) -> None:
        self._sought, self._path = sought, list[str]()
        self.found: tuple[str, ...] = ()

    def start(self, name: str, _attributes: dict[str, str], offset: int) -> None:
        """Take a start tag."""
        self._path.append(step_of(name))
        if offset < self._sought:
            self.found = tuple(self._path)

    def end(self, _name: str, offset: int) -> None:
        """Take an end tag."""
        self._path.pop()
        if offset < self._sought:
            self.found = tuple(self._path)

    def text(self, _text: str, _offset: int) -> None:
        """Take text."""

    def other(self, _offset: int, _kind: str) -> None:
        """Take a comment, an instruction or a CDATA section."""


def _declared(skeleton: bytes, start: int, handler: _Handler) -> tuple[bytes, int, int]:
    """Declare at the root what was used without being declared; readers blind to namespaces let that pass (spec §5).

    Returns the text, where something was put in, and how many bytes.
    """
    if not handler.undeclared:
        return skeleton, 0, 0
    offset, name = handler.root
    place = offset - start + 1 + len(name.encode())
    missing = "".join(
        f' xmlns:{prefix}="{n.WELL_KNOWN_PREFIXES.get(prefix, "urn:edocx:undeclared:" + prefix)}"'
        for prefix in sorted(handler.undeclared)
    )
    text = skeleton[:place] + missing.encode() + skeleton[place:]
    return text, place, len(text) - len(skeleton)


def _assign(root: etree._Element, handler: _Handler, spool: FileSource) -> dict[etree._Element, Payload]:
    dialect_c = n.namespace(str(root.tag)) == n.GO
    places = [
        element
        for element in root.iter(f"{{*}}{n.ENCODED}", f"{{*}}{n.CONTENT}")
        if is_payload_place(
            [n.local(str(node.tag)) for node in (element, *element.iterancestors())][::-1], dialect_c=dialect_c
        )
    ]
    if len(places) != len(handler.runs):
        raise EnvelopeError(
            Text("Hai cách đọc tệp cho hai kết quả khác nhau.", "Two ways of reading the file disagree."),
            hint=Text("Không dùng tệp này; báo cho bên gửi.", "Do not use this file; tell its sender."),
            code="EDX-ENVELOPE-AMBIGUOUS",
        )
    payloads = {}
    for element, run in zip(places, handler.runs, strict=True):
        good = run.bad_at is None
        blob = plain_blob(spool, run.spooled_at, run.size, run.digest.hexdigest()) if good else None
        payloads[element] = Payload(
            blob,
            canonical=good and run.decoder.canonical,
            text_only=run.text_only,
            wrapped=run.decoder.wrapped,
            sloppy=run.decoder.sloppy,
            where=path_of(element),
            bad_at=run.bad_at,
            head=run.head if good else b"",
        )
    return payloads
