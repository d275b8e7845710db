"""The names of the form's resources that fields draw with: said in a default appearance or a look, or taken as given.

A viewer that draws a field without a look of its own uses fonts by the names that Acrobat gave them (ZaDb for ticks,
Helv for letters), whether or not any default appearance says them (ISO 32000-2 12.7.4.3). Who gives the form such a
font later decides what those fields show. Annotations that are no fields of the form are drawn so too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.ink import looks_of
from edocx.signing.pdf.page_resources import names_used
from edocx.signing.pdf.page_tree import pages_of

IMPLICIT = frozenset(
    {"/ZaDb", "/Helv", "/HeBo", "/TiRo", "/TiBo", "/Cour", "/CoBo", "/Symb"}
    | {"/ZapfDingbats", "/Helvetica", "/Times-Roman", "/Courier", "/Symbol"}
)
"""Names of fonts that viewers use for fields without being told."""


_NO_LETTERS = frozenset({"/Link", "/Popup", "/Text"})
"""Annotations that viewers draw without letters, or not at all, when they have no look."""

MAX_PARENTS = 30
"""Of a widget."""


def names_of_fields(fields: Iterable[Any]) -> Iterator[str]:
    """Yield the names that fields draw with; raise what `looks_of` raises for odd looks."""
    for one in fields:
        if not isinstance(one, generic.DictionaryObject):
            continue
        if str(resolved(one, "/FT", "/Sig")) != "/Sig":
            yield from IMPLICIT
        for data in (str(resolved(one, "/DA", "")).encode(), *looks_of(one)):
            yield from names_used(data)


def names_on_pages(resolver: HistoricalResolver) -> Iterator[str]:
    """Yield the names that annotations draw with, fields of the form or not; raise ``ValueError`` for too many looks.

    A text without a look (ISO 32000-2 12.5.6.6) is drawn by its default appearance, and where that names no font of
    the form's, by one that the viewer takes for granted.
    """
    for page, _ in pages_of(resolver):
        listed = resolved(page, "/Annots", generic.ArrayObject())
        if not isinstance(listed, generic.ArrayObject):
            raise TypeError("annotations that are no list")
        for place in range(len(listed)):
            one = listed[place]
            if isinstance(one, generic.DictionaryObject):
                yield from _names_of_annotation(one)


def _names_of_annotation(one: generic.DictionaryObject) -> Iterator[str]:
    for name in ("/DA", "/DS", "/RC"):
        yield from names_used(str(resolved(one, name, "")).encode())
    try:
        looks = looks_of(one, borrowing=True)
    except TypeError:
        looks = []  # what is no look was there for the signer; viewers draw it otherwise, or not at all
        yield from IMPLICIT
    for data in looks:
        yield from names_used(data)
    kind = str(resolved(one, "/Subtype", ""))
    is_place = kind == "/Widget" and _kind(one) == "/Sig"
    if not isinstance(resolved(one, "/AP"), generic.DictionaryObject) and kind not in _NO_LETTERS and not is_place:
        yield from IMPLICIT


def _kind(widget: generic.DictionaryObject) -> str:
    holder: Any = widget
    for _ in range(MAX_PARENTS):
        if not isinstance(holder, generic.DictionaryObject):
            break
        if "/FT" in holder:
            return str(holder["/FT"])
        holder = resolved(holder, "/Parent")
    return ""


def resource_names(form: generic.DictionaryObject) -> set[tuple[str, str]]:
    """Return all names that a form's resources give, each with its kind."""
    held = resolved(form, "/DR", generic.DictionaryObject())
    kinds = [(kind, held[kind]) for kind in held] if isinstance(held, generic.DictionaryObject) else []
    return {(kind, str(name)) for kind, names in kinds if isinstance(names, generic.DictionaryObject) for name in names}
