"""Base64 in pieces, both ways, strict: what is not base64 is an error with its place.

Lenient decoders drop what they do not know, and a corrupted file passes for a good one (spec §5: the
official reader does). Blanks are allowed, since XML writers wrap and indent, and reported.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pybase64

from edocx.errors import InputError, Text

QUANTUM: Final = 4
"""Characters that stand for three bytes."""

_LINE_BREAKS: Final = b"\r\n"
_BLANKS: Final = b"\r\n\t "
_FOREIGN: Final = re.compile(rb"[^A-Za-z0-9+/=\r\n\t ]")


class NotBase64(InputError):
    """The text is no base64; ``offset`` counts bytes of the text from its start."""

    default_code = "EDX-BASE64"

    def __init__(self, offset: int) -> None:
        super().__init__(
            Text(f"Base64 sai tại byte {offset}.", f"Invalid base64 at byte {offset}."),
            hint=Text("Yêu cầu bên gửi gửi lại tệp.", "Ask the sender for the file again."),
        )
        self.offset = offset


class Decoder:
    """Decodes base64 fed in pieces of any size.

    Attributes:
        wrapped: line breaks stood in the text.
        indented: blanks other than line breaks stood in it.
        sloppy: the bits after the last byte are not zero (RFC 4648 3.5).
        blanks: how many blanks of either kind.
        taken: bytes of text taken so far.
        carry: characters of the quantum not complete yet, at most three.
    """

    __slots__ = ("_ended", "blanks", "carry", "indented", "sloppy", "taken", "wrapped")

    def __init__(self, carry: bytes = b"") -> None:
        self.taken = self.blanks = 0
        self.carry = carry
        self.wrapped = self.indented = self.sloppy = self._ended = False

    def feed(self, piece: bytes | memoryview) -> bytes:
        """Return the bytes that become certain with this piece; raise `NotBase64`."""
        if not self.carry and not self._ended and len(piece) % 4 == 0:
            try:  # the common case, without a copy: one long run without blanks
                decoded = pybase64.b64decode(piece, validate=True)
            except binascii.Error:
                return self._feed_slowly(bytes(piece))
            self.taken += len(piece)
            if len(decoded) * 4 != len(piece) * 3:
                self._end(bytes(piece[-4:]))
            return decoded
        return self._feed_aligned(piece)

    def _feed_aligned(self, piece: bytes | memoryview) -> bytes:
        view = memoryview(piece)
        head = -len(self.carry) % 4
        body = head + (len(view) - head) // 4 * 4
        if self._ended or body <= head:
            return self._feed_slowly(bytes(piece))
        try:
            first = pybase64.b64decode(self.carry + bytes(view[:head]), validate=True) if head else b""
            rest = pybase64.b64decode(view[head:body], validate=True)
        except binascii.Error:
            return self._feed_slowly(bytes(piece))
        if len(first) * 4 != (4 if head else 0) * 3 or len(rest) * 4 != (body - head) * 3 or b"=" in bytes(view[body:]):
            return self._feed_slowly(bytes(piece))  # padding: let the careful path judge it
        tail = bytes(view[body:])
        if tail.translate(None, _BLANKS) != tail or _FOREIGN.search(tail):
            return self._feed_slowly(bytes(piece))
        self.carry = tail
        self.taken += len(view)
        return first + rest if first else rest

    def _feed_slowly(self, piece: bytes) -> bytes:
        foreign = _FOREIGN.search(piece)
        if foreign:
            raise NotBase64(self.taken + foreign.start())
        text = piece.translate(None, _LINE_BREAKS)
        self.wrapped = self.wrapped or len(text) != len(piece)
        dense = text.translate(None, _BLANKS)
        self.indented = self.indented or len(dense) != len(text)
        self.blanks += len(piece) - len(dense)
        if not dense:
            self.taken += len(piece)
            return b""
        if self._ended:  # something follows the padding
            raise NotBase64(self.taken + _first_dense(piece))
        whole = self.carry + dense
        body = len(whole) // 4 * 4
        padding = whole.find(b"=")
        if padding >= 0 and not _is_final_padding(whole, padding):
            raise NotBase64(self.taken + _place_of(piece, padding - len(self.carry)))
        if padding >= 0 and len(whole) % 4 == 0:
            self._end(whole[-4:])
        self.carry = whole[body:]
        self.taken += len(piece)
        return pybase64.b64decode(whole[:body], validate=True)

    def _end(self, quantum: bytes) -> None:
        self._ended = True
        self.sloppy = pybase64.b64encode(pybase64.b64decode(quantum)) != quantum

    def finish(self) -> None:
        """Say that the text is over; raise `NotBase64` when it breaks off inside a quantum."""
        if self.carry:
            raise NotBase64(self.taken)

    @property
    def canonical(self) -> bool:
        """Whether encoding the bytes again gives this text, up to line breaks."""
        return not (self.indented or self.sloppy)


def encode(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the base64 of bytes that come in pieces, without line breaks."""
    carry = b""
    for piece in pieces:
        data = carry + piece if carry else piece
        body = len(data) // 3 * 3
        carry = data[body:]
        if body:
            yield pybase64.b64encode(memoryview(data)[:body])
    if carry:
        yield pybase64.b64encode(carry)


def _is_final_padding(whole: bytes, start: int) -> bool:
    """Whether the ``=`` from ``start`` can be the end: at most two, at the third or fourth place of a quantum."""
    padding = whole[start:]
    return start % 4 in {2, 3} and padding in {b"=", b"=="} and start % 4 + len(padding) <= QUANTUM


def _first_dense(piece: bytes) -> int:
    return len(piece) - len(piece.lstrip(_BLANKS))


def _place_of(piece: bytes, nth: int) -> int:
    """Return where the nth character that is not blank stands (0 when it came with an earlier piece)."""
    count = -1
    for place, byte in enumerate(piece):
        if byte not in _BLANKS:
            count += 1
            if count >= nth:
                return place
    return 0
