"""Keys that a user names on the command line, to check signatures that carry no certificate.

What a given key fits is intact; from whom it is, only the user knows. A shared secret (HMAC) counts only when it was
given as one: never does a certificate or public key found in a file serve as a secret (the HMAC confusion attack).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from asn1crypto import keys, pem, x509

from edocx.errors import InputError, SigningRefused, Text
from edocx.signing.certificate import certificates_in
from edocx.signing.mechanism import VerifyingKey, load_key

MAX_KEY_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class GivenKey:
    """One key: a certificate, a bare public key, or a shared secret; exactly one of the three is set."""

    certificate: x509.Certificate | None = None
    public: VerifyingKey | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_path(cls, path: Path) -> GivenKey:
        """Read PEM or DER; anything that is neither certificate nor public key is a shared secret, taken as it is.

        Private keys are refused (`InputError`): checking never needs one.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(
                Text(f"Không đọc được khóa ({error.strerror}).", f"The key cannot be read ({error.strerror})."),
                hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
                code="EDX-FILE-UNREADABLE",
                where=str(path),
            ) from error
        if b"PRIVATE KEY" in data or len(data) > MAX_KEY_FILE:
            raise InputError(
                Text("Tệp khóa không phải khóa công khai.", "The key file is no public key."),
                hint=Text("Đưa chứng thư hoặc khóa công khai.", "Give a certificate or a public key."),
                code="EDX-KEY-PRIVATE",
                where=str(path),
            )
        if certificates := certificates_in(data):
            return cls(certificate=certificates[0])
        try:
            der = pem.unarmor(data)[2] if pem.detect(data) else data
            return cls(public=load_key(keys.PublicKeyInfo.load(der, strict=True)))
        except (ValueError, TypeError, SigningRefused):
            return cls(secret=data)
