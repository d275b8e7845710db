"""What a signature looks like on the page (NĐ 30/2020 Phụ lục I; spec/law.md #61-64)."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict
from pyhanko.pdf_utils.content import PdfContent, RawContent
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.layout import (
    AxisAlignment,
    BoxConstraints,
    InnerScaling,
    Margins,
    Positioning,
    SimpleBoxLayoutRule,
)
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.stamp import BaseStamp, BaseStampStyle, StaticStampStyle, TextStampStyle

from edocx.clock import in_vietnam
from edocx.errors import InputError, LimitExceeded, Text
from edocx.fonts import Face
from edocx.signing.pdf.font import FaceFactory
from edocx.signing.pdf.page_view import Corners, PageView, stand_upright

MAX_PIXELS = 16_000_000
"""A seal of 36 mm at 600 dpi has under a million; a picture bomb has billions."""

SPARE_LEFT = 1 / 3
"""Share of the room beside an image that is left of it: so a third of the image stands over the left third of its box,
whatever its proportions, and a seal over the one covers the other (Phụ lục I; spec/law.md #62)."""

TEXT_SIZE = 6
LEADING = 1.2


class Appearance(BaseModel):
    """An image, lines of text beneath it, or both; neither gives an invisible signature. ``text_size`` is in points.

    An image is as large as its box allows, and stands a little left of the middle of a wide one: see `SPARE_LEFT`.
    """

    model_config = ConfigDict(frozen=True)

    image: Path | None = None
    lines: tuple[str, ...] = ()
    text_size: int = TEXT_SIZE

    @property
    def visible(self) -> bool:
        """Whether there is anything to see."""
        return self.image is not None or bool(self.lines)

    @property
    def foot(self) -> float:
        """Points beneath an image that its lines of text take."""
        return 1.35 * self.text_size * len(self.lines) if self.image is not None else 0.0


def signing_time_text(moment: datetime) -> str:
    """Write a signing time as the decree wants it: ISO 8601 in Vietnam's zone, to the second."""
    return in_vietnam(moment).replace(microsecond=0).isoformat(sep=" ")


def stamp_style(appearance: Appearance) -> BaseStampStyle:
    """Turn an appearance into pyHanko's stamp; raise `InputError` for an image that is none."""
    if not appearance.lines:
        return StaticStampStyle(
            border_width=0,
            background=_image(appearance.image),
            background_layout=_filling(foot=0),
            background_opacity=1.0,
        )
    # pyHanko interpolates the text with %; what comes from outside must stay as it is.
    text = "\n".join(appearance.lines).replace("%", "%%")
    return TextStampStyle(
        border_width=0,
        stamp_text=text,
        text_box_style=TextBoxStyle(
            font=FaceFactory(Face.REGULAR),
            font_size=appearance.text_size,
            leading=round(LEADING * appearance.text_size),
            border_width=0,
            # Text alone fills its box; pyHanko's own margin of 10 points would make it shrink.
            box_layout_rule=_flush() if appearance.image is None else None,
        ),
        # To the right: the seal covers the left third (Phụ lục I).
        inner_content_layout=SimpleBoxLayoutRule(
            x_align=AxisAlignment.ALIGN_MAX,
            y_align=AxisAlignment.ALIGN_MIN,
            inner_content_scaling=InnerScaling.SHRINK_TO_FIT,
            margins=Margins.uniform(0),
        ),
        background=_image(appearance.image),
        background_layout=_filling(foot=round(appearance.foot)),
        background_opacity=1.0,
    )


@dataclass(frozen=True)
class Upright(BaseStampStyle):
    """Draws another style at its size as seen, turned so that it stands upright on its page."""

    view: PageView = field(kw_only=True)
    corners: Corners = field(kw_only=True)
    inner: BaseStampStyle = field(kw_only=True)

    def create_stamp(self, writer: Any, box: Any, text_params: Any) -> BaseStamp | None:
        """Make the stamp; what pyHanko says of the box is in the file's units, and replaced."""
        del box
        left, bottom, right, top = self.corners
        seen = BoxConstraints(width=max(1, round(right - left)), height=max(1, round(top - bottom)))
        stamp = self.inner.create_stamp(writer, seen, text_params)
        if stamp is not None:
            stand_upright(stamp.register().get_object(), self.view)
        return stamp


def _flush() -> SimpleBoxLayoutRule:
    return SimpleBoxLayoutRule(
        x_align=AxisAlignment.ALIGN_MAX, y_align=AxisAlignment.ALIGN_MAX, margins=Margins.uniform(0)
    )


class _LeftOfMiddle(SimpleBoxLayoutRule):
    """Places an image as `SPARE_LEFT` says."""

    def fit(self, container_box: BoxConstraints, inner_nat_width: int, inner_nat_height: int) -> Positioning:
        """Scale and raise it as pyHanko does; move it to the left of the middle."""
        found = super().fit(container_box, inner_nat_width, inner_nat_height)
        across: Any = (container_box.width - inner_nat_width * found.x_scale) * SPARE_LEFT
        return dataclasses.replace(found, x_pos=max(0, across))


def _filling(*, foot: int) -> SimpleBoxLayoutRule:
    return _LeftOfMiddle(
        x_align=AxisAlignment.ALIGN_MID,
        y_align=AxisAlignment.ALIGN_MID,
        inner_content_scaling=InnerScaling.STRETCH_TO_FIT,
        margins=Margins(left=0, right=0, top=0, bottom=foot),
    )


def _image(path: Path | None) -> PdfContent:
    if path is None:
        return RawContent(b"", box=BoxConstraints(width=1, height=1))
    return PdfImage(_loaded(path))


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Width and height of a picture in pixels, and whether all of it is transparent."""

    width: int
    height: int
    empty: bool


def image_facts(path: Path) -> ImageFacts:
    """Look at a picture, once for each state of its file; raise `InputError` for one that is none."""
    try:
        state = path.stat()
    except OSError:
        return _facts(path, (0, 0))  # which says what is wrong
    return _facts(path, (state.st_mtime_ns, state.st_size))


@functools.lru_cache(16)
def _facts(path: Path, _state: tuple[int, int]) -> ImageFacts:
    with _loaded(path) as image:
        shown = image.convert("RGBA").getchannel("A").getextrema()
        return ImageFacts(image.width, image.height, shown[1] == 0)


def _loaded(path: Path) -> Any:
    try:
        _refuse_bomb(path)
        # PNG alone: every other decoder is attack surface that no seal needs.
        image: Any = Image.open(path, formats=("PNG",))
        image.load()
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
        raise InputError(
            Text("Tệp không phải là ảnh PNG dùng được.", "The file is not a usable PNG image."),
            hint=Text("Dùng ảnh PNG nền trong suốt.", "Use a PNG with a transparent background."),
            code="EDX-IMAGE-UNREADABLE",
            where=str(path),
        ) from error
    return image


def _refuse_bomb(path: Path) -> None:
    """Read width and height from where a PNG has them (its 13.1), before any decoder makes room for them."""
    with path.open("rb") as stream:
        head = stream.read(24)
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head.startswith(b"\x89PNG") and width * height > MAX_PIXELS:
        raise LimitExceeded(
            Text(f"Ảnh có hơn {MAX_PIXELS} điểm ảnh.", f"The image has more than {MAX_PIXELS} pixels."),
            hint=Text("Giảm kích thước ảnh chữ ký, con dấu.", "Scale the image of signature or seal down."),
            code="EDX-IMAGE-LIMIT",
            where=str(path),
        )
