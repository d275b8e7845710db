"""The pages of a PDF in their order, read from a tree that may be hostile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

MAX_NODES = 50_000
"""Pages and what is above them; the longest of documents have some thousands, a tree that bites its tail has no end."""

MAX_DEPTH = 40
"""Of the tree of pages; a balanced tree of ten thousand pages has some five levels."""


def pages_of(resolver: HistoricalResolver) -> Iterator[tuple[generic.DictionaryObject, Any]]:
    """Yield the pages of a revision in order, each with its reference if it has one.

    Raises ``ValueError`` for a tree that is too large or too deep to be read whole: a page that nobody looked at could
    show anything.
    """
    waiting = [(resolver.root.raw_get("/Pages"), 0)]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        raw, depth = waiting.pop()
        node = raw.get_object() if isinstance(raw, generic.IndirectObject) else raw
        reference = raw.reference if isinstance(raw, generic.IndirectObject) else None
        if "/Kids" not in node:
            yield node, reference
            continue
        kids = node["/Kids"]
        if depth >= MAX_DEPTH or len(kids) + len(waiting) > MAX_NODES:
            break
        waiting += [(kids.raw_get(place), depth + 1) for place in reversed(range(len(kids)))]
    raise ValueError("the tree of pages is too large")
