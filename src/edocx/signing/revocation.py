"""Who was revoked, by whatever was ever said: lists of any age, deltas, OCSP answers of any age.

A validator asks for fresh evidence and is content with the first that says "good". But "revoked" is said once and for
good: an authentic statement counts when its list has run out, when the certificate has expired since, and whatever an
older answer says that still runs and that anybody may put beside a signature. Only a hold may end: by removeFromCRL, or
by a newer complete list of the same issuer and scope without it (RFC 5280 5.3.1, 5.2.4).

Nearly every list is silent about a certificate, and then nothing is parsed and no signature checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from asn1crypto import core, crl, keys, ocsp, x509

from edocx.signing.authenticity import certified, signed_with
from edocx.signing.certificate import fingerprint
from edocx.signing.relevance import comparable
from edocx.signing.trust import TrustStore

_FAULTS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

_HOLD, _LIFTED = "certificate_hold", "remove_from_crl"
_CERTIFICATE_ISSUER = bytes.fromhex("551d1d")
_EXPIRED_ON_CRL = "2.5.29.60"
_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"


@dataclass(frozen=True, slots=True)
class Revocation:
    """An authentic statement that a certificate was revoked, since when and why."""

    certificate: x509.Certificate
    since: datetime
    reason: str
    published: datetime
    issuer: str
    """Who publishes such lists, in the form in which names are compared."""
    scope: bytes | None = None
    """The issuing distribution point of the list that says so; None for a list of everything and for OCSP."""
    answer: bool = False
    """Said by an OCSP responder."""


def revoked_on(
    path: Sequence[x509.Certificate], trust: TrustStore, extra: Iterable[x509.Certificate], at: datetime
) -> Revocation | None:
    """Return what revoked a certificate of a path (from the anchor down) by ``at``, the lowest first; else None."""
    known = _Known(tuple(path), trust, tuple(extra))
    for issuer, subject in reversed(list(itertools.pairwise(path))):
        found = known.revocation(subject, issuer, at)
        if found is not None:
            return found
    return None


def trustworthy(
    path: Sequence[x509.Certificate], trust: TrustStore, extra: Iterable[x509.Certificate], at: datetime
) -> TrustStore:
    """Return the trust without evidence that says "good" and may not: the same store where all of it may.

    That are answers and lists signed with certificates of their own that were revoked by ``at``.
    """
    known = _Known(tuple(path), trust, tuple(extra))
    answers = tuple(one for one in trust.ocsp_responses if not known.answered_by_revoked(one, at))
    lists = tuple(one for one in trust.revocation_lists if not known.listed_by_revoked(one, at))
    if len(answers) == len(trust.ocsp_responses) and len(lists) == len(trust.revocation_lists):
        return trust
    return replace(trust, revocation_lists=lists, ocsp_responses=answers)


def without_lifted(
    path: Sequence[x509.Certificate], trust: TrustStore, extra: Iterable[x509.Certificate], at: datetime
) -> TrustStore:
    """Return the trust without the lists and answers whose hold on a certificate of the path was lifted by ``at``."""
    known = _Known(tuple(path), trust, tuple(extra))
    dropped: set[int] = set()
    for issuer, subject in itertools.pairwise(path):
        for source, said in known.statements(subject, issuer):
            if said.reason == _HOLD and known.lifted(said, issuer, at):
                dropped.add(id(source))
    return replace(
        trust,
        revocation_lists=tuple(one for one in trust.revocation_lists if id(one) not in dropped),
        ocsp_responses=tuple(one for one in trust.ocsp_responses if id(one) not in dropped),
    )


def is_silent(evidence: crl.CertificateList | ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """Say whether evidence about a certificate's issuer was published when the certificate had left its books.

    RFC 5280 5.2: an authority may drop a certificate from its list once it has expired, so that a list published after
    that says nothing by not naming it, unless it keeps the expired (expiredCertsOnCRL, X.509 8.5.2.12). The same holds
    for answers (archive cutoff, RFC 6960 4.4.4).
    """
    end = certificate.not_valid_after
    if isinstance(evidence, crl.CertificateList):
        body = evidence["tbs_cert_list"]
        if body["this_update"].native <= end or comparable(evidence.issuer) != comparable(certificate.issuer):
            return False
        return not _keeps(body["crl_extensions"], _EXPIRED_ON_CRL, end)
    return any(
        one["cert_id"]["serial_number"].native == certificate.serial_number
        and one["this_update"].native > end
        and not _keeps(one["single_extensions"], _ARCHIVE_CUTOFF, end)
        for one in _singles(evidence)
    )


def _keeps(extensions: Any, name: str, end: datetime) -> bool:
    for one in extensions or ():
        if one["extn_id"].dotted == name:
            since = core.GeneralizedTime.load(bytes(one["extn_value"].contents)).native
            return bool(since <= end)
    return False


class _Known:
    """What is at hand about a path: its certificates, who else may speak, lists and answers."""

    def __init__(
        self, path: tuple[x509.Certificate, ...], trust: TrustStore, extra: tuple[x509.Certificate, ...]
    ) -> None:
        self._path = path
        self._trust = trust
        self._pool = (*path[1:-1], *trust.anchors, *trust.intermediates, *extra)
        self._listers: list[x509.Certificate] | None = None

    def revocation(self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Revocation | None:
        """Return the statement that revoked a certificate by ``at``, the earliest."""
        said = [one for _, one in self.statements(certificate, issuer) if one.reason != _LIFTED and one.since <= at]
        counted = [one for one in said if one.reason != _HOLD or not self.lifted(one, issuer, at)]
        return min(counted, key=lambda one: one.since, default=None)

    def statements(
        self, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Iterator[tuple[crl.CertificateList | ocsp.OCSPResponse, Revocation]]:
        """Yield every authentic entry about a certificate, with the list or answer that holds it."""
        name = comparable(certificate.issuer)
        for one in self._trust.revocation_lists:
            try:
                if comparable(one.issuer) != name and not _is_indirect(one):
                    continue
                entries = list(_entries(one, certificate))
                counts = bool(entries) and self._is_authentic(one, certificate, issuer)
            except _FAULTS:
                continue  # nobody's list: it says nothing
            yield from ((one, entry) for entry in entries if counts)
        for answer in self._trust.ocsp_responses:
            try:
                said = [_revoked_by(one, certificate) for one in _about(answer, certificate, issuer)]
                counts = any(said) and self._responder(answer, issuer) is not None
            except _FAULTS:
                continue
            yield from ((answer, one) for one in said if one is not None and counts)

    def lifted(self, hold: Revocation, issuer: x509.Certificate, at: datetime) -> bool:
        """Say whether a hold had ended by ``at``."""
        certificate = hold.certificate
        if any(
            said.reason == _LIFTED and hold.published < said.published <= at
            for _, said in self.statements(certificate, issuer)
        ):
            return True
        for one in self._trust.revocation_lists:
            try:
                if self._is_later_without(one, hold, at) and self._is_authentic(one, certificate, issuer):
                    return True
            except _FAULTS:
                continue
        return hold.answer and self._answered_good(hold, issuer, at)

    def answered_by_revoked(self, answer: ocsp.OCSPResponse, at: datetime) -> bool:
        """Say whether an answer about the path was signed by a responder that was revoked by ``at``."""
        for issuer, subject in itertools.pairwise(self._path):
            try:
                if not any(True for _ in _about(answer, subject, issuer)):
                    continue
                for responder in self._delegates(answer, issuer):
                    revoked = self.revocation(responder, issuer, at)
                    if revoked is not None and _answer_signed(answer, responder.public_key):
                        return True
            except _FAULTS:
                continue
        return False

    def listed_by_revoked(self, one: crl.CertificateList, at: datetime) -> bool:
        """Say whether a list was signed with a certificate beside the path that was revoked by ``at``."""
        try:
            return any(
                comparable(signer.subject) == comparable(one.issuer) and _list_signed(one, signer.public_key)
                for signer in self._revoked_listers(at)
            )
        except _FAULTS:
            return False

    def _revoked_listers(self, at: datetime) -> list[x509.Certificate]:
        """Return whoever could sign a list about the path, stands beside it, and was revoked; worked out once."""
        if self._listers is None:
            above = {fingerprint(c) for c in self._path}
            names = {comparable(c.issuer) for c in self._path[1:]}.union(*map(_list_issuers, self._path))
            self._listers = []
            for signer in self._pool:
                try:
                    if comparable(signer.subject) in names and fingerprint(signer) not in above:
                        issuer = self._voucher(signer)
                        if issuer is not None and self.revocation(signer, issuer, at):
                            self._listers.append(signer)
                except _FAULTS:
                    continue
        return self._listers

    def _is_authentic(self, one: crl.CertificateList, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Say whether a list is of the certificate's authority, or of somebody who may list in its name."""
        point = one.issuing_distribution_point_value
        if point is not None and point["only_contains_attribute_certs"].native:
            return False  # attribute certificates have numbers of their own
        name, own = comparable(one.issuer), comparable(certificate.issuer)
        if name == own and _list_signed(one, issuer.public_key):
            return True
        if name != own and not _is_indirect(one):
            return False
        named = name == own or name in _list_issuers(certificate)
        moment = one["tbs_cert_list"]["this_update"].native
        return any(
            comparable(signer.subject) == name
            and (named or comparable(signer.issuer) == own)
            and signer.key_usage_value is not None
            and "crl_sign" in signer.key_usage_value.native
            and signer.not_valid_before <= moment <= signer.not_valid_after
            and _list_signed(one, signer.public_key)
            and self._voucher(signer) is not None
            for signer in self._pool
            if fingerprint(signer) != fingerprint(certificate)
        )

    def _voucher(self, signer: x509.Certificate) -> x509.Certificate | None:
        """Return the authority of the path that issued a certificate beside it."""
        above = self._path[:-1]
        named = (one for one in above if comparable(one.subject) == comparable(signer.issuer))
        return next((one for one in named if certified(signer, one)), None)

    def _is_later_without(self, one: crl.CertificateList, hold: Revocation, at: datetime) -> bool:
        published = one["tbs_cert_list"]["this_update"].native
        return (
            hold.published < published <= at
            and comparable(one.issuer) == hold.issuer
            and one.delta_crl_indicator_value is None
            and _scope(one) == hold.scope
            and not is_silent(one, hold.certificate)
            and not any(True for _ in _entries(one, hold.certificate))
        )

    def _answered_good(self, hold: Revocation, issuer: x509.Certificate, at: datetime) -> bool:
        return any(
            one["cert_status"].name == "good"
            and hold.published < one["this_update"].native <= at
            and self._responder(answer, issuer) is not None
            for answer in self._trust.ocsp_responses
            for one in _about(answer, hold.certificate, issuer)
        )

    def _responder(self, answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate | None:
        """Return who signed an answer: the authority itself, or whom it appointed for that (RFC 6960 4.2.2.2)."""
        if _answer_signed(answer, issuer.public_key):
            return issuer
        moment = answer.response_data["produced_at"].native
        for one in self._delegates(answer, issuer):
            if one.not_valid_before <= moment <= one.not_valid_after and _answer_signed(answer, one.public_key):
                return one
        return None

    def _delegates(self, answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> Iterator[x509.Certificate]:
        name = comparable(issuer.subject)
        for one in (*(answer.basic_ocsp_response["certs"] or ()), *self._pool):
            usage = one.extended_key_usage_value
            appointed = usage is not None and "ocsp_signing" in usage.native
            if appointed and comparable(one.issuer) == name and certified(one, issuer):
                yield one


def _is_indirect(one: crl.CertificateList) -> bool:
    point = one.issuing_distribution_point_value
    return point is not None and bool(point["indirect_crl"].native)


def _may_name(one: crl.CertificateList, certificate: x509.Certificate) -> bool:
    """Say whether a list holds a certificate's number anywhere: a search over bytes, for lists have megabytes."""
    number = certificate.serial_number
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True) in one.contents


def _entries(one: crl.CertificateList, certificate: x509.Certificate) -> Iterator[Revocation]:
    if not _may_name(one, certificate):
        return
    body, number = one["tbs_cert_list"], certificate.serial_number
    issuer, wanted, current = comparable(one.issuer), comparable(certificate.issuer), comparable(one.issuer)
    for entry in body["revoked_certificates"] or ():
        # RFC 5280 5.3.3: the issuer named by one entry is that of the following ones too.
        if _CERTIFICATE_ISSUER in entry.contents and entry.issuer_name is not None:
            current = comparable(entry.issuer_name)
        if entry["user_certificate"].native == number and current == wanted:
            reason = entry.crl_reason_value
            yield Revocation(
                certificate,
                entry["revocation_date"].native,
                "unspecified" if reason is None else str(reason.native),
                body["this_update"].native,
                issuer,
                _scope(one),
            )


def _scope(one: crl.CertificateList) -> bytes | None:
    point = one.issuing_distribution_point_value
    return None if point is None else bytes(point.dump())


def _list_issuers(certificate: x509.Certificate) -> set[str]:
    return {
        comparable(name.chosen)
        for point in certificate.crl_distribution_points_value or ()
        for name in point["crl_issuer"] or ()
        if name.name == "directory_name"
    }


def _singles(answer: ocsp.OCSPResponse) -> tuple[ocsp.SingleResponse, ...]:
    if answer["response_status"].native != "successful" or answer.response_data is None:
        return ()
    return tuple(answer.response_data["responses"])


def _about(
    answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[ocsp.SingleResponse]:
    for one in _singles(answer):
        asked = one["cert_id"]
        if asked["serial_number"].native != certificate.serial_number:
            continue
        how = str(asked["hash_algorithm"]["algorithm"].native)
        if asked["issuer_key_hash"].native == getattr(issuer.public_key, how, None) and asked[
            "issuer_name_hash"
        ].native == getattr(certificate.issuer, how, None):
            yield one


def _revoked_by(one: ocsp.SingleResponse, certificate: x509.Certificate) -> Revocation | None:
    if one["cert_status"].name != "revoked":
        return None
    said = one["cert_status"].chosen
    return Revocation(
        certificate,
        said["revocation_time"].native,
        str(said["revocation_reason"].native or "unspecified"),
        one["this_update"].native,
        comparable(certificate.issuer),
        answer=True,
    )


def _list_signed(one: crl.CertificateList, key: keys.PublicKeyInfo) -> bool:
    return signed_with(one["tbs_cert_list"].dump(), one["signature"].native, one["signature_algorithm"], key)


def _answer_signed(answer: ocsp.OCSPResponse, key: keys.PublicKeyInfo) -> bool:
    basic = answer.basic_ocsp_response
    data = basic["tbs_response_data"].dump()
    return signed_with(data, basic["signature"].native, basic["signature_algorithm"], key)
