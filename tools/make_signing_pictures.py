"""Draw the appearance cases of NĐ 30/2020 Phụ lục I into docs/images, signed with a test PKI: python tools/….py.

Needs poppler (pdftoppm). Everything in them is fictitious.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fpdf
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from edocx.documents import DocumentNumber
from edocx.documents.drafts import Capacity, Signatory
from edocx.fonts import Face
from edocx.letter import LetterContent, draw_seal, draw_signature, typeset
from edocx.signing.keys import Signer, open_signer
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.filling import values_for
from edocx.signing.pdf.fitting import fit_layout
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.marks import CopyForm, attachment_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_text import render_page
from edocx.signing.pdf.page_view import page_view
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.preview import preview_page
from edocx.signing.pdf.sign import sign
from edocx.testing import Pki

OUT = Path(__file__).parents[1] / "docs" / "images"
AT = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
AGENCY = "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"
NUMBER = DocumentNumber(number="15", notation="UBND-VP")
RESOLUTION, COLOURS = 60, 64
PORTRAIT, LANDSCAPE = (496, 702), (702, 496)


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
    _draw_joint(work, (person, agency), (signature, seal))
    _draw_turned(work, (person, agency), (signature, seal))
    _draw_scan(work, agency)
    for name, lines in _FOREIGN.items():
        _draw_foreign(work, name, lines, (person, agency), (signature, seal))


def _draw_joint(work: Path, keys: tuple[Signer, Signer], looks: tuple[Appearance, Appearance]) -> None:
    """Two initials, two signatories, two agencies: every field made before the first signature."""
    source = _typed(work / "joint.pdf", "THÔNG TƯ LIÊN TỊCH", names=("TRẦN THỊ B", "NGUYỄN VĂN A"))
    layout = layout_for(source, people=2, initials=2)
    held = make_form(source, work / "joint-form.pdf", layout)
    fill = number_and_date(
        layout, number=DocumentNumber(number="03", notation="TTLT"), place="Mỹ Tho", issued_on=date(2023, 6, 15)
    )
    for turn in range(6):
        out = work / f"joint-{turn}.pdf"
        sealing = turn >= 4
        options: dict[str, Any] = {"fill": fill} if turn == 5 else {"initials": turn < 2}
        sign_as(
            held,
            out,
            keys[sealing],
            "organisation" if sealing else "person",
            at=AT,
            appearance=looks[sealing],
            **options,
        )
        held = out
    _page(held, "sign-joint.png")


def _draw_turned(work: Path, keys: tuple[Signer, Signer], looks: tuple[Appearance, Appearance]) -> None:
    """A landscape page that its file holds turned by 90 degrees."""
    source = _typed(work / "upright.pdf", "BIỂU TỔNG HỢP", names=("NGUYỄN VĂN A",), landscape=True)
    turned = work / "turned.pdf"
    with source.open("rb") as stream, turned.open("wb") as target:
        writer = IncrementalPdfFileWriter(stream)
        page = writer.find_page_for_modification(0)[0].get_object()
        width, height = page_view(writer, 0).size
        page["/MediaBox"] = generic.ArrayObject(generic.FloatObject(edge) for edge in (0, 0, height, width))
        page["/Rotate"] = generic.NumberObject(90)
        writer.update_container(page)
        # What was upright is drawn turned back, so that the reader sees it upright.
        matrix = writer.add_object(generic.StreamObject(stream_data=b"q 0 1 -1 0 %g 0 cm" % height))
        end = writer.add_object(generic.StreamObject(stream_data=b"Q"))
        writer.add_stream_to_page(0, matrix, prepend=True)
        writer.add_stream_to_page(0, end)
        writer.write(target)
    sign_as(turned, work / "turned-1.pdf", keys[0], "person", at=AT, appearance=looks[0])
    sign_as(work / "turned-1.pdf", work / "turned-2.pdf", keys[1], "organisation", at=AT, appearance=looks[1])
    _keep(
        render_page(work / "turned-2.pdf", 0, work / "turned.png", resolution=RESOLUTION), "sign-turned.png", LANDSCAPE
    )


_FOREIGN = {
    "sign-own-lines": (118, ("Số: ………/UBND-VP", "Bình Đức, ngày …… tháng …… năm 20……"), 400),
    "sign-own-places": (176, ("Số:", "Bình Đức,"), 250),
}
"""Letters of other programs: the height of number and date, what they print there, and the signatory's column."""


