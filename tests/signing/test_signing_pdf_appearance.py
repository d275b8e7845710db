"""What stands on the page: places, marks of attachments and copies, and the pixels that poppler draws of them."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import date

import fpdf
import pytest
import signing_samples as samples
from PIL import Image, ImageDraw
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_samples import SIGNED_AT

from edocx.documents import DocumentNumber, PageLayout
from edocx.errors import InputError, SigningRefused, UsageError
from edocx.fonts import Face
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.copies import make_copy, require_scan
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.marks import CopyForm, attachment_mark, copy_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_text import box_above, render_page
from edocx.signing.pdf.sign import sign

NUMBER = DocumentNumber(number="15", notation="QĐ-UBND")
AGENCY = "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"


@pytest.fixture
def letter(tmp_path):
    document = fpdf.FPDF(format="A4")
    document.add_page()
    document.add_font("Serif", fname=str(Face.REGULAR.path))
    document.set_font("Serif", size=13)
    document.text(30, 40, "Nội dung văn bản do Nguyễn Văn A ký.")
    document.text(130, 230, "Nguyễn Văn A")
    document.output(str(tmp_path / "letter.pdf"))
    return tmp_path / "letter.pdf"


@pytest.fixture
def ink(tmp_path):
    """A blue stroke and a red ring on nothing."""
    signature = Image.new("RGBA", (260, 120), (0, 0, 0, 0))
    ImageDraw.Draw(signature).line([(10, 90), (120, 20), (250, 80)], fill=(0, 0, 200, 255), width=8)
    signature.save(tmp_path / "signature.png")
    seal = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(seal).ellipse([10, 10, 290, 290], outline=(220, 0, 0, 255), width=12)
    seal.save(tmp_path / "seal.png")
    return tmp_path / "signature.png", tmp_path / "seal.png"


def extent(path, page, tmp_path, matches):
    """Return the box, in points from the bottom left, of the pixels that match."""
    drawn = render_page(path, page, tmp_path / "drawn.png", resolution=72)
    with Image.open(drawn) as image:
        pixels = image.convert("RGB")
        found = [(x, y) for x in range(pixels.width) for y in range(pixels.height) if matches(*pixels.getpixel((x, y)))]
        height = pixels.height
    assert found, "nothing of that colour is on the page"
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return min(xs), height - max(ys), max(xs), height - min(ys)


def blue(r, g, b):
    return b > 120 and r < 100 and g < 100


def red(r, g, b):
    return r > 150 and g < 100 and b < 100


def dark(r, g, b):
    return max(r, g, b) < 110


def test_signature_is_centred_above_the_name_and_the_seal_covers_its_left_third(  # noqa: PLR0917 - fixtures
    signing, letter, ink, tmp_path, tool, accepted_by_all
):
    tool("pdftoppm"), tool("pdftotext")
    above = box_above(letter, "nguyễn  văn a")
    seal = above.model_copy(
        update={
            "x1": above.x1 + (above.x2 - above.x1) / 3 - 102,
            "x2": above.x1 + (above.x2 - above.x1) / 3,
            "y1": above.y1 - 20,
            "y2": above.y1 + 82,
        }
    )
    layout = PageLayout.standard().model_copy(update={"signatures": (above,), "seal": seal})
    form = make_form(letter, tmp_path / "form.pdf", layout)
    one = sign(
        form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True,
        appearance=Appearance(image=ink[0]),
    )  # fmt: skip
    values = number_and_date(layout, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))
    two = sign(
        one, tmp_path / "two.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=values,
        appearance=Appearance(image=ink[1]),
    )  # fmt: skip
    accepted_by_all(two, 2)
    left, bottom, right, top = extent(two, 0, tmp_path, blue)
    middle = (above.x1 + above.x2) / 2
    assert abs((left + right) / 2 - middle) < 8
    assert above.y1 - 2 <= bottom < top <= above.y2 + 2
    ring = extent(two, 0, tmp_path, red)
    assert left < ring[2] < left + (right - left) / 2, "a third of the signature, from the left"
    assert abs((ring[2] - ring[0]) - (ring[3] - ring[1])) < 6, "the ring stays round"
    assert ring[2] - ring[0] > 85, "true size: 36 mm"


def test_the_last_line_with_the_name_is_meant_and_a_missing_one_is_named(letter, tool):
    tool("pdftotext")
    box = box_above(letter, "Nguyễn Văn A")
    assert box.y1 < 300, "not the name in the text above"
    for absent in ("Trần Thị B", ""):
        with pytest.raises(SigningRefused) as refusal:
            box_above(letter, absent)
        assert refusal.value.code == "EDX-TEXT-NOT-FOUND"


def test_without_poppler_the_tool_is_named(letter, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError) as refusal:
        render_page(letter, 0, tmp_path / "o.png")
    assert refusal.value.code == "EDX-TOOL-POPPLER"
    with pytest.raises(UsageError):
        box_above(letter, "A")


def test_a_file_that_is_gone_is_an_input_error(tmp_path, tool):
    tool("pdftotext")
    with pytest.raises(InputError):
        box_above(tmp_path / "missing.pdf", "A")


def words_of(path, tool):
    return subprocess.run(
        [tool("pdftotext"), "-layout", str(path), "-"], capture_output=True, text=True, check=True
    ).stdout


def test_a_separate_attachment_is_sealed_at_the_top_right_with_number_and_time(
    signing, letter, tmp_path, tool, accepted_by_all
):
    mark = attachment_mark(NUMBER, SIGNED_AT)
    assert mark.lines == ("15/QĐ-UBND", "2023-06-15 08:00:00+07:00")
    out = tmp_path / "out.pdf"
    sign_as(
        letter, out, signing.organisation, "organisation", at=SIGNED_AT, appearance=mark, box=mark_box(letter, mark),
        exempt=True,
    )  # fmt: skip
    accepted_by_all(out, 1)
    _, _, right, top = extent(out, 0, tmp_path, dark)
    assert right > 595 - 55
    assert top > 842 - 45


def test_a_seal_alone_on_what_is_no_copy_is_refused(signing, letter, tmp_path):
    with pytest.raises(SigningRefused) as refusal:
        sign_as(letter, tmp_path / "o.pdf", signing.organisation, "organisation", at=SIGNED_AT)
    assert refusal.value.code == "EDX-SEAL-NO-PERSON"


@pytest.fixture
def original(signing, letter, ink, tmp_path):
    layout = PageLayout.standard()
    form = make_form(letter, tmp_path / "form.pdf", layout)
    one = sign(
        form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True,
        appearance=Appearance(image=ink[0]),
    )  # fmt: skip
    values = number_and_date(layout, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))
    return sign(
        one, tmp_path / "original.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=values,
        appearance=Appearance(image=ink[1]),
    )  # fmt: skip


def attached(path):
    with path.open("rb") as stream:
        names = list(PdfFileReader(stream).root["/Names"]["/EmbeddedFiles"]["/Names"])
        pairs = zip(names[::2], names[1::2], strict=True)
        return {str(name): spec.get_object()["/EF"]["/F"].data for name, spec in pairs}


def test_a_whole_copy_shows_what_the_original_showed_and_carries_it(signing, original, tmp_path, tool, accepted_by_all):
    out = tmp_path / "copy.pdf"
    make_copy(original, out, signing.organisation, form=CopyForm.WHOLE, agency=AGENCY, at=SIGNED_AT)
    accepted_by_all(out, 1)
    inside = attached(out)
    assert inside["original.pdf"] == original.read_bytes()
    verdict = json.loads(inside["source-verdict.json"])
    assert verdict["integrity"] == "valid"
    assert len(verdict["signatures"]) == 2
    extent(out, 0, tmp_path, blue), extent(out, 0, tmp_path, red)
    shown = words_of(out, tool)
    for words in ("SAO Y", AGENCY, "2023-06-15 08:00:00+07:00", "Số: 15/QĐ-UBND", "ngày 15 tháng 6 năm 2023"):
        assert words in shown


def test_an_extract_has_its_pages_and_not_the_original(signing, tmp_path, accepted_by_all):
    source = sign(
        samples.plain(tmp_path / "d.pdf", pages=3), tmp_path / "three.pdf", signing.person, at=SIGNED_AT, field="S"
    )
    out = tmp_path / "extract.pdf"
    make_copy(source, out, signing.organisation, form=CopyForm.EXTRACT, agency=AGENCY, at=SIGNED_AT, pages=[1])
    accepted_by_all(out, 1)
    assert list(attached(out)) == ["source-verdict.json"]
    with out.open("rb") as stream:
        assert PdfFileReader(stream).root["/Pages"]["/Count"] == 1
    for form, pages in ((CopyForm.EXTRACT, None), (CopyForm.WHOLE, [0]), (CopyForm.EXTRACT, [3])):
        with pytest.raises(UsageError):
            make_copy(
                source, tmp_path / "o.pdf", signing.organisation, form=form, agency=AGENCY, at=SIGNED_AT, pages=pages
            )


def test_a_broken_original_is_not_copied(signing, original, tmp_path):
    data = bytearray(original.read_bytes())
    data[data.index(b"/Contents") + 60] ^= 1
    place = data.index(b"stream\n") + 20
    data[place] ^= 0xFF
    original.write_bytes(data)
    with pytest.raises(SigningRefused) as refusal:
        make_copy(original, tmp_path / "o.pdf", signing.organisation, form=CopyForm.WHOLE, agency=AGENCY, at=SIGNED_AT)
    assert refusal.value.code == "EDX-COPY-BROKEN"
    assert not (tmp_path / "o.pdf").exists()


def scan(path, mode="RGB", dpi=200):
    size = (round(8.27 * dpi), round(11.69 * dpi))
    image = Image.new(mode, size, 200)
    image.save(path.with_suffix(".png"))
    document = fpdf.FPDF(format="A4")
    document.add_page()
    document.image(str(path.with_suffix(".png")), 0, 0, 210, 297)
    document.pdf_version = "1.4"
    document.output(str(path))
    return path


@pytest.mark.parametrize("mode, dpi, good", [("RGB", 200, True), ("RGB", 150, False), ("L", 200, False)])
def test_a_scan_must_be_in_colour_and_sharp(tmp_path, mode, dpi, good):
    path = scan(tmp_path / "scan.pdf", mode, dpi)
    if good:
        require_scan(path)
    else:
        with pytest.raises(SigningRefused) as refusal:
            require_scan(path)
        assert refusal.value.code == "EDX-COPY-SCAN"


def test_what_is_neither_signed_nor_a_scan_is_not_copied(signing, tmp_path):
    source = samples.plain(tmp_path / "typed.pdf")
    with pytest.raises(SigningRefused) as refusal:
        make_copy(source, tmp_path / "o.pdf", signing.organisation, form=CopyForm.WHOLE, agency=AGENCY, at=SIGNED_AT)
    assert refusal.value.code == "EDX-COPY-SCAN"
    assert not (tmp_path / "o.pdf").exists()


def test_a_scan_in_an_old_version_of_pdf_is_not_copied(tmp_path):
    path = scan(tmp_path / "scan.pdf")
    path.write_bytes(path.read_bytes().replace(b"%PDF-1.4", b"%PDF-1.3", 1))
    with pytest.raises(SigningRefused) as refusal:
        require_scan(path)
    assert "1.4" in refusal.value.text.vi


def test_a_good_scan_is_copied_and_sealed(signing, tmp_path, accepted_by_all):
    out = tmp_path / "copy.pdf"
    make_copy(
        scan(tmp_path / "scan.pdf"), out, signing.organisation, form=CopyForm.FROM_COPY, agency=AGENCY, at=SIGNED_AT
    )
    accepted_by_all(out, 1)
    assert copy_mark(CopyForm.FROM_COPY, AGENCY, SIGNED_AT).lines[0] == "SAO LỤC"


def test_the_embedded_subset_is_cut_once_for_the_same_letters_and_holds_every_letter_used():
    from fontTools.ttLib import TTFont
    from pyhanko.pdf_utils.writer import PdfFileWriter

    from edocx.signing.pdf.font import FaceFactory

    def embedded(text):
        writer = PdfFileWriter()
        engine = FaceFactory(Face.ITALIC).create_font_engine(writer)
        engine.shape(text)
        engine.prepare_write()
        writer.root["/X"] = engine.as_resource()
        writer.update_root()
        made = io.BytesIO()
        writer.write(made)
        font = PdfFileReader(made).root["/X"]
        inner = font["/DescendantFonts"][0]
        return inner["/FontDescriptor"]["/FontFile2"].data, font["/ToUnicode"].data

    whole = TTFont(Face.ITALIC.path)
    first, _ = embedded("Bình Đức, ngày 05 tháng 9 năm 2023")
    again, _ = embedded("Bình Đức, ngày 17 tháng 8 năm 2024")
    assert first == again, "only digits differ"
    other, unicode_map = embedded("ký số")
    assert other != first
    cut = TTFont(io.BytesIO(other))
    for letter in "kýsố0123456789":
        place = whole.getGlyphID(whole.getBestCmap()[ord(letter)])
        shown, meant = cut["glyf"][cut.getGlyphName(place)], whole["glyf"][whole.getGlyphName(place)]
        assert shown.getCoordinates(cut["glyf"])[0] == meant.getCoordinates(whole["glyf"])[0], letter
        assert cut["hmtx"][cut.getGlyphName(place)] == whole["hmtx"][whole.getGlyphName(place)]
    assert b"<0" in unicode_map
    assert not cut["glyf"][cut.getGlyphName(whole.getGlyphID(whole.getBestCmap()[ord("Z")]))].numberOfContours
