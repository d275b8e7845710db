"""What each signature of an XML document covers, and what is said of all that stands around it.

Signatures are looked at by what they cover: one that covers more must not hide what stands outside of another, for a
reader takes the whole file as said by everybody who signed it. Anybody can add a text to a letter that two people
signed, and sign the lot himself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lxml import etree

from edocx.signing.parts import WHOLE, file_part
from edocx.signing.report import Indication, Message
from edocx.signing.xml.core import CoreResult
from edocx.signing.xml.element_path import Numbering, element_path
from edocx.signing.xml.names import ds
from edocx.signing.xml.own_parts import is_own, is_properties
from edocx.signing.xml.remarks import COMMENT_OUTSIDE, claim, enclosed, encoded, instruction, outside
from edocx.signing.xml.selection import Nodes
from edocx.signing.xml.surroundings import Surroundings, surroundings_of


@dataclass(frozen=True, slots=True)
class Around:
    """What is said, whether the file is partial for it, and for each result what stands outside of what it covers."""

    messages: list[Message]
    partial: bool
    outside: tuple[str | None, ...]


def content_parts(result: CoreResult) -> tuple[str, ...]:
    """Return the names of the elements that a signature covers, without what it says of itself."""
    numbering = Numbering()
    found = [
        WHOLE if nodes.whole and not nodes.text_only else _element_part(apex, numbering, text_only=nodes.text_only)
        for nodes in result.covered
        for apex in nodes.apexes
        if not is_own(apex, result.signature)
    ]
    return tuple(dict.fromkeys(found))


def all_parts(result: CoreResult) -> tuple[str, ...]:
    """Return what `content_parts` does, and the files beside the document that a signature covers."""
    return (*content_parts(result), *sorted(file_part(place.name) for place in result.finding.matched))


def told_around(
    root: etree._Element, results: Collection[CoreResult], signatures: Collection[etree._Element]
) -> Around:
    """Return what is said of all that no signature covers, and what one signature covers and another does not."""
    passed = [one for one in results if one.finding.outcome is Indication.TOTAL_PASSED]
    if not passed:
        return Around([], partial=False, outside=tuple(None for _ in results))  # what broken ones cover is moot
    everything = _around(root, passed, signatures, ())
    parts_of = {id(one): frozenset(all_parts(one)) for one in passed}
    groups: dict[frozenset[str], list[CoreResult]] = {}
    for one in passed:
        groups.setdefault(parts_of[id(one)], []).append(one)
    each = dict.fromkeys(groups, everything)
    if len(groups) > 1:
        shared = [nodes for one in passed for nodes in one.covered if _is_of_signature(nodes)]
        each = {parts: _around(root, members, signatures, shared) for parts, members in groups.items()}
    messages = [said for parts, found in each.items() for said in _said(found, groups[parts])]
    stray = {parts: _first(found) for parts, found in each.items()}
    return Around(
        list(dict.fromkeys(messages)),
        partial=_first(everything) is not None,
        outside=tuple(
            stray[parts_of[id(one)]] if one.finding.outcome is Indication.TOTAL_PASSED else None for one in results
        ),
    )


def _around(
    root: etree._Element, members: Iterable[CoreResult], signatures: Iterable[etree._Element], shared: Iterable[Nodes]
) -> Surroundings:
    parts = [*(nodes for one in members for nodes in one.covered), *shared]
    covered = {apex: None for nodes in parts if not nodes.text_only for apex in nodes.apexes}
    texts = {apex: nodes.media_type for nodes in parts if nodes.text_only for apex in nodes.apexes}
    return surroundings_of(root, covered, signatures, texts=texts, whole=any(nodes.whole for nodes in parts))


def _said(found: Surroundings, members: Iterable[CoreResult]) -> list[Message]:
    covered = {apex: None for one in members for nodes in one.covered if not nodes.text_only for apex in nodes.apexes}
    messages = []
    if found.stray is not None:
        messages.append(outside(found.stray, covered))
    elif found.enclosing is not None:
        messages.append(enclosed(found.enclosing, covered))
    if found.encoded is not None:
        messages.append(encoded(found.encoded))
    if found.instruction is not None:
        messages.append(instruction(found.instruction))
    if found.comment is not None:
        messages.append(COMMENT_OUTSIDE)
    if found.claim is not None:
        messages.append(claim(found.claim))
    return messages


def _first(found: Surroundings) -> str | None:
    """Return the place of what makes a file partial."""
    if found.stray is not None:
        return element_path(found.stray)
    return None if found.instruction is None else f"<?{str(getattr(found.instruction, 'target', ''))[:200]}?>"


def _element_part(element: etree._Element, numbering: Numbering, *, text_only: bool) -> str:
    # Two slashes stand behind a signature that it is inside of: signatures are left out of what is around them
    # (enveloped transform, filters), so that nothing in one is covered by covering that.
    path = numbering.path(element)
    holder = next(element.iterancestors(ds("Signature")), None)
    if holder is not None:
        above = numbering.path(holder)
        path = f"{above}/{path[len(above) :]}"
    return f"{path}/text()" if text_only else path


def _is_of_signature(nodes: Nodes) -> bool:
    """Say whether nodes are the signed properties of a signature, at the place that they have there."""
    return bool(nodes.apexes) and all(map(is_properties, nodes.apexes))
