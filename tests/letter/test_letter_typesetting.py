from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from pydantic import ValidationError

from edocx.documents import Capacity, DocumentKind, Signatory, Urgency
from edocx.errors import InputError
from edocx.letter import LetterContent, typeset

CREATED = datetime(2023, 6, 15, 1, tzinfo=UTC)
MM = 72 / 25.4
HEIGHT = 841.89

PARAGRAPH = (
    "Trong 6 tháng đầu năm 2023, Ủy ban nhân dân xã đã phát hành 412 văn bản, trong đó 398 văn bản được ký số của "
    "người có thẩm quyền và của cơ quan, gửi hoàn toàn trên Trục liên thông văn bản quốc gia."
)


def letter(**changes):
    fields = {
        "superior": "UBND huyện Châu Thành",
        "agency": "Ủy ban nhân dân xã Bình Đức",
        "notation": "UBND-VP",
        "place": "Bình Đức",
        "year": 2023,
        "subject": "gửi, nhận văn bản điện tử",
        "to": ("Ủy ban nhân dân huyện Châu Thành", "Văn phòng Chính phủ"),
        "body": (PARAGRAPH,),
        "signatory": Signatory(
            full_name="Nguyễn Văn A",
            position="Chủ tịch",
            capacity=Capacity.ON_BEHALF_OF_COLLECTIVE,
            on_behalf_of="Ủy ban nhân dân",
        ),
        "to_places": ("Như trên", "Lưu: VT, VP"),
    }
    return typeset(LetterContent(**(fields | changes)), created=CREATED)


def find(name):
    path = shutil.which(name)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing under CI")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(name, pdf, tmp_path, *options, before=()):
    source = tmp_path / "letter.pdf"
    source.write_bytes(pdf)
    command = [find(name), *before, str(source), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def text_in(box, pdf, tmp_path):
    x, y = int(box.x1), int(HEIGHT - box.y2)
    area = [
        "-x",
        x,
        "-y",
        y,
        "-W",
        int(box.x2) - x,
        "-H",
        int(HEIGHT - box.y1) - y,
        "-f",
        box.page + 1,
        "-l",
        box.page + 1,
    ]
    return run("pdftotext", pdf, tmp_path, "-", before=[str(value) for value in ("-r", 72, *area)]).strip()


def words_of(pdf, tmp_path):
    page, words = 0, []
    for line in run("pdftotext", pdf, tmp_path, "-", before=["-bbox"]).splitlines():
        page += "<page " in line
        found = re.search(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*)</word>', line)
        if found:
            words.append((page, *(float(found[index]) for index in range(1, 5)), found[5]))
    return words


def test_the_nine_components_can_be_read_as_text(tmp_path):
    text = " ".join(run("pdftotext", letter().pdf, tmp_path, "-", before=["-layout"]).split())
    for component in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "UBND HUYỆN CHÂU THÀNH",
        "ỦY BAN NHÂN DÂN",
        "/UBND-VP",
        "Bình Đức,",
        "V/v gửi, nhận văn bản điện tử",
        "Kính gửi:",
        "TM. ỦY BAN NHÂN DÂN",
        "CHỦ TỊCH",
        "Nguyễn Văn A",
        "Nơi nhận:",
        "- Như trên;",
        "- Lưu: VT, VP.",
    ):
        assert component in text


def test_justified_text_keeps_its_spaces(tmp_path):
    text = " ".join(run("pdftotext", letter(to_places=()).pdf, tmp_path, "-").split())
    assert PARAGRAPH in text


def test_the_places_of_number_date_and_signature_are_empty(tmp_path):
    made = letter()
    for box in (made.layout.number, made.layout.date, *made.layout.signatures):
        assert text_in(box, made.pdf, tmp_path) == ""


def test_the_number_goes_between_its_word_and_its_notation(tmp_path):
    made = letter()
    box = made.layout.number
    words = {word[5]: word for word in words_of(made.pdf, tmp_path)}
    assert words["Số:"][3] <= box.x1 + 4
    assert words["/UBND-VP"][1] == pytest.approx(box.x2, abs=0.1)
    assert box.x2 - box.x1 >= 5 * 6.5, "five digits of size 13 fit"


