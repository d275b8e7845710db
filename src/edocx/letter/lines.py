"""Breaking text into lines and lines into pages; pure, in points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Measure = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its words, how far it is indented, and whether it closes its paragraph."""

    words: tuple[str, ...]
    indent: float
    closes: bool

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.words)


def break_paragraph(text: str, width: float, measure: Measure, *, indent: float = 0.0) -> list[Line]:
    """Break greedily at spaces; ``indent`` is for the first line. No-break spaces do not break.

    A word wider than the page (an address) is cut where it must be.
    """
    lines: list[Line] = []
    current: list[str] = []
    room = width - indent
    first, *others = text.split(" ")
    for word in (*_fitting([first], room, measure), *_fitting(others, width, measure)):
        if current and measure(" ".join([*current, word])) > room:
            lines.append(Line(tuple(current), 0.0 if lines else indent, closes=False))
            current, room = [], width
        current.append(word)
    return [*lines, Line(tuple(current), 0.0 if lines else indent, closes=True)]


def break_balanced(text: str, width: float, measure: Measure) -> list[str]:
    """Break a heading: given line breaks are kept, a part too wide is spread evenly over its lines."""
    lines = []
    for part in text.split("\n"):
        words = part.strip()
        wanted = len(break_paragraph(words, width, measure))
        # The narrowest measure that needs no more lines, and cuts no word, is the most even one.
        low, high = min(max(measure(word) for word in words.split(" ")), width), width
        if len(break_paragraph(words, low, measure)) == wanted:
            high = low
        while high - low > 1:
            middle = (low + high) / 2
            if len(break_paragraph(words, middle, measure)) > wanted:
                low = middle
            else:
                high = middle
        lines += [line.text for line in break_paragraph(words, high, measure)]
    return lines


def paginate(heights: Sequence[float], rooms: Callable[[int], float], tail: float, *, company: int = 2) -> list[int]:
    """Say how many lines go on each page.

    ``rooms(n)`` is the height free for lines on page ``n`` (from 0), ``tail`` the height of the block after the last
    line, which stays whole and in the company of at least ``company`` lines: a signature never stands alone on a page
    that anybody could put another text in front of.
    """
    pages: list[int] = []
    start = 0
    while True:
        room, count = rooms(len(pages)), 0
        while start + count < len(heights) and sum(heights[start : start + count + 1]) <= room:
            count += 1
        rest = len(heights) - start
        if count == rest and sum(heights[start:]) + tail <= room:
            return [*pages, count]
        if rest - count < company:
            count = max(rest - company, 0)
        if count == 0 and pages:
            # Not even on an empty page is there room beside the block: it overflows rather than turning pages forever.
            return [*pages, rest]
        pages.append(count)
        start += count


def _fitting(words: Sequence[str], width: float, measure: Measure) -> list[str]:
    fitting = []
    for word in words:
        rest = word
        while measure(rest) > width and len(rest) > 1:
            cut = next(size for size in range(len(rest) - 1, 0, -1) if size == 1 or measure(rest[:size]) <= width)
            fitting.append(rest[:cut])
            rest = rest[cut:]
        if rest:
            fitting.append(rest)
    return fitting
