"""Finding a place by the page's own words, and showing a page, through poppler's tools.

They parse what may be hostile, so they run as processes of their own with a limit of time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from edocx._xml import parse
from edocx.content import storage_translated, write_durably
from edocx.documents import Box
from edocx.errors import InputError, PdfError, SigningRefused, Text, UsageError
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.page_view import PageView, page_view

LIMIT = 30
"""Seconds for one call; an ordinary page takes a fraction of one."""

MAX_TEXT = 16 * 1024 * 1024
"""Bytes of page text that are looked through."""

SIGNATURE_WIDTH, SIGNATURE_HEIGHT = 130.0, 62.0
"""Of a personal signature in points: between title and name (NĐ 30/2020 Phụ lục I)."""

_XHTML = "{http://www.w3.org/1999/xhtml}"

_ZOOM = 3
"""The largest that pdftohtml takes; it gives whole numbers, so these are thirds of a point."""

_DIGITS = rb'="(-?\d{1,7})"'
_FONT = re.compile(rb"<fontspec id" + _DIGITS + rb" size" + _DIGITS)
_PAGE = re.compile(rb"<page [^>]* height" + _DIGITS + rb" width" + _DIGITS)
_LINE = re.compile(
    rb"<text top" + _DIGITS + b"".join(b" " + one + _DIGITS for one in (b"left", b"width", b"height", b"font"))
)


class SizedLine(NamedTuple):
    """Where a line stands, as a `PlacedWord` does, and the font size of its text."""

    left: float
    top: float
    right: float
    bottom: float
    size: float


PlacedWord = tuple[str, float, float, float, float]
"""A word, and its left, top, right and bottom edge from the top left of what is seen, in the file's units."""


def box_above(source: Path, text: str, *, only: int | None = None) -> Box:
    """Return the place of a signature centred above the last line that reads ``text`` (the signatory's name).

    Case, accents composed or not, and spacing do not matter. ``only`` is the one page (from 0) that is looked at.
    Raises `SigningRefused` (``EDX-TEXT-NOT-FOUND``), `UsageError` (``EDX-TOOL-POPPLER``) when poppler is not
    installed, `PdfError`.
    """
    wanted = _plain(text).split()
    last: tuple[int, list[etree._Element]] | None = None
    for number, page in enumerate(_pages(source, only), start=only or 0):
        words = [(_plain(word.text or ""), word) for word in page.iter(f"{_XHTML}word")]
        for start in range(len(words) - len(wanted) + 1):
            if wanted and [spelt for spelt, _ in words[start : start + len(wanted)]] == wanted:
                last = number, [word for _, word in words[start : start + len(wanted)]]
    if last is None:
        raise SigningRefused(
            Text("Không tìm thấy dòng chữ này trên trang.", "This text is not on any page."),
            hint=Text("Kiểm tra họ tên người ký; bản quét không có chữ.", "Check the name; a scan has no text."),
            code="EDX-TEXT-NOT-FOUND",
            where=str(source),
        )
    with open_pdf(source) as reader:
        try:
            view = page_view(reader, last[0])
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return _above(last[1], last[0], view)


def pages_with_words(source: Path, *, only: int | None = None) -> list[list[PlacedWord]]:
    """Return the words of each page, or of ``only`` one (from 0), NFC; see `box_above` for what is raised."""
    return [[_placed(word) for word in page.iter(f"{_XHTML}word")] for page in _pages(source, only)]


def sized_lines(source: Path, page: int) -> tuple[tuple[float, float], list[SizedLine]]:
    """Return a page's (from 0) width and height, and its lines with their font sizes; raise as `box_above` does.

    Of the whole page, never of a crop of it: `pages_with_words` speaks of the same where both are of one size.
    """
    number = str(page + 1)
    fixed = ["-xml", "-i", "-stdout", "-hidden", "-zoom", str(_ZOOM), "-f", number, "-l", number]
    # Read by patterns: what it writes is no well-formed XML where bold and italic cross.
    data = _run([_tool("pdftohtml"), *fixed, str(source.resolve())], source)[:MAX_TEXT]
    sizes = {int(one[1]): int(one[2]) / _ZOOM for one in _FONT.finditer(data)}
    edges = _PAGE.search(data)
    if edges is None:
        return (0.0, 0.0), []
    lines = []
    for found in _LINE.finditer(data):
        top, left, width, height, font = (int(one) for one in found.groups())
        if font in sizes:
            places = (left / _ZOOM, top / _ZOOM, (left + width) / _ZOOM, (top + height) / _ZOOM)
            lines.append(SizedLine(*places, sizes[font]))
    return (int(edges[2]) / _ZOOM, int(edges[1]) / _ZOOM), lines


