"""What stands in an envelope outside its seal: one walk over the frames around what is sealed, by a closed list.

A seal covers its parts and nothing else. Whatever stands in a frame besides what the list names there (an element,
an attribute, a text between tags, a comment, an instruction) is found, with its path, so that nobody takes it for
sealed. The list names the sealed parts themselves, the seal and what XAdES lets stand in it unsigned, the fields that
repeat the manifest, the dummy ``Signature`` of the QCVN, and the trace: two short texts an entry, and no more, for
what any relay may write is a place to smuggle in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from edocx.envelope import names as n
from edocx.envelope.notes import XML_BLANKS
from edocx.envelope.tree import is_element, path_of
from edocx.sealing import parts as p
from edocx.signing.xml.names import ds, xades

MAX_TRACE_TEXT = 200
"""Characters of a text in the trace: unit codes have 35 at most, moments 19; against payloads in what relays write."""

_ANY: Final = 2**31
"""A text of any length: what stands there is compared, decoded or reported by somebody else."""

_SOAP: Final = {
    n.MUST_UNDERSTAND: re.compile("0|1|true|false"),
    n.ACTOR: re.compile(r"http://schemas\.xmlsoap\.org/soap/actor/next"),
}
_WORD: Final = re.compile(r"[A-Za-z0-9_.:-]{0,100}")
_OCTETS: Final = re.compile(r"[A-Za-z0-9+/=\s]*+", re.ASCII)
_NCNAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_URI: Final = re.compile(r"[!-~]{0,200}")
_LIST: Final = (
    _SOAP
    | dict.fromkeys((n.LIST_ID, n.tag(n.LIST_ID), n.VERSION, n.tag(n.VERSION)), _WORD)
    | {n.tag(name): pattern for name, pattern in _SOAP.items()}
)
_XMLDSIG: Final = {n.ID: _NCNAME, "Target": re.compile("#[A-Za-z0-9_.-]{1,100}"), "Encoding": _URI}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What may stand in a frame without a word.

    Attributes:
        children: by name; ``None`` for those that are sealed or verified for themselves and are not walked.
        attributes: by name, with the form of their values.
        many: names of children that may repeat.
        text: how many characters of text, besides blanks.
        octets: the text is base64, which no reader takes for words.
        free: not sealed and not signed: what repeats there stands outside, where elsewhere it is a fault.
    """

    children: Mapping[str, _Frame | None]
    attributes: Mapping[str, re.Pattern[str]] = field(default_factory=lambda: _SOAP)
    many: frozenset[str] = frozenset()
    text: int = 0
    free: bool = False
    octets: bool = False


def _leaf(attributes: Mapping[str, re.Pattern[str]] = _SOAP) -> _Frame:
    return _Frame({}, attributes, text=_ANY)


def _octets(attributes: Mapping[str, re.Pattern[str]]) -> _Frame:
    return _Frame({}, attributes, text=_ANY, octets=True)


def _signed(children: Mapping[str, _Frame | None], *many: str) -> _Frame:
    """Return a frame inside the seal."""
    return _Frame(children, _XMLDSIG, frozenset(many))


def _values(holder: str, value: str) -> dict[str, _Frame | None]:
    return {xades(holder): _signed({xades(value): _octets(_XMLDSIG)}, xades(value))}


_TRACE_TEXT: Final = _Frame({}, {}, text=MAX_TRACE_TEXT, free=True)
_TRACE: Final = _Frame(
    {
        n.tag(n.ORGAN_ID): _TRACE_TEXT,
        n.tag(n.TIMESTAMP): _TRACE_TEXT,
        n.tag(n.TRACE_BUSINESS): _Frame(
            {n.tag(name): _TRACE_TEXT for name in n.TRACE_BUSINESS_PARTS}, {}, text=MAX_TRACE_TEXT, free=True
        ),
    },
    free=True,
)

