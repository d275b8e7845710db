"""What was added to the pages between two revisions: on which pages, and of what kind, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.errors import Text
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.page_resources import effective_resources
from edocx.signing.pdf.page_tree import pages_of
from edocx.signing.report import AddedPage, Message

_MARKS = {
    "content": Text("nội dung trên trang", "content on the page"),
    "annotation": Text("chú thích, dấu hoặc ghi chú", "annotations, stamps or notes"),
    "field": Text("trường biểu mẫu", "form fields"),
}


def added_pages(reader: PdfFileReader, before: int, after: int) -> tuple[AddedPage, ...] | None:
    """Return the pages that carry more in one revision than in an earlier one; None where that cannot be read."""
    try:
        old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
        found = []
        for number, (page, reference) in enumerate(pages_of(new), 1):
            kinds = tuple(dict.fromkeys(_kinds(_earlier(old, reference), page, old)))
            if kinds:
                found.append(AddedPage(page=number, kinds=kinds))
    except MALFORMED:
        return None
    return tuple(found)


def page_message(added: AddedPage) -> Message:
    """Say of one page what was added to it."""
    vi, en = (", ".join(getattr(_MARKS[kind], lang) for kind in added.kinds) for lang in ("vi", "en"))
    return Message.of(
        "EDX-PDF-ADDED-PAGE",
        "info",
        Text(
            f"Trang {added.page}: sau chữ ký này có thêm {vi}.", f"Page {added.page}: after this signature, added {en}."
        ),
        where=f"page {added.page}",
    )


def _earlier(old: HistoricalResolver, reference: Any) -> generic.DictionaryObject:
    if reference is None or old.is_ref_unassignable(reference):
        return generic.DictionaryObject()
    found = old(reference)
    return found if isinstance(found, generic.DictionaryObject) else generic.DictionaryObject()


def _kinds(before: generic.DictionaryObject, after: generic.DictionaryObject, old: HistoricalResolver) -> Iterator[str]:
    grown = effective_resources(before) != effective_resources(after)  # a name that was used already may show now
    if grown or _listed(before, "/Contents") != _listed(after, "/Contents"):
        yield "content"
    known = set(_listed(before, "/Annots"))
    for raw in _entries(after, "/Annots"):
        held = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
        if _mark(raw) in known:
            earlier = _earlier(old, raw.reference if isinstance(raw, generic.IndirectObject) else None)
            if str(held.get("/FT", "")) != "/Sig" and any(_value(earlier, n) != _value(held, n) for n in ("/V", "/AP")):
                yield "field"  # filled
            continue
        if str(held.get("/Subtype", "")) != "/Widget":
            yield "annotation"
        elif str(held.get("/FT", "")) != "/Sig":  # a signature's own place is no addition to the page
            yield "field"


def _value(holder: generic.DictionaryObject, name: str) -> Any:
    return holder.raw_get(name) if name in holder else None


def _listed(page: generic.DictionaryObject, name: str) -> list[Any]:
    return [_mark(raw) for raw in _entries(page, name)]


def _entries(page: generic.DictionaryObject, name: str) -> list[Any]:
    if name not in page:
        return []
    held = page[name]
    if isinstance(held, generic.ArrayObject):
        return [held.raw_get(place) for place in range(len(held))]
    return [page.raw_get(name)]


def _mark(raw: Any) -> Any:
    return (raw.idnum, raw.generation) if isinstance(raw, generic.IndirectObject) else str(raw)
