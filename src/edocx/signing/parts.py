"""What a signature covers, as names that two signatures can be compared by.

A name is one of a file (a data object of a container, a file given beside a signature), the path of an element
(``/Doc/Letter``), or `WHOLE`. Signatures over different content say nothing about each other's: whoever joins two
genuine signatures in one file must not get a document that both have signed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from edocx.errors import Text

WHOLE = "whole-document"
EARLIER = "earlier-revision"
"""Of a PDF: what came after it is judged by itself (`edocx.signing.pdf.changes`)."""

_NAMED = 5
"""Parts that are named one by one where people read."""


def file_part(name: str) -> str:
    """Return the name of a file as a part: never that of an element, nor of a whole document."""
    return f"./{name}" if name in {WHOLE, EARLIER} or name.startswith("/") else name


def is_file(part: str) -> bool:
    """Say whether a part is a file beside the signature."""
    return not part.startswith("/") and part not in {WHOLE, EARLIER}


def cover(parts: Iterable[str], wanted: Iterable[str]) -> bool:
    """Say whether parts hold everything that is wanted, each of it whole."""
    held = frozenset(parts)
    return all(other in held or any(_holds(one, other) for one in held) for other in wanted)


def _holds(part: str, other: str) -> bool:
    if part == WHOLE:
        return other.startswith("/") and "//" not in other
    if not part.startswith("/") or part.endswith("/text()") or not other.startswith(f"{part}/"):
        return False
    rest = other[len(part) :]
    return rest.startswith("//") or "//" not in rest


def name_parts(parts: Collection[str]) -> Text:
    """Return the parts as people read them."""
    if not parts:
        return Text("không xác định được phần nào", "nothing that can be named")
    named = [_WORDS.get(one, Text(one[:200], one[:200])) for one in islice(parts, _NAMED)]
    more = len(parts) - len(named)
    vi, en = ", ".join(one.vi for one in named), ", ".join(one.en for one in named)
    return Text(f"{vi} và {more} phần khác", f"{en} and {more} more") if more > 0 else Text(vi, en)


_WORDS = {
    WHOLE: Text("toàn bộ tài liệu", "the whole document"),
    EARLIER: Text("bản trước của tài liệu", "an earlier revision of the document"),
}
