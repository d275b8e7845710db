"""Where on a page the picture of a signature is drawn: its field may be larger than what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from edocx.documents import Box
from edocx.signing.pdf.page_view import Corners, corners_of, page_view, seen_box

MAX_STREAM = 64 * 1024
"""Bytes of an appearance that are read; one that shows a picture has some hundred, a drawing may have any number."""

MAX_DEPTH = 4
"""Of forms within an appearance; Adobe's own has three."""

MAX_STEPS = 2_000
"""Operators that are followed in one appearance: forms may show forms many times."""

_Matrix = tuple[float, float, float, float, float, float]
_STRAIGHT: _Matrix = (1, 0, 0, 1, 0, 0)
_STEP = re.compile(rb"(?<!\S)(?:(q|Q)|((?:[-+.\d]+\s+){6})cm|/(\S+)\s+Do)(?!\S)")


def drawn_signatures(reader: PdfFileReader) -> Iterator[tuple[str, Box]]:
    """Yield the name of every signed field that shows something and where, in the order of the form.

    That is the picture in it, and the whole field where no picture can be made out. Raises what pyHanko raises for
    damaged files.
    """
    for name, value, reference in enumerate_sig_fields(reader):
        widget = reference.get_object()
        if value is None or "/Rect" not in widget:
            continue
        left, bottom, right, top = corners_of(widget["/Rect"])
        if left < right and bottom < top and "/AP" in widget:
            yield name, _drawn(reader, widget)


def _drawn(reader: PdfFileReader, widget: Any) -> Box:
    whole = seen_box(reader, widget)
    looks: Any = widget["/AP"]
    if "/N" not in looks or not isinstance(looks["/N"], generic.StreamObject) or "/BBox" not in looks["/N"]:
        return whole
    look = looks["/N"]
    upright = _matrix((*page_view(reader, whole.page).upright, 0, 0))
    if _matrix(look.get("/Matrix", _STRAIGHT)) != upright:
        return whole  # drawn in some other way than upright for the reader
    left, bottom, right, top = corners_of(look["/BBox"])
    found = _around(_pictures(look, _STRAIGHT, iter(range(MAX_STEPS)), MAX_DEPTH))
    if found is None or not (left < right and bottom < top):
        return whole
    shown = max(found[0], left), max(found[1], bottom), min(found[2], right), min(found[3], top)
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        return whole
    across, up = (whole.x2 - whole.x1) / (right - left), (whole.y2 - whole.y1) / (top - bottom)
    return Box(
        page=whole.page,
        x1=whole.x1 + (shown[0] - left) * across,
        y1=whole.y1 + (shown[1] - bottom) * up,
        x2=whole.x1 + (shown[2] - left) * across,
        y2=whole.y1 + (shown[3] - bottom) * up,
    )


def _pictures(form: Any, matrix: _Matrix, steps: Iterator[int], depth: int) -> Iterator[Corners]:
    """Yield the corners of every image that a form shows, in the coordinates of the outermost one."""
    data = form.data
    if depth == 0 or len(data) > MAX_STREAM:
        return
    kept: list[_Matrix] = []
    for found in _STEP.finditer(data):
        if next(steps, None) is None:
            return
        keep, numbers, name = found.groups()
        if keep == b"q":
            kept.append(matrix)
        elif keep == b"Q":
            matrix = kept.pop() if kept else matrix
        elif numbers is not None:
            matrix = _then(_matrix(numbers.split()), matrix)
        else:
            shown = form["/Resources"]["/XObject"]["/" + name.decode("latin-1")]
            if shown.get("/Subtype") == "/Image":
                yield _unit_square(matrix)
            else:
                inner = _then(_matrix(shown.get("/Matrix", _STRAIGHT)), matrix)
                yield from _pictures(shown, inner, steps, depth - 1)


def _matrix(numbers: Iterable[Any]) -> _Matrix:
    a, b, c, d, e, f = (float(number) for number in numbers)
    return a, b, c, d, e, f


def _then(first: _Matrix, second: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _unit_square(matrix: _Matrix) -> Corners:
    """Return the corners of what an image fills: it is a square of one unit before it is placed."""
    a, b, c, d, e, f = matrix
    across, up = sorted((0, a, c, a + c)), sorted((0, b, d, b + d))
    return e + across[0], f + up[0], e + across[-1], f + up[-1]


def _around(boxes: Iterable[Corners]) -> Corners | None:
    edges = list(zip(*boxes, strict=True))
    return (min(edges[0]), min(edges[1]), max(edges[2]), max(edges[3])) if edges else None