def test_the_date_follows_its_place_on_one_line(tmp_path):
    made = letter()
    box = made.layout.date
    words = {word[5]: word for word in words_of(made.pdf, tmp_path)}
    comma = words["Đức,"]
    assert comma[3] <= box.x1 + 0.1
    baseline = HEIGHT - (box.y1 + made.layout.date_text.baseline)
    assert comma[2] < baseline < comma[4]
    assert box.x2 <= 595.28 - 15 * MM


def test_a_long_place_stays_inside_the_margin():
    box = letter(place="Thành phố Hồ Chí Minh").layout.date
    assert box.x2 <= 595.28 - 15 * MM


def test_the_blank_date_shows_the_year_that_was_given():
    assert letter().layout.date_text.blank.endswith("năm 2023")
    assert letter(year=None).layout.date_text.blank.endswith("năm")


def test_the_personal_signature_stands_between_title_and_name_in_their_middle(tmp_path):
    made = letter()
    (box,) = made.layout.signatures
    words = words_of(made.pdf, tmp_path)
    title = next(word for word in words if word[5] == "TỊCH")
    name = [word for word in words if word[5] in {"Nguyễn", "A"}]
    assert title[4] <= HEIGHT - box.y2 + 1
    assert name[0][2] >= HEIGHT - box.y1 - 1
    assert (box.x1 + box.x2) / 2 == pytest.approx((name[0][1] + name[-1][3]) / 2, abs=1)


def test_the_seal_is_of_true_size_and_covers_a_third_of_the_signature_on_its_left():
    made = letter()
    (signature,), seal = made.layout.signatures, made.layout.seal
    assert seal.x2 - seal.x1 == pytest.approx(36 * MM, abs=0.1)
    assert seal.y2 - seal.y1 == pytest.approx(36 * MM, abs=0.1)
    assert (seal.x2 - signature.x1) / (signature.x2 - signature.x1) == pytest.approx(1 / 3, abs=0.01)
    assert seal.x1 < signature.x1


@pytest.mark.parametrize("paragraphs", [1, 6, 7, 8, 9, 30])
def test_everything_printed_is_inside_the_margins(tmp_path, paragraphs):
    made = letter(body=(PARAGRAPH,) * paragraphs)
    for _, left, top, right, bottom, word in words_of(made.pdf, tmp_path):
        if not (word.isdigit() and top < 20 * MM - 5):
            assert left >= 30 * MM - 0.5, word
            assert right <= 595.28 - 15 * MM, word
            assert top >= 20 * MM - 5, word
            assert bottom <= HEIGHT - 20 * MM + 5, word


@pytest.mark.parametrize("paragraphs", range(5, 14))
def test_the_signature_never_stands_alone_on_a_page(tmp_path, paragraphs):
    made = letter(body=(PARAGRAPH,) * paragraphs)
    page = made.layout.seal.page
    assert page == made.layout.signatures[0].page == made.pages - 1
    words = [word for word in words_of(made.pdf, tmp_path) if word[0] == page + 1]
    places = next(word for word in words if word[5] == "nhận:")
    assert [word for word in words if word[4] < places[2] and word[2] > 20 * MM - 5]


def test_pages_are_numbered_from_the_second_on_at_the_top_centre(tmp_path):
    made = letter(body=(PARAGRAPH,) * 20)
    assert made.pages > 2
    tops = [word for word in words_of(made.pdf, tmp_path) if word[2] < 20 * MM - 5]
    assert [(word[0], word[5]) for word in tops] == [(page, str(page)) for page in range(2, made.pages + 1)]
    assert all((word[1] + word[3]) / 2 == pytest.approx(595.28 / 2, abs=0.5) for word in tops)


def test_another_kind_has_its_name_above_the_subject_in_the_middle(tmp_path):
    made = letter(kind=DocumentKind.parse("Báo cáo"), to=())
    words = words_of(made.pdf, tmp_path)
    assert not [word for word in words if word[5] == "V/v"]
    (name,) = [word for word in words if word[5] == "CÁO"]
    assert 250 < name[1] < 345


