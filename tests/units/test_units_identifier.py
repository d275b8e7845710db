"""Unit identifiers: what is read, what is refused by name, and the laws of conversion and containment."""

from __future__ import annotations

import copy
import csv
import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from edocx.errors import UnitError
from edocx.units import Scheme, UnitId, read

CODES = Path(__file__).parents[2].parent / "shared" / "data" / "org-codes.csv"

roots = st.from_regex(r"[A-K][0-9]{2}", fullmatch=True)
digits2 = st.integers(1, 99).map("{:02}".format)
digits3 = st.integers(1, 999).map("{:03}".format)
qcvn_groups = st.one_of(
    st.tuples(roots),
    st.tuples(roots, digits2),
    st.tuples(roots, digits2, digits2),
    st.tuples(roots, digits2, digits2, digits3),
)
qd20 = st.tuples(roots, st.lists(st.from_regex(r"[0-9A-Z]{1,4}", fullmatch=True), max_size=6)).map(
    lambda parts: ".".join((parts[0], *parts[1]))
)


@pytest.mark.parametrize(
    "text,scheme,code",
    [
        ("000.01.12.H58", Scheme.QCVN102, "000.01.12.H58"),
        ("000.00.00.H49", Scheme.QCVN102, "000.00.00.H49"),
        ("28.22.H17", Scheme.QCVN102, "000.28.22.H17"),
        ("22.H17", Scheme.QCVN102, "000.00.22.H17"),
        ("H58.12.01", Scheme.QD20, "H58.12.01"),
        ("H37.DN.001", Scheme.QD20, "H37.DN.001"),
        ("H01.151.02", Scheme.QD20, "H01.151.02"),
        ("H49", Scheme.QD20, "H49"),
        ("0301234567", Scheme.ENTERPRISE, "0301234567"),
        ("0301234567-001", Scheme.ENTERPRISE, "0301234567-001"),
        ("schemed:abcd1234", Scheme.SCHEMED, "ABCD1234"),
    ],
)
def test_every_written_form_is_read_by_the_rule_that_is_written_down(text, scheme, code):
    unit_id = UnitId.parse(text)
    assert (unit_id.scheme, unit_id.code, str(unit_id)) == (scheme, code, code)
    assert read(text).rule.vi


@pytest.mark.parametrize(
    "text", ["h58.12.01", "  H58 . 12.01\n", "Ｈ５８．１２．０１", "H58.12.０１", "\u00a0H58.12.01"]
)
def test_case_blanks_and_full_width_forms_are_normalised(text):
    assert UnitId.parse(text) == UnitId.parse("H58.12.01")


@pytest.mark.parametrize(
    "text,name",
    [
        ("Н58.12", "U+041D CYRILLIC CAPITAL LETTER EN"),
        ("Η58", "U+0397 GREEK CAPITAL LETTER ETA"),
        ("H58\u200b.12", "U+200B ZERO WIDTH SPACE"),
        ("\u202eH58", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("H58.١٢", "U+0661 ARABIC-INDIC DIGIT ONE"),
        ("ıH58", "U+0131 LATIN SMALL LETTER DOTLESS I"),
        ("H58,12", "U+002C COMMA"),
        ("H58\x00", "U+0000"),
        ("H58。12", "U+3002 IDEOGRAPHIC FULL STOP"),
    ],
)
def test_lookalikes_and_invisible_characters_are_refused_by_name(text, name):
    with pytest.raises(UnitError, match=name.replace("+", r"\+")) as refused:
        UnitId.parse(text)
    assert refused.value.code == "EDX-UNIT-CHARACTER"
    assert name in refused.value.text.vi


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "H58.",
        ".H58",
        "H58..12",
        "H5",
        "151.H01",
        "000.01.00.H58",
        "001.00.00.H58",
        "0.01.12.H58",
        "12.H58.01",
        "H5 8",
    ],
)
def test_what_fits_no_form_is_malformed(text):
    with pytest.raises(UnitError) as refused:
        UnitId.parse(text)
    assert refused.value.code == "EDX-UNIT-MALFORMED"


