"""The parts of an envelope that a seal covers, found by absolute place and never by Id or name alone."""

from __future__ import annotations

from collections.abc import Iterator

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

SINGLE = (ENVELOPE, HEADER, TRACES, *PLACES, ATTACHMENTS)
"""What may stand once only: of two, one reader would take the first and another the last."""

FILES = f"{ATTACHMENTS}/{n.tag(n.ATTACHMENT)}"
MANIFEST_ENTRIES = f"{PLACES[2]}/{n.tag(n.MANIFEST)}/{n.tag(n.REFERENCE)}"

SEAL = f"{HEADER}/{ds('Signature')}"
"""Where the seal stands."""

ENCODED = n.tag(n.ENCODED)

BOUND = (n.tag(n.CONTENT_ID), n.tag(n.ATTACHMENT_NAME), n.tag(n.CONTENT_TYPE), n.tag(n.DESCRIPTION))
"""Fields beside an attachment's content that must repeat what the sealed manifest says."""

_SOAP = frozenset((n.MUST_UNDERSTAND, n.ACTOR))
_LIST = _SOAP | {name for word in (n.LIST_ID, n.VERSION, n.MUST_UNDERSTAND, n.ACTOR) for name in (word, n.tag(word))}

_FREE = {
    "": ({ENVELOPE, ATTACHMENTS}, _SOAP),
    ENVELOPE: ({n.tag(n.HEADER), n.tag(n.BODY)}, _SOAP),
    HEADER: ({n.tag(n.MESSAGE_HEADER), n.tag(n.TRACE_LIST), ds("Signature"), n.tag(n.SIGNATURE)}, _SOAP),
    TRACES: ({n.tag(n.BUSINESS), n.tag(n.TRACE)}, _LIST),
    ATTACHMENTS: ({n.tag(n.ATTACHMENT)}, _SOAP),
    FILES: ({*BOUND, ENCODED}, _SOAP),
    f"{FILES}/{ENCODED}": (set[str](), _SOAP | {n.ID}),
    **{f"{FILES}/{name}": (set[str](), _SOAP) for name in BOUND},
}
"""Children and attributes that may stand at a place outside the seal without a word: frames, the seal itself, the
fields that repeat the manifest, and the trace, which grows on the way."""

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


def unsealed(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Yield what stands outside the seal and is no frame, trace or repeated field: where, and its name.

    The name is that of a child element, or ``@name`` for an attribute of the frame itself.
    """
    for place, (children, attributes) in _FREE.items():
        for frame in root.findall(place) if place else [root]:
            for child in frame:
                if isinstance(child.tag, str) and child.tag not in children and not _is_empty_dummy(child):
                    yield child, n.local(child.tag)
            for name in frame.attrib:
                if str(name) not in attributes:
                    yield frame, f"@{n.local(str(name))}"


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
    found = parent.findall(name)
    if len(found) > 1 or (found and len(found[0])):
        raise ValueError(n.local(name))
    return found[0].text or "" if found else ""
