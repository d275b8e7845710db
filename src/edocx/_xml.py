"""The only XML parser and canonicaliser in edocx.

Every byte of XML that comes from outside passes here: no DTD, no entities but the five of XML, no
network, bounded size and depth. lxml's own limits on text stay on (never ``huge_tree``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NoReturn, Protocol, cast
from xml.parsers import expat

from lxml import etree

from edocx.errors import LimitExceeded, Text, XmlError

MAX_BYTES = 16 * 1024 * 1024
"""Largest document parsed into a tree; attachments never come here (they are streamed)."""

MAX_DEPTH = 200
"""Deepest nesting: against stack exhaustion in recursive tree code (edXML needs 9 levels)."""

MAX_TOKEN = 4 * 1024 * 1024
"""Longest tag or comment that `walk` waits for: against a start tag that never ends filling memory."""

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""Canonicalisation algorithms by their URI in XML-DSig."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UTF16_MARKS = tuple(mark for mark, encoding in _BOMS if encoding.startswith("utf-16"))
_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ENCODING = re.compile(rb"""(<\?xml[^>]*?)\s+encoding\s*=\s*(["'])([A-Za-z0-9._-]+)\2""")


_VERSION = re.compile(rb"""<\?xml\s+version\s*=\s*(["'])([0-9.]{1,8})\1""")


class NotWellFormed(XmlError):
    """The XML breaks a rule of XML or of namespaces; ``offset`` counts bytes of its UTF-8 from the start."""

    def __init__(self, reason: str, offset: int, place: str) -> None:
        super().__init__(
            Text("Tệp không phải là XML đúng cú pháp.", f"Not well-formed XML: {reason}."),
            hint=Text(
                "Kiểm tra tệp có bị cắt hoặc hỏng khi truyền không.",
                "Check whether the file was cut or damaged on its way.",
            ),
            where=f"byte {offset}, {place}",
        )
        self.offset = offset


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> etree._Element:
    """Parse a document and return its root element.

    Accepts UTF-8 (with or without a BOM) and UTF-16 with a BOM. Raises `NotWellFormed` with its place,
    `XmlError` for a DOCTYPE or another encoding, `LimitExceeded` for what is too large or too deep.
    """
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    text = to_utf8(data)
    refuse_doctype(text)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_blank_text=False,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise _misread(error, text, 0 if data.startswith(_UTF16_MARKS) else len(data) - len(text)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        _refuse_dtd(0)
    # So deep a tree has more tags than this; counting them costs less than looking.
    if text.count(b"<") >= 2 * max_depth:
        _bound_depth(root, max_depth)
    return root


def to_utf8(data: bytes) -> bytes:
    """Return the document as UTF-8 without BOM or encoding declaration; raise `XmlError` for other encodings."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(encoding).encode()
            except UnicodeDecodeError as error:
                raise _bad_encoding(encoding, error.start) from error
            return _ENCODING.sub(rb"\1", text, count=1)
    declared = _ENCODING.match(data)
    if declared:
        name = declared[3].decode("ascii").lower()
        if name not in {"utf-8", "utf8", "us-ascii", "ascii"}:
            raise _bad_encoding(name, declared.start(3))
        data = _ENCODING.sub(rb"\1", data, count=1)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise _bad_encoding("utf-8", error.start) from error
    return data


def refuse_doctype(data: bytes) -> None:
    """Raise `XmlError` when the prolog of a UTF-8 document holds a DOCTYPE.

    Looked for before the parser sees a byte: XXE and entity expansion need a DTD, and edXML has none.
    """
    end = _PROLOG.match(data)
    if end is not None and data.startswith(b"<!", end.end()):
        _refuse_dtd(end.end())


def declared_encoding(head: bytes) -> str | None:
    """Return the encoding that the XML declaration at the start of ``head`` names, in lower case, or ``None``."""
    found = _ENCODING.match(head)
    return found[3].decode("ascii").lower() if found else None


def declared_version(head: bytes) -> str | None:
    """Return the version that the XML declaration at the start of ``head`` names, or ``None`` without one."""
    found = _VERSION.match(head)
    return found[2].decode("ascii") if found else None


def without_encoding(head: bytes) -> bytes:
    """Return the start of a document without the encoding that its XML declaration names."""
    return _ENCODING.sub(rb"\1", head, count=1)


class Handler(Protocol):
    """Takes the events of `walk`; offsets count bytes from the start of what was given to it."""

    def start(self, name: str, attributes: dict[str, str], offset: int) -> None:
        """Take a start tag; names have their prefixes, namespaces are not resolved."""
        ...

    def end(self, name: str, offset: int) -> None:
        """Take an end tag; an empty element's has the offset of its start."""
        ...

    def text(self, text: str, offset: int) -> None:
        """Take character data, in pieces as they come."""
        ...

    def other(self, offset: int, kind: Literal["comment", "cdata"]) -> None:
        """Take the beginning of a comment or processing instruction (``comment``), or of a CDATA section."""
        ...


def walk(
    pieces: Iterable[bytes], handler: Handler, *, base: int = 0, max_depth: int = MAX_DEPTH, max_token: int = MAX_TOKEN
) -> None:
    """Read a UTF-8 document of any size in constant memory, telling a handler what it meets.

    ``base`` is the offset of the first byte given. Refuses what `parse` refuses, with the byte offset
    in ``where``; whatever the handler raises passes through.
    """
    parser = expat.ParserCreate("utf-8")
    depth, seen, fed = 0, base, base

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, seen
        depth += 1
        if depth > max_depth:
            raise _too_deep(max_depth)
        seen = base + parser.CurrentByteIndex
        handler.start(name, attributes, seen)

    def end(name: str) -> None:
        nonlocal depth, seen
        depth -= 1
        seen = base + parser.CurrentByteIndex
        handler.end(name, seen)

    def text(data: str) -> None:
        nonlocal seen
        seen = base + parser.CurrentByteIndex
        handler.text(data, seen)

    def other(kind: Literal["comment", "cdata"], *_: object) -> None:
        nonlocal seen
        seen = base + parser.CurrentByteIndex
        handler.other(seen, kind)

    def doctype(*_: object) -> None:
        _refuse_dtd(base + parser.CurrentByteIndex)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.CommentHandler = parser.ProcessingInstructionHandler = functools.partial(other, "comment")
    parser.StartCdataSectionHandler = functools.partial(other, "cdata")
    parser.StartDoctypeDeclHandler = doctype
    try:
        for piece in pieces:
            parser.Parse(piece, False)  # noqa: FBT003 - expat takes it by position
            fed += len(piece)
            if fed - seen > max_token + len(piece):
                raise _token_too_long(max_token)
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise NotWellFormed(expat.ErrorString(error.code), base + parser.ErrorByteIndex, place) from error


def canonicalise(
    element: etree._Element, *, with_comments: bool = False, inclusive_prefixes: Sequence[str] = ()
) -> bytes:
    """Return the exclusive canonical form (Exclusive C14N 1.0) of an element with its subtree, in its place.

    Raises `XmlError` (``EDX-XML-CANONICAL``) where there is none: a namespace that is a relative URI.
    """
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=with_comments,
            inclusive_ns_prefixes=list(inclusive_prefixes) or None,
            with_tail=False,
        )
    except etree.C14NError as error:
        raise _without_form() from error


def canonicalise_inclusively(
    element: etree._Element, *, inherited: Mapping[str, str], with_comments: bool = False
) -> bytes:
    """Return the inclusive canonical form (C14N 1.0) of an element with its subtree.

    ``inherited`` are the ``xml:`` attributes that it takes from its ancestors; which these are depends on the version
    (C14N 1.0 2.4, C14N 1.1 2.4). Raises as `canonicalise` does.
    """
    # As a document of its own: for a subtree in place, lxml repeats namespace declarations that stand again three
    # levels down, which the inclusive form must leave out.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    alone = etree.fromstring(etree.tostring(element, with_tail=False), parser)
    for name, value in inherited.items():
        alone.set(name, value)
    try:
        return etree.tostring(alone, method="c14n", exclusive=False, with_comments=with_comments, with_tail=False)
    except etree.C14NError as error:
        raise _without_form() from error


def _without_form() -> XmlError:
    return XmlError(
        Text("Không chuẩn hoá được XML.", "The XML has no canonical form: a namespace is a relative URI."),
        hint=Text(
            "Không gian tên phải là URI tuyệt đối; yêu cầu bên gửi sửa.",
            "Namespaces must be absolute URIs; ask the sender to correct them.",
        ),
        code="EDX-XML-CANONICAL",
    )


@functools.cache
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (levels + 1) + ")")


