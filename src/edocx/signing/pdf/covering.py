"""Fields that hide what was signed: drawn after it, over the page, or shown where they were hidden.

A place for a signature to come is allowed to everybody (ISO 32000-2 12.8.2.2), and so are a timestamp and the filling
of fields; whoever has the file could give any of them a look as large as the page. An empty field and a timestamp may
therefore draw nothing at all; a signature's look and a filled field's must leave most of the page, and what earlier
fields say, alone; and what was hidden when somebody signed stays hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from edocx.signing.pdf.comparison import resolved
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

MAX_LOOKS = 20
"""States of one appearance; a signature field has one."""

MAX_PARENTS = 30
"""Of a field."""

_HIDDEN = 2 | 32
"""Annotation flags Hidden and NoView (ISO 32000-2 table 167)."""

_COMMENT = re.compile(rb"%[^\r\n]*")
_BLANK = frozenset({b"q", b"Q"})


def covering_fields(reader: PdfFileReader, before: int, after: int) -> tuple[generic.Reference, ...]:
    """Return the widgets of fields that may hide, in one revision, what an earlier one showed.

    Raises what pyHanko raises when the form cannot be read.
    """
    old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
    changed = {
        one for revision in range(before + 1, after + 1) for one in reader.xrefs.explicit_refs_in_revision(revision)
    }
    looked_at = {*changed, *(set(_widgets(new)) - set(_widgets(old)))}
    own = set(_own_places(old, new))
    looks = {one: _look_of(old, new, one, own) for one in looked_at}
    forbidden = [one for one, look in looks.items() if look is _Look.FORBIDDEN]
    drawn = {one for one, look in looks.items() if look is _Look.DRAWN}
    return (*forbidden, *_too_large(old, new, drawn)) if drawn else tuple(forbidden)


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


def _own_places(old: HistoricalResolver, new: HistoricalResolver) -> Iterator[generic.Reference]:
    """Yield the widgets of the form's signatures: each the place of one that is nobody else's, and was not there yet.

    A second widget that names somebody's signature would show under it whatever its maker likes.
    """
    seen: set[generic.Reference] = set()
    for widget in _widgets(new):
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
    """Compare what a widget shows with what it showed."""
    one, earlier = _widget(new, reference), _widget(old, reference)
    if one is None or not _area(one) or not (shown := _shown(one)):
        return _Look.NONE
    if earlier is not None and shown == _shown(earlier):
        return _Look.NONE
    if earlier is not None and _is_hidden(earlier):
        return _Look.FORBIDDEN
    if str(_inherited(one, "/FT")) != "/Sig":
        return _Look.DRAWN if earlier is not None else _Look.NONE  # a new field of another kind is no filling
    signature = _inherited(one, "/V")
    if not isinstance(signature, generic.DictionaryObject):
        return _Look.FORBIDDEN
    is_stamp = str(resolved(signature, "/SubFilter", "")) == "/ETSI.RFC3161"
    return _Look.FORBIDDEN if is_stamp or reference not in own else _Look.DRAWN


def _widget(resolver: HistoricalResolver, reference: generic.Reference) -> generic.DictionaryObject | None:
    if resolver.is_ref_unassignable(reference):
        return None
    one = resolver(reference)
    if not isinstance(one, generic.DictionaryObject) or isinstance(one, generic.StreamObject):
        return None
    return one if "/Rect" in one and _inherited(one, "/FT") is not None else None


def _shown(widget: generic.DictionaryObject) -> tuple[object, ...]:
    """Return what a widget draws; nothing for a hidden one."""
    if _is_hidden(widget):
        return ()
    return (*(data for data in _looks(widget) if draws(data)), *_frame(widget))


def _is_hidden(widget: generic.DictionaryObject) -> bool:
    return bool(int(resolved(widget, "/F", 0)) & _HIDDEN)


def _too_large(
    old: HistoricalResolver, new: HistoricalResolver, drawn: set[generic.Reference]
) -> Iterator[generic.Reference]:
    """Yield the widgets drawn later that take too much of their page, or of what earlier fields show on it."""
    for page, _ in pages_of(new):
        marks = resolved(page, "/Annots", generic.ArrayObject())
        raws = [marks.raw_get(place) for place in range(len(marks))]
        listed = [raw.reference for raw in raws if isinstance(raw, generic.IndirectObject)]
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
    if not _shown(earlier):
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
    state = str(resolved(widget, "/AS", ""))
    return list(_streams((shown[name] for name in list(shown)[:MAX_LOOKS]), state))


def _streams(values: Iterable[object], state: str) -> Iterator[bytes]:
    """Yield the looks: of one with states, that of the widget's own state, and all where it names none."""
    for value in values:
        if isinstance(value, generic.StreamObject):
            yield bytes(value.data)
        elif isinstance(value, generic.DictionaryObject):
            states = [value[name] for name in list(value)[:MAX_LOOKS] if state in {"", name}]
            yield from (bytes(one.data) for one in states if isinstance(one, generic.StreamObject))


def draws(data: bytes) -> bool:
    """Say whether a content stream does more than keep the graphics state and take it back."""
    return bool(set(_COMMENT.sub(b" ", data).split()) - _BLANK)


def keeps_state(data: bytes) -> bool:
    """Say whether a content stream does nothing but keep the graphics state, as tools do around what was there."""
    return not set(_COMMENT.sub(b" ", data).split()) - {b"q"}


def _frame(widget: generic.DictionaryObject) -> tuple[str, ...]:
    """Return the border and the background that a viewer paints for a field without a look of its own."""
    said = resolved(widget, "/MK")
    if not isinstance(said, generic.DictionaryObject):
        return ()
    return tuple(str(list(said[name])) for name in ("/BG", "/BC") if name in said and len(said[name]))
