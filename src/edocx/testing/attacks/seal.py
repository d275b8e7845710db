"""Attacks on the envelope's seal: every sealed part moved, doubled, renamed, nested and given other Ids.

Each attack leaves the signed bytes somewhere in the file, so that a verifier which finds them by Id is content, and
puts a forged twin where readers look. After McIntosh and Austel (2005), "XML Signature Element Wrapping Attacks"; every
sealed part is taken in turn, since a verifier may be careful with one and careless with the next.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

from lxml import etree

from edocx._xml import parse
from edocx.envelope import names as n
from edocx.testing.attacks import Attack

DS = n.XMLDSIG
_HEADER = f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}"
_PARTS = {
    "header": f"{_HEADER}/{n.tag(n.MESSAGE_HEADER)}",
    "traces": f"{_HEADER}/{n.tag(n.TRACE_LIST)}",
    "business": f"{_HEADER}/{n.tag(n.TRACE_LIST)}/{n.tag(n.BUSINESS)}",
    "body": f"{n.tag(n.ENVELOPE)}/{n.tag(n.BODY)}",
    "manifest": f"{n.tag(n.ENVELOPE)}/{n.tag(n.BODY)}/{n.tag(n.MANIFEST)}",
    "entry": f"{n.tag(n.ENVELOPE)}/{n.tag(n.BODY)}/{n.tag(n.MANIFEST)}/{n.tag(n.REFERENCE)}",
    "files": n.tag(n.ATTACHMENTS),
    "file": f"{n.tag(n.ATTACHMENTS)}/{n.tag(n.ATTACHMENT)}",
    "content": f"{n.tag(n.ATTACHMENTS)}/{n.tag(n.ATTACHMENT)}/{n.tag(n.ENCODED)}",
    "whole-header": _HEADER,
    "whole-envelope": n.tag(n.ENVELOPE),
}
"""What a seal covers, and the frames around it."""

_XML_ID = f"{{{n.XML}}}id"
_Element: TypeAlias = etree._Element  # noqa: SLF001 - the only name that lxml gives it
_Change: TypeAlias = Callable[[_Element, _Element, _Element], None]


def wrappings(data: bytes) -> Iterator[Attack]:
    """Yield forged copies of a sealed envelope of dialect A: each part, in each place, under each kind of Id."""
    for part, path in _PARTS.items():
        for (shape, change), (ids, identify) in product(_SHAPES.items(), _IDS.items()):
            root = parse(data)
            original = root.find(path)
            if original is None:
                continue
            twin = copy.deepcopy(original)
            forge(twin)
            identify(twin)
            change(root, original, twin)
            yield Attack(f"{part}-{shape}-{ids}", etree.tostring(root))
    yield from _altered(data)


def _altered(data: bytes) -> Iterator[Attack]:
    untouched = etree.tostring(parse(data))
    for part, path in _PARTS.items():
        for shape, alter in _ALTERATIONS.items():
            root = parse(data)
            original = root.find(path)
            if original is None:
                continue
            alter(original)
            if (forged := etree.tostring(root)) != untouched:
                yield Attack(f"{part}-{shape}", forged)


def forge(element: etree._Element) -> None:
    """Change what an element says: its first text, or an attribute when it has none."""
    for leaf in element.iter(etree.Element):
        if not len(leaf) and (leaf.text or "").strip():
            leaf.text = "Rk9SR0VE" if leaf.tag == n.tag(n.ENCODED) else "GIA-MAO"
            return
    element.set("forged", "true")


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _into(find: Callable[[etree._Element, etree._Element], etree._Element]) -> _Change:
    """Move the original elsewhere, the twin into its place."""

    def change(root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
        _parent(original).replace(original, twin)
        find(root, twin).append(original)

    return change


def _signature(root: etree._Element) -> etree._Element:
    found = next(root.iter(f"{{{DS}}}Signature"), None)
    return found if found is not None else etree.SubElement(root, f"{{{DS}}}Signature")


def _in_signature(name: str) -> Callable[[etree._Element, etree._Element], etree._Element]:
    return lambda root, _: etree.SubElement(_signature(root), f"{{{DS}}}{name}")


def _first(root: etree._Element, name: str) -> etree._Element:
    found = next(root.iter(n.tag(name)), None)
    return found if found is not None else root


def _before(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    original.addprevious(twin)


def _after(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    original.addnext(twin)


def _at_the_end(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    _parent(original).append(twin)


def _instead(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    _parent(original).replace(original, twin)


def _around(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    """Nest the original in its own twin."""
    _parent(original).replace(original, twin)
    twin.append(original)


def _inside(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
    original.insert(0, twin)


def _renamed(tag: Callable[[str], str]) -> _Change:
    """Leave the original under another name beside its twin."""

    def change(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
        original.addprevious(twin)
        original.tag = tag(str(original.tag))

    return change


def _twin_renamed(tag: Callable[[str], str]) -> _Change:
    """Put before the original a twin under a name that some reader takes for it."""

    def change(_root: etree._Element, original: etree._Element, twin: etree._Element) -> None:
        twin.tag = tag(str(twin.tag))
        original.addprevious(twin)

    return change


_SHAPES: dict[str, _Change] = {
    "instead": _instead,
    "before": _before,
    "after": _after,
    "at-the-end": _at_the_end,
    "around": _around,
    "inside": _inside,
    "moved-into-object": _into(_in_signature("Object")),
    "moved-into-key-info": _into(_in_signature("KeyInfo")),
    "moved-into-signature": _into(lambda root, _: _signature(root)),
    "moved-into-wrapper": _into(lambda root, _: etree.SubElement(root, "wrapper")),
    "moved-into-trace": _into(lambda root, _: _first(root, n.TRACE)),
    "moved-into-header": _into(lambda root, _: _first(root, n.HEADER)),
    "moved-into-envelope": _into(lambda root, _: _first(root, n.ENVELOPE)),
    "moved-into-files": _into(lambda root, _: _first(root, n.ATTACHMENTS)),
    "moved-to-root": _into(lambda root, _: root),
    "original-without-namespace": _renamed(n.local),
    "original-in-another-namespace": _renamed(lambda tag: n.tag(n.local(tag), "urn:x")),
    "original-under-another-name": _renamed(lambda _: n.tag("Old")),
    "twin-without-namespace": _twin_renamed(n.local),
    "twin-in-another-namespace": _twin_renamed(lambda tag: n.tag(n.local(tag), n.GO)),
    "twin-in-lower-case": _twin_renamed(lambda tag: n.tag(n.local(tag).lower())),
    "twin-spelt-correctly": _twin_renamed(lambda tag: tag.replace("Bussiness", "Business")),
}


def _identify(name: str | None, value: str | None = None) -> Callable[[etree._Element], None]:
    """Move the twin's Id into another attribute, give it another value, or drop it."""

    def change(twin: etree._Element) -> None:
        held = twin.attrib.pop(n.ID, "")
        if name is not None:
            twin.set(name, value or str(held or "MessageHeader"))

    return change


