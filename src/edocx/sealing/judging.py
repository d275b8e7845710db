"""Judging the seal of an envelope that was read: inside the header, or detached in an attachment.

1. Frame: the envelope has the shape that a seal speaks of (`edocx.sealing.frame`).
2. Signature: exactly the parts of the profile, each at its absolute place (`edocx.signing.xml.verify`).
3. What stands outside the seal is named; only the trace may.
4. Without a seal in the header, the detached one counts (`edocx.sealing.statement`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lxml import etree

from edocx.envelope import names as n
from edocx.envelope.read import Reading
from edocx.errors import Text
from edocx.sealing import parts as p
from edocx.sealing import statement
from edocx.sealing.embedded import with_damage_named
from edocx.sealing.expectation import expected_parts, with_faults
from edocx.sealing.frame import check_frame, message
from edocx.sealing.sealed import sealed_content
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.xml.verify import examine

MAX_SEALS = 5
"""Judged one by one; more than one fails anyway, a million would cost hours."""


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """The verdict on an envelope's seal: one signature, none, or several of which no one counts.

    ``uncovered`` says that part of the envelope stands outside the seal.
    """

    signatures: tuple[SignatureReport, ...]
    messages: tuple[Message, ...]
    uncovered: bool


def judge_seal(reading: Reading, criteria: Criteria) -> SealVerdict:
    """Judge the seal of an open envelope, without its attachments' own signatures; a bad seal raises nothing."""
    seals = reading.skeleton.findall(p.SEAL)
    dummy = (_DUMMY,) if reading.skeleton.find(f"{p.HEADER}/{n.tag(n.SIGNATURE)}") is not None else ()
    if not seals:
        detached = statement.find(reading)
        if not detached and _has_remains(reading):
            return SealVerdict((judge(_REMAINS, criteria),), dummy, uncovered=False)
        if not detached:
            return SealVerdict((), (*dummy, _NO_SEAL), uncovered=False)
        found = statement.examine_statement(reading, detached, keep=criteria.witness is not None)
        return SealVerdict((_judged(found.finding, criteria),), (*dummy, *found.messages), uncovered=found.uncovered)
    frame = check_frame(reading)
    faults = (*frame.faults, _SEVERAL) if len(seals) > 1 else frame.faults
    expected = expected_parts(reading, frame.parts)
    findings = [with_faults(examine(seal, expected), faults) for seal in seals[:MAX_SEALS]]
    if criteria.witness is not None and any(one.outcome is Indication.TOTAL_PASSED for one in findings):
        content = sealed_content(frame.parts, reading.envelope.attachments)
        findings = [replace(one, content=content) for one in findings]
    signatures = tuple(_judged(finding, criteria) for finding in findings)
    return SealVerdict(signatures, (*dummy, *frame.outside), uncovered=bool(frame.outside))


def _judged(finding: Finding, criteria: Criteria) -> SignatureReport:
    return with_damage_named(judge(finding, criteria), finding, criteria)


def _has_remains(reading: Reading) -> bool:
    """Whether parts of a signature stand where none is found: a seal that was bent must not count as none.

    The dummy in an envelope's own namespace is none (spec §2.5), nor is anything inside an attachment.
    """
    parts = (etree.QName(element) for element in reading.skeleton.iter("{*}SignedInfo", "{*}SignatureValue"))
    return any(name.namespace not in n.ENVELOPES for name in parts)


def report_seal(reading: Reading, criteria: Criteria, *, name: str, policy: str = "signatures-only") -> Report:
    """Return the verdict on the seal alone as the report of a file; see `judge_seal`."""
    verdict = judge_seal(reading, criteria)
    return Report.of(
        file=name,
        format="edxml",
        policy=policy,
        signatures=verdict.signatures,
        messages=verdict.messages,
        uncovered=verdict.uncovered,
    )


_REMAINS = Finding(
    id=p.SEAL_ID,
    format="XAdES",
    integrity=Integrity.INVALID,
    covers="elements",
    algorithm="unknown",
    outcome=Indication.TOTAL_FAILED,
    failure=SubIndication.FORMAT_FAILURE,
    messages=(
        message(
            "EDX-SEAL-BENT",
            None,
            "Con dấu của phong bì bị sửa hoặc đặt sai chỗ nên không còn đọc được; yêu cầu bên gửi gửi lại.",
            "The envelope's seal was bent or stands in the wrong place and cannot be read; ask for the envelope again.",
        ),
    ),
)
_SEVERAL = message("EDX-SEAL-SEVERAL", None, "Phong bì mang nhiều con dấu.", "The envelope carries several seals.")
_NO_SEAL = message(
    "EDX-SEAL-ABSENT",
    None,
    "Phong bì không có con dấu: không ai bảo đảm nơi gửi, nơi nhận và trích yếu.",
    "The envelope has no seal: nobody vouches for sender, recipients and subject.",
    severity="warning",
)
_DUMMY = Message.of(
    "EDX-SIGNATURE-DUMMY",
    "info",
    Text(
        "Phong bì có khối Signature theo không gian tên QCVN; khối này không chứng minh điều gì.",
        "The envelope has a Signature block in the QCVN namespace; it proves nothing.",
    ),
)
