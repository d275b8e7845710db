"""Fields that hide what was signed: drawn after it, over the page, or shown where they were hidden.

A place for a signature to come is allowed to everybody (ISO 32000-2 12.8.2.2), and so are a timestamp and the filling
of fields; whoever has the file could give any of them a look as large as the page. An empty field and a timestamp may
therefore draw nothing at all; a signature's look and a filled field's must leave most of the page, and what earlier
fields say, alone; and what was hidden when somebody signed stays hidden.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.filled import MAX_FIELDS, MAX_FLAGS, is_stamp
from edocx.signing.pdf.ink import draws, draws_nothing, frame_of, looks_of
from edocx.signing.pdf.page_tree import pages_of
from edocx.signing.pdf.page_view import Corners, corners_of, view_of

MAX_SHARE = 0.25
"""Of what is seen of a page, for one field's look: 125,000 square points of A4; the decree's largest has 40,000."""

MAX_SHARE_TOGETHER = 0.5
"""Of the page, for all that was drawn after one signature."""

ORDINARY = 20_000.0
"""Square points that one signature may take of a page too small for it to be a quarter (receipts, labels)."""

MAX_SHARE_SMALL = 0.4
"""Of such a page."""

MAX_COVERED = 0.5
"""Of an earlier field that says something: nothing is to stand over a number or a date."""

MAX_COVERED_SIGNATURE = 0.9
"""Of an earlier signature's look: a seal covers a third of it (Phụ lục I), more of a small one, and never all."""

MAX_PARENTS = 30
"""Of a field."""

_HIDDEN, _PRINT, _NO_VIEW = 2, 4, 32
"""Annotation flags (ISO 32000-2 table 167)."""


def covering_fields(reader: PdfFileReader, before: int, after: int) -> tuple[generic.Reference, ...]:
    """Return the widgets of fields that may hide, in one revision, what an earlier one showed.

    Raises what pyHanko raises when the form cannot be read.
    """
    old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
    changed = {
        one for revision in range(before + 1, after + 1) for one in reader.xrefs.explicit_refs_in_revision(revision)
    }
    looked_at = {*changed, *_drawn_anew(old, new, changed)}
    own = set(_own_places(old, new))
    looks = {one: _look_of(old, new, one, own) for one in looked_at}
    forbidden = [one for one, look in looks.items() if look is _Look.FORBIDDEN]
    drawn = {one for one, look in looks.items() if look is _Look.DRAWN}
    return (*forbidden, *_too_large(old, new, drawn)) if drawn else tuple(forbidden)


def _drawn_anew(
    old: HistoricalResolver, new: HistoricalResolver, changed: set[generic.Reference]
) -> Iterator[generic.Reference]:
    """Yield the form's widgets that are new, and those with looks in objects of their own that were written anew."""
    known = set(widgets_of(old))
    for widget in widgets_of(new):
        one = new(widget)
        if widget not in known or not changed.isdisjoint(_looks_referred(one)):
            yield widget


def _looks_referred(widget: Any) -> Iterator[generic.Reference]:
    waiting = [(widget, name) for name in ("/AP", "/MK", "/F", "/Rect", "/AS", "/V") if name in widget]
    while waiting:
        holder, name = waiting.pop()
        raw = holder.raw_get(name)
        if isinstance(raw, generic.IndirectObject):
            yield raw.reference
        held = holder[name]
        if isinstance(held, generic.DictionaryObject) and name != "/V" and not isinstance(held, generic.StreamObject):
            waiting += [(held, inner) for inner in held]


def widgets_of(resolver: HistoricalResolver) -> Iterator[generic.Reference]:
    """Yield all fields of the form and their widgets, each once; raise ``ValueError`` for more than a form has."""
    form = resolved(resolver.root, "/AcroForm", generic.DictionaryObject())
    waiting = _listed(form, "/Fields")[::-1]  # in the order of the form: who came first is not the copy
    seen: set[generic.Reference] = set()
    while waiting:
        reference = waiting.pop()
        one = resolver(reference)
        if reference in seen or not isinstance(one, generic.DictionaryObject):
            continue
        seen.add(reference)
        if len(seen) > MAX_FIELDS:
            raise ValueError("more fields than a form has")
        yield reference
        waiting += _listed(one, "/Kids")[::-1]


def _listed(holder: generic.DictionaryObject, name: str) -> list[generic.Reference]:
    held = resolved(holder, name, generic.ArrayObject())
    if not isinstance(held, generic.ArrayObject):
        return []
    raws = [held.raw_get(place) for place in range(len(held))]
    return [raw.reference for raw in raws if isinstance(raw, generic.IndirectObject)]


def _own_places(old: HistoricalResolver, new: HistoricalResolver) -> Iterator[generic.Reference]:
    """Yield the widgets of the form's signatures: each the place of one that is nobody else's, and was not there yet.

    A second widget that names somebody's signature would show under it whatever its maker likes.
    """
    seen: set[generic.Reference] = set()
    for widget in widgets_of(new):
        one = _widget(new, widget)
        raw = one.raw_get("/V") if one is not None and "/V" in one else None
        if one is None or not isinstance(raw, generic.IndirectObject):
            yield widget  # the widget of a field above, or one without a signature: judged by what it draws
        elif raw.reference not in seen and old.is_ref_unassignable(raw.reference):
            seen.add(raw.reference)
            yield widget


