"""What a seal covers, as an envelope again: read anew from the octets that were hashed, without anything beside them.

The trace, unknown elements and whatever else stands outside the seal are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from edocx._xml import canonicalise, parse
from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.read import open_envelope
from edocx.signing.signed import Content, Piece, SignedPart


@dataclass(frozen=True, slots=True)
class SealedEnvelope:
    """An envelope as its sender sealed it; the contents of its attachments are the sealed files."""

    envelope: Envelope


def sealed_content(parts: Iterable[etree._Element], files: Iterable[Attachment]) -> Content:
    """Make the content of a seal over these parts (MessageHeader, Bussiness, edXMLBody) and files.

    The caller has checked that name, type and id beside each file repeat the sealed manifest.
    """
    octets = [(n.local(str(part.tag)), canonicalise(part)) for part in parts]
    sealed = [item for item in files if item.content is not None]
    pieces = [Piece.of_bytes(f"{name}.xml", data, ".xml") for name, data in octets]
    pieces += [Piece.of_blob(item.name or str(item.content_id), _content(item)) for item in sealed]

    def build(saved: tuple[SignedPart, ...]) -> SealedEnvelope:
        with open_envelope(_joined([data for _, data in octets])) as reading:
            header = reading.envelope
        contents = saved[len(octets) :]
        attachments = tuple(
            item.model_copy(update={"content": part.content}) for item, part in zip(sealed, contents, strict=True)
        )
        return SealedEnvelope(header.model_copy(update={"attachments": attachments, "trace": ()}))

    return Content("edxml", tuple(pieces), build)


def _content(item: Attachment) -> Blob:
    assert item.content is not None
    return item.content


def _joined(octets: Iterable[bytes]) -> bytes:
    """Put the sealed parts into empty frames."""
    root = parse(f'<{n.ROOT} xmlns="{n.QCVN}"/>'.encode())
    envelope = etree.SubElement(root, n.tag(n.ENVELOPE))
    header = etree.SubElement(envelope, n.tag(n.HEADER))
    for part in map(parse, octets):
        match n.local(str(part.tag)):
            case n.BUSINESS:
                etree.SubElement(header, n.tag(n.TRACE_LIST)).append(part)
            case n.BODY:
                envelope.append(part)
            case _:
                header.append(part)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
