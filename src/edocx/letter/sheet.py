"""The sheet of paper: A4 pages on which text is put at exact places.

Coordinates inside are points from the top-left corner, baselines for text; `box` gives PDF's own from the bottom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

from edocx.documents import Box
from edocx.errors import InputError, Text
from edocx.fonts import FAMILY, Face
from edocx.letter.lines import Measure

WIDTH, HEIGHT = 595.28, 841.89
MM = 72 / 25.4

TOP = BOTTOM = 20 * MM
LEFT = 30 * MM
RIGHT = WIDTH - 20 * MM
"""NĐ 30/2020 Phụ lục I: top and bottom 20-25 mm, left 30-35, right 15-20."""

PAGE_NUMBER_BASELINE = 13 * MM
PAGE_NUMBER_SIZE = 13.0
RED = (200, 16, 28)

_STYLES = {Face.REGULAR: "", Face.BOLD: "B", Face.ITALIC: "I", Face.BOLD_ITALIC: "BI"}


class Sheet:
    """Pages being written; made once for each document, and closed after it."""

    def __init__(self, *, title: str, author: str, created: datetime) -> None:
        pdf = FPDF(unit="pt", format="A4")
        pdf.pdf_version = "1.7"  # TT 15/2025 recommends 1.7 or later
        pdf.set_auto_page_break(False)
        pdf.set_creation_date(created)
        pdf.set_title(title)
        pdf.set_author(author)
        pdf.set_lang("vi-VN")
        pdf.set_creator("edocx")
        pdf.set_producer("edocx")
        pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        for face, style in _STYLES.items():
            pdf.add_font(FAMILY, style, face.path)
        self._pdf = pdf

    @property
    def page(self) -> int:
        """The page being written, counted from 0."""
        return int(self._pdf.page_no()) - 1

    def turn(self) -> None:
        """Start a page; from the second on it bears its number, top centre (Phụ lục I)."""
        self._pdf.add_page()
        if self.page > 0:
            self.centre(WIDTH / 2, PAGE_NUMBER_BASELINE, str(self.page + 1), Face.REGULAR, PAGE_NUMBER_SIZE)

    def measure(self, face: Face, size: float) -> Measure:
        """Return the function that measures text in this face and size, in points."""
        pdf = self._pdf

        def width(text: str) -> float:
            pdf.set_font(FAMILY, _STYLES[face], size)
            return float(pdf.get_string_width(text))

        return width

    def put(self, x: float, baseline: float, text: str, face: Face, size: float) -> float:
        """Put text with its left end at ``x`` and return its right end; raise `InputError` for a letter we lack."""
        right = x + self.measure(face, size)(text)
        self._check(text)
        self._pdf.text(x, baseline, text)
        return right

    def centre(self, x: float, baseline: float, text: str, face: Face, size: float) -> tuple[float, float]:
        """Put text with its middle at ``x``; return its ends."""
        half = self.measure(face, size)(text) / 2
        return x - half, self.put(x - half, baseline, text, face, size)

    def justify(self, words: Sequence[str], left: float, right: float, *, baseline: float, size: float) -> None:
        """Spread words over a width. The spaces between them are real ones, so that the text can be copied."""
        measure = self.measure(Face.REGULAR, size)
        space = measure(" ")
        natural = sum(measure(word) for word in words) + space * (len(words) - 1)
        stretch, x = (right - left - natural) / max(len(words) - 1, 1), left
        for position, word in enumerate(words, 1):
            piece = word if position == len(words) else f"{word} "
            x = self.put(x, baseline, piece, Face.REGULAR, size) + stretch

    def rule(self, left: float, right: float, y: float) -> None:
        """Draw the thin line under a heading."""
        self._pdf.set_line_width(0.6)
        self._pdf.line(left, y, right, y)

    def stamp(self, x: float, y: float, width: float, height: float, text: str) -> None:
        """Draw a red framed mark, such as that of urgency; ``y`` is its upper edge."""
        self._pdf.set_draw_color(*RED)
        self._pdf.set_text_color(*RED)
        self._pdf.set_line_width(1.0)
        self._pdf.rect(x, y, width, height)
        self.centre(x + width / 2, y + height / 2 + 4.5, text, Face.BOLD, 13)
        self._pdf.set_draw_color(0)
        self._pdf.set_text_color(0)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return a rectangle of this page in PDF's coordinates."""
        corners = (left, HEIGHT - bottom, right, HEIGHT - top)
        x1, y1, x2, y2 = (round(value, 2) for value in corners)
        return Box(page=self.page, x1=x1, y1=y1, x2=x2, y2=y2)

    def to_bytes(self) -> bytes:
        """Finish the document; the same content and date give the same bytes."""
        return bytes(self._pdf.output())

    def close(self) -> None:
        """Let go of the font files, which fpdf2 keeps open."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def _check(self, text: str) -> None:
        font = self._pdf.current_font
        assert isinstance(font, TTFFont)
        cmap = font.cmap
        missing = sorted({f"U+{ord(letter):04X}" for letter in text if ord(letter) not in cmap})
        if missing:
            raise InputError(
                Text(
                    f"Phông chữ không có ký tự {', '.join(missing)}.",
                    f"The typeface lacks the characters {', '.join(missing)}.",
                ),
                hint=Text("Bỏ hoặc thay các ký tự đó.", "Remove or replace these characters."),
                code="EDX-LETTER-CHARACTER",
            )
