"""Where the seal stands: over a third of the signature that is seen, in a place that breaks no signature."""

from __future__ import annotations

import fpdf
import pytest
import signing_samples as samples
from PIL import Image, ImageDraw
from signing_samples import SIGNED_AT

from edocx.documents import Box, DocumentNumber
from edocx.errors import SigningRefused, UsageError
from edocx.fonts import Face
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.document import open_pdf
from edocx.signing.pdf.drawn import drawn_signatures
from edocx.signing.pdf.form import SEAL_FIELD, make_form
from edocx.signing.pdf.marks import CopyForm, attachment_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_text import render_page
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.preview import preview_page
from edocx.signing.pdf.sign import sign
from edocx.signing.pdf.slot import place_near
from edocx.verification import verify

SHAPES = {"4:1": (400, 100), "2:1": (300, 150), "1:1": (200, 200), "1:2": (100, 200)}
NAME = "Nguyễn Văn A"
TRUE_SIZE = 36 * 72 / 25.4


@pytest.fixture
def letter(tmp_path):
    document = fpdf.FPDF(format="A4")
    document.add_page()
    document.add_font("Serif", fname=str(Face.REGULAR.path))
    document.set_font("Serif", size=13)
    document.text(130, 130, NAME)
    document.output(str(tmp_path / "letter.pdf"))
    return tmp_path / "letter.pdf"


@pytest.fixture
def seal(tmp_path):
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse([0, 0, 299, 299], outline=(220, 0, 0, 255), width=12)
    image.save(tmp_path / "seal.png")
    return Appearance(image=tmp_path / "seal.png")


@pytest.fixture(params=SHAPES)
def signature(request, tmp_path):
    Image.new("RGBA", SHAPES[request.param], (0, 0, 200, 255)).save(tmp_path / "signature.png")
    return Appearance(image=tmp_path / "signature.png")


def inked(path, tmp_path, colour):
    """Return left, top, right, bottom of what poppler draws in a colour, in points from the page's top left."""
    with Image.open(render_page(path, 0, tmp_path / "drawn.png", resolution=144)) as drawn:
        r, g, b = drawn.convert("RGB").split()
    strong, weak = (b, r) if colour == "blue" else (r, b)
    strong, weak, green = (band.point(lambda value: 255 * (value > 150)) for band in (strong, weak, g))
    found = Image.composite(Image.new("L", strong.size), strong, Image.eval(weak, lambda v: v))
    found = Image.composite(Image.new("L", strong.size), found, green).getbbox()
    assert found, f"nothing is {colour}"
    return tuple(edge / 2 for edge in found)


@pytest.mark.parametrize("way", ["form", "bare", "near", "fast", "office"])
def test_the_seal_covers_a_third_of_the_signature_whatever_its_shape_and_breaks_nothing(  # noqa: PLR0917 - fixtures
    signing, letter, signature, seal, tmp_path, tool, accepted_by_all, way
):
    tool("pdftoppm"), tool("pdftotext")
    source, place = letter, place_near(letter, NAME, "person") if way == "near" else None
    if way == "office":  # name and time stand beneath the image there
        signature = signature.model_copy(update={"lines": (f"Ký bởi: {NAME}", "2023-06-15 08:00:00+07:00")})
    if way in {"form", "fast", "office"}:
        source = make_form(letter, tmp_path / "form.pdf", layout_for(letter))
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    sign_as(source, one, signing.person, "person", at=SIGNED_AT, appearance=signature, box=place, fast=way == "fast")
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, appearance=seal, fast=way == "fast")
    verdicts = accepted_by_all(two, 2)
    assert SEAL_FIELD in verdicts
    assert str(verify(two, trust=signing.trust).indication) == "TOTAL-PASSED"
    left, top, right, bottom = inked(one, tmp_path, "blue")
    ring = inked(two, tmp_path, "red")
    assert (ring[2] - left) / (right - left) == pytest.approx(1 / 3, abs=0.04)
    assert ring[2] - ring[0] == pytest.approx(TRUE_SIZE, abs=1.5)
    assert (ring[1] + ring[3]) / 2 == pytest.approx((top + bottom) / 2, abs=9 if way == "office" else 1.5)
    with open_pdf(one) as reader:
        ((_, drawn),) = drawn_signatures(reader)
    assert (drawn.x1, drawn.x2) == (pytest.approx(left, abs=1), pytest.approx(right, abs=1))


