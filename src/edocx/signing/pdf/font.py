"""Our typeface inside pyHanko's text engine."""

from __future__ import annotations

import functools
import io
import logging
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.font.api import FontEngineFactory
from pyhanko.pdf_utils.font.opentype import CIDFont, CIDFontType2, GlyphAccumulator
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from uharfbuzz import Face as HarfBuzzFace
from uharfbuzz import Font

from edocx.fonts import Face

# fontTools warns of every table it leaves out of a subset; nobody who signs needs to read that.
logging.getLogger("fontTools").addHandler(logging.NullHandler())

_GLYPH_SPACE = 1000
"""PDF measures glyphs in thousandths of the font size (ISO 32000-1 9.2.4), Liberation Serif in 2048ths."""

_CUTS = 256
"""Subsets of a face kept in memory, of some 15 KB each: an office signs with the same few names every day."""

_LAYOUT = ("GPOS", "GSUB", "GDEF", "kern")
"""Tables for shaping, which a PDF never holds."""


class FaceFactory(FontEngineFactory):
    """Makes pyHanko's engine for one of our faces, reading the file once a process and leaving no handle open."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def create_font_engine(self, writer: BasePdfFileWriter, obj_stream: Any = None) -> GlyphAccumulator:
        """Return a fresh engine that embeds the subset used in ``writer``."""
        return _Glyphs(writer, self._face, obj_stream)


class _Glyphs(GlyphAccumulator):
    """Sets text in a face, and embeds a subset that is cut once for the same letters.

    Text is shaped and measured by the whole face; pyHanko itself gets the face without its outlines, which it would
    read for every signature, only to know how wide a letter is.
    """

    def __init__(self, writer: BasePdfFileWriter, face: Face, obj_stream: Any) -> None:
        GlyphAccumulator.__init__(self, writer, io.BytesIO(_facts_of(face)), font_size=10, obj_stream=obj_stream)
        self.hb_font = Font(HarfBuzzFace(_bytes_of(face)))
        self._subset_created = True  # by the font object below
        self.cidfont_obj = _CutFont(self.tt, self.cidfont_obj, face, self._glyphs)

    def _get_cid_and_width(self, glyph_id: int) -> tuple[int, int]:
        if glyph_id not in self._glyphs:
            self._glyphs[glyph_id] = (glyph_id, self.hb_font.get_glyph_h_advance(glyph_id))
        return self._glyphs[glyph_id]

    def prepare_write(self) -> None:
        """Write widths in glyph space: pyHanko 0.38 writes them in the font's units, right only for 1000 an em."""
        measured = self._glyphs
        scale = _GLYPH_SPACE / self.units_per_em
        self._glyphs = {glyph: (cid, round(width * scale)) for glyph, (cid, width) in measured.items()}
        try:
            GlyphAccumulator.prepare_write(self)
        finally:
            self._glyphs = measured


class _CutFont(CIDFontType2):
    """A font object whose file is the subset with the glyphs that were used."""

    def __init__(self, font: TTFont, like: CIDFont, face: Face, used: dict[int, tuple[int, int]]) -> None:
        CIDFontType2.__init__(self, font, like.name.partition("+")[2], like.subset_prefix)
        self._face, self._used = face, used

    def set_font_file(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        # Digits always: they alone differ from one number, date or time of signing to the next.
        data = _cut(self._face, frozenset(self._used) | _digits_of(self._face))
        stream = generic.StreamObject({pdf_name("/Filter"): pdf_name("/FlateDecode")}, encoded_data=data)
        self._font_descriptor[pdf_name("/FontFile2")] = reference = writer.add_object(stream)
        return reference


@functools.lru_cache(_CUTS)
def _cut(face: Face, glyphs: frozenset[int]) -> bytes:
    """Return a face with only these glyphs, at their own places, compressed for a PDF."""
    options = Options(layout_closure=False, retain_gids=True)
    options.drop_tables += _LAYOUT
    subsetter = Subsetter(options=options)
    subsetter.populate(gids=sorted(glyphs))
    made = io.BytesIO()
    with TTFont(io.BytesIO(_outlines_of(face)), recalcTimestamp=False) as font:
        subsetter.subset(font)
        font.save(made)
    stream = generic.StreamObject(stream_data=made.getvalue())
    stream.compress()
    return bytes(stream.encoded_data)


@functools.cache
def _digits_of(face: Face) -> frozenset[int]:
    font = Font(HarfBuzzFace(_bytes_of(face)))
    return frozenset(font.get_nominal_glyph(ord(digit)) for digit in "0123456789")


@functools.cache
def _facts_of(face: Face) -> bytes:
    """Return what a PDF says of a face beside its outlines: names and measures, with a single empty glyph."""
    with TTFont(io.BytesIO(_outlines_of(face)), lazy=True, recalcTimestamp=False) as font:
        raw = {name: font.reader[name] for name in ("maxp", "hhea", "post")}
        raw["maxp"] = raw["maxp"][:4] + b"\0\1" + raw["maxp"][6:]  # one glyph
        raw["hhea"] = raw["hhea"][:34] + b"\0\1"  # one width
        raw["post"] = b"\0\3\0\0" + raw["post"][4:32]  # no glyph names
        raw |= {"glyf": b"", "loca": b"\0" * 8, "hmtx": b"\0" * 4}
        for name in set(font.keys()) - {"GlyphOrder", "head", "name", "OS/2", "cmap", *raw}:
            del font[name]
        for name, data in raw.items():
            font[name] = DefaultTable(name)
            font[name].data = data
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()


@functools.cache
def _outlines_of(face: Face) -> bytes:
    """Return the face without its layout tables, which fontTools would parse for every subset only to drop them."""
    with TTFont(io.BytesIO(_bytes_of(face)), lazy=True) as font:
        for name in _LAYOUT:
            if name in font:
                del font[name]
        made = io.BytesIO()
        font.save(made)
    return made.getvalue()


@functools.cache
def _bytes_of(face: Face) -> bytes:
    return face.path.read_bytes()
