"""Settings of a file that no page holds, changed after a signature: allowed, and never silent.

Properties (title, author, dates), settings of the form, the version: tools that add validation data often touch them,
so they fail nothing; but viewers show the first, draw fields by the second, and read by the third. Up to a later
signature its signer answers for them; after the last one nobody does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.errors import Text
from edocx.signing.pdf.comparison import resolved, same
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.report import Message

BOOKKEEPING = frozenset({"ModDate", "Producer"})
"""Properties that every tool writes about itself; a change of these alone is told as such."""

_FORM = ("/NeedAppearances", "/DA", "/Q", "/XFA")
_KEPT_BY_TOOLS = re.compile(
    rb"<(xmp:ModifyDate|xmp:MetadataDate|pdf:Producer|xmpMM:InstanceID)\b[^>]*>[^<]*</\1>"
    rb"|\s(?:xmp:ModifyDate|xmp:MetadataDate|pdf:Producer|xmpMM:InstanceID)=(?:\"[^\"]*\"|'[^']*')|\s+"
)

Settings = dict[str, tuple[str, ...]]
"""``properties``, ``form``, ``version``: for each that changed, the entries that did."""


def settings_changed(reader: PdfFileReader, before: int, after: int) -> Settings:
    """Return which settings a revision has otherwise than an earlier one; what cannot be read is judged elsewhere."""
    if before >= after:
        return {}
    try:
        old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
        found = {
            "properties": tuple(_properties(old, new)),
            "form": tuple(_entries(_form(old), _form(new), _FORM)),
            "version": tuple(_entries(old.root, new.root, ("/Version",))),
        }
    except MALFORMED:
        return {}
    return {kind: names for kind, names in found.items() if names}


def settings_messages(settings: Settings, by: str) -> tuple[Message, ...]:
    """Say of one signature what was set otherwise after it, with the later signature that covers that."""
    return tuple(_message(kind, ", ".join(names), by, names) for kind, names in settings.items())


def _message(kind: str, listed: str, by: str, names: tuple[str, ...]) -> Message:
    if kind == "properties":
        text = Text(
            f"Sau chữ ký này, thuộc tính của tệp bị ghi lại ({listed}); chữ ký “{by}” bao trùm, chữ ký này thì không.",
            f"After this signature the file's properties were rewritten ({listed}); “{by}” covers that, this one not.",
        )
        only_tools = set(names) <= BOOKKEEPING
        return Message.of("EDX-PDF-LATER-PROPERTIES", "info" if only_tools else "warning", text, where=listed)
    if kind == "form":
        text = Text(
            f"Sau chữ ký này, thiết lập biểu mẫu bị đổi ({listed}), phần mềm có thể vẽ lại các trường; chữ ký “{by}” "
            "bao trùm thay đổi này. So với bản tại thời điểm ký.",
            f"After this signature settings of the form were changed ({listed}), so viewers may redraw fields; “{by}” "
            "covers that. Compare with the revision that this one signed.",
        )
        return Message.of("EDX-PDF-LATER-FORM", "warning", text, where=listed)
    text = Text(
        f"Sau chữ ký này, phiên bản PDF ghi trong danh mục bị đổi; chữ ký “{by}” bao trùm thay đổi này.",
        f"After this signature the PDF version in the catalogue was changed; “{by}” covers that.",
    )
    return Message.of("EDX-PDF-LATER-VERSION", "warning", text, where=listed)


def _properties(old: HistoricalResolver, new: HistoricalResolver) -> Iterator[str]:
    before, after = (_information(one) for one in (old, new))
    yield from _entries(before, after, sorted({*before, *after}))
    packets = [resolved(one.root, "/Metadata") for one in (old, new)]
    texts = [one.data if isinstance(one, generic.StreamObject) else b"" for one in packets]
    if texts[0] != texts[1]:
        told = _KEPT_BY_TOOLS.sub(b"", texts[0]) != _KEPT_BY_TOOLS.sub(b"", texts[1])
        yield "Metadata" if told else "ModDate"


def _information(resolver: HistoricalResolver) -> generic.DictionaryObject:
    reference = resolver.trailer_view.get_value_as_reference("/Info", optional=True)
    held = None if reference is None or resolver.is_ref_unassignable(reference) else resolver(reference)
    return held if isinstance(held, generic.DictionaryObject) else generic.DictionaryObject()


def _form(resolver: HistoricalResolver) -> generic.DictionaryObject:
    held = resolved(resolver.root, "/AcroForm")
    return held if isinstance(held, generic.DictionaryObject) else generic.DictionaryObject()


def _entries(before: Any, after: Any, names: Any) -> Iterator[str]:
    for name in names:
        if not same(resolved(before, name), resolved(after, name)):
            yield str(name).removeprefix("/")


def properties_rewritten(reader: PdfFileReader, revision: int) -> bool:
    """Say whether the revisions after one touch the document's metadata or its information dictionary."""
    newest = int(reader.xrefs.total_revisions) - 1
    if revision >= newest:
        return False
    try:
        before, after = _held(reader.get_historical_resolver(revision)), _held(reader.get_historical_resolver(newest))
        changed: set[Any] = set()
        for one in range(revision + 1, newest + 1):
            changed |= set(reader.get_historical_resolver(one).explicit_refs_in_revision())
        renamed = _renamed(reader, revision)
    except MALFORMED:
        return False  # what cannot be read is judged elsewhere
    return before != after or bool(changed & (before | after)) or renamed


def _renamed(reader: PdfFileReader, revision: int) -> bool:
    """Say whether the file's identifier for good, the first part of /ID, is another one (PDFBox once made new ones)."""
    newest = int(reader.xrefs.total_revisions) - 1
    trailers = (reader.get_historical_resolver(one).trailer_view for one in (revision, newest))
    one, other = (held["/ID"][0].original_bytes if "/ID" in held else b"" for held in trailers)
    return bool(one) and one != other


def _held(resolver: HistoricalResolver) -> set[Any]:
    found = set()
    root, trailer = resolver.root, resolver.trailer_view
    if "/Metadata" in root and isinstance(raw := root.raw_get("/Metadata"), generic.IndirectObject):
        found.add(raw.reference)
    info = trailer.get_value_as_reference("/Info", optional=True)
    if info is not None:
        found.add(info)
    return found


FORM_SETTINGS = Message.of(
    "EDX-PDF-FORM-SETTINGS",
    "warning",
    Text(
        "Sau chữ ký cuối cùng, thiết lập biểu mẫu bị đổi nên phần mềm có thể vẽ lại các trường; không ai ký thay đổi "
        "này, lấy lại bản gốc từ nơi gửi.",
        "After the last signature settings of the form were changed, so viewers may redraw fields; nobody signed that: "
        "fetch the original from its sender.",
    ),
)
PROPERTIES = Message.of(
    "EDX-PDF-PROPERTIES",
    "warning",
    Text(
        "Sau chữ ký cuối cùng, thuộc tính của tệp (tiêu đề, tác giả, ngày) bị ghi lại; nội dung các trang không đổi, "
        "nhưng đừng tin các thuộc tính đó.",
        "After the last signature the file's properties (title, author, dates) were rewritten; the pages are "
        "unchanged, but do not rely on those properties.",
    ),
)
