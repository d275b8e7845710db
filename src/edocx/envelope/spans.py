"""The fast way to a tree: attachments are found as spans of bytes, and the XML parser never sees them.

Between the start tag of a ``ContentTransferEncoded`` and the next ``<`` may stand only base64 and
blanks. Such a run is decoded, hashed and replaced by a number drawn at random, and only the few
kilobytes left are parsed. Replacing characters of base64 by letters and digits changes no XML token,
whatever the run really stands in; afterwards every number must be the whole text of such an element, in
its place, and every such element must have one. Anything else (a comment, a CDATA section, invalid
base64, another encoding, a DOCTYPE, a broken file) gives ``None``: the streaming way then decides, and
says what is wrong. It is also the judge of this one in differential tests.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

from lxml import etree

from edocx import _xml
from edocx.content import PIECE
from edocx.envelope import names as n
from edocx.envelope.base64_stream import Decoder, NotBase64
from edocx.envelope.limits import Limits
from edocx.envelope.source import Mark, Source, decoded_blob
from edocx.envelope.tree import HEAD, Allowance, Payload, Tree, check_size, is_payload_place, path_of
from edocx.errors import LimitExceeded, XmlError

_NAME: Final = n.ENCODED.encode()
_OVERLAP: Final = 128
"""Bytes kept from one piece to the next, so that a tag cut in two is found."""

_MAX_TAG: Final = 4096
_MARK_DISTANCE: Final = 4 * PIECE
_ORDINARY: Final = bytes(range(0x80)).translate(None, b"<>!?")
_SPECIAL: Final = re.compile(rb"<[!?\x80-\xff]")
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n][ -=@-~\t\r\n]*\?>")
"""At the very beginning; any other instruction may have a name that parsers of different editions do not share."""
_PREFIX: Final = re.compile(rb"<(?:[A-Za-z_][A-Za-z0-9_.-]*:)?\Z")


class _NotPlain(Exception):
    """The streaming way has to decide."""


@dataclass(slots=True)
class _Span:
    placeholder: str
    start: int
    end: int
    decoder: Decoder
    sha256: str
    size: int
    marks: list[Mark]
    head: bytes


class _Window:
    """A piece of the source that moves forward."""

    def __init__(self, source: Source, start: int) -> None:
        self._source = source
        self.offset = start
        self.data = source.read_at(start, PIECE)

    @property
    def end(self) -> int:
        """Offset of the first byte not in the window."""
        return self.offset + len(self.data)

    def advance(self, keep: int, size: int = PIECE) -> bool:
        """Drop all before ``keep`` and read on; return whether anything came."""
        more = self._source.read_at(self.end, size)
        self.offset += keep
        kept = self.data[keep:]
        self.data = kept + more if kept else more
        return bool(more)


def scan(source: Source, start: int, limits: Limits) -> Tree | None:
    """Parse a UTF-8 document that begins at ``start``, or return ``None`` when it is not plain."""
    try:
        skeleton, spans = _cut(source, start, limits)
        signs = skeleton.count(b"=")
        many = signs > limits.namespaces and skeleton.count(b"xmlns") > limits.namespaces
        if many or not _is_plain(skeleton):
            return None
        root = _xml.parse(skeleton, max_bytes=limits.skeleton_bytes)
        check_size(root, skeleton, limits, signs)
        return Tree(root, _assign(root, spans, source))
    except (_NotPlain, NotBase64, XmlError, LimitExceeded):
        return None  # the streaming way meets the same again and names it with its place


def _cut(source: Source, start: int, limits: Limits) -> tuple[bytes, list[_Span]]:
    nonce = secrets.token_hex(16)
    allowance = Allowance(limits)
    skeleton, spans = bytearray(), list[_Span]()
    window, at = _Window(source, start), 0
    while True:
        if len(skeleton) > limits.skeleton_bytes:
            raise _NotPlain
        hit = window.data.find(_NAME, at)
        close = window.data.find(b">", hit) if hit >= 0 else -1
        if close < 0:
            keep = at if hit >= 0 else max(at, len(window.data) - _OVERLAP)
            if len(window.data) - keep > PIECE + _MAX_TAG:
                raise _NotPlain
            skeleton += window.data[at:keep]
            if not window.advance(keep):
                return bytes(skeleton + window.data), spans
            at = 0
            continue
        skeleton += window.data[at : close + 1]
        if _opens(window.data, at, hit, close):
            allowance.another()
            span = _run(window, close + 1, allowance, f"{nonce}{len(spans)}")
            spans.append(span)
            skeleton += span.placeholder.encode()
            at = span.end - window.offset
        else:
            at = close + 1


def _is_plain(skeleton: bytes) -> bool:
    """Whether tags and text are all there is, and no tag has letters beyond ASCII.

    libxml2 takes names of XML's fifth edition, expat those of the fourth. As many ``>`` as ``<``, and no comment or
    instruction that could hold one: then every bracket is a tag's.
    """
    # What is left of a document of some KB are some hundred bytes; attributes with ! or ? in them count as not plain.
    marks = skeleton.translate(None, _ORDINARY)
    declared = 1 if _DECLARATION.match(skeleton) else 0
    return marks.count(b"<") == marks.count(b">") and not _SPECIAL.search(marks, declared)


def _opens(data: bytes, at: int, hit: int, close: int) -> bool:
    """Whether the name found is that of a start tag that is not empty."""
    after = hit + len(_NAME)
    lead = data.rfind(b"<", at, hit)
    return (
        lead >= 0
        and _PREFIX.match(data[lead:hit]) is not None
        and data[after : after + 1] in {b">", b" ", b"\t", b"\r", b"\n"}
        and data[close - 1 : close] != b"/"
    )


def _run(window: _Window, at: int, allowance: Allowance, placeholder: str) -> _Span:
    start, decoder, digest, size = window.offset + at, Decoder(), hashlib.sha256(), 0
    marks: list[Mark] = []
    head = b""
    while True:
        end = window.data.find(b"<", at)
        if not marks or decoder.taken - marks[-1][0] >= _MARK_DISTANCE:
            marks.append((decoder.taken, size, decoder.carry))
        decoded = decoder.feed(memoryview(window.data)[at : end if end >= 0 else None])
        digest.update(decoded)
        size += len(decoded)
        if len(head) < HEAD:
            head += decoded[: HEAD - len(head)]
        allowance.spend(decoder, len(decoded), size)
        if end >= 0:
            decoder.finish()
            return _Span(placeholder, start, window.offset + end, decoder, digest.hexdigest(), size, marks, head)
        # Read so much that the run goes on at a whole quantum: then nothing has to be carried over.
        if not window.advance(len(window.data), PIECE + -decoder.taken % 4):
            raise _NotPlain
        at = 0


def _assign(root: etree._Element, spans: list[_Span], source: Source) -> dict[etree._Element, Payload]:
    waiting = {span.placeholder: span for span in spans}
    payloads: dict[etree._Element, Payload] = {}
    for element in root.iter(f"{{*}}{n.ENCODED}"):
        path = [n.local(str(node.tag)) for node in (element, *element.iterancestors())][::-1]
        span = waiting.pop(element.text or "", None)
        if span is None or len(element) or not is_payload_place(path, dialect_c=False):
            raise _NotPlain
        element.text = None
        payloads[element] = Payload(
            decoded_blob(source, span.start, span.end, span.marks, size=span.size, sha256=span.sha256),
            canonical=span.decoder.canonical,
            text_only=True,
            wrapped=span.decoder.wrapped,
            sloppy=span.decoder.sloppy,
            where=path_of(element),
            head=span.head,
        )
    if waiting or _has_dialect_c_content(root):
        raise _NotPlain
    return payloads


def _has_dialect_c_content(root: etree._Element) -> bool:
    if n.namespace(str(root.tag)) != n.GO:
        return False
    parents = (node.getparent() for node in root.iter(f"{{*}}{n.CONTENT}"))
    return any(parent is not None and n.local(str(parent.tag)) == n.ATTACHMENT for parent in parents)
