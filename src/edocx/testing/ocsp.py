"""An OCSP responder in memory: request bytes in, response bytes out (RFC 6960).

Built on asn1crypto, because the response must carry the moment it is told as producedAt, not the machine's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from asn1crypto import ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.errors import Text, UsageError
from edocx.testing.authority import Authority
from edocx.testing.credential import Credential
from edocx.testing.der import read_request
from edocx.testing.pki import Pki

FRESH_FOR = timedelta(days=1)

MAX_QUESTIONS = 100
"""Against a request that is small to send and dear to answer."""


class Ocsp:
    """Answers from the books of a `Pki`, at whatever moment it is told.

    About subscribers a delegated responder speaks, about the intermediate the root itself.
    """

    def __init__(self, pki: Pki, *, fresh_for: timedelta = FRESH_FOR) -> None:
        self._pki = pki
        self._fresh_for = fresh_for

    def answer(self, request: bytes, at: datetime) -> bytes:
        """Answer a DER OCSPRequest with a DER OCSPResponse as of ``at`` (aware).

        Several questions in one request must be about one authority. What cannot be answered gets
        ``malformed_request`` or ``unauthorized``, never an exception. A nonce is returned.
        """
        try:
            asked = read_request(ocsp.OCSPRequest, request)
            questions = [one["req_cert"] for one in asked["tbs_request"]["request_list"]]
        except ValueError:
            return _bare("malformed_request")
        if not 0 < len(questions) <= MAX_QUESTIONS:
            return _bare("malformed_request")
        authorities = [self._authority(question) for question in questions]
        authority = authorities[0]
        if authority is None or any(one is not authority for one in authorities):
            return _bare("unauthorized")
        nonce = asked.nonce_value
        return self._respond(authority, questions, at, nonce.native if nonce is not None else None)

    def about(self, certificate: x509.Certificate, at: datetime) -> bytes:
        """Return the DER response about one certificate of the `Pki` as of ``at``, without a request.

        Raises `UsageError` when neither of its authorities issued it.
        """
        for authority in (self._pki.root, self._pki.state):
            if certificate.serial_number in authority.book:
                return self._respond(authority, [_identify(certificate, authority)], at, None)
        raise UsageError(
            Text("Chứng thư không thuộc PKI này.", "The certificate is not of this PKI."),
            hint=Text("Hỏi về chứng thư do PKI này cấp.", "Ask about a certificate that it issued."),
            code="EDX-PKI-OCSP",
        )

    def _authority(self, question: ocsp.CertId) -> Authority | None:
        algorithm = question["hash_algorithm"]["algorithm"].native
        if algorithm not in {"sha1", "sha256", "sha384", "sha512"}:
            return None
        for authority in (self._pki.root, self._pki.state):
            name, key = _hashes(authority, algorithm)
            if (question["issuer_name_hash"].native, question["issuer_key_hash"].native) == (name, key):
                return authority
        return None

    def _respond(
        self, authority: Authority, questions: Sequence[ocsp.CertId], at: datetime, nonce: bytes | None
    ) -> bytes:
        moment = at.astimezone(UTC).replace(microsecond=0)
        responder = self._pki.ocsp if authority is self._pki.state else authority.credential
        certificate = _asn1(responder.certificate)
        data: dict[str, object] = {
            "responder_id": ocsp.ResponderId(name="by_key", value=certificate.public_key.sha1),
            "produced_at": moment,
            "responses": [
                {
                    "cert_id": question,
                    "cert_status": _status(authority, question["serial_number"].native, at),
                    "this_update": moment,
                    "next_update": moment + self._fresh_for,
                }
                for question in questions
            ],
        }
        if nonce is not None:
            data["response_extensions"] = [{"extn_id": "nonce", "critical": False, "extn_value": nonce}]
        return _sign(ocsp.ResponseData(data), responder, certificate)


def _sign(data: ocsp.ResponseData, responder: Credential, certificate: asn1_x509.Certificate) -> bytes:
    basic = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": data,
            "signature_algorithm": {"algorithm": responder.signature_algorithm},
            "signature": responder.sign(data.dump()),
            "certs": [certificate],
        }
    )
    body = {"response_type": "basic_ocsp_response", "response": basic}
    return bytes(ocsp.OCSPResponse({"response_status": "successful", "response_bytes": body}).dump())


def _bare(status: str) -> bytes:
    return bytes(ocsp.OCSPResponse({"response_status": status}).dump())


def _status(authority: Authority, serial: int, at: datetime) -> ocsp.CertStatus:
    entry = authority.book.get(serial)
    if entry is None:
        return ocsp.CertStatus(name="unknown", value=ocsp.StatusUnknown())
    if entry.revoked_at is None or entry.revoked_at > at:
        return ocsp.CertStatus(name="good", value=ocsp.StatusGood())
    info: dict[str, object] = {"revocation_time": entry.revoked_at}
    if entry.reason is not x509.ReasonFlags.unspecified:
        info["revocation_reason"] = _REASONS[entry.reason]
    return ocsp.CertStatus(name="revoked", value=ocsp.RevokedInfo(info))


def _identify(certificate: x509.Certificate, authority: Authority) -> ocsp.CertId:
    name, key = _hashes(authority, "sha1")
    return ocsp.CertId(
        {
            "hash_algorithm": {"algorithm": "sha1"},
            "issuer_name_hash": name,
            "issuer_key_hash": key,
            "serial_number": certificate.serial_number,
        }
    )


def _hashes(authority: Authority, algorithm: str) -> tuple[bytes, bytes]:
    # SHA-1 names an issuer here and protects nothing (RFC 6960 4.1.1, RFC 5019); most clients still use it.
    certificate = _asn1(authority.certificate)
    key = bytes(certificate.public_key["public_key"])
    return hashlib.new(algorithm, certificate.subject.dump()).digest(), hashlib.new(algorithm, key).digest()


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


_REASONS = {
    x509.ReasonFlags.key_compromise: "key_compromise",
    x509.ReasonFlags.ca_compromise: "ca_compromise",
    x509.ReasonFlags.affiliation_changed: "affiliation_changed",
    x509.ReasonFlags.superseded: "superseded",
    x509.ReasonFlags.cessation_of_operation: "cessation_of_operation",
    x509.ReasonFlags.certificate_hold: "certificate_hold",
    x509.ReasonFlags.remove_from_crl: "remove_from_crl",
    x509.ReasonFlags.privilege_withdrawn: "privilege_withdrawn",
    x509.ReasonFlags.aa_compromise: "aa_compromise",
}
