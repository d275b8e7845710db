"""Fitting the fields of NĐ 30/2020 to a letter that another program typeset: on its own lines, where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edocx.documents import Box, PageLayout, PartField
from edocx.documents.layout import SEAL
from edocx.signing.pdf.field_text import DATE_FIELD, NUMBER_FIELD
from edocx.signing.pdf.form import initial_field, person_field
from edocx.signing.pdf.form_notes import MOVED, NARROW, NO_TEXT, NOT_FOUND, OVER_TEXT, UNREAD, said_of
from edocx.signing.pdf.page_text import box_above, has_poppler
from edocx.signing.pdf.page_words import PageWords, page_words
from edocx.signing.pdf.placing import layout_for, page_size, require_page
from edocx.signing.pdf.printed import Gap, find_date, find_number, find_signatories
from edocx.signing.pdf.slot import seal_on_page
from edocx.signing.report import Message

_TOLERATED = 2.0
"""Points by which a box may be moved without a word: less than the width of a letter."""


@dataclass(frozen=True, slots=True)
class FittedLayout:
    """The places for one letter, and what whoever makes its form has to know of them."""

    layout: PageLayout
    messages: tuple[Message, ...] = ()


@dataclass(slots=True)
class _Fitting:
    """What is known of one letter while its fields are placed: pages as they are asked for, and what is to be said."""

    source: Path
    read: bool
    notes: list[Message] = field(default_factory=list)
    sizes: dict[int, tuple[float, float]] = field(default_factory=dict)
    words: dict[int, PageWords] = field(default_factory=dict)

    def size(self, page: int) -> tuple[float, float]:
        if page not in self.sizes:
            self.sizes[page] = page_size(self.source, page)
        return self.sizes[page]

    def page(self, page: int) -> PageWords:
        if page not in self.words:
            self.words[page] = page_words(self.source, page)
        return self.words[page]

    def say(self, message: Message, name: str) -> None:
        self.notes.append(said_of(message, name))


def fit_layout(
    source: Path,
    *,
    people: int = 1,
    initials: int = 0,
    near: Sequence[str] = (),
    places: Sequence[Box] = (),
    page: int | None = None,
) -> FittedLayout:
    """Return the places of number, date, signatures and seals on a PDF, following what it prints itself.

    Number and date go into the gaps of the lines “Số: …” and “…, ngày … tháng … năm …” of page 1, a signature between
    title and name of its signatory on ``page`` (from 0; -1 or None is the last), the seal over its left third. ``near``
    names the signatories instead, in the order of signing (`box_above`; on ``page`` when it is named), ``places`` are
    boxes given by hand; either says how many sign when there are more than ``people``. What is not found stands where
    the decree puts it.

    The messages are warnings with the field in ``where``: ``EDX-FORM-NOT-FOUND``, ``EDX-FORM-NO-TEXT`` (a scan),
    ``EDX-PAGE-UNREAD`` (no poppler), ``EDX-FIELD-OVER-TEXT``, ``EDX-FIELD-NARROW``, ``EDX-FIELD-MOVED`` (it lay partly
    off the page). Raises `PdfError`, `SigningRefused` (``EDX-PAGE-SMALL``, ``EDX-TEXT-NOT-FOUND``) and `UsageError`
    (``EDX-PDF-PAGE``; ``EDX-TOOL-POPPLER`` for ``near`` without poppler).
    """
    if page is not None:
        require_page(source, page)
    people = max(people, len(near), len(places))
    layout = layout_for(source, people=people, initials=initials, page=-1 if page is None else page)
    fitting = _Fitting(source, has_poppler())
    if not fitting.read:
        fitting.notes.append(UNREAD)
    elif not fitting.page(0).rows:
        fitting.notes.append(NO_TEXT)
    else:
        layout = _with_lines(fitting, layout)
    found = _signatures(fitting, people, near, places, page)
    if found:
        layout = layout.model_copy(update={"signatures": (*found, *layout.signatures[len(found) :])})
    layout = _on_pages(fitting, layout, keep=bool(places))
    layout = _with_seals(fitting, layout) if found else layout
    _say_covered(fitting, layout)
    return FittedLayout(layout, tuple(fitting.notes))


def _with_lines(fitting: _Fitting, layout: PageLayout) -> PageLayout:
    words = fitting.page(0)
    date = find_date(words)
    number = find_number(words, date)
    date = date or find_date(words, number)
    for found, kind, name in ((number, "number", NUMBER_FIELD), (date, "date", DATE_FIELD)):
        if not found:
            fitting.say(NOT_FOUND[kind], name)
    gaps = (*number, *date)
    for gap in gaps:
        if gap.narrow:
            fitting.say(NARROW, gap.name)
    own = {NUMBER_FIELD: "number", DATE_FIELD: "date"}
    update: dict[str, object] = {"parts": tuple(_part(gap) for gap in gaps if gap.name not in own)}
    for gap in gaps:
        if gap.name in own:
            update |= {own[gap.name]: gap.box, f"{own[gap.name]}_text": gap.text}
    return layout.model_copy(update=update)


def _part(gap: Gap) -> PartField:
    return PartField.model_validate({"name": gap.name, "box": gap.box, "text": gap.text})


def _signatures(
    fitting: _Fitting, people: int, near: Sequence[str], places: Sequence[Box], page: int | None
) -> tuple[Box, ...]:
    """Return where the signatures stand; nothing leaves them to the decree."""
    if places:
        return tuple(places)
    if near:
        only = None if page is None else fitting.page(page).page if fitting.read else page
        return tuple(box_above(fitting.source, name, only=only) for name in near)
    shown = -1 if page is None else page
    if not fitting.read or not fitting.page(shown).rows:
        return ()
    found = find_signatories(fitting.page(shown))
    if len(found) != people:
        fitting.say(NOT_FOUND["signatures"], person_field(1))
        return ()
    return tuple(box.model_copy(update={"page": shown}) for box in found)


def _with_seals(fitting: _Fitting, layout: PageLayout) -> PageLayout:
    """Put each seal over its signature, where the page has room for one."""
    if any(min(fitting.size(box.page)) <= SEAL for box in layout.signatures):
        return layout
    first, *others = (seal_on_page(box, fitting.size(box.page)) for box in layout.signatures)
    return layout.model_copy(update={"seal": first, "joint_seals": tuple(others)})


def _on_pages(fitting: _Fitting, layout: PageLayout, *, keep: bool) -> PageLayout:
    """Move what lies partly off its page onto it; a place that was given by hand is left to be refused."""

    def moved(box: Box, name: str) -> Box:
        inside = _inside(box, fitting.size(box.page))
        if max(abs(one - other) for one, other in zip(box.corners, inside.corners, strict=True)) > _TOLERATED:
            fitting.say(MOVED, name)
        return inside

    signatures = layout.signatures
    if not keep:
        signatures = tuple(moved(box, person_field(order)) for order, box in enumerate(signatures, start=1))
    return layout.model_copy(
        update={
            "number": moved(layout.number, NUMBER_FIELD),
            "date": moved(layout.date, DATE_FIELD),
            "parts": tuple(one.model_copy(update={"box": moved(one.box, one.name)}) for one in layout.parts),
            "signatures": signatures,
        }
    )


def _inside(box: Box, size: tuple[float, float]) -> Box:
    """Move a box onto a page; what is wider or higher than the page becomes as large as that."""
    width, height = min(box.x2 - box.x1, size[0]), min(box.y2 - box.y1, size[1])
    left, bottom = min(max(box.x1, 0.0), size[0] - width), min(max(box.y1, 0.0), size[1] - height)
    return box.model_copy(update={"x1": left, "y1": bottom, "x2": left + width, "y2": bottom + height})


def _say_covered(fitting: _Fitting, layout: PageLayout) -> None:
    """Say which fields stand over printed text; a seal is meant to, over its signature, title and name."""
    if not fitting.read:
        return
    boxes = {NUMBER_FIELD: layout.number, DATE_FIELD: layout.date}
    boxes |= {part.name: part.box for part in layout.parts}
    boxes |= {person_field(order): box for order, box in enumerate(layout.signatures, start=1)}
    boxes |= {initial_field(order): box for order, box in enumerate(layout.initials, start=1)}
    for name, box in boxes.items():
        if min(fitting.size(box.page)) > 0 and fitting.page(box.page).covers_text(box):
            fitting.say(OVER_TEXT, name)
