"""Verifying every signature of an XML document that is no envelope of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lxml import etree

from edocx._xml import MAX_BYTES, declared_encoding, parse
from edocx.content import Blob
from edocx.errors import Text
from edocx.signing.budget import Budget
from edocx.signing.judgement import Criteria, in_file, judge
from edocx.signing.messages import TOO_MANY
from edocx.signing.report import Indication, Message, Report
from edocx.signing.xml.core import CoreResult, examine_any
from edocx.signing.xml.names import ds
from edocx.signing.xml.qualifying import NAMESPACES
from edocx.signing.xml.source import Sources

MAX_SIGNATURES = 50
"""In one document; each may canonicalise all of it."""


def verify_xml(path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only") -> Report:
    """Judge every signature of an XML document, enveloped, enveloping or detached; raise `InputError` if unreadable.

    A part of the document that no signature covers makes the whole file partial: that is where signature wrapping
    puts what it wants believed.
    """
    data = Blob.from_path(path).read(MAX_BYTES)
    root = parse(_transcoded(data))
    budget = Budget.for_size(len(data))
    found = list(_signatures(root))
    sources = Sources(criteria.detached)
    results = [
        examine_any(
            one,
            sources=sources,
            keys=criteria.keys,
            budget=budget,
            name=_name(one, order),
            keep=criteria.witness is not None,
        )
        for order, one in enumerate(found[:MAX_SIGNATURES], 1)
    ]
    messages = [TOO_MANY] if len(found) > MAX_SIGNATURES else []
    stray = _uncovered(root, results, found)
    if stray is not None:
        messages.append(_outside(stray))
    uncovered = bool(messages)
    messages += _split_texts(results)
    return Report.of(
        file=name or str(path),
        format="xml",
        policy=policy,
        signatures=[judge(in_file(result.finding, name or str(path)), criteria) for result in results],
        messages=messages,
        uncovered=uncovered,
    )


def _transcoded(data: bytes) -> bytes:
    # One byte a character: no sequence can be malformed or overlong, so nothing is read differently by anybody.
    declared = declared_encoding(data[:200])
    if declared is None or not _SINGLE_BYTE.fullmatch(declared):
        return data
    return re.sub(rb"""\sencoding\s*=\s*(["'])[^"']*\1""", b"", data, count=1).decode(declared).encode()


_SINGLE_BYTE = re.compile(r"iso-8859-\d{1,2}|windows-125\d")


def _signatures(root: etree._Element) -> Iterator[etree._Element]:
    # Counter-signatures stand inside another signature's unsigned properties and speak of that signature only.
    holders = {f"{{{namespace}}}UnsignedProperties" for namespace in NAMESPACES}
    for signature in root.iter(ds("Signature")):
        if not any(ancestor.tag in holders for ancestor in signature.iterancestors()):
            yield signature


def _name(signature: etree._Element, order: int) -> str:
    return signature.get("Id") or f"Signature-{order}"


def _uncovered(
    root: etree._Element, results: Iterable[CoreResult], signatures: Iterable[etree._Element]
) -> etree._Element | None:
    """Return the first element with content of its own that no signature covers, None when there is none."""
    passed = [result for result in results if result.finding.outcome is Indication.TOTAL_PASSED]
    if not passed:
        return None
    covered = {apex for result in passed for nodes in result.covered for apex in nodes.apexes}
    return _first_stray(root, covered, set(signatures))


def _first_stray(
    root: etree._Element, covered: set[etree._Element], signatures: set[etree._Element]
) -> etree._Element | None:
    # A signature within what it signs is left out of it (the enveloped transform): its content is looked at by itself.
    waiting = [root, *signatures]
    while waiting:
        element = waiting.pop()
        if element in covered or not isinstance(element.tag, str):
            continue
        if element in signatures:
            # In a signature, Objects hold content; KeyInfo and the like are looked at by core validation.
            if (foreign := _foreign_in(element)) is not None:
                return foreign
            waiting += [child for child in element.findall(ds("Object")) if not _is_properties(child)]
            continue
        if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            return element
        if not len(element) and element.tag != ds("Object"):
            return element
        waiting += list(element)
    return None


_IN_SIGNATURE = frozenset({ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"), ds("Object")})
_OF_SIGNATURE = frozenset({"Id", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"})


def _foreign_in(signature: etree._Element) -> etree._Element | None:
    """Return what stands in a signature, or the signature that says something, beside what XMLDSig puts there."""
    if not set(signature.attrib) <= _OF_SIGNATURE or _says_something(signature):
        return signature
    return next((one for one in signature.iterchildren("*") if one.tag not in _IN_SIGNATURE), None)


def _says_something(element: etree._Element) -> bool:
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _is_properties(holder: etree._Element) -> bool:
    inside = [child for child in holder if isinstance(child.tag, str)]
    return (
        len(inside) > 0
        and not _says_something(holder)
        and all(
            child.tag == ds("KeyInfo") or str(child.tag).startswith(tuple(f"{{{ns}}}" for ns in NAMESPACES))
            for child in inside
        )
    )


def _split_texts(results: Iterable[CoreResult]) -> list[Message]:
    """Return a warning for the first comment within a signed text, which canonicalisation leaves out.

    Anybody may put one there; a program that reads a text up to the comment reads another one than was signed.
    """
    for result in results:
        if result.finding.outcome is not Indication.TOTAL_PASSED:
            continue
        for comment in (one for nodes in result.covered for apex in nodes.apexes for one in apex.iter(etree.Comment)):
            before, above = comment.getprevious(), comment.getparent()
            text = above.text if before is None and above is not None else before.tail if before is not None else ""
            if above is not None and ((text or "").strip() or (comment.tail or "").strip()):
                return [_split(above)]
    return []


def _split(element: etree._Element) -> Message:
    return Message.of(
        "EDX-XML-COMMENT",
        "warning",
        Text(
            "Chú thích XML nằm giữa phần chữ đã ký, ai cũng có thể chèn vào: phần mềm khác có thể đọc ra giá trị khác. "
            "So lại giá trị này với bên gửi.",
            "An XML comment stands within a signed text, and anybody may put one there: other programs may read "
            "another value. Compare it with the sender.",
        ),
        where=element.getroottree().getpath(element),
    )


def _outside(element: etree._Element) -> Message:
    place = element.getroottree().getpath(element)
    return Message.of(
        "EDX-PARTIAL-COVERAGE",
        "warning",
        Text(
            "Một phần của tệp không được chữ ký nào bao trùm; chỉ tin phần đã ký.",
            "Part of the file is covered by no signature; rely on the signed part only.",
        ),
        where=place,
    )
