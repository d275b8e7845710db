"""What the page will look like, without signing anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.stamp import BaseStampStyle

from edocx.content import storage_translated
from edocx.documents import Box
from edocx.errors import Text, UsageError
from edocx.signing.fitness import Role
from edocx.signing.pdf.appearance import Appearance, Upright, stamp_style
from edocx.signing.pdf.document import MALFORMED, damaged, open_source
from edocx.signing.pdf.form import PRINT
from edocx.signing.pdf.page_text import render_page
from edocx.signing.pdf.page_view import PageView
from edocx.signing.pdf.revision import Revision, open_revision, require_place
from edocx.signing.pdf.slot import Fields, field_box, place_near, slot_for


@storage_translated()
def preview_page(
    source: Path,
    out: Path,
    *,
    role: Role,
    appearance: Appearance | None = None,
    near: str | None = None,
    box: Box | None = None,
    exempt: bool = False,
) -> Path:
    """Draw the page with the signature's appearance where it would stand to the PNG ``out``; no key is asked.

    ``near`` is the signatory's name (`box_above`); ``exempt`` is for the marks of copies and attachments. Raises what
    signing would raise for file, image and place, and `UsageError` without poppler.
    """
    if near is not None:
        box = place_near(source, near, role)
    place = _place(source, role, box, exempt=exempt)
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "page.pdf"
        with open_source(source) as stream:
            revision = open_revision(stream, str(source))
            try:
                view = require_place(revision, place, str(source))
                page = place.page if place.page >= 0 else int(revision.root["/Pages"]["/Count"]) + place.page
                if appearance is not None and appearance.visible:
                    _draw(revision, place, view, stamp_style(appearance))
                with drawn.open("w+b") as target:
                    revision.write(target)  # type: ignore[no-untyped-call, unused-ignore]
            except MALFORMED as error:
                raise damaged(str(source)) from error
        return render_page(drawn, page, out)


def _place(source: Path, role: Role, box: Box | None, *, exempt: bool) -> Box:
    """Return where signing would put it; a box beside a prepared field is refused as signing would refuse it."""
    slot = slot_for(source, Fields.of(source), role, visible=True, box=box, exempt=exempt)
    if slot.box is not None:
        return slot.box
    box = field_box(source, slot.name)
    if box is None:
        raise _unseen(source, slot.name)
    return box


def _unseen(source: Path, name: str) -> UsageError:
    return UsageError(
        Text(f"Ô chữ ký “{name[:100]}” không hiện trên trang.", f"The field “{name[:100]}” shows on no page."),
        hint=Text("Chọn ô khác, hoặc ký không hiển thị.", "Choose another field, or sign invisibly."),
        code="EDX-SIGN-PLACE",
        where=str(source),
    )


def _draw(revision: Revision, place: Box, view: PageView, style: BaseStampStyle) -> None:
    """Put the appearance on the page as a stamp: placed and turned by viewers as that of a signature is."""
    page = revision.find_page_for_modification(place.page)[0]  # type: ignore[no-untyped-call, unused-ignore]
    drawn = Upright(view=view, corners=place.corners, inner=style).create_stamp(revision, None, {})
    assert drawn is not None
    rectangle = generic.ArrayObject(generic.FloatObject(f"{edge:.2f}") for edge in view.to_file(place.corners))
    stamp = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Stamp"),
            pdf_name("/F"): generic.NumberObject(PRINT),
            pdf_name("/Rect"): rectangle,
        }
    )
    drawn.apply_appearance(stamp)
    revision.register_annotation(page, revision.add_object(stamp))  # type: ignore[no-untyped-call, unused-ignore]
