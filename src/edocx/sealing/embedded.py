"""Certificates that came along with a seal: nobody signed them, so a damaged one fails nothing, but it is named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate

from edocx.sealing.frame import message
from edocx.signing.certificate import der_of, describe
from edocx.signing.judgement import Criteria, Finding
from edocx.signing.report import Indication, Message, SignatureReport


def with_damage_named(report: SignatureReport, finding: Finding, criteria: Criteria) -> SignatureReport:
    """Return the verdict with a warning for each certificate in KeyInfo that its issuer did not sign as it is."""
    if report.indication is not Indication.TOTAL_PASSED or not finding.embedded:
        return report
    found = tuple(_damaged(finding, criteria))
    return report.model_copy(update={"messages": (*report.messages, *found)}) if found else report


def _damaged(finding: Finding, criteria: Criteria) -> Iterator[Message]:
    trusted = (*criteria.trust.anchors, *criteria.trust.intermediates)
    known = {der_of(one) for one in trusted}
    for one in finding.embedded:
        if der_of(one) not in known and not _is_whole(one, (*finding.embedded, *trusted)):
            yield message(
                "EDX-CERT-DAMAGED",
                describe(one).subject[:200],
                "Một chứng thư đi kèm con dấu bị hỏng hoặc không rõ nơi cấp; con dấu vẫn đúng mà không cần đến nó.",
                "A certificate that came with the seal is damaged or of an unknown issuer; the seal holds without it.",
                severity="warning",
            )


def _is_whole(certificate: x509.Certificate, others: tuple[x509.Certificate, ...]) -> bool:
    issuer = certificate.issuer.dump()
    return any(_made(der_of(certificate), der_of(one)) for one in others if one.subject.dump() == issuer)


@lru_cache(maxsize=256)
def _made(der: bytes, issuer: bytes) -> bool:
    """Whether the one certificate was signed with the key of the other."""
    try:
        load_der_x509_certificate(der).verify_directly_issued_by(load_der_x509_certificate(issuer))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