def _draw_foreign(
    work: Path,
    name: str,
    lines: tuple[int, tuple[str, str], int],
    keys: tuple[Signer, Signer],
    looks: tuple[Appearance, Appearance],
) -> None:
    """Sign and seal a letter that another program typeset, on its own lines."""
    height, words, column = lines
    source = _foreign_letter(work / f"{name}.pdf", height, words, column)
    fitted = fit_layout(source)
    assert not fitted.messages, fitted.messages
    form = make_form(source, work / f"{name}-form.pdf", fitted.layout)
    one, two = work / f"{name}-1.pdf", work / f"{name}-2.pdf"
    sign_as(form, one, keys[0], "person", at=AT, appearance=looks[0])
    fill = values_for(one, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))
    sign_as(one, two, keys[1], "organisation", at=AT, appearance=looks[1], fill=fill)
    _page(two, f"{name}.png")


def _foreign_letter(out: Path, height: int, words: tuple[str, str], column: int) -> Path:
    """Write a letter with number, date, title and name where its own program would put them."""
    sheet = fpdf.FPDF(format="A4", unit="pt")
    sheet.set_creation_date(AT)
    sheet.add_page()
    for style, face in (("", Face.REGULAR), ("B", Face.BOLD), ("I", Face.ITALIC)):
        sheet.add_font("Serif", style=style, fname=str(face.path))
    sheet.set_font("Serif", "B", 12)
    sheet.text(85, 70, "UBND XÃ BÌNH ĐỨC")
    sheet.text(300, 70, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    sheet.set_font("Serif", size=13)
    sheet.text(85, height, words[0])
    sheet.set_font("Serif", "I", 13)
    sheet.text(310, height, words[1])
    sheet.set_font("Serif", size=13)
    sheet.set_y(height + 60)
    sheet.multi_cell(w=0, text="Nội dung của văn bản thử nghiệm, không có giá trị pháp lý. " * 5, align="J")
    sheet.set_font("Serif", "B", 13)
    for text, down in (("KT. CHỦ TỊCH", 400), ("PHÓ CHỦ TỊCH", 416), ("Nguyễn Văn A", 500)):
        sheet.text(column - sheet.get_string_width(text) / 2, down + height / 2, text)
    sheet.output(str(out))
    return out


def _draw_scan(work: Path, agency: Signer) -> None:
    """A paper document, scanned in colour at 200 dpi, and its electronic copy."""
    paper = render_page(work / "two.pdf", 0, work / "paper.png", resolution=200)
    document = fpdf.FPDF(format="A4")
    document.set_creation_date(AT)
    document.add_page()
    with Image.open(paper) as image:
        image.convert("RGB").save(work / "paper.jpg", quality=60)
    document.image(str(work / "paper.jpg"), 0, 0, 210, 297)
    document.pdf_version = "1.4"
    document.output(str(work / "scan.pdf"))
    make_copy(work / "scan.pdf", work / "scan-copy.pdf", agency, form=CopyForm.FROM_COPY, agency=AGENCY, at=AT)
    _page(work / "scan-copy.pdf", "sign-scan-copy.png")


def _typed(path: Path, title: str, *, names: tuple[str, ...], landscape: bool = False) -> Path:
    """Type a page with room for fields: the signatories' names under their places, from the right."""
    document = fpdf.FPDF(format="A4", orientation="landscape" if landscape else "portrait", unit="pt")
    document.set_creation_date(AT)
    document.add_page()
    document.add_font("Serif", fname=str(Face.REGULAR.path))
    document.add_font("Serif", style="B", fname=str(Face.BOLD.path))
    document.set_font("Serif", "B", 13)
    document.set_y(180)
    document.cell(w=0, text=title, align="C", new_x="LMARGIN", new_y="NEXT")
    document.set_font("Serif", size=13)
    document.set_y(210)
    document.multi_cell(w=0, text="Nội dung của văn bản thử nghiệm, không có giá trị pháp lý. " * 5, align="J")
    document.set_font("Serif", "B", 13)
    for place, name in enumerate(reversed(names)):
        middle = document.w - 160 - place * 220
        document.text(middle - document.get_string_width(name) / 2, document.h - 128, name)
    document.output(str(path))
    return path


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


def _keep(drawn: Path, name: str, size: tuple[int, int] = PORTRAIT) -> None:
    with Image.open(drawn) as image:
        small = image.convert("RGB").resize(size).quantize(COLOURS)
        small.save(OUT / name, optimize=True)


if __name__ == "__main__":
    main()
