"""The upper part of the first page: titles, number, place and date, subject (NĐ 30/2020 Phụ lục I, ô 1-5, 10b)."""

from __future__ import annotations

from dataclasses import dataclass

from edocx.documents import Box, Urgency
from edocx.fonts import Face
from edocx.letter.content import LetterContent
from edocx.letter.lines import break_balanced
from edocx.letter.sheet import LEFT, MM, RIGHT, TOP, Sheet

NATIONAL_TITLE = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"

TITLE_SIZE = 12.0
MOTTO_SIZE = 13.0
NUMBER_SIZE = 13.0
DATE_SIZE = 13.0
SUBJECT_SIZE = 12.0
HEADING_SIZE = 14.0
"""Sizes the decree allows: 12-13, 13-14, 13, 13-14, 12-13, 13-14."""

COLUMN_GAP = 10.0
NUMBER_ROOM = 34.0
"""Wide enough for five digits (the register restarts each year)."""

FIELD_BASELINE = 4.0
"""From the lower edge of a field's box to the baseline of the line it stands in."""

WIDEST_DATE = "ngày 30 tháng 12 năm 2088"
LEADING = 1.2

_NO_BREAK = "\N{NO-BREAK SPACE}"

_STAMPS = {Urgency.URGENT: ("KHẨN", 20), Urgency.VERY_URGENT: ("THƯỢNG KHẨN", 40), Urgency.IMMEDIATE: ("HỎA TỐC", 30)}
_STAMPS[Urgency.IMMEDIATE_TIMED] = ("HỎA TỐC", 30)
"""Words and widths in mm; every mark is 8 mm high (Phụ lục I). The decree has no timed degree of its own."""


@dataclass(frozen=True, slots=True)
class HeadPlaces:
    """Where the head left its gaps, where the page goes on, and the baseline both gaps share."""

    number: Box
    date: Box
    bottom: float
    baseline: float


def set_head(sheet: Sheet, content: LetterContent) -> HeadPlaces:
    """Typeset everything above the first line of the letter."""
    right_width = max(sheet.measure(Face.BOLD, TITLE_SIZE)(NATIONAL_TITLE), sheet.measure(Face.BOLD, MOTTO_SIZE)(MOTTO))
    right_centre = RIGHT - right_width / 2
    left_width = RIGHT - right_width - COLUMN_GAP - LEFT
    left_centre = LEFT + left_width / 2
    left_bottom = _set_agency(sheet, content, left_centre, left_width)
    right_bottom = _set_nation(sheet, right_centre)
    baseline = max(left_bottom, right_bottom) + 8 + NUMBER_SIZE
    number = _set_number(sheet, content, left_centre, baseline)
    date = _set_date(sheet, content, right_centre, baseline)
    if content.is_plain_letter:
        bottom = _set_small_subject(sheet, content, left_centre, left_width, baseline)
        bottom = _set_urgency(sheet, content, left_centre, bottom)
    else:
        bottom = _set_urgency(sheet, content, left_centre, baseline + 4)
        bottom = _set_heading(sheet, content, bottom)
    return HeadPlaces(number, date, bottom, baseline)


def _set_agency(sheet: Sheet, content: LetterContent, centre: float, width: float) -> float:
    baseline = TOP + TITLE_SIZE - TITLE_SIZE * LEADING
    ends = (centre, centre)
    for name, face in ((content.superior, Face.REGULAR), (content.agency, Face.BOLD)):
        for line in _break_name(sheet, name, face, width):
            baseline += TITLE_SIZE * LEADING
            ends = sheet.centre(centre, baseline, line, face, TITLE_SIZE)
    # "độ dài bằng từ 1/3 đến 1/2 độ dài của dòng chữ và đặt cân đối": the line under the agency.
    half = (ends[1] - ends[0]) * 0.4 / 2
    sheet.rule(centre - half, centre + half, baseline + 4)
    return baseline + 4


