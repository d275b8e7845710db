"""Pages that are turned, cropped, scaled, tiny and huge: what is signed stands where the reader looks for it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter, ImageStat
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_pages import SHAPES, blank_on, letter_on
from signing_samples import SIGNED_AT

from edocx.documents import Box, DocumentNumber
from edocx.errors import SigningRefused, UsageError
from edocx.letter import draw_seal, draw_signature
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.marks import CopyForm, copy_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_text import box_above, render_page
from edocx.signing.pdf.page_view import PageView, page_view
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.preview import preview_page
from edocx.signing.pdf.sign import sign

NUMBER = DocumentNumber(number="15", notation="UBND-VP")
A0, A5, CARD = (2384, 3370), (420, 595), (113, 85)
OTHERS = [name for name in SHAPES if name != "plain"]


@pytest.fixture(scope="module")
def ink(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ink")
    (folder / "signature.png").write_bytes(draw_signature())
    (folder / "seal.png").write_bytes(draw_seal("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC", "MẪU THỬ"))
    return Appearance(image=folder / "signature.png", lines=("Ký bởi: Nguyễn Văn A",)), Appearance(
        image=folder / "seal.png"
    )


def issued(signing, ink, source, folder):
    """Sign, number, date and seal through fields at the decree's places."""
    layout = layout_for(source)
    form = make_form(source, folder / "form.pdf", layout)
    one = sign(
        form, folder / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True, appearance=ink[0]
    )
    values = number_and_date(layout, number=NUMBER, place="Bình Đức", issued_on=date(2023, 6, 15))
    return sign(
        one, folder / "two.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=values, appearance=ink[1]
    )


def placed(signing, ink, source, folder):
    """Sign and seal with new fields, where `sign_as` puts them."""
    one, two = folder / "one.pdf", folder / "two.pdf"
    sign_as(source, one, signing.person, "person", at=SIGNED_AT, appearance=ink[0])
    sign_as(one, two, signing.organisation, "organisation", at=SIGNED_AT, appearance=ink[1])
    return two


def copied(signing, _ink, source, folder):
    """Sign invisibly, then copy: the mark at the top right, the page as it shows."""
    one, two = folder / "one.pdf", folder / "two.pdf"
    sign_as(source, one, signing.person, "person", at=SIGNED_AT)
    make_copy(one, two, signing.organisation, form=CopyForm.WHOLE, agency="UBND XÃ BÌNH ĐỨC", at=SIGNED_AT)
    return two


def shown(path, unit):
    drawn = path.with_suffix(".png")
    # This poppler counts in the file's units; the page is drawn at the same size all the same.
    render_page(path, 0, drawn, resolution=round(50 * unit))
    with Image.open(drawn) as image:
        return image.convert("RGB")


def differ(one, other, stamped=None):
    """Return by how much two pictures differ where there are stamps, in grey levels of 255; else edges left out."""
    inner = stamped or (2, 2, one.width - 2, one.height - 2)
    # Blurred, so that half a pixel does not count and two millimetres do.
    soft = (picture.crop(inner).filter(ImageFilter.GaussianBlur(2)) for picture in (one, other))
    return max(ImageStat.Stat(ImageChops.difference(*soft)).mean)


