"""What a letter says, before anybody decides where on the page it stands."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from edocx.documents import DocumentKind, Signatory, Urgency
from edocx.documents.drafts import Nfc

MAX_PARAGRAPHS = 2_000
MAX_PARAGRAPH = 20_000
"""About 500 pages of text: against content that only fills memory."""


class LetterContent(BaseModel):
    """The words of an official letter, in the order of NĐ 30/2020 Điều 8.

    Names of bodies are printed as given; a line break in ``superior`` or ``agency`` is kept, otherwise
    long names are broken in balance.
    """

    model_config = ConfigDict(frozen=True)

    superior: Nfc = ""
    """The body directly above the issuing one, or empty."""
    agency: Nfc = Field(min_length=1, max_length=200)
    kind: DocumentKind = Field(default_factory=lambda: DocumentKind.parse("Công văn"))
    notation: Nfc = Field(min_length=1, max_length=30, examples=["UBND-VP"])
    place: Nfc = Field(min_length=1, max_length=50)
    year: int | None = Field(default=None, ge=1945, le=9999)
    """The year shown in the blank for the date, until the date is known."""
    subject: Nfc = Field(min_length=1, max_length=500)
    to: tuple[Nfc, ...] = ()
    """Kính gửi; empty for kinds that address nobody."""
    body: tuple[Nfc, ...] = Field(min_length=1, max_length=MAX_PARAGRAPHS)
    signatory: Signatory
    to_places: tuple[Nfc, ...] = ()
    """Nơi nhận, without hyphens and full stops; ``("Như trên", "Lưu: VT, VP")``."""
    urgency: Urgency = Urgency.NORMAL

    @property
    def is_plain_letter(self) -> bool:
        """Whether it is a công văn: no name of a kind, the subject stands small under the number."""
        return self.kind.name == "Công văn"
