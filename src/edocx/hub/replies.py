"""Replies as official clients need them: the JSON triple always, ASCII bytes only, never a null.

What the official client does with anything else is the table of axis-http.md §1.6; each row is a test.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edocx.content import Blob
from edocx.errors import EdocxError
from edocx.hub.wire import SYSTEM, ascii_of, wire_of
from edocx.routing.transport.axis_exchange import EDOCX

JSON_TYPE = "application/json; charset=utf-8"
NEEDED = {"sendEdoc": {"DocId": ""}, "getEdoc": {"data": ""}}
"""Members without which the official client stumbles over a refusal: by operation (axis-http.md §1.6)."""

ALL_NEEDED = {name: value for members in NEEDED.values() for name, value in members.items()}
"""Those members of every operation: for a reply to what was not read so far that its operation is known."""

_B64_PIECE = 3 * 64 * 1024
"""Bytes turned into base64 at a time: divisible by three, so that pieces can be joined."""

_OK = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong", EDOCX: 1}


@dataclass(frozen=True, slots=True)
class RawJson:
    """A member of a reply that is written as ASCII JSON already."""

    text: str


def ok(**members: Any) -> dict[str, Any]:
    """Return a success with further members."""
    return _OK | members


def failure(error: EdocxError, operation: str = "") -> tuple[dict[str, Any], int]:
    """Return the reply for an error, and its HTTP status.

    ``ErrorDesc`` is Vietnamese without diacritics; the sentence as it should be stands in ``ErrorDescVi``.
    """
    wire = wire_of(error)
    reply: dict[str, Any] = {
        "status": "FAIL",
        "ErrorCode": wire.number,
        "ErrorDesc": ascii_of(error.text.vi),
        "ErrorDescVi": error.text.vi,
        "ErrorDescEn": error.text.en,
        "EdxCode": error.code,
        EDOCX: 1,
    }
    if error.where and wire.status < SYSTEM.status:  # else it is a place on the hub's own disk, and in its log
        reply["EdxWhere"] = error.where
    return reply | NEEDED.get(operation, {}), wire.status


def broken(operation: str = "") -> tuple[dict[str, Any], int]:
    """Return the reply for what nobody foresaw: it says nothing of the cause, which is logged by its type alone."""
    reply = {
        "status": "FAIL",
        "ErrorCode": SYSTEM.number,
        "ErrorDesc": "Loi he thong",
        "ErrorDescVi": "Lỗi hệ thống",
        "ErrorDescEn": "System error",
        "EdxCode": "EDX-HUB-SYSTEM",
        EDOCX: 1,
    }
    return reply | NEEDED.get(operation, {}), SYSTEM.status


def to_bytes(reply: Mapping[str, Any]) -> bytes:
    """Write a reply as ASCII JSON: letters beyond it are escaped, since clients decode a 200 as US-ASCII."""
    plain = {name: value for name, value in reply.items() if not isinstance(value, RawJson)}
    text = json.dumps(plain, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for name, value in reply.items():
        if isinstance(value, RawJson):
            text = f'{text[:-1]}{"," if len(text) > len("{}") else ""}"{name}":{value.text}}}'
    return text.encode("ascii")


def without_nulls(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without their null members: one of them loses the whole list at the client."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def content_reply(blob: Blob, content: Iterable[bytes] | None = None) -> tuple[int, Iterator[bytes]]:
    """Return the length and the pieces of a success whose ``data`` is a content in base64, never whole in memory.

    ``content`` are its pieces, as they were checked; what they raise comes before the last piece of the reply.
    """
    head, tail = to_bytes(_OK)[:-1] + b',"data":"', b'"}'

    def pieces() -> Iterator[bytes]:
        yield head
        held = b""
        for piece in blob.pieces() if content is None else content:
            held += piece
            whole = len(held) - len(held) % _B64_PIECE
            if whole:
                yield base64.b64encode(held[:whole])
                held = held[whole:]
        yield base64.b64encode(held) + tail

    return len(head) + (blob.size + 2) // 3 * 4 + len(tail), pieces()
