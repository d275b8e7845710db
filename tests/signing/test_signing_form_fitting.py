"""`edocx form` on letters of other programs: on their own lines, and never silently beside or over them."""

# ruff: noqa: F811 - fixtures of the other files
from __future__ import annotations

import json
import subprocess
from datetime import date

import pytest
import signing_letters as letters
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from signing_letters import letter, scan, turned
from signing_samples import SIGNED_AT
from test_signing_cli import edocx, key  # noqa: F401
from test_signing_cli_kinds import images  # noqa: F401

from edocx.documents import DocumentNumber, PageLayout
from edocx.errors import SigningRefused, UsageError
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.filling import covered_notes, values_for
from edocx.signing.pdf.fitting import fit_layout
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.page_words import Word, page_words, rows_of
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.sign import sign
from edocx.testing import scene
from edocx.verification import verify

NUMBER = DocumentNumber(number="15", notation="UBND-VX")
DAY = date(2023, 6, 5)

FORMS = {
    "spaces": {},
    "lower on the page, in": {"line": 205, "number_left": 120, "date_left": 350},
    "dots": {"number": "Số: ……/UBND-VX", "date": "Bình Đức, ngày …… tháng …… năm 2023"},
    "dots without spaces": {"number": "Số:........./UBND-VX", "date": "Bình Đức, ngày.....tháng.....năm 2023"},
    "far apart": {"number": "Số:|/UBND-VX", "date": "Bình Đức, ngày|tháng|năm 2023", "date_left": 260},
    "a space before the colon": {"number": "Số :         /UBND-VX"},
    "no colon": {"number": "Số ......../UBND-VX"},
    "nothing but labels": {"number": "Số:", "date": "Bình Đức,", "size": 14},
    "the year is open": {"date": "Bình Đức, ngày      tháng      năm         ", "size": 12},
    "the century is there": {"date": "Bình Đức, ngày …… tháng …… năm 20……"},
    "the place is open": {"date": "……………., ngày …… tháng …… năm ……"},
    "the notation is open": {"number": "Số: ……../…………"},
    "letters composed of two": {"number": "So\u0302\u0301:          /UBND-VX"},
}


def issue(source, tmp_path, signing, **fitting):
    """Sign, fill and seal a letter; return the sealed file and what was said of its form."""
    fitted = fit_layout(source, **fitting)
    form = make_form(source, tmp_path / "form.pdf", fitted.layout)
    one = sign(form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True)
    values = values_for(one, number=NUMBER, place="Bình Đức", issued_on=DAY)
    sealed = sign(one, tmp_path / "sealed.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=values)
    return sealed, fitted


def squeezed(text):
    """Leave out spaces and dots: what is filled in stands between or on them."""
    return "".join(letter for letter in text if letter not in " .…")


@pytest.mark.parametrize("form", FORMS)
def test_number_and_date_continue_the_letters_own_lines(signing, tmp_path, tool, accepted_by_all, form):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", **FORMS[form])
    line = letters.HEIGHT - FORMS[form].get("line", 160)
    sealed, fitted = issue(source, tmp_path, signing)
    assert [(note.code, note.where) for note in fitted.messages] == []
    verdicts = accepted_by_all(sealed, 2)
    assert str(verify(sealed, trust=signing.trust).indication) == "TOTAL-PASSED"
    assert {str(one.modification_level).rpartition(".")[2] for one in verdicts.values()} == {"FORM_FILLING", "NONE"}
    rows = [row for row in page_words(sealed, 0).rows if abs(row.baseline - line) < 3]
    # Where dots remain, poppler tells the words of both layers apart; in any order, nothing else is there.
    shown = squeezed(" ".join(row.text for row in rows))
    assert sorted(shown) == sorted(
        squeezed("Số:15/UBND-VX Bình Đức, ngày 05 tháng 6 năm 2023").replace("Số:", label(form))
    )
    size = FORMS[form].get("size", 13)
    assert all(abs(row.size - size) < 1 for row in rows)
    if "…" not in str(FORMS[form]) and "..." not in str(FORMS[form]):
        assert "ngày 05 tháng 6 năm 2023" in rows[0].text
        assert "15" in rows[0].text[: rows[0].text.index("UBND")]


def label(form):
    return {"no colon": "Số"}.get(form, "Số:")


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [0, 60])
def test_lines_are_found_on_turned_and_cropped_pages(signing, tmp_path, tool, accepted_by_all, turn, crop):  # noqa: PLR0917
    tool("pdftotext")
    source = turned(letter(tmp_path / "letter.pdf"), tmp_path / "turned.pdf", turn, crop=crop)
    sealed, fitted = issue(source, tmp_path, signing)
    assert fitted.messages == ()
    accepted_by_all(sealed, 2)
    row = next(row for row in page_words(sealed, 0).rows if "Số:" in row.text)
    assert abs(row.baseline - (letters.HEIGHT - 160)) < 1
    assert row.text == "Số: 15 /UBND-VX Bình Đức, ngày 05 tháng 6 năm 2023"
    box = fitted.layout.signatures[0]
    assert abs((box.x1 + box.x2) / 2 - 430) < 3
    assert letters.HEIGHT - 700 < box.y1 < box.y2 < letters.HEIGHT - 620


