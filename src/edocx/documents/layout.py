"""Where number, date and signatures stand on the page, before anything is signed.

The fields must exist before the first signature, so that filling them later is a permitted change and
nothing else (NĐ 30/2020 Điều 14-15; ISO 32000-1 12.8.2.2).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

A4 = (595.28, 841.89)
"""Width and height in points."""


SEAL = 36 * 72 / 25.4
"""Points across an agency's seal in true size (36 mm; Phụ lục I wants it in true size)."""

_COLUMN, _ROW = 220.0, 130.0
"""Points from one signatory of a joint document to the next: a seal and a signature, and some air."""


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

    ``template`` is filled with ``number``, ``notation``, ``place``, ``day``, ``month``, ``year``, ``short_year`` (its
    last two digits); ``size`` in points; ``baseline`` in points above the box's lower edge (None centres the text
    upright); ``align`` 0 left, 1 centre, 2 right; ``blank`` is what stands there until the value is known; ``printed``
    is what the page itself prints beside it, a notation or a year, and what is filled in has to agree with.
    """

    model_config = ConfigDict(frozen=True)

    template: str
    italic: bool = False
    size: float = 13
    baseline: float | None = None
    align: Literal[0, 1, 2] = 1
    blank: str = ""
    printed: str = ""


class PartField(BaseModel):
    """One more text field, for a part of number or date that stands apart: “ngày … tháng … năm …” has three gaps."""

    model_config = ConfigDict(frozen=True)

    name: Literal["EdocxNotation", "EdocxPlace", "EdocxMonth", "EdocxYear"]
    box: Box
    text: FieldText


class PageLayout(BaseModel):
    """The boxes of one document: number, date, one for each signatory in order, seal; and how text stands in them.

    ``initials`` are for those who answer for a draft before it is signed (ký nháy, ký tắt); ``joint_seals`` for the
    agencies that issue a document together with the one whose ``seal`` comes last and locks everything. ``parts`` are
    for what number and date have apart from their own boxes, on a page that prints the words between.
    """

    model_config = ConfigDict(frozen=True)

    number: Box
    date: Box
    signatures: tuple[Box, ...] = Field(min_length=1)
    seal: Box
    initials: tuple[Box, ...] = ()
    joint_seals: tuple[Box, ...] = ()
    number_text: FieldText = FieldText(template="Số: {number}/{notation}")
    date_text: FieldText = FieldText(template="{place}, ngày {day} tháng {month} năm {year}", italic=True)
    parts: tuple[PartField, ...] = ()

    @classmethod
    def standard(
        cls,
        first: tuple[float, float] = A4,
        last: tuple[float, float] | None = None,
        *,
        people: int = 1,
        initials: int = 0,
    ) -> PageLayout:
        """Return the places of NĐ 30/2020 Phụ lục I for a PDF of unknown origin.

        ``first`` and ``last`` are the width and height of those pages in points as seen; margins are the decree's,
        so that on A4 the boxes stand where they belong, and on other sizes at the same distance from the edges.
        ``people`` sign a joint document, each with a seal on the signature: the first, whose agency presides and
        seals last, at the right, the others to the left of each other and then above; ``initials`` stand at the left
        under the recipients.
        """
        width, height = first
        last_width, last_height = last or first
        line = height - 136
        middle, scale = width / 2, min(1.0, width / A4[0])  # margins shrink on smaller pages, so that the lines fit
        foot = min(150.0, last_height / 4)
        row = max(1, int((last_width - 85) // _COLUMN))
        people_at = [
            (max(last_width - 235 - number % row * _COLUMN, 64.0), foot + number // row * _ROW)
            for number in range(people)
        ]
        signatures = tuple(Box(page=-1, x1=x, y1=y, x2=x + 150, y2=y + 60) for x, y in people_at)
        return cls(
            number=Box(x1=85 * scale, y1=line, x2=middle - 42 * scale, y2=line + 16),
            date=Box(x1=middle + 2, y1=line, x2=width - 57 * scale, y2=line + 16),
            signatures=signatures,
            seal=seal_over(signatures[0]),
            joint_seals=tuple(map(seal_over, signatures[1:])),
            initials=tuple(
                Box(page=-1, x1=85 + number * 55.0, y1=foot - 60, x2=135 + number * 55.0, y2=foot - 35)
                for number in range(initials)
            ),
        )


def seal_over(signature: Box) -> Box:
    """Return the place of a seal in true size over the left third of a signature (Phụ lục I; spec/law.md #62).

    The signature's image stands in its own place so that this is a third of the image too, whatever its proportions.
    """
    edge, middle = signature.x1 + (signature.x2 - signature.x1) / 3, (signature.y1 + signature.y2) / 2
    return Box(page=signature.page, x1=edge - SEAL, y1=middle - SEAL / 2, x2=edge, y2=middle + SEAL / 2)
