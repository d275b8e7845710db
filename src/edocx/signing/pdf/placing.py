"""Where number, date, signatures and seal go on a PDF that somebody else made."""

from __future__ import annotations

from pathlib import Path

from edocx.documents import Box, PageLayout
from edocx.errors import SigningRefused, Text, UsageError
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.page_view import Corners, page_view

SMALLEST = 330.0
"""Points (116 mm), of the short side: on less, the decree's lines do not fit side by side at a legible size."""

_SLACK = 2.0
"""Points by which a box may pass the edge: rounding, and pages whose size was rounded."""

_MM = 25.4 / 72


def layout_for(source: Path, *, people: int = 1, initials: int = 0, page: int = -1) -> PageLayout:
    """Return the decree's places for a PDF of unknown origin, fitted to its pages as they are seen.

    See `PageLayout.standard` for ``people`` and ``initials``; they sign on ``page`` (from 0; -1 is the last), which
    must be there. No word of the page is looked at: `edocx.signing.pdf.fitting.fit_layout` does. Raises `PdfError`, and
    `SigningRefused` (``EDX-PAGE-SMALL``) for a page on which the places would cover each other.
    """
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
            first, last = (page_view(reader, number).size for number in (0, page % count))
        except MALFORMED as error:
            raise damaged(str(source)) from error
    for size in (first, last):
        if min(size) < SMALLEST:
            raise too_small(size, str(source))
    layout = PageLayout.standard(first, last, people=people, initials=initials)
    return layout if page == -1 else _on(layout, page)


def _on(layout: PageLayout, page: int) -> PageLayout:
    """Put what people and agencies sign onto another page than the last."""
    places = {name: getattr(layout, name) for name in ("signatures", "joint_seals", "initials")}
    turned = {name: tuple(box.model_copy(update={"page": page}) for box in boxes) for name, boxes in places.items()}
    return layout.model_copy(update={**turned, "seal": layout.seal.model_copy(update={"page": page})})


def page_size(source: Path, page: int) -> tuple[float, float]:
    """Return width and height of a page as seen; nothing for one that is not there. Raises `PdfError`."""
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
            return page_view(reader, page).size if -count <= page < count else (0.0, 0.0)
        except MALFORMED as error:
            raise damaged(str(source)) from error


def require_page(source: Path, page: int) -> None:
    """Raise `UsageError` (``EDX-PDF-PAGE``) for a page (from 0; -1 is the last) that is not there."""
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
        except MALFORMED as error:
            raise damaged(str(source)) from error
    if not -count <= page < count:
        raise no_such_page(count, str(source))


def no_such_page(count: int, where: str) -> UsageError:
    """Make the error for a page that a document does not have."""
    return UsageError(
        Text(f"Tệp chỉ có {count} trang.", f"The file has {count} pages only."),
        hint=Text("Chọn trong số các trang có trong tệp; -1 là trang cuối.", "Choose one of these; -1 is the last."),
        code="EDX-PDF-PAGE",
        where=where,
    )


def require_inside(box: Box, size: tuple[float, float], where: str) -> None:
    """Raise `UsageError` (``EDX-SIGN-PLACE``) for a box that does not lie whole on a page of this size."""
    left, bottom, right, top = box.corners
    width, height = size
    if -_SLACK <= left < right <= width + _SLACK and -_SLACK <= bottom < top <= height + _SLACK:
        return
    raise UsageError(
        Text(
            f"Ô chữ ký nằm ngoài trang ({_millimetres(size)}).",
            f"The box lies outside the page ({_millimetres(size)}).",
        ),
        hint=Text(
            "Đặt ô nằm trọn trong trang, tính từ góc dưới bên trái của trang như nhìn thấy.",
            "Put it whole on the page, measured from the bottom-left corner of the page as seen.",
        ),
        code="EDX-SIGN-PLACE",
        where=where,
    )


def require_room(rectangle: Corners, where: str) -> None:
    """Raise `UsageError` (``EDX-SIGN-BOX``) for a visible field of less than one of the file's units.

    pyHanko counts in whole ones; on a page whose unit is half a metre (/UserUnit) nothing can be drawn.
    """
    width, height = rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]
    if 0 < width < 1 or 0 < height < 1:
        raise UsageError(
            Text("Ô chữ ký quá nhỏ so với đơn vị của trang.", "The box is too small for the unit of its page."),
            hint=Text("Dùng ô lớn hơn, hoặc ký không hiển thị.", "Use a larger box, or sign invisibly."),
            code="EDX-SIGN-BOX",
            where=where,
        )


def too_small(size: tuple[float, float], where: str) -> SigningRefused:
    """Make the refusal of a page that the decree's layout does not fit on."""
    return SigningRefused(
        Text(
            f"Trang quá nhỏ ({_millimetres(size)}) cho bố cục của Nghị định 30/2020 (cạnh ngắn từ 116 mm).",
            f"The page is too small ({_millimetres(size)}) for the layout of NĐ 30/2020 (116 mm or more).",
        ),
        hint=Text(
            "Dùng trang A4; hoặc ký bằng “edocx sign” theo tọa độ (--place) hay không hiển thị (bỏ --image).",
            "Use A4; or sign with “edocx sign” by coordinates (--place) or invisibly (without --image).",
        ),
        code="EDX-PAGE-SMALL",
        where=where,
    )


def _millimetres(size: tuple[float, float]) -> str:
    return f"{size[0] * _MM:.0f} × {size[1] * _MM:.0f} mm"
