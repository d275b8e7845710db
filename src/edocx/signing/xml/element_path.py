"""The place of an element as a path: one for each element, whatever its names are.

libxml2's own paths cut long names and write ``*`` for an element of a default namespace, so that two elements can have
one path, and a person can seem to have signed what an agency did.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from lxml import etree

_LONGEST = 60
"""Characters of a name that are shown."""


class Numbering:
    """The steps of paths, worked out once for all children of an element; the tree must not change meanwhile."""

    def __init__(self) -> None:
        self._steps: dict[etree._Element, dict[etree._Element, str]] = {}

    def path(self, element: etree._Element) -> str:
        """Return what `element_path` does."""
        return "".join(reversed([self._step(one) for one in chain((element,), element.iterancestors())]))

    def _step(self, element: etree._Element) -> str:
        holder = element.getparent()
        if holder is None:
            return _step(element)
        if holder not in self._steps:
            self._steps[holder] = _numbered(holder)
        return self._steps[holder][element]


def _numbered(holder: etree._Element) -> dict[etree._Element, str]:
    children = [(child, _name(child)) for child in holder.iterchildren("*")]
    many, seen, found = Counter(name for _, name in children), Counter[str](), {}
    for child, name in children:
        seen[name] += 1
        found[child] = f"/{name}" if many[name] == 1 else f"/{name}[{seen[name]}]"
    return found


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