def test_our_own_letter_is_fitted_like_any_other(signing, tmp_path, tool, accepted_by_all):
    tool("pdftotext")
    source, own = scene.write_letter(tmp_path)
    fitted = fit_layout(source)
    assert fitted.messages == ()
    for name in ("number", "date"):
        found, meant = getattr(fitted.layout, name), getattr(own, name)
        assert abs(found.x1 - meant.x1) < 5
        assert abs(found.y1 - meant.y1) < 5
    found, meant = fitted.layout.signatures[0], own.signatures[0]
    assert found.x1 < (meant.x1 + meant.x2) / 2 < found.x2
    assert abs(found.y1 - meant.y1) < 12


def test_a_signature_stands_between_title_and_name_with_the_seal_over_its_third(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", name_middle=380, name_top=560, room=50, pages=3)
    layout = fit_layout(source).layout
    box = layout.signatures[0]
    assert box.page == -1
    assert letters.HEIGHT - 560 < box.y1 < box.y2 < letters.HEIGHT - 510, "not over the title either"
    third = box.x1 + (box.x2 - box.x1) / 3
    assert abs(layout.seal.x2 - third) < 1
    assert layout.seal.page == -1


def test_a_name_is_named_and_its_page_too(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", title="", name="Trần Thị B", pages=2, name_middle=200)
    assert [note.code for note in fit_layout(source).messages] == ["EDX-FORM-NOT-FOUND"]
    fitted = fit_layout(source, near=["trần  thị b"])
    assert fitted.messages == ()
    assert abs((fitted.layout.signatures[0].x1 + fitted.layout.signatures[0].x2) / 2 - 200) < 1
    first = fit_layout(source, near=["Nguyễn Văn A ký"[:12]], page=0).layout
    assert {box.page for box in (*first.signatures, first.seal)} == {0}
    titled = letter(tmp_path / "titled.pdf", pages=2)
    assert fit_layout(titled, page=0).layout.signatures[0].page == 0
    with pytest.raises(SigningRefused) as refusal:
        fit_layout(source, near=["Lê Văn C"])
    assert refusal.value.code == "EDX-TEXT-NOT-FOUND"
    with pytest.raises(UsageError) as wrong:
        fit_layout(source, page=2)
    assert wrong.value.code == "EDX-PDF-PAGE"


def test_several_signatories_are_found_from_the_right_or_left_to_the_decree(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf")
    assert [note.code for note in fit_layout(source, people=2).messages] == ["EDX-FORM-NOT-FOUND"]
    two = fit_layout(source, near=["NGUYỄN VĂN A", "Nơi nhận:"]).layout
    assert len(two.signatures) == 2
    assert len(two.joint_seals) == 1


def test_a_scan_gets_the_decrees_places_and_says_so(tmp_path, tool):
    tool("pdftotext")
    fitted = fit_layout(scan(tmp_path / "scan.pdf"))
    assert [note.code for note in fitted.messages] == ["EDX-FORM-NO-TEXT"]
    assert fitted.layout == layout_for(tmp_path / "scan.pdf")


def test_without_poppler_the_places_are_the_decrees_and_that_is_said(tmp_path, monkeypatch):
    source = letter(tmp_path / "letter.pdf")
    monkeypatch.setenv("PATH", "")
    fitted = fit_layout(source)
    assert [note.code for note in fitted.messages] == ["EDX-PAGE-UNREAD"]
    assert fitted.layout == layout_for(source)
    make_form(source, tmp_path / "form.pdf", fitted.layout)
    values = values_for(tmp_path / "form.pdf", number=NUMBER, place="Bình Đức", issued_on=DAY)
    assert [note.code for note in covered_notes(tmp_path / "form.pdf", values)] == ["EDX-PAGE-UNREAD"]


@pytest.mark.parametrize(
    "line",
    [
        {"number": "Theo số: 15/UBND-VX", "date": "Bình Đức, hôm nay"},
        {"number": "", "date": "", "body": "Số: 4 và ngày 19 tháng 6 năm 2015", "line": 60},
        {"number": "", "date": "", "body": "ngày 19 tháng 6 năm 2015;"},
    ],
)
def test_what_only_reads_like_the_lines_is_not_taken_for_them(tmp_path, tool, line):
    tool("pdftotext")
    found = fit_layout(letter(tmp_path / "letter.pdf", **line)).messages
    missing = [note.where for note in found if note.code == "EDX-FORM-NOT-FOUND"]
    assert "EdocxDate" in missing
    assert ("EdocxNumber" in missing) == ("Số: 4" not in line.get("body", ""))


def test_the_number_of_an_arrival_stamp_is_not_the_letters_own(tmp_path, tool):
    tool("pdftotext")
    plain = fit_layout(letter(tmp_path / "plain.pdf")).layout
    stamped = fit_layout(letter(tmp_path / "stamped.pdf", stamp="Số: ……/UBND-VP Ngày: ……"))
    assert stamped.layout.number == plain.number, "beside the date, where the decree wants it"
    assert stamped.messages == ()


def test_what_is_printed_already_is_warned_of_and_a_narrow_gap_too(tmp_path, tool):
    tool("pdftotext")
    full = letter(tmp_path / "full.pdf", number="Số: 15/UBND-VX", date="Bình Đức, ngày 15 tháng 6 năm 2023")
    said = {(note.code, note.where) for note in fit_layout(full).messages}
    assert said == {("EDX-FIELD-OVER-TEXT", name) for name in ("EdocxNumber", "EdocxDate", "EdocxMonth")}
    narrow = letter(tmp_path / "narrow.pdf", number="Số: /UBND-VX")
    assert [(note.code, note.where) for note in fit_layout(narrow).messages] == [("EDX-FIELD-NARROW", "EdocxNumber")]


def test_a_decrees_place_over_the_letters_text_is_warned_of(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", number="Ngành Tài chính tỉnh Tiền Giang", date="", line=132)
    said = {(note.code, note.where) for note in fit_layout(source).messages}
    assert ("EDX-FIELD-OVER-TEXT", "EdocxNumber") in said


def test_a_place_at_the_edge_is_moved_onto_the_page_and_one_given_by_hand_is_refused(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", title="", name="Nguyễn Văn A", name_middle=555)
    fitted = fit_layout(source, near=["Nguyễn Văn A"])
    assert [(note.code, note.where) for note in fitted.messages] == [("EDX-FIELD-MOVED", "EdocxPerson1")]
    make_form(source, tmp_path / "form.pdf", fitted.layout)
    off = PageLayout.standard().signatures[0].model_copy(update={"page": 0, "x2": 700})
    with pytest.raises(UsageError) as refusal:
        make_form(source, tmp_path / "form.pdf", fit_layout(source, places=[off]).layout)
    assert refusal.value.code == "EDX-SIGN-PLACE"


def test_a_number_or_year_that_the_page_contradicts_is_refused(signing, tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf")
    form = make_form(source, tmp_path / "form.pdf", fit_layout(source).layout)
    for number, day in ((DocumentNumber("15", "QĐ-UBND"), DAY), (NUMBER, date(2024, 1, 5))):
        with pytest.raises(SigningRefused) as refusal:
            values_for(form, number=number, place="Bình Đức", issued_on=day)
        assert refusal.value.code == "EDX-FIELD-PRINTED"


def test_a_form_of_the_decrees_places_is_filled_as_before_and_what_it_covers_is_said(tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", number="Ngành Tài chính tỉnh Tiền Giang", line=132)
    form = make_form(source, tmp_path / "form.pdf", layout_for(source))
    values = values_for(form, number=NUMBER, place="Mỹ Tho", issued_on=DAY)
    assert {name: value.text for name, value in values.items()} == {
        name: value.text
        for name, value in number_and_date(layout_for(source), number=NUMBER, place="Mỹ Tho", issued_on=DAY).items()
    }
    assert {note.code for note in covered_notes(form, values)} == {"EDX-FIELD-OVER-TEXT"}


HOSTILE = {
    "a template spelt out": {"/Form": "{number.__class__.__init__.__globals__}"},
    "an unknown name": {"/Form": generic.NameObject("/Everything")},
    "no name": {"/Form": generic.NumberObject(1)},
    "an alignment nobody has": {"/Form": generic.NameObject("/Number"), "/Align": generic.NumberObject(9)},
    "an alignment that is a list": {"/Form": generic.NameObject("/Number"), "/Align": generic.ArrayObject()},
    "no dictionary": None,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_a_file_says_of_its_fields_is_put_into_no_template(tmp_path, case):
    source = letter(tmp_path / "letter.pdf")
    form = make_form(source, tmp_path / "form.pdf", layout_for(source))
    with form.open("rb") as stream, (tmp_path / "hostile.pdf").open("wb") as target:
        writer = IncrementalPdfFileWriter(stream)
        field = writer.root["/AcroForm"]["/Fields"][0]
        entries = HOSTILE[case]
        entry = generic.NumberObject(1) if entries is None else generic.DictionaryObject()
        for name, value in (entries or {}).items():
            entry[generic.NameObject(name)] = (
                generic.pdf_string(value) if isinstance(value, str) and value[0] == "{" else value
            )
        field["/EdocxText"] = entry
        writer.update_container(field)
        writer.write(target)
    values = values_for(tmp_path / "hostile.pdf", number=NUMBER, place="Bình Đức", issued_on=DAY)
    assert values["EdocxNumber"].text == "Số: 15/UBND-VX"


def test_words_that_lie_anywhere_make_no_rows(tmp_path):
    far = [
        Word("Số:", float("nan"), 0, 1, 1),
        Word("x", 0, 0, float("inf"), 9),
        Word("y", 5, 0, 4, 9),
        Word("", 0, 0, 1, 1),
    ]
    assert rows_of(far) == []


def test_the_command_says_its_warnings_and_takes_the_options_of_signing(edocx, signing, tmp_path, tool, images):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", number="Số: 15/UBND-VX", title="", name="Trần Thị B")
    out = tmp_path / "form.pdf"
    code, said, err = edocx("form", source, "--out", out)
    assert code == 0, err
    assert "EdocxNumber: This field stands over printed text" in said
    assert "EDX-FORM-NOT-FOUND" in said
    code, said, _ = edocx("form", source, "--out", out, "--near", "TRẦN THỊ B", "--json")
    told = json.loads(said)
    assert [(one["code"], one["where"]) for one in told["messages"]] == [("EDX-FIELD-OVER-TEXT", "EdocxNumber")]
    assert all(one["vi"] and one["en"] for one in told["messages"])
    code, said, _ = edocx("form", source, "--out", out, "--place", "1,100,30,50,25", "--json")
    box = json.loads(said)["layout"]["signatures"][0]
    assert (box["page"], round(box["x1"] * 25.4 / 72)) == (0, 100)
    for wrong in (
        ("--near", "x", "--place", "1,1,1,9,9"),
        ("--place", "1,1,1,9,9", "--page", "1"),
        ("--page", "0"),
        ("--near", " "),
    ):
        assert edocx("form", source, "--out", out, *wrong)[0] == 2
    assert edocx("form", source, "--out", out, "--page", "7")[0] == 2


def test_signing_from_the_command_line_fills_the_letters_own_gaps(edocx, signing, tmp_path, tool, images):
    pdftotext = tool("pdftotext")
    source = letter(tmp_path / "letter.pdf")
    paths = [tmp_path / f"{number}.pdf" for number in range(3)]
    assert edocx("form", source, "--out", paths[0])[0] == 0
    agency = ("--key", key(signing, "organisation"), "--as", "organisation", "--image", images["seal"])
    assert edocx("sign", paths[0], "--key", key(signing), "--as", "person", "--out", paths[1])[0] == 0
    code, said, err = edocx(
        "sign", paths[1], *agency, "--number", "15/UBND-VX", "--date", "2023-06-05", "--city", "Bình Đức",
        "--out", paths[2],
    )  # fmt: skip
    assert code == 0, err
    assert "EDX-FIELD" not in said
    shown = subprocess.run([pdftotext, "-layout", paths[2], "-"], capture_output=True, text=True, check=True).stdout
    assert "ngày 05 tháng 6 năm 2023" in " ".join(shown.split())


@pytest.mark.parametrize("size", [12, 13, 14])
def test_what_is_filled_in_is_as_large_as_its_line_whatever_its_typeface_is_high(tmp_path, tool, size):
    tool("pdftohtml")
    source = letter(tmp_path / "letter.pdf", size=size)
    data = source.read_bytes()
    lower = data.replace(b"/Ascent 891", b"/Ascent 620")
    assert lower != data
    source.write_bytes(lower)
    layout = fit_layout(source).layout
    told = {text.size for text in (layout.number_text, layout.date_text, *(part.text for part in layout.parts))}
    assert told == {size}
    (row,) = (row for row in page_words(source, 0).rows if "Số:" in row.text)
    assert abs(row.baseline - (letters.HEIGHT - 160)) < 1