def _bound_depth(root: etree._Element, max_depth: int) -> None:
    # Each step of the path goes one level down in C; a Python walk would cost more than the parsing.
    if _deeper_than(max_depth)(root):
        raise _too_deep(max_depth)


def _misread(error: etree.XMLSyntaxError, text: bytes, dropped: int) -> NotWellFormed:
    """Return our error for libxml2's: its kind and place, never its sentence, which repeats what stands there.

    ``dropped`` bytes of BOM and encoding stood before what was parsed.
    """
    line, column = error.position
    start = 0
    for _ in range(line - 1):
        start = text.find(b"\n", start) + 1
    last = cast("Any", error.error_log).last_error  # the log goes back further than this error
    reason = str(last.type_name).lower().removeprefix("err_").replace("_", " ")
    # libxml2 counts characters in a line.
    within = text[start : start + 4 * column].decode(errors="ignore")[: max(column - 1, 0)].encode()
    return NotWellFormed(reason, start + len(within) + dropped, f"line {line}, column {column}")


def _too_deep(max_depth: int) -> LimitExceeded:
    return LimitExceeded(
        Text(f"XML lồng nhau quá {max_depth} cấp.", f"The XML nests deeper than {max_depth} levels."),
        hint=Text("Tệp này không phải phong bì edXML bình thường.", "This is not an ordinary edXML envelope."),
        code="EDX-LIMIT-DEPTH",
    )


