"""Typesetting: content in, PDF and the places of its fields out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from edocx.clock import in_vietnam
from edocx.documents import FieldText, PageLayout
from edocx.fonts import Face
from edocx.letter.content import LetterContent
from edocx.letter.foot import plan_foot, set_foot
from edocx.letter.head import DATE_SIZE, FIELD_BASELINE, NUMBER_SIZE, set_head
from edocx.letter.lines import Line, break_paragraph, paginate
from edocx.letter.sheet import BOTTOM, HEIGHT, LEFT, MM, RIGHT, TOP, Sheet

BODY_SIZE = 14.0
LEADING = 1.22
INDENT = 12.7 * MM
PARAGRAPH_GAP = 6.0
"""NĐ 30/2020 Phụ lục I: size 13-14, first line in by 1 or 1.27 cm, at least 6 pt between paragraphs."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A typeset letter: the PDF without any form field yet, and where they go and how their text stands."""

    pdf: bytes
    layout: PageLayout
    pages: int

    def __repr__(self) -> str:
        return f"Letter(pages={self.pages}, bytes={len(self.pdf)})"


def typeset(content: LetterContent, *, created: datetime) -> Letter:
    """Typeset an official letter on A4 in the layout of NĐ 30/2020 Phụ lục I.

    The number (between ``Số:`` and the notation) and the date (``ngày … tháng … năm …``, after the place) are left
    empty for form fields; ``layout`` has their boxes, that of the personal signature, between title and name, and that
    of the seal, over a third of the signature on its left. Fonts are embedded as subsets. The same content and
    ``created`` (aware; ``ValueError`` otherwise) give the same bytes. Raises `InputError` for a character the typeface
    lacks.
    """
    with closing(Sheet(title=_title(content), author=content.agency, created=in_vietnam(created))) as sheet:
        return _set_letter(sheet, content)


def _set_letter(sheet: Sheet, content: LetterContent) -> Letter:
    sheet.turn()
    head = set_head(sheet, content)
    top = _set_addressees(sheet, content, head.bottom + 8)
    lines = _body_lines(sheet, content)
    foot = plan_foot(sheet, content)
    room = HEIGHT - BOTTOM
    counts = paginate(
        [_height(line, index) for index, line in enumerate(lines)],
        lambda page: room - (TOP if page else top),
        foot.height,
    )
    start = 0
    for page, count in enumerate(counts):
        if page:
            sheet.turn()
            top = TOP
        top = _set_lines(sheet, lines[start : start + count], top)
        start += count
    places = set_foot(sheet, foot, top)
    layout = PageLayout(
        number=head.number,
        date=head.date,
        signatures=(places.signature,),
        seal=places.seal,
        number_text=FieldText(template="{number}", size=NUMBER_SIZE, baseline=FIELD_BASELINE, align=2),
        date_text=FieldText(
            template="ngày {day} tháng {month} năm {year}",
            italic=True,
            size=DATE_SIZE,
            baseline=FIELD_BASELINE,
            align=0,
            blank=f"ngày      tháng      năm {content.year or ''}".rstrip(),
        ),
    )
    return Letter(pdf=sheet.to_bytes(), layout=layout, pages=len(counts))


def _title(content: LetterContent) -> str:
    prefix = "V/v " if content.is_plain_letter else ""
    return f"{content.kind.name} {prefix}{content.subject}"


def _set_addressees(sheet: Sheet, content: LetterContent, top: float) -> float:
    """Kính gửi: one addressee on the same line, several below each other with hyphens."""
    if not content.to:
        return top
    label = "Kính gửi:"
    measure = sheet.measure(Face.REGULAR, BODY_SIZE)
    baseline = top + BODY_SIZE * LEADING + 6
    if len(content.to) == 1:
        width = measure(f"{label} {content.to[0]}")
        if width <= RIGHT - LEFT - INDENT:
            sheet.centre((LEFT + RIGHT) / 2, baseline, f"{label} {content.to[0]}", Face.REGULAR, BODY_SIZE)
            return baseline + 10
    left = LEFT + INDENT * 2
    start = sheet.put(left, baseline, f"{label} ", Face.REGULAR, BODY_SIZE)
    several = len(content.to) > 1
    for position, name in enumerate(content.to, 1):
        end = (";", ".")[position == len(content.to)] if several else ""
        text = f"- {name}{end}" if several else name
        if several:
            baseline += BODY_SIZE * LEADING
        for line in break_paragraph(text, RIGHT - start, measure):
            sheet.put(start, baseline, line.text, Face.REGULAR, BODY_SIZE)
            baseline += 0 if line.closes else BODY_SIZE * LEADING
    return baseline + 10


def _body_lines(sheet: Sheet, content: LetterContent) -> list[Line]:
    measure = sheet.measure(Face.REGULAR, BODY_SIZE)
    return [line for text in content.body for line in break_paragraph(text, RIGHT - LEFT, measure, indent=INDENT)]


def _height(line: Line, index: int) -> float:
    return BODY_SIZE * LEADING + (PARAGRAPH_GAP if line.indent and index else 0)


def _set_lines(sheet: Sheet, lines: list[Line], top: float) -> float:
    for index, line in enumerate(lines):
        top += _height(line, index)
        if line.closes:
            sheet.put(LEFT + line.indent, top, line.text, Face.REGULAR, BODY_SIZE)
        else:
            sheet.justify(line.words, LEFT + line.indent, RIGHT, baseline=top, size=BODY_SIZE)
    return top
