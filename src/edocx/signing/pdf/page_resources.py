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

MAX_FORMS = 200
"""Looked through on a page for names that they borrow from it; more are taken to use any name."""

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
        given = {one for kind in after for one in _held(after, kind).keys() - _held(before, kind).keys()}
        if given and any(name in given for data in _contents(page) for name in names_used(data)):
            return True
    return False


def _held(names: Names, kind: str) -> dict[str, str]:
    held = names.get(kind, {})
    return held if isinstance(held, dict) else {}


def _contents(page: generic.DictionaryObject) -> Iterator[bytes]:
    """Yield the contents of a page, and of forms on it that bring no resources and so borrow the page's."""
    held = resolved(page, "/Contents", generic.ArrayObject())
    for one in held if isinstance(held, generic.ArrayObject) else [held]:
        stream = one.get_object()
        if isinstance(stream, generic.StreamObject):
            yield stream.data
    forms = _pictures(page)
    for place, name in enumerate(forms):
        if place >= MAX_FORMS:
            raise ValueError("too many forms on a page")
        form = forms[name]
        if isinstance(form, generic.StreamObject) and form.get("/Subtype") == "/Form" and "/Resources" not in form:
            yield form.data


def _pictures(page: generic.DictionaryObject) -> generic.DictionaryObject:
    holder: Any = page
    for _ in range(MAX_PARENTS):
        if not isinstance(holder, generic.DictionaryObject):
            break
        if "/Resources" in holder:
            held = holder["/Resources"]
            found = resolved(held, "/XObject")
            return found if isinstance(found, generic.DictionaryObject) else generic.DictionaryObject()
        holder = resolved(holder, "/Parent")
    return generic.DictionaryObject()


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