def _refuse_dtd(offset: int) -> NoReturn:
    raise XmlError(
        Text("Tệp chứa DOCTYPE, không bao giờ được chấp nhận.", "The file holds a DOCTYPE, which is never accepted."),
        hint=Text(
            "Yêu cầu bên gửi tạo lại tệp không có DTD.",
            "Ask the sender to write the file without a DTD.",
        ),
        code="EDX-XML-DTD",
        where=f"prolog, byte {offset}",
    )


def _too_large(limit: int) -> LimitExceeded:
    return LimitExceeded(
        Text(f"XML dài hơn {limit} byte.", f"The XML has more than {limit} bytes."),
        hint=Text("Kiểm tra xem có đúng tệp không.", "Check whether it is the right file."),
        code="EDX-LIMIT-SIZE",
    )


def _token_too_long(limit: int) -> LimitExceeded:
    return LimitExceeded(
        Text(
            f"Một thẻ, chú thích hoặc chỉ thị trong XML dài hơn {limit} byte.",
            f"A tag, comment or instruction in the XML has more than {limit} bytes.",
        ),
        hint=Text(
            "Không phần mềm nào ghi như vậy; yêu cầu bên gửi tạo lại tệp.",
            "No software writes that; ask the sender to make the file again.",
        ),
        code="EDX-LIMIT-SIZE",
    )


def _bad_encoding(name: str, offset: int) -> XmlError:
    return XmlError(
        Text(f"Bảng mã {name} không đọc được.", f"The encoding {name} cannot be read."),
        hint=Text("Dùng UTF-8.", "Use UTF-8."),
        code="EDX-XML-ENCODING",
        where=f"byte {offset}",
    )
