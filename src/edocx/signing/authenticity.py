"""Whether a certificate, list or answer bears the signature of a key."""

from __future__ import annotations

from typing import Any

from asn1crypto import keys, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import DEFAULT_SIGNATURE_VALIDATOR

_BROKEN = (
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError),
    *(InvalidSignature, UnsupportedAlgorithm),
)


def certified(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether a certificate bears the signature of another's key; of names and rights this says nothing."""
    try:
        data = certificate["tbs_certificate"].dump()
        value, key = certificate["signature_value"].native, issuer.public_key
    except _BROKEN:
        return False
    return signed_with(data, value, certificate["signature_algorithm"], key)


def signed_with(data: bytes, value: bytes, algorithm: Any, key: keys.PublicKeyInfo) -> bool:
    """Say whether a value is the signature of a key over data; False too where it cannot be checked."""
    try:
        DEFAULT_SIGNATURE_VALIDATOR.validate_signature(value, data, key, algorithm)
    except _BROKEN:
        return False  # of another key, or of none that can be checked
    return True
