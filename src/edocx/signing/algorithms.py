"""Signature algorithms: what can be produced, and how a digest is signed and checked.

Produced: RSA >= 2048 with PKCS#1 v1.5 or PSS, ECDSA P-256 and P-384, SHA-256/384/512 (TT 15/2025 #90-91).
Real official-duty signatures are PKCS#1 v1.5, so that is the default (spec #100). SHA-1 and RSA below 2048
cannot be produced at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from edocx.errors import SigningRefused, Text

MIN_RSA_BITS = 2048
"""Below this, factoring is in reach (TT 15/2025: RSA >= 2048)."""

Scheme = Literal["pkcs1v15", "pss", "ecdsa"]
HashName = Literal["sha256", "sha384", "sha512"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_XML_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_XML_MGF1 = "http://www.w3.org/2007/05/xmldsig-more#"
_DIGEST_URIS = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A scheme with its hash; ``sign`` and ``verify`` take the digest of the data, never the data."""

    scheme: Scheme
    hash_name: HashName

    @property
    def name(self) -> str:
        """The name shown in reports, such as ``RSA-PKCS1v15-SHA256``."""
        words = {"pkcs1v15": "RSA-PKCS1v15", "pss": "RSA-PSS", "ecdsa": "ECDSA"}
        return f"{words[self.scheme]}-{self.hash_name.upper()}"

    @property
    def xml_uri(self) -> str:
        """The SignatureMethod of XML-DSig (RFC 9231)."""
        match self.scheme:
            case "pkcs1v15":
                return f"{_XML_MORE}rsa-{self.hash_name}"
            case "pss":
                return f"{_XML_MGF1}{self.hash_name}-rsa-MGF1"
            case "ecdsa":
                return f"{_XML_MORE}ecdsa-{self.hash_name}"

    @property
    def xml_digest_uri(self) -> str:
        """The DigestMethod of XML-DSig with the same hash."""
        return _DIGEST_URIS[self.hash_name]

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash for `cryptography`."""
        return _HASHES[self.hash_name]

    def digest(self, data: bytes) -> bytes:
        """Digest data that is in memory."""
        hasher = hashes.Hash(self.hash)
        hasher.update(data)
        return hasher.finalize()

    def sign(self, key: Any, digest: bytes) -> bytes:
        """Sign a digest with a private key of `cryptography`; ECDSA signatures are DER."""
        if self.scheme == "ecdsa":
            return bytes(key.sign(digest, ec.ECDSA(Prehashed(self.hash))))
        return bytes(key.sign(digest, self._padding(), Prehashed(self.hash)))

    def matches(self, key: PublicKey, signature: bytes, digest: bytes) -> InvalidSignature | None:
        """Check a signature over a digest: None when it holds, else the failure as a value."""
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                if self.scheme != "ecdsa":
                    return InvalidSignature("an elliptic-curve key cannot make an RSA signature")
                key.verify(signature, digest, ec.ECDSA(Prehashed(self.hash)))
            else:
                if self.scheme == "ecdsa":
                    return InvalidSignature("an RSA key cannot make an ECDSA signature")
                key.verify(signature, digest, self._padding(), Prehashed(self.hash))
        except InvalidSignature as failure:
            return failure
        return None

    def _padding(self) -> padding.AsymmetricPadding:
        if self.scheme == "pss":
            return padding.PSS(padding.MGF1(self.hash), self.hash.digest_size)
        return padding.PKCS1v15()

    @classmethod
    def from_xml_uri(cls, uri: str) -> SignatureAlgorithm | None:
        """Find an algorithm that edocx accepts by its XML-DSig name; None for any other."""
        return _BY_XML_URI.get(uri)


def algorithm_for(key: object, scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15") -> SignatureAlgorithm:
    """Choose the algorithm for a public key; raise `SigningRefused` for keys that may not sign."""
    match key:
        case rsa.RSAPublicKey() if key.key_size >= MIN_RSA_BITS:
            return SignatureAlgorithm(scheme, "sha256")
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
            return SignatureAlgorithm("ecdsa", "sha256")
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP384R1):
            return SignatureAlgorithm("ecdsa", "sha384")
        case _:
            raise SigningRefused(
                Text("Khóa này không được phép dùng để ký.", "This kind of key may not sign."),
                hint=Text(
                    "Dùng khóa RSA từ 2048 bit, hoặc ECDSA P-256, P-384.",
                    "Use RSA of 2048 bits or more, or ECDSA P-256 or P-384.",
                ),
                code="EDX-KEY-WEAK",
            )


def describe_mechanism(mechanism: str, hash_name: str) -> str:
    """Name an algorithm found in a CMS the way `SignatureAlgorithm.name` does."""
    words = {"rsassa_pkcs1v15": "RSA-PKCS1v15", "rsassa_pss": "RSA-PSS", "ecdsa": "ECDSA"}
    return f"{words.get(mechanism, mechanism.upper())}-{hash_name.upper()}"


_BY_XML_URI = {
    algorithm.xml_uri: algorithm
    for scheme in ("pkcs1v15", "pss", "ecdsa")
    for hash_name in ("sha256", "sha384", "sha512")
    for algorithm in [SignatureAlgorithm(scheme, hash_name)]
}
