"""The appearance of a text field: set by us, so that every viewer shows the same letters in the same place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import PdfResources
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from edocx.documents import DocumentNumber, FieldText, PageLayout
from edocx.fonts import Face
from edocx.signing.pdf.font import FaceFactory
from edocx.signing.pdf.page_view import Corners, PageView, stand_upright

NUMBER_FIELD = "EdocxNumber"
DATE_FIELD = "EdocxDate"
NOTATION_FIELD, PLACE_FIELD, MONTH_FIELD, YEAR_FIELD = "EdocxNotation", "EdocxPlace", "EdocxMonth", "EdocxYear"
"""Field names hold no full stop: that would make them children of another field (ISO 32000-1 12.7.3.2)."""

_DESCENT = 0.25
"""Of the font size, for text without a given baseline: what Times needs below the line."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The text of a field and how it is set."""

    text: str
    style: FieldText


def number_and_date(
    layout: PageLayout, *, number: DocumentNumber, place: str, issued_on: date
) -> Mapping[str, FieldValue]:
    """Write number and date as NĐ 30/2020 Phụ lục I wants them: zero before days under 10 and months 1 and 2."""
    words = {
        "number": number.number,
        "notation": number.notation,
        "place": place,
        "day": f"{issued_on.day:02d}",
        "month": f"{issued_on.month:02d}" if issued_on.month <= 2 else str(issued_on.month),  # noqa: PLR2004 - the rule
        "year": issued_on.year,
        "short_year": f"{issued_on.year % 100:02d}",
    }
    styles: dict[str, FieldText] = {part.name: part.text for part in layout.parts}
    styles |= {NUMBER_FIELD: layout.number_text, DATE_FIELD: layout.date_text}
    return {name: FieldValue(style.template.format_map(words), style) for name, style in styles.items()}


def text_appearance(
    writer: BasePdfFileWriter, view: PageView, corners: Corners, value: FieldValue
) -> generic.IndirectObject:
    """Build the form XObject that shows ``value`` upright in a box as seen; text too wide is narrowed."""
    width, height = corners[2] - corners[0], corners[3] - corners[1]
    resources = PdfResources()
    form = generic.StreamObject(stream_data=_draw(writer, width, height, value, resources) if value.text else b"")
    form.update(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(generic.FloatObject(f"{n:.2f}") for n in (0, 0, width, height)),
            pdf_name("/Resources"): resources.as_pdf_object(),
        }
    )
    stand_upright(form, view)
    return writer.add_object(form)


def _draw(writer: BasePdfFileWriter, width: float, height: float, value: FieldValue, resources: PdfResources) -> bytes:
    style = value.style
    face = Face.ITALIC if style.italic else Face.REGULAR
    engine = FaceFactory(face).create_font_engine(writer)
    size = round(style.size)
    engine.font_size = size  # the engine's own moves between glyphs are in these units
    shaped = engine.shape(value.text)
    extent = abs(float(shaped.x_advance)) * size
    squeeze = min(1.0, width / extent)
    left = (width - extent * squeeze) * style.align / 2
    centred = (height - size) / 2 + _DESCENT * size
    baseline = centred if style.baseline is None else style.baseline
    resources.font[pdf_name("/F1")] = engine.as_resource()
    # /Tx BMC … EMC marks the variable text (ISO 32000-1 12.7.3.3), so that a viewer that refills it knows where.
    return b"/Tx BMC q %.4f 0 0 1 %.2f %.2f cm BT /F1 %d Tf %s ET Q EMC" % (
        squeeze,
        left,
        baseline,
        size,
        shaped.graphics_ops,
    )
