"""The words of a page as its reader sees them, in rows, each letter with its place.

poppler tells where words stand, not letters: those are shared out within a word by the widths of our typeface, the
metric twin of the one that NĐ 30/2020 Phụ lục I asks for.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from uharfbuzz import Face as HarfBuzzFace
from uharfbuzz import Font

from edocx.documents import Box
from edocx.fonts import Face
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.page_text import SizedLine, pages_with_words, sized_lines
from edocx.signing.pdf.page_view import PageView, page_view

MAX_WORDS = 20_000
"""Of one page that are looked at; a full page of small print has some two thousand."""

BLANK = frozenset(" .…_‥·\N{NO-BREAK SPACE}")
"""What is printed where something is still to be filled in."""

LINE_HEIGHT, DESCENT = 1.107, 0.216
"""Of Times New Roman, in font sizes: from the lowest to the highest point of a line, and below its baseline."""

_SAME_ROW = 0.4
"""Of a word's height: how far the middles of words of one row may differ."""

_BREAK = 1.5
"""Of a row's height: a gap this wide begins another line, in the next column."""

_TALLEST = 60.0
"""Points: what is higher stands upright in the margin, or is no text."""

_SAME_PAGE = 1.0
"""Points by which the sizes of a page may differ that two tools tell."""

_WIDTH_OF_UNKNOWN = 1000
"""Of a letter that the typeface lacks, in its own units."""

