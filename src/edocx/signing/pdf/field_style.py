"""How the text of a field continues its line, kept with the field: whoever fills it in months later may be another.

A template is named and never spelt: what a file says is put into no format string.
"""

from __future__ import annotations

import re
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string

from edocx.documents import FieldText

ENTRY = "/EdocxText"
"""A private entry of the field (ISO 32000-1 Annex E); readers that do not know it leave it alone."""

_TEMPLATES = {
    "/Number": "{number}",
    "/Notation": "{notation}",
    "/Code": "{number}/{notation}",
    "/LabelledCode": "Số: {number}/{notation}",
    "/Place": "{place}",
    "/Day": "{day}",
    "/Month": "{month}",
    "/Year": "{year}",
    "/ShortYear": "{short_year}",
    "/Date": "ngày {day} tháng {month} năm {year}",
    "/PlaceAndDate": "{place}, ngày {day} tháng {month} năm {year}",
}
_NAMES = {template: name for name, template in _TEMPLATES.items()}

_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?) Tf")
_MAX_PRINTED = 40
_SIZES = (4.0, 72.0)


def keep_style(field: generic.DictionaryObject, style: FieldText) -> None:
    """Write into a text field how it is filled; a template of somebody's own is left to whoever has it."""
    name = _NAMES.get(style.template)
    if name is None:
        return
    entry = generic.DictionaryObject(
        {
            pdf_name("/Form"): pdf_name(name),
            pdf_name("/Italic"): generic.BooleanObject(style.italic),
            pdf_name("/Align"): generic.NumberObject(style.align),
        }
    )
    if style.baseline is not None:
        entry[pdf_name("/Baseline")] = generic.FloatObject(f"{style.baseline:.2f}")
    if style.printed:
        entry[pdf_name("/Printed")] = pdf_string(style.printed)
    field[pdf_name(ENTRY)] = entry


def style_of(field: Any) -> FieldText | None:
    """Read how a field is filled; None for one that does not say it, or not in a way that was written here."""
    entry = field.get(ENTRY) if ENTRY in field else None
    if not isinstance(entry, generic.DictionaryObject):
        return None
    template = _TEMPLATES.get(str(entry.get("/Form", "")))
    align, baseline = entry.get("/Align", 1), entry.get("/Baseline")
    size = _SIZE.search(str(field.get("/DA", "")))
    if template is None or size is None or not isinstance(align, int) or align not in {0, 1, 2}:
        return None
    return FieldText(
        template=template,
        italic=bool(entry.get("/Italic", False)),
        size=min(max(float(size[1]), _SIZES[0]), _SIZES[1]),
        align=int(align),
        baseline=float(baseline) if isinstance(baseline, (generic.FloatObject, generic.NumberObject)) else None,
        printed=str(entry.get("/Printed", ""))[:_MAX_PRINTED],
    )
