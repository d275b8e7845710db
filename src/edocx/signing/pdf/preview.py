"""What the page will look like, without signing anything."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.stamp import BaseStampStyle

from edocx.content import storage_translated
from edocx.documents import Box
from edocx.signing.pdf.appearance import Appearance, stamp_style
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf, open_source
from edocx.signing.pdf.form import SEAL_FIELD, person_field
from edocx.signing.pdf.page_text import box_above, render_page
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.revision import Revision, open_revision, require_page


@storage_translated()
def preview_page(
    source: Path,
    out: Path,
    *,
    role: Literal["person", "organisation"],
    appearance: Appearance | None = None,
    near: str | None = None,
    box: Box | None = None,
) -> Path:
    """Draw the page with the signature's appearance where it would stand to the PNG ``out``; no key is asked.

    Raises what signing would raise for file, image and place, and `UsageError` without poppler.
    """
    place = box or (box_above(source, near) if near else _place(source, role))
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "page.pdf"
        with open_source(source) as stream:
            revision = open_revision(stream, str(source))
            try:
                require_page(revision, place, str(source))
                page = place.page if place.page >= 0 else int(revision.root["/Pages"]["/Count"]) + place.page
                if appearance is not None and appearance.visible:
                    _draw(revision, page, place, stamp_style(appearance))
                with drawn.open("w+b") as target:
                    revision.write(target)  # type: ignore[no-untyped-call, unused-ignore]
            except MALFORMED as error:
                raise damaged(str(source)) from error
        return render_page(drawn, page, out)


def _place(source: Path, role: str) -> Box:
    wanted = SEAL_FIELD if role == "organisation" else person_field(1)
    layout = layout_for(source)
    fallback = layout.seal if role == "organisation" else layout.signatures[0]
    with open_pdf(source) as reader:
        try:
            for name, _, field in enumerate_sig_fields(reader):
                widget = field.get_object()
                if name == wanted and "/Rect" in widget:
                    x1, y1, x2, y2 = (float(edge) for edge in widget["/Rect"])
                    return Box(page=_page_of(reader, widget, fallback.page), x1=x1, y1=y1, x2=x2, y2=y2)
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return fallback


def _page_of(reader: object, widget: object, fallback: int) -> int:
    count = int(reader.root["/Pages"]["/Count"])  # type: ignore[attr-defined]
    wanted = widget.raw_get("/P").reference if "/P" in widget else None  # type: ignore[attr-defined,operator]
    for number in range(count):
        if reader.find_page_for_modification(number)[0].reference == wanted:  # type: ignore[attr-defined]
            return number
    return fallback


def _draw(revision: Revision, page: int, place: Box, style: BaseStampStyle) -> None:
    from pyhanko.pdf_utils.layout import BoxConstraints  # noqa: PLC0415 - for drawing only

    width, height = place.x2 - place.x1, place.y2 - place.y1
    stamp = style.create_stamp(revision, box=BoxConstraints(width=round(width), height=round(height)), text_params={})
    assert stamp is not None
    stamp.apply(page, round(place.x1), round(place.y1))
