"""What goes into the fields for number and date, in the words that the page leaves open; and what it would cover."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.documents import DocumentNumber, FieldText, PartField
from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.field_style import style_of
from edocx.signing.pdf.field_text import (
    DATE_FIELD,
    MONTH_FIELD,
    NOTATION_FIELD,
    NUMBER_FIELD,
    PLACE_FIELD,
    YEAR_FIELD,
    FieldValue,
    number_and_date,
)
from edocx.signing.pdf.form_notes import OVER_TEXT, UNREAD, said_of
from edocx.signing.pdf.page_text import has_poppler
from edocx.signing.pdf.page_view import seen_box
from edocx.signing.pdf.page_words import page_words
from edocx.signing.pdf.placing import layout_for
from edocx.signing.report import Message

_PARTS = (NOTATION_FIELD, PLACE_FIELD, MONTH_FIELD, YEAR_FIELD)

MAX_FIELDS = 10_000
"""Of a form that are looked through for ours."""


def values_for(source: Path, *, number: DocumentNumber, place: str, issued_on: date) -> Mapping[str, FieldValue]:
    """Return what fills the fields of number and date of a PDF, as each field says that its line goes on.

    Fields that do not say it are filled as the decree writes them. Raises `SigningRefused` (``EDX-FIELD-PRINTED``)
    when the page prints another notation or year itself, `PdfError`.
    """
    styles = _styles(source)
    layout = layout_for(source)
    kept = {NUMBER_FIELD: layout.number_text, DATE_FIELD: layout.date_text} | styles
    parts = tuple(
        PartField.model_validate({"name": name, "box": layout.date, "text": kept[name]})
        for name in _PARTS
        if name in kept
    )
    fitted = layout.model_copy(
        update={"number_text": kept[NUMBER_FIELD], "date_text": kept[DATE_FIELD], "parts": parts}
    )
    _require_agreement(source, kept[NUMBER_FIELD].printed, number.notation)
    _require_agreement(source, kept[DATE_FIELD].printed, str(issued_on.year))
    return number_and_date(fitted, number=number, place=place, issued_on=issued_on)


def covered_notes(source: Path, names: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return a warning for each of these empty fields that stands where the page prints something already."""
    with _fields(source) as (reader, fields):
        boxes = {
            name: seen_box(reader, field)
            for name, field in fields.items()
            if name in names and "/Rect" in field and not str(field.get("/V", ""))
        }
    if not boxes:
        return ()
    if not has_poppler():
        return (UNREAD,)
    pages = {box.page: page_words(source, box.page) for box in boxes.values()}
    return tuple(said_of(OVER_TEXT, name) for name, box in boxes.items() if pages[box.page].covers_text(box))


def _styles(source: Path) -> dict[str, FieldText]:
    with _fields(source) as (_, fields):
        found = {name: style_of(fields[name]) for name in (NUMBER_FIELD, DATE_FIELD, *_PARTS) if name in fields}
    return {name: style for name, style in found.items() if style is not None}


@contextmanager
def _fields(source: Path) -> Iterator[tuple[PdfFileReader, dict[str, generic.DictionaryObject]]]:
    """Give the topmost fields of a form by name, for as long as the file is open."""
    with open_pdf(source) as reader:
        try:
            root = reader.root
            listed = root["/AcroForm"]["/Fields"] if "/AcroForm" in root else []
            fields = [one.get_object() for one in itertools.islice(listed, MAX_FIELDS)]
            yield reader, {str(one.raw_get("/T")): one for one in fields if "/T" in one}
        except MALFORMED as error:
            raise damaged(str(source)) from error


def _require_agreement(source: Path, printed: str, given: str) -> None:
    if not printed or unicodedata.normalize("NFC", printed).casefold() == given.casefold():
        return
    shown = "".join(letter for letter in printed if letter.isprintable())
    raise SigningRefused(
        Text(
            f"Trang đã in sẵn “{shown}”, khác với “{given}” sẽ điền.",
            f"The page prints “{shown}” already, which is not the “{given}” to be filled in.",
        ),
        hint=Text(
            "Dùng số, ký hiệu và ngày đúng với văn bản, hoặc làm lại dự thảo.",
            "Use the number, notation and date that the document prints, or make its draft anew.",
        ),
        code="EDX-FIELD-PRINTED",
        where=str(source),
    )