@pytest.mark.parametrize(
    "urgency, words",
    [
        (Urgency.NORMAL, None),
        (Urgency.URGENT, "KHẨN"),
        (Urgency.VERY_URGENT, "THƯỢNG KHẨN"),
        (Urgency.IMMEDIATE, "HỎA TỐC"),
    ],
)
def test_urgency_is_marked_on_the_page(tmp_path, urgency, words):
    text = run("pdftotext", letter(urgency=urgency).pdf, tmp_path, "-")
    assert ("KHẨN" in text or "HỎA TỐC" in text) == (words is not None)
    assert words is None or words in text


def test_the_same_content_gives_the_same_bytes_in_another_process(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_letter_typesetting as t; "
        "sys.stdout.buffer.write(t.letter().pdf)"
    )
    command = [sys.executable, "-c", script, os.path.dirname(__file__)]  # noqa: PTH120
    made = [
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1] == letter().pdf


def test_every_font_is_embedded_as_a_subset_with_its_text(tmp_path):
    lines = run("pdffonts", letter().pdf, tmp_path).splitlines()[2:]
    assert len(lines) == 4
    for line in lines:
        assert "Liberation" in line
        assert line.split()[-5:-2] == ["yes", "yes", "yes"]


def test_qpdf_finds_no_fault_and_the_version_is_recent(tmp_path):
    assert "No syntax or stream encoding errors" in run("qpdf", letter().pdf, tmp_path, before=["--check"])
    assert letter().pdf.startswith(b"%PDF-1.7")


def test_the_document_says_its_title_and_language(tmp_path):
    text = run("pdfinfo", letter().pdf, tmp_path)
    assert re.search(r"Title:\s+Công văn V/v gửi, nhận văn bản điện tử", text)
    assert b"vi-VN" in letter().pdf
    assert b"/CreationDate (D:20230615080000+07'00')" in letter().pdf


def test_text_given_in_pieces_is_printed_in_whole_letters(tmp_path):
    whole = letter().pdf
    pieces = letter(body=(unicodedata.normalize("NFD", PARAGRAPH),)).pdf
    assert pieces == whole


def test_a_character_that_the_typeface_lacks_is_named():
    with pytest.raises(InputError, match=r"EDX-LETTER-CHARACTER.*U[+]1F600"):
        letter(body=("Xin chào \U0001f600",))


@pytest.mark.parametrize("change", [{"agency": ""}, {"body": ()}, {"subject": "x" * 501}, {"notation": ""}])
def test_content_without_its_parts_is_refused(change):
    with pytest.raises(ValidationError):
        letter(**change)


def test_the_name_of_a_people_s_committee_breaks_before_its_place(tmp_path):
    lines = {}
    for _, _, top, _, _, word in words_of(letter().pdf, tmp_path):
        lines.setdefault(round(top), []).append(word)
    assert any(line[-2:] == ["XÃ", "BÌNH"] or line[:3] == ["XÃ", "BÌNH", "ĐỨC"] for line in lines.values())
    assert not any(line[:1] == ["DÂN"] for line in lines.values())


def test_one_addressee_stands_on_the_line_of_his_greeting(tmp_path):
    words = words_of(letter(to=("Văn phòng Chính phủ",)).pdf, tmp_path)
    greeting, office = (next(word for word in words if word[5] == text) for text in ("gửi:", "Chính"))
    assert greeting[2] == office[2]


def test_a_letter_shows_no_words_when_printed_by_a_program():
    assert "Nguyễn" not in repr(letter())


def test_pages_follow_each_other_without_loss(tmp_path):
    body = tuple(f"Đoạn {number}. {PARAGRAPH}" for number in range(1, 25))
    text = " ".join(run("pdftotext", letter(body=body).pdf, tmp_path, "-").split())
    places = [text.index(f"Đoạn {number}.") for number in range(1, 25)]
    assert all(first < second for first, second in pairwise(places))
