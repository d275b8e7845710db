"""The parsed envelope before anybody asks what it means: a small tree, and the attachments beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from lxml import etree

from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.base64_stream import Decoder
from edocx.envelope.limits import Limits
from edocx.envelope.source import Source
from edocx.errors import LimitExceeded, Text

HEAD = 16
"""Bytes of a file that are kept to tell its kind without opening it again."""

MAX_STEP = 64
"""Characters of a name in a path; a name may have 50,000, and paths stand in messages and logs."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What stood in one ``ContentTransferEncoded``.

    Attributes:
        decoded: the bytes that the base64 stands for, before any unzipping; ``None`` when it is invalid.
        canonical: the text is what encoding these bytes gives, up to line breaks (zero pad bits, no other blanks).
        text_only: nothing but text stood there: no comment, instruction, CDATA, child or reference.
        wrapped: line breaks stood in it.
        sloppy: the bits after the last byte are not zero.
        where: element path.
        bad_at: byte offset in the file of the first byte that is not base64, else ``None``.
        head: the first bytes of what was decoded, `HEAD` of them if there are so many, to tell what it is.
    """

    decoded: Blob | None
    canonical: bool
    text_only: bool
    wrapped: bool
    sloppy: bool
    where: str
    bad_at: int | None = None
    head: bytes = b""


@dataclass(slots=True, eq=False)
class Tree:
    """A document parsed.

    Attributes:
        root: everything but the attachments' base64, whose elements are empty.
        payloads: what stood in them, by element, in document order.
        oddities: quirks met on the way (id, where).
        owned: files to close with the reading.
        attributed: the elements that have attributes, in document order.
    """

    root: etree._Element
    payloads: Mapping[etree._Element, Payload]
    oddities: list[tuple[str, str | None]] = field(default_factory=list)
    owned: list[Source] = field(default_factory=list)
    attributed: list[etree._Element] = field(init=False)

    def __post_init__(self) -> None:
        self.attributed = cast("list[etree._Element]", _with_attributes(self.root))  # noqa: SLF001 - lxml's only name


class Allowance:
    """Counts attachments and their bytes against the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files = self._total = 0

    def another(self) -> None:
        """Count one more attachment; raise `LimitExceeded`."""
        self._files += 1
        if self._files > self._limits.attachments:
            raise exceeded("EDX-LIMIT-ATTACHMENTS", self._limits.attachments, Text("số tệp", "number of attachments"))

    def spend(self, decoder: Decoder, count: int, size: int) -> None:
        """Count ``count`` more bytes of an attachment that has ``size`` now; raise `LimitExceeded`."""
        if decoder.blanks > self._limits.blank_bytes and decoder.blanks > size:
            raise exceeded("EDX-LIMIT-BLANKS", self._limits.blank_bytes, Text("khoảng trắng", "blanks in a file"))
        self._total += count
        if size > self._limits.attachment_bytes:
            raise exceeded(
                "EDX-LIMIT-ATTACHMENT", self._limits.attachment_bytes, Text("byte một tệp", "bytes of a file")
            )
        if self._total > self._limits.total_bytes:
            raise exceeded("EDX-LIMIT-TOTAL", self._limits.total_bytes, Text("byte mọi tệp", "bytes of all files"))


_SETTINGS: Final = {
    "EDX-LIMIT-ATTACHMENT": "attachment_bytes",
    "EDX-LIMIT-ATTACHMENTS": "attachments",
    "EDX-LIMIT-ATTRIBUTES": "attributes",
    "EDX-LIMIT-BLANKS": "blank_bytes",
    "EDX-LIMIT-ELEMENTS": "elements",
    "EDX-LIMIT-FILE": "file_bytes",
    "EDX-LIMIT-NAMESPACES": "namespaces",
    "EDX-LIMIT-SIZE": "skeleton_bytes",
    "EDX-LIMIT-TOTAL": "total_bytes",
    "EDX-LIMIT-ZIP-RATIO": "zip_ratio",
}
"""What of `Limits` to raise, by the code of what it stopped."""


def exceeded(code: str, limit: int, what: Text, where: str | None = None) -> LimitExceeded:
    """Return the error for a limit on an envelope."""
    return LimitExceeded(
        Text(f"Vượt giới hạn {limit} ({what.vi}).", f"The limit of {limit} is exceeded ({what.en})."),
        hint=Text(
            f"Nếu tin bên gửi, đọc bằng Python: open_envelope(…, limits=Limits({_SETTINGS[code]}=…)).",
            f"If you trust the sender, read it in Python: open_envelope(…, limits=Limits({_SETTINGS[code]}=…)).",
        ),
        code=code,
        where=where,
    )


def is_payload_place(path: list[str], *, dialect_c: bool) -> bool:
    """Whether an attachment's base64 stands at this path of local names.

    Nowhere else is text taken out of the tree: a seal over a header must see all of it.
    """
    above = path[:-3]
    if path[-3:] == [n.ATTACHMENTS, n.ATTACHMENT, n.ENCODED] and (len(above) == 1 or above[1:] == [n.ENVELOPE]):
        return True
    return dialect_c and path[-2:] == [n.ATTACHMENT, n.CONTENT] and n.MESSAGE_HEADER not in path


def is_element(node: etree._Element) -> bool:
    """Whether a node is an element, not a comment or an instruction."""
    return isinstance(node.tag, str)


def step_of(name: str) -> str:
    """Return a name without its prefix as a step of a path, cut where only a hostile one is so long."""
    return name.rpartition(":")[2][:MAX_STEP]


def path_of(element: etree._Element) -> str:
    """Return the path of local names to an element, with places where siblings have the same name."""
    steps = []
    node: etree._Element | None = element
    while node is not None:
        step = step_of(n.local(str(node.tag)))
        before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        if before or next(node.itersiblings(node.tag), None) is not None:
            step = f"{step}[{before + 1}]"
        steps.append(step)
        node = node.getparent()
    return "/" + "/".join(reversed(steps))


def check_size(root: etree._Element, skeleton: bytes, limits: Limits, signs: int | None = None) -> None:
    """Raise `LimitExceeded` for too many elements, or attributes of one, in the tree of a skeleton.

    ``signs`` is how many ``=`` stand in it, where somebody has counted them.
    """
    if len(skeleton) > limits.elements * len("<a/>") and cast("float", _count(root)) > limits.elements:
        raise exceeded("EDX-LIMIT-ELEMENTS", limits.elements, Text("số phần tử", "number of elements"))
    if (skeleton.count(b"=") if signs is None else signs) > limits.attributes and _crowded(
        root, most=limits.attributes
    ):
        what = Text("thuộc tính một phần tử", "attributes of an element")
        raise exceeded("EDX-LIMIT-ATTRIBUTES", limits.attributes, what)


_count = etree.XPath("count(//*)")
_with_attributes = etree.XPath("descendant-or-self::*[@*]")
_crowded = etree.XPath("boolean(//*[count(@*) > $most])")
