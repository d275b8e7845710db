"""What the command line says of a signature's look and place, as keyword arguments for one file after another."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edocx.errors import Text, UsageError

if TYPE_CHECKING:
    from edocx.documents import Box, DocumentNumber
    from edocx.signing.pdf.appearance import Appearance
    from edocx.signing.pdf.marks import CopyForm

Role = Literal["person", "organisation"]

_POINTS = 72 / 25.4
"""In a millimetre."""

_PARTS = 5


@dataclass(frozen=True, slots=True)
class SignLook:
    """Image, place and fields as typed; see the options of ``edocx sign``.

    ``place`` is ``PAGE,LEFT,BOTTOM,WIDTH,HEIGHT``: pages from 1, millimetres from the bottom-left corner of the page as
    seen. ``attachment`` is the number and notation of the document that a separate attachment belongs to. ``number``,
    ``issued_on`` and ``city`` fill the fields of number and date with the seal.
    """

    image: Path | None = None
    place: str | None = None
    near: str | None = None
    field: str | None = None
    initials: bool = False
    attachment: str | None = None
    number: str | None = None
    issued_on: datetime | None = None
    city: str | None = None

    def keywords(self, file: Path, role: Role, at: datetime) -> dict[str, Any]:
        """Return the arguments of `edocx.signing.pdf.order.sign_as` for one file; raise `UsageError`, `PdfError`."""
        self.check(role)
        found: dict[str, Any] = {"appearance": self.appearance(at), "box": self.box(file, role, at)}
        if self.field:
            found["field"] = self.field
        if self.initials:
            found["initials"] = True
        if self.attachment:
            found["exempt"] = True
        if self.number:
            found["fill"] = self._fill(file, at)
        return found

    def appearance(self, at: datetime) -> Appearance | None:
        """Return what is shown: an image, or the text of an attachment's mark."""
        from edocx.signing.pdf.appearance import Appearance
        from edocx.signing.pdf.marks import attachment_mark

        if self.attachment:
            return attachment_mark(number_of(self.attachment), at)
        return Appearance(image=self.image) if self.image else None

    def box(self, file: Path, role: Role, at: datetime) -> Box | None:
        """Return the place that was named, if one was; None leaves it to field and decree."""
        if self.place:
            return box_of(self.place)
        if self.near:
            from edocx.signing.pdf.slot import place_near

            return place_near(file, self.near, role)
        if self.attachment:
            from edocx.signing.pdf.marks import mark_box

            mark = self.appearance(at)
            assert mark is not None
            return mark_box(file, mark)
        return None

    def check(self, role: Role) -> None:
        """Raise `UsageError` for what is malformed or cannot go together, before any key or service is asked."""
        for text in (self.attachment, self.number):
            if text is not None:
                number_of(text)
        if self.place is not None:
            box_of(self.place)
        if self.near is not None and not self.near.strip():
            raise _usage(
                Text("Chữ để đặt chữ ký cạnh nó còn trống.", "The text to sign near is empty."),
                Text('Ghi chữ có trên trang: --near "Nguyễn Văn A".', 'Name text of the page: --near "Nguyễn Văn A".'),
            )
        if role == "person" and (self.attachment or self.number):
            raise _usage(
                Text("Chỉ con dấu của cơ quan mới điền số, ngày và đóng lên phụ lục.", "Only a seal can do that."),
                Text("Dùng --as organisation.", "Use --as organisation."),
            )
        if self.number and not self.city:
            raise _usage(
                Text("Thiếu địa danh đi cùng số và ngày.", "The place that goes with number and date is missing."),
                Text('Thêm --city "Bình Đức".', 'Add --city "Bình Đức".'),
            )
        if sum(map(bool, (self.place, self.near, self.attachment))) > 1:
            raise _usage(
                Text("Chỉ chọn được một chỗ cho chữ ký.", "A signature has one place."),
                Text(
                    "Dùng một trong ba: --place, --near, --attachment.", "Use one of --place, --near and --attachment."
                ),
            )
        if (self.place or self.near) and not self.image:
            raise _usage(
                Text(
                    "Chữ ký không có hình thì không có chỗ trên trang.", "Without an image there is nothing to place."
                ),
                Text("Thêm --image, hoặc bỏ --place, --near.", "Add --image, or leave --place and --near out."),
            )
        if self.attachment and self.image:
            raise _usage(
                Text("Phụ lục riêng tệp chỉ mang chữ, không mang hình con dấu.", "An attachment's mark is text alone."),
                Text("Bỏ --image (NĐ 30/2020 Phụ lục I).", "Leave --image out (NĐ 30/2020 Phụ lục I)."),
            )

    def _fill(self, file: Path, at: datetime) -> Any:
        from edocx.clock import in_vietnam
        from edocx.signing.pdf.filling import values_for

        assert self.number is not None
        assert self.city is not None
        day: date = self.issued_on.date() if self.issued_on else in_vietnam(at).date()
        return values_for(file, number=number_of(self.number), place=self.city, issued_on=day)


