"""Certification paths at a given time, without network (RFC 5280 through pyhanko-certvalidator)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asn1crypto import crl, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext, errors
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from edocx.errors import Text
from edocx.signing.certificate import fingerprint
from edocx.signing.coroutine import run_to_end
from edocx.signing.relevance import relevant_to
from edocx.signing.report import Indication, Message, SubIndication
from edocx.signing.trust import TrustStore

WEAK_HASHES = frozenset({"md2", "md5"})
"""Never accepted in certificates of a path; anchors are trusted by fingerprint, not by hash."""

WEAK_SINCE = (("sha1", datetime(2017, 1, 1, tzinfo=UTC)),)
"""Accepted in certificates of a path before the date only (TT 15/2025: not on the list; `edocx.signing.strength`)."""


# The validator logs each failed path with the names in it; names of persons stay out of logs.
logging.getLogger("pyhanko_certvalidator").propagate = False
logging.getLogger("pyhanko_certvalidator").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """What the chain says of a certificate at a time; ``indication`` is TOTAL_PASSED when it holds."""

    indication: Indication
    sub_indication: SubIndication | None
    messages: tuple[Message, ...]
    anchor: str | None = None
    """SHA-256 of the anchor's certificate, lower-case hex, when the path holds."""


def judge_path(
    certificate: x509.Certificate,
    *,
    trust: TrustStore,
    at: datetime,
    extra: Iterable[x509.Certificate] = (),
    parameters: PKIXValidationParams | None = None,
) -> PathVerdict:
    """Judge a certificate at a time against anchors, with the revocation lists and OCSP answers at hand.

    ``extra`` holds certificates that came with the signature: they may complete a path, never anchor it. Evidence
    published after ``at`` counts too: what it does not call revoked was not revoked before. Without evidence for a
    certificate of the path the verdict is INDETERMINATE, as TT 15/2025 PL II wants a warning.
    """
    if not trust.anchors:
        return _no_chain()
    extra = tuple(extra)
    policy = CertRevTrustPolicy(
        RevocationCheckingPolicy(
            ee_certificate_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
            intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
        ),
        retroactive_revinfo=True,
    )
    try:
        path = _find_path(certificate, trust, at, extra, policy=policy, parameters=parameters)
        _require_on_no_list(path, trust, at, extra)
    except (errors.PathError, errors.ValidationError) as failure:
        return _from_failure(failure)
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError):
        return _verdict(
            Indication.INDETERMINATE,
            SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
            "EDX-CERT-MALFORMED",
            Text(
                "Chứng thư hoặc CRL trong đường dẫn bị hỏng; lấy lại từ tổ chức cấp.",
                "A certificate or CRL on the path is malformed; fetch it again from its authority.",
            ),
        )
    anchor = path.trust_anchor.authority
    root = getattr(anchor, "certificate", None)
    return PathVerdict(Indication.TOTAL_PASSED, None, (), fingerprint(root) if root is not None else None)


def _require_on_no_list(
    path: ValidationPath, trust: TrustStore, at: datetime, extra: tuple[x509.Certificate, ...]
) -> None:
    """Raise `errors.RevokedError` for a certificate of a path that some revocation list calls revoked.

    The validator is content with the first answer that says "good". Anybody may put an older one, which still runs,
    beside a signature: it must not outweigh the list of the one who verifies. Revoked by any evidence is revoked.
    """
    if not trust.ocsp_responses or not trust.revocation_lists:
        return
    above = [one for one in path if isinstance(one, x509.Certificate)]
    lists = replace(trust, ocsp_responses=())
    rule = RevocationCheckingPolicy(RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK)
    policy = CertRevTrustPolicy(rule, retroactive_revinfo=True)
    anchors = {fingerprint(one) for one in trust.anchors}
    for certificate in above:
        if fingerprint(certificate) in anchors:
            continue
        try:
            _find_path(certificate, lists, at, (*extra, *above), policy=policy, parameters=None)
        except errors.RevokedError as revoked:
            revoked.is_ee_cert = certificate is above[-1]
            raise
        except (errors.PathError, errors.ValidationError):
            continue  # no list speaks of it; that the path holds is known


