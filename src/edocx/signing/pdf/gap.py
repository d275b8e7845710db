"""Filling the gap that was left for a signature, in exactly the file it was left in."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from edocx.content import PIECE
from edocx.errors import SigningRefused, StateError, Text
from edocx.signing.pdf.prepared import Prepared


def require_unchanged(prepared: Prepared, stream: BinaryIO) -> None:
    """Digest the working file again; raise `StateError` (``EDX-SIGN-CHANGED``) when it is not what was prepared.

    Days may lie between the phases: a signature must not be written into another file.
    """
    start, end = prepared.gap
    digest = hashlib.new(prepared.hash_name)
    stream.seek(0, 2)
    size = stream.tell()
    inside = 0 < start < end - 2 < end <= size
    if inside:
        for begin, stop in ((0, start), (end, size)):
            _update(digest, stream, begin, stop)
        stream.seek(start)
        opening = stream.read(1)
        stream.seek(end - 1)
        inside = opening + stream.read(1) == b"<>"
    if not inside or digest.digest() != prepared.document_digest:
        raise StateError(
            Text("Tệp đang ký dở đã bị thay đổi.", "The file being signed was changed."),
            hint=Text("Chuẩn bị ký lại từ đầu.", "Prepare the signature again."),
            code="EDX-SIGN-CHANGED",
            where=str(prepared.working_file),
        )


def fill_gap(prepared: Prepared, content: bytes, stream: BinaryIO) -> None:
    """Write a DER value into the gap, over the whole of it, so that a second attempt leaves nothing of the first.

    Raises `SigningRefused` (``EDX-SIGN-GAP``) when it is too long.
    """
    if len(content) > prepared.room:
        raise SigningRefused(
            Text(
                f"Chữ ký dài {len(content)} byte, chỗ dành sẵn có {prepared.room} byte.",
                f"The signature has {len(content)} bytes; {prepared.room} were reserved.",
            ),
            hint=Text("Chuẩn bị ký lại với chỗ dành sẵn lớn hơn.", "Prepare again with more room reserved."),
            code="EDX-SIGN-GAP",
            where=str(prepared.working_file),
        )
    start, _ = prepared.gap
    stream.seek(start + 1)
    stream.write(content.hex().upper().encode().ljust(2 * prepared.room, b"0"))


def _update(digest: hashlib._Hash, stream: BinaryIO, begin: int, stop: int) -> None:
    stream.seek(begin)
    left = stop - begin
    while left > 0 and (piece := stream.read(min(PIECE, left))):
        digest.update(piece)
        left -= len(piece)
