"""What a page's content may name: fonts, pictures, states, layers; names may be added, and only those not used yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from edocx.signing.pdf.comparison import resolved, same
from edocx.signing.pdf.page_tree import pages_of

MAX_PARENTS = 40
"""Of a page, up the tree."""

MAX_VALUES = 50_000
"""Looked through below a page for names that they borrow from it; more are taken to use any name."""

_NAME = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]*)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")

Names = dict[str, dict[str, str] | str]


def effective_resources(page: generic.DictionaryObject) -> Names:
    """Return a page's resources, its own or inherited: each kind's names, with what they refer to."""
    holder: Any = page
    for _ in range(MAX_PARENTS):
        if not isinstance(holder, generic.DictionaryObject):
            return {}
        if "/Resources" in holder:
            return _names(holder["/Resources"])
        holder = resolved(holder, "/Parent")
    return {}


def _names(resources: Any) -> Names:
    if not isinstance(resources, generic.DictionaryObject):
        return {}
    found: Names = {}
    for kind in resources:
        held = resources[kind]
        listed = isinstance(held, generic.DictionaryObject)
        found[kind] = {one: str(held.raw_get(one)) for one in held} if listed else str(held)
    return found


def names_changed(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Say whether what a signed page's content names became another thing: exchanged, taken away, or given late.

    The last is a shadow attack: what the content shows by that name was not there for the first signer to see.
    """
    for (page, _), (later, _) in zip(pages_of(old), pages_of(new), strict=True):
        before, after = effective_resources(page), effective_resources(later)
        if before == after:
            continue
        if any(_held(after, kind).get(one) != meant for kind in before for one, meant in _held(before, kind).items()):
            return True
        given = {(kind, one) for kind in after for one in _held(after, kind).keys() - _held(before, kind).keys()}
        if given and any(_borrows(data, own, given) for data, own in _contents(page)):
            return True
    return False


def _borrows(data: bytes, own: Names, given: set[tuple[str, str]]) -> bool:
    used = names_used(data)
    return any(name in used and name not in _held(own, kind) for kind, name in given)


def _held(names: Names, kind: str) -> dict[str, str]:
    held = names.get(kind, {})
    return held if isinstance(held, dict) else {}


def _contents(page: generic.DictionaryObject) -> Iterator[tuple[bytes, Names]]:
    """Yield all content that is painted on a page, with the resources it brings itself.

    Viewers look for a name in the page's resources when a form, a look of an annotation, a pattern or a glyph brings
    none or not that one, however deep in others they are.
    """
    waiting: list[tuple[Any, Names, bool]] = [(one, {}, painted) for one, painted in _painted_on(page)]
    seen: set[tuple[generic.Reference, bool]] = set()
    for _ in range(MAX_VALUES):
        if not waiting:
            return
        one, own, painted = waiting.pop()
        if isinstance(one, generic.IndirectObject):
            if (one.reference, painted) in seen:
                continue
            seen.add((one.reference, painted))
            one = one.get_object()
        if isinstance(one, generic.ArrayObject):
            waiting += [(one.raw_get(place), own, painted) for place in range(len(one))]
        elif isinstance(one, generic.DictionaryObject):
            own = _names(one["/Resources"]) if "/Resources" in one else own
            is_stream = isinstance(one, generic.StreamObject)
            if isinstance(one, generic.StreamObject) and (
                painted or "/PatternType" in one or str(resolved(one, "/Subtype", "")) == "/Form"
            ):
                yield one.data, own
            within = painted and not is_stream  # states of a look, glyphs of a font
            kept = own if "/CharProcs" in one or within else {}
            waiting += [(one.raw_get(name), kept, within or name == "/CharProcs") for name in one]
    raise ValueError("more on a page than is looked through")


def _painted_on(page: generic.DictionaryObject) -> Iterator[tuple[Any, bool]]:
    """Yield where a page's content is: what is painted as it stands, and the resources, where some of it is."""
    if "/Contents" in page:
        yield page.raw_get("/Contents"), True
    listed = resolved(page, "/Annots", generic.ArrayObject())
    for place in range(len(listed)):
        one = listed[place]
        if isinstance(one, generic.DictionaryObject) and "/AP" in one:
            yield one.raw_get("/AP"), True
    holder: Any = page
    for _ in range(MAX_PARENTS):
        if not isinstance(holder, generic.DictionaryObject):
            break
        if "/Resources" in holder:
            yield holder.raw_get("/Resources"), False
            break
        holder = resolved(holder, "/Parent")


def names_used(data: bytes) -> set[str]:
    """Return the names in a content stream or in a default appearance, unescaped and with their slash."""
    return {
        "/" + _ESCAPE.sub(lambda one: bytes([int(one[1], 16)]), name).decode("latin-1")
        for name in set(_NAME.findall(data))
    }


def resources_grew(before: Any, after: Any) -> bool:
    """Say whether every name in resources still means the very same object; names may be added, and kinds of them."""
    if not (isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject)):
        return False
    return all(
        kind in after and (same(before.raw_get(kind), after.raw_get(kind)) or names_grew(before[kind], after[kind]))
        for kind in before
    )


def names_grew(before: Any, after: Any) -> bool:
    """Say the same of one kind of resources (fonts, pictures, states)."""
    if not (isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject)):
        return same(before, after)
    return all(name in after and same(before.raw_get(name), after.raw_get(name)) for name in before)
