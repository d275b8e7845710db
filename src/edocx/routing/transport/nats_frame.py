"""What goes over NATS in one message: a head in JSON, and bytes behind it. Pure.

::

    4 bytes   length of the head, big-endian
    head      one JSON object in UTF-8
    body      the rest: an envelope, a reply, or nothing
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from edocx.errors import InputError, Text

MAX_HEAD = 2 * 1024 * 1024
"""Bytes of a head: a list of 10,000 recipients stands in it; against one that only fills memory."""

_LENGTH = 4


class Frame(NamedTuple):
    """One message: its head, and the bytes behind it."""

    head: dict[str, Any]
    body: bytes


def pack(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Write a message."""
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return len(text).to_bytes(_LENGTH) + text + body


def unpack(data: bytes) -> Frame:
    """Read a message; raise `InputError` for what is none."""
    length = int.from_bytes(data[:_LENGTH])
    end = _LENGTH + length
    if len(data) < end or length > MAX_HEAD:
        raise _no_frame()
    try:
        head = json.loads(data[_LENGTH:end])
    except (ValueError, RecursionError) as error:
        raise _no_frame() from error
    if not isinstance(head, dict):
        raise _no_frame()
    return Frame(head, data[end:])


def _no_frame() -> InputError:
    return InputError(
        Text("Thông điệp NATS không đúng khuôn dạng.", "The NATS message has not the form of ours."),
        hint=Text("Kiểm tra bên gửi có phải edocx cùng đời.", "Check that its sender is an edocx of this generation."),
        code="EDX-NATS-FRAME",
    )
