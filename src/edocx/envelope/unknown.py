"""What edXML does not know: kept while reading, put back while writing, so that nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from edocx import _xml
from edocx.envelope import names as n
from edocx.envelope.model import Unknown
from edocx.errors import XmlError

_BLOCKS: Final = {
    n.MESSAGE_HEADER: f"{n.ENVELOPE}/{n.HEADER}/{n.MESSAGE_HEADER}",
    n.TRACE_LIST: f"{n.ENVELOPE}/{n.HEADER}/{n.TRACE_LIST}",
    n.BODY: f"{n.ENVELOPE}/{n.BODY}",
    n.ATTACHMENTS: n.ATTACHMENTS,
    n.HEADER: f"{n.ENVELOPE}/{n.HEADER}",
    n.ENVELOPE: n.ENVELOPE,
    n.ROOT: "",
}
"""Where each block stands in dialect A; paths in `Unknown` begin at a block, since dialects differ above it."""


def keep_element(element: etree._Element) -> Unknown:
    """Return an unknown element with its subtree, as it can be put back."""
    parent = element.getparent()
    assert parent is not None
    try:  # the canonical form is the same however often it travels
        xml = _xml.canonicalise(element, with_comments=True).decode()
    except XmlError:  # a namespace that is no URI has none; such an element is kept as it stands
        xml = etree.tostring(element, encoding="unicode", with_tail=False)
    return Unknown(parent=block_path(parent), name=str(element.tag), xml=xml)


def keep_attribute(element: etree._Element, name: str) -> Unknown:
    """Return an unknown attribute, as it can be put back."""
    return Unknown(parent=block_path(element), name=name, value=element.get(name))


def block_path(element: etree._Element) -> str:
    """Return the path of an element from the nearest block in the standard spelling: ``MessageHeader/To[2]``."""
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None:
        name = n.local(str(node.tag))
        name = n.BUSINESS_RESPELT.get(name, name)
        if name in _BLOCKS or node.getparent() is None:
            steps.append(name if name in _BLOCKS else n.ROOT)
            break
        place = 1 + sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        steps.append(f"{name}[{place}]")
        node = node.getparent()
    return "/".join(reversed(steps))


def restore(root: etree._Element, unknown: Iterable[Unknown]) -> None:
    """Put unknown elements (at the end) and attributes back under the elements they were found in.

    Where such an element is not written, its nearest ancestor takes them.
    """
    for item in unknown:
        block, _, rest = item.parent.partition("/")
        element = root
        for step in [*_BLOCKS.get(block, "").split("/"), *rest.split("/")]:
            found = _step(element, step) if step else element
            if found is None:
                break
            element = found
        if item.xml is not None:
            element.append(_xml.parse(item.xml.encode()))
        elif item.value is not None:
            element.set(item.name, item.value)


def _step(element: etree._Element, step: str) -> etree._Element | None:
    name, _, place = step.partition("[")
    children = element.findall(n.tag(name))
    number = int(place.rstrip("]")) if place else 1
    return children[number - 1] if number <= len(children) else None
