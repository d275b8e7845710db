"""The transforms of a reference: a few that are safe, each bounded; everything else is refused.

XSLT is never run. XPath only in shapes that select whole elements by name, because a filter that can select anything
can also select nothing, or loop for an hour.
"""

from __future__ import annotations

import base64
import binascii
import re

from lxml import etree

from edocx._xml import parse
from edocx.errors import EdocxError
from edocx.signing.budget import Budget
from edocx.signing.report import Message
from edocx.signing.xml.comments import split, split_text
from edocx.signing.xml.names import BASE64_TRANSFORM, DS, ds
from edocx.signing.xml.selection import CANONICALISATIONS, DEFAULT, Nodes, find_by_id, remove, within

ENVELOPED = f"{DS}enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

MAX_TRANSFORMS = 8
"""In one reference; three is common, chains of hundreds are a way to burn time (XML-DSig best practices 2.3)."""

MAX_XPATH = 300
"""Characters of an XPath."""

Data = bytes | Nodes

_NAME = r"[A-Za-z_][\w.-]*"
_FILTER = re.compile(
    rf"\s*(?P<not>not\s*\(\s*)?ancestor-or-self::(?P<prefix>{_NAME}):(?P<local>{_NAME})\s*(?(not)\)\s*)"
)
"""The one filter in wide use (leave signatures out), and its opposite."""

_AROUND_HERE = re.compile(
    rf"\s*count\(ancestor-or-self::(?P<prefix>{_NAME}):(?P<local>{_NAME})"
    rf"\s*\|\s*here\(\)/ancestor::(?P=prefix):(?P=local)\[1\]\)"
    rf"\s*>\s*count\(ancestor-or-self::(?P=prefix):(?P=local)\)\s*"
)
"""Leave out the element of this name that holds the signature (UBL invoices, XML-DSig 6.6.3.1)."""

_LEAVES_SIGNATURES = re.compile(rf"\s*not\s*\(\s*ancestor-or-self::(?P<prefix>{_NAME}):Signature\s*\)\s*")

_PATH = re.compile(
    rf"""\s*(?:/|(?P<double>//|/descendant::)?
        (?:/?(?:{_NAME}:)?(?:{_NAME}|\*)(?:\[\s*(?:\d+|local-name\(\)\s*=\s*(?:'{_NAME}'|"{_NAME}"))\s*\])?)
        (?:/(?:{_NAME}:)?(?:{_NAME}|\*)(?:\[\s*(?:\d+|local-name\(\)\s*=\s*(?:'{_NAME}'|"{_NAME}"))\s*\])?)*
        )\s*""",
    re.VERBOSE,
)
"""Location paths by child steps, with at most one descent at the front."""

_HERE = re.compile(rf"\s*here\(\)/ancestor::(?P<prefix>{_NAME}):Signature\[1\]\s*")
_ID = re.compile(r"\s*id\((?P<quote>['\"])(?P<value>[^'\"]+)(?P=quote)\)\s*")


class TransformRefused(ValueError):
    """A transform that is unknown, unsafe, or does not fit what it is given."""


def transform(
    data: Data, reference: etree._Element, signature: etree._Element, budget: Budget, notes: list[Message]
) -> tuple[bytes, Nodes | None]:
    """Run a reference's transforms; return the bytes to digest, and what of the document they certainly cover.

    To ``notes`` goes what the transforms left out of a file, or of what was decoded, that other programs may read.

    That is None when they come from elsewhere, or leave out more than signatures in a way that is not followed here.
    Of what was decoded from base64 the text alone is covered (`Nodes.text_only`).

    Raises `TransformRefused`.
    """
    holders = reference.findall(ds("Transforms"))
    steps = [t for holder in holders for t in holder.iterchildren(etree.Element)]
    if len(holders) > 1 or len(steps) > MAX_TRANSFORMS or any(step.tag != ds("Transform") for step in steps):
        raise TransformRefused("too many or foreign transforms")
    covered: Nodes | None = data if isinstance(data, Nodes) else None
    here = signature
    for step in steps:
        budget.check()
        if isinstance(data, Nodes):
            before, seen = data, here
            data, here = _on_nodes(before, step, seen)
            covered = _still_covered(covered, before, data, step, seen)
        else:
            data = _on_bytes(data, step, reference.get("URI") or "", notes)
    if isinstance(data, Nodes):
        if not data.apexes:
            raise TransformRefused("the transforms select nothing")
        data = data.canonical(DEFAULT)
    return data, covered