_IDS: dict[str, Callable[[etree._Element], None]] = {
    "same-Id": lambda _: None,
    "no-Id": _identify(None),
    "other-Id": _identify(n.ID, "Other"),
    "id": _identify("id"),
    "ID": _identify("ID"),
    "xml:id": _identify(_XML_ID),
    "qualified-Id": _identify(n.tag(n.ID)),
}


def _set(name: str, value: str) -> Callable[[etree._Element], None]:
    def change(element: etree._Element) -> None:
        element.set(name, value)

    return change


def _on_leaf(change: Callable[[etree._Element], None]) -> Callable[[etree._Element], None]:
    def apply(element: etree._Element) -> None:
        leaf = next((e for e in element.iter(etree.Element) if not len(e) and (e.text or "").strip()), element)
        change(leaf)

    return apply


def _removed(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _without_id(element: etree._Element) -> None:
    element.attrib.pop(n.ID, "")


def _split_by(node: Callable[[], etree._Element]) -> Callable[[etree._Element], None]:
    def change(leaf: etree._Element) -> None:
        text, piece = leaf.text or "", node()
        leaf.text, piece.tail = text[: len(text) // 2], text[len(text) // 2 :]
        leaf.insert(0, piece)

    return change


def _appended(node: Callable[[], etree._Element]) -> Callable[[etree._Element], None]:
    return lambda leaf: leaf.append(node())


_ALTERATIONS: dict[str, Callable[[etree._Element], None]] = {
    "removed": _removed,
    "emptied": lambda element: element.clear(),
    "without-Id": _without_id,
    "id-added": _set("id", "MessageHeader"),
    "ID-added": _set("ID", "edXMLBody"),
    "xml-id-added": _set(_XML_ID, "MessageHeader"),
    "nil": _on_leaf(_set(n.NIL, "true")),
    "attribute": _set("encoding", "gzip"),
    "xml-base": _set(f"{{{n.XML}}}base", "http://127.0.0.1/"),
    "comment-in-text": _on_leaf(_split_by(lambda: etree.Comment("x"))),
    "comment-after-text": _on_leaf(_appended(lambda: etree.Comment("x"))),
    "instruction-in-text": _on_leaf(_split_by(lambda: etree.ProcessingInstruction("x", "y"))),
    "element-in-text": _on_leaf(_split_by(lambda: etree.Element("x"))),
    "text-appended": _on_leaf(lambda leaf: setattr(leaf, "text", (leaf.text or "") + "A")),
    "blank-appended": _on_leaf(lambda leaf: setattr(leaf, "text", (leaf.text or "") + " ")),
    "invisible-appended": _on_leaf(lambda leaf: setattr(leaf, "text", (leaf.text or "") + "\u200b")),
    "children-reversed": lambda element: element.extend(list(element)[::-1]),
}
