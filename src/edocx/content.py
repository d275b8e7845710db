"""Blob: content with its digest and size, in memory or on disk.

Everything that can exceed 1 MiB travels as a Blob and is read in pieces; nothing here holds a
whole file in memory unless it was bytes to begin with.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edocx.errors import EdocxError, InputError, LimitExceeded, StoreUnavailable, Text, UsageError

if sys.platform != "win32":
    import fcntl

PIECE = 256 * 1024
"""Bytes read at a time: large enough for hashing speed, small enough for flat memory."""

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BROKEN = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE})

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
    def from_path(cls, path: Path | str, *, limit: int | None = None) -> Blob:
        """Digest a file where it lies, in pieces; raise `InputError` when it cannot be read or is no ordinary file.

        With ``limit``, raises `LimitExceeded` as soon as it is longer than so many bytes.
        """
        place = Path(path)
        digest, size = hashlib.sha256(), 0
        try:
            with open(open_ordinary(place), "rb") as stream:
                if limit is not None and os.fstat(stream.fileno()).st_size > limit:
                    raise _too_long(place, limit)
                while piece := stream.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
                    if limit is not None and size > limit:
                        raise _too_long(place, limit)
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
    nothing half written stays. Raises ``OSError``, naming ``path``, and `UsageError` (``EDX-FILE-DEVICE``) where a
    device, pipe or socket stands: its name would be taken from everybody else.
    """
    _require_replaceable(path)
    with naming(path):
        temporary, stream = _new_part(path)
    try:
        with naming(path), stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if sys.platform != "win32":
                temporary.replace(path)  # while it is locked: nobody takes it for abandoned
        if sys.platform == "win32":
            temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # nobody knows the other name, and it is gone
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _require_replaceable(path: Path) -> None:
    if not path.name:  # "." or "/": beside it, nothing can be made
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        kind = path.stat().st_mode
    except OSError:  # nothing is there, or a link to nothing; what cannot be looked at cannot be written either
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise UsageError(
            Text("Nơi ghi kết quả là thiết bị, không phải tệp.", "The place for the result is a device, not a file."),
            hint=Text("Ghi vào một tệp.", "Name a file."),
            code="EDX-FILE-DEVICE",
            where=str(path),
        )


def _new_part(path: Path) -> tuple[Path, BinaryIO]:
    """Make ``.NAME.XXXXXXXXXXXX.part``, locked while it is open: who clears away can tell a dead process' file."""
    while True:
        place = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        try:
            stream = place.open("x+b")
        except OSError as error:
            error.filename = str(path)
            raise
        if sys.platform == "win32":
            return place, stream
        # Where the file system knows no locks, nobody else gets one either, and nothing is cleared away.
        with suppress(OSError):
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        # Between making and locking it, a process that clears away may have taken it for an abandoned one.
        if is_named(stream.fileno(), place):
            return place, stream
        stream.close()


def is_named(opened: int, path: Path) -> bool:
    """Say whether a path still names the file that this descriptor has open."""
    try:
        return os.path.samestat(os.fstat(opened), path.lstat())
    except FileNotFoundError:
        return False


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name into an ``OSError`` that comes without one: a full disk is noticed in a nameless write."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def disk_translated() -> Iterator[None]:
    """Turn a full, failing or forbidden disk into `StoreUnavailable` as `storage_error` does, and nothing else.

    For blocks in which a network may speak as well: its failures are ``OSError`` too, and not the disk's.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _DENIED | _FULL | _BROKEN:
            raise storage_error(error) from error
        raise


@contextmanager
def storage_translated() -> Iterator[None]:
    """Turn what the operating system says of files inside into an error with a remedy; see `storage_error`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error) from error


