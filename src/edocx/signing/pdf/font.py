"""Our typeface inside pyHanko's text engine."""

from __future__ import annotations

import functools
import io
import logging
from typing import Any

from pyhanko.pdf_utils.font.api import FontEngineFactory
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from edocx.fonts import Face

# fontTools warns of every table it leaves out of a subset; nobody who signs needs to read that.
logging.getLogger("fontTools").addHandler(logging.NullHandler())

_GLYPH_SPACE = 1000
"""PDF measures glyphs in thousandths of the font size (ISO 32000-1 9.2.4), Liberation Serif in 2048ths."""


class FaceFactory(FontEngineFactory):
    """Makes pyHanko's engine for one of our faces, reading the file once a process and leaving no handle open."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def create_font_engine(self, writer: BasePdfFileWriter, obj_stream: Any = None) -> GlyphAccumulator:
        """Return a fresh engine that embeds the subset used in ``writer``."""
        return _ScaledGlyphs(writer, io.BytesIO(_bytes_of(self._face)), font_size=10, obj_stream=obj_stream)


class _ScaledGlyphs(GlyphAccumulator):
    """Writes widths in glyph space: pyHanko 0.38 writes them in the font's own units, right only for 1000 an em."""

    def prepare_write(self) -> None:
        measured = self._glyphs
        scale = _GLYPH_SPACE / self.units_per_em
        self._glyphs = {glyph: (cid, round(width * scale)) for glyph, (cid, width) in measured.items()}
        try:
            GlyphAccumulator.prepare_write(self)
        finally:
            self._glyphs = measured


@functools.cache
def _bytes_of(face: Face) -> bytes:
    return face.path.read_bytes()
