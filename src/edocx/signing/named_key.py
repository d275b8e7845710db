"""Keys by name: a public key and its algorithm as one line of text, for signed data that names who may sign it.

``ecdsa-sha256:BASE64`` or ``rsa-pkcs1v15-sha256:BASE64``, the base64 being the key's SubjectPublicKeyInfo (RFC 5280
4.1). The algorithm stands in the name, so that whoever signs cannot choose a weaker one. No certificate is asked for:
whoever lists the key answers for it, and withdraws it by listing it no more.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from asn1crypto import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from edocx.errors import Refused, SigningRefused, Text
from edocx.signing.algorithms import HashName, PublicKey, Scheme, SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import public_key
from edocx.signing.keys import Signer

MAX_KEY = 4096
"""Characters of a key's name; RSA of 8192 bits has 1,500."""

_SCHEMES: dict[str, Scheme] = {"rsa-pkcs1v15": "pkcs1v15", "rsa-pss": "pss", "ecdsa": "ecdsa"}
_HASHES: tuple[HashName, ...] = ("sha256", "sha384", "sha512")
_WORDS = {
    f"{word}-{hash_name}": SignatureAlgorithm(scheme, hash_name)
    for word, scheme in _SCHEMES.items()
    for hash_name in _HASHES
}
_NAMES = {algorithm: word for word, algorithm in _WORDS.items()}


def key_name(certificate: x509.Certificate, algorithm: SignatureAlgorithm | None = None) -> str:
    """Return the name of a certificate's key; raise `SigningRefused` for a key that may not sign."""
    chosen = algorithm or algorithm_for(public_key(certificate))
    return f"{_NAMES[chosen]}:{base64.b64encode(certificate.public_key.dump()).decode()}"


def sign_named(signer: Signer) -> Callable[[bytes], tuple[str, bytes]]:
    """Make the function that signs content with a signer and returns its key's name and the signature."""
    name, algorithm = key_name(signer.certificate, signer.algorithm), signer.algorithm

    def sign(content: bytes) -> tuple[str, bytes]:
        return name, signer.sign_digest(algorithm.digest(content))

    return sign


def is_key_name(text: str) -> bool:
    """Say whether a text has the form of a key's name (and is no path of a certificate)."""
    return text.partition(":")[0] in _WORDS


def check_named(key: str, signature: bytes, content: bytes) -> None:
    """Return when a signature over content is that of a named key.

    Raises `Refused` ``EDX-KEY-NAME`` for what names no key that may sign, ``EDX-SIGNATURE-VALUE`` when it is not.
    """
    algorithm, loaded = _parse(key)
    failure = algorithm.matches(loaded, signature, algorithm.digest(content))
    if failure is not None:
        raise Refused(
            Text("Chữ ký không khớp với khóa này.", "The signature is not this key's."),
            hint=Text("Tải lại bản công bố.", "Fetch what was published again."),
            code="EDX-SIGNATURE-VALUE",
        ) from failure


def _parse(key: str) -> tuple[SignatureAlgorithm, PublicKey]:
    word, _, encoded = key.partition(":")
    algorithm = _WORDS.get(word)
    if algorithm is None or len(key) > MAX_KEY:
        raise _no_key()
    try:
        loaded = load_der_public_key(base64.b64decode(encoded, validate=True))
        algorithm_for(loaded)  # too short a key, or another curve, may not sign
    except (ValueError, binascii.Error, UnsupportedAlgorithm, SigningRefused) as error:
        raise _no_key() from error
    if not isinstance(loaded, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise _no_key()
    return algorithm, loaded


def _no_key() -> Refused:
    return Refused(
        Text("Tên khóa không đọc được hoặc khóa không được phép ký.", "The key's name is none, or it may not sign."),
        hint=Text("Lấy lại tên khóa từ nơi công bố.", "Get the key's name from its publisher again."),
        code="EDX-KEY-NAME",
    )