def test_a_visible_signature_stays_near_the_middle_between_title_and_name(signing, letter, signature, tmp_path, tool):
    tool("pdftoppm"), tool("pdftotext")
    place = place_near(letter, NAME, "person")
    sign_as(letter, tmp_path / "o.pdf", signing.person, "person", at=SIGNED_AT, appearance=signature, box=place)
    left, _, right, _ = inked(tmp_path / "o.pdf", tmp_path, "blue")
    assert abs((left + right) / 2 - (place.x1 + place.x2) / 2) <= (150 - 30) / 6, "a sixth of what is free beside it"


def test_without_fields_the_seal_follows_another_programs_signature(signing, letter, signature, seal, tmp_path, tool):  # noqa: PLR0917
    tool("pdftoppm")
    box = Box(page=0, x1=60, y1=500, x2=260, y2=560)
    one = sign(
        letter, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field="Theirs", box=box, appearance=signature
    )
    two = tmp_path / "two.pdf"
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, appearance=seal)
    left, _, right, _ = inked(one, tmp_path, "blue")
    assert (inked(two, tmp_path, "red")[2] - left) / (right - left) == pytest.approx(1 / 3, abs=0.04)
    assert all(verdict.bottom_line for verdict in signing.judge(two).values())


def test_a_seal_near_a_name_stands_over_the_signature_there_in_true_size(letter, tool):
    tool("pdftotext")
    above, place = place_near(letter, NAME, "person"), place_near(letter, NAME, "organisation")
    assert place.x2 == pytest.approx(above.x1 + (above.x2 - above.x1) / 3)
    assert place.x2 - place.x1 == pytest.approx(TRUE_SIZE)


@pytest.mark.parametrize("width, left", [(300, 5 + 100 - TRUE_SIZE), (240, 0), (60, 5 + 40)])
def test_a_seal_that_would_pass_the_edge_stays_on_the_page_and_hides_no_signature(  # noqa: PLR0917 - fixtures
    signing, letter, seal, tmp_path, width, left
):
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    box = Box(page=0, x1=5, y1=5, x2=5 + width, y2=65)
    sign_as(letter, one, signing.person, "person", at=SIGNED_AT, appearance=seal, box=box)
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, appearance=seal)
    with open_pdf(two) as reader:
        fields = [reference.get_object() for reference in reader.root["/AcroForm"]["/Fields"]]
    rectangle = [float(edge) for edge in next(field["/Rect"] for field in fields if field["/T"] == SEAL_FIELD)]
    assert rectangle == pytest.approx([max(left, 0), 0, max(left, 0) + TRUE_SIZE, TRUE_SIZE], abs=0.1)
    report = verify(two, trust=signing.trust)
    assert str(report.indication) == "TOTAL-PASSED", report.model_dump_json(indent=1)


@pytest.mark.parametrize("role", ["person", "organisation"])
def test_a_place_beside_a_prepared_field_is_refused_with_the_reason(signing, letter, seal, tmp_path, role):
    form = make_form(letter, tmp_path / "form.pdf", layout_for(letter))
    if role == "organisation":
        form = sign(form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field="EdocxPerson1", certify=True)
    box = Box(page=0, x1=100, y1=100, x2=200, y2=200)
    out, signer = tmp_path / "out.pdf", getattr(signing, role)
    with pytest.raises(UsageError) as refusal:
        sign_as(form, out, signer, role, at=SIGNED_AT, appearance=seal, box=box)
    assert refusal.value.code == "EDX-SIGN-PLACED"
    assert "--near" in refusal.value.hint.vi
    with pytest.raises(UsageError):
        preview_page(form, tmp_path / "page.png", role=role, appearance=seal, box=box)
    assert not out.exists()


