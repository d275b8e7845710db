"""Which known trick a forbidden change looks like, so that the verdict can name it.

Only for the words of the verdict: a change fails because nothing explains it, whether or not it is recognised here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from edocx.errors import Text
from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.covering import covering_fields
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded
from edocx.signing.pdf.page_tree import pages_of
from edocx.signing.report import Message

MAX_LOOKED_AT = 2_000
"""Changed objects; more are not looked at for their kind."""


def recognise_changes(signature: Embedded) -> tuple[Message, ...]:
    """Return a message for each kind of change after a signature that is recognised; none when nothing is."""
    reader = signature.reader
    found: dict[str, Message] = {}
    try:
        last = reader.xrefs.total_revisions - 1
        for reference in covering_fields(reader, signature.revision, last):
            page = _page_of(reader.get_historical_resolver(last), reference)
            where = f"page {page}" if page else f"object {reference.idnum}"
            found["EDX-PDF-COVERED"] = Message.of("EDX-PDF-COVERED", "error", _COVERED, where=where)
        old = reader.get_historical_resolver(signature.revision)
        for revision in range(signature.revision + 1, reader.xrefs.total_revisions):
            new = reader.get_historical_resolver(revision)
            if new.trailer_view.raw_get("/Root") != old.trailer_view.raw_get("/Root"):
                found["EDX-PDF-CATALOGUE"] = Message.of("EDX-PDF-CATALOGUE", "error", _CATALOGUE)
            for reference in list(new.explicit_refs_in_revision())[:MAX_LOOKED_AT]:
                for code, text in _kinds(old, new, reference):
                    found.setdefault(code, Message.of(code, "error", text, where=f"object {reference.idnum}"))
    except MALFORMED:
        return tuple(found.values())
    return tuple(found.values())


def _page_of(resolver: HistoricalResolver, widget: generic.Reference) -> int | None:
    for number, (page, _) in enumerate(pages_of(resolver), 1):
        marks = resolved(page, "/Annots", generic.ArrayObject())
        raws = [marks.raw_get(place) for place in range(len(marks))]
        if any(isinstance(raw, generic.IndirectObject) and raw.reference == widget for raw in raws):
            return number
    return None


def _kinds(
    old: HistoricalResolver, new: HistoricalResolver, reference: generic.Reference
) -> Iterator[tuple[str, Text]]:
    after = new(reference)
    if not isinstance(after, generic.DictionaryObject):
        return
    before = None if old.is_ref_unassignable(reference) else old(reference)
    earlier = before if isinstance(before, generic.DictionaryObject) else None
    kind = str(after.get("/Type", ""))
    if kind == "/Page" and earlier is not None:
        yield from _page(earlier, after)
    elif kind == "/Catalog" and earlier is not None:
        yield from _catalogue(earlier, after)
    elif kind in {"/Font", "/FontDescriptor"} and earlier is not None:
        yield "EDX-PDF-FONT-REPLACED", _FONT
    elif earlier is None and "/Subtype" in after and "/Rect" in after and str(after["/Subtype"]) != "/Widget":
        yield "EDX-PDF-ANNOTATED", _ANNOTATED
    elif "/V" in after and earlier is not None and "/FT" in after and str(after["/FT"]) != "/Sig":
        yield "EDX-PDF-FIELD-CHANGED", _FIELD
    elif isinstance(after, generic.StreamObject) and earlier is not None and kind in {"", "/XObject"}:
        yield "EDX-PDF-CONTENT-REPLACED", _CONTENT


def _page(before: generic.DictionaryObject, after: generic.DictionaryObject) -> Iterator[tuple[str, Text]]:
    if _differs(before, after, "/Contents"):
        yield "EDX-PDF-OVERLAID", _OVERLAID
    if any(_differs(before, after, name) for name in ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit")):
        yield "EDX-PDF-CROPPED", _CROPPED
    if _differs(before, after, "/Resources"):
        yield "EDX-PDF-FONT-REPLACED", _FONT


def _catalogue(before: generic.DictionaryObject, after: generic.DictionaryObject) -> Iterator[tuple[str, Text]]:
    if _differs(before, after, "/OCProperties"):
        yield "EDX-PDF-LAYERS", _LAYERS
    if any(_differs(before, after, name) for name in ("/OpenAction", "/AA", "/Names")):
        yield "EDX-PDF-ACTIONS", _ACTIONS
    if _differs(before, after, "/Pages"):
        yield "EDX-PDF-PAGES", _PAGES


def _differs(before: generic.DictionaryObject, after: generic.DictionaryObject, name: str) -> bool:
    return bool(_raw(before, name) != _raw(after, name))


def _raw(holder: generic.DictionaryObject, name: str) -> Any:
    return holder.raw_get(name) if name in holder else None


_OVERLAID = Text(
    "Sau khi ký, nội dung của trang bị viết đè hoặc thay thế; so với bản tại thời điểm ký.",
    "After signing, a page was written over or its content replaced; compare with the signed revision.",
)
_CATALOGUE = Text(
    "Sau khi ký, tệp được trỏ sang một danh mục gốc khác: các trang nhìn thấy không còn là các trang đã ký.",
    "After signing, the file was given another catalogue: the pages shown are no longer those that were signed.",
)
_COVERED = Text(
    "Sau khi ký, một ô được vẽ đè lên nội dung đã ký: ô chữ ký trống, dấu thời gian, ô trước đó bị ẩn, hoặc ô quá lớn.",
    "After signing, a field was drawn over what was signed: an empty one, a timestamp, a hidden or an oversized one.",
)
_CROPPED = Text(
    "Sau khi ký, khung hoặc hướng của trang bị đổi nên phần nhìn thấy khác đi.",
    "After signing, a page's boxes or rotation were changed, so that other parts of it show.",
)
_FONT = Text(
    "Sau khi ký, phông chữ hoặc tài nguyên của trang bị thay: chữ có thể hiện thành chữ khác.",
    "After signing, fonts or resources of a page were replaced: letters may show as others.",
)
_ANNOTATED = Text(
    "Sau khi ký, chú thích được đặt lên trang; nó có thể che nội dung đã ký.",
    "After signing, an annotation was put on a page; it may hide what was signed.",
)
_FIELD = Text(
    "Sau khi ký, giá trị hoặc hình thức của một trường bị đổi.",
    "After signing, the value or the look of a field was changed.",
)
_CONTENT = Text(
    "Sau khi ký, một dòng nội dung hoặc hình ảnh bị thay tại chỗ.",
    "After signing, a content stream or image was replaced in its place.",
)
_LAYERS = Text(
    "Sau khi ký, các lớp ẩn hiện bị đổi; nội dung ẩn có thể đã được bật lên.",
    "After signing, layers were switched; hidden content may show now.",
)
_ACTIONS = Text(
    "Sau khi ký, hành động tự chạy hoặc danh mục tên được thêm vào tệp.",
    "After signing, automatic actions or name trees were added.",
)
_PAGES = Text(
    "Sau khi ký, cây trang của tệp bị thay bằng cây khác.",
    "After signing, the tree of pages was exchanged for another.",
)
