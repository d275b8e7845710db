"""Signature fields that hide what was signed: new after it, drawn, and answered for by no signature of their own.

A place for a signature to come is allowed to everybody (ISO 32000-2 12.8.2.2), and so is a timestamp; whoever has the
file could give either of them a look as large as the page. An empty field and a timestamp may therefore draw nothing
at all, and a signature's own look must leave most of the page alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

MAX_AREA = 125_000
"""Square points of a later signature's place: a quarter of an A4 page; the decree's largest has some 40,000."""

MAX_LOOKS = 20
"""States of one appearance; a signature field has one."""

MAX_PARENTS = 30
"""Of a field."""

_COMMENT = re.compile(rb"%[^\r\n]*")
_BLANK = frozenset({b"q", b"Q"})


def covering_fields(reader: PdfFileReader, before: int, after: int) -> tuple[generic.Reference, ...]:
    """Return the widgets of signature fields that may hide, in one revision, what an earlier one showed.

    Raises what pyHanko raises when the form cannot be read.
    """
    old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
    known = set(_widgets(old))
    changed = {
        one for revision in range(before + 1, after + 1) for one in reader.xrefs.explicit_refs_in_revision(revision)
    }
    looked_at = {*changed, *(set(_widgets(new)) - known)}
    return tuple(one for one in looked_at if _covers(old if one in known else None, new, one))


def only_stamped(reader: PdfFileReader, before: int) -> bool:
    """Say whether no field was made or filled after a revision but those of timestamps, whose looks draw nothing."""
    old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(reader.xrefs.total_revisions - 1)
    for revision in range(before + 1, reader.xrefs.total_revisions):
        for reference in reader.xrefs.explicit_refs_in_revision(revision):
            one = None if new.is_ref_unassignable(reference) else new(reference)
            if isinstance(one, generic.StreamObject) and not old.is_ref_unassignable(reference):
                return False  # a look that was overwritten
            if not isinstance(one, generic.DictionaryObject) or ("/FT" not in one and "/Rect" not in one):
                continue
            value = _inherited(one, "/V")
            if not isinstance(value, generic.DictionaryObject):
                return False
            if str(resolved(value, "/SubFilter", "")) != "/ETSI.RFC3161":
                return False
    return True


def _widgets(resolver: HistoricalResolver) -> Iterator[generic.Reference]:
    if "/AcroForm" not in resolver.root:
        return
    for _, _, reference in enumerate_sig_fields(resolver):
        yield reference.reference
        kids = resolved(reference.get_object(), "/Kids", generic.ArrayObject())
        held = [kids.raw_get(place) for place in range(len(kids))]
        yield from (one.reference for one in held if isinstance(one, generic.IndirectObject))


def _covers(old: HistoricalResolver | None, new: HistoricalResolver, reference: generic.Reference) -> bool:
    if new.is_ref_unassignable(reference):
        return False
    one = new(reference)
    if not isinstance(one, generic.DictionaryObject) or isinstance(one, generic.StreamObject):
        return False
    area = _area(one)
    if not area or str(_inherited(one, "/FT")) != "/Sig":
        return False
    before = old(reference) if old is not None else None
    earlier = before if isinstance(before, generic.DictionaryObject) else generic.DictionaryObject()
    signature = _inherited(one, "/V")
    if (
        isinstance(signature, generic.DictionaryObject)
        and str(resolved(signature, "/SubFilter", "")) != "/ETSI.RFC3161"
    ):
        return area > MAX_AREA and not earlier
    drawn = [data for data in _looks(one) if draws(data)]
    return bool(drawn or _frame(one)) and (drawn, _frame(one)) != (
        [data for data in _looks(earlier) if draws(data)],
        _frame(earlier),
    )


def _area(widget: generic.DictionaryObject) -> float:
    corners = [float(number) for number in resolved(widget, "/Rect", ())]
    if len(corners) != 4:  # noqa: PLR2004
        return 0.0
    return abs((corners[2] - corners[0]) * (corners[3] - corners[1]))


def _inherited(one: generic.DictionaryObject, name: str) -> object:
    holder = one
    for _ in range(MAX_PARENTS):
        if name in holder:
            return holder[name]
        parent = resolved(holder, "/Parent")
        if not isinstance(parent, generic.DictionaryObject):
            return None
        holder = parent
    return None


def _looks(widget: generic.DictionaryObject) -> list[bytes]:
    shown = resolved(widget, "/AP")
    if not isinstance(shown, generic.DictionaryObject):
        return []
    return list(_streams(shown[name] for name in list(shown)[:MAX_LOOKS]))


def _streams(values: Iterable[object]) -> Iterator[bytes]:
    for value in values:
        if isinstance(value, generic.StreamObject):
            yield bytes(value.data)
        elif isinstance(value, generic.DictionaryObject):
            states = [value[name] for name in list(value)[:MAX_LOOKS]]
            yield from (bytes(one.data) for one in states if isinstance(one, generic.StreamObject))


def resolved(holder: generic.DictionaryObject, name: str, missing: Any = None) -> Any:
    """Return an entry, or what it refers to: ``get`` of pyHanko's dictionaries gives the reference itself."""
    return holder[name] if name in holder else missing  # noqa: SIM401 - see above


def draws(data: bytes) -> bool:
    """Say whether a content stream does more than keep the graphics state and take it back."""
    return bool(set(_COMMENT.sub(b" ", data).split()) - _BLANK)


def _frame(widget: generic.DictionaryObject) -> tuple[str, ...]:
    """Return the border and the background that a viewer paints for a field without a look of its own."""
    said = resolved(widget, "/MK")
    if not isinstance(said, generic.DictionaryObject):
        return ()
    return tuple(str(list(said[name])) for name in ("/BG", "/BC") if name in said and len(said[name]))
