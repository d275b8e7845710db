"""Letters as other programs typeset them: the decree's lines at places, and with gaps, of their own."""

from __future__ import annotations

from pathlib import Path

import fpdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from edocx.fonts import Face

HEIGHT, WIDTH = 841.89, 595.28
NAME, TITLE = "NGUYỄN VĂN A", "CHỦ TỊCH"


def letter(
    path: Path,
    *,
    number: str = "Số:          /UBND-VX",
    date: str = "Bình Đức, ngày      tháng      năm 2023",
    line: float = 160,
    number_left: float = 70,
    date_left: float = 330,
    size: float = 13,
    body: str = "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015; số 30/2020/NĐ-CP.",
    name: str = NAME,
    title: str = TITLE,
    name_top: float = 700,
    name_middle: float = 430,
    room: float = 80,
    pages: int = 1,
    stamp: str = "",
) -> Path:
    """Write a letter, perhaps with a stamp above it; lengths are points from the top left, a bar in a line is a jump of 40 points."""
    sheet = fpdf.FPDF(format="A4", unit="pt")
    sheet.set_auto_page_break(False)
    for style, face in (("", Face.REGULAR), ("B", Face.BOLD), ("I", Face.ITALIC)):
        sheet.add_font("Serif", style=style, fname=str(face.path))
    for page in range(pages):
        sheet.add_page()
        if page == 0:
            sheet.set_font("Serif", "B", 12)
            sheet.text(70, 60, "ỦY BAN NHÂN DÂN")
            sheet.text(290, 60, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
            _put(sheet, stamp, number_left, 30, "", 8)
            _put(sheet, number, number_left, line, "", size)
            _put(sheet, date, date_left, line, "I", size)
        sheet.set_font("Serif", size=13)
        sheet.text(85, 300, body)
        sheet.text(85, 320, "Nội dung văn bản thử nghiệm, do Nguyễn Văn A ký.")
    sheet.text(85, name_top - room, "Nơi nhận:")
    sheet.set_font("Serif", "B", 13)
    for text, bottom in ((title, name_top - room), (name, name_top)):
        sheet.text(name_middle - sheet.get_string_width(text) / 2, bottom, text)
    sheet.output(str(path))
    return path


def _put(sheet: fpdf.FPDF, text: str, left: float, bottom: float, style: str, size: float) -> None:  # noqa: PLR0917
    sheet.set_font("Serif", style, size)
    for piece in text.split("|"):
        sheet.text(left, bottom, piece)
        left += sheet.get_string_width(piece) + 40


def scan(path: Path) -> Path:
    """Write a page without any text."""
    sheet = fpdf.FPDF(format="A4", unit="pt")
    sheet.add_page()
    sheet.rect(100, 100, 300, 500)
    sheet.output(str(path))
    return path


def turned(source: Path, path: Path, turn: int, *, crop: float = 0) -> Path:
    """Describe the same first page turned, and with a medium that is larger than what is seen."""
    with source.open("rb") as stream, path.open("wb") as target:
        writer = IncrementalPdfFileWriter(stream)
        page = writer.find_page_for_modification(0)[0].get_object()
        across, up = (HEIGHT, WIDTH) if turn in {90, 270} else (WIDTH, HEIGHT)
        media = [-crop, -crop, across + crop, up + crop]
        page["/MediaBox"] = generic.ArrayObject(map(generic.FloatObject, media))
        page["/CropBox"] = generic.ArrayObject(map(generic.FloatObject, (0, 0, across, up)))
        page["/Rotate"] = generic.NumberObject(turn)
        writer.update_container(page)
        matrices = {
            0: (1, 0, 0, 1, 0, 0),
            90: (0, 1, -1, 0, across, 0),
            180: (-1, 0, 0, -1, across, up),
            270: (0, -1, 1, 0, 0, up),
        }
        drawn = b"q %g %g %g %g %g %g cm" % matrices[turn]
        writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=drawn)), prepend=True)
        writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"Q")))
        writer.write(target)
    return path
