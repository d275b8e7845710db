"""Building a detached CMS SignedData with one signer (RFC 5652, EN 319 122-1).

Written as DER directly: everything in it is known before the key is asked, its shape never varies, and a general
ASN.1 library takes longer for it than the RSA operation does.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import x509

from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import der_of, public_key

OVERHEAD = 2048
"""Bytes of a CMS besides certificates, signature value and timestamp, with room to spare."""

_SEQUENCE, _SET, _OCTETS, _OID, _INTEGER, _NULL = 0x30, 0x31, 0x04, 0x06, 0x02, b"\x05\x00"
_FIRST_GENERALIZED = 2050
"""From this year on, signing times are GeneralizedTime (RFC 5652 11.3)."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode one DER value from its parts."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:  # noqa: PLR2004 - the short form of a length
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytes([40 * first + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return tlv(_OID, body)


def _set_of(*values: bytes) -> bytes:
    return tlv(_SET, *sorted(values))  # DER: in ascending order (X.690 11.6)


_DATA = _oid("1.2.840.113549.1.7.1")
_SIGNED_DATA = _oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE = _oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = _oid("1.2.840.113549.1.9.4")
_SIGNING_TIME = _oid("1.2.840.113549.1.9.5")
_TIMESTAMP_TOKEN = _oid("1.2.840.113549.1.9.16.2.14")
_SIGNING_CERTIFICATE_V2 = _oid("1.2.840.113549.1.9.16.2.47")
_PSS = _oid("1.2.840.113549.1.1.10")
_MGF1 = _oid("1.2.840.113549.1.1.8")
_HASHES = {
    name: tlv(_SEQUENCE, _oid(f"2.16.840.1.101.3.4.2.{arc}"), _NULL)
    for name, arc in (("sha256", 1), ("sha384", 2), ("sha512", 3))
}
_RSA = {
    name: tlv(_SEQUENCE, _oid(f"1.2.840.113549.1.1.{arc}"), _NULL)
    for name, arc in (("sha256", 11), ("sha384", 12), ("sha512", 13))
}
_ECDSA = {
    name: tlv(_SEQUENCE, _oid(f"1.2.840.10045.4.3.{arc}"))
    for name, arc in (("sha256", 2), ("sha384", 3), ("sha512", 4))
}


@dataclass(frozen=True, slots=True)
class _Identity:
    """What a CMS says of a certificate: its issuer and serial as DER, and whether it signed itself."""

    issuer: bytes
    serial: bytes
    sha256: bytes
    self_signed: bool


@functools.lru_cache(maxsize=256)
def _identity(der: bytes) -> _Identity:
    certificate = x509.Certificate.load(der)
    body = certificate["tbs_certificate"]
    issuer, subject = body["issuer"].dump(), body["subject"].dump()
    return _Identity(issuer, body["serial_number"].dump(), hashlib.sha256(der).digest(), issuer == subject)


def signed_attributes(digest: bytes, certificate: x509.Certificate, *, signing_time: datetime | None = None) -> bytes:
    """Make the attributes that are signed, as the DER SET that is digested.

    They are the content type, the digest of the content, and the certificate's own digest. PAdES forbids
    ``signing_time`` here (EN 319 142-1 5.3: it stands in /M), CAdES wants it.
    """
    own = _identity(der_of(certificate))
    # RFC 5035: naming the certificate inside what is signed stops its exchange for another with the same key.
    issuer_serial = tlv(_SEQUENCE, tlv(_SEQUENCE, tlv(0xA4, own.issuer)), own.serial)
    named = tlv(_SEQUENCE, tlv(_SEQUENCE, tlv(_SEQUENCE, tlv(_OCTETS, own.sha256), issuer_serial)))
    attributes = [
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, tlv(_OCTETS, digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, named),
    ]
    if signing_time is not None:
        attributes.append(_attribute(_SIGNING_TIME, _time(signing_time)))
    return _set_of(*attributes)


def signed_data(
    certificate: x509.Certificate,
    chain: Iterable[x509.Certificate],
    algorithm: SignatureAlgorithm,
    attributes: bytes,
    signature: bytes,
    *,
    timestamp: bytes | None = None,
) -> bytes:
    """Return the DER ContentInfo; ``timestamp`` is a DER token over the signature value (CAdES-T, PAdES B-T).

    ``attributes`` are those of `signed_attributes`. Self-signed certificates of the chain are left out: a verifier
    trusts its own anchors, not ours.
    """
    der = der_of(certificate)
    own = _identity(der)
    hashed = _HASHES[algorithm.hash_name]
    unsigned = b"" if timestamp is None else b"\xa1" + _set_of(_attribute(_TIMESTAMP_TOKEN, timestamp))[1:]
    signer = tlv(
        _SEQUENCE,
        tlv(_INTEGER, b"\x01"),
        tlv(_SEQUENCE, own.issuer, own.serial),
        hashed,
        b"\xa0" + attributes[1:],  # [0] IMPLICIT instead of SET (RFC 5652 5.4)
        _signature_algorithm(algorithm),
        tlv(_OCTETS, signature),
        unsigned,
    )
    held = {der, *(one for one in map(der_of, chain) if not _identity(one).self_signed)}
    content = tlv(
        _SEQUENCE,
        tlv(_INTEGER, b"\x01"),
        tlv(_SET, hashed),
        tlv(_SEQUENCE, _DATA),
        b"\xa0" + _set_of(*held)[1:],
        tlv(_SET, signer),
    )
    return tlv(_SEQUENCE, _SIGNED_DATA, tlv(0xA0, content))


def room_for(certificate: x509.Certificate, chain: Iterable[x509.Certificate], timestamp: int = 0) -> int:
    """Return how many bytes the DER can take at most, a timestamp of ``timestamp`` bytes included."""
    key = public_key(certificate)
    # RSA: the modulus; ECDSA: two integers of the curve's size in DER.
    value = (key.key_size + 7) // 8 * (2 if certificate.public_key.algorithm == "ec" else 1) + 16
    return OVERHEAD + value + timestamp + sum(len(der_of(one)) for one in (certificate, *chain))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return tlv(_SEQUENCE, kind, tlv(_SET, value))


def _time(moment: datetime) -> bytes:
    utc = moment.astimezone(UTC)
    if utc.year < _FIRST_GENERALIZED:
        return tlv(0x17, f"{utc:%y%m%d%H%M%SZ}".encode())
    return tlv(0x18, f"{utc:%Y%m%d%H%M%SZ}".encode())


def _signature_algorithm(algorithm: SignatureAlgorithm) -> bytes:
    match algorithm.scheme:
        case "pkcs1v15":
            return _RSA[algorithm.hash_name]
        case "ecdsa":
            return _ECDSA[algorithm.hash_name]
        case "pss":
            hashed = _HASHES[algorithm.hash_name]
            salt = tlv(_INTEGER, bytes([algorithm.hash.digest_size]))
            mask = tlv(_SEQUENCE, _MGF1, hashed)
            return tlv(_SEQUENCE, _PSS, tlv(_SEQUENCE, tlv(0xA0, hashed), tlv(0xA1, mask), tlv(0xA2, salt)))