@pytest.mark.parametrize("text", ["H5812", "HH58", "ABCD1234", "123456789012", "41A8012345"])
def test_what_fits_several_kinds_is_never_guessed(text):
    with pytest.raises(UnitError) as refused:
        UnitId.parse(text)
    assert refused.value.code == "EDX-UNIT-AMBIGUOUS"
    for scheme in (Scheme.ENTERPRISE, Scheme.SCHEMED):
        assert UnitId.parse(text, scheme).scheme is scheme


def test_a_reading_names_what_else_the_code_could_have_been():
    assert read("H49").alternatives == (UnitId.parse("H49", Scheme.QCVN102),)
    assert read("0301234567").alternatives == (UnitId.parse("0301234567", Scheme.SCHEMED),)
    assert read("H49.01").alternatives == ()


def test_the_stated_scheme_decides():
    assert UnitId.parse("H49", Scheme.QCVN102).code == "000.00.00.H49"
    assert UnitId.parse("qcvn102:h49").code == "000.00.00.H49"
    for text, scheme in (("000.01.12.H58", Scheme.QD20), ("H58.12.01", Scheme.QCVN102), ("qd20:H58", Scheme.QCVN102)):
        with pytest.raises(UnitError):
            UnitId.parse(text, scheme)


def test_two_spellings_are_two_values_until_converted_on_purpose():
    old, new = UnitId.parse("000.01.12.H58"), UnitId.parse("H58.12.01")
    assert old != new
    assert old.to_qd20() == new
    assert new.to_qcvn102() == old


def test_leading_zeros_are_kept():
    assert UnitId.parse("001.02.03.H04").to_qd20().code == "H04.03.02.001"


@pytest.mark.parametrize("text", ["H01.151", "H37.DN.001", "H58.12.01.001.01", "H58.1", "H58.00", "H58.12.01.01"])
def test_where_no_13_characters_exist_the_conversion_says_so(text):
    with pytest.raises(UnitError) as refused:
        UnitId.parse(text).to_qcvn102()
    assert refused.value.code == "EDX-UNIT-NO-QCVN102"
    assert text in refused.value.text.vi


def test_flat_kinds_have_no_tree():
    enterprise = UnitId.parse("0301234567")
    assert (enterprise.depth, enterprise.parent, enterprise.ancestors) == (1, None, ())
    for convert in (enterprise.to_qd20, enterprise.to_qcvn102):
        with pytest.raises(UnitError):
            convert()


def test_a_code_of_qd20_has_at_most_35_characters():
    longest = "H58." + "1" * 31
    assert UnitId.parse(longest).code == longest
    with pytest.raises(UnitError):
        UnitId.parse(longest + "1")
    with pytest.raises(UnitError):
        UnitId.parse("9" * 100_000)


@given(qcvn_groups)
def test_conversion_between_the_schemes_loses_nothing(groups):
    new = UnitId.parse(".".join(groups))
    old = new.to_qcvn102()
    assert len(old.code) == 13
    assert old.to_qd20() == new
    assert old.depth == new.depth == len(groups)
    assert old.groups == new.groups


@given(qd20, qcvn_groups)
def test_what_is_written_is_read_back_equal(text, groups):
    for unit_id in (UnitId.parse(text), UnitId.parse(".".join(groups)).to_qcvn102()):
        assert UnitId.parse(str(unit_id)) == unit_id
        assert UnitId.parse(unit_id.reference) == unit_id
        assert hash(UnitId.parse(str(unit_id))) == hash(unit_id)


