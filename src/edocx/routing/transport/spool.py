"""Content put aside in a file without a name: read by position, so that several readers may share it."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edocx.content import PIECE, Blob


class Spool:
    """An anonymous file that grows at its end; it is gone with its last reader, whatever happens."""

    def __init__(self, folder: Path | None = None) -> None:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as stream:
            self._descriptor: int | None = os.dup(stream.fileno())

    def append(self, piece: bytes) -> None:
        """Write a piece whole."""
        view = memoryview(piece)
        while view:
            view = view[os.write(self._opened(), view) :]

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``."""
        return os.pread(self._opened(), size, offset)

    def blob(self, *, sha256: str, size: int, start: int = 0) -> Blob:
        """Return ``size`` bytes from ``start`` as a Blob that keeps the file open."""
        opener = lambda: io.BufferedReader(_Window(self, start, size), PIECE)  # noqa: E731
        return Blob.from_opener(opener, sha256=sha256, size=size)

    def close(self) -> None:
        """Let go of the bytes now."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            raise ValueError("the spool is closed")
        return self._descriptor

    def __del__(self) -> None:
        self.close()


def spooled(pieces: Iterable[bytes], folder: Path | None = None) -> Blob:
    """Return pieces as a Blob: in memory while they are few, else in a `Spool`."""
    digest, size, held = hashlib.sha256(), 0, b""
    spool: Spool | None = None
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if spool is None and size > PIECE:
            spool = Spool(folder)
            spool.append(held)
            held = b""
        if spool is None:
            held += piece
        else:
            spool.append(piece)
    return spool.blob(sha256=digest.hexdigest(), size=size) if spool is not None else Blob.from_bytes(held)


class _Window(io.RawIOBase):
    """A stretch of a spool, whatever others read of it."""

    def __init__(self, spool: Spool, start: int, size: int) -> None:
        super().__init__()
        self._spool, self._at, self._end = spool, start, start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        wanted = min(len(buffer), self._end - self._at)
        data = self._spool.read_at(self._at, wanted) if wanted > 0 else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
