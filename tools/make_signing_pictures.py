"""Draw the appearance cases of NĐ 30/2020 Phụ lục I into docs/images, signed with a test PKI: python tools/….py.

Needs poppler (pdftoppm). Everything in them is fictitious.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from PIL import Image

from edocx.documents import DocumentNumber
from edocx.documents.drafts import Capacity, Signatory
from edocx.letter import LetterContent, draw_seal, draw_signature, typeset
from edocx.signing.keys import open_signer
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.marks import CopyForm, attachment_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_text import render_page
from edocx.signing.pdf.preview import preview_page
from edocx.signing.pdf.sign import sign
from edocx.testing import Pki

OUT = Path(__file__).parents[1] / "docs" / "images"
AT = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
AGENCY = "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"
NUMBER = DocumentNumber(number="15", notation="UBND-VP")
RESOLUTION, COLOURS = 60, 64


def main() -> None:
    """Make every picture anew."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _draw(Path(folder))


def _draw(work: Path) -> None:
    Pki.create(key="p256").save(work)
    person, agency = (open_signer(str(work / f"{who}.p12")) for who in ("person", "organisation"))
    (work / "signature.png").write_bytes(draw_signature())
    (work / "seal.png").write_bytes(draw_seal("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC", "THỬ NGHIỆM"))
    signature, seal = Appearance(image=work / "signature.png"), Appearance(image=work / "seal.png")
    letter = typeset(_content(), created=AT)
    (work / "draft.pdf").write_bytes(letter.pdf)
    form = make_form(work / "draft.pdf", work / "form.pdf", letter.layout)
    _keep(preview_page(form, work / "page.png", role="person", appearance=signature), "sign-preview.png")
    one = sign(form, work / "one.pdf", person, at=AT, field=person_field(1), certify=True, appearance=signature)
    _page(one, "sign-person.png")
    values = number_and_date(letter.layout, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))
    two = sign(one, work / "two.pdf", agency, at=AT, field=SEAL_FIELD, fill=values, appearance=seal)
    _page(two, "sign-seal.png")
    make_copy(two, work / "copy.pdf", agency, form=CopyForm.WHOLE, agency=AGENCY, at=AT)
    _page(work / "copy.pdf", "sign-copy.png")
    make_copy(two, work / "extract.pdf", agency, form=CopyForm.EXTRACT, agency=AGENCY, at=AT, pages=[0])
    _page(work / "extract.pdf", "sign-extract.png")
    mark = attachment_mark(NUMBER, AT)
    box = mark_box(work / "draft.pdf", mark)
    sign_as(
        work / "draft.pdf", work / "attachment.pdf", agency, "organisation",
        at=AT, appearance=mark, box=box, exempt=True,
    )  # fmt: skip
    _page(work / "attachment.pdf", "sign-attachment.png")


def _content() -> LetterContent:
    return LetterContent(
        superior="ỦY BAN NHÂN DÂN HUYỆN CHÂU THÀNH",
        agency=AGENCY,
        notation="UBND-VP",
        place="Bình Đức",
        year=2023,
        subject="Về việc thử nghiệm ký số văn bản điện tử",
        to=("Ủy ban nhân dân huyện Châu Thành",),
        body=("Văn bản này được tạo ra để minh họa hình thức chữ ký số, con dấu và bản sao điện tử.",) * 3,
        signatory=Signatory(
            full_name="Nguyễn Văn A", position="CHỦ TỊCH", capacity=Capacity("TM."), on_behalf_of="ỦY BAN NHÂN DÂN"
        ),
        to_places=("Như trên", "Lưu: VT, VP"),
    )


def _page(source: Path, name: str) -> None:
    _keep(render_page(source, 0, source.with_suffix(".png"), resolution=RESOLUTION), name)


def _keep(drawn: Path, name: str) -> None:
    with Image.open(drawn) as image:
        small = image.convert("RGB").resize((496, 702)).quantize(COLOURS)
        small.save(OUT / name, optimize=True)


if __name__ == "__main__":
    main()