@given(
    st.one_of(st.from_regex(r"[0-9]{10}(-[0-9]{3})?", fullmatch=True), st.from_regex(r"[0-9A-Z]{4,20}", fullmatch=True))
)
def test_a_reference_states_the_scheme_where_the_code_alone_would_mislead(text):
    for scheme in (Scheme.ENTERPRISE, Scheme.SCHEMED):
        if "-" in text and scheme is Scheme.SCHEMED:
            continue
        unit_id = UnitId.parse(text, scheme)
        assert UnitId.parse(unit_id.reference) == unit_id


@given(qd20)
def test_every_ancestor_contains_and_every_parent_is_one_shallower(text):
    unit_id = UnitId.parse(text)
    assert unit_id.contains(unit_id)
    assert len(unit_id.ancestors) == unit_id.depth - 1
    for above in unit_id.ancestors:
        assert above.contains(unit_id)
        assert not unit_id.contains(above)
        assert above < unit_id
    if unit_id.parent is not None:
        assert unit_id.parent.depth == unit_id.depth - 1


@given(qd20, qd20)
def test_containment_is_having_the_other_among_the_ancestors(first, second):
    one, other = UnitId.parse(first), UnitId.parse(second)
    assert one.contains(other) == (one == other or one in other.ancestors)


@given(qcvn_groups)
def test_parents_agree_in_both_schemes(groups):
    new = UnitId.parse(".".join(groups))
    old_parent = new.to_qcvn102().parent
    assert (old_parent and old_parent.to_qd20()) == new.parent


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_reader(text):
    try:
        unit_id = UnitId.parse(text)
    except UnitError:
        return
    assert unit_id.code.isascii()
    assert UnitId.parse(unit_id.reference) == unit_id


@given(st.lists(qd20, max_size=8))
def test_order_is_total_and_puts_parents_before_children(texts):
    ordered = sorted(UnitId.parse(text) for text in texts)
    for first, second in pairwise(ordered):
        assert first <= second
        assert not second.contains(first) or first == second
    assert UnitId.parse("H01.99") < UnitId.parse("H01.151")


def test_a_value_cannot_be_changed():
    unit_id = UnitId.parse("H58")
    for change in (
        lambda: setattr(unit_id, "code", "G22"),
        lambda: delattr(unit_id, "code"),
        lambda: setattr(unit_id, "x", 1),
    ):
        with pytest.raises(AttributeError):
            change()
    assert copy.deepcopy(unit_id) is unit_id
    assert pickle.loads(pickle.dumps(unit_id)) == unit_id
    assert unit_id != "H58"


def test_a_pydantic_field_reads_text_and_writes_the_code():
    class Letter(BaseModel):
        sender: UnitId

    letter = Letter(sender="000.01.12.h58")
    assert letter.sender == UnitId.parse("000.01.12.H58")
    assert letter.model_dump_json() == '{"sender":"000.01.12.H58"}'
    assert Letter.model_validate_json(letter.model_dump_json()) == letter
    assert Letter(sender=UnitId.parse("H58")).sender.code == "H58"
    assert Letter.model_json_schema()["properties"]["sender"]["type"] == "string"
    with pytest.raises(ValidationError, match="EDX-UNIT-CHARACTER"):
        Letter(sender="Н58")


@pytest.mark.skipif(not CODES.exists(), reason="the shared tables are not on this machine")
def test_every_listed_code_parses_and_converts_where_it_can():
    with CODES.open(encoding="utf-8", newline="") as stream:
        codes = [row["code"] for row in csv.DictReader(stream)]
    assert len(codes) > 170
    for text in codes:
        unit_id = UnitId.parse(text)
        assert unit_id.code == text
        if text != "H01.151":
            assert unit_id.to_qcvn102().to_qd20() == unit_id


def test_a_code_with_level_one_at_both_ends_names_the_other_reading():
    reading = read("H58.12.01.H22")
    assert reading.unit_id.groups[0] == "H58"
    assert [other.code for other in reading.alternatives] == ["H22.01.12.H58"]
    assert read("H58.12.01").alternatives == ()
