"""What a letter prints for number, date and signatory itself, whatever program typeset it (NĐ 30/2020 Phụ lục I).

“Số: ……/UBND-VX” and “…, ngày … tháng … năm …” stand in the upper half of the first page, side by side or above each
other, with spaces, dots or nothing for what is still open; the signatory's name stands under his title, with room
between them. What is found are the gaps: nothing is ever placed over the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edocx.documents import Box, FieldText
from edocx.signing.pdf.field_text import (
    DATE_FIELD,
    MONTH_FIELD,
    NOTATION_FIELD,
    NUMBER_FIELD,
    PLACE_FIELD,
    YEAR_FIELD,
)
from edocx.signing.pdf.page_text import SIGNATURE_HEIGHT, SIGNATURE_WIDTH
from edocx.signing.pdf.page_words import BLANK, PageWords, Row

_NUMBER = re.compile(r"Số\s*:|SỐ\s*:|Số(?=\s*[.…_/])")
"""The label at the beginning of a line; a law cited as “số 30/2020” begins no line with a capital and a colon."""

_BLANKS = r"[\s.…_‥·]*"
_DATE = re.compile(
    rf"[Nn]gày(?P<day>{_BLANKS}\d{{0,2}}{_BLANKS})tháng(?P<month>{_BLANKS}\d{{0,2}}{_BLANKS})"
    rf"năm(?P<year>{_BLANKS}\d{{0,4}}{_BLANKS})"
)
_PLACE = re.compile(r"[^\W\d_][^\d;:]{0,60},\s*")
"""What stands before the date: a place and a comma."""

_NOTATION = re.compile(r"[A-ZĐ0-9][A-ZĐ0-9.&-]{0,29}")
"""A printed notation in letters that are what they look like; typefaces with codes of their own give others."""

_CENTURY = re.compile(rf"{_BLANKS}\d{{2}}[.…_‥·]+{_BLANKS}")
"""“năm 20…”: the last two digits are open."""

_UPPER_HALF, _RIGHT_COLUMN = 0.5, 0.35
_PLACE_WORDS = 6
_YEAR_DIGITS = 4
_WIDEST_CODE, _WIDEST_DATE = 150.0, 165.0
"""Points, at size 13: “1234/QĐ-UBND-TNMT” and “ngày 30 tháng 12 năm 2088” with some air."""

_TITLE = re.compile(
    r"(TM|KT|TL|TUQ|Q|T/M|K/T|T/L)\s*\.|"
    r".*\b(CHỦ TỊCH|GIÁM ĐỐC|BỘ TRƯỞNG|THỨ TRƯỞNG|CHÁNH|TRƯỞNG|THỦ TƯỚNG|BÍ THƯ|THƯ KÝ|THANH TRA|CHỈ HUY|CHÍNH ỦY)\b"
)
"""Capacity or title of a signatory, in capitals (Phụ lục I, ô 7a)."""

_NAME = re.compile(r"(?:(?:[A-ZĐ][A-Za-z]{0,4}\.)+\s*)?[^\W\d_][\w']*(?: [^\W\d_][\w']*){1,5}")
"""A person's name: two to six words, perhaps behind an academic title."""

_OVER_DOTS = 0.1
"""Font sizes by which text stands over dots, so that both can be read."""

_SAME_COLUMN, _ROOM = 70.0, 22.0
"""Points between the middles of title and name, and the least room for a signature between them."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap that a text field goes into; ``full`` when something is printed there already."""

    name: str
    box: Box
    text: FieldText
    full: bool = False

    @property
    def narrow(self) -> bool:
        """Whether two digits do not fit, so that what is filled in is squeezed."""
        return self.box.x2 - self.box.x1 < self.text.size


