"""CMS detached signatures (``.p7s``) for one file of any kind: CAdES B-B, and B-T with a timestamp (EN 319 122-1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from asn1crypto import x509

from edocx.content import PIECE, reason, storage_translated, write_durably
from edocx.errors import InputError, SigningRefused, Text
from edocx.signing.algorithms import HashName, SignatureAlgorithm
from edocx.signing.certificate import public_key
from edocx.signing.cms.content import signed_attributes, signed_data
from edocx.signing.keys import Signer

if TYPE_CHECKING:
    from edocx.signing.timestamp import Timestamper  # its module loads pyHanko, which no verdict on a seal needs


@dataclass(frozen=True, slots=True)
class PreparedCms:
    """A detached signature without its value; ``to_sign`` is the digest for `Signer.sign_digest`."""

    attributes: bytes
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithm: SignatureAlgorithm

    @property
    def to_sign(self) -> bytes:
        """The digest of the signed attributes."""
        return self.algorithm.digest(self.attributes)


def prepare(
    digest: bytes,
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    chain: Iterable[x509.Certificate] = (),
) -> PreparedCms:
    """Prepare a signature over content that the caller digested with ``algorithm.hash_name``; ``at`` is aware."""
    attributes = signed_attributes(digest, certificate, signing_time=at)
    return PreparedCms(attributes, certificate, tuple(chain), algorithm)


def complete(prepared: PreparedCms, signature: bytes, *, timestamps: Timestamper | None = None) -> bytes:
    """Check the value against the certificate and return the DER of the ``.p7s``.

    Raises `SigningRefused` (``EDX-SIGN-MISMATCH``), and `Unavailable` when a timestamp was wanted and none came.
    """
    failure = prepared.algorithm.matches(public_key(prepared.certificate), signature, prepared.to_sign)
    if failure is not None:
        raise SigningRefused(
            Text("Chữ ký nhận được không khớp với chứng thư.", "The signature does not fit the certificate."),
            hint=Text(
                "Kiểm tra khóa đã dùng có đúng chứng thư này không.",
                "Check that the key used belongs to this certificate.",
            ),
            code="EDX-SIGN-MISMATCH",
        ) from failure
    token = None
    if timestamps is not None:
        token = timestamps.timestamp(prepared.algorithm.digest(signature), prepared.algorithm.hash_name)
    return signed_data(
        prepared.certificate,
        prepared.chain,
        prepared.algorithm,
        prepared.attributes,
        signature,
        timestamp=token,
    )


@storage_translated()
def sign_file(source: Path, out: Path, signer: Signer, *, at: datetime, timestamps: Timestamper | None = None) -> Path:
    """Sign a file where it lies and write the detached signature to ``out``, whole or not at all.

    Raises `InputError` for a file that cannot be read and what `complete` raises.
    """
    prepared = prepare(
        digest_file(source, signer.algorithm.hash_name),
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        chain=signer.chain,
        at=at,
    )
    write_durably(out, [complete(prepared, signer.sign_digest(prepared.to_sign), timestamps=timestamps)])
    return out


def digest_file(path: Path, hash_name: HashName) -> bytes:
    """Digest a file in pieces; raise `InputError` when it cannot be read."""
    digest = hashlib.new(hash_name)
    try:
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
    except OSError as error:
        raise InputError(
            Text(f"Không đọc được tệp ({reason(error).vi}).", f"The file cannot be read ({reason(error).en})."),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error
    return digest.digest()
