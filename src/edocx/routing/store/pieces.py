"""A payload in even pieces, one row each: cut when it comes, read one at a time, never whole in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO


def even_pieces(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of exactly ``size``, the last one shorter: reading finds them by their number."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def piecewise(read: Callable[[int], bytes], *, size: int, piece: int) -> BinaryIO:
    """Return a stream over a payload of ``size`` bytes; ``read`` gives each piece by its number, from 0."""
    return io.BufferedReader(_PieceReader(read, size, piece), piece)


class _PieceReader(io.RawIOBase):
    def __init__(self, read: Callable[[int], bytes], size: int, piece: int) -> None:
        super().__init__()
        self._read, self._size, self._piece = read, size, piece
        self._at, self._number, self._held = 0, -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        if self._at >= self._size:
            return 0
        number, offset = divmod(self._at, self._piece)
        if number != self._number:
            self._held, self._number = self._read(number), number
        data = self._held[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
