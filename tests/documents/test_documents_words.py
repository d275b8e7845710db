"""Kinds, numbers, identifiers and the closed lists."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.documents import (
    Capacity,
    DocumentId,
    DocumentKind,
    DocumentNumber,
    Draft,
    PageLayout,
    Signatory,
    StatusCode,
    copy_kinds,
    document_kinds,
    status_label,
)
from edocx.errors import UsageError
from edocx.units import UnitId


def test_there_are_29_kinds_and_3_copies():
    assert len(document_kinds()) == 29
    assert [kind.abbreviation for kind in copy_kinds()] == ["SY", "TrS", "SL"]


def test_only_letters_have_no_abbreviation():
    assert {kind.name for kind in document_kinds() if not kind.abbreviation} == {"Công văn", "Thư công"}


@pytest.mark.parametrize("kind", document_kinds(), ids=str)
def test_a_kind_is_found_by_name_and_abbreviation(kind):
    assert DocumentKind.parse(kind.name.upper()) == kind
    if kind.abbreviation:
        assert DocumentKind.parse(f" {kind.abbreviation} ") == kind


def test_an_unknown_kind_is_refused_with_a_remedy():
    with pytest.raises(UsageError) as caught:
        DocumentKind.parse("Tờ rơi")
    assert caught.value.code == "EDX-KIND-UNKNOWN"


@given(st.integers(1, 99_999), st.sampled_from(["UBND-VP", "QĐ-BNV", "VPCP-TTĐT"]))
def test_a_number_reads_as_it_is_written(ordinal, notation):
    number = DocumentNumber.of(ordinal, notation)
    assert DocumentNumber.parse(str(number)) == number
    assert len(number.number) >= 2


@pytest.mark.parametrize("text", ["", "15", "/UBND", "15/", "x/UBND", f"1/{'A' * 31}", f"{'1' * 12}/A"])
def test_a_number_that_cannot_be_is_refused(text):
    with pytest.raises(UsageError):
        DocumentNumber.parse(text)


def test_letters_in_numbers_are_kept():
    assert DocumentNumber.parse("05B/QĐ-UBND").number == "05B"


def test_the_identifier_has_the_form_of_the_national_samples():
    made = DocumentId.of(UnitId.parse("000.00.00.G22"), date(2015, 9, 30), DocumentNumber("7816", "VPCP-TTĐT"))
    assert str(made) == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"


def test_statuses_outside_the_list_are_readable():
    assert status_label("07").vi == "mã không xác định (07)"
    assert status_label("01") == StatusCode.ARRIVED.label
    assert {code.value for code in StatusCode if code.needs_reason} == {"02", "13", "16"}


def test_competence_joins_capacity_and_body():
    assert Signatory(full_name="A", capacity=Capacity.FOR_HEAD, on_behalf_of="CHỦ TỊCH").competence == "KT. CHỦ TỊCH"
    assert Signatory(full_name="A").competence == ""


def test_a_draft_survives_json():
    draft = Draft(
        unit=UnitId.parse("H58.12.01"),
        kind=DocumentKind.parse("Công văn"),
        notation="UBND-VP",
        subject="V/v thử",
        place="Bình Đức",
        signatory=Signatory(full_name="Nguyễn Văn A"),
        pdf=Path("a.pdf"),
    )
    assert Draft.model_validate(draft.model_dump(mode="json")) == draft


def test_text_is_kept_in_nfc():
    decomposed = "Nguye\u0302\u0303n"
    assert Signatory(full_name=decomposed).full_name == "Nguyễn"


@given(st.floats(200, 3000), st.floats(200, 3000))
def test_the_standard_places_lie_on_pages_of_any_size(width, height):
    layout = PageLayout.standard((width, height))
    for box in (layout.number, layout.date, *layout.signatures, layout.seal):
        assert box.x1 < box.x2
        assert box.y1 < box.y2
        assert box.x1 >= -1
        assert box.y2 <= height + 1
