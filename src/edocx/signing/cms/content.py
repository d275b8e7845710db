"""Building a detached CMS SignedData with one signer (RFC 5652, EN 319 122-1).

Written out with asn1crypto, because everything in it is known before the key is asked, and only a digest of the
signed attributes goes there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from asn1crypto import algos, cms, tsp, x509

from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import fingerprint, public_key

OVERHEAD = 2048
"""Bytes of a CMS besides certificates, signature value and timestamp, with room to spare."""


def signed_attributes(
    digest: bytes, certificate: x509.Certificate, *, signing_time: datetime | None = None
) -> cms.CMSAttributes:
    """Make the attributes that are signed: content type, digest of the content, and the certificate's own digest.

    PAdES forbids ``signing_time`` here (EN 319 142-1 5.3: it stands in /M), CAdES wants it.
    """
    # RFC 5035: naming the certificate inside what is signed stops its exchange for another with the same key.
    identifier = tsp.ESSCertIDv2(
        {
            "cert_hash": hashlib.sha256(certificate.dump()).digest(),
            "issuer_serial": {
                "issuer": [x509.GeneralName(name="directory_name", value=certificate.issuer)],
                "serial_number": certificate.serial_number,
            },
        }
    )
    values: dict[str, object] = {
        "content_type": "data",
        "message_digest": digest,
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
    }
    if signing_time is not None:
        moment = signing_time.astimezone(UTC).replace(microsecond=0)
        values["signing_time"] = cms.Time(name="utc_time", value=moment)
    return cms.CMSAttributes([cms.CMSAttribute({"type": name, "values": [value]}) for name, value in values.items()])


def signed_data(
    certificate: x509.Certificate,
    chain: Iterable[x509.Certificate],
    algorithm: SignatureAlgorithm,
    attributes: cms.CMSAttributes,
    signature: bytes,
    *,
    timestamp: bytes | None = None,
) -> bytes:
    """Return the DER ContentInfo; ``timestamp`` is a DER token over the signature value (CAdES-T, PAdES B-T).

    Self-signed certificates of the chain are left out: a verifier trusts its own anchors, not ours.
    """
    hashed = algos.DigestAlgorithm({"algorithm": algorithm.hash_name})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value=cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                ),
            ),
            "digest_algorithm": hashed,
            "signed_attrs": attributes,
            "signature_algorithm": _signature_algorithm(algorithm),
            "signature": signature,
        }
    )
    if timestamp is not None:
        token = cms.ContentInfo.load(timestamp)
        signer["unsigned_attrs"] = cms.CMSAttributes(
            [cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})]
        )
    held = {fingerprint(one): one for one in chain if one.self_signed == "no"} | {fingerprint(certificate): certificate}
    content = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [hashed],
            "encap_content_info": {"content_type": "data"},
            "certificates": [cms.CertificateChoices(name="certificate", value=one) for one in held.values()],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": content}).dump())


def room_for(certificate: x509.Certificate, chain: Iterable[x509.Certificate], timestamp: int = 0) -> int:
    """Return how many bytes the DER can take at most, a timestamp of ``timestamp`` bytes included."""
    key = public_key(certificate)
    # RSA: the modulus; ECDSA: two integers of the curve's size in DER.
    value = (key.key_size + 7) // 8 * (2 if certificate.public_key.algorithm == "ec" else 1) + 16
    return OVERHEAD + value + timestamp + sum(len(one.dump()) for one in (certificate, *chain))


def _signature_algorithm(algorithm: SignatureAlgorithm) -> algos.SignedDigestAlgorithm:
    if algorithm.scheme != "pss":
        suffix = "rsa" if algorithm.scheme == "pkcs1v15" else "ecdsa"
        return algos.SignedDigestAlgorithm({"algorithm": f"{algorithm.hash_name}_{suffix}"})
    hashed = algos.DigestAlgorithm({"algorithm": algorithm.hash_name})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": hashed,
            "mask_gen_algorithm": algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": hashed}),
            "salt_length": algorithm.hash.digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})
