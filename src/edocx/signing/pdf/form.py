"""The form that NĐ 30/2020 Điều 14-15 needs: number and date open while the signatory signs, filled before the seal.

All fields exist before the first signature: two text fields and one signature field for each signatory and for the
agency. Filling and signing are then the only changes, and a verifier can tell them from any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, append_signature_field

from edocx.content import durable_file, storage_translated
from edocx.documents import Box, FieldText, PageLayout
from edocx.errors import SigningRefused, Text
from edocx.signing.pdf.document import MALFORMED, damaged, open_source
from edocx.signing.pdf.field_style import keep_style
from edocx.signing.pdf.field_text import DATE_FIELD, NUMBER_FIELD, FieldValue, text_appearance
from edocx.signing.pdf.page_view import corners_of, mark_turn, page_view, widget_view
from edocx.signing.pdf.placing import require_room
from edocx.signing.pdf.revision import Revision, open_revision, require_place

SEAL_FIELD = "EdocxSeal"

PRINT = 4
"""Annotation flag Print (ISO 32000-1 table 165)."""

_READ_ONLY = 1
"""Field flag ReadOnly (table 221): people do not type into it; the register fills it."""


def person_field(order: int) -> str:
    """Name the signature field of the signatory at a position, counted from 1."""
    return f"EdocxPerson{order}"


def initial_field(order: int) -> str:
    """Name the signature field of the initials at a position, counted from 1."""
    return f"EdocxInitial{order}"


def joint_seal_field(order: int) -> str:
    """Name the field of the seal of a further agency, counted from 1; the presiding one seals last (`SEAL_FIELD`)."""
    return f"EdocxJointSeal{order}"


@storage_translated()
def make_form(source: Path, out: Path, layout: PageLayout) -> Path:
    """Write ``source`` with the empty fields of ``layout`` to ``out``.

    Raises `PdfError` for an unusable PDF and `SigningRefused` (``EDX-PDF-SIGNED``) for one that carries signatures
    already: fields added after a signature would break it. See `storage_error` for a disk that is full.
    """
    with open_source(source) as stream:
        writer = open_revision(stream, str(source))
        try:
            if writer.prev.embedded_signatures:
                raise _already_signed(source)
            fields = _signature_fields(layout)
            texts = _text_fields(layout)
            for box, _ in texts.values():
                require_place(writer, box, str(source))
            for box in fields.values():
                require_room(require_place(writer, box, str(source)).to_file(box.corners), str(source))
            for name, (box, style) in texts.items():
                _add_text_field(writer, name, box, style)
            for name, box in fields.items():
                _add_signature_field(writer, name, box, final=name == SEAL_FIELD)
            with durable_file(out) as target:
                writer.write(target)  # type: ignore[no-untyped-call, unused-ignore]
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return out


def _text_fields(layout: PageLayout) -> dict[str, tuple[Box, FieldText]]:
    parts: dict[str, tuple[Box, FieldText]] = {part.name: (part.box, part.text) for part in layout.parts}
    return {NUMBER_FIELD: (layout.number, layout.number_text), DATE_FIELD: (layout.date, layout.date_text), **parts}


def _signature_fields(layout: PageLayout) -> dict[str, Box]:
    named = (
        (initial_field, layout.initials),
        (person_field, layout.signatures),
        (joint_seal_field, layout.joint_seals),
    )
    fields = {name(order): box for name, boxes in named for order, box in enumerate(boxes, start=1)}
    return {**fields, SEAL_FIELD: layout.seal}


def fill_fields(writer: IncrementalPdfFileWriter, values: Mapping[str, FieldValue], where: str) -> None:
    """Set text fields with an appearance of their own, so that every viewer shows the same letters.

    Raises `SigningRefused` when a field does not exist.
    """
    fields = {str(field.raw_get("/T")): field for field in _fields(writer)}
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            raise SigningRefused(
                Text(f"Tệp PDF không có trường “{name}”.", f"The PDF has no field “{name}”."),
                hint=Text(
                    "Tạo các ô trên bản chưa ký bằng `edocx form` rồi ký lại.",
                    "Make the fields with `edocx form` on the unsigned file, then sign again.",
                ),
                code="EDX-FIELD-MISSING",
                where=where,
            )
        view = widget_view(writer, field)
        field["/V"] = pdf_string(value.text)
        shown = text_appearance(writer, view, view.to_seen(corners_of(field["/Rect"])), value)
        field["/AP"] = generic.DictionaryObject({pdf_name("/N"): shown})
        writer.update_container(field)


def _fields(writer: IncrementalPdfFileWriter) -> list[generic.DictionaryObject]:
    if "/AcroForm" not in writer.root:
        return []
    return [reference.get_object() for reference in writer.root["/AcroForm"]["/Fields"]]


def _add_text_field(writer: IncrementalPdfFileWriter, name: str, box: Box, style: FieldText) -> None:
    page_ref, _ = writer.find_page_for_modification(box.page)
    view = page_view(writer, box.page)
    rectangle = generic.ArrayObject(generic.FloatObject(f"{value:.2f}") for value in view.to_file(box.corners))
    field = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): pdf_string(name),
            pdf_name("/Ff"): generic.NumberObject(_READ_ONLY),
            pdf_name("/F"): generic.NumberObject(PRINT),
            pdf_name("/DA"): generic.TextStringObject(f"/Helv {style.size:g} Tf 0 g"),
            pdf_name("/V"): pdf_string(style.blank),
            pdf_name("/Rect"): rectangle,
            pdf_name("/P"): page_ref,
        }
    )
    keep_style(field, style)
    mark_turn(field, view)
    shown = text_appearance(writer, view, box.corners, FieldValue(style.blank, style))
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): shown})
    reference = writer.add_object(field)
    writer.register_annotation(page_ref, reference)
    _form_fields(writer).append(reference)


def _form_fields(writer: IncrementalPdfFileWriter) -> generic.ArrayObject:
    root = writer.root
    if "/AcroForm" not in root:
        root["/AcroForm"] = writer.add_object(generic.DictionaryObject({pdf_name("/Fields"): generic.ArrayObject()}))
        writer.update_root()
    form = root["/AcroForm"]
    if "/Fields" not in form:
        form["/Fields"] = generic.ArrayObject()
    writer.update_container(form)
    fields = form["/Fields"]
    writer.update_container(fields)
    assert isinstance(fields, generic.ArrayObject)
    return fields


def add_seal_field(writer: Revision, box: Box, where: str) -> None:
    """Add an empty field for the seal that locks the document; raise `UsageError` for a place off the page."""
    require_room(require_place(writer, box, where).to_file(box.corners), where)
    _add_signature_field(writer, SEAL_FIELD, box, final=True)


def locking() -> dict[str, Any]:
    """Return the arguments of pyHanko's field that locks all others and permits no change (ISO 32000-2 12.7.5.5)."""
    return {"field_mdp_spec": FieldMDPSpec(FieldMDPAction.ALL), "doc_mdp_update_value": MDPPerm.NO_CHANGES}


def _add_signature_field(writer: IncrementalPdfFileWriter, name: str, box: Box, *, final: bool = False) -> None:
    corners = page_view(writer, box.page).to_file(box.corners)
    lock = locking() if final else {}
    append_signature_field(writer, SigFieldSpec(name, on_page=box.page, box=corners, **lock))  # type: ignore[arg-type]


def _already_signed(source: Path) -> SigningRefused:
    return SigningRefused(
        Text("Tệp PDF đã có chữ ký.", "The PDF carries a signature already."),
        hint=Text("Dùng tệp chưa ký làm dự thảo.", "Use the unsigned file as the draft."),
        code="EDX-PDF-SIGNED",
        where=str(source),
    )
