"""A key that is elsewhere: its certificate is known here, and its holder signs when he can, on a phone or abroad."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from asn1crypto import x509

from edocx.content import storage_translated
from edocx.errors import SignaturePending, Text
from edocx.signing.algorithms import SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import load_chain, public_key
from edocx.signing.keys.callback import CallbackSigner


def open_elsewhere(
    path: Path,
    *,
    scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15",
    certificates: Iterable[x509.Certificate] = (),
) -> CallbackSigner:
    """Open ``certificate:FILE``: PEM or DER, the signer's certificate first, others of its chain after it.

    Asked for a signature it raises `SignaturePending`: keep what was prepared, and complete it when the signature
    comes. Raises `InputError` for a file that cannot be read, `KeyFileError` for one without a certificate.
    """
    with storage_translated():
        found = (*load_chain([path]), *certificates)
    return CallbackSigner(found[0], algorithm_for(public_key(found[0]), scheme), _wait, tuple(found[1:]))


def _wait(_digest: bytes, _algorithm: SignatureAlgorithm) -> bytes:
    raise SignaturePending(
        Text("Khóa ở nơi khác: đang chờ chữ ký của người giữ khóa.", "The key is elsewhere: its holder has to sign."),
        hint=Text("Hoàn tất khi có chữ ký.", "Complete it when the signature comes."),
        retryable=True,
    )
