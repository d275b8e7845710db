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

_NUMBER = rb"([\d.+-]+)\s+"
_MATRIX = re.compile(_NUMBER * 6 + rb"(Tm|cm)(?![A-Za-z])")
_APART = re.compile(_NUMBER + rb"T([cL])(?![A-Za-z])")
_NEXT_LINE = re.compile(rb"T\*|['\"]")

DIGIT, NARROW, LOW = 0.45, 0.2, 0.5
"""Least width of a digit and of any letter, and least height of either, in parts of the size."""

_CLIP = re.compile(rb"[\d.+-]+\s+[\d.+-]+\s+" + _NUMBER * 2 + rb"re\s+W")

MAX_BACK = 300.0
"""Thousandths of the size by which a letter may stand closer than its neighbour's width; digits are 500 wide."""

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


def shows(data: bytes, said: str, letters_of: Callable[[str], Letters], box: tuple[float, float]) -> bool:
    """Say whether a look shows exactly the letters of a value, white space apart.

    ``letters_of`` gives the font of a name, ``box`` the width and height that the look has room in, in its own units.
    Raises `NotPlain`, ``LookupError`` or ``ValueError`` where that cannot be read back.
    """
    return _bare(_text(data, letters_of, _Pen(box))) == _bare(said)


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _text(data: bytes, letters_of: Callable[[str], Letters], pen: _Pen) -> str:
    place, font, text = 0, Letters(), ""
    while found := _SHOWN.search(data, place):
        pen.follow(data[place : found.start()], begun=bool(text))
        place = found.end()
        if found[1] is not None:
            font = letters_of(found[1].decode("latin-1"))
            pen.take(float(found[2]))
            continue
        if data.startswith(b"<<", found.start()):
            place = found.start() + 2
            continue
        parsed = parse(data, found.start())
        place = parsed.end
        if (shown := _AFTER.match(data, place)) is not None:
            pieces = parsed.value if isinstance(parsed.value, list) else [parsed.value]
            if any(isinstance(piece, (int, float)) and piece > MAX_BACK for piece in pieces):
                raise LookupError("letters set backwards")
            letters = "".join(_decoded(piece, font) for piece in pieces if isinstance(piece, bytes))
            pen.write(letters, shown[0])
            text += letters
            place = shown.end() if shown[0].strip() in {b"'", b'"'} else place
    pen.follow(data[place:], begun=False)
    return text


@dataclass(slots=True)
class _Pen:
    """Where letters are set, as far as that tells whether people read them in the order that they stand in."""

    box: tuple[float, float]
    size: float = 0.0
    scale: float = 1.0
    within: float = 1.0
    leading: float = 0.0
    at: tuple[float, float] | None = None

    def take(self, size: float) -> None:
        self.size = size
        self._require_seen()

    def follow(self, between: bytes, *, begun: bool) -> None:
        """Note what stands between texts; raise `LookupError` for what turns, shrinks or moves letters back."""
        _require_plain(between)
        if begun and any(_goes_back(*one.groups()) for one in _MOVE.finditer(between)):
            raise LookupError("letters in another order than they stand in")
        for found in _MATRIX.finditer(between):
            self._turn([float(one) for one in found.groups()[:6]], found[7], begun=begun)
        for width, height in _CLIP.findall(between):
            self.box = (
                min(self.box[0], abs(float(width)) * self.within),
                min(self.box[1], abs(float(height)) * self.within),
            )
        for number, what in _APART.findall(between):
            if what == b"c" and float(number) < -1:
                raise LookupError("letters set backwards")
            self.leading = float(number) if what == b"L" else self.leading
        if _NEXT_LINE.search(between):
            self._require_below()

    def write(self, letters: str, operator: bytes) -> None:
        """Take note of letters shown; raise `LookupError` where they cannot have room in the box."""
        if operator.strip() in {b"'", b'"'}:
            self._require_below()
        drawn = self.size * self.scale * self.within
        least = drawn * sum(DIGIT if one.isdigit() else NARROW for one in letters if not one.isspace())
        if least > self.box[0] or drawn * LOW > self.box[1]:
            raise LookupError("letters that do not fit into their box")

    def _turn(self, matrix: list[float], operator: bytes, *, begun: bool) -> None:
        a, b, c, d, right, up = matrix
        if b or c or a <= 0 or d <= 0 or (begun and operator == b"cm"):
            raise LookupError("letters turned or mirrored")
        if operator == b"cm":
            self.within *= min(a, d)
        else:
            if begun and self.at is not None and _goes_back(b"%f" % (right - self.at[0]), b"%f" % (up - self.at[1])):
                raise LookupError("letters in another order than they stand in")
            self.scale, self.at = min(a, d), (right, up)
        self._require_seen()

    def _require_seen(self) -> None:
        if self.size and self.size * self.scale * self.within < LEAST_SIZE:
            raise LookupError("letters that nobody reads")

    def _require_below(self) -> None:
        if self.leading < LEAST_SIZE:
            raise LookupError("lines one over another")


def _require_plain(between: bytes) -> None:
    if b"%" in between or b"/OC" in between or _MORE.search(between):
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
