"""Objects that attacks on PDFs are made of."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

PAGE = (0, 0, 595, 842)
"""Corners of a page of A4."""


def dictionary(**entries: Any) -> generic.DictionaryObject:
    """Make a dictionary of entries by their names."""
    return generic.DictionaryObject({pdf_name(f"/{name}"): value for name, value in entries.items()})


def numbers(*numbers: int) -> generic.ArrayObject:
    """Make an array of whole numbers."""
    return generic.ArrayObject(generic.NumberObject(n) for n in numbers)


def first_page(writer: IncrementalPdfFileWriter) -> Any:
    """Return the reference of the first page."""
    return writer.find_page_for_modification(0)[0]


def form_of(data: bytes) -> generic.StreamObject:
    """Make a look of a whole page out of a content."""
    names = {pdf_name("/Type"): pdf_name("/XObject"), pdf_name("/Subtype"): pdf_name("/Form")}
    return generic.StreamObject({**names, pdf_name("/BBox"): numbers(*PAGE)}, stream_data=data)


def add_field(writer: IncrementalPdfFileWriter, kind: str, flags: int, rectangle: tuple[int, ...], **more: Any) -> None:
    """Add a field named ``Shadow`` that stands on the first page."""
    page = first_page(writer)
    field = dictionary(
        FT=pdf_name(kind),
        Type=pdf_name("/Annot"),
        Subtype=pdf_name("/Widget"),
        T=pdf_string("Shadow"),
        F=generic.NumberObject(flags),
        Rect=numbers(*rectangle),
        P=page,
        **more,
    )
    reference = writer.add_object(field)
    if "/AcroForm" not in writer.root:
        writer.root[pdf_name("/AcroForm")] = dictionary(Fields=generic.ArrayObject())
        writer.update_root()
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(reference)
    writer.update_container(fields)
    writer.register_annotation(page, reference)


def shadow_field(writer: IncrementalPdfFileWriter) -> tuple[Any, generic.DictionaryObject]:
    """Return that field, with its reference."""
    fields = writer.root["/AcroForm"]["/Fields"]
    raws = [fields.raw_get(place) for place in range(len(fields))]
    raw = next(one for one in raws if str(one.get_object().get("/T")) == "Shadow")
    return raw, raw.get_object()