def issuing_path(
    certificate: x509.Certificate, *, trust: TrustStore, at: datetime, extra: Iterable[x509.Certificate] = ()
) -> tuple[x509.Certificate, ...]:
    """Return the certificates from the anchor down to this one, revocation left out; empty when no path holds.

    For asking about revocation: only addresses in certificates that an anchor vouches for may be called.
    """
    unchecked = RevocationCheckingRule.NO_CHECK
    policy = CertRevTrustPolicy(
        RevocationCheckingPolicy(ee_certificate_rule=unchecked, intermediate_ca_cert_rule=unchecked)
    )
    try:
        path = _find_path(certificate, trust, at, tuple(extra), policy=policy, parameters=None)
        return tuple(one for one in path if isinstance(one, x509.Certificate))
    except (errors.PathError, errors.ValidationError, ValueError, TypeError, LookupError, AttributeError):
        return ()


def _find_path(
    certificate: x509.Certificate,
    trust: TrustStore,
    at: datetime,
    extra: tuple[x509.Certificate, ...],
    *,
    policy: CertRevTrustPolicy,
    parameters: PKIXValidationParams | None,
) -> ValidationPath:
    above, lists = relevant_to(certificate, trust, extra)
    context = ValidationContext(
        trust_roots=list(trust.anchors),
        other_certs=list(above),
        moment=at,
        allow_fetching=False,
        crls=_usable_lists(certificate, lists),
        ocsps=list(trust.ocsp_responses),
        revinfo_policy=policy,
        weak_hash_algos=WEAK_HASHES | {name for name, since in WEAK_SINCE if at >= since},
    )
    validator = CertificateValidator(
        certificate, intermediate_certs=list(above), validation_context=context, pkix_params=parameters
    )
    return run_to_end(validator.async_validate_path())


def _usable_lists(certificate: x509.Certificate, lists: Iterable[crl.CertificateList]) -> list[crl.CertificateList]:
    # RFC 5280 5.2: an authority may drop a certificate from its list once it has expired, so that a list published
    # after that says nothing about it, unless it carries expiredCertsOnCRL (X.509 8.5.2.12).
    def silent(one: crl.CertificateList) -> bool:
        if (
            one.issuer != certificate.issuer
            or one["tbs_cert_list"]["this_update"].native <= certificate.not_valid_after
        ):
            return False
        extensions = one["tbs_cert_list"]["crl_extensions"]
        return not any(e["extn_id"].dotted == "2.5.29.60" for e in extensions or ())

    return [one for one in lists if not silent(one)]


def _from_failure(failure: Exception) -> PathVerdict:
    match failure:
        case errors.RevokedError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.REVOKED_NO_POE if failure.is_ee_cert else SubIndication.REVOKED_CA_NO_POE,
                "EDX-CERT-REVOKED",
                Text(
                    f"Chứng thư đã bị thu hồi từ {failure.revocation_dt:%Y-%m-%d}, "
                    "và không dấu thời gian hay biên nhận nào cho thấy chữ ký đã có trước ngày ấy.",
                    f"The certificate was revoked on {failure.revocation_dt:%Y-%m-%d}, "
                    "and no timestamp or receipt shows that the signature existed before that day.",
                ),
            )
        case errors.ExpiredError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                "EDX-CERT-EXPIRED",
                Text(
                    "Chứng thư đã hết hạn, và không dấu thời gian hay biên nhận nào cho thấy chữ ký đã có trước đó.",
                    "The certificate has expired, and no timestamp or receipt shows that the signature existed before.",
                ),
            )
        case errors.NotYetValidError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                "EDX-CERT-NOT-YET",
                Text(
                    "Chứng thư chưa có hiệu lực tại thời điểm kiểm tra.",
                    "The certificate is not valid yet at the time of checking.",
                ),
            )
        case errors.InsufficientRevinfoError():
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.TRY_LATER,
                "EDX-REVOCATION-UNKNOWN",
                Text(
                    "Không có CRL hay OCSP để biết chứng thư còn hiệu lực; đưa thêm bằng --evidence.",
                    "No CRL or OCSP answer tells whether the certificate was revoked; give one with --evidence.",
                ),
            )
        case errors.PathBuildingError() | errors.InvalidCertificateError():
            return _no_chain()
        case _:
            return _verdict(
                Indication.INDETERMINATE,
                SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
                "EDX-CHAIN-INVALID",
                Text("Đường dẫn chứng thực không hợp lệ.", "The certification path is not valid."),
            )


def _no_chain() -> PathVerdict:
    return _verdict(
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        "EDX-CHAIN-NOT-FOUND",
        Text(
            "Không có đường dẫn từ chứng thư này đến gốc được tin cậy; chỉ ra kho tin cậy bằng --trust.",
            "No path leads from this certificate to a trusted root; name one with --trust.",
        ),
    )


def _verdict(indication: Indication, sub: SubIndication, code: str, text: Text) -> PathVerdict:
    return PathVerdict(indication, sub, (Message.of(code, "error", text),))
