"""The scene that demonstrations and tests share: a commune of Tiền Giang in June 2023, when there were four levels.

Codes below level 1, people and the letter are made up and stand for nobody (names of bodies are those of the time).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from edocx.clock import VIETNAM
from edocx.documents import DocumentKind, Draft, PageLayout, Signatory, Urgency
from edocx.units import Level, UnitId
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory

MORNING = datetime(2023, 6, 15, 8, 0, tzinfo=VIETNAM)
"""Thursday, 15 June 2023, eight o'clock."""

COMMUNE, DISTRICT, DEPARTMENT, PROVINCE, GOVERNMENT = "H58.12.01", "H58.12", "H58.05", "H58", "G22"
DRAFT_ID = "cong-van-kenh-muong"


@dataclass(frozen=True, slots=True)
class Station:
    """A unit of the scene: code, name, level, kind, and the unit above it."""

    code: str
    name: str
    level: Level
    kind: str
    above: str | None
    clerk: str

    @property
    def unit(self) -> UnitId:
        """The code as a value."""
        return UnitId.parse(self.code)


STATIONS = (
    Station(GOVERNMENT, "Văn phòng Chính phủ", Level.CENTRAL, "văn phòng", None, "van-thu-tw"),
    Station(PROVINCE, "Ủy ban nhân dân tỉnh Tiền Giang", Level.PROVINCE, "tỉnh", GOVERNMENT, "van-thu-tinh"),
    Station(
        DEPARTMENT,
        "Sở Nông nghiệp và PTNT Tiền Giang",
        Level.PROVINCE,
        "sở",
        PROVINCE,
        "van-thu-so",
    ),
    Station(DISTRICT, "Ủy ban nhân dân huyện Châu Thành", Level.DISTRICT, "huyện", PROVINCE, "van-thu-huyen"),
    Station(COMMUNE, "Ủy ban nhân dân xã Bình Đức", Level.COMMUNE, "xã", DISTRICT, "van-thu-xa"),
)
"""From the top down; the axis reaches each through the one above it."""

SIGNATORY = Signatory(full_name="Nguyễn Văn A", position="CHỦ TỊCH", capacity="TM.", on_behalf_of="ỦY BAN NHÂN DÂN")
SUBJECT = "đề nghị hỗ trợ kinh phí nạo vét kênh mương nội đồng phục vụ sản xuất vụ Hè Thu năm 2023"
PLACE = "Bình Đức"
NOTATION = "UBND-VP"
REJECTION = "Không thuộc thẩm quyền giải quyết của Sở; đề nghị gửi Sở Tài chính."

_BODY = (
    (
        "Thực hiện Kế hoạch sản xuất nông nghiệp vụ Hè Thu năm 2023, Ủy ban nhân dân xã Bình Đức đã rà soát hệ thống "
        "kênh mương nội đồng trên địa bàn. Qua kiểm tra, 04 tuyến kênh với tổng chiều dài 3,2 km bị bồi lắng, không "
        "bảo đảm nước tưới cho khoảng 215 ha lúa và cây ăn trái."
    ),
    (
        "Để kịp thời phục vụ sản xuất, Ủy ban nhân dân xã Bình Đức kính đề nghị các cơ quan xem xét, hỗ trợ kinh phí "
        "nạo vét 04 tuyến kênh nêu trên với tổng số tiền 480.000.000 đồng (bốn trăm tám mươi triệu đồng)."
    ),
    "Kính mong các cơ quan quan tâm, giải quyết./.",
)
_TO_PLACES = ("Như trên", "Thường trực Đảng ủy xã", "Lưu: VT, VP")


def directory() -> MemoryDirectory:
    """Return the directory of the scene: generated, and saying so."""
    return MemoryDirectory(
        UnitHistory.of(
            f"scene-{station.code.lower()}",
            name=station.name,
            kind=station.kind,
            level=station.level,
            parent=f"scene-{station.above.lower()}" if station.above else None,
            code=station.unit,
            opened=date(2020, 9, 15),
            source="generated test data",
        )
        for station in STATIONS
    )


def write_letter(folder: Path, *, at: datetime = MORNING) -> tuple[Path, PageLayout]:
    """Typeset the scene's letter into ``folder``; return the file and the places of its fields."""
    from edocx.letter import LetterContent, typeset  # noqa: PLC0415 - the typesetter is heavy

    letter = typeset(
        LetterContent(
            superior="UBND HUYỆN CHÂU THÀNH",
            agency="ỦY BAN NHÂN DÂN\nXÃ BÌNH ĐỨC",
            notation=NOTATION,
            place=PLACE,
            year=at.year,
            subject=SUBJECT,
            to=(
                "Văn phòng Chính phủ",
                "Sở Nông nghiệp và Phát triển nông thôn",
                "Ủy ban nhân dân huyện Châu Thành",
            ),
            body=_BODY,
            signatory=SIGNATORY,
            to_places=_TO_PLACES,
        ),
        created=at,
    )
    path = folder / "letter.pdf"
    path.write_bytes(letter.pdf)
    return path, letter.layout


def draft(pdf: Path, layout: PageLayout | None = None) -> Draft:
    """Return the scene's draft over a PDF: its own letter, or any other with the standard places."""
    return Draft(
        unit=UnitId.parse(COMMUNE),
        kind=DocumentKind.parse("Công văn"),
        notation=NOTATION,
        subject=f"V/v {SUBJECT}",
        place=PLACE,
        signatory=SIGNATORY,
        pdf=pdf,
        layout=layout or PageLayout.standard(),
        urgency=Urgency.NORMAL,
        to_places=_TO_PLACES,
    )