def _still_covered(
    covered: Nodes | None, before: Nodes, after: Data, step: etree._Element, signature: etree._Element
) -> Nodes | None:
    if covered is None:
        return None
    if step.get("Algorithm") == BASE64_TRANSFORM:
        # XML-DSig 6.6.2: names, attributes, comments and elements around the text are gone before the digest.
        return Nodes(covered.apexes, text_only=True)
    if not isinstance(after, Nodes) or step.get("Algorithm") == ENVELOPED:
        return covered
    if _leaves_signatures(before, after, step, signature):
        return covered
    if before is covered and after.apexes and after.apexes[0].getroottree().getroot() is _root(covered):
        return after
    return None


def _leaves_signatures(before: Nodes, after: Nodes, step: etree._Element, signature: etree._Element) -> bool:
    """Say whether a filter leaves out signatures of XMLDSig and nothing else: each of these is looked at by itself.

    Exclusive canonicalisation renders a prefix where an element or attribute has it, which one in an XPath is not:
    anybody may bind it anew, so that other elements are left out. What it is bound to now is what counts.
    """
    match step.get("Algorithm"):
        case t if t == XPATH:
            holder = step.find(ds("XPath"))
            found = None if holder is None else _LEAVES_SIGNATURES.fullmatch(holder.text or "")
            return holder is not None and found is not None and holder.nsmap.get(found["prefix"]) == DS
        case t if t == FILTER2:
            parts = list(step.iterchildren(etree.Element))
            if len(parts) != 1 or parts[0].get("Filter") != "subtract" or len(after.apexes) != len(before.apexes):
                return False
            selected = _select(before.apexes[0].getroottree(), parts[0], signature)
            return all(one.tag == ds("Signature") for one in selected)
        case _:
            return False


def _root(nodes: Nodes) -> etree._Element:
    return nodes.apexes[0].getroottree().getroot()


def _on_nodes(nodes: Nodes, step: etree._Element, signature: etree._Element) -> tuple[Data, etree._Element]:
    algorithm = step.get("Algorithm", "")
    if algorithm in CANONICALISATIONS:
        if not nodes.apexes:
            raise TransformRefused("the transforms select nothing")
        return nodes.canonical(CANONICALISATIONS[algorithm], inclusive_prefixes(step)), signature
    match algorithm:
        case t if t == BASE64_TRANSFORM:
            return _decode(nodes.text().encode()), signature
        case t if t == ENVELOPED:
            return _without_signature(nodes, signature)
        case t if t == XPATH:
            return _filter(nodes, step, signature)
        case t if t == FILTER2:
            return _filter2(nodes, step, signature)
        case _:
            raise TransformRefused(algorithm[:100])


def _on_bytes(data: bytes, step: etree._Element, name: str, notes: list[Message]) -> bytes:
    algorithm = step.get("Algorithm", "")
    if algorithm == BASE64_TRANSFORM:
        return _decode(data)
    if algorithm not in CANONICALISATIONS:
        raise TransformRefused(algorithm[:100])
    try:
        root = parse(data)
    except EdocxError as error:
        raise TransformRefused("not XML that can be canonicalised") from error
    way = CANONICALISATIONS[algorithm]
    _, with_comments, _ = way
    if not with_comments and (found := split_text((root,))) is not None:
        notes.append(split(found, name))
    return Nodes((root,), whole=True, comments=True).canonical(way, inclusive_prefixes(step))


def _without_signature(nodes: Nodes, signature: etree._Element) -> tuple[Nodes, etree._Element]:
    # XML-DSig 6.6.4: the signature that holds this transform, and no other, leaves what is selected.
    if not within(signature, nodes.apexes):
        return nodes, signature
    if signature in nodes.apexes:
        raise TransformRefused("the transforms select nothing")
    twin, (marked,) = nodes.copied(signature)
    assert marked is not None
    remove(marked)
    return twin, marked


def _filter(nodes: Nodes, step: etree._Element, signature: etree._Element) -> tuple[Nodes, etree._Element]:
    holder = step.find(ds("XPath"))
    text = "" if holder is None else (holder.text or "")
    if holder is None or len(holder) or len(text) > MAX_XPATH:
        raise TransformRefused("an XPath of another shape")
    if (around := _AROUND_HERE.fullmatch(text)) is not None:
        name = _qualified(holder, around["prefix"], around["local"])
        if next(signature.iterancestors(name), None) is None:
            raise TransformRefused("the transforms select nothing")
        return _leave_out(nodes, name, signature)
    parts = [_FILTER.fullmatch(part) for part in re.split(r"\s+and\s+", text.strip())]
    for found in parts:
        if found is None or (len(parts) > 1 and not found["not"]):
            raise TransformRefused("an XPath of another shape")
        name = _qualified(holder, found["prefix"], found["local"])
        if found["not"]:
            nodes, signature = _leave_out(nodes, name, signature)
        else:
            nodes = _keep(nodes, name)
    return nodes, signature


