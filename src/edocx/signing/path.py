"""Certification paths at a given time, without network (RFC 5280 through pyhanko-certvalidator)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from asn1crypto import x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext, errors
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from edocx.signing.certificate import fingerprint
from edocx.signing.coroutine import run_to_end
from edocx.signing.path_verdict import PathVerdict, from_failure, malformed, no_chain, revoked_since
from edocx.signing.relevance import relevant_to
from edocx.signing.report import Indication
from edocx.signing.revocation import Revocation, is_silent, revoked_on, trustworthy, without_lifted
from edocx.signing.trust import TrustStore

WEAK_HASHES = frozenset({"md2", "md5"})
"""Never accepted in certificates of a path; anchors are trusted by fingerprint, not by hash."""

WEAK_SINCE = (("sha1", datetime(2017, 1, 1, tzinfo=UTC)),)
"""Accepted in certificates of a path before the date only (TT 15/2025: not on the list; `edocx.signing.strength`)."""


MAX_PATHS = 3
"""Looked for, one after the other, where an authority on the one found was revoked."""

# The validator logs each failed path with the names in it; names of persons stay out of logs.
logging.getLogger("pyhanko_certvalidator").propagate = False
logging.getLogger("pyhanko_certvalidator").addHandler(logging.NullHandler())


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
    published after ``at`` counts too: what it does not call revoked was not revoked before. Revoked by any evidence, of
    whatever age, is revoked (`edocx.signing.revocation`). Without evidence for a
    certificate of the path the verdict is INDETERMINATE, as TT 15/2025 PL II wants a warning.
    """
    if not trust.anchors:
        return no_chain()
    extra = tuple(extra)
    try:
        path = _sound_path(certificate, trust, at, extra, parameters)
    except _Revoked as revoked:
        return revoked_since(revoked.said.since, of_signer=revoked.said.certificate is certificate)
    except (errors.PathError, errors.ValidationError) as failure:
        return from_failure(failure)
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError):
        return malformed()
    anchor = path.trust_anchor.authority
    root = getattr(anchor, "certificate", None)
    return PathVerdict(Indication.TOTAL_PASSED, None, (), fingerprint(root) if root is not None else None)


class _Revoked(Exception):
    """A certificate of the path was revoked; says which and when."""

    def __init__(self, said: Revocation) -> None:
        super().__init__(said.reason)
        self.said = said


def _sound_path(
    certificate: x509.Certificate,
    trust: TrustStore,
    at: datetime,
    extra: tuple[x509.Certificate, ...],
    parameters: PKIXValidationParams | None,
) -> ValidationPath:
    """Find a path on which no certificate was revoked by any evidence; raise `_Revoked` when only others lead up."""
    first: _Revoked | None = None
    for _ in range(MAX_PATHS):
        try:
            return _checked_path(certificate, trust, at, extra, parameters)
        except _Revoked as revoked:
            first = first or revoked
            if revoked.said.certificate is certificate:
                break
            # An authority may have several certificates, and only one of them was revoked.
            barred = fingerprint(revoked.said.certificate)
            extra = tuple(one for one in extra if fingerprint(one) != barred)
            trust = replace(trust, intermediates=tuple(c for c in trust.intermediates if fingerprint(c) != barred))
        except (errors.PathError, errors.ValidationError):
            if first is None:
                raise
            break
    assert first is not None
    raise first


def _checked_path(
    certificate: x509.Certificate,
    trust: TrustStore,
    at: datetime,
    extra: tuple[x509.Certificate, ...],
    parameters: PKIXValidationParams | None,
) -> ValidationPath:
    try:
        path = _find_path(certificate, trust, at, extra, policy=_CHECKED, parameters=parameters)
    except errors.InsufficientRevinfoError:
        # Nothing fresh says "good"; what has run out may still say "revoked".
        _require_unrevoked(_find_path(certificate, trust, at, extra, policy=_UNCHECKED, parameters=parameters),
                           trust, at, extra)  # fmt: skip
        raise
    except errors.RevokedError as revoked:
        if revoked.reason.native != "certificate_hold":
            raise
        path = _find_path(certificate, trust, at, extra, policy=_UNCHECKED, parameters=parameters)
        trust = without_lifted(_certificates(path), trust, extra, at)
        path = _find_path(certificate, trust, at, extra, policy=_CHECKED, parameters=parameters)
    _require_unrevoked(path, trust, at, extra)
    sound = trustworthy(_certificates(path), trust, extra, at)
    if sound is not trust:
        path = _find_path(certificate, sound, at, extra, policy=_CHECKED, parameters=parameters)
        _require_unrevoked(path, trust, at, extra)
    _require_spoken_for(path, sound, at, extra)
    return path


def _certificates(path: ValidationPath) -> tuple[x509.Certificate, ...]:
    return tuple(one for one in path if isinstance(one, x509.Certificate))


def _require_unrevoked(
    path: ValidationPath, trust: TrustStore, at: datetime, extra: tuple[x509.Certificate, ...]
) -> None:
    said = revoked_on(_certificates(path), trust, extra, at)
    if said is not None:
        raise _Revoked(said)


def _require_spoken_for(
    path: ValidationPath, trust: TrustStore, at: datetime, extra: tuple[x509.Certificate, ...]
) -> None:
    """Raise `errors.InsufficientRevinfoError` where evidence about an authority was published when it had expired."""
    held = _certificates(path)
    for authority in held[1:-1]:
        if any(is_silent(one, authority) for one in (*trust.revocation_lists, *trust.ocsp_responses)):
            _find_path(authority, trust, at, (*extra, *held), policy=_CHECKED, parameters=None)


def _policy(rule: RevocationCheckingRule) -> CertRevTrustPolicy:
    return CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule), retroactive_revinfo=True)


_CHECKED = _policy(RevocationCheckingRule.CRL_OR_OCSP_REQUIRED)
_UNCHECKED = _policy(RevocationCheckingRule.NO_CHECK)


def issuing_path(
    certificate: x509.Certificate, *, trust: TrustStore, at: datetime, extra: Iterable[x509.Certificate] = ()
) -> tuple[x509.Certificate, ...]:
    """Return the certificates from the anchor down to this one, revocation left out; empty when no path holds.

    For asking about revocation: only addresses in certificates that an anchor vouches for may be called.
    """
    try:
        return _certificates(_find_path(certificate, trust, at, tuple(extra), policy=_UNCHECKED, parameters=None))
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
        crls=[one for one in lists if not is_silent(one, certificate)],
        ocsps=[one for one in trust.ocsp_responses if not is_silent(one, certificate)],
        revinfo_policy=policy,
        weak_hash_algos=WEAK_HASHES | {name for name, since in WEAK_SINCE if at >= since},
    )
    validator = CertificateValidator(
        certificate, intermediate_certs=list(above), validation_context=context, pkix_params=parameters
    )
    return run_to_end(validator.async_validate_path())
