"""Blob: content with its digest and size, in memory or on disk.

Everything that can exceed 1 MiB travels as a Blob and is read in pieces; nothing here holds a
whole file in memory unless it was bytes to begin with.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edocx.errors import InputError, LimitExceeded, Text

PIECE = 256 * 1024
"""Bytes read at a time: large enough for hashing speed, small enough for flat memory."""

READ_LIMIT = 64 * 1024 * 1024
"""Most bytes `Blob.read` gives at once, against content that claims to be small and is not."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Immutable content known by its SHA-256 (lower-case hex) and its size in bytes.

    Equality is of digest and size. `path` is set when the content is exactly that file.
    """

    sha256: str
    size: int
    path: Path | None = field(default=None, compare=False)
    _opener: Callable[[], BinaryIO] = field(default=io.BytesIO, compare=False, repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Blob:
        """Wrap bytes that are in memory already."""
        frozen = bytes(data)
        return cls(hashlib.sha256(frozen).hexdigest(), len(frozen), None, lambda: io.BytesIO(frozen))

    @classmethod
    def from_path(cls, path: Path | str) -> Blob:
        """Digest a file where it lies, in pieces; raise `InputError` when it cannot be read."""
        place = Path(path)
        digest, size = hashlib.sha256(), 0
        try:
            with place.open("rb") as stream:
                while piece := stream.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
        except OSError as error:
            raise _unreadable(place, error) from error
        return cls(digest.hexdigest(), size, place, lambda: place.open("rb"))

    @classmethod
    def from_opener(cls, opener: Callable[[], BinaryIO], *, sha256: str, size: int) -> Blob:
        """Wrap content that a function opens anew each time, whose digest is already known."""
        return cls(sha256, size, None, opener)

    def open(self) -> BinaryIO:
        """Open the content for reading from its first byte; the caller closes it."""
        return self._opener()

    def pieces(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield the content in pieces of at most ``size`` bytes."""
        with self.open() as stream:
            while piece := stream.read(size):
                yield piece

    def read(self, limit: int = READ_LIMIT) -> bytes:
        """Return the whole content; raise `LimitExceeded` when it is longer than ``limit`` bytes."""
        if self.size > limit:
            raise LimitExceeded(
                Text(
                    f"Nội dung dài {self.size} byte, vượt giới hạn {limit} byte.",
                    f"The content has {self.size} bytes, over the limit of {limit}.",
                ),
                hint=Text("Đọc từng phần bằng pieces().", "Read it in pieces() instead."),
            )
        return b"".join(self.pieces())

    def save(self, path: Path) -> Blob:
        """Write the content to ``path`` durably and whole, or not at all; return the Blob of that file."""
        write_durably(path, self.pieces())
        return Blob(self.sha256, self.size, path, lambda: path.open("rb"))


def write_durably(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file from pieces; see `durable_file` for what is promised."""
    with durable_file(path) as stream:
        for piece in pieces:
            stream.write(piece)


@contextmanager
def durable_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream to write; after a crash there is either the whole new file or what was there before.

    The stream is a temporary file beside ``path`` (readable and seekable too). When the block ends well it is
    fsynced, renamed over ``path``, and the folder is fsynced, so that the name is on disk too; when it does not,
    nothing half written stays. Raises ``OSError``.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with temporary.open("x+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to disk (a no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(place: Path, error: OSError) -> InputError:
    reason = error.strerror or "unknown"
    return InputError(
        Text(f"Không đọc được tệp ({reason}).", f"The file cannot be read ({reason})."),
        hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
        code="EDX-FILE-UNREADABLE",
        where=str(place),
    )
