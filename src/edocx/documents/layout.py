"""Where number, date and signatures stand on the page, before anything is signed.

The fields must exist before the first signature, so that filling them later is a permitted change and
nothing else (NĐ 30/2020 Điều 14-15; ISO 32000-1 12.8.2.2).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

A4 = (595.28, 841.89)
"""Width and height in points."""


class Box(BaseModel):
    """A rectangle on a page as its reader sees it: points from the bottom-left corner of what is seen.

    Turned, cropped and scaled pages are seen turned, cropped and scaled. ``page`` counts from 0, -1 is the last.
    """

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
    def standard(cls, first: tuple[float, float] = A4, last: tuple[float, float] | None = None) -> PageLayout:
        """Return the places of NĐ 30/2020 Phụ lục I for a PDF of unknown origin.

        ``first`` and ``last`` are the width and height of those pages in points as seen; margins are the decree's,
        so that on A4 the boxes stand where they belong, and on other sizes at the same distance from the edges.
        """
        width, height = first
        last_width, last_height = last or first
        line = height - 136
        middle = width / 2
        foot = min(150.0, last_height / 4)
        person = max(last_width - 235, 130.0)
        return cls(
            number=Box(x1=min(85.0, middle - 60), y1=line, x2=middle - 42, y2=line + 16),
            date=Box(x1=middle + 2, y1=line, x2=width - 57, y2=line + 16),
            signatures=(Box(page=-1, x1=person, y1=foot, x2=person + 150, y2=foot + 60),),
            seal=Box(page=-1, x1=person - 64, y1=foot - 22, x2=person + 38, y2=foot + 80),
        )
