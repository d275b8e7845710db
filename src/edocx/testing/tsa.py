"""A time-stamping unit in memory: request bytes in, response bytes out (RFC 3161, RFC 5816)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.errors import Text, UsageError
from edocx.testing.credential import Credential
from edocx.testing.der import read_request
from edocx.testing.pki import Pki

POLICY = "2.999.704.2"
"""A policy of the example arc."""

DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64, "sha3_256": 32, "sha3_384": 48, "sha3_512": 64}
"""What may be stamped: SHA-1 and SHA-224 are refused (TT 15/2025)."""


class Tsa:
    """Answers time-stamp requests with the key of a `Pki` (or of another ``unit``), at whatever moment it is told."""

    def __init__(self, pki: Pki, *, policy: str = POLICY, unit: Credential | None = None) -> None:
        self._unit = unit or pki.tsa
        self._policy = policy

    def answer(self, request: bytes, at: datetime) -> bytes:
        """Answer a DER TimeStampReq with a DER TimeStampResp dated ``at`` (aware; to the second).

        A request that cannot be served gets a response with status ``rejection`` and its reason, as RFC 3161 2.4.2
        has it, never an exception; only a naive ``at`` raises `UsageError`.
        """
        if at.tzinfo is None:
            raise UsageError(
                Text("Thời điểm thiếu múi giờ.", "The moment has no time zone."),
                hint=Text("Ghi rõ tzinfo, ví dụ UTC.", "Give a tzinfo, such as UTC."),
                code="EDX-CLOCK-NAIVE",
            )
        try:
            asked = read_request(tsp.TimeStampReq, request)
        except ValueError:
            return _refusal("bad_data_format")
        if reason := self._objection(asked, at):
            return _refusal(reason)
        status = tsp.PKIStatusInfo({"status": "granted"})
        response = tsp.TimeStampResp({"status": status, "time_stamp_token": self._token(asked, at)})
        return bytes(response.dump())

    def stamp(self, data: bytes, at: datetime) -> bytes:
        """Return the DER token over the SHA-256 of ``data`` at ``at``, certificates included, without a request."""
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(data).digest()}
        asked = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True})
        return bytes(self._token(asked, at).dump())

    def _objection(self, asked: tsp.TimeStampReq, at: datetime) -> str | None:
        imprint = asked["message_imprint"]
        size = DIGEST_SIZES.get(imprint["hash_algorithm"]["algorithm"].native)
        certificate = self._unit.certificate
        alive = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        objections = {
            "bad_request": asked["version"].native != "v1",
            "bad_alg": size is None,
            "bad_data_format": len(imprint["hashed_message"].native) != size,
            "unaccepted_policy": asked["req_policy"].native not in {None, self._policy},
            "unaccepted_extensions": bool(asked["extensions"].native),
            "time_not_available": not alive,
        }
        return next((reason for reason, holds in objections.items() if holds), None)

    def _token(self, asked: tsp.TimeStampReq, at: datetime) -> cms.ContentInfo:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": self._policy,
                "message_imprint": asked["message_imprint"],
                "serial_number": secrets.randbits(63) + 1,
                "gen_time": at.astimezone(UTC).replace(microsecond=0),
                "accuracy": {"seconds": 1},
                **({} if asked["nonce"].native is None else {"nonce": asked["nonce"]}),
            }
        )
        content = info.dump()
        tsa = self._unit
        certificate = asn1_x509.Certificate.load(tsa.certificate.public_bytes(Encoding.DER))
        attributes = _signed_attributes(content, certificate)
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": {
                            "issuer": certificate.issuer,
                            "serial_number": certificate.serial_number,
                        }
                    }
                ),
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": tsa.signature_algorithm},
                "signature": tsa.sign(attributes.dump()),
            }
        )
        signed: dict[str, object] = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "signer_infos": [signer],
        }
        if asked["cert_req"].native:
            above = [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in tsa.chain]
            signed["certificates"] = [certificate, *above]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})


class _Refusal(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without its optional token, which asn1crypto's class cannot leave out."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 - asn1crypto's way to declare a structure


def _refusal(reason: str) -> bytes:
    status = tsp.PKIStatusInfo({"status": "rejection", "fail_info": {reason}})
    return bytes(_Refusal({"status": status}).dump())


def _signed_attributes(content: bytes, certificate: asn1_x509.Certificate) -> cms.CMSAttributes:
    issuer = asn1_x509.GeneralName(name="directory_name", value=certificate.issuer)
    # RFC 5816: the certificate is named inside what is signed, with SHA-256 (the default, so left unsaid).
    identifier = tsp.ESSCertIDv2(
        {
            "cert_hash": hashlib.sha256(certificate.dump()).digest(),
            "issuer_serial": {"issuer": [issuer], "serial_number": certificate.serial_number},
        }
    )
    values = {
        "content_type": "tst_info",
        "message_digest": hashlib.sha256(content).digest(),
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
    }
    return cms.CMSAttributes([cms.CMSAttribute({"type": name, "values": [value]}) for name, value in values.items()])
