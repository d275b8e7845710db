"""Our typeface inside pyHanko's text engine."""

from __future__ import annotations

import functools
import io
import logging
from typing import Any

from fontTools.ttLib import TTFont
from pyhanko.pdf_utils.font.api import FontEngineFactory
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from uharfbuzz import Face as HarfBuzzFace
from uharfbuzz import Font

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
        return _ScaledGlyphs(writer, self._face, obj_stream)


class _ScaledGlyphs(GlyphAccumulator):
    """Writes widths in glyph space: pyHanko 0.38 writes them in the font's own units, right only for 1000 an em.

    Text is shaped by the whole face; what is cut into a subset is the face without its layout tables, which a PDF
    never holds and which fontTools would parse for every signature only to drop them.
    """

    def __init__(self, writer: BasePdfFileWriter, face: Face, obj_stream: Any) -> None:
        GlyphAccumulator.__init__(self, writer, io.BytesIO(_outlines_of(face)), font_size=10, obj_stream=obj_stream)
        self.hb_font = Font(HarfBuzzFace(_bytes_of(face)))

    def prepare_write(self) -> None:
        measured = self._glyphs
        scale = _GLYPH_SPACE / self.units_per_em
        self._glyphs = {glyph: (cid, round(width * scale)) for glyph, (cid, width) in measured.items()}
        try:
            GlyphAccumulator.prepare_write(self)
        finally:
            self._glyphs = measured


@functools.cache
def _outlines_of(face: Face) -> bytes:
    """Return the face without its layout tables, made once a process."""
    with TTFont(io.BytesIO(_bytes_of(face)), lazy=True) as font:
        for name in ("GPOS", "GSUB", "GDEF", "kern"):
            if name in font:
                del font[name]
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()


@functools.cache
def _bytes_of(face: Face) -> bytes:
    return face.path.read_bytes()