_FARTHEST = 1e6
"""Points from the corner of the page: a file may place words anywhere."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box in points, from the bottom-left corner of the page as seen."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float | None = None
    """Of its letters in points, where poppler tells it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Words side by side: the text with single spaces, and the left and right edge of each of its characters.

    ``starts`` says at which characters a line begins: at the first, and behind every wide gap. ``size`` is that of its
    letters: the height of words is a matter of their typeface, and half as much again in one as in another.
    """

    text: str
    edges: tuple[tuple[float, float], ...]
    starts: tuple[int, ...]
    bottom: float
    top: float
    size: float

    @property
    def baseline(self) -> float:
        """Where the letters stand."""
        return self.bottom + DESCENT * self.size

    @property
    def left(self) -> float:
        """Of the first letter."""
        return self.edges[0][0]

    @property
    def right(self) -> float:
        """Of the last letter."""
        return self.edges[-1][1]

    @property
    def middle(self) -> float:
        """Between both ends."""
        return (self.left + self.right) / 2

    def part(self, begin: int, end: int) -> Row:
        """Return some of its characters as a row of their own."""
        starts = tuple(start - begin for start in self.starts if begin < start < end)
        return Row(self.text[begin:end], self.edges[begin:end], (0, *starts), self.bottom, self.top, self.size)

    def line_start(self, place: int) -> int:
        """Return where the line begins that a character is in."""
        return max(start for start in self.starts if start <= place)

    def line_end(self, place: int) -> int:
        """Return where the line ends that a character is in."""
        return min((start for start in self.starts if start > place), default=len(self.text) + 1) - 1

    def lines(self) -> list[Row]:
        """Return the lines of its columns."""
        return [self.part(start, self.line_end(start)) for start in self.starts]


@dataclass(frozen=True, slots=True)
class PageWords:
    """The rows of a page from the top, and its size as seen; no rows where it is a picture."""

    page: int
    size: tuple[float, float]
    rows: tuple[Row, ...]

    def covers_text(self, box: Box) -> bool:
        """Say whether something that is no blank is printed where a box stands."""
        for row in self.rows:
            # A line that only touches the box with its descenders is not written over.
            low, high = row.baseline, row.baseline + 0.6 * row.size
            if high <= box.y1 + 1 or low >= box.y2 - 1:
                continue
            for letter, (left, right) in zip(row.text, row.edges, strict=True):
                if letter not in BLANK and box.x1 < (left + right) / 2 < box.x2:
                    return True
        return False


def page_words(source: Path, page: int) -> PageWords:
    """Read the words of a page (from 0; -1 is the last) that is there.

    Raises `PdfError`, and `UsageError` (``EDX-TOOL-POPPLER``) when poppler is not installed.
    """
    with open_pdf(source) as reader:
        try:
            number = page if page >= 0 else int(reader.root["/Pages"]["/Count"]) + page
            view = page_view(reader, number)
        except MALFORMED as error:
            raise damaged(str(source)) from error
    found = [word for one in pages_with_words(source, only=number) for word in one[:MAX_WORDS]]
    unit, height = view.unit, view.size[1]
    lines = _lines_of(source, number, view) if found else []
    words = [
        Word(text, left * unit, height - bottom * unit, right * unit, height - top * unit, _size_at(lines, place, unit))
        for text, *place in found
        for left, top, right, bottom in [place]
    ]
    return PageWords(number, view.size, tuple(rows_of(words)))


def _lines_of(source: Path, number: int, view: PageView) -> list[SizedLine]:
    (width, height), lines = sized_lines(source, number)
    seen = (width * view.unit, height * view.unit)
    same = all(abs(one - other) < _SAME_PAGE for one, other in zip(seen, view.size, strict=True))
    return lines if same else []  # a part of the page is seen, and lines are told of the whole


def _size_at(lines: list[SizedLine], place: list[float], unit: float) -> float | None:
    left, top, right, bottom = place
    across, down = (left + right) / 2, (top + bottom) / 2
    return next(
        (one.size * unit for one in lines if one.left - 1 < across < one.right + 1 and one.top < down < one.bottom),
        None,
    )


def rows_of(words: list[Word]) -> list[Row]:
    """Put words into rows, from the top of the page."""
    usable = [one for one in words if _usable(one)]
    rows: list[list[Word]] = []
    for word in sorted(usable, key=lambda one: -(one.bottom + one.top)):
        last = rows[-1][0] if rows else None
        if last is not None and abs(_middle(last) - _middle(word)) < _SAME_ROW * (last.top - last.bottom):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [_row(sorted(row, key=lambda one: one.left)) for row in rows]


def _usable(word: Word) -> bool:
    inside = max(map(abs, (word.left, word.bottom, word.right, word.top))) < _FARTHEST
    return bool(word.text) and inside and word.left < word.right and 0 < word.top - word.bottom < _TALLEST


def _middle(word: Word) -> float:
    return (word.bottom + word.top) / 2


def _row(words: list[Word]) -> Row:
    height = median(word.top - word.bottom for word in words)
    text, edges, starts = "", [], [0]
    for place, word in enumerate(words):
        if place:
            before = words[place - 1]
            edges.append((before.right, max(before.right, word.left)))
            text += " "
            if word.left - before.right > _BREAK * height:
                starts.append(len(text))
        text += word.text
        edges += _shared_out(word)
    bottom, top = median(word.bottom for word in words), median(word.top for word in words)
    sizes = [word.size for word in words if word.size]
    size = median(sizes) if sizes else (top - bottom) / LINE_HEIGHT
    return Row(text, tuple(edges), tuple(starts), bottom, top, size)


def _shared_out(word: Word) -> list[tuple[float, float]]:
    widths = [_width(letter) for letter in word.text]
    scale = (word.right - word.left) / (sum(widths) or 1)
    edges, place = [], word.left
    for width in widths:
        edges.append((place, place + width * scale))
        place += width * scale
    return edges


@functools.lru_cache(1024)
def _width(letter: str) -> int:
    font = _font()
    glyph = font.get_nominal_glyph(ord(letter))
    if unicodedata.combining(letter):
        return 0
    return int(font.get_glyph_h_advance(glyph)) if glyph else _WIDTH_OF_UNKNOWN


@functools.cache
def _font() -> Font:
    return Font(HarfBuzzFace(Face.REGULAR.path.read_bytes()))