_DUMMY_NAMES: Final = (
    *("SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms", "Transform"),
    *("DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data", "X509SubjectName", "X509Certificate"),
)
_DUMMY_ATTRIBUTES: Final = {n.ID: _NCNAME, "Algorithm": _URI, "URI": _URI}
_DUMMY_TAGS: Final = frozenset(n.tag(name) for name in _DUMMY_NAMES)


def _dummy(levels: int) -> _Frame:
    """Return the frame of the dummy: its own names, in any order, so deep and no deeper (spec §2.5)."""
    inner = _dummy(levels - 1) if levels else None
    children = dict.fromkeys(_DUMMY_TAGS, inner) if inner else {}
    return _Frame(children, _DUMMY_ATTRIBUTES, _DUMMY_TAGS, text=_ANY, free=True)


_UNSIGNED: Final = _signed(
    {
        xades("SignatureTimeStamp"): _signed(
            {
                ds("CanonicalizationMethod"): _Frame({}, {"Algorithm": _URI}),
                xades("EncapsulatedTimeStamp"): _octets(_XMLDSIG),
            }
        ),
        **_values("CertificateValues", "EncapsulatedX509Certificate"),
        xades("RevocationValues"): _signed(
            _values("CRLValues", "EncapsulatedCRLValue") | _values("OCSPValues", "EncapsulatedOCSPValue")
        ),
    },
    xades("SignatureTimeStamp"),
)
_SEAL: Final = _signed(
    {
        ds("SignedInfo"): None,
        ds("SignatureValue"): _octets(_XMLDSIG),
        ds("KeyInfo"): _signed(
            {ds("X509Data"): _signed({ds("X509Certificate"): _octets({})}, ds("X509Certificate"))}, ds("X509Data")
        ),
        ds("Object"): _signed(
            {
                xades("QualifyingProperties"): _signed(
                    {
                        xades("SignedProperties"): None,
                        xades("UnsignedProperties"): _signed({xades("UnsignedSignatureProperties"): _UNSIGNED}),
                    }
                )
            }
        ),
    }
)
_HEADER: Final = _Frame(
    {
        n.tag(n.MESSAGE_HEADER): None,
        n.tag(n.TRACE_LIST): _Frame(
            {n.tag(n.BUSINESS): None, n.tag(n.TRACE): _TRACE}, _LIST, frozenset((n.tag(n.TRACE),))
        ),
        ds("Signature"): _SEAL,
        n.tag(n.SIGNATURE): _dummy(5),
        n.tag(n.DIGITAL_SIGNATURE): _Frame({}, {}),  # dialect A′ writes it, empty (spec §2.5)
    },
    many=frozenset((ds("Signature"), n.tag(n.SIGNATURE))),
)
_FILE: Final = _Frame({**dict.fromkeys(p.BOUND, _leaf()), p.ENCODED: _leaf(_SOAP | {n.ID: _NCNAME})})
_ROOT: Final = _Frame(
    {
        p.ENVELOPE: _Frame({n.tag(n.HEADER): _HEADER, n.tag(n.BODY): None}),
        p.ATTACHMENTS: _Frame({n.tag(n.ATTACHMENT): _FILE}, many=frozenset((n.tag(n.ATTACHMENT),))),
    }
)