def has_poppler() -> bool:
    """Say whether the words of a page can be read on this machine."""
    return shutil.which("pdftotext") is not None


def render_page(source: Path, page: int, out: Path, *, resolution: int = 100) -> Path:
    """Draw a page (from 0) to a PNG; raise `UsageError` without poppler, `PdfError` when it cannot be drawn."""
    tool = _tool("pdftoppm")
    number = str(page + 1)
    arguments = [
        tool,
        "-png",
        "-singlefile",
        "-cropbox",
        "-r",
        str(resolution),
        "-f",
        number,
        "-l",
        number,
        str(source.resolve()),
    ]
    # Through a pipe: pdftoppm does not tell a full disk from a page that it cannot draw.
    with storage_translated():
        write_durably(out, [_run(arguments, source)])
    return out


def _placed(word: etree._Element) -> PlacedWord:
    left, top, right, bottom = (float(word.get(edge, "0")) for edge in ("xMin", "yMin", "xMax", "yMax"))
    return unicodedata.normalize("NFC", word.text or ""), left, top, right, bottom


def _above(words: list[etree._Element], page: int, view: PageView) -> Box:
    # poppler measures from the top of what is seen, in the file's units.
    left = min(float(word.get("xMin", "0")) for word in words) * view.unit
    right = max(float(word.get("xMax", "0")) for word in words) * view.unit
    bottom = view.size[1] - min(float(word.get("yMin", "0")) for word in words) * view.unit
    middle = (left + right) / 2
    return Box(
        page=page,
        x1=middle - SIGNATURE_WIDTH / 2,
        y1=bottom + 2,
        x2=middle + SIGNATURE_WIDTH / 2,
        y2=bottom + 2 + SIGNATURE_HEIGHT,
    )


def _pages(source: Path, only: int | None = None) -> list[etree._Element]:
    chosen = [] if only is None else ["-f", str(only + 1), "-l", str(only + 1)]
    data = _run([_tool("pdftotext"), "-cropbox", "-bbox", *chosen, str(source.resolve()), "-"], source)
    if len(data) > MAX_TEXT:
        raise _failed(source)
    # poppler writes an XHTML doctype, and our parser takes none.
    body = data[data.index(b"<html") :] if b"<html" in data else data
    return list(parse(body).iter(f"{_XHTML}page"))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise UsageError(
            Text(f"Chưa cài công cụ {name} (poppler-utils).", f"The tool {name} (poppler-utils) is not installed."),
            hint=Text("Cài poppler-utils, hoặc đặt vị trí bằng tọa độ.", "Install poppler-utils, or place by field."),
            code="EDX-TOOL-POPPLER",
        )
    return path


def _run(arguments: list[str], source: Path) -> bytes:
    if not source.is_file():
        raise InputError(
            Text("Không mở được tệp.", "The file cannot be opened."),
            hint=Text("Kiểm tra đường dẫn.", "Check the path."),
            code="EDX-FILE-UNREADABLE",
            where=str(source),
        )
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=LIMIT, check=False)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired as error:
        raise _failed(source) from error
    if done.returncode != 0:
        raise _failed(source)
    return done.stdout


def _failed(source: Path) -> PdfError:
    return PdfError(
        Text("Không đọc được trang của tệp PDF.", "The page of the PDF cannot be read."),
        hint=Text("Kiểm tra tệp bằng qpdf --check.", "Check the file with qpdf --check."),
        code="EDX-PDF-DAMAGED",
        where=str(source),
    )
