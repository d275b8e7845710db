"""What all signature formats share: joining integrity, algorithm and path into one verdict.

The steps are those of EN 319 102-1 5.2 and 5.3 for a signature without proof of existence:

1. format (5.2.2) and signing certificate (5.2.3): done by the format's own verifier, which makes a `Finding`;
2. cryptographic verification (5.2.7): likewise;
3. certificate path at the time of validation (5.2.6): here, only when integrity holds;
4. algorithm constraints (5.2.8): here;
5. who signed: from the registry, never from the name in the certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from asn1crypto import x509

from edocx.errors import SigningRefused, Text
from edocx.signing.algorithms import algorithm_for
from edocx.signing.certificate import describe, fingerprint, public_key
from edocx.signing.path import judge_path
from edocx.signing.report import Indication, Integrity, Message, SignatureReport, SubIndication
from edocx.signing.trust import TrustStore
from edocx.units.registry import CertificateRegistry


@dataclass(frozen=True, slots=True)
class Criteria:
    """Against what signatures are judged: anchors, time, and the registry if there is one."""

    trust: TrustStore
    at: datetime
    registry: CertificateRegistry | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a format's verifier found out before trust comes in.

    ``failure`` is the sub-indication when integrity does not hold; ``outcome`` its indication.
    """

    id: str
    format: Literal["PAdES", "XAdES", "CAdES", "XMLDSig", "CMS"]
    integrity: Integrity
    covers: Literal["whole-document", "earlier-revision", "elements", "attachment"]
    algorithm: str
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] | None = None
    certificate: x509.Certificate | None = None
    embedded: tuple[x509.Certificate, ...] = ()
    claimed_time: datetime | None = None
    outcome: Indication = Indication.TOTAL_PASSED
    failure: SubIndication | None = None
    weak: bool = False
    messages: tuple[Message, ...] = field(default=())


def judge(finding: Finding, criteria: Criteria) -> SignatureReport:
    """Turn a finding into the verdict on one signature."""
    indication, sub = finding.outcome, finding.failure
    messages = list(finding.messages)
    kind: Literal["person", "organisation", "device", "unknown"] = "unknown"
    unit = None
    if indication is Indication.TOTAL_PASSED and finding.certificate is not None:
        indication, sub, more = _judge_trust(finding, finding.certificate, criteria)
        messages += more
    if finding.certificate is not None and criteria.registry is not None:
        entry = criteria.registry.lookup(fingerprint(finding.certificate), finding.claimed_time or criteria.at)
        if entry is None:
            messages.append(_UNREGISTERED)
        else:
            kind, unit = entry.kind.value, str(entry.unit)
    if finding.claimed_time is not None:
        messages.append(_CLAIMED)
    return SignatureReport(
        id=finding.id,
        kind=kind,
        unit=unit,
        indication=indication,
        sub_indication=sub,
        integrity=finding.integrity,
        format=finding.format,
        level=finding.level,
        signing_time=finding.claimed_time,
        time_source="claimed" if finding.claimed_time is not None else "none",
        algorithm=finding.algorithm,
        covers=finding.covers,
        certificate=describe(finding.certificate) if finding.certificate is not None else None,
        messages=tuple(messages),
    )


def _judge_trust(
    finding: Finding, certificate: x509.Certificate, criteria: Criteria
) -> tuple[Indication, SubIndication | None, Iterable[Message]]:
    verdict = judge_path(certificate, trust=criteria.trust, at=criteria.at, extra=finding.embedded)
    if verdict.indication is not Indication.TOTAL_PASSED:
        return verdict.indication, verdict.sub_indication, verdict.messages
    if not _may_sign(certificate):
        return Indication.INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE, (_KEY_USAGE,)
    if finding.weak or _weak_key(certificate):
        return Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, (_WEAK,)
    return Indication.TOTAL_PASSED, None, ()


def _may_sign(certificate: x509.Certificate) -> bool:
    usage = certificate.key_usage_value
    return usage is None or bool({"digital_signature", "non_repudiation"} & usage.native)


def _weak_key(certificate: x509.Certificate) -> bool:
    try:
        algorithm_for(public_key(certificate))
    except SigningRefused:
        return True
    return False


_UNREGISTERED = Message.of(
    "EDX-CERT-UNREGISTERED",
    "warning",
    Text(
        "Sổ đăng ký không có chứng thư này: không biết người hay cơ quan nào ký.",
        "The registry does not know this certificate: nobody can say who signed.",
    ),
)
_CLAIMED = Message.of(
    "EDX-TIME-CLAIMED",
    "info",
    Text(
        "Thời gian ký do người ký tự khai, chưa có dấu thời gian xác nhận.",
        "The signing time is the signer's own claim; no timestamp confirms it.",
    ),
)
_KEY_USAGE = Message.of(
    "EDX-CERT-USAGE",
    "error",
    Text("Chứng thư này không được cấp để ký.", "This certificate was not issued for signing."),
)
_WEAK = Message.of(
    "EDX-ALGORITHM-WEAK",
    "error",
    Text(
        "Thuật toán hoặc độ dài khóa không còn được chấp nhận (TT 15/2025).",
        "The algorithm or key length is no longer accepted (TT 15/2025).",
    ),
)
