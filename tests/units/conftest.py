from __future__ import annotations

from pathlib import Path

import pytest
from units_scene import REFORM, passage, unit

from edocx.units import Level, MemoryDirectory


@pytest.fixture
def reform() -> MemoryDirectory:
    """Two provinces merge into one of the first one's name; a district ends and its communes come under it."""
    return MemoryDirectory(
        [
            unit("ubnd-dong-thap", "H20", name="Ủy ban nhân dân Đồng Tháp", level=Level.PROVINCE, closed=REFORM),
            unit("ubnd-tien-giang", "H58", name="Ủy ban nhân dân Tiền Giang", level=Level.PROVINCE, closed=REFORM),
            unit("ubnd-dong-thap-2025", "H20", name="Ủy ban nhân dân Đồng Tháp", level=Level.PROVINCE, opened=REFORM),
            unit("van-phong-chinh-phu", "G22", name="Văn phòng Chính phủ", level=Level.CENTRAL),
            unit("bo-tai-chinh", "G12", name="Bộ Tài chính", level=Level.CENTRAL),
            unit(
                "huyen-12", "H58.12", name="Huyện Cái Bè", level=Level.DISTRICT, parent="ubnd-tien-giang", closed=REFORM
            ),
            unit(
                "xa-12-01",
                "H58.12.01",
                code102="000.01.12.H58",
                name="Xã Hậu Thành",
                level=Level.COMMUNE,
                parent="huyen-12",
                closed=REFORM,
            ),
            unit("xa-12-02", "H58.12.02", name="Xã Hòa Khánh", level=Level.COMMUNE, parent="huyen-12", closed=REFORM),
            unit("so-01", "H58.01", name="Sở Nội vụ", level=Level.PROVINCE, parent="ubnd-tien-giang", closed=REFORM),
            unit(
                "xa-101",
                "H20.101",
                name="Xã Hậu Thành",
                level=Level.COMMUNE,
                parent="ubnd-dong-thap-2025",
                opened=REFORM,
            ),
            unit(
                "xa-102", "H20.102", name="Xã Cái Bè", level=Level.COMMUNE, parent="ubnd-dong-thap-2025", opened=REFORM
            ),
        ],
        [
            passage("merge", "ubnd-dong-thap", "ubnd-dong-thap-2025", decree="NQ 202/2025/QH15"),
            passage("merge", "ubnd-tien-giang", "ubnd-dong-thap-2025", decree="NQ 202/2025/QH15"),
            passage("split", "huyen-12", "xa-101", custodian="ubnd-dong-thap-2025"),
            passage("split", "huyen-12", "xa-102", custodian="ubnd-dong-thap-2025"),
            passage("merge", "xa-12-01", "xa-101"),
            passage("split", "xa-12-02", "xa-101"),
            passage("split", "xa-12-02", "xa-102"),
        ],
    )


@pytest.fixture(scope="session")
def tables() -> Path:
    """The tables that the shipped data is built from; they are not part of the repository."""
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared tables are not on this machine")
    return folder
