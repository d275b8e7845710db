"""The parts of an envelope that a seal covers, found by absolute place and never by Id or name alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from edocx.envelope import names as n
from edocx.signing.xml.names import ds

SEAL_ID = "Seal"

ENVELOPE = n.tag(n.ENVELOPE)
HEADER = f"{ENVELOPE}/{n.tag(n.HEADER)}"
TRACES = f"{HEADER}/{n.tag(n.TRACE_LIST)}"
ATTACHMENTS = n.tag(n.ATTACHMENTS)

PLACES = (
    f"{HEADER}/{n.tag(n.MESSAGE_HEADER)}",
    f"{TRACES}/{n.tag(n.BUSINESS)}",
    f"{ENVELOPE}/{n.tag(n.BODY)}",
)
"""MessageHeader, Bussiness, edXMLBody."""

_SEALED = frozenset(n.tag(name) for name in (n.MESSAGE_HEADER, n.BUSINESS, n.BODY))
_FILE = n.tag(n.ATTACHMENT)
MANIFEST_ENTRIES = f"{PLACES[2]}/{n.tag(n.MANIFEST)}/{n.tag(n.REFERENCE)}"

SEAL = f"{HEADER}/{ds('Signature')}"
"""Where the seal stands."""

ENCODED = n.tag(n.ENCODED)

BOUND = (n.tag(n.CONTENT_ID), n.tag(n.ATTACHMENT_NAME), n.tag(n.CONTENT_TYPE), n.tag(n.DESCRIPTION))
"""Fields beside an attachment's content that must repeat what the sealed manifest says."""

_SOAP = frozenset((n.MUST_UNDERSTAND, n.ACTOR))
_LIST = _SOAP | {name for word in (n.LIST_ID, n.VERSION, n.MUST_UNDERSTAND, n.ACTOR) for name in (word, n.tag(word))}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What may stand in a frame without a word: children, those of them that are frames, those that may repeat."""

    children: Mapping[str, _Frame | None]
    attributes: frozenset[str] = _SOAP
    many: frozenset[str] = frozenset()


_FIELD = _Frame({})
_ENVELOPE = _Frame(
    {
        ENVELOPE: _Frame(
            {
                n.tag(n.HEADER): _Frame(
                    {
                        n.tag(n.MESSAGE_HEADER): None,
                        n.tag(n.TRACE_LIST): _Frame(
                            {n.tag(n.BUSINESS): None, n.tag(n.TRACE): None}, _LIST, frozenset((n.tag(n.TRACE),))
                        ),
                        ds("Signature"): None,
                        n.tag(n.SIGNATURE): None,
                    },
                    many=frozenset((ds("Signature"), n.tag(n.SIGNATURE))),
                ),
                n.tag(n.BODY): None,
            }
        ),
        ATTACHMENTS: _Frame(
            {
                n.tag(n.ATTACHMENT): _Frame(
                    {**dict.fromkeys(BOUND, _FIELD), ENCODED: _Frame({}, _SOAP | {n.ID})},
                )
            },
            many=frozenset((n.tag(n.ATTACHMENT),)),
        ),
    }
)
"""The frames around what is sealed, the seal itself, the fields that repeat the manifest, and the trace, which grows on
the way. Whatever else stands there is outside the seal; what may not repeat would be read by one reader from the first
and by another from the last."""

_LOOKALIKES = frozenset(
    name.lower()
    for name in (
        *(n.ENVELOPE, n.HEADER, n.MESSAGE_HEADER, n.TRACE_LIST, n.BUSINESS, *n.BUSINESS_RESPELT, n.BODY, n.MANIFEST),
        *(n.MANIFEST_SHORT, n.REFERENCE, n.ATTACHMENTS, n.ATTACHMENT, n.ENCODED, n.CONTENT_ID, n.ATTACHMENT_NAME),
        *(n.CONTENT_TYPE, n.DESCRIPTION),
    )
)


def sealed_parts(root: etree._Element) -> list[etree._Element]:
    """Return MessageHeader, Bussiness and edXMLBody; absent ones are left out."""
    return [part for place in PLACES if (part := root.find(place)) is not None]


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in the frames of an envelope besides what belongs there.

    Attributes:
        outside: elements outside the seal, and frames with attributes that stand outside it, each with its name; that
            of an attribute is ``@name``.
        doubled: names of what may stand once and stands again.
        parts: MessageHeader, Bussiness and edXMLBody, as far as they are there.
        files: the Attachment elements.
    """

    outside: tuple[tuple[etree._Element, str], ...]
    doubled: tuple[str, ...]
    parts: tuple[etree._Element, ...]
    files: tuple[etree._Element, ...]


def survey(root: etree._Element) -> Survey:
    """Walk the frames of an envelope once, and never into what is sealed."""
    outside: list[tuple[etree._Element, str]] = []
    doubled: list[str] = []
    parts: list[etree._Element] = []
    files: list[etree._Element] = []
    waiting = [(root, _ENVELOPE)]
    while waiting:
        element, frame = waiting.pop()
        seen: set[str] = set()
        for child in element:
            tag = child.tag
            if tag in frame.children:
                inner = frame.children[tag]
                if inner is not None:
                    waiting.append((child, inner))
                    if tag == _FILE:
                        files.append(child)
                elif tag in _SEALED:
                    parts.append(child)
                if tag in seen and tag not in frame.many:
                    doubled.append(n.local(tag))
                seen.add(tag)
            elif isinstance(tag, str) and not _is_empty_dummy(child):
                outside.append((child, n.local(tag)))
        if element.attrib:
            names = (str(name) for name in element.attrib if str(name) not in frame.attributes)
            outside += [(element, f"@{n.local(name)}") for name in names]
    return Survey(tuple(outside), tuple(doubled), tuple(parts), tuple(files))


def looks_sealed(element: etree._Element) -> bool:
    """Whether an element outside the seal bears the name of a part of it: some reader may take it for that part."""
    return isinstance(element.tag, str) and n.local(element.tag).lower() in _LOOKALIKES


def _is_empty_dummy(element: etree._Element) -> bool:
    # Dialect A′ writes an empty DigitalSignature (spec §2.5).
    return element.tag == n.tag(n.DIGITAL_SIGNATURE) and not (len(element) or element.attrib or element.text)


def text_of(parent: etree._Element, name: str) -> str:
    """Return the text of the only child of a name as it stands, "" without one; raise ``ValueError`` for several.

    Raises ``ValueError`` too when anything but text stands in it.
    """
    found = list(parent.iterchildren(name))
    if len(found) > 1 or (found and len(found[0])):
        raise ValueError(n.local(name))
    return found[0].text or "" if found else ""
