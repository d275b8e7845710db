"""The texts that a seal shows where it shows no picture: on copies and on attachments (NĐ 30/2020 Phụ lục I).

They stand at the top right of the first page, upright, in Times of 10 points, black (spec/law.md #63-65).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from edocx.documents import Box, DocumentNumber
from edocx.signing.pdf.appearance import LEADING, Appearance, signing_time_text
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.page_view import page_view
from edocx.signing.pdf.placing import too_small

MARK_SIZE = 10
"""Points (Phụ lục I, mục II.13)."""

_WIDTH, _LINE = 220.0, (LEADING + 0.05) * MARK_SIZE
_RIGHT, _TOP = 42.5, 12.0
"""From the page's edges in points: the right margin of 15 mm; inside the upper margin, above the national title."""


class CopyForm(StrEnum):
    """The three kinds of copy (Điều 25) as they are written on it."""

    WHOLE = "SAO Y"
    FROM_COPY = "SAO LỤC"
    EXTRACT = "TRÍCH SAO"


def attachment_mark(number: DocumentNumber, at: datetime) -> Appearance:
    """Show on an attachment in a file of its own: the document's number and notation, and the time of signing."""
    return Appearance(lines=(f"{number.number}/{number.notation}", signing_time_text(at)), text_size=MARK_SIZE)


def copy_mark(form: CopyForm, agency: str, at: datetime) -> Appearance:
    """Show on an electronic copy: its kind, the agency that made it, and the time of signing."""
    return Appearance(lines=(form.value, agency, signing_time_text(at)), text_size=MARK_SIZE)


def mark_box(source: Path, mark: Appearance) -> Box:
    """Return the place at the top right of the first page as seen, as high as the mark has lines.

    Raises `PdfError`, and `SigningRefused` (``EDX-PAGE-SMALL``) when the lines do not fit there.
    """
    with open_pdf(source) as reader:
        try:
            width, height = page_view(reader, 0).size
        except MALFORMED as error:
            raise damaged(str(source)) from error
    right, top = width - _RIGHT, height - _TOP
    left, bottom = right - _WIDTH, top - _LINE * len(mark.lines)
    if left < 0 or bottom < 0:
        raise too_small((width, height), str(source))
    return Box(page=0, x1=left, y1=bottom, x2=right, y2=top)