def storage_error(error: OSError, *, otherwise: EdocxError | None = None) -> EdocxError:
    """Say what the operating system says of a file, and what to do about it.

    ``EDX-FILE-DENIED`` (no right, or a read-only file system), ``EDX-DISK-FULL`` (or over quota; retryable) and
    ``EDX-DISK-IO`` (the device fails) are `StoreUnavailable`; anything else is ``otherwise``, or
    ``EDX-FILE-UNREADABLE``.
    """
    where = str(error.filename) if error.filename else None
    if error.errno in _DENIED:
        return StoreUnavailable(
            Text("Không có quyền ghi vào thư mục này.", "This folder may not be written to."),
            hint=Text("Cấp quyền ghi hoặc chọn thư mục khác.", "Grant the permission or choose another folder."),
            code="EDX-FILE-DENIED",
            where=where,
        )
    if error.errno in _FULL:
        return StoreUnavailable(
            Text("Ổ đĩa đã đầy.", "The disk is full."),
            hint=Text(
                "Giải phóng dung lượng rồi chạy lại; không có gì bị mất.",
                "Free some space and run it again; nothing was lost.",
            ),
            code="EDX-DISK-FULL",
            where=where,
            retryable=True,
        )
    if error.errno in _BROKEN:
        return StoreUnavailable(
            Text("Thiết bị lưu trữ báo lỗi đọc/ghi.", "The storage device reports an error."),
            hint=Text(
                "Kiểm tra ổ đĩa, dây nối, ổ mạng và nhật ký hệ thống rồi chạy lại.",
                "Check the disk, its cable or the network drive, and the system's log; then run it again.",
            ),
            code="EDX-DISK-IO",
            where=where,
        )
    return otherwise or InputError(
        Text(f"Không truy cập được tệp ({reason(error).vi}).", f"A file cannot be accessed ({reason(error).en})."),
        hint=Text("Kiểm tra đường dẫn và quyền truy cập.", "Check the path and the permissions."),
        code="EDX-FILE-UNREADABLE",
        where=where,
    )


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to disk (a no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_REASONS = {
    errno.ENOENT: Text("tệp hoặc thư mục không tồn tại", "no such file or folder"),
    errno.EISDIR: Text("đây là thư mục", "it is a folder"),
    errno.ENOTDIR: Text("đây không phải thư mục", "it is not a folder"),
    errno.EACCES: Text("không có quyền", "permission denied"),
    errno.ENAMETOOLONG: Text("tên quá dài", "its name is too long"),
    errno.ELOOP: Text("liên kết vòng", "its links run in a circle"),
    errno.EMFILE: Text("mở quá nhiều tệp", "too many open files"),
}


def reason(error: OSError) -> Text:
    """Say in both languages what the operating system says in one; what is rare stays as it is."""
    plain = error.strerror or "?"
    return _REASONS.get(error.errno or 0, Text(plain, plain))


def open_ordinary(path: Path) -> int:
    """Open a file for reading and return its descriptor; raise `InputError` when it is no ordinary file.

    A pipe would hang until somebody writes, a device like ``/dev/zero`` never ends, and neither can be read twice.
    Raises ``OSError`` when it cannot be opened, also for a folder.
    """
    flags = os.O_RDONLY
    for name in ("O_CLOEXEC", "O_BINARY", "O_NONBLOCK", "O_NOCTTY"):  # each system has its own of these
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise InputError(
        Text("Đây không phải một tệp thông thường.", "This is no ordinary file."),
        hint=Text("Chép nội dung ra một tệp rồi dùng tệp đó.", "Copy the content to a file and use that."),
        code="EDX-FILE-ORDINARY",
        where=str(path),
    )


def _too_long(place: Path, limit: int) -> LimitExceeded:
    return LimitExceeded(
        Text(f"Tệp dài hơn giới hạn {limit} byte.", f"The file is longer than the limit of {limit} bytes."),
        hint=Text("Kiểm tra xem có chọn nhầm tệp không.", "Check whether it is the right file."),
        code="EDX-LIMIT-FILE",
        where=str(place),
    )


def _unreadable(place: Path, error: OSError) -> InputError:
    said = reason(error)
    return InputError(
        Text(f"Không đọc được tệp ({said.vi}).", f"The file cannot be read ({said.en})."),
        hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
        code="EDX-FILE-UNREADABLE",
        where=str(place),
    )
