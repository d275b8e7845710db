"""Verifying every signature of an XML document that is no envelope of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lxml import etree

from edocx._xml import MAX_BYTES, declared_encoding, parse
from edocx.content import Blob
from edocx.signing.budget import Budget
from edocx.signing.judgement import Criteria, in_file, judge, matched_by
from edocx.signing.messages import TOO_MANY
from edocx.signing.report import Indication, Message, Report
from edocx.signing.xml.comments import split, split_text
from edocx.signing.xml.core import CoreResult, examine_any
from edocx.signing.xml.coverage import all_parts, told_around
from edocx.signing.xml.names import ds
from edocx.signing.xml.qualifying import NAMESPACES
from edocx.signing.xml.source import Sources

MAX_SIGNATURES = 50
"""In one document; each may canonicalise all of it."""


def verify_xml(path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only") -> Report:
    """Judge every signature of an XML document, enveloped, enveloping or detached; raise `InputError` if unreadable.

    A part of the document that no signature covers makes the whole file partial: that is where signature wrapping
    puts what it wants believed. Only the bare root around signed parts is no more than told.
    """
    data = Blob.from_path(path).read(MAX_BYTES)
    root = parse(_transcoded(data))
    budget = Budget.for_size(len(data))
    found = list(signatures_in(root))
    results = [
        examine_any(
            one,
            sources=Sources(criteria.detached),
            keys=criteria.keys,
            budget=budget,
            name=_name(one, order),
            keep=criteria.witness is not None,
        )
        for order, one in enumerate(found[:MAX_SIGNATURES], 1)
    ]
    messages = [TOO_MANY] if len(found) > MAX_SIGNATURES else []
    around = told_around(root, results, found)
    messages += [*around.messages, *split_texts(results)]
    findings = [
        replace(one.finding, parts=all_parts(one), outside=beside)
        for one, beside in zip(results, around.outside, strict=True)
    ]
    return Report.of(
        file=name or str(path),
        format="xml",
        policy=policy,
        signatures=[judge(in_file(one, name or str(path)), criteria) for one in findings],
        messages=messages,
        uncovered=around.partial or len(found) > MAX_SIGNATURES,
        matched=matched_by(findings),
    )


def _transcoded(data: bytes) -> bytes:
    # One byte a character: no sequence can be malformed or overlong, so nothing is read differently by anybody.
    declared = declared_encoding(data[:200])
    if declared is None or not _SINGLE_BYTE.fullmatch(declared):
        return data
    return re.sub(rb"""\sencoding\s*=\s*(["'])[^"']*\1""", b"", data, count=1).decode(declared).encode()


_SINGLE_BYTE = re.compile(r"iso-8859-\d{1,2}|windows-125\d")


def signatures_in(root: etree._Element) -> Iterator[etree._Element]:
    """Yield the signatures of a document, without those that speak of another signature only."""
    # Counter-signatures stand inside another signature's unsigned properties and speak of that signature only.
    holders = {f"{{{namespace}}}UnsignedProperties" for namespace in NAMESPACES}
    for signature in root.iter(ds("Signature")):
        if not any(ancestor.tag in holders for ancestor in signature.iterancestors()):
            yield signature


def _name(signature: etree._Element, order: int) -> str:
    return signature.get("Id") or f"Signature-{order}"


def split_texts(results: Iterable[CoreResult]) -> list[Message]:
    """Return a warning for the first comment within a signed text of the document, which canonicalisation leaves out.

    Of texts in other files, and in what was decoded, each finding says so itself.
    """
    passed = [one for one in results if one.finding.outcome is Indication.TOTAL_PASSED]
    found = split_text(apex for one in passed for nodes in one.covered for apex in nodes.apexes)
    return [] if found is None else [split(found)]