def test_a_seal_that_would_break_the_signature_before_it_is_refused(signing, letter, seal, tmp_path):
    """A visible field that is new after a certifying signature makes validators call that one broken."""
    sign_as(letter, tmp_path / "one.pdf", signing.person, "person", at=SIGNED_AT)
    with pytest.raises(SigningRefused) as refusal:
        sign_as(
            tmp_path / "one.pdf",
            tmp_path / "o.pdf",
            signing.organisation,
            "organisation",
            at=SIGNED_AT,
            appearance=seal,
        )
    assert refusal.value.code == "EDX-SIGN-CERTIFIED"
    box = Box(page=0, x1=100, y1=100, x2=200, y2=200)
    for fast in (False, True):
        with pytest.raises(SigningRefused) as refusal:
            sign(
                tmp_path / "one.pdf", tmp_path / "o.pdf", signing.organisation, at=SIGNED_AT, field="New", box=box,
                appearance=seal, fast=fast,
            )  # fmt: skip
        assert refusal.value.code == "EDX-SIGN-CERTIFIED"
    assert not (tmp_path / "o.pdf").exists()


@pytest.mark.parametrize("fast", [False, True])
def test_a_seal_without_prepared_fields_locks_the_document(signing, letter, tmp_path, accepted_by_all, fast):
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    sign_as(letter, one, signing.person, "person", at=SIGNED_AT)
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, fast=fast)
    accepted_by_all(two, 2)
    require_locked(signing, two, tmp_path)


def test_marks_of_copies_and_attachments_lock_too(signing, letter, tmp_path, accepted_by_all):
    attachment, copy = tmp_path / "attachment.pdf", tmp_path / "copy.pdf"
    mark = attachment_mark(DocumentNumber(number="15", notation="QĐ-UBND"), SIGNED_AT)
    sign_as(
        letter, attachment, signing.organisation, "organisation", at=SIGNED_AT, appearance=mark,
        box=mark_box(letter, mark), exempt=True,
    )  # fmt: skip
    signed = sign(letter, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field="S")
    make_copy(signed, copy, signing.organisation, form=CopyForm.WHOLE, agency="X", at=SIGNED_AT)
    for made in (attachment, copy):
        accepted_by_all(made, 1)
        require_locked(signing, made, tmp_path)


def require_locked(signing, path, tmp_path):
    with open_pdf(path) as reader:
        lock = reader.embedded_regular_signatures[-1].sig_field["/Lock"]
        assert (lock["/Action"], lock["/P"]) == ("/All", 1)
    with pytest.raises(SigningRefused) as refusal:
        sign_as(path, tmp_path / "more.pdf", signing.person, "person", at=SIGNED_AT)
    assert refusal.value.code == "EDX-PDF-LOCKED"
    look = Appearance(lines=("A",))
    with pytest.raises(SigningRefused) as refusal:
        sign_as(
            path,
            tmp_path / "more.pdf",
            signing.organisation,
            "organisation",
            at=SIGNED_AT,
            appearance=look,
            exempt=True,
        )
    assert refusal.value.code == "EDX-PDF-LOCKED", "the graver reason first"


def test_a_page_too_small_for_a_seal_is_signed_without_a_place_for_one(signing, signature, tmp_path, accepted_by_all):
    document = fpdf.FPDF(unit="pt", format=(90, 90))
    document.add_page()
    document.output(str(tmp_path / "small.pdf"))
    box = Box(page=0, x1=10, y1=10, x2=80, y2=50)
    sign_as(
        tmp_path / "small.pdf",
        tmp_path / "o.pdf",
        signing.person,
        "person",
        at=SIGNED_AT,
        appearance=signature,
        box=box,
    )
    accepted_by_all(tmp_path / "o.pdf", 1)
    with open_pdf(tmp_path / "o.pdf") as reader:
        assert len(reader.root["/AcroForm"]["/Fields"]) == 1


def test_a_look_that_shows_itself_without_end_is_taken_as_a_whole(signing, signature, tmp_path):
    """A form that shows forms that show forms: the walk is bounded (threat: a page that hangs the signer)."""
    box = Box(page=0, x1=100, y1=100, x2=200, y2=200)
    path = sign(
        samples.plain(tmp_path / "d.pdf"),
        tmp_path / "o.pdf",
        signing.person,
        at=SIGNED_AT,
        field="S",
        box=box,
        appearance=signature,
    )
    with open_pdf(path) as reader:
        look = reader.embedded_regular_signatures[0].sig_field["/AP"]["/N"]
        look._data = b"/Self Do " * 3000
        look["/Resources"]["/XObject"]["/Self"] = look
        ((_, found),) = drawn_signatures(reader)
    assert found.corners == box.corners
