"""The parts of an envelope that a seal covers, found by absolute place and never by Id or name alone."""

from __future__ import annotations

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

MANIFEST_ENTRIES = f"{PLACES[2]}/{n.tag(n.MANIFEST)}/{n.tag(n.REFERENCE)}"

SEAL = f"{HEADER}/{ds('Signature')}"
"""Where the seal stands."""

ENCODED = n.tag(n.ENCODED)

BOUND = (n.tag(n.CONTENT_ID), n.tag(n.ATTACHMENT_NAME), n.tag(n.CONTENT_TYPE), n.tag(n.DESCRIPTION))
"""Fields beside an attachment's content that must repeat what the sealed manifest says."""


def sealed_parts(root: etree._Element) -> list[etree._Element]:
    """Return MessageHeader, Bussiness and edXMLBody; absent ones are left out."""
    return [part for place in PLACES if (part := root.find(place)) is not None]
