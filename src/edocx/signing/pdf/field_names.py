"""The names of the form's resources that fields draw with: said in a default appearance or a look, or taken as given.

A viewer that draws a field without a look of its own uses fonts by the names that Acrobat gave them (ZaDb for ticks,
Helv for letters), whether or not any default appearance says them (ISO 32000-2 12.7.4.3). Who gives the form such a
font later decides what those fields show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.ink import looks_of
from edocx.signing.pdf.page_resources import names_used

IMPLICIT = frozenset(
    {"/ZaDb", "/Helv", "/HeBo", "/TiRo", "/TiBo", "/Cour", "/CoBo", "/Symb"}
    | {"/ZapfDingbats", "/Helvetica", "/Times-Roman", "/Courier", "/Symbol"}
)
"""Names of fonts that viewers use for fields without being told."""


def names_of_fields(fields: Iterable[Any]) -> Iterator[str]:
    """Yield the names that fields draw with; raise what `looks_of` raises for odd looks."""
    for one in fields:
        if not isinstance(one, generic.DictionaryObject):
            continue
        if str(resolved(one, "/FT", "/Sig")) != "/Sig":
            yield from IMPLICIT
        for data in (str(resolved(one, "/DA", "")).encode(), *looks_of(one)):
            yield from names_used(data)


def resource_names(form: generic.DictionaryObject) -> set[str]:
    """Return all names that a form's resources give, whatever their kind."""
    held = resolved(form, "/DR", generic.DictionaryObject())
    kinds = [held[kind] for kind in held] if isinstance(held, generic.DictionaryObject) else []
    return {str(name) for kind in kinds if isinstance(kind, generic.DictionaryObject) for name in kind}
