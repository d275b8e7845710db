"""What a long-lived signature carries with it: certificates, revocation lists and OCSP answers (EN 319 142-1 5.5).

Collected while the services still answer, because an agency's certificate is revoked when it merges (NĐ 68/2024
Điều 17), and then only what is in the file can show that it was good when it signed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext, errors
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

from edocx.errors import SigningRefused, Text, Unavailable
from edocx.signing.certificate import fingerprint
from edocx.signing.coroutine import run_to_end
from edocx.signing.path import WEAK_HASHES
from edocx.signing.revocation import revoked_on
from edocx.signing.trust import TrustStore

_FAULTS = (ValueError, TypeError, KeyError, OverflowError)


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """What a source says about one certificate: lists, OCSP answers, or both."""

    revocation_lists: tuple[crl.CertificateList, ...] = ()
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = ()


class RevocationSource(Protocol):
    """Asks whoever knows whether a certificate is revoked: a responder, a folder, a cache."""

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationAnswer:
        """Return what is known, nothing if nothing is; raise `Unavailable` when it cannot be asked."""
        ...


@runtime_checkable
class IssuerSource(Protocol):
    """Fetches certificates that a path lacks."""

    def issuers(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Return the certificates above one, as far as they can be had; none is trusted for being there."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """The material at hand (anchors, intermediates, lists, answers), and a source to ask for what is missing."""

    trust: TrustStore
    source: RevocationSource | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes into a file: the certificates of the paths with their anchors, lists, and OCSP answers.

    An anchor in a file is trusted by nobody for being there, but a verifier who trusts it needs it to find who signed
    a list, when all else is gone.
    """

    certificates: tuple[x509.Certificate, ...] = field(default=())
    revocation_lists: tuple[crl.CertificateList, ...] = field(default=())
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = field(default=())

    def __or__(self, other: Collected) -> Collected:
        """Join two collections, each piece once."""
        return Collected(
            tuple({fingerprint(c): c for c in (*self.certificates, *other.certificates)}.values()),
            tuple({one.dump(): one for one in (*self.revocation_lists, *other.revocation_lists)}.values()),
            tuple({one.dump(): one for one in (*self.ocsp_responses, *other.ocsp_responses)}.values()),
        )


def collect(
    certificate: x509.Certificate, embedded: Iterable[x509.Certificate], evidence: Evidence, at: datetime
) -> Collected:
    """Find a path for ``certificate`` at the moment ``at`` and the revocation material for all of it.

    Raises `SigningRefused` (``EDX-EVIDENCE-PATH``) when no path leads to an anchor or a certificate on it is bad, and
    `Unavailable` (``EDX-EVIDENCE-MISSING``) when nobody can say whether one is revoked.
    """
    others = tuple(embedded)
    held = RevocationAnswer(evidence.trust.revocation_lists, evidence.trust.ocsp_responses)
    try:
        path = _validate(certificate, others, evidence.trust, held, at, required=True)
    except errors.InsufficientRevinfoError as error:
        if evidence.source is None:
            raise _missing() from error
        held = _ask(certificate, others, evidence, held, at)
        try:
            path = _validate(certificate, others, evidence.trust, held, at, required=True)
        except errors.InsufficientRevinfoError as again:
            raise _missing() from again
    known = replace(evidence.trust, revocation_lists=held.revocation_lists, ocsp_responses=held.ocsp_responses)
    if revoked_on(_certificates(path), known, others, at) is not None:
        raise _no_path()
    return _relevant(path, held)


def _ask(
    certificate: x509.Certificate,
    others: tuple[x509.Certificate, ...],
    evidence: Evidence,
    held: RevocationAnswer,
    at: datetime,
) -> RevocationAnswer:
    assert evidence.source is not None
    path = _certificates(_validate(certificate, others, evidence.trust, held, at, required=False))
    lists, answers = list(held.revocation_lists), list(held.ocsp_responses)
    for issuer, subject in itertools.pairwise(path):
        said = evidence.source.about(subject, issuer)
        lists += said.revocation_lists
        answers += said.ocsp_responses
    return RevocationAnswer(tuple(lists), tuple(answers))


def _validate(
    certificate: x509.Certificate,
    others: tuple[x509.Certificate, ...],
    trust: TrustStore,
    held: RevocationAnswer,
    at: datetime,
    *,
    required: bool,
) -> ValidationPath:
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED if required else RevocationCheckingRule.NO_CHECK
    context = ValidationContext(
        trust_roots=list(trust.anchors),
        other_certs=[*trust.intermediates, *others],
        moment=at,
        allow_fetching=False,
        crls=list(held.revocation_lists),
        ocsps=list(held.ocsp_responses),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule)),
        weak_hash_algos=WEAK_HASHES,
    )
    validator = CertificateValidator(certificate, intermediate_certs=list(others), validation_context=context)
    try:
        return run_to_end(validator.async_validate_path())
    except errors.InsufficientRevinfoError:
        raise
    except (errors.PathError, errors.ValidationError, *_FAULTS) as error:
        raise _no_path() from error


def _certificates(path: ValidationPath) -> list[x509.Certificate]:
    return [one for one in path if isinstance(one, x509.Certificate)]


def _relevant(path: ValidationPath, held: RevocationAnswer) -> Collected:
    certificates = _certificates(path)
    issuers = {one.subject.dump() for one in certificates}
    serials = {one.serial_number for one in certificates}
    answers = [one for one in held.ocsp_responses if _about(one) & serials]
    lists = [one for one in held.revocation_lists if one.issuer.dump() in issuers]
    return Collected(tuple(certificates), tuple(lists), tuple(answers))


def _about(response: ocsp.OCSPResponse) -> set[int]:
    data = response.response_data
    return {one["cert_id"]["serial_number"].native for one in data["responses"]} if data is not None else set()


def _no_path() -> SigningRefused:
    return SigningRefused(
        Text(
            "Chứng thư không có đường dẫn hợp lệ đến gốc được tin cậy.",
            "The certificate has no valid path to a trusted root.",
        ),
        hint=Text(
            "Đưa thêm gốc và chứng thư trung gian bằng --trust; kiểm tra chứng thư còn hiệu lực.",
            "Give roots and intermediates with --trust; check that the certificate is still valid.",
        ),
        code="EDX-EVIDENCE-PATH",
    )


def _missing() -> Unavailable:
    return Unavailable(
        Text(
            "Thiếu CRL hoặc OCSP để chứng minh chứng thư chưa bị thu hồi.",
            "No CRL or OCSP answer shows that the certificates were not revoked.",
        ),
        hint=Text(
            "Đưa CRL bằng --trust hoặc --evidence, hoặc thử lại khi dịch vụ trả lời.",
            "Give CRLs with --trust or --evidence, or try again when the services answer.",
        ),
        code="EDX-EVIDENCE-MISSING",
        retryable=True,
    )
