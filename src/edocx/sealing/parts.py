"""The parts of an envelope that a seal covers, found by absolute place and never by Id or name alone."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from edocx.envelope import names as n
from edocx.signing.xml.names import ds

SEAL_ID = "Seal"

_HEADER = f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}"

PLACES = (
    f"{_HEADER}/{n.tag(n.MESSAGE_HEADER)}",
    f"{_HEADER}/{n.tag(n.TRACE_LIST)}/{n.tag(n.BUSINESS)}",
    f"{n.tag(n.ENVELOPE)}/{n.tag(n.BODY)}",
)
"""MessageHeader, Bussiness, edXMLBody."""

SINGLE = (n.tag(n.ENVELOPE), _HEADER, f"{_HEADER}/{n.tag(n.TRACE_LIST)}", *PLACES, n.tag(n.ATTACHMENTS))
"""What may stand once only: of two, one reader would take the first and another the last."""

FILES = f"{n.tag(n.ATTACHMENTS)}/{n.tag(n.ATTACHMENT)}"

SEAL = f"{_HEADER}/{ds('Signature')}"
"""Where the seal stands."""

ENCODED = n.tag(n.ENCODED)

_FREE = {
    "": {n.tag(n.ENVELOPE), n.tag(n.ATTACHMENTS)},
    n.tag(n.ENVELOPE): {n.tag(n.HEADER), n.tag(n.BODY)},
    _HEADER: {n.tag(n.MESSAGE_HEADER), n.tag(n.TRACE_LIST), ds("Signature"), n.tag(n.SIGNATURE)},
    f"{_HEADER}/{n.tag(n.TRACE_LIST)}": {n.tag(n.BUSINESS), n.tag(n.TRACE)},
    n.tag(n.ATTACHMENTS): {n.tag(n.ATTACHMENT)},
}
"""What may stand outside the seal without a word: frames, the seal itself, and the trace, which grows on the way."""

BOUND = (n.tag(n.CONTENT_ID), n.tag(n.ATTACHMENT_NAME), n.tag(n.CONTENT_TYPE), n.tag(n.DESCRIPTION))
"""Fields beside an attachment's content that must repeat what the sealed manifest says."""


def sealed_parts(root: etree._Element) -> list[etree._Element]:
    """Return MessageHeader, Bussiness and edXMLBody; absent ones are left out."""
    return [part for place in PLACES if (part := root.find(place)) is not None]


def unsealed(root: etree._Element) -> Iterator[etree._Element]:
    """Yield every element that stands outside the seal and is no frame, trace or repeated field."""
    for place, allowed in _FREE.items():
        for parent in root.findall(place) if place else [root]:
            yield from (child for child in parent if isinstance(child.tag, str) and child.tag not in allowed)
    for attachment in root.findall(FILES):
        known = {*BOUND, ENCODED}
        yield from (child for child in attachment if isinstance(child.tag, str) and child.tag not in known)


def text_of(parent: etree._Element, name: str) -> str:
    """Return the text of the only child of a name, "" when there is none; raise ``ValueError`` for several."""
    found = parent.findall(name)
    if len(found) > 1:
        raise ValueError(name)
    return "".join(str(piece) for piece in found[0].itertext()).strip() if found else ""


def key_of(identifier: str) -> str:
    """Strip any number of leading ``cid:`` (the official builder doubles it)."""
    while identifier.startswith(n.CID):
        identifier = identifier[len(n.CID) :]
    return identifier