def preview_sign(file: Path, out: Path, role: Role, look: SignLook, at: datetime) -> Path:
    """Draw the page as it will be after signing; no key is asked. Raises what signing would raise."""
    from edocx.signing.pdf.preview import preview_page

    look.check(role)
    box = look.box(file, role, at)
    return preview_page(
        file, out, role=role, appearance=look.appearance(at), box=box, exempt=look.attachment is not None
    )  # fmt: skip


def preview_copy(
    file: Path, out: Path, *, form: CopyForm, agency: str, pages: Sequence[int] | None, at: datetime
) -> Path:
    """Draw the first page of a copy with its mark; nothing is signed."""
    from edocx.signing.judgement import Criteria
    from edocx.signing.pdf.copies import build_copy
    from edocx.signing.pdf.marks import copy_mark, mark_box
    from edocx.signing.pdf.preview import preview_page
    from edocx.signing.pdf.verify import verify_pdf
    from edocx.signing.trust import TrustStore

    mark = copy_mark(form, agency, at)
    with ExitStack() as stack:
        body = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "copy.pdf"
        build_copy(file, body, verify_pdf(file, Criteria(TrustStore(), at), name=file.name), pages=pages)
        return preview_page(body, out, role="organisation", appearance=mark, box=mark_box(body, mark), exempt=True)


def number_of(text: str) -> DocumentNumber:
    """Read ``15/QĐ-UBND``; raise `UsageError`."""
    from edocx.documents import DocumentNumber

    return DocumentNumber.parse(text)


def box_of(text: str) -> Box:
    """Read ``PAGE,LEFT,BOTTOM,WIDTH,HEIGHT`` in millimetres, pages from 1; raise `UsageError`."""
    from edocx.documents import Box

    parts = text.split(",")
    try:
        page = int(parts[0])
        left, bottom, width, height = (float(part) * _POINTS for part in parts[1:])
        fits = len(parts) == _PARTS and page != 0 and 0 < width < 1e6 and 0 < height < 1e6  # noqa: PLR2004
    except (ValueError, OverflowError):
        fits = False
    if not fits:
        raise _usage(
            Text("Vị trí không đúng dạng.", "The place is not in the form expected."),
            Text(
                "Dạng đúng: TRANG,TRÁI,DƯỚI,RỘNG,CAO, tính bằng mm; ví dụ 1,110,60,50,25 (trang -1 là trang cuối).",
                "Use PAGE,LEFT,BOTTOM,WIDTH,HEIGHT in mm, for example 1,110,60,50,25 (page -1 is the last).",
            ),
        )
    return Box(page=page - 1 if page > 0 else page, x1=left, y1=bottom, x2=left + width, y2=bottom + height)


def pages_of(text: str) -> list[int]:
    """Read ``1,3-5`` as pages from 0; raise `UsageError`."""
    found: list[int] = []
    for part in text.split(","):
        range_ = _RANGE.fullmatch(part.strip())
        begin, end = (int(range_[1]), int(range_[2] or range_[1])) if range_ else (0, 0)
        if not 0 < begin <= end <= begin + MAX_RANGE:
            raise _usage(
                Text("Danh sách trang không đúng dạng.", "The list of pages is not in the form expected."),
                Text("Dạng đúng: 1,3-5.", "Use for example 1,3-5."),
            )
        found += range(begin - 1, end)
    return found


_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

MAX_RANGE = 10_000
"""Pages in one range: ``1-999999999`` would fill the memory."""


def _usage(text: Text, hint: Text) -> UsageError:
    return UsageError(text, hint=hint, code="EDX-USAGE-LOOK")
