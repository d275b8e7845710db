"""What a seal must reference: the parts of the profile as they stand in this envelope, each with its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.envelope import names as n
from edocx.envelope.read import Reading
from edocx.errors import XmlError
from edocx.signing.judgement import Finding
from edocx.signing.report import Indication, Integrity, Message, SubIndication
from edocx.signing.xml.names import BASE64_TRANSFORM
from edocx.signing.xml.verify import ExpectedPart


def expected_parts(reading: Reading, parts: Iterable[etree._Element]) -> dict[str, ExpectedPart]:
    """Return what a seal in the header must reference: its parts, canonicalised, and the bytes of every file."""
    expected = header_parts(parts)
    for place, (element, payload) in enumerate(reading.payloads.items(), 1):
        # Reading has digested each file already; it is not read again.
        digest = bytes.fromhex(payload.decoded.sha256) if payload.decoded is not None else b""
        expected[f"#{element.get(n.ID, f'file-{place}')}"] = ExpectedPart((BASE64_TRANSFORM,), digest)
    return expected


def header_parts(parts: Iterable[etree._Element]) -> dict[str, ExpectedPart]:
    """Return what a seal must reference of an envelope's header and manifest."""
    return {
        f"#{part.get(n.ID, n.local(str(part.tag)))}": ExpectedPart((EXCLUSIVE_C14N,), _digest(part)) for part in parts
    }


def with_faults(finding: Finding, faults: tuple[Message, ...]) -> Finding:
    """Return the finding, failed when there are faults of the frame."""
    if not faults:
        return finding
    return replace(
        finding,
        integrity=Integrity.INVALID,
        outcome=Indication.TOTAL_FAILED,
        failure=finding.failure or SubIndication.FORMAT_FAILURE,
        messages=(*finding.messages, *faults),
    )


def _digest(part: etree._Element) -> bytes:
    try:
        return hashlib.sha256(canonicalise(part)).digest()
    except XmlError:
        return b""  # it has no canonical form, so no digest can be right