@pytest.fixture(scope="module")
def as_it_should_look(signing, ink, tmp_path_factory, tool):
    tool("pdftoppm")
    seen = {}
    for act in (issued, placed, copied):
        folder = tmp_path_factory.mktemp("plain")
        letter = letter_on(folder / "letter.pdf")
        unsigned, signed = shown(letter, 1), shown(act(signing, ink, letter, folder), 1)
        difference = ImageChops.difference(unsigned, signed).convert("L").point(lambda level: 255 * (level > 60))
        # Signature and seal stand in the lower half, marks, number and date in the upper.
        upper, lower = (0, 0, signed.width, signed.height // 2), (0, signed.height // 2, signed.width, signed.height)
        stamped = []
        for half in (upper, lower):
            box = difference.crop(half).getbbox()
            if box:
                stamped.append((box[0], box[1] + half[1], box[2], box[3] + half[1]))
        assert stamped
        assert all(differ(unsigned, signed, area) > 10 for area in stamped)
        seen[act] = signed, stamped
    return seen


@pytest.mark.parametrize("shape", OTHERS)
@pytest.mark.parametrize("act", [issued, placed, copied])
def test_a_page_looks_the_same_however_it_is_described(signing, ink, tmp_path, as_it_should_look, act, shape):  # noqa: PLR0917
    source = letter_on(tmp_path / "letter.pdf", **SHAPES[shape])
    drawn = shown(act(signing, ink, source, tmp_path), SHAPES[shape].get("unit", 1))
    wanted, stamped = as_it_should_look[act]
    assert abs(drawn.width - wanted.width) <= 1
    for area in stamped:
        assert differ(wanted, drawn.resize(wanted.size), area) < 4, area  # 5 pixels aside give 8 and more


def test_others_accept_what_is_signed_on_a_turned_and_scaled_page(signing, ink, tmp_path, accepted_by_all):
    source = letter_on(tmp_path / "letter.pdf", **SHAPES["scaled, cropped, turned"])
    verdicts = accepted_by_all(issued(signing, ink, source, tmp_path), 2)
    assert [one.modification_level.name for one in verdicts.values()] == ["FORM_FILLING", "NONE"]


@pytest.mark.parametrize("shape", OTHERS)
def test_the_name_is_found_where_it_is_seen(tmp_path, tool, shape):
    tool("pdftotext")
    wanted = box_above(letter_on(tmp_path / "plain.pdf"), "Nguyễn Văn A").corners
    found = box_above(letter_on(tmp_path / "other.pdf", **SHAPES[shape]), "Nguyễn Văn A").corners
    assert found == pytest.approx(wanted, abs=1.5)


def test_a_preview_of_a_turned_page_shows_what_signing_will(signing, ink, tmp_path, tool):
    tool("pdftoppm")
    source = letter_on(tmp_path / "letter.pdf", **SHAPES["cropped and turned"])
    drawn = preview_page(source, tmp_path / "preview.png", role="person", appearance=ink[0])
    sign_as(source, tmp_path / "signed.pdf", signing.person, "person", at=SIGNED_AT, appearance=ink[0])
    signed = render_page(tmp_path / "signed.pdf", 0, tmp_path / "signed.png")
    with Image.open(drawn) as one, Image.open(signed) as other:
        assert differ(one.convert("RGB"), other.convert("RGB")) < 0.2


@pytest.mark.parametrize("size", [A0, A5, (595, 420)], ids=["A0", "A5", "A5 landscape"])
def test_number_and_date_keep_their_distance_from_the_top_on_every_size(signing, ink, tmp_path, accepted_by_all, size):
    source = blank_on(tmp_path / "page.pdf", size)
    layout = layout_for(source)
    assert layout.number.y1 == pytest.approx(size[1] - 136)
    assert layout.number.x2 < layout.date.x1
    accepted_by_all(issued(signing, ink, source, tmp_path), 2)


def test_a_page_too_small_is_refused_before_anything_is_signed(signing, ink, tmp_path):
    source = blank_on(tmp_path / "card.pdf", CARD)

    def key(*_):
        pytest.fail("the key was asked")

    signer = type("Untouched", (), {"sign_digest": key, "certificate": signing.person.certificate, "chain": ()})()
    for act in (
        lambda: layout_for(source),
        lambda: sign_as(source, tmp_path / "out.pdf", signer, "person", at=SIGNED_AT, appearance=ink[0]),
        lambda: preview_page(source, tmp_path / "out.png", role="person", appearance=ink[0]),
        lambda: mark_box(source, copy_mark(CopyForm.WHOLE, "UBND", SIGNED_AT)),
    ):
        with pytest.raises(SigningRefused) as caught:
            act()
        assert caught.value.code == "EDX-PAGE-SMALL"
        assert "40 × 30 mm" in caught.value.text.vi
        assert "--place" in caught.value.hint.vi
    assert [path.name for path in tmp_path.iterdir()] == ["card.pdf"]


def test_a_small_page_may_be_signed_at_a_place_of_ones_own_or_invisibly(signing, ink, tmp_path, accepted_by_all):
    source = blank_on(tmp_path / "card.pdf", CARD)
    box = Box(x1=10, y1=10, x2=100, y2=60)
    sign_as(source, tmp_path / "seen.pdf", signing.person, "person", at=SIGNED_AT, appearance=ink[0], box=box)
    accepted_by_all(tmp_path / "seen.pdf", 1)
    sign_as(source, tmp_path / "unseen.pdf", signing.person, "person", at=SIGNED_AT)
    accepted_by_all(tmp_path / "unseen.pdf", 1)


@pytest.mark.parametrize(
    "corners", [(500, 10, 700, 60), (-50, 10, 100, 60), (10, 800, 100, 900), (60, 10, 10, 60)],
    ids=["right", "left", "top", "inside out"],
)  # fmt: skip
@pytest.mark.parametrize("shape", ["plain", "cropped"])
@pytest.mark.parametrize("fast", [False, True])
def test_a_place_outside_the_page_as_seen_is_refused(signing, ink, tmp_path, corners, shape, fast):  # noqa: PLR0917
    source = letter_on(tmp_path / "letter.pdf", **SHAPES[shape])
    box = Box(x1=corners[0], y1=corners[1], x2=corners[2], y2=corners[3])
    with pytest.raises(UsageError) as caught:
        sign_as(
            source, tmp_path / "out.pdf", signing.person, "person",
            at=SIGNED_AT, appearance=ink[0], box=box, fast=fast,
        )  # fmt: skip
    assert caught.value.code == "EDX-SIGN-PLACE"
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize("unit", [500, 1e-6, -3])
def test_a_page_in_absurd_units_is_no_damaged_pdf(signing, ink, tmp_path, unit):
    source = blank_on(tmp_path / "page.pdf", (595 / max(unit, 1), 842 / max(unit, 1)), unit=unit)
    box = Box(x1=100, y1=100, x2=200, y2=200)
    try:
        sign_as(source, tmp_path / "out.pdf", signing.person, "person", at=SIGNED_AT, appearance=ink[0], box=box)
    except UsageError as refusal:
        assert refusal.code in {"EDX-SIGN-BOX", "EDX-SIGN-PLACE"}  # noqa: PT017 - either way, never a damaged file
        assert not (tmp_path / "out.pdf").exists()
    else:
        assert unit < 0, "a unit that is none counts as one"


edges = st.tuples(*[st.floats(-500, 500)] * 2, *[st.floats(501, 3000)] * 2)
views = st.builds(PageView, edges, st.sampled_from([0, 90, 180, 270]), st.floats(0.01, 100))


@given(views, st.floats(0, 1), st.floats(0, 1))
def test_seen_and_file_places_are_each_others_inverse(view, across, up):
    width, height = view.size
    seen = (across * width / 2, up * height / 2, width / 2 + across * width / 2, height / 2 + up * height / 2)
    left, bottom, right, top = view.to_file(seen)
    low_x, low_y, high_x, high_y = view.visible
    assert low_x - 1e-6 <= left <= right <= high_x + 1e-6
    assert low_y - 1e-6 <= bottom <= top <= high_y + 1e-6
    assert view.to_seen((left, bottom, right, top)) == pytest.approx(seen, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "entries, size",
    [
        ({"turn": 0}, (595, 842)),
        ({"turn": 90}, (842, 595)),
        ({"turn": -90}, (842, 595)),
        ({"turn": 450}, (842, 595)),
        ({"turn": 45}, (595, 842)),
        ({"crop": (0, 0, 5000, 5000)}, (595, 842)),
        ({"crop": (100, 100, 300, 200)}, (200, 100)),
        ({"crop": (900, 900, 1000, 1000)}, (595, 842)),
        ({"crop": (300, 200, 100, 100)}, (200, 100)),
        ({"unit": 0}, (595, 842)),
    ],
)
def test_odd_descriptions_of_a_page_are_read_as_viewers_do(tmp_path, entries, size):
    source = blank_on(tmp_path / "page.pdf", (595, 842), **entries)
    with source.open("rb") as stream:
        assert page_view(PdfFileReader(stream), 0).size == pytest.approx(size)
