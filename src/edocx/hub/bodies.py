"""A body on its way in: to disk beyond a quarter of a megabyte, bounded, digested while it comes.

Official clients send the file with one CRLF behind it that its hash leaves out (axis-http.md §1.4). Both readings are
digested, with and without the last CRLF, and the signed hash decides which of them is the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from edocx.content import PIECE, Blob
from edocx.hub import refusal
from edocx.routing.store.failure import files_translated
from edocx.routing.transport.spool import Spool

_END = b"\r\n"
_DIGITS = 18
"""Digits of a length that is read as a number; one with more is too large, whatever it is."""


@dataclass(slots=True)
class Body:
    """A body received whole; its bytes can be read anywhere until it is closed."""

    size: int
    whole: str
    trimmed: str | None
    _memory: bytes
    _spool: Spool | None

    def file_by_hash(self, told: str) -> Blob:
        """Return the file whose SHA-256 was told, padded or as official clients print it; `Refused` when none fits."""
        for blob in self.readings():
            if any(hmac.compare_digest(told.strip().lower().encode(), form.encode()) for form in hash_forms(blob)):
                return blob
        raise refusal.wrong_hash()

    def readings(self) -> tuple[Blob, ...]:
        """Return what the file may be: without the one CRLF at its end, if there is one, then as received."""
        found = [self._blob(self.size, self.whole)]
        if self.trimmed is not None:
            found.insert(0, self._blob(self.size - len(_END), self.trimmed))
        return tuple(found)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``."""
        end = min(self.size, offset + size)
        return self._memory[offset:end] if self._spool is None else self._spool.read_at(offset, end - offset)

    def stretch(self, start: int, end: int) -> Blob:
        """Return the bytes from ``start`` to ``end`` as a file of their own."""
        if self._spool is None:
            return Blob.from_bytes(self._memory[start:end])
        digest = hashlib.sha256()
        for offset in range(start, end, PIECE):
            digest.update(self._spool.read_at(offset, min(PIECE, end - offset)))
        return self._spool.blob(sha256=digest.hexdigest(), size=end - start, start=start)

    def close(self) -> None:
        """Let go of the bytes."""
        if self._spool is not None:
            self._spool.close()

    def _blob(self, size: int, sha256: str) -> Blob:
        if self._spool is None:
            return Blob.from_bytes(self._memory[:size])
        return self._spool.blob(sha256=sha256, size=size)


def hash_forms(blob: Blob) -> tuple[str, str]:
    """Return a digest as hex, and as official clients print it: without the leading zero of each byte."""
    return blob.sha256, unpadded(blob.sha256)


def unpadded(sha256: str) -> str:
    """Return a digest's hex with each byte printed without zero padding (axis-http.md §1.4)."""
    return "".join(f"{byte:x}" for byte in bytes.fromhex(sha256))


async def receive(request: Request, *, limit: int, folder: Path, silence: float) -> Body:
    """Take a call's body in. Who waits with ``Expect: 100-continue`` is refused before a body that is too large comes.

    Who does not wait writes its whole file before it reads: what it sends is taken, so that it gets to its reply.

    Args:
        request: the call.
        limit: most bytes; beyond it `LimitExceeded`, and nothing more is read.
        folder: for what does not stay in memory; files there have no name, so a crash leaves nothing.
        silence: seconds to wait for the next piece, against clients that stop half-way.
    """
    announced = request.headers.get("content-length", "") if is_waiting(request.headers.get("expect", "")) else ""
    if announced.isascii() and announced.isdigit() and (len(announced) > _DIGITS or int(announced) > limit):
        raise refusal.too_large(limit)
    stream, intake = request.stream(), _Intake(limit, folder)
    try:
        while True:
            try:
                async with asyncio.timeout(silence):
                    piece = await anext(stream)
            except StopAsyncIteration:
                break
            except TimeoutError as error:
                raise refusal.slow_body() from error
            intake.count(piece)
            if intake.held > PIECE:
                with files_translated(str(folder)):
                    await asyncio.to_thread(intake.spill)
        if intake.spilled:
            with files_translated(str(folder)):
                await asyncio.to_thread(intake.spill)
        return intake.finish()
    except BaseException:
        intake.drop()
        raise


def is_waiting(expect: str) -> bool:
    """Tell by its Expect header whether a caller waits to be asked for its body."""
    return expect.strip().lower() == "100-continue"


class _Intake:
    """Counts, digests and puts aside; the last two bytes are held back, since they may be no part of the file."""

    def __init__(self, limit: int, folder: Path) -> None:
        self._limit, self._folder = limit, folder
        self._digest = hashlib.sha256()
        self._tail = b""
        self._parts: list[bytes] = []
        self._spool: Spool | None = None
        self.size = self.held = 0

    @property
    def spilled(self) -> bool:
        return self._spool is not None

    def count(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._limit:
            raise refusal.too_large(self._limit)
        self._parts.append(piece)
        self.held += len(piece)
        together = self._tail + piece
        self._digest.update(together[: -len(_END)])
        self._tail = together[-len(_END) :]

    def spill(self) -> None:
        if self._spool is None:
            self._spool = Spool(self._folder)
        for part in self._parts:
            self._spool.append(part)
        self._parts.clear()
        self.held = 0

    def finish(self) -> Body:
        trimmed = self._digest.hexdigest() if self._tail == _END else None
        self._digest.update(self._tail)
        return Body(self.size, self._digest.hexdigest(), trimmed, b"".join(self._parts), self._spool)

    def drop(self) -> None:
        if self._spool is not None:
            self._spool.close()
