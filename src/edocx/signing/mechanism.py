"""Mechanisms met in signatures that others made: which scheme, which hash, and whether a value fits a key.

Wider than `edocx.signing.algorithms`, which says what edocx itself produces: old and foreign signatures must be
judged too. That a value fits says nothing about whether its algorithm is still acceptable; that is `strength`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from asn1crypto import algos, core, keys
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from edocx.errors import SigningRefused, Text

MAX_RSA_BITS = 16_384
MAX_EXPONENT_BITS = 64
"""An RSA key beyond these costs minutes a check and no honest CA certifies it."""

VerifyingKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)
Scheme = Literal["pkcs1v15", "pss", "ecdsa", "dsa", "ed25519", "ed448"]

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - judged as weak later; here only computed
    "sha1": hashes.SHA1(),  # noqa: S303 - likewise
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512_224": hashes.SHA512_224(),
    "sha512_256": hashes.SHA512_256(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
_SCHEMES: dict[str, Scheme] = {
    "rsassa_pkcs1v15": "pkcs1v15",
    "rsassa_pss": "pss",
    "ecdsa": "ecdsa",
    "dsa": "dsa",
    "ed25519": "ed25519",
    "ed448": "ed448",
}
_WORDS: dict[Scheme, str] = {
    "pkcs1v15": "RSA-PKCS1v15",
    "pss": "RSA-PSS",
    "ecdsa": "ECDSA",
    "dsa": "DSA",
    "ed25519": "Ed25519",
    "ed448": "Ed448",
}


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A scheme with its hash; ``salt`` and ``mask_hash`` are of PSS (None: as long as the hash, the same hash)."""

    scheme: Scheme
    hash_name: str
    salt: int | None = None
    mask_hash: str | None = None

    @property
    def name(self) -> str:
        """The name shown in reports, such as ``RSA-PKCS1v15-SHA256``."""
        word = _WORDS[self.scheme]
        return word if self.scheme in {"ed25519", "ed448"} else f"{word}-{self.hash_name.upper()}"

    @classmethod
    def of_cms(cls, algorithm: algos.SignedDigestAlgorithm, digest_name: str) -> Mechanism:
        """Read the mechanism of a SignerInfo, CRL or certificate.

        ``digest_name`` counts where the algorithm names no hash itself. Raises ``ValueError`` for an unknown one.
        """
        scheme = _SCHEMES.get(algorithm.signature_algo)
        if scheme is None:
            raise ValueError("unknown signature algorithm")
        if scheme == "pss":
            parameters = algorithm["parameters"]
            mask = parameters["mask_gen_algorithm"]
            if mask["algorithm"].native != "mgf1" or parameters["trailer_field"].native not in {1, "trailer_field_bc"}:
                raise ValueError("unknown PSS parameters")
            hash_name = parameters["hash_algorithm"]["algorithm"].native
            return cls("pss", hash_name, parameters["salt_length"].native, mask["parameters"]["algorithm"].native)
        try:
            hash_name = algorithm.hash_algo
        except ValueError:
            hash_name = digest_name
        return cls(scheme, hash_name)

    def mismatch(self, key: VerifyingKey, signature: bytes, data: bytes) -> InvalidSignature | None:
        """Check a value over data in memory: None when it fits, else the failure as a value."""
        try:
            if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
                expected = "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "ed448"
                if self.scheme != expected:
                    return InvalidSignature("the key is of another scheme")
                key.verify(signature, data)
                return None
            return self.mismatch_of_digest(key, signature, digest(self.hash_name, data))
        except InvalidSignature as failure:
            return failure

    def mismatch_of_digest(self, key: VerifyingKey, signature: bytes, digested: bytes) -> InvalidSignature | None:
        """Check a value over a digest; EdDSA cannot (it signs data) and so never fits."""
        if self.hash_name not in _HASHES:
            return InvalidSignature("unknown hash")
        hashed = Prehashed(_HASHES[self.hash_name])
        try:
            match key:
                case rsa.RSAPublicKey() if self.scheme in {"pkcs1v15", "pss"}:
                    key.verify(signature, digested, self._padding(), hashed)
                case ec.EllipticCurvePublicKey() if self.scheme == "ecdsa":
                    key.verify(signature, digested, ec.ECDSA(hashed))
                case dsa.DSAPublicKey() if self.scheme == "dsa":
                    key.verify(signature, digested, hashed)
                case _:
                    return InvalidSignature("the key is of another scheme")
        except InvalidSignature as failure:
            return failure
        except (ValueError, UnsupportedAlgorithm) as failure:
            return InvalidSignature(str(failure))
        return None

    def _padding(self) -> padding.AsymmetricPadding:
        if self.scheme == "pss":
            own = _HASHES[self.hash_name]
            mask = _HASHES.get(self.mask_hash or self.hash_name)
            if mask is None:
                raise ValueError("unknown mask hash")
            return padding.PSS(padding.MGF1(mask), own.digest_size if self.salt is None else self.salt)
        return padding.PKCS1v15()


def digest(hash_name: str, data: bytes) -> bytes:
    """Digest data in memory; raise ``ValueError`` for a hash we do not know."""
    hasher = new_hash(hash_name)
    hasher.update(data)
    return finish(hasher)


def new_hash(hash_name: str) -> Any:
    """Start a hash by its name in asn1crypto (``sha3_256``, ``shake256``…); raise ``ValueError`` for an unknown one."""
    name = hash_name.lower()
    if name in {"sha512_224", "sha512_256"}:
        return hashlib.new(name)
    if name in _HASHES or name in {"shake128", "shake256"}:
        return hashlib.new({"shake128": "shake_128", "shake256": "shake_256"}.get(name, name))
    raise ValueError(f"unknown hash {hash_name[:40]}")


def finish(hasher: Any) -> bytes:
    """End a hash; SHAKE gives as many bytes as CMS wants (RFC 8702: 32 and 64)."""
    if hasher.name == "shake_128":
        return bytes(hasher.digest(32))
    if hasher.name == "shake_256":
        return bytes(hasher.digest(64))
    return bytes(hasher.digest())


def load_key(info: keys.PublicKeyInfo) -> VerifyingKey:
    """Return a public key for checking; raise `SigningRefused` (``EDX-KEY-UNUSABLE``) for one that cannot be.

    Keys meant for PSS only and moduli encoded as negative numbers (a fault of a large batch of identity cards,
    harmless: the number is meant unsigned) are read too.
    """
    try:
        if info.algorithm in {"rsa", "rsassa_pss"}:
            return _rsa_key(info)
        key = load_der_public_key(info.dump())
    except Exception as error:  # asn1crypto and OpenSSL raise many kinds for a malformed key
        raise _unusable() from error
    if not isinstance(key, VerifyingKey):
        raise _unusable()
    return key


def _rsa_key(info: keys.PublicKeyInfo) -> rsa.RSAPublicKey:
    parts = core.SequenceOf.load(bytes(info["public_key"].parsed.dump()), spec=core.Integer, strict=True)
    modulus, exponent = (int.from_bytes(part.contents, "big") for part in parts)
    if modulus.bit_length() > MAX_RSA_BITS or exponent.bit_length() > MAX_EXPONENT_BITS:
        raise ValueError("RSA key too large")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _unusable() -> SigningRefused:
    return SigningRefused(
        Text("Khóa công khai không dùng được để kiểm tra.", "The public key cannot be used for checking."),
        hint=Text("Chỉ nhận khóa RSA, EC, DSA, EdDSA đúng cấu trúc.", "Well-formed RSA, EC, DSA, EdDSA keys only."),
        code="EDX-KEY-UNUSABLE",
    )
