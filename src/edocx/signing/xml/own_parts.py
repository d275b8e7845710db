"""What a signer says of his signature, told from content: an element of the standards' vocabulary and nothing else.

Keys, properties and lists that a signature covers of itself are no content that another signer could cover as well.
That holds only for what they are for: whoever puts a letter into a property of his own signature, ahead of the letter
that others signed, has signed content (McIntosh and Austel 2005, 4.2).
"""

from __future__ import annotations

import re
from copy import deepcopy

from lxml import etree

from edocx.signing.xml.grammar import is_shaped, is_well_placed
from edocx.signing.xml.names import ds
from edocx.signing.xml.qualifying import NAMESPACES
from edocx.signing.xml.vocabulary import SIGNED, is_made_of

_OWN = frozenset({ds("KeyInfo"), ds("Manifest"), ds("SignatureProperties"), ds("SignatureProperty")})
_PROPERTIES = tuple(f"{{{namespace}}}SignedProperties" for namespace in NAMESPACES)
_PATHS = frozenset({ds("XPath"), "{http://www.w3.org/2002/06/xmldsig-filter2}XPath"})
"""Nothing of a key: a key is found without one."""

_TIME = re.compile(r"\s*[\d:.TZ+\-]{8,40}\s*")
"""Of a SigningTime in a SignatureProperty, as much software writes it in a namespace of its own or none."""


def is_own(element: etree._Element, signature: etree._Element) -> bool:
    """Say whether a covered element is what a signer says of this signature, in it, and nothing else.

    Whoever signs another's signature answers for all that is in it, also for what he put there himself.
    """
    inside = next((one for one in element.iterancestors(ds("Signature"))), None) is signature
    return inside and (element.tag in _OWN or element.tag in _PROPERTIES) and _is_plain(element)


def is_properties(element: etree._Element) -> bool:
    """Say whether an element is the signed properties of a signature, at the place that they have there."""
    above = [str(one.tag).rpartition("}")[2] for one in element.iterancestors()][:3]
    return (
        element.tag in _PROPERTIES and above == ["QualifyingProperties", "Object", "Signature"] and _is_plain(element)
    )


def foreign_in(info: etree._Element) -> etree._Element | None:
    """Return an element of a KeyInfo that is none of the standards', or not in its place, or not of its shape."""
    return next((one for one in info.iter(etree.Element) if not _is_of_keys(one)), None)


def _is_of_keys(element: etree._Element) -> bool:
    return element.tag in SIGNED and element.tag not in _PATHS and is_well_placed(element) and is_shaped(element)


def _is_plain(element: etree._Element) -> bool:
    times = [one for one in element.iter("{*}SigningTime") if _is_time(one)]
    in_words = element.tag in _PROPERTIES  # which have free texts anyhow
    if not times:
        return is_made_of(element, SIGNED, in_words=in_words)
    twin = deepcopy(element)
    for one in [one for one in twin.iter("{*}SigningTime") if _is_time(one)]:
        holder = one.getparent()
        if holder is None or (one.tail or "").strip():
            return False
        holder.remove(one)
    return is_made_of(twin, SIGNED, in_words=in_words)


def _is_time(element: etree._Element) -> bool:
    holder = element.getparent()
    return (
        holder is not None
        and holder.tag == ds("SignatureProperty")
        and len(element) == 0
        and not element.attrib
        and _TIME.fullmatch(element.text or "") is not None
    )
