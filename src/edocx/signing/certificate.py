"""Certificates: reading them from files, and saying whose they are."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar

from asn1crypto import crl, ocsp, pem, x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from edocx.errors import KeyFileError, SigningRefused, Text
from edocx.signing.algorithms import PublicKey
from edocx.signing.report import CertificateInfo

T = TypeVar("T")

MAX_CERTIFICATES = 10_000
"""In one file; a chain bomb holds more."""

MAX_REMEMBERED = 8 * 1024
"""Bytes of a certificate that is remembered; real ones have two thousand, and memory is not for strangers to fill."""

MAX_SHELF = 4 * 1024 * 1024
"""Bytes of what is kept parsed; parsed it takes ten to forty times as much. National lists have up to a megabyte."""

REMEMBERED = 256
"""Certificates remembered: an office hears from some hundred units again and again."""


def certificates_in(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates in PEM or DER bytes, none if there is none; keys and CRLs are passed over."""
    return tuple(_parsed(data, "CERTIFICATE", x509.Certificate))


def revocation_lists_in(data: bytes) -> tuple[crl.CertificateList, ...]:
    """Return the CRLs in PEM or DER bytes, none if there is none."""
    return tuple(_parsed(data, "X509 CRL", crl.CertificateList))


def ocsp_responses_in(data: bytes) -> tuple[ocsp.OCSPResponse, ...]:
    """Return the OCSP answer in DER bytes, none if there is none."""
    return tuple(_parsed(data, "OCSP RESPONSE", ocsp.OCSPResponse))


def parse_certificate(der: bytes) -> x509.Certificate:
    """Parse one certificate to its last field; raise ``ValueError`` for anything malformed.

    asn1crypto parses when asked, so that a fault would show wherever a field is first looked at.
    """
    try:
        certificate = x509.Certificate.load(der, strict=True)
        certificate.native  # noqa: B018 - looks at every field
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError, RecursionError) as error:
        raise ValueError("malformed certificate") from error
    return certificate


def remembered_certificate(der: bytes) -> x509.Certificate:
    """Return `parse_certificate` of the bytes, remembered: a correspondent's certificate comes with every envelope.

    It is shared between callers and threads, parsed to its last field, and must not be changed.
    """
    return _parse_remembered(der) if len(der) <= MAX_REMEMBERED else parse_certificate(der)


_parse_remembered = lru_cache(maxsize=REMEMBERED)(parse_certificate)


def describe(certificate: x509.Certificate) -> CertificateInfo:
    """Say whose certificate this is, in RFC 4514 order and with the serial in hex."""
    return _remembered(_descriptions, certificate, _described)


def der_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate's DER; asn1crypto looks at every field again each time it is asked for it."""
    return _remembered(_encodings, certificate, lambda one: bytes(one.dump()))


_encodings: dict[bytes, bytes] = {}
_descriptions: dict[bytes, CertificateInfo] = {}
_keys: dict[bytes, PublicKey] = {}


def _remembered(known: dict[bytes, T], certificate: x509.Certificate, make: Callable[[x509.Certificate], T]) -> T:
    """Return what was made of a certificate before, by its fingerprint, or make it; small, and emptied when full."""
    name = bytes(certificate.sha256)
    found = known.get(name)
    if found is None:
        found = make(certificate)
        if len(known) >= REMEMBERED:
            known.clear()
        if len(certificate.contents) <= MAX_REMEMBERED:
            known[name] = found
    return found


def _described(certificate: x509.Certificate) -> CertificateInfo:
    return CertificateInfo(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        serial=f"{certificate.serial_number:X}",
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
        sha256=fingerprint(certificate),
        managed_by=_organisation(certificate.issuer),
    )


def _organisation(name: x509.Name) -> str:
    """Return the organisation of a name (O), the whole name where there is none."""
    held = name.native.get("organization_name") if isinstance(name.native, dict) else None
    first = held[0] if isinstance(held, list) and held else held
    return unicodedata.normalize("NFC", first) if isinstance(first, str) and first else _name(name)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate's DER in lower-case hex."""
    return bytes(certificate.sha256).hex()


def public_key(certificate: x509.Certificate) -> PublicKey:
    """Return the certificate's public key; raise `SigningRefused` for anything but RSA and EC."""
    return _remembered(_keys, certificate, _load_key)


def _load_key(certificate: x509.Certificate) -> PublicKey:
    try:
        key = load_der_public_key(certificate.public_key.dump())
    except Exception as error:  # asn1crypto and OpenSSL raise many kinds for a malformed key
        raise _unusable_key() from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise _unusable_key()
    return key


def load_chain(paths: Iterable[Any]) -> tuple[x509.Certificate, ...]:
    """Read every certificate of the files given; raise `KeyFileError` for a file that holds none."""
    found: list[x509.Certificate] = []
    for path in paths:
        inside = certificates_in(path.read_bytes())
        if not inside:
            raise KeyFileError(
                Text("Tệp không chứa chứng thư số.", "The file holds no certificate."),
                hint=Text("Cần tệp PEM hoặc DER.", "A PEM or DER file is needed."),
                where=str(path),
            )
        found += inside
    return tuple(found)


def _parsed(data: bytes, label: str, kind: Any) -> Iterable[Any]:
    if pem.detect(data):
        try:
            pieces = [der for name, _, der in pem.unarmor(data, multiple=True) if name == label]
        except ValueError:
            return
    else:
        pieces = [data]
    for count, der in enumerate(pieces):
        if count >= MAX_CERTIFICATES:
            return
        value = _SHELF.find(der, kind) if len(pieces) == 1 else _parsed_one(der, kind)
        if value is not None:
            yield value


def _parsed_one(der: bytes, kind: Any) -> Any:
    try:
        value = kind.load(der, strict=True)
        value.native  # noqa: B018 - asn1crypto parses lazily; a fault must show here
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return value


class _Shelf:
    """Certificates, lists and answers parsed before: a week's files of one authority bring the same list along.

    What is taken from it is shared between callers and threads, and must not be changed.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, bytes], tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def find(self, der: bytes, kind: Any) -> Any:
        """Return the value of some bytes, None for what is none; remembered within `MAX_SHELF`."""
        if len(der) > MAX_SHELF // 4:
            return _parsed_one(der, kind)
        name = (kind.__name__, hashlib.sha256(der).digest())
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name][0]
        value = _parsed_one(der, kind)
        if value is not None:
            with self._lock:
                self._put(name, value, len(der))
        return value

    def _put(self, name: tuple[str, bytes], value: Any, size: int) -> None:
        if name not in self._held:
            self._held[name] = (value, size)
            self._size += size
        while self._size > MAX_SHELF:
            _, (_, gone) = self._held.popitem(last=False)
            self._size -= gone


_SHELF = _Shelf()


def _name(name: x509.Name) -> str:
    words = {
        "common_name": "CN", "organization_name": "O", "organizational_unit_name": "OU", "country_name": "C",
        "locality_name": "L", "state_or_province_name": "ST", "email_address": "E", "user_id": "UID", "title": "T",
    }  # fmt: skip
    parts = []
    for rdn in reversed(list(name.chosen)):
        for item in rdn:
            kind = item["type"].native
            parts.append(f"{words.get(kind, kind)}={item['value'].native}")
    return ", ".join(parts)


def _unusable_key() -> SigningRefused:
    return SigningRefused(
        Text("Khóa trong chứng thư không dùng được.", "The key in the certificate cannot be used."),
        hint=Text("Chỉ nhận khóa RSA và ECDSA.", "Only RSA and ECDSA keys are accepted."),
        code="EDX-KEY-UNUSABLE",
    )
