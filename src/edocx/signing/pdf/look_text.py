"""The letters that a field's look shows, read back through its fonts; for both ways of reading a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from edocx.signing.pdf.fast.syntax import parse

MAX_MAP = 256 * 1024
"""Bytes of a font's map to Unicode."""

MAX_RANGE = 0xFF
"""Codes in one range of a map: only the last byte counts (ISO 32000-2 9.10.3)."""

LEAST_SIZE = 4.0
"""Points of letters that people read."""

_SHOWN = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)\s+([\d.+-]+)\s+Tf|([(<\[])")
_AFTER = re.compile(rb"\s*(?:Tj|TJ|'|\")")
_MORE = re.compile(rb"(?<![^\0\t\n\f\r \])>}])(?:Do|BI|sh|Tr|gs|[SsfFBb]\*?|[mlcvy]|Ts|Tz)(?![^\0\t\n\f\r \[(</{%])")
"""Pictures, shadings and lines, states from elsewhere, and letters that do not show or lie about."""

_MOVE = re.compile(rb"([\d.+-]+)\s+([\d.+-]+)\s+T[dD](?![A-Za-z])")

_SECTION = re.compile(rb"begin(bfchar|bfrange)(.*?)endbf(?:char|range)", re.DOTALL)
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:\[([^\]]*)\]|<([0-9A-Fa-f]+)>)")
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>")


@dataclass(frozen=True, slots=True)
class Letters:
    """How a font's codes are read: bytes each, its map to Unicode if it has one, and codes that are its own letters."""

    width: int = 1
    unicode: bytes | None = None
    own: frozenset[int] = frozenset()


def shows(data: bytes, said: str, letters_of: Callable[[str], Letters]) -> bool:
    """Say whether a look shows exactly the letters of a value, white space apart.

    ``letters_of`` gives the font of a name. Raises `NotPlain`, ``LookupError`` or ``ValueError`` where that cannot be
    read back.
    """
    return _bare(_text(data, letters_of)) == _bare(said)


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _text(data: bytes, letters_of: Callable[[str], Letters]) -> str:
    place, font, text = 0, Letters(), ""
    while found := _SHOWN.search(data, place):
        _require_plain(data[place : found.start()])
        if text and any(_goes_back(*one.groups()) for one in _MOVE.finditer(data[place : found.start()])):
            raise LookupError("letters in another order than they stand in")
        place = found.end()
        if found[1] is not None:
            font = letters_of(found[1].decode("latin-1"))
            if float(found[2]) < LEAST_SIZE:
                raise LookupError("letters that nobody reads")
            continue
        if data.startswith(b"<<", found.start()):
            place = found.start() + 2
            continue
        parsed = parse(data, found.start())
        place = parsed.end
        if _AFTER.match(data, place) is not None:
            pieces = parsed.value if isinstance(parsed.value, list) else [parsed.value]
            text += "".join(_decoded(piece, font) for piece in pieces if isinstance(piece, bytes))
    _require_plain(data[place:])
    return text


def _require_plain(between: bytes) -> None:
    if b"%" in between or _MORE.search(between):
        raise LookupError("a look that shows more than letters, or hides some")


def _goes_back(right: bytes, up: bytes) -> bool:
    return float(up) > 0 or (float(up) == 0 and float(right) < 0)


def _decoded(data: bytes, font: Letters) -> str:
    if font.unicode is not None:
        known = _unicode_of(font.unicode[:MAX_MAP])
        places = range(0, len(data), font.width)
        return "".join(known[int.from_bytes(data[place : place + font.width])] for place in places)
    if font.width != 1 or font.own & set(data):
        raise LookupError("letters of a font's own")
    return data.decode("cp1252")


def _unicode_of(data: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for kind, inside in _SECTION.findall(data):
        if kind == b"bfchar":
            codes = _codes(inside)
            found |= {int.from_bytes(a): b.decode("utf-16-be") for a, b in zip(codes[::2], codes[1::2], strict=True)}
            continue
        for low, high, listed, to in _RANGE.findall(inside):
            first, last = int(low, 16), int(high, 16)
            if last - first > MAX_RANGE:
                raise LookupError("a map beyond its range")
            letters = [one.decode("utf-16-be") for one in _codes(listed or b"<%s>" % to)]
            if not listed:
                letters = [letters[0][:-1] + chr(ord(letters[0][-1]) + more) for more in range(last - first + 1)]
            found |= dict(zip(range(first, last + 1), letters, strict=True))
    return found


def _codes(data: bytes) -> list[bytes]:
    return [bytes.fromhex(one.decode()) for one in _HEX.findall(data)]
