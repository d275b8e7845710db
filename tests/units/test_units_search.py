"""Search as people type it: with or without diacritics, in either tone style, by name or code."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from units_scene import REFORM, unit

from edocx.units import MemoryDirectory
from edocx.units.search import MAX_QUERY, fold
from edocx.units.spelling import name_key, one_tone_place

NOW = date(2026, 11, 22)


@pytest.mark.parametrize(
    "query", ["tien giang", "TIỀN GIANG", "Tiền Giang", "giang tien", "  tiền   giang ", "tie\u0302\u0300n giang"]
)
def test_diacritics_case_and_blanks_are_optional(reform, query):
    assert [one.identity for one in reform.search(query)] == ["ubnd-tien-giang"]


def test_d_with_stroke_is_a_d(reform):
    assert {one.identity for one in reform.search("dong thap", NOW)} == {"ubnd-dong-thap-2025"}


def test_what_is_typed_with_diacritics_comes_first():
    directory = MemoryDirectory([unit("xa-mot", name="Xã Sơn Hà"), unit("xa-hai", name="Xã Sơn Hạ")])
    assert [one.name for one in directory.search("sơn hạ")] == ["Xã Sơn Hạ", "Xã Sơn Hà"]
    assert [one.name for one in directory.search("sơn hà")] == ["Xã Sơn Hà", "Xã Sơn Hạ"]


def test_whole_names_come_before_beginnings_and_those_before_middles():
    names = ["Sở Nội vụ tỉnh", "Phòng Nội vụ", "Nội vụ", "Nội vụ huyện"]
    directory = MemoryDirectory([unit(f"so-{n}", name=name) for n, name in enumerate(names)])
    assert [one.name for one in directory.search("noi vu")] == [
        "Nội vụ",
        "Nội vụ huyện",
        "Phòng Nội vụ",
        "Sở Nội vụ tỉnh",
    ]


def test_a_date_limits_the_answers_to_units_of_that_day(reform):
    assert reform.search("Tiền Giang", NOW) == ()
    assert [one.identity for one in reform.search("Tiền Giang", date(2023, 1, 1))] == ["ubnd-tien-giang"]
    assert {one.identity for one in reform.search("hau thanh")} == {"xa-12-01", "xa-101"}
    assert {one.identity for one in reform.search("hau thanh", REFORM)} == {"xa-101"}


def test_codes_and_former_names_are_found_too(reform):
    assert reform.search("h58.12.01")[0].identity == "xa-12-01"
    directory = MemoryDirectory([unit("xa-moi", name="Xã Mới", formerly=("Xã Mỹ Khánh (huyện A)",))])
    assert directory.search("my khanh")[0].identity == "xa-moi"


def test_nonsense_finds_nothing_and_never_fails(reform):
    for query in ("", "   ", "\n", "zzz", "ệ" * 10_000, "%_*?[", "\x00"):
        assert reform.search(query) == ()
    assert len(reform.search("a" * MAX_QUERY)) == 0
    assert len(reform.search("a", limit=2)) == 2


@given(st.text(max_size=30))
def test_folding_is_stable_and_ascii(text):
    assert fold(text).isascii()
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "one,other,same",
    [
        ("Xã Hoà Bình", "Xã Hòa Bình", True),
        ("Phường Thuỷ Xuân", "Phường Thủy Xuân", True),
        ("Xã Khoẻ", "Xã Khỏe", True),
        ("M’Drắk", "M'Drắk", True),
        ("Xã Sơn Hà", "Xã Sơn Hạ", False),
        ("Xã Quý Lộc", "Xã Quỳ Lộc", False),
        ("Xã Hoàn", "Xã Hòan", False),
    ],
)
def test_two_tone_styles_are_one_name_but_two_tones_are_two(one, other, same):
    assert (name_key(one) == name_key(other)) is same


@given(st.text(max_size=30))
def test_tone_places_are_stable(text):
    assert one_tone_place(one_tone_place(text)) == one_tone_place(text)


def test_a_units_own_name_comes_before_those_of_what_went_into_it():
    directory = MemoryDirectory(
        [
            unit("xa-a", name="Xã A", formerly=("Xã Đồng Tháp",)),
            unit("tinh", name="Ủy ban nhân dân tỉnh Đồng Tháp"),
        ]
    )
    assert [found.identity for found in directory.search("dong thap")] == ["tinh", "xa-a"]
