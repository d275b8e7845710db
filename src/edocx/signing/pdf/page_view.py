"""A page as its reader sees it: cropped, turned, and in points, whatever units its file counts in.

A `Box` is measured on what is seen, from its bottom-left corner. Files measure elsewhere: from an origin that may lie
anywhere (MediaBox, CropBox), before the page is turned (/Rotate), in units of their own (/UserUnit). Every place goes
through here once, where it is written, and so does the turn of what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.rw_common import PdfHandler

from edocx.documents import Box

MAX_DEPTH = 100
"""Of a page tree: entries are inherited from above, and a hostile tree has no top."""

Corners = tuple[float, float, float, float]
"""Left, bottom, right, top."""

_TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""The matrix that stands something upright again on a page turned clockwise by so many degrees."""


@dataclass(frozen=True, slots=True)
class PageView:
    """What of a page is seen (``visible``, in the file's units), how far it is turned, and how large a unit is."""

    visible: Corners
    rotation: int = 0
    unit: float = 1.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as seen, in points."""
        left, bottom, right, top = self.visible
        width, height = (right - left) * self.unit, (top - bottom) * self.unit
        return (height, width) if self.rotation in {90, 270} else (width, height)

    @property
    def upright(self) -> tuple[int, int, int, int]:
        """The linear part of an appearance's /Matrix that makes it stand upright for the reader."""
        return _TURNS[self.rotation]

    def to_file(self, seen: Corners) -> Corners:
        """Turn corners as seen into a rectangle in the file's coordinates."""
        return _ordered(self._to_file(*seen[:2]), self._to_file(*seen[2:]))

    def to_seen(self, rectangle: Corners) -> Corners:
        """Turn a rectangle of the file into corners as seen."""
        return _ordered(self._to_seen(*rectangle[:2]), self._to_seen(*rectangle[2:]))

    def _to_file(self, across: float, up: float) -> tuple[float, float]:
        left, bottom, right, top = self.visible
        u, v = across / self.unit, up / self.unit
        match self.rotation:
            case 90:
                return right - v, bottom + u
            case 180:
                return right - u, top - v
            case 270:
                return left + v, top - u
        return left + u, bottom + v

    def _to_seen(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self.visible
        match self.rotation:
            case 90:
                u, v = y - bottom, right - x
            case 180:
                u, v = right - x, top - y
            case 270:
                u, v = top - y, x - left
            case _:
                u, v = x - left, y - bottom
        return u * self.unit, v * self.unit


def view_of(page: Any) -> PageView:
    """Read a page's boxes, turn and unit; raise what pyHanko raises for a damaged page tree."""
    media = corners_of(inherited(page, "/MediaBox"))
    crop = inherited(page, "/CropBox", media)
    visible = _shared(media, corners_of(crop) if crop is not media else media)
    turn = int(inherited(page, "/Rotate", 0)) % 360
    unit = float(page["/UserUnit"]) if "/UserUnit" in page else 1.0
    return PageView(visible, turn if turn in _TURNS else 0, unit if unit > 0 else 1.0)


def page_view(handler: PdfHandler, number: int) -> PageView:
    """Return the view of a page (from 0; -1 is the last); raise what pyHanko raises for a damaged page tree."""
    return view_of(handler.find_page_for_modification(number)[0].get_object())


def widget_view(handler: PdfHandler, widget: Any) -> PageView:
    """Return the view of the page that shows a widget; of the first page when none names it."""
    if "/P" in widget:
        return view_of(widget["/P"])
    return page_view(handler, _page_number(handler, widget))


def seen_box(handler: PdfHandler, widget: Any) -> Box:
    """Return where a widget stands on the page as seen."""
    number = _page_number(handler, widget)
    x1, y1, x2, y2 = page_view(handler, number).to_seen(corners_of(widget["/Rect"]))
    return Box(page=number, x1=x1, y1=y1, x2=x2, y2=y2)


def stand_upright(form: Any, view: PageView) -> None:
    """Turn a form XObject so that it stands upright on the page: viewers fit it into its rectangle after that."""
    if view.rotation:
        turned = (*view.upright, 0, 0)
        form[pdf_name("/Matrix")] = generic.ArrayObject(generic.NumberObject(number) for number in turned)


def mark_turn(widget: Any, view: PageView) -> None:
    """Tell viewers that draw a widget anew how it is turned on its page (ISO 32000-1 table 189)."""
    if view.rotation:
        characteristics = generic.DictionaryObject({pdf_name("/R"): generic.NumberObject(view.rotation)})
        widget[pdf_name("/MK")] = characteristics


def _page_number(handler: PdfHandler, widget: Any) -> int:
    named = widget.raw_get("/P").reference if "/P" in widget else None
    own = getattr(getattr(widget, "container_ref", None), "reference", None)
    for number in range(int(handler.root["/Pages"]["/Count"])):
        reference = handler.find_page_for_modification(number)[0]
        if reference.reference == named or (named is None and own in _annotations(reference.get_object())):
            return number
    return 0


def _annotations(page: Any) -> set[Any]:
    if "/Annots" not in page:
        return set()
    return {one.reference for one in page["/Annots"] if isinstance(one, generic.IndirectObject)}


def corners_of(value: Any) -> Corners:
    """Read a rectangle, whichever of its corners comes first."""
    x1, y1, x2, y2 = (float(edge) for edge in value)
    return _ordered((x1, y1), (x2, y2))


def _ordered(one: tuple[float, float], other: tuple[float, float]) -> Corners:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])


def _shared(media: Corners, crop: Corners) -> Corners:
    # What lies outside the medium is not seen (ISO 32000-1 14.11.2.1); a crop box beside it is meant for nothing.
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    return (left, bottom, right, top) if left < right and bottom < top else media


def inherited(page: Any, name: str, default: Any = None) -> Any:
    """Return an entry of a page or of what is above it; raise ``KeyError`` without a default."""
    node = page
    for _ in range(MAX_DEPTH):
        if name in node:
            return node[name]
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    if default is None:
        raise KeyError(name)
    return default