def _look_of(
    old: HistoricalResolver, new: HistoricalResolver, reference: generic.Reference, own: set[generic.Reference]
) -> _Look:
    """Compare what a widget shows with what it showed; raise ``ValueError`` where readers may differ on that."""
    one, earlier = _widget(new, reference), _widget(old, reference)
    if one is None:
        return _Look.NONE
    is_place = str(_inherited(one, "/FT")) == "/Sig"
    signature = _inherited(one, "/V")
    if is_place and (is_stamp(signature) or not isinstance(signature, generic.DictionaryObject)):
        kept = earlier is not None and _everything(one) == _everything(earlier)
        return _Look.NONE if kept or draws_nothing(one) else _Look.FORBIDDEN
    return _look_of_others(one, earlier, is_own=not is_place or reference in own)


def _look_of_others(one: generic.DictionaryObject, earlier: generic.DictionaryObject | None, *, is_own: bool) -> _Look:
    """Compare what a field shows that is filled, or signed by somebody who answers for it."""
    if not _area(one) or not (shown := _shown(one)):
        return _Look.NONE
    if earlier is None:
        is_filling = str(_inherited(one, "/FT")) == "/Sig"  # a new field of another kind is none
        return (_Look.DRAWN if is_own else _Look.FORBIDDEN) if is_filling else _Look.NONE
    if shown == _shown_before(earlier):
        return _Look.NONE
    return _Look.DRAWN if is_own and not _flags(earlier) & (_HIDDEN | _NO_VIEW) else _Look.FORBIDDEN


def _widget(resolver: HistoricalResolver, reference: generic.Reference) -> generic.DictionaryObject | None:
    if resolver.is_ref_unassignable(reference):
        return None
    one = resolver(reference)
    if not isinstance(one, generic.DictionaryObject) or isinstance(one, generic.StreamObject):
        return None
    return one if "/Rect" in one and _inherited(one, "/FT") is not None else None


def _shown(widget: generic.DictionaryObject) -> tuple[object, ...]:
    """Return what a widget draws; nothing for a hidden one. One that is printed is not hidden."""
    flags = _flags(widget)
    if flags & _HIDDEN or (flags & _NO_VIEW and not flags & _PRINT):
        return ()
    drawn = tuple(data for data in looks_of(widget) if draws(data))
    return (*drawn, *frame_of(widget), *([str(resolved(widget, "/AS"))] if drawn else []))


def _shown_before(widget: generic.DictionaryObject) -> tuple[object, ...] | None:
    """Return what a signed widget drew; None for an odd one, which may say anything: its signer saw it."""
    try:
        return _shown(widget)
    except (LookupError, TypeError, ValueError):
        return None


def _everything(widget: generic.DictionaryObject) -> tuple[object, ...]:
    return (*looks_of(widget), *frame_of(widget), _flags(widget), str(resolved(widget, "/AS")), _area(widget))


def _flags(widget: generic.DictionaryObject) -> int:
    found = resolved(widget, "/F", 0)
    if type(found) not in {int, generic.NumberObject} or not 0 <= found <= MAX_FLAGS:
        raise ValueError("flags that not all readers take for the same")
    return int(found)


def _too_large(
    old: HistoricalResolver, new: HistoricalResolver, drawn: set[generic.Reference]
) -> Iterator[generic.Reference]:
    """Yield the widgets drawn later that take too much of their page, or of what earlier fields show on it."""
    for page, _ in pages_of(new):
        listed = _listed(page, "/Annots")
        here = {one: corners_of(new(one)["/Rect"]) for one in listed if one in drawn}
        if not here:
            continue
        room = _size(view_of(page).visible)
        allowed = max(MAX_SHARE * room, min(ORDINARY, MAX_SHARE_SMALL * room))
        together = sum(_size(corners) for corners in here.values())
        earlier = [(one, held) for one in listed if one not in here and (held := _widget(old, one)) is not None]
        for one, corners in here.items():
            large = _size(corners) > allowed or together > max(MAX_SHARE_TOGETHER * room, 1.5 * allowed)
            new_here = _widget(old, one) is None  # where another stood, the earlier signer saw the place
            if large or (new_here and any(_hides(corners, held) for _, held in earlier)):
                yield one


def _hides(corners: Corners, earlier: generic.DictionaryObject) -> bool:
    """Say whether a look stands over a field that says something."""
    if _shown_before(earlier) == ():
        return False
    own = corners_of(earlier["/Rect"])
    limit = MAX_COVERED_SIGNATURE if str(_inherited(earlier, "/FT")) == "/Sig" else MAX_COVERED
    return bool(_size(own)) and overlap(corners, own) > limit * _size(own)


def overlap(one: Corners, other: Corners) -> float:
    """Return the area that two rectangles share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _size(corners: Corners) -> float:
    return (corners[2] - corners[0]) * (corners[3] - corners[1])


class _Look(Enum):
    """What a widget's look became after a signature."""

    NONE = auto()
    DRAWN = auto()
    FORBIDDEN = auto()


def _area(widget: generic.DictionaryObject) -> float:
    corners = [float(number) for number in resolved(widget, "/Rect", ())]
    if len(corners) != 4 or not all(map(math.isfinite, corners)):  # noqa: PLR2004
        raise ValueError("a rectangle that not all readers take for the same")
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
