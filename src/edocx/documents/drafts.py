"""The official document before and after it has a number."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edocx.documents.kinds import DocumentKind
from edocx.documents.layout import PageLayout
from edocx.documents.numbers import DocumentId, DocumentNumber
from edocx.documents.words import Capacity, Urgency
from edocx.units import UnitId

Nfc = Annotated[str, AfterValidator(lambda text: unicodedata.normalize("NFC", text).strip())]
"""Text as edocx keeps it inside: NFC, without blanks around it."""


class Signatory(BaseModel):
    """The human who signs, in which capacity (người ký; NĐ 30/2020 Điều 13)."""

    model_config = ConfigDict(frozen=True)

    full_name: Nfc
    position: Nfc = ""
    capacity: Capacity = Capacity.OWN
    on_behalf_of: Nfc = ""
    """What follows the capacity: ``TM.`` **ỦY BAN NHÂN DÂN**."""

    @property
    def competence(self) -> str:
        """The line above the position, as printed and as edXML's Competence: ``TM. ỦY BAN NHÂN DÂN``."""
        return f"{self.capacity} {self.on_behalf_of}".strip()


class Draft(BaseModel):
    """Dự thảo: everything about a document that is decided before it has a number and a date.

    ``pdf`` is the page itself; `PageLayout` says where its number, date and signatures go.
    Secrecy is not modelled: secret documents may not travel this way (QĐ 28/2018 Điều 1).
    """

    model_config = ConfigDict(frozen=True)

    unit: UnitId
    kind: DocumentKind
    notation: Nfc = Field(max_length=30, examples=["UBND-VP"])
    subject: Nfc = Field(min_length=1, max_length=500)
    place: Nfc = Field(max_length=50)
    signatory: Signatory
    pdf: Path
    layout: PageLayout = Field(default_factory=PageLayout.standard)
    urgency: Urgency = Urgency.NORMAL
    content: Nfc = ""
    to_places: tuple[Nfc, ...] = ()
    due_date: date | None = None
    attachments: tuple[Path, ...] = ()


class Document(BaseModel):
    """Văn bản: a draft that was approved, numbered, dated and sealed; ``pdf`` is the final file."""

    model_config = ConfigDict(frozen=True)

    id: DocumentId
    number: DocumentNumber
    issued_on: date
    draft: Draft
    pdf: Path
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def unit(self) -> UnitId:
        """The issuing unit."""
        return self.draft.unit
