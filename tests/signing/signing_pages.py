"""One letter on pages that are turned, cropped and scaled: seen, they are all the same A4 page."""

from __future__ import annotations

from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject

from edocx.signing.pdf.flatten import FreshWriter
from edocx.testing.scene import write_letter

WIDTH, HEIGHT = 595.0, 842.0

SHAPES = {
    "plain": {},
    "turned 90": {"turn": 90},
    "turned 180": {"turn": 180},
    "turned 270": {"turn": 270},
    "origin elsewhere": {"origin": (-300, 170)},
    "cropped": {"origin": (120, -80), "border": 90},
    "cropped and turned": {"origin": (50, 60), "border": 40, "turn": 90},
    "in units of half an inch": {"unit": 36.0},
    "scaled, cropped, turned": {"unit": 2.5, "origin": (-10, 5), "border": 8, "turn": 270},
}


def letter_on(path: Path, *, turn: int = 0, origin=(0, 0), border: float = 0, unit: float = 1) -> Path:
    """Write the scene's letter so that it looks the same however its page is described.

    ``origin`` is where the visible part begins, ``border`` what of the medium around it is cropped away (and black),
    both in the file's units.
    """
    source, _ = write_letter(path.parent)
    wide, high = WIDTH / unit, HEIGHT / unit
    across, up = (high, wide) if turn in {90, 270} else (wide, high)
    left, bottom = origin
    crop = [left, bottom, left + across, bottom + up]
    media = [left - border, bottom - border, left + across + border, bottom + up + border]
    linear = {
        0: (1, 0, 0, 1, 0, 0),
        90: (0, 1, -1, 0, across, 0),
        180: (-1, 0, 0, -1, across, up),
        270: (0, -1, 1, 0, 0, up),
    }
    a, b, c, d, e, f = linear[turn]
    matrix = (a / unit, b / unit, c / unit, d / unit, e + left, f + bottom)
    writer = FreshWriter()
    with source.open("rb") as stream:
        reader = PdfFileReader(stream)
        shown, resources = reader.find_page_for_modification(0)
        form = generic.StreamObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): generic.ArrayObject(map(generic.FloatObject, (0, 0, WIDTH, HEIGHT))),
                pdf_name("/Resources"): writer.import_object(resources),
            },
            stream_data=shown.get_object()["/Contents"].data,
        )
        around = b"0 g %g %g %g %g re %g %g %g %g re f*" % (
            *media[:2], media[2] - media[0], media[3] - media[1], left, bottom, across, up,
        )  # fmt: skip
        content = generic.StreamObject(stream_data=around + b" q %.6f %.6f %.6f %.6f %.6f %.6f cm /L Do Q" % matrix)
        objects = generic.DictionaryObject({pdf_name("/L"): writer.add_object(form)})
        page = PageObject(writer.add_object(content), media, generic.DictionaryObject({pdf_name("/XObject"): objects}))
        if border:
            page[pdf_name("/CropBox")] = generic.ArrayObject(map(generic.FloatObject, crop))
        if turn:
            page[pdf_name("/Rotate")] = generic.NumberObject(turn)
        if unit != 1:
            page[pdf_name("/UserUnit")] = generic.FloatObject(unit)
        writer.insert_page(page)
        with path.open("wb") as target:
            writer.write(target)
    return path


def blank_on(path: Path, size, *, turn: int = 0, crop=None, unit=None) -> Path:
    """Write one empty page, with whatever entries."""
    writer = FreshWriter()
    page = PageObject(writer.add_object(generic.StreamObject(stream_data=b"")), [0, 0, *size])
    if turn:
        page[pdf_name("/Rotate")] = generic.NumberObject(turn)
    if crop:
        page[pdf_name("/CropBox")] = generic.ArrayObject(map(generic.FloatObject, crop))
    if unit is not None:
        page[pdf_name("/UserUnit")] = generic.FloatObject(unit)
    writer.insert_page(page)
    with path.open("wb") as target:
        writer.write(target)
    return path
