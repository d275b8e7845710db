"""Whether a field filled after a signature shows what it says: people read its look, programs its value.

Whoever fills an empty field may give it a look that shows another number than the value. A later seal covers both, and
its signer saw but one. Only a warning: a look may be set in letters that cannot be read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.errors import Text
from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.covering import widgets_of
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.fast.syntax import UNREADABLE
from edocx.signing.pdf.ink import plain_data
from edocx.signing.pdf.look_text import Letters, shows
from edocx.signing.report import Message

MAX_FIELDS = 200
"""Looked at; a form of an official document has some ten."""

_SIGNS = frozenset({"/ZapfDingbats", "/Symbol"})
"""Fonts whose codes are no letters of a text (ISO 32000-2 9.6.2.2)."""

_DIFFERS = Text(
    "Ô này được điền sau một chữ ký, và hình hiển thị không cho thấy đúng giá trị ghi trong ô (hoặc không đọc lại "
    "được): người xem và phần mềm có thể hiểu khác nhau. Xem ô trên trang, so với giá trị, hỏi nơi gửi nếu khác.",
    "This field was filled after a signature, and its look does not show the value it holds (or cannot be read back): "
    "people and programs may take it differently. Look at it, compare its value, and ask the sender if they differ.",
)


def value_messages(reader: PdfFileReader, revision: int) -> tuple[Message, ...]:
    """Return a warning for each field filled after a revision whose look does not show its value."""
    newest = int(reader.xrefs.total_revisions) - 1
    if revision >= newest:
        return ()
    try:
        names = tuple(_differing(reader, revision, newest))
    except MALFORMED:
        return ()  # what cannot be read is judged elsewhere
    return tuple(Message.of("EDX-PDF-VALUE-LOOK", "warning", _DIFFERS, where=name) for name in names)


def _differing(reader: PdfFileReader, revision: int, newest: int) -> Iterator[str]:
    old, new = reader.get_historical_resolver(revision), reader.get_historical_resolver(newest)
    for count, reference in enumerate(widgets_of(new)):
        if count >= MAX_FIELDS:
            return
        one = new(reference)
        kind, value = str(_inherited(one, "/FT")), _inherited(one, "/V")
        if kind == "/Sig" or ("/AP" not in one and "/AS" not in one):
            continue
        earlier = old(reference) if not old.is_ref_unassignable(reference) else generic.DictionaryObject()
        if _state(one, kind) == _state(earlier, kind):
            continue
        if not _agrees(one, kind, value):
            yield str(_inherited(one, "/T") or f"object {reference.idnum}")


def _state(one: generic.DictionaryObject, kind: str) -> tuple[object, ...]:
    shown = (str(resolved(one, "/AS")),) if kind == "/Btn" else (_data(one),)
    return (str(_inherited(one, "/V")), *shown)


def _agrees(one: generic.DictionaryObject, kind: str, value: Any) -> bool:
    if kind == "/Btn":
        state = str(resolved(one, "/AS", "/Off"))
        return "/V" not in one or state == str(value)
    said = "" if value is None or isinstance(value, generic.NullObject) else str(value)
    look = _look(one)
    if look is None:
        return True  # viewers draw the value
    fonts = resolved(resolved(look, "/Resources", generic.DictionaryObject()), "/Font", generic.DictionaryObject())
    try:
        if "/OC" in one or "/OC" in look or not _is_upright(look, one):
            return False
        left, low, right, high = (float(number) for number in resolved(look, "/BBox"))
        box = (abs(right - left), abs(high - low))
        return shows(plain_data(look), said, lambda name: _letters(resolved(fonts, f"/{name}")), box)
    except (*MALFORMED, *UNREADABLE):
        return False


def _is_upright(look: generic.StreamObject, one: generic.DictionaryObject) -> bool:
    """Say whether a look is turned at most as its page is, not mirrored, and as large as its words."""
    a, b, c, d = (float(number) for number in list(resolved(look, "/Matrix", (1, 0, 0, 1, 0, 0)))[:4])
    straight = (a == d == 1 or (a == d == -1 and _is_page_turned(one))) and b == c == 0
    return straight or (a == d == 0 and b == -c and abs(b) == 1)


def _is_page_turned(one: generic.DictionaryObject) -> bool:
    return int(_inherited(resolved(one, "/P"), "/Rotate") or 0) % 360 == 180  # noqa: PLR2004 - half a turn


def _data(one: generic.DictionaryObject) -> bytes:
    look = _look(one)
    return b"" if look is None else bytes(look.data)


def _look(one: generic.DictionaryObject) -> generic.StreamObject | None:
    held = resolved(resolved(one, "/AP", generic.DictionaryObject()), "/N")
    return held if isinstance(held, generic.StreamObject) else None


def _letters(font: Any) -> Letters:
    if not isinstance(font, generic.DictionaryObject):
        return Letters()
    width = 2 if str(resolved(font, "/Subtype")) == "/Type0" else 1
    if "/ToUnicode" in font:
        return Letters(width, bytes(font["/ToUnicode"].data))
    if str(resolved(font, "/BaseFont")) in _SIGNS:
        return Letters(width, None, frozenset(range(256)))
    encoding = resolved(font, "/Encoding")
    own: set[int] = set()
    if isinstance(encoding, generic.DictionaryObject):
        code = 0
        for one in resolved(encoding, "/Differences", ()):
            if isinstance(one, generic.NumberObject):
                code = int(one)
            else:
                own.add(code)
                code += 1
    return Letters(width, None, frozenset(own))


def _inherited(one: Any, name: str) -> Any:
    for _ in range(30):
        if not isinstance(one, generic.DictionaryObject):
            return None
        if name in one:
            return one[name]
        one = resolved(one, "/Parent")
    return None
