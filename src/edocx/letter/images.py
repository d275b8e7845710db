"""Pictures for tests and demonstrations: a made-up signature in blue, a seal in red that says it is a sample.

Drawn by rule, the same bytes each time; nobody's hand and nobody's seal (NĐ 30/2020 Phụ lục I asks for
transparent PNG, blue for the signature, red and true size for the seal).
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from edocx.fonts import Face

DPI = 300
BLUE = (24, 52, 164)
RED = (206, 20, 34)
SEAL_DIAMETER_MM = 36.0
SIGNATURE_SIZE_MM = (45.0, 21.0)

_OVERSAMPLE = 3
"""Drawn larger and reduced: Pillow's lines have hard edges."""

Point = tuple[float, float]


@functools.cache
def draw_signature() -> bytes:
    """Return a blue scrawl that looks like handwriting, as transparent PNG, 45 x 21 mm at 300 dpi."""
    width, height = (_pixels(side) for side in SIGNATURE_SIZE_MM)
    ink = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(ink)
    for stroke in _STROKES:
        points = list(_curve(stroke))
        for position, (x, y) in enumerate(points):
            # The pen is pressed in the middle of a stroke and lifted at its ends.
            pressure = math.sin(math.pi * (position + 1) / (len(points) + 1)) ** 0.5
            radius = height * (0.005 + 0.011 * pressure)
            left, top = x * width - radius, y * height - radius
            pen.ellipse((left, top, left + 2 * radius, top + 2 * radius), fill=255)
    return _png(ink, BLUE)


@functools.cache
def draw_seal(name: str = "CƠ QUAN THỬ NGHIỆM", below: str = "KHÔNG CÓ GIÁ TRỊ") -> bytes:
    """Return a round red seal with ``name`` around it and MẪU THỬ across it, as transparent PNG.

    True size: 36 mm at 300 dpi. The words MẪU THỬ cannot be left out.
    """
    side = _pixels(SEAL_DIAMETER_MM)
    ink = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(ink)
    for radius, width in ((0.495, 0.014), (0.472, 0.005), (0.315, 0.006)):
        edge = (0.5 - radius) * side
        pen.ellipse((edge, edge, side - edge, side - edge), outline=255, width=round(width * side))
    _letter_around(ink, name.upper(), radius=0.393, middle=-90, outward=True)
    _letter_around(ink, below.upper(), radius=0.393, middle=90, outward=False)
    for angle in (180, 0):
        _star(pen, side, angle, 0.393, 0.026)
    _star(pen, side, -90, 0.175, 0.085)
    font = ImageFont.truetype(str(Face.BOLD.path), round(side * 0.1), layout_engine=ImageFont.Layout.BASIC)
    pen.text((side / 2, side * 0.57), "MẪU THỬ", fill=255, font=font, anchor="mm")
    return _png(ink, RED)


def _letter_around(ink: Image.Image, text: str, *, radius: float, middle: float, outward: bool) -> None:
    side = ink.width
    size = 0.085
    while True:
        font = ImageFont.truetype(str(Face.BOLD.path), round(side * size), layout_engine=ImageFont.Layout.BASIC)
        widths = [font.getlength(letter) * 1.08 for letter in text]
        if sum(widths) <= math.radians(_ARC) * radius * side or size < _SMALLEST:
            break
        size -= 0.004
    turn = 1 if outward else -1
    angle = middle - turn * math.degrees(sum(widths) / (radius * side)) / 2
    for letter, width in zip(text, widths, strict=True):
        half = math.degrees(width / (radius * side)) / 2
        angle += turn * half
        glyph = Image.new("L", (round(side * 0.22),) * 2, 0)
        centre = glyph.width / 2
        ImageDraw.Draw(glyph).text((centre, centre + side * size * 0.33), letter, fill=255, font=font, anchor="ms")
        tilt = -(angle + 90) if outward else -(angle - 90)
        glyph = glyph.rotate(tilt, Image.Resampling.BICUBIC)
        x = side / 2 + radius * side * math.cos(math.radians(angle)) - centre
        y = side / 2 + radius * side * math.sin(math.radians(angle)) - centre
        ink.paste(255, (round(x), round(y)), glyph)
        angle += turn * half


def _star(pen: ImageDraw.ImageDraw, side: int, angle: float, distance: float, size: float) -> None:
    x = side * (0.5 + distance * math.cos(math.radians(angle)))
    y = side * (0.5 + distance * math.sin(math.radians(angle)))
    points = []
    for corner in range(10):
        reach = side * size * (1 if corner % 2 == 0 else 0.382)
        direction = math.radians(-90 + 36 * corner)
        points.append((x + reach * math.cos(direction), y + reach * math.sin(direction)))
    pen.polygon(points, fill=255)


def _curve(points: tuple[Point, ...], steps: int = 120) -> Iterator[Point]:
    """Run smoothly through all points (Catmull-Rom)."""
    path = (points[0], *points, points[-1])
    for before, start, end, after in zip(path, path[1:], path[2:], path[3:], strict=False):
        for step in range(steps):
            yield (
                _between(before[0], start[0], end[0], after[0], step / steps),
                _between(before[1], start[1], end[1], after[1], step / steps),
            )


def _between(before: float, start: float, end: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )


def _pixels(millimetres: float) -> int:
    return round(millimetres / 25.4 * DPI) * _OVERSAMPLE


def _png(ink: Image.Image, colour: tuple[int, int, int]) -> bytes:
    size = (ink.width // _OVERSAMPLE, ink.height // _OVERSAMPLE)
    picture = Image.new("RGBA", size, (*colour, 0))
    picture.putalpha(ink.resize(size, Image.Resampling.LANCZOS))
    target = io.BytesIO()
    picture.save(target, "PNG", dpi=(DPI, DPI), optimize=True)
    return target.getvalue()


_ARC = 160.0
"""Degrees a text around the seal may take."""

_SMALLEST = 0.05

_STROKES: tuple[tuple[Point, ...], ...] = (
    # A tall looped capital, a running middle, and a long flourish back under it.
    (
        (0.10, 0.78), (0.13, 0.45), (0.18, 0.12), (0.21, 0.10), (0.20, 0.40), (0.19, 0.72), (0.22, 0.70),
        (0.27, 0.30), (0.31, 0.14), (0.32, 0.26), (0.30, 0.60), (0.34, 0.66),
    ),
    (
        (0.34, 0.66), (0.39, 0.46), (0.41, 0.58), (0.43, 0.66), (0.46, 0.48), (0.48, 0.60), (0.51, 0.64),
        (0.54, 0.46), (0.56, 0.58), (0.59, 0.63), (0.64, 0.38), (0.70, 0.10), (0.72, 0.08), (0.70, 0.34),
        (0.67, 0.66), (0.71, 0.62), (0.77, 0.50), (0.84, 0.46), (0.93, 0.40),
    ),
    ((0.90, 0.72), (0.62, 0.80), (0.30, 0.88), (0.12, 0.93), (0.20, 0.86), (0.48, 0.80), (0.74, 0.82)),
    ((0.58, 0.36), (0.66, 0.32), (0.78, 0.26)),
)  # fmt: skip
