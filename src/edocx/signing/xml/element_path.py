"""The place of an element as a path: one for each element, whatever its names are.

libxml2's own paths cut long names and write ``*`` for an element of a default namespace, so that two elements can have
one path, and a person can seem to have signed what an agency did.
"""

from __future__ import annotations

from itertools import chain

from lxml import etree

_LONGEST = 60
"""Characters of a name that are shown."""


def element_path(element: etree._Element) -> str:
    """Return ``/Doc/Letter[2]``: names without prefixes, numbered where neighbours read alike."""
    steps = [_step(one) for one in chain((element,), element.iterancestors())]
    return "".join(reversed(steps))


def _step(element: etree._Element) -> str:
    name = _name(element)
    before = sum(_name(one) == name for one in element.itersiblings("*", preceding=True))
    alone = not before and all(_name(one) != name for one in element.itersiblings("*"))
    return f"/{name}" if alone else f"/{name}[{before + 1}]"


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname[:_LONGEST]
