"""Drawing a page of one PDF, with everything that shows on it, onto a page of another."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from edocx.signing.pdf.page_view import view_of

MAX_PAGES = 5_000
MAX_ANNOTATIONS = 1_000
"""On one page; a document with more is made to take time."""

_HIDDEN, _NO_VIEW = 2, 32
"""Annotation flags (ISO 32000-1 table 165)."""


class FreshWriter(PdfFileWriter):
    """A new PDF whose metadata says nothing of the machine's clock."""

    def _update_meta(self) -> None:
        """Leave the metadata out: the file it copies has its own."""


def copy_page(writer: PdfFileWriter, source: PdfFileReader, number: int) -> None:
    """Append page ``number`` (from 0) of ``source`` with its annotations drawn in: signatures, seals, filled fields.

    Raises what pyHanko raises for damaged pages.
    """
    reference, resources = source.find_page_for_modification(number)
    page = reference.get_object()
    view = view_of(page)
    box = list(view.visible)  # what was cropped away was not seen, and is not copied
    shown: dict[str, generic.PdfObject] = {"/Page": _page_form(writer, page, resources, box)}
    commands = [b"q /Page Do Q"]
    for count, annotation in enumerate(list(entry(page, "/Annots", ()))[:MAX_ANNOTATIONS]):
        drawn = _appearance(annotation)
        if drawn is None:
            continue
        stream, matrix = drawn
        shown[f"/A{count}"] = writer.import_object(stream)
        commands.append(b"q %s cm /A%d Do Q" % (b" ".join(b"%.4f" % n for n in matrix), count))
    forms = generic.DictionaryObject({pdf_name(name): value for name, value in shown.items()})
    content = writer.add_object(generic.StreamObject(stream_data=b"\n".join(commands)))
    new = PageObject(content, box, generic.DictionaryObject({pdf_name("/XObject"): forms}))
    if view.rotation:
        new[pdf_name("/Rotate")] = generic.NumberObject(view.rotation)
    if view.unit != 1:
        new[pdf_name("/UserUnit")] = generic.FloatObject(view.unit)
    writer.insert_page(new)


def _page_form(writer: PdfFileWriter, page: Any, resources: Any, box: list[float]) -> generic.IndirectObject:
    contents = entry(page, "/Contents", generic.ArrayObject())
    streams = [one.get_object() for one in contents] if isinstance(contents, generic.ArrayObject) else [contents]
    # Tokens never run from one stream into the next (ISO 32000-1 7.8.2), so white space goes between them.
    form = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(map(generic.FloatObject, box)),
            pdf_name("/Resources"): writer.import_object(resources),
        },
        stream_data=b"\n".join(stream.data for stream in streams),
    )
    form.compress()
    return writer.add_object(form)


def _appearance(reference: Any) -> tuple[Any, tuple[float, ...]] | None:
    annotation = reference.get_object()
    flags = int(entry(annotation, "/F", 0))
    if flags & (_HIDDEN | _NO_VIEW) or "/AP" not in annotation or "/N" not in annotation["/AP"]:
        return None
    reference = annotation["/AP"].raw_get("/N")
    stream = reference.get_object()
    if not isinstance(stream, generic.StreamObject):
        state = entry(annotation, "/AS")
        if state is None or state not in stream:
            return None
        reference = stream.raw_get(state)
        stream = reference.get_object()
    matrix = _placing(stream, [float(edge) for edge in annotation["/Rect"]])
    return None if matrix is None else (reference, matrix)


def _placing(stream: Any, rectangle: list[float]) -> tuple[float, ...] | None:
    """Return the matrix that puts an appearance into its rectangle (ISO 32000-1 12.5.5, algorithm 8.1)."""
    x1, y1, x2, y2 = (float(edge) for edge in stream["/BBox"])
    a, b, c, d, e, f = (float(n) for n in entry(stream, "/Matrix", (1, 0, 0, 1, 0, 0)))
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (x1, x2) for y in (y1, y2)]
    left, bottom = (min(corner[axis] for corner in corners) for axis in (0, 1))
    width, height = (max(corner[axis] for corner in corners) - low for axis, low in ((0, left), (1, bottom)))
    if not width or not height:
        return None
    low_x, low_y = min(rectangle[0], rectangle[2]), min(rectangle[1], rectangle[3])
    across = (max(rectangle[0], rectangle[2]) - low_x) / width
    up = (max(rectangle[1], rectangle[3]) - low_y) / height
    return across, 0, 0, up, low_x - left * across, low_y - bottom * up


def entry(dictionary: Any, name: str, default: Any = None) -> Any:
    """Return an entry with its reference followed (a dictionary's own ``get`` leaves it), or the default."""
    held = dictionary.get_object() if isinstance(dictionary, generic.IndirectObject) else dictionary
    return held[name] if name in held else default  # noqa: SIM401
