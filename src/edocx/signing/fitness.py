"""Whether a key may be used, before it is: validity, purpose, chain, revocation, whose it is (NĐ 23/2025, TT 15/2025).

Everything here is asked of the certificate alone, so that a refusal comes before anybody types a PIN.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from asn1crypto import x509

from edocx.errors import SigningRefused, Text, Unavailable
from edocx.signing.certificate import describe, fingerprint
from edocx.signing.evidence import Evidence, collect
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer
from edocx.signing.path import judge_path
from edocx.signing.report import Indication, Message, SubIndication
from edocx.signing.subject import kind_by_subject

Role = Literal["person", "organisation"]

_SIGNING = frozenset({"digital_signature", "non_repudiation"})

_SERVICES = frozenset({"time_stamping", "ocsp_signing"})
"""Purposes of keys that speak for a service and never for a person or an agency (RFC 3161 2.3, RFC 6960 4.2.2.2)."""


_UNCHECKED = Message.of(
    "EDX-REVOCATION-UNCHECKED",
    "warning",
    Text(
        "Chưa biết chứng thư của người ký có bị thu hồi hay không: không có CRL, không dịch vụ nào trả lời.",
        "Nobody says whether the signer's certificate was revoked: no CRL at hand, and no service that answers.",
    ),
)

_DOUBTFUL = {
    "person": Message.of(
        "EDX-SUBJECT-DOUBTFUL",
        "warning",
        Text(
            "Tên trong chứng thư giống tên một cơ quan, tổ chức, nhưng đang ký với tư cách cá nhân; "
            "không có sổ đăng ký chứng thư nên chưa xét thẩm quyền.",
            "The certificate's subject looks like an organisation's, and signs as a person; without a certificate "
            "registry nobody checked who is entitled.",
        ),
    ),
    "organisation": Message.of(
        "EDX-SUBJECT-DOUBTFUL",
        "warning",
        Text(
            "Tên trong chứng thư giống tên một cá nhân, nhưng đang đóng dấu thay cơ quan; "
            "không có sổ đăng ký chứng thư nên chưa xét thẩm quyền.",
            "The certificate's subject looks like a person's, and seals as an organisation; without a certificate "
            "registry nobody checked who is entitled.",
        ),
    ),
}


_REMEDY = Text("Dùng chứng thư còn hiệu lực của đúng người ký.", "Use a valid certificate of the right signer.")


def check_certificate(
    signer: Signer, role: Role, at: datetime, criteria: Criteria | None, evidence: Evidence | None = None
) -> tuple[Message, ...]:
    """Refuse a key that is not fit at a moment (``EDX-CERT-NOT-FIT``), before any PIN is asked; return what is open.

    It must be in force, made for signatures, and no authority's or service's own. With anchors in ``criteria`` a path
    must lead to one of them, and nothing on it may be revoked by the lists at hand or by whom ``evidence`` can reach;
    when nobody says anything that is among the messages (``EDX-REVOCATION-UNCHECKED``), and levels that need to know
    are refused later. With a registry the certificate must belong to the kind of signer named, on that day; without one
    a subject that looks like the other kind's is among the messages (``EDX-SUBJECT-DOUBTFUL``).
    """
    return require_fit(signer.certificate, signer.chain, role, at, criteria, evidence)


def require_fit(  # noqa: PLR0917 - as `check_certificate` has them
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    role: Role | None,
    at: datetime,
    criteria: Criteria | None,
    evidence: Evidence | None = None,
    remedy: Text = _REMEDY,
) -> tuple[Message, ...]:
    """Do what `check_certificate` does where no key is at hand; ``role`` is None when nobody said in which it signs.

    ``remedy`` is what the refusal advises.
    """
    try:
        return _examined(certificate, chain, role, at, criteria, evidence)
    except _Unfit as error:
        raise SigningRefused(error.text, hint=remedy, code="EDX-CERT-NOT-FIT") from error.__cause__


class _Unfit(Exception):
    """Why a certificate is not fit."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def _examined(  # noqa: PLR0917 - one caller
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    role: Role | None,
    at: datetime,
    criteria: Criteria | None,
    evidence: Evidence | None,
) -> tuple[Message, ...]:
    notes: tuple[Message, ...] = ()
    _require_purpose(certificate)
    if not certificate.not_valid_before <= at <= certificate.not_valid_after:
        info = describe(certificate)
        raise _Unfit(
            Text(
                f"Chứng thư chỉ có hiệu lực từ {info.not_before:%d/%m/%Y} đến {info.not_after:%d/%m/%Y}.",
                f"The certificate is valid from {info.not_before:%Y-%m-%d} to {info.not_after:%Y-%m-%d} only.",
            ),
        )
    if criteria is not None and criteria.trust.anchors:
        verdict = judge_path(certificate, trust=criteria.trust, at=at, extra=chain)
        if verdict.sub_indication is SubIndication.TRY_LATER:
            notes = () if _asked(certificate, chain, evidence, at) else (_UNCHECKED,)
        elif verdict.indication is not Indication.TOTAL_PASSED:
            reasons = verdict.messages
            raise _Unfit(Text(" ".join(m.vi for m in reasons), " ".join(m.en for m in reasons)))
    if criteria is not None and criteria.registry is not None:
        entry = criteria.registry.lookup(fingerprint(certificate), at)
        if entry is None or role not in {entry.kind.value, None}:
            raise _Unfit(
                Text(
                    "Theo sổ đăng ký, chứng thư này không thuộc loại người ký đã nêu.",
                    "By the registry this certificate does not belong to the kind of signer named.",
                )
            )
    elif role is not None and kind_by_subject(certificate) not in {role, None}:
        notes += (_DOUBTFUL[role],)
    return notes


def _require_purpose(certificate: x509.Certificate) -> None:
    usage, purposes = certificate.key_usage_value, certificate.extended_key_usage_value
    may_sign = usage is None or _SIGNING & usage.native
    of_service = purposes is not None and set(purposes.native) <= _SERVICES
    if certificate.ca or of_service or not may_sign:
        raise _Unfit(
            Text(
                "Chứng thư này không dùng để ký văn bản (của CA, của dịch vụ, hoặc không có mục đích ký).",
                "The certificate is not for signing documents (an authority's, a service's, or without that purpose).",
            )
        )


def _asked(
    certificate: x509.Certificate, chain: tuple[x509.Certificate, ...], evidence: Evidence | None, at: datetime
) -> bool:
    """Ask whoever can be reached; tell whether somebody knew, and refuse a certificate that was revoked."""
    if evidence is None or evidence.source is None:
        return False
    try:
        collect(certificate, chain, evidence, at)
    except Unavailable:
        return False
    except SigningRefused as error:
        raise _Unfit(
            Text(
                "Chứng thư đã bị thu hồi, hoặc không có đường dẫn hợp lệ đến gốc được tin cậy.",
                "The certificate was revoked, or has no valid path to a trusted root.",
            )
        ) from error
    return True
