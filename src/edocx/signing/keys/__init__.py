"""Keys by URI: a Signer sees a digest and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from asn1crypto import x509

from edocx.errors import Text, UsageError
from edocx.signing.algorithms import SignatureAlgorithm

Secrets = Callable[[str], str | None]
"""Asked for a password or PIN with the name of what it opens; None means "there is none"."""


class Signer(Protocol):
    """A private key with its certificate; only a digest crosses to it."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that belongs to the key."""
        ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Other certificates that came with it, in no order."""
        ...

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How this key signs."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest made with ``algorithm.hash_name``; raise `SigningRefused` or `Unavailable`."""
        ...


def no_secrets(_name: str) -> str | None:
    """Answer every question for a password with "none"."""
    return None


def open_signer(
    uri: str,
    secrets: Secrets = no_secrets,
    *,
    scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15",
) -> Signer:
    """Open a key by its URI: ``file:key.p12``, ``file:key.pem`` or a plain path.

    ``secrets`` is asked for the password only when the file needs one. Raises `UsageError` for another
    scheme, `KeyFileError` for a file without key and certificate, `WrongPassword`, `SigningRefused` for a weak key.
    """
    kind, separator, rest = uri.partition(":")
    if separator and kind == "file":
        uri = rest.removeprefix("//")
    elif separator and len(kind) > 1 and kind.isalnum():
        raise UsageError(
            Text(f"Không hỗ trợ khóa dạng “{kind}:”.", f"Keys of the form “{kind}:” are not supported."),
            hint=Text("Dùng file:đường-dẫn.p12 hoặc .pem.", "Use file:path.p12 or .pem."),
            code="EDX-KEY-SCHEME",
        )
    from edocx.signing.keys.file import FileSigner  # noqa: PLC0415 - adapters load when asked for

    return FileSigner.open(uri, secrets, scheme=scheme)
