"""Secrets at rest: HMAC secrets encrypted under a key outside the database, keys hashed, passwords scrypted.

An HMAC secret must be known in clear to check a signature, so it is encrypted (AES-256-GCM, bound to its agency);
LGSP keys and passwords are only compared, so nothing could give them back. A stolen database opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edocx.content import sync_folder
from edocx.errors import KeyFileError, Text

KEY_BYTES = 32
_NONCE = 12
_MARK = 4
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
"""16 MiB and some 50 ms for a guess: against a stolen table of passwords (OWASP's floor for scrypt)."""


class Vault:
    """Seals and opens secrets; the first key seals, every key opens (so that the key itself can be changed)."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._keys = {hashlib.sha256(b"edocx-hub-key" + key).digest()[:_MARK]: key for key in keys}
        self._mark = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} keys)"

    @classmethod
    def from_path(cls, path: Path, *, create: bool = False) -> Vault:
        """Read a key file: base64 of 32 bytes a line, the newest first.

        With ``create`` a missing file is made, readable by its owner alone. Raises `KeyFileError`.
        """
        return cls(read_keys(path, create=create))

    def seal(self, secret: str, *, bound_to: str) -> bytes:
        """Encrypt a secret so that it opens only for the same ``bound_to``."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self._keys[self._mark]).encrypt(nonce, secret.encode(), bound_to.encode())
        return self._mark + nonce + sealed

    def open(self, sealed: bytes, *, bound_to: str) -> str:
        """Return a secret; raise `KeyFileError` when no key opens it (wrong key file, or a row moved elsewhere)."""
        key = self._keys.get(sealed[:_MARK])
        try:
            if key is not None:
                body = sealed[_MARK + _NONCE :]
                return AESGCM(key).decrypt(sealed[_MARK : _MARK + _NONCE], body, bound_to.encode()).decode()
        except InvalidTag as error:
            raise _foreign() from error
        raise _foreign()

    def fingerprint(self, key: str, *, bound_to: str) -> bytes:
        """Return what is stored of a key that has full entropy: a keyed digest, quick to compare."""
        return hmac.digest(self._keys[self._mark], f"{bound_to}\0{key}".encode(), "sha256")

    def matches(self, key: str, stored: bytes, *, bound_to: str) -> bool:
        """Tell in constant time whether a key is the one whose fingerprint is stored."""
        message = f"{bound_to}\0{key}".encode()
        found = [hmac.compare_digest(hmac.digest(one, message, "sha256"), stored) for one in self._keys.values()]
        return any(found)


def read_keys(path: Path, *, create: bool = False) -> tuple[bytes, ...]:
    """Read a file of 32-byte keys, base64, one a line; see `Vault.from_path`."""
    if create and not path.exists():
        _make(path)
    try:
        lines = path.read_text("ascii").split()
        keys = tuple(base64.b64decode(line, validate=True) for line in lines)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise _unusable(path) from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise _unusable(path)
    return keys


def new_secret() -> str:
    """Return a secret that nobody can guess, in letters that survive every properties file."""
    return secrets.token_hex(24)


def hash_password(password: str) -> bytes:
    """Return salt and scrypt hash of a password."""
    salt = secrets.token_bytes(16)
    return salt + hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def check_password(password: str, stored: bytes) -> bool:
    """Tell in constant time whether a password fits its stored hash."""
    # JSON can hold half a surrogate ("\ud800"): no password of ours, and no reason to fail.
    told = password.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(hashlib.scrypt(told, salt=stored[:16], **_SCRYPT), stored[16:])


def _make(path: Path) -> None:
    line = base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            draft.chmod(0o600)  # a umask may have taken the owner's own right to read
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # whole or not at all: another process may read it in the same moment
        except FileExistsError:
            return
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path) from error


def _unusable(path: Path) -> KeyFileError:
    there = path.exists()
    return KeyFileError(
        Text("Không dùng được tệp khóa của trục.", "The hub's key file cannot be used.")
        if there
        else Text("Không có tệp khóa của trục.", "The hub's key file is not there."),
        hint=Text(
            "Đặt lại tệp khóa từ nơi cất giữ. Nếu đã mất hẳn: `edocx hub backup`, rồi `edocx hub restore --without-key`"
            " ở nơi mới và cấp lại bí mật cho mọi đơn vị.",
            "Put the key file back from where it is kept. If it is lost: `edocx hub backup`, then `edocx hub restore"
            " --without-key` elsewhere, and every agency gets a new secret.",
        ),
        code="EDX-HUB-KEY",
        where=str(path),
    )


def _foreign() -> KeyFileError:
    return KeyFileError(
        Text("Khóa của trục không mở được bí mật đã lưu.", "The hub's key does not open a stored secret."),
        hint=Text("Kiểm tra đúng tệp khóa của cơ sở dữ liệu này.", "Check that the key file belongs to this database."),
        code="EDX-HUB-KEY-FOREIGN",
    )
