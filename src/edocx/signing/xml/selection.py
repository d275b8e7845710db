"""What a reference selects: a document, an element, or bytes; and its canonical form.

Selections are worked on in a copy of the tree, so that removing the signature (the enveloped transform) or what an
XPath leaves out never touches what other references see. Canonicalisation is libxml2's; only which ``xml:`` attributes
a subtree inherits, which lxml leaves out, is found here (C14N 1.0 2.4, C14N 1.1 2.4).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

from edocx._xml import canonicalise, canonicalise_inclusively

XML = "http://www.w3.org/XML/1998/namespace"
ID_ATTRIBUTES = ("Id", "ID", "id", f"{{{XML}}}id", "AssertionID")
"""Without a DTD nothing declares identifiers; these are what signed formats use."""

Canonicalisation = tuple[bool, bool, str]
"""Exclusive or not, with comments or not, version."""

CANONICALISATIONS: dict[str, Canonicalisation] = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": (False, False, "1.0"),
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": (False, True, "1.0"),
    "http://www.w3.org/2006/12/xml-c14n11": (False, False, "1.1"),
    "http://www.w3.org/2006/12/xml-c14n11#WithComments": (False, True, "1.1"),
    "http://www.w3.org/2001/10/xml-exc-c14n#": (True, False, "1.0"),
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": (True, True, "1.0"),
}
DEFAULT: Canonicalisation = CANONICALISATIONS["http://www.w3.org/TR/2001/REC-xml-c14n-20010315"]


@dataclass(frozen=True, slots=True)
class Nodes:
    """A part of a document: ``apexes`` with their subtrees, disjoint and in document order.

    ``whole`` says that it is the document itself, processing instructions beside the root included. ``comments``
    says whether comments belong to it. ``text_only`` says that no more than its text does, as under base64;
    ``media_type`` is what the signer states that this is.
    """

    apexes: tuple[etree._Element, ...]
    whole: bool = False
    comments: bool = False
    text_only: bool = False
    media_type: str | None = None

    def copied(self, *marked: etree._Element) -> tuple[Nodes, list[etree._Element | None]]:
        """Return the same part of a copy of the document, and where ``marked`` elements of the original are there."""
        tree = self.apexes[0].getroottree()
        twin = copy.deepcopy(tree)
        apexes = tuple(_twin(twin, apex) for apex in self.apexes)
        return Nodes(apexes, self.whole, self.comments), [_twin(twin, one) for one in marked]

    def canonical(self, way: Canonicalisation, prefixes: Sequence[str] = ()) -> bytes:
        """Return the canonical bytes."""
        exclusive, with_comments, version = way
        with_comments = with_comments and self.comments
        if self.whole and self.apexes:
            return etree.tostring(
                self.apexes[0].getroottree(),
                method="c14n",
                exclusive=exclusive,
                with_comments=with_comments,
                inclusive_ns_prefixes=list(prefixes) or None if exclusive else None,
            )
        return b"".join(
            _canonical(apex, exclusive=exclusive, with_comments=with_comments, version=version, prefixes=prefixes)
            for apex in self.apexes
        )

    def text(self) -> str:
        """Return the text in it, as the base64 transform wants it (XML-DSig 6.6.2)."""
        return "".join(text for apex in self.apexes for text in _texts(apex))


class DoubledIdentifier(LookupError):
    """Not exactly one element has the identifier that a reference names."""


def canonical_element(element: etree._Element, way: Canonicalisation, prefixes: Sequence[str] = ()) -> bytes:
    """Return the canonical bytes of one element in its document."""
    return Nodes((element,), comments=True).canonical(way, prefixes)


def find_by_id(tree: etree._ElementTree, value: str) -> etree._Element:
    """Return the element with this identifier; raise `DoubledIdentifier` when none has it or several do.

    Two elements of one identifier are the first step of every signature wrapping attack.
    """
    found = [
        element
        for element in tree.getroot().iter(etree.Element)
        if any(element.get(name) == value for name in ID_ATTRIBUTES)
    ]
    if len(found) != 1:
        raise DoubledIdentifier(f"{len(found)} elements have the identifier")
    return found[0]


def remove(element: etree._Element) -> None:
    """Take an element out of its tree and leave the text after it in place."""
    parent = element.getparent()
    if parent is None:
        raise ValueError("the root cannot be taken out")
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def within(element: etree._Element, apexes: Iterable[etree._Element]) -> bool:
    """Say whether an element is one of the apexes or below one."""
    wanted = set(apexes)
    return element in wanted or any(ancestor in wanted for ancestor in element.iterancestors())


def _canonical(
    apex: etree._Element, *, exclusive: bool, with_comments: bool, version: str, prefixes: Sequence[str]
) -> bytes:
    if exclusive:
        return canonicalise(apex, with_comments=with_comments, inclusive_prefixes=prefixes)
    return canonicalise_inclusively(apex, inherited=_inherited(apex, version), with_comments=with_comments)


def _inherited(apex: etree._Element, version: str) -> dict[str, str]:
    found: dict[str, str] = {}
    base_name = f"{{{XML}}}base"
    bases = [value for value in [apex.get(base_name)] if value]
    for ancestor in apex.iterancestors():
        for name, value in ancestor.attrib.items():
            if str(name) == base_name:
                bases.append(str(value))
            if str(name).startswith(f"{{{XML}}}") and apex.get(name) is None:
                found.setdefault(str(name), str(value))
    if version == "1.1":
        found = {name: value for name, value in found.items() if name in {f"{{{XML}}}lang", f"{{{XML}}}space"}}
        joined = ""
        for base in reversed(bases):
            joined = urljoin(joined, base)
        if joined and joined != apex.get(base_name):
            found[base_name] = joined
    return found


def _twin(twin: etree._ElementTree, element: etree._Element) -> etree._Element:
    steps = []
    place = element
    while (parent := place.getparent()) is not None:
        steps.append(parent.index(place))
        place = parent
    found = twin.getroot()
    for step in reversed(steps):
        found = found[step]
    return found


def _texts(element: etree._Element) -> Iterable[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _texts(child)
        yield child.tail or ""
