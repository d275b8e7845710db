"""Attacks on what a reference selects: its digest holds, and more stands in the document than was ever digested."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from edocx._xml import parse
from edocx.testing.attacks import Attack

_DS = "http://www.w3.org/2000/09/xmldsig#"
_ELSEWHERE = "urn:elsewhere"


def filters_rebound(data: bytes, prefix: str) -> Iterator[Attack]:
    """Yield a copy of a document whose XPath leaves out other elements than it did; ``prefix`` is that of the XPath.

    Exclusive canonicalisation renders no namespace that only an XPath uses, so that the signature's value holds.
    """
    written = f'xmlns:{prefix}="{_DS}"'.encode()
    root = parse(data.replace(written, f'xmlns:{prefix}="{_ELSEWHERE}"'.encode()))
    forged = etree.Element(f"{{{_ELSEWHERE}}}Signature")
    etree.SubElement(forged, "amount").text = "FORGED"
    root.insert(0, forged)
    yield Attack(f"filter-rebound-{prefix}", etree.tostring(root))


def around_encoded(data: bytes, identifier: str) -> Iterator[Attack]:
    """Yield copies of a document where more stands around a text that is signed as base64, in the element of this Id.

    The base64 transform takes the text and drops the names, attributes and elements that it stands in.
    """
    for label in ("attribute", "type", "child", "wrapped", "instruction"):
        root = parse(data)
        holder = next(one for one in root.iter(etree.Element) if one.get("Id") == identifier)
        match label:
            case "attribute":
                holder.set("amount", "FORGED")
            case "type":
                holder.set("MimeType", "text/html")
            case "child":
                etree.SubElement(holder, "note", amount="FORGED")
            case "wrapped":
                inside = etree.SubElement(holder, "pay", to="FORGED")
                inside.text, holder.text = holder.text, None
            case _:
                holder.append(etree.PI("pay", "FORGED"))
        yield Attack(f"encoded-{label}", etree.tostring(root))
