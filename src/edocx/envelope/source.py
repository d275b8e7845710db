"""The bytes behind an envelope: opened once, read anywhere, and views of what is encoded in them.

A view decodes on the fly, so that an attachment of 4 GB costs neither memory nor a second file. What a
view gives is checked against the digest taken while reading: a file changed under it is an error.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from edocx.content import PIECE, Blob, open_ordinary
from edocx.envelope.base64_stream import Decoder
from edocx.errors import InputError, Text, UsageError


class Source(Protocol):
    """Bytes that can be read anywhere, in any thread."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``, fewer only at the end."""
        ...

    def close(self) -> None:
        """Let go of the bytes; reading afterwards raises `UsageError`."""
        ...


class MemorySource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data: bytes | None = data

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``, fewer only at the end."""
        if self._data is None:
            raise _closed()
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Let go of the bytes."""
        self._data = None


class FileSource:
    """A file, or an anonymous one that has no name and is gone with its last reader, whatever happens."""

    def __init__(self, descriptor: int, size: int, path: Path | None = None) -> None:
        self.size = size
        self._descriptor: int | None = descriptor
        self._path = path
        self._detached = False
        self._lock = threading.Lock()

    @classmethod
    def from_path(cls, path: Path) -> FileSource:
        """Open a file; raise `InputError` when it cannot be read or is no ordinary file."""
        descriptor = _open(path)
        try:
            return cls(descriptor, os.fstat(descriptor).st_size, path)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def anonymous(cls, folder: Path | None) -> FileSource:
        """Make an empty temporary file without a name in ``folder``: a crash leaves nothing behind."""
        with tempfile.TemporaryFile(dir=folder, buffering=0) as stream:
            return cls(os.dup(stream.fileno()), 0)

    def append(self, data: bytes) -> None:
        """Write at the end (of an anonymous file)."""
        with self._lock:
            descriptor = self._opened()
            os.lseek(descriptor, self.size, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            self.size += len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``, fewer only at the end."""
        with self._lock:
            descriptor = self._opened()
            try:
                wanted = min(size, self.size - offset)  # asking beyond the end would cost one more call
                data = _read(descriptor, offset, wanted)
                while len(data) < wanted and (more := _read(descriptor, offset + len(data), wanted - len(data))):
                    data += more
            except OSError as error:
                raise _unreadable(self._path, error) from error
            finally:
                if self._detached:
                    self._close()
            return data

    def detach(self) -> None:
        """Close the file but go on reading it by its path, so that a kept envelope holds no open file."""
        if self._path is not None:
            with self._lock:
                self._detached = True
                self._close()

    def close(self) -> None:
        """Close the file for good."""
        with self._lock:
            self._detached = False
            self._close()

    def _opened(self) -> int:
        if self._descriptor is None:
            if not self._detached or self._path is None:
                raise _closed()
            self._descriptor = _open(self._path)
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        # An envelope whose attachments live in an anonymous file may outlive its reading; the last one closes it.
        self._close()


def _read(descriptor: int, offset: int, size: int) -> bytes:
    if size <= 0:
        return b""
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def _open(path: Path) -> int:
    try:
        return open_ordinary(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def pieces_of(source: Source, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the bytes from ``start`` to ``end`` in pieces."""
    stop = source.size if end is None else end
    while start < stop:
        piece = source.read_at(start, min(PIECE, stop - start))
        if not piece:
            raise _changed()
        yield piece
        start += len(piece)


class View(io.RawIOBase):
    """A seekable stream over something derived from a source, checked against its digest when read from end to end."""

    def __init__(self, size: int, sha256: str) -> None:
        super().__init__()
        self._size, self._sha256 = size, sha256
        self._position = self._hashed = 0
        self._digest = hashlib.sha256()

    @abstractmethod
    def fetch(self, position: int, size: int) -> bytes:
        """Return 1 to ``size`` bytes from ``position``, or ``b""`` when the source has no more."""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; raise `InputError` at the end when they are not those that were digested."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        wanted = min(size, self._size - self._position)
        if wanted <= 0:
            return b""
        parts, left = [], wanted
        while left:
            part = self.fetch(self._position + wanted - left, left)
            if not part:
                raise _changed()
            parts.append(part)
            left -= len(part)
        data = b"".join(parts) if len(parts) > 1 else parts[0]
        if self._position == self._hashed:
            self._digest.update(data)
            self._hashed += len(data)
            if self._hashed == self._size and self._digest.hexdigest() != self._sha256:
                raise _changed()
        self._position += len(data)
        return data


class PlainView(View):
    """Bytes that stand in the source as they are."""

    def __init__(self, source: Source, start: int, size: int, sha256: str) -> None:
        super().__init__(size, sha256)
        self._source, self._start = source, start

    def fetch(self, position: int, size: int) -> bytes:
        """Return the bytes at a position."""
        return self._source.read_at(self._start + position, size)


Mark = tuple[int, int, bytes]
"""Where decoding can start again: offset in the text, bytes decoded so far, characters carried over."""


class DecodedView(View):
    """The bytes that a run of base64 in the source stands for."""

    def __init__(self, source: Source, start: int, end: int, marks: Sequence[Mark], *, size: int, sha256: str) -> None:
        super().__init__(size, sha256)
        self._source, self._start, self._end = source, start, end
        self._marks = marks
        self._resume(0)

    def _resume(self, position: int) -> None:
        place = bisect_right([mark[1] for mark in self._marks], position) - 1 if position else 0
        text, self._decoded, carry = self._marks[place] if self._marks and place >= 0 else (0, 0, b"")
        self._next = self._start + text
        self._decoder = Decoder(carry)
        self._ready = b""

    def fetch(self, position: int, size: int) -> bytes:
        """Return the bytes at a position, decoding from the nearest mark when it is elsewhere."""
        if position != self._decoded:
            self._resume(position)
            while self._decoded < position:
                if not self._fill(PIECE):
                    return b""
                skipped = min(position - self._decoded, len(self._ready))
                self._ready = self._ready[skipped:]
                self._decoded += skipped
        if not self._ready and not self._fill(size):
            return b""
        data, self._ready = (self._ready, b"") if len(self._ready) <= size else (self._ready[:size], self._ready[size:])
        self._decoded += len(data)
        return data

    def _fill(self, size: int) -> bool:
        while not self._ready and self._next < self._end:
            piece = self._source.read_at(self._next, min(max(size // 3 * 4, 4), self._end - self._next))
            if not piece:
                return False
            self._next += len(piece)
            self._ready = self._decoder.feed(piece)
        return bool(self._ready)


def plain_blob(source: Source, start: int, size: int, sha256: str) -> Blob:
    """Return the Blob of bytes that stand in the source as they are."""
    return Blob.from_opener(lambda: cast("BinaryIO", PlainView(source, start, size, sha256)), sha256=sha256, size=size)


def decoded_blob(source: Source, start: int, end: int, marks: Sequence[Mark], *, size: int, sha256: str) -> Blob:
    """Return the Blob of what a run of base64 in the source stands for."""
    return Blob.from_opener(
        lambda: cast("BinaryIO", DecodedView(source, start, end, marks, size=size, sha256=sha256)),
        sha256=sha256,
        size=size,
    )


def _closed() -> UsageError:
    return UsageError(
        Text("Phong bì đã đóng, không đọc được nội dung nữa.", "The envelope is closed; its content is gone."),
        hint=Text("Đọc tệp trong khối with.", "Read attachments inside the with block."),
        code="EDX-ENVELOPE-CLOSED",
    )


def _changed() -> InputError:
    return InputError(
        Text("Tệp đã bị thay đổi trong khi đọc.", "The file changed while it was being read."),
        hint=Text("Chép tệp ra nơi không ai ghi rồi đọc lại.", "Copy it to where nobody writes and read it again."),
        code="EDX-FILE-CHANGED",
        retryable=True,
    )


def _unreadable(path: Path | None, error: OSError) -> InputError:
    reason = error.strerror or "unknown"
    return InputError(
        Text(f"Không đọc được tệp ({reason}).", f"The file cannot be read ({reason})."),
        hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
        code="EDX-FILE-UNREADABLE",
        where=str(path) if path else None,
    )
