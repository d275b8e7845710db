"""Bytes of a file by place, in pieces, through one open descriptor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from edocx.content import PIECE
from edocx.signing.pdf.fast.syntax import NotPlain

WINDOW = 16 * 1024
"""Bytes first looked at around an object: most are much smaller."""

MAX_OBJECT = 16 * 1024 * 1024
"""Bytes of one object without its stream; the array of ten thousand pages has some hundred thousand."""


SMALL = 1024 * 1024
"""Bytes of a file that is read at once and kept while it is open."""

MAX_WORK = 8 * 1024 * 1024
"""Bytes parsed in one file, and on top of it a sixteenth of the file: a book of ten thousand pages takes a third.

Hostile files are all structure; what they cost here comes on top of what they cost on the long way.
"""


class Source:
    """A file opened for reading; closes with its context. Raises ``OSError`` when it cannot be opened."""

    __slots__ = ("_held", "_left", "_stream", "size")

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)
        self.size = self._stream.seek(0, os.SEEK_END)
        self._held: bytes | None = None
        if self.size <= SMALL:
            self._held = self._read(0, self.size)
            self.size = len(self._held)
        self._left = MAX_WORK + self.size // 16

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def spend(self, work: int) -> None:
        """Count so many bytes as parsed; raise `NotPlain` when it is enough."""
        self._left -= work
        if self._left < 0:
            raise NotPlain("more structure than any honest file has")

    def read(self, begin: int, end: int) -> bytes:
        """Return the bytes from ``begin`` up to ``end``, fewer where the file ends."""
        return self._read(begin, end) if self._held is None else self._held[begin:end]

    def _read(self, begin: int, end: int) -> bytes:
        parts: list[bytes] = []
        self._stream.seek(begin)
        while begin < end and (piece := self._stream.read(end - begin)):
            parts.append(piece)
            begin += len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def pieces(self, begin: int, end: int) -> Iterator[bytes | memoryview]:
        """Yield the bytes from ``begin`` up to ``end`` in pieces."""
        if self._held is not None:
            yield memoryview(self._held)[begin:end]
            return
        while begin < end and (piece := self.read(begin, min(end, begin + PIECE))):
            begin += len(piece)
            yield piece
