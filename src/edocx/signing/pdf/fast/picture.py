"""The image of a signature or seal as PDF objects, decoded and compressed once for a whole run."""

from __future__ import annotations

import functools
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from edocx.signing.pdf.appearance import MAX_PIXELS, SPARE_LEFT
from edocx.signing.pdf.fast.append import Update, written
from edocx.signing.pdf.fast.syntax import NotPlain

MAX_FILE = 4 * 1024 * 1024
"""Bytes of an image file that is kept ready; seals have some ten thousand."""

REMEMBERED = 8
"""Pictures: a person's and an agency's, and those of a few more."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as two image XObjects without their dictionaries' references: colours, and opacity if any."""

    width: int
    height: int
    colours: bytes
    opacity: bytes | None


def read_picture(path: Path) -> Picture:
    """Read a PNG; raise `NotPlain` for what is none, is too large, or cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise NotPlain("a large image")
        return _decoded(path.read_bytes())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotPlain("no image") from error


@functools.lru_cache(maxsize=REMEMBERED)
def _decoded(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:  # reads the head alone
        if image.width * image.height > MAX_PIXELS:
            raise NotPlain("an image too large")
        shown = image.convert("RGBA")
    alpha = shown.getchannel("A")
    opaque = alpha.getextrema() == (255, 255)
    colours = _compressed(b"RGB", shown.convert("RGB").tobytes(), shown.size)
    return Picture(*shown.size, colours, None if opaque else _compressed(b"Gray", alpha.tobytes(), shown.size))


def draw(update: Update, picture: Picture, width: float, height: float) -> bytes:
    """Add the objects that show a picture in a box, as large as it fits, where `SPARE_LEFT` puts it; return the /AP."""
    entry = b""
    if picture.opacity is not None:
        entry = b"/SMask " + written(update.add(b"<<" + picture.opacity))
    image = update.add(b"<<" + entry + picture.colours)
    scale = min(width / picture.width, height / picture.height)
    wide, high = scale * picture.width, scale * picture.height
    content = b"q %.4f 0 0 %.4f %.4f %.4f cm /Im Do Q" % (
        wide, high, (width - wide) * SPARE_LEFT, (height - high) / 2,
    )  # fmt: skip
    form = update.add(
        b"<</Type/XObject/Subtype/Form/BBox[0 0 %.4f %.4f]/Resources<</XObject<</Im %s>>>>/Length %d>>"
        b"\nstream\n%s\nendstream" % (width, height, written(image), len(content), content)
    )
    return b"<</N " + written(form) + b">>"


def _compressed(space: bytes, data: bytes, size: tuple[int, int]) -> bytes:
    packed = zlib.compress(data)
    return (
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/Device%s/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (*size, space, len(packed), packed)
    )