def _break_name(sheet: Sheet, name: str, face: Face, width: float) -> list[str]:
    """Break the name of a body between what it is and which one: ỦY BAN NHÂN DÂN | XÃ BÌNH ĐỨC."""
    if not name:
        return []
    bound = name.upper()
    for whole in ("ỦY BAN NHÂN DÂN", "HỘI ĐỒNG NHÂN DÂN", "VĂN PHÒNG", "THÀNH PHỐ"):
        bound = bound.replace(whole, whole.replace(" ", _NO_BREAK))
    lines = break_balanced(bound, width, sheet.measure(face, TITLE_SIZE))
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _set_nation(sheet: Sheet, centre: float) -> float:
    baseline = TOP + TITLE_SIZE
    sheet.centre(centre, baseline, NATIONAL_TITLE, Face.BOLD, TITLE_SIZE)
    baseline += MOTTO_SIZE * LEADING
    left, right = sheet.centre(centre, baseline, MOTTO, Face.BOLD, MOTTO_SIZE)
    # "độ dài bằng độ dài của dòng chữ": the line under the motto.
    sheet.rule(left, right, baseline + 4)
    return baseline + 4


def _set_number(sheet: Sheet, content: LetterContent, centre: float, baseline: float) -> Box:
    measure = sheet.measure(Face.REGULAR, NUMBER_SIZE)
    label, notation = "Số: ", f"/{content.notation}"
    left = max(centre - (measure(label) + NUMBER_ROOM + measure(notation)) / 2, LEFT)
    start = sheet.put(left, baseline, label, Face.REGULAR, NUMBER_SIZE)
    sheet.put(start + NUMBER_ROOM, baseline, notation, Face.REGULAR, NUMBER_SIZE)
    return sheet.box(start, baseline - NUMBER_SIZE, start + NUMBER_ROOM, baseline + FIELD_BASELINE)


def _set_date(sheet: Sheet, content: LetterContent, centre: float, baseline: float) -> Box:
    measure = sheet.measure(Face.ITALIC, DATE_SIZE)
    place = f"{content.place}, "
    room = measure(WIDEST_DATE) + 2
    width = measure(place) + room
    left = min(centre - width / 2, RIGHT - width)
    start = sheet.put(left, baseline, place, Face.ITALIC, DATE_SIZE)
    return sheet.box(start, baseline - DATE_SIZE, start + room, baseline + FIELD_BASELINE)


def _set_small_subject(sheet: Sheet, content: LetterContent, centre: float, width: float, baseline: float) -> float:
    baseline += 6
    for line in break_balanced(f"V/v {content.subject}", width, sheet.measure(Face.REGULAR, SUBJECT_SIZE)):
        baseline += SUBJECT_SIZE * LEADING
        sheet.centre(centre, baseline, line, Face.REGULAR, SUBJECT_SIZE)
    return baseline + 4


def _set_heading(sheet: Sheet, content: LetterContent, top: float) -> float:
    middle = (LEFT + RIGHT) / 2
    baseline = top + 14 + HEADING_SIZE
    sheet.centre(middle, baseline, content.kind.name.upper(), Face.BOLD, HEADING_SIZE)
    ends = (middle, middle)
    width = (RIGHT - LEFT) * 0.8
    for line in break_balanced(content.subject, width, sheet.measure(Face.BOLD, HEADING_SIZE)):
        baseline += HEADING_SIZE * LEADING
        ends = sheet.centre(middle, baseline, line, Face.BOLD, HEADING_SIZE)
    half = (ends[1] - ends[0]) * 0.4 / 2
    sheet.rule(middle - half, middle + half, baseline + 5)
    return baseline + 5


def _set_urgency(sheet: Sheet, content: LetterContent, centre: float, top: float) -> float:
    stamp = _STAMPS.get(content.urgency)
    if stamp is None:
        return top
    text, width = stamp[0], stamp[1] * MM
    sheet.stamp(centre - width / 2, top + 8, width, 8 * MM, text)
    return top + 8 + 8 * MM