def find_number(words: PageWords, date: tuple[Gap, ...] = ()) -> tuple[Gap, ...]:
    """Return the gaps of the line that begins “Số:”; none where no line does.

    Of several the one nearest in height to the date, beside which the decree wants it: an arrival stamp (“Số: … Ngày:
    …”) or the number of a form may stand above. Without a date the first.
    """
    found = []
    for row in words.rows:
        if row.top < words.size[1] * _UPPER_HALF:
            break
        labels = (_NUMBER.match(row.text, start) for start in row.starts)
        ends = [label.end() for label in labels if label is not None]
        found += [_number_gaps(row, end, _number_end(row, end), words.size[0]) for end in ends]
    if not found:
        return ()
    return min(found, key=lambda gaps: abs(gaps[0].box.y1 - date[0].box.y1)) if date else found[0]


def find_date(words: PageWords, number: tuple[Gap, ...] = ()) -> tuple[Gap, ...]:
    """Return the gaps of “…, ngày … tháng … năm …”, or behind the place alone beside the number; none without either.

    A date that is cited (“Luật … ngày 19 tháng 6 năm 2015;”) begins further left, or stands in a sentence.
    """
    for row in words.rows:
        if row.top < words.size[1] * _UPPER_HALF:
            break
        for found in _DATE.finditer(row.text):
            start = row.line_start(found.start())
            place, rest = row.text[start : found.start()], row.text[found.end() :].strip()
            right = row.edges[start][0] > words.size[0] * _RIGHT_COLUMN
            if right and not rest and _may_precede(place):
                return _date_gaps(row, start, found)
    return _behind_place(words, number[0].box) if number else ()


def find_signatories(words: PageWords) -> tuple[Box, ...]:
    """Return the room between title and name of each signatory of a page: from the right, then from the left."""
    lines = sorted((line for row in words.rows for line in row.lines()), key=lambda one: -one.bottom)
    found = []
    for place, title in enumerate(lines):
        if not _is_title(title):
            continue
        below = next((one for one in lines[place + 1 :] if _under(one, title)), None)
        if below is None or _is_title(below) or title.bottom - below.top < _ROOM or not _is_name(below):
            continue
        height = min(SIGNATURE_HEIGHT, title.bottom - below.top - 4)
        left, bottom = below.middle - SIGNATURE_WIDTH / 2, below.top + 2
        found.append(Box(page=words.page, x1=left, y1=bottom, x2=left + SIGNATURE_WIDTH, y2=bottom + height))
    return tuple(sorted(found, key=lambda box: -box.x1))


def _number_end(row: Row, place: int) -> int:
    """Return where the number's line ends: it goes on behind a wide gap with its notation, or with dots."""
    end = row.line_end(place)
    while end + 1 < len(row.text) and row.text[end + 1] in "/.…_":
        end = row.line_end(end + 1)
    return end


def _number_gaps(row: Row, begin: int, end: int, width: float) -> tuple[Gap, ...]:
    rest = row.text[begin:end]
    slash = rest.find("/")
    label_end = row.edges[begin - 1][1]
    if slash < 0:
        full = not _is_blank(rest)
        limit = row.edges[end + 1][0] - 8 if end + 1 < len(row.text) else width - 30
        right = row.edges[end - 1][1] if rest.strip() else label_end
        if not full:
            right = max(right, min(label_end + _WIDEST_CODE, limit))
        code = FieldText(template="{number}/{notation}", size=_size(row), align=0)
        return (Gap(NUMBER_FIELD, _box(row, label_end + 3, right, rest), code, full),)
    before, notation = rest[:slash], rest[slash + 1 :].strip()
    printed = notation.split()[0] if notation and not _is_blank(notation) else ""
    text = FieldText(template="{number}", size=_size(row), printed=printed if _NOTATION.fullmatch(printed) else "")
    number = Gap(NUMBER_FIELD, _box(row, label_end, row.edges[begin + slash][0], before), text, not _is_blank(before))
    if printed:
        return (number,)
    left = row.edges[begin + slash][1]
    right = max(row.edges[end - 1][1], min(left + _WIDEST_CODE / 2, width - 30))
    return number, Gap(
        NOTATION_FIELD, _box(row, left, right, notation), FieldText(template="{notation}", size=_size(row), align=0)
    )


