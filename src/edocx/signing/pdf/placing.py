"""Where number, date, signatures and seal go on a PDF that somebody else made."""

from __future__ import annotations

from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.documents import PageLayout
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf


def layout_for(source: Path) -> PageLayout:
    """Return the decree's places for a PDF of unknown origin, fitted to the size of its pages; raise `PdfError`."""
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
            first, last = (page_size(reader, page) for page in (0, count - 1))
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return PageLayout.standard(first, last)


def page_size(reader: PdfFileReader, page: int) -> tuple[float, float]:
    """Return width and height of a page in points; raise what pyHanko raises for a damaged page tree."""
    node = reader.find_page_for_modification(page)[0].get_object()
    while "/MediaBox" not in node:
        node = node["/Parent"]  # inheritable (ISO 32000-1 7.7.3.4)
    left, bottom, right, top = (float(edge) for edge in node["/MediaBox"])
    return abs(right - left), abs(top - bottom)
