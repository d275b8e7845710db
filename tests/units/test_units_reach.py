"""A prefix bounds what a delegate may say of the units under it, not only whose codes it gives."""

from __future__ import annotations

from datetime import date

import pytest
from trusted_scene import H20, NOW, Hub, check, role, root, take
from units_scene import unit

from edocx.units import Level, MemoryDirectory
from edocx.units.reach import LevelOne
from edocx.units.shipped import shipped_directory
from edocx.units.trusted import TrustedDirectory

REFORM = date(2025, 7, 1)


def said(record, *, base=None, prefixes=("H20",), national=()):
    """Return the joined directory and the refusal of the delegate h20 after it published one record."""
    hub = Hub()
    hub.national += national
    hub.units = [record]
    hub.delegations["h20"] = role(H20, prefixes=prefixes)
    trusted = TrustedDirectory(root(), check)
    take(trusted, hub.publish())
    directory = trusted.directory(base or shipped_directory())
    return directory, trusted.refusals.get("h20")


def under(code="H20.99", **known):
    return unit("so-99", code, parent="ubnd-dong-thap-2025", opened=REFORM, **known)


def test_a_delegate_makes_nothing_central_under_a_province():
    directory, refusal = said(under(level=Level.CENTRAL))
    assert refusal.code == "EDX-UNITS-OVERREACH"
    assert "central" in refusal.text.en
    assert "Trung ương" in refusal.text.vi
    assert directory.history("so-99") is None


@pytest.mark.parametrize("level", [Level.PROVINCE, Level.DISTRICT, Level.COMMUNE])
def test_levels_from_the_prefix_down_are_its_to_give(level):
    directory, refusal = said(under(level=level))
    assert refusal is None
    assert directory.resolve("H20.99", NOW).level is level


def test_a_ministrys_delegate_may_say_central():
    record = unit("cuc-99", "G12.99", level=Level.CENTRAL, name="Cục Chín Mươi Chín")
    _, refusal = said(record, prefixes=["G12"])
    assert refusal is None


def test_two_prefixes_lend_one_another_no_level():
    _, refusal = said(under(level=Level.CENTRAL), prefixes=["G12", "H20"])
    assert refusal.code == "EDX-UNITS-OVERREACH"


@pytest.mark.parametrize("name", ["Văn phòng Chính phủ", "VAN PHONG  chinh phu"])
def test_a_delegate_bears_no_name_of_level_one(name):
    directory, refusal = said(under(name=name))
    assert refusal.code == "EDX-UNITS-OVERREACH"
    assert [one.code.code for one in directory.search("van phong chinh phu", NOW)[:1]] == ["G22"]


def test_a_name_of_level_one_is_free_once_nobody_bears_it():
    base = MemoryDirectory(
        [
            unit("bao-hiem", "G98", name="Bảo hiểm Thử nghiệm", closed=REFORM),
            unit("ubnd-dong-thap-2025", "H20", name="Tỉnh", opened=REFORM),
        ]
    )
    assert said(under(name="Bảo hiểm Thử nghiệm"), base=base)[1] is None
    early = unit("so-99", "H20.99", name="Bảo hiểm Thử nghiệm")
    assert said(early, base=base)[1].code == "EDX-UNITS-OVERREACH"


def test_what_national_has_just_named_counts_as_well():
    newly = unit("co-quan-moi", "G42", name="Cơ quan Mới lập")
    assert said(under(name="Cơ quan Mới lập"), national=[newly])[1].code == "EDX-UNITS-OVERREACH"


def test_a_name_that_only_looks_latin_is_refused():
    _, refusal = said(under(name="Sở Nội vụ tỉnh А"))
    assert "U+0410" in refusal.text.en


def test_a_delegate_hangs_nothing_under_another():
    record = unit("so-99", "H20.99", parent="van-phong-chinh-phu")
    base = MemoryDirectory([unit("van-phong-chinh-phu", "G22"), unit("ubnd-dong-thap-2025", "H20", opened=REFORM)])
    directory, refusal = said(record, base=base)
    assert "van-phong-chinh-phu" in refusal.text.en
    assert directory.children("van-phong-chinh-phu", NOW) == ()


@pytest.mark.parametrize(
    "name",
    ["Văn phòng Chính phủ.", "văn  phòng - chính phủ", "Ủy ban nhân dân tỉnh Đồng Tháp", "UBND Tỉnh Đồng Tháp"],
)
def test_names_of_level_one_are_known_whatever_dots_and_kind_words(name):
    above = LevelOne(shipped_directory())
    assert above.bears(name, date(2026, 1, 1), date(2026, 2, 1))
    assert not above.bears(f"{name} mới", date(2026, 1, 1), date(2026, 2, 1))