def _qualified(holder: etree._Element, prefix: str, local: str) -> str:
    namespace = holder.nsmap.get(prefix)
    if not namespace:
        raise TransformRefused("an unknown prefix in XPath")
    return f"{{{namespace}}}{local}"


def _leave_out(nodes: Nodes, name: str, signature: etree._Element) -> tuple[Nodes, etree._Element]:
    if any(apex.tag == name or next(apex.iterancestors(name), None) is not None for apex in nodes.apexes):
        raise TransformRefused("the transforms select nothing")
    twin, (marked,) = nodes.copied(signature)
    assert marked is not None
    for apex in twin.apexes:
        # The signature goes too; where it stood is not needed any more, for nothing else is relative to it.
        for element in [e for e in apex.iter(name) if next(e.iterancestors(name), None) is None]:
            remove(element)
    return twin, marked


def _keep(nodes: Nodes, name: str) -> Nodes:
    if any(next(apex.iterancestors(name), None) is not None for apex in nodes.apexes):
        return nodes
    kept = [e for apex in nodes.apexes for e in apex.iter(name) if next(e.iterancestors(name), None) is None]
    return Nodes(tuple(kept), comments=nodes.comments)


def _filter2(nodes: Nodes, step: etree._Element, signature: etree._Element) -> tuple[Nodes, etree._Element]:
    for part in step.iterchildren(etree.Element):
        if part.tag != f"{{{FILTER2}}}XPath" or len(part) or not nodes.apexes:
            raise TransformRefused("an XPath filter of another shape")
        selected = _select(nodes.apexes[0].getroottree(), part, signature)
        match part.get("Filter"):
            case "intersect":
                nodes = _intersect(nodes, selected)
            case "subtract":
                nodes, signature = _subtract(nodes, selected, signature)
            case _:
                raise TransformRefused("an XPath filter of another shape")
    return nodes, signature


def _select(tree: etree._ElementTree, part: etree._Element, signature: etree._Element) -> list[etree._Element]:
    text = part.text or ""
    if len(text) > MAX_XPATH:
        raise TransformRefused("an XPath of another shape")
    if (here := _HERE.fullmatch(text)) is not None and part.nsmap.get(here["prefix"]) == DS:
        return [signature]
    if (named := _ID.fullmatch(text)) is not None:
        return [find_by_id(tree, named["value"])]
    if _PATH.fullmatch(text) is None:
        raise TransformRefused("an XPath of another shape")
    if text.strip() == "/":
        return [tree.getroot()]
    namespaces = {prefix: uri for prefix, uri in part.nsmap.items() if prefix}
    try:
        found = tree.xpath(text.strip(), namespaces=namespaces)
    except etree.XPathError as error:
        raise TransformRefused("an XPath that cannot be read") from error
    return [e for e in found if etree.iselement(e)] if isinstance(found, list) else []


def _intersect(nodes: Nodes, selected: list[etree._Element]) -> Nodes:
    chosen = set(selected)
    root = nodes.apexes[0].getroottree().getroot()
    if nodes.whole and root in chosen:
        return nodes
    inside = [e for e in selected if within(e, nodes.apexes)]
    outside = [apex for apex in nodes.apexes if within(apex, chosen) and apex not in chosen]
    top = [e for e in (*inside, *outside) if not any(a in chosen for a in e.iterancestors()) or e in outside]
    order = {e: place for place, e in enumerate(root.iter())}
    return Nodes(tuple(sorted(set(top), key=order.__getitem__)), comments=nodes.comments)


def _subtract(nodes: Nodes, selected: list[etree._Element], signature: etree._Element) -> tuple[Nodes, etree._Element]:
    chosen = set(selected)
    apexes = tuple(apex for apex in nodes.apexes if not within(apex, chosen))
    if not apexes:
        raise TransformRefused("the transforms select nothing")
    gone = [e for e in selected if within(e, apexes) and not any(a in chosen for a in e.iterancestors())]
    twin, (marked, *marks) = Nodes(apexes, nodes.whole, nodes.comments).copied(signature, *gone)
    assert marked is not None
    for element in marks:
        assert element is not None
        remove(element)
    return twin, marked


def inclusive_prefixes(step: etree._Element) -> list[str]:
    """Return the prefixes that an exclusive canonicalisation is told to treat as the inclusive does."""
    holder = step.find(f"{{{EXCLUSIVE}}}InclusiveNamespaces")
    return [] if holder is None else holder.get("PrefixList", "").split()


def _decode(data: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error as error:
        raise TransformRefused("not base64") from error