def _date_gaps(row: Row, start: int, found: re.Match[str]) -> tuple[Gap, ...]:
    gaps = []
    place = row.text[start : found.start()]
    if place and _is_blank(place.replace(",", "")):
        comma = place.find(",")
        right = row.edges[start + comma][0] if comma >= 0 else row.edges[found.start()][0]
        gaps.append(Gap(PLACE_FIELD, _box(row, row.edges[start][0], right, place), _italic(row, "{place}")))
    for group, name in (("day", DATE_FIELD), ("month", MONTH_FIELD), ("year", YEAR_FIELD)):
        gap = _date_gap(row, found, group, name)
        gaps += [gap] if gap is not None else []
    day = next(gap for gap in gaps if gap.name == DATE_FIELD)
    year = "".join(filter(str.isdigit, found["year"]))
    if len(year) == _YEAR_DIGITS:
        told = day.text.model_copy(update={"printed": year})
        gaps[gaps.index(day)] = Gap(day.name, day.box, told, day.full)
    return tuple(gaps)


def _date_gap(row: Row, found: re.Match[str], group: str, name: str) -> Gap | None:
    """Return the gap behind one of the words; None for a year that is printed whole."""
    begin, end = found.span(group)
    text = found[group]
    left = row.edges[begin - 1][1]
    if group != "year":
        return Gap(name, _box(row, left, row.edges[end][0], text), _italic(row, f"{{{group}}}"), not _is_blank(text))
    digits = [begin + place for place, letter in enumerate(text) if letter.isdigit()]
    if len(digits) == _YEAR_DIGITS:
        return None
    if _CENTURY.fullmatch(text):
        left, template = row.edges[digits[-1]][1], "{short_year}"
    else:
        template = "{year}"
    dots = row.edges[end - 1][1] if text.strip() else left
    right = max(dots, left + row.size * (1.2 if template == "{short_year}" else 2.4))
    text_style = _italic(row, template).model_copy(update={"align": 0 if template == "{short_year}" else 1})
    return Gap(name, _box(row, left, right, "" if digits else text), text_style, bool(digits) and template == "{year}")


def _behind_place(words: PageWords, number: Box) -> tuple[Gap, ...]:
    """Return the room behind “Bình Đức,” on the number's row, where nothing else of a date is printed."""
    for line in (line for row in words.rows for line in row.lines()):
        beside = number.y1 - line.size < line.baseline < number.y2 + line.size
        if not beside or line.left < words.size[0] * _RIGHT_COLUMN or not _PLACE.fullmatch(line.text):
            continue
        left = line.right + line.size / 4
        right = min(left + _WIDEST_DATE * line.size / 13, words.size[0] - 20)
        text = _italic(line, "ngày {day} tháng {month} năm {year}").model_copy(update={"align": 0})
        return (Gap(DATE_FIELD, _box(line, left, right), text),)
    return ()


def _may_precede(place: str) -> bool:
    if not place or _is_blank(place.replace(",", "")):
        return True
    return _PLACE.fullmatch(place) is not None and len(place.split()) <= _PLACE_WORDS


def _italic(row: Row, template: str) -> FieldText:
    return FieldText(template=template, italic=True, size=_size(row))


def _size(row: Row) -> float:
    return float(min(max(round(row.size), 6), 24))


def _box(row: Row, left: float, right: float, over: str = "") -> Box:
    """Return a box whose centred text stands on the row's own baseline (see `text_appearance`), or a little over dots.

    ``over`` is what is printed where it stands.
    """
    size = _size(row)
    lift = _OVER_DOTS if over.strip() and _is_blank(over) else 0
    bottom = row.baseline - (0.35 - lift) * size
    return Box(page=0, x1=left, y1=bottom, x2=max(right, left + 4), y2=bottom + 1.2 * size)


def _is_blank(text: str) -> bool:
    return all(letter in BLANK for letter in text)


def _is_title(line: Row) -> bool:
    return line.text == line.text.upper() and _TITLE.match(line.text) is not None


def _is_name(line: Row) -> bool:
    words = line.text.split()
    return _NAME.fullmatch(line.text) is not None and all(word[0].isupper() for word in words)


def _under(line: Row, title: Row) -> bool:
    return line.top <= title.bottom + 2 and abs(line.middle - title.middle) < _SAME_COLUMN
