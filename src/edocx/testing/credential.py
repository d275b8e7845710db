"""Credential: a private key with its certificate and the path above it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from edocx.errors import InputError, KeyFileError, Text, WrongPassword
from edocx.testing.certificates import PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a subscriber holds: key, certificate, and the intermediates above it (without the anchor)."""

    certificate: x509.Certificate
    private_key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def sha256(self) -> str:
        """The fingerprint of the DER certificate, lower-case hex, as registries key it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def signature_algorithm(self) -> str:
        """How `sign` signs, in asn1crypto's words: ``sha256_rsa`` (PKCS#1 v1.5) or ``sha256_ecdsa``."""
        return "sha256_rsa" if isinstance(self.private_key, rsa.RSAPrivateKey) else "sha256_ecdsa"

    def sign(self, data: bytes) -> bytes:
        """Sign ``data`` with SHA-256, as PKCS#1 v1.5 (what official-duty keys do) or DER-encoded ECDSA."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private_key.sign(data, ec.ECDSA(hashes.SHA256()))

    @property
    def certificate_pem(self) -> bytes:
        """The certificate and its intermediates as PEM, leaf first."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))

    def private_key_pem(self, password: bytes | None = None) -> bytes:
        """Return the key as PKCS#8 PEM, encrypted when a password is given."""
        protection = BestAvailableEncryption(password) if password else NoEncryption()
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    def pkcs12(self, password: bytes | None = None) -> bytes:
        """Return key, certificate and chain as PKCS#12 (PBES2 with AES-256; in the clear without a password)."""
        protection = BestAvailableEncryption(password) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(
            b"edocx test", self.private_key, self.certificate, self.chain, protection
        )

    def save(self, path: Path, password: bytes | None = None) -> Path:
        """Write the PKCS#12 file, readable by its owner only, and return its path."""
        write_secret(path, self.pkcs12(password))
        return path

    @classmethod
    def load(cls, path: Path, password: bytes | None = None) -> Credential:
        """Read a PKCS#12 file.

        Raises `InputError` when it cannot be read, `WrongPassword` when the password does not open it or the file is
        damaged (PKCS#12 cannot tell the two apart), `KeyFileError` when key or certificate is missing.
        """
        try:
            content = pkcs12.load_pkcs12(path.read_bytes(), password)
        except OSError as error:
            raise InputError(
                Text("Không đọc được tệp khóa.", f"The key file cannot be read ({error.strerror})."),
                hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
                code="EDX-FILE-UNREADABLE",
                where=str(path),
            ) from error
        except ValueError as error:
            raise WrongPassword(
                Text(
                    "Mật khẩu không mở được tệp khóa, hoặc tệp hỏng.",
                    "The password does not open the key file, or it is damaged.",
                ),
                hint=Text("Kiểm tra mật khẩu của tệp .p12.", "Check the password of the .p12 file."),
                where=str(path),
            ) from error
        key = content.key
        if content.cert is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise KeyFileError(
                Text("Tệp không có khóa kèm chứng thư.", "The file holds no key with its certificate."),
                hint=Text("Dùng tệp .p12 do edocx pki tạo.", "Use a .p12 file that edocx pki made."),
                where=str(path),
            )
        return cls(content.cert.certificate, key, tuple(one.certificate for one in content.additional_certs))

    def __repr__(self) -> str:
        return f"Credential(sha256={self.sha256[:16]}…)"


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner may read, from its first byte on."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(path)
