"""Keys in files: PKCS#12 (.p12, .pfx) and PEM with the certificate beside the key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from asn1crypto import pem, x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from edocx.content import reason
from edocx.errors import InputError, KeyFileError, Text, WrongPassword
from edocx.signing.algorithms import SignatureAlgorithm, algorithm_for
from edocx.signing.certificate import certificates_in, fingerprint, public_key
from edocx.signing.keys import Secrets
from edocx.signing.keys.settling import settle, settle_all

MAX_KEY_FILE = 1024 * 1024
"""A key with its chain has a few KiB; anything larger is something else."""


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A key loaded once (loading checks it, which costs tens of milliseconds) and kept."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithm: SignatureAlgorithm
    _key: Any = field(repr=False)

    @classmethod
    def open(
        cls,
        path: str,
        secrets: Secrets,
        *,
        scheme: Literal["pkcs1v15", "pss"] = "pkcs1v15",
        certificates: Iterable[x509.Certificate] = (),
    ) -> FileSigner:
        """Load a PKCS#12 or PEM file; see `edocx.signing.keys.open_signer` for what it raises."""
        data = _read(Path(path))
        if pem.detect(data):
            key, inside = _from_pem(data, path, secrets)
        else:
            key, inside = _from_pkcs12(data, path, secrets)
        held = tuple({fingerprint(one): one for one in (*inside, *certificates)}.values())
        own = _matching(key, held)
        if own is None:
            raise KeyFileError(
                Text("Không có chứng thư nào khớp với khóa.", "No certificate in the file fits the key."),
                hint=Text(
                    "Xuất lại tệp kèm đúng chứng thư của khóa.",
                    "Export the file again with the certificate that belongs to the key.",
                ),
                code="EDX-KEY-MISMATCH",
                where=path,
            )
        algorithm = algorithm_for(public_key(own), scheme)
        return cls(settle(own), settle_all(c for c in held if c is not own), algorithm, key)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest made with ``algorithm.hash_name``."""
        return self.algorithm.sign(self._key, digest)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_FILE + 1)
    except OSError as error:
        raise InputError(
            Text(
                f"Không mở được tệp khóa ({reason(error).vi}).", f"The key file cannot be opened ({reason(error).en})."
            ),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error
    if len(data) > MAX_KEY_FILE:
        raise _no_key(str(path))
    return data


def _from_pkcs12(data: bytes, path: str, secrets: Secrets) -> tuple[Any, tuple[x509.Certificate, ...]]:
    try:
        bundle = load_pkcs12(data, None)
    except ValueError:
        password = secrets(path)
        if password is None:
            # Without a password "wrong" and "not PKCS#12" look alike; the outer structure tells them apart.
            if not data.startswith(b"\x30"):
                raise _no_key(path) from None
            raise _wrong_password(path) from None
        try:
            bundle = load_pkcs12(data, password.encode())
        except ValueError as error:
            raise _wrong_password(path) from error
    if bundle.key is None or bundle.cert is None:
        raise _no_key(path)
    held = [bundle.cert, *bundle.additional_certs]
    ders = [item.certificate.public_bytes(Encoding.DER) for item in held]
    return bundle.key, tuple(x509.Certificate.load(der) for der in ders)


def _from_pem(data: bytes, path: str, secrets: Secrets) -> tuple[Any, tuple[x509.Certificate, ...]]:
    try:
        key = load_pem_private_key(data, None)
    except TypeError:  # what cryptography raises for "encrypted, and no password given"
        password = secrets(path)
        if password is None:
            raise _wrong_password(path) from None
        try:
            key = load_pem_private_key(data, password.encode())
        except ValueError as error:
            raise _wrong_password(path) from error
    except ValueError as error:
        raise _no_key(path) from error
    return key, certificates_in(data)


def _matching(key: Any, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate | None:
    wanted = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return next((c for c in certificates if c.public_key.dump() == wanted), None)


def _wrong_password(path: str) -> WrongPassword:
    return WrongPassword(
        Text("Mật khẩu không mở được tệp khóa.", "The password does not open the key file."),
        hint=Text("Kiểm tra mật khẩu rồi thử lại.", "Check the password and try again."),
        where=path,
    )


def _no_key(path: str) -> KeyFileError:
    return KeyFileError(
        Text("Tệp không chứa khóa bí mật dùng được.", "The file holds no usable private key."),
        hint=Text(
            "Cần PKCS#12 (.p12) hoặc PEM có khóa và chứng thư.",
            "Give a PKCS#12 (.p12) or a PEM with key and certificate.",
        ),
        where=path,
    )
