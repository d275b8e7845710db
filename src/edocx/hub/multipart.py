"""multipart/form-data of one small form (RFC 7578): where each field's bytes stand in a body that may be on disk."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from edocx.content import PIECE
from edocx.errors import Refused
from edocx.hub import refusal
from edocx.hub.bodies import Body

MAX_PARTS = 20
"""Fields of a form; the LGSP's has two. Against a body of nothing but delimiters."""

MAX_HEAD = 8 * 1024
"""Bytes of one field's headers."""

_BOUNDARY = re.compile(
    r"""^multipart/form-data\s*;.*?\bboundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE
)
_NAME = re.compile(rb"""content-disposition:[^\r\n]*?;\s*name=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name and where its bytes stand."""

    name: str
    start: int
    end: int


def fields(body: Body, content_type: str) -> dict[str, Field]:
    """Return the fields of a form by name; raise `Refused` for what is no form, or has a field twice."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise _bad()
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    read: dict[str, Field] = {}
    places = list(_places(body, delimiter))
    for place, following in itertools.pairwise(places):
        field = _field(body, place + len(delimiter), following)
        if field.name in read:
            raise _bad()
        read[field.name] = field
    if not places or body.read_at(places[-1] + len(delimiter), 2) != b"--":
        raise refusal.cut_body()
    return read


def _places(body: Body, delimiter: bytes) -> Iterator[int]:
    """Yield where the delimiter stands; the body begins as if a line had ended before it."""
    held, offset, count = b"\r\n", -2, 0
    for start in range(0, body.size, PIECE):
        held += body.read_at(start, PIECE)
        at = held.find(delimiter)
        while at >= 0:
            count += 1
            if count > MAX_PARTS:
                raise _bad()
            yield offset + at
            at = held.find(delimiter, at + len(delimiter))
        kept = len(delimiter) - 1
        offset += max(0, len(held) - kept)
        held = held[-kept:]


def _field(body: Body, start: int, end: int) -> Field:
    head, ended, _ = body.read_at(start, min(MAX_HEAD, end - start)).partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not ended or name is None:
        raise _bad()
    return Field((name[1] or name[2] or b"").decode("utf-8", "replace"), start + len(head) + len(ended), end)


def _bad() -> Refused:
    return Refused(
        refusal.bad_parameter("multipart").text,
        hint=refusal.empty_body().hint,
        code="EDX-HUB-EMPTY",
        where="multipart",
    )
