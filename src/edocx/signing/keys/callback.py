"""Anything else that can sign a digest: a phone, a queue, a colleague's service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from asn1crypto import x509

from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.keys.settling import settle_all


@dataclass(frozen=True, slots=True)
class CallbackSigner:
    """A signer made of a function that takes a digest and its algorithm and returns the signature.

    ECDSA signatures are DER. The function may raise `edocx.errors.SignaturePending`, which passes through: prepare,
    keep the `Prepared`, and complete when the answer comes.
    """

    certificate: x509.Certificate
    algorithm: SignatureAlgorithm
    sign: Callable[[bytes, SignatureAlgorithm], bytes] = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        settle_all((self.certificate, *self.chain))

    def sign_digest(self, digest: bytes) -> bytes:
        """Hand the digest to the function."""
        return self.sign(digest, self.algorithm)
