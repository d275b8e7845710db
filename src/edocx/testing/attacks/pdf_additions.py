"""Forgeries that pose as additions: allowed to fields and stores, or answered for by whoever seals the file later.

Each shows other words than were signed while the signed objects stay in their places. Alone none may pass, neither
below a timestamp, nor with a seal of another trusted signer over it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from edocx.testing.attacks import Attack

_COVER = b"1 g 0 0 595 842 re f"
_PAGE = (0, 0, 595, 842)


def additions(data: bytes) -> Iterator[Attack]:
    """Yield copies of a signed PDF that grew by what shows something else."""
    for name, change in _CHANGES.items():
        stream = io.BytesIO(data)
        writer = IncrementalPdfFileWriter(stream, strict=False)
        change(writer)
        writer.write_in_place()
        yield Attack(f"addition-{name}", stream.getvalue())


def _numbers(*numbers: int) -> generic.ArrayObject:
    return generic.ArrayObject(generic.NumberObject(n) for n in numbers)


def _dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{name}"): value for name, value in entries.items()})


def _appearance(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    form = {pdf_name("/Type"): pdf_name("/XObject"), pdf_name("/Subtype"): pdf_name("/Form")}
    shown = generic.StreamObject({**form, pdf_name("/BBox"): _numbers(*_PAGE)}, stream_data=_COVER)
    return _dictionary(N=writer.add_object(shown))


def _empty_field(writer: IncrementalPdfFileWriter, **look: Any) -> None:
    page, _ = writer.find_page_for_modification(0)
    kinds = {"FT": pdf_name("/Sig"), "Type": pdf_name("/Annot"), "Subtype": pdf_name("/Widget")}
    field = _dictionary(
        **kinds, T=pdf_string("Cover"), F=generic.NumberObject(132), Rect=_numbers(*_PAGE), P=page, **look
    )
    reference = writer.add_object(field)
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(reference)
    writer.update_container(fields)
    writer.register_annotation(page, reference)


def _covering_field(writer: IncrementalPdfFileWriter) -> None:
    _empty_field(writer, AP=_appearance(writer))


def _indirect_look(writer: IncrementalPdfFileWriter) -> None:
    _empty_field(writer, AP=writer.add_object(_appearance(writer)))


def _background(writer: IncrementalPdfFileWriter) -> None:
    _empty_field(writer, MK=_dictionary(BG=_numbers(1, 1, 1)))


def _second_catalogue(writer: IncrementalPdfFileWriter) -> None:
    old = writer.root
    catalogue = generic.DictionaryObject({name: old.raw_get(name) for name in old})
    content = writer.add_object(generic.StreamObject(stream_data=b"BT /F1 24 Tf 30 780 Td (FORGED) Tj ET"))
    shown = writer.find_page_for_modification(0)[0].get_object()
    pages = _dictionary(Type=pdf_name("/Pages"), Count=generic.NumberObject(1))
    tree = writer.add_object(pages)
    page = _dictionary(Type=pdf_name("/Page"), Parent=tree, MediaBox=_numbers(*_PAGE), Contents=content)
    if "/Resources" in shown:
        page[pdf_name("/Resources")] = shown.raw_get("/Resources")
    pages[pdf_name("/Kids")] = generic.ArrayObject([writer.add_object(page)])
    catalogue[pdf_name("/Pages")] = tree
    reference = writer.add_object(catalogue)
    writer._root = reference  # noqa: SLF001 - no tool offers a second catalogue
    writer.trailer[pdf_name("/Root")] = reference


def _font(writer: IncrementalPdfFileWriter) -> Any:
    holder = writer.find_page_for_modification(0)[0].get_object()
    while "/Resources" not in holder:
        holder = holder["/Parent"]
    fonts = holder["/Resources"]["/Font"]
    return fonts.raw_get(next(iter(fonts)))


def _font_programme(writer: IncrementalPdfFileWriter) -> None:
    raw = _font(writer)
    programme = writer.add_object(generic.StreamObject(stream_data=b"other glyphs"))
    described = _dictionary(Type=pdf_name("/FontDescriptor"), FontFile2=programme)
    raw.get_object()[pdf_name("/FontDescriptor")] = writer.add_object(described)
    writer.mark_update(raw)


def _font_widths(writer: IncrementalPdfFileWriter) -> None:
    raw = _font(writer)
    raw.get_object()[pdf_name("/FirstChar")] = generic.NumberObject(32)
    raw.get_object()[pdf_name("/Widths")] = _numbers(*([0] * 224))
    writer.mark_update(raw)


def _signed_widget(writer: IncrementalPdfFileWriter) -> None:
    raw = writer.root["/AcroForm"]["/Fields"].raw_get(0)
    field = raw.get_object()
    field[pdf_name("/Rect")] = _numbers(*_PAGE)
    field[pdf_name("/F")] = generic.NumberObject(4)
    field[pdf_name("/AP")] = _appearance(writer)
    writer.mark_update(raw)


def _content_behind(data: bytes) -> Callable[[IncrementalPdfFileWriter], None]:
    """Put a stream before what was signed: a clip, or a comment that takes the next line with it."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        held = page.get_object()
        contents = held.raw_get("/Contents")
        listed = list(contents) if isinstance(contents, generic.ArrayObject) else [contents]
        ahead = writer.add_object(generic.StreamObject(stream_data=data))
        held[pdf_name("/Contents")] = generic.ArrayObject([ahead, *listed])
        writer.mark_update(page)

    return change


_CHANGES: dict[str, Callable[[IncrementalPdfFileWriter], None]] = {
    "covering-field": _covering_field,
    "covering-field-indirect": _indirect_look,
    "covering-background": _background,
    "second-catalogue": _second_catalogue,
    "font-programme": _font_programme,
    "font-widths": _font_widths,
    "signed-widget": _signed_widget,
    "content-clipped": _content_behind(b"0 0 1 1 re W n"),
    "content-commented": _content_behind(b"%"),
    "content-kept-and-commented": _content_behind(b"q %"),
    "content-run-into": _content_behind(b"q"),
}
