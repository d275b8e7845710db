"""Prefixes that only a value uses: exclusive canonicalisation leaves their meaning unsigned.

“p:Small” in an xsi:type is a name whose prefix is declared somewhere around it. Exclusive canonicalisation keeps the
declarations that names of elements and attributes use (its 1.3 warns of the others), so whoever declares the prefix
anew changes the type, and no digest.
"""

from __future__ import annotations

from lxml import etree

from edocx import _xml
from edocx.signing.xml.selection import Nodes

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"
_TYPED = etree.XPath(".//@xsi:type", namespaces={"xsi": _XSI})


def unsigned_prefix(data: bytes, covered: Nodes) -> str | None:
    """Return the first xsi:type in what was hashed whose prefix means nothing there; None where each has its meaning.

    ``data`` are the canonical octets of ``covered``: read by themselves, they hold each declaration that was signed.
    """
    if covered.text_only or len(covered.apexes) != 1 or not _TYPED(covered.apexes[0]):
        return None
    for element in _xml.parse(data).iter(etree.Element):
        value = (element.get(_TYPE) or "").strip()
        prefix, colon, _ = value.partition(":")
        if colon and prefix not in element.nsmap:
            return value
    return None
