"""Keys by URI: a Signer sees a digest and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
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
    certificates: Iterable[x509.Certificate] = (),
) -> Signer:
    """Open a key by its URI.

    - ``file:key.p12``, ``file:key.pem`` or a plain path: PKCS#12 or PEM;
    - ``pkcs11:token=…;object=…?module-path=…``: token or HSM (RFC 7512; extra ``pkcs11``);
    - ``csc:https://host/csc/v2?credential=…``: remote signing service (extra ``remote``);
    - ``certificate:signer.crt``: the key is elsewhere, and each signature is awaited (`SignaturePending`).

    ``secrets`` is asked for the password or PIN only when one is needed, once. ``certificates`` are used where the key
    does not bring its own. For anything else make a `edocx.signing.keys.callback.CallbackSigner`. Raises `UsageError`
    for another scheme, `KeyFileError` for a file without key and certificate, `WrongPassword`, `SigningRefused` for a
    weak key, `Unavailable` for a token or service that is away.
    """
    kind, separator, rest = uri.partition(":")
    match kind if separator and len(kind) > 1 and kind.isalnum() else "":
        case "file":
            uri = rest.removeprefix("//")
        case "pkcs11":
            from edocx.signing.keys.pkcs11 import Pkcs11Signer  # noqa: PLC0415 - adapters load when asked for

            return Pkcs11Signer.open(uri, secrets, scheme=scheme, certificates=certificates)
        case "csc":
            from edocx.signing.keys.csc import CscSigner  # noqa: PLC0415

            return CscSigner.open(uri, secrets, scheme=scheme, certificates=certificates)
        case "certificate":
            from edocx.signing.keys.elsewhere import open_elsewhere  # noqa: PLC0415

            return open_elsewhere(Path(rest.removeprefix("//")), scheme=scheme, certificates=certificates)
        case "":
            pass
        case _:
            raise UsageError(
                Text(f"Không hỗ trợ khóa dạng “{kind}:”.", f"Keys of the form “{kind}:” are not supported."),
                hint=Text("Dùng file:, pkcs11:, csc: hoặc certificate:.", "Use file:, pkcs11:, csc: or certificate:."),
                code="EDX-KEY-SCHEME",
            )
    from edocx.signing.keys.file import FileSigner  # noqa: PLC0415

    return FileSigner.open(uri, secrets, scheme=scheme, certificates=certificates)
