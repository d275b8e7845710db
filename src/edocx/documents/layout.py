"""Where number, date and signatures stand on the page, before anything is signed.

The fields must exist before the first signature, so that filling them later is a permitted change and
nothing else (NĐ 30/2020 Điều 14-15; ISO 32000-1 12.8.2.2).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_A4 = (595.28, 841.89)


class Box(BaseModel):
    """A rectangle on a page: points from the bottom-left corner; ``page`` counts from 0, -1 is the last."""

    model_config = ConfigDict(frozen=True)

    page: int = 0
    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        return self.x1, self.y1, self.x2, self.y2


class FieldText(BaseModel):
    """How the text of a field continues the line it stands in.

    ``template`` is filled with ``number``, ``notation``, ``place``, ``day``, ``month``, ``year``; ``size`` in points;
    ``baseline`` in points above the box's lower edge (None centres the text upright); ``align`` 0 left, 1 centre,
    2 right; ``blank`` is what stands there until the value is known.
    """

    model_config = ConfigDict(frozen=True)

    template: str
    italic: bool = False
    size: float = 13
    baseline: float | None = None
    align: Literal[0, 1, 2] = 1
    blank: str = ""


class PageLayout(BaseModel):
    """The boxes of one document: number, date, one for each signatory in order, seal; and how text stands in them."""

    model_config = ConfigDict(frozen=True)

    number: Box
    date: Box
    signatures: tuple[Box, ...] = Field(min_length=1)
    seal: Box
    number_text: FieldText = FieldText(template="Số: {number}/{notation}")
    date_text: FieldText = FieldText(template="{place}, ngày {day} tháng {month} năm {year}", italic=True)

    @classmethod
    def standard(cls) -> PageLayout:
        """Return the places of NĐ 30/2020 Phụ lục I on A4, for a PDF of unknown origin."""
        right = _A4[0] - 57
        return cls(
            number=Box(x1=85, y1=706, x2=255, y2=722),
            date=Box(x1=300, y1=706, x2=right, y2=722),
            signatures=(Box(page=-1, x1=360, y1=150, x2=510, y2=210),),
            seal=Box(page=-1, x1=296, y1=128, x2=398, y2=230),
        )