_SEALED: Final = frozenset(n.tag(name) for name in (n.MESSAGE_HEADER, n.BUSINESS, n.BODY))
_LOOKALIKES: Final = frozenset(
    name.lower()
    for name in (
        *(n.ENVELOPE, n.HEADER, n.MESSAGE_HEADER, n.TRACE_LIST, n.BUSINESS, *n.BUSINESS_RESPELT, n.BODY, n.MANIFEST),
        *(n.MANIFEST_SHORT, n.REFERENCE, n.ATTACHMENTS, n.ATTACHMENT, n.ENCODED, n.CONTENT_ID, n.ATTACHMENT_NAME),
        *(n.CONTENT_TYPE, n.DESCRIPTION),
    )
)
_HIDEABLE: Final = frozenset(
    (n.ENVELOPE, n.HEADER, n.MESSAGE_HEADER, n.BUSINESS, n.BODY, n.MANIFEST, n.ATTACHMENTS, n.ENCODED)
)
"""Names that nothing below a stranger may bear: fewer, for an extension may well have a Description of its own."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something outside the seal: an element, or with ``part`` an attribute, a text, a comment in or beside one."""

    element: etree._Element
    part: str = ""

    @property
    def where(self) -> str:
        """Its path by local names, as an XPath has it: ``…/TraceHeader[2]/Note``, ``…/@version``, ``…/text()``."""
        return path_of(self.element) + self.part if self.part != _BESIDE else self.part

    def mimics(self) -> bool:
        """Whether it bears the name of a sealed part or holds one: some reader may take it for that part."""
        if self.part:
            return False
        name = n.local(str(self.element.tag))
        below = (n.local(str(e.tag)) for e in self.element.iterdescendants(etree.Element))
        return name.lower() in _LOOKALIKES or any(inner in _HIDEABLE for inner in below)


_BESIDE: Final = "/comment()|/processing-instruction()"


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in the frames of an envelope.

    Attributes:
        outside: what stands outside the seal.
        doubled: names of what may stand once and stands again.
        parts: MessageHeader, Bussiness and edXMLBody, as far as they are there.
        files: the Attachment elements.
    """

    outside: tuple[Stray, ...]
    doubled: tuple[str, ...]
    parts: tuple[etree._Element, ...]
    files: tuple[etree._Element, ...]


def survey(root: etree._Element) -> Survey:
    """Walk the frames of an envelope once, and never into what is sealed."""
    outside: list[Stray] = []
    doubled: list[str] = []
    parts: list[etree._Element] = []
    waiting: list[tuple[etree._Element, _Frame]] = [(root, _ROOT)]
    for element, frame in waiting:  # grows while it is walked
        seen: set[str] = set()
        children = frame.children
        loose = len((element.text or "").strip(XML_BLANKS))
        for child in element:
            tag = child.tag
            if tag not in children:
                outside.append(_stray(child))
            elif tag in seen and tag not in frame.many:
                # One reader takes the first, another the last.
                if frame.free:
                    outside.append(Stray(child))
                else:
                    doubled.append(n.local(tag))
            elif (inner := children[tag]) is not None:
                waiting.append((child, inner))
            elif tag in _SEALED:
                parts.append(child)
            seen.add(tag)
            loose += len((child.tail or "").strip(XML_BLANKS))
        if loose > frame.text or (frame.octets and not _OCTETS.fullmatch(element.text or "")):
            outside.append(Stray(element, "/text()"))
        if items := element.items():
            outside += _strange(element, frame, items)
    outside += _beside(root)
    files = tuple(element for element, frame in waiting if frame is _FILE)
    return Survey(tuple(outside), tuple(doubled), tuple(parts), files)


def _stray(child: etree._Element) -> Stray:
    if is_element(child):
        return Stray(child)
    parent = child.getparent()
    assert parent is not None
    # Only instructions have a target; the two are told apart by nothing else that is typed.
    return Stray(parent, "/processing-instruction()" if hasattr(child, "target") else "/comment()")


def _strange(element: etree._Element, frame: _Frame, items: Iterable[tuple[Any, Any]]) -> Iterator[Stray]:
    for name, value in items:
        form = frame.attributes.get(str(name))
        if form is None or not form.fullmatch(str(value)):
            yield Stray(element, f"/@{n.local(str(name))}")


def _beside(root: etree._Element) -> Iterator[Stray]:
    """Yield a comment or instruction beside the root: a stylesheet decides what a browser shows."""
    for preceding in (True, False):
        if next(root.itersiblings(preceding=preceding), None) is not None:
            yield Stray(root, _BESIDE)
