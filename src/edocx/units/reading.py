"""How text is read as a unit code, and by which rule.

Without a scheme the first rule that fits decides:

1. ``ddd.dd.dd.Ldd`` (L a letter, d a digit): QCVN 102, leaf first.
2. ``Ldd`` alone or followed by groups: QĐ 20 Điều 4, root first. A single group could be the short form
   of QCVN 102's level 1; the reading names it as its alternative. Where the last group too is ``Ldd``
   (``H58.12.01.H22``), the same groups read leaf first are the alternative.
3. One or two groups of two digits before ``Ldd`` (``28.22.H17``): QCVN 102 with its unused groups left out.
4. Ten digits, or ten digits, a hyphen and three: the registration number of an enterprise (Điều 5).

A code of Điều 6 (scheme and code without a separator) looks like many a slip of the pen and is read only
when the scheme is stated. Anything else is refused: ``EDX-UNIT-AMBIGUOUS`` when naming the scheme would
help, else ``EDX-UNIT-MALFORMED``.

``qd20:…``, ``qcvn102:…``, ``enterprise:…`` and ``schemed:…`` state the scheme in the text itself.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from edocx.errors import Text, UnitError
from edocx.units.unit_id import MAX_FLAT, MAX_QD20, Scheme, UnitId, _enterprise, _has_gap, _make

MAX_TEXT = 200
"""Longest text looked at: against work and messages that grow with hostile input."""

_qcvn102 = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}").fullmatch
_qcvn102_short = re.compile(r"(?:[0-9]{2}\.){0,2}[A-Z][0-9]{2}").fullmatch
_qd20 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9A-Z]+)*").fullmatch
_level_one = re.compile(r"[A-Z][0-9]{2}").fullmatch
_leaf_first = re.compile(r"(?:[0-9A-Z]+\.)+[A-Z][0-9]{2}").fullmatch
_enterprise_stated = re.compile(rf"[0-9A-Z](?:[0-9A-Z-]{{2,{MAX_FLAT - 2}}})[0-9A-Z]").fullmatch
_schemed_stated = re.compile(rf"[0-9A-Z]{{2,{MAX_FLAT}}}").fullmatch
_around_dots = re.compile(r" *([.:-]) *")

_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(0x5E)} | {0x3000: 0x20, 0xA0: 0x20}
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.- :")


@dataclass(frozen=True, slots=True)
class Reading:
    """A code as it was read: the value, the rule that chose its scheme, and what else it could have been."""

    unit_id: UnitId
    rule: Text
    alternatives: tuple[UnitId, ...] = ()


def read(text: str | UnitId, scheme: Scheme | None = None) -> Reading:
    """Read a code and say by which rule; raise `UnitError` as `UnitId.parse` does."""
    if isinstance(text, UnitId):
        if scheme is None or scheme is text.scheme:
            return Reading(text, Text("đã là mã định danh", "already an identifier"))
        text = text.code
    code = clean(text)
    stated, colon, rest = code.partition(":")
    if colon:
        named = _SCHEME_NAMES.get(stated)
        if named is None or (scheme is not None and scheme is not named):
            raise _malformed(code, Text("tiền tố bộ mã không đúng", "the scheme prefix is not right"))
        scheme, code = named, rest
    if scheme is not None:
        return Reading(_read_stated(code, scheme), Text("bộ mã do người gọi nêu", "the scheme was stated"))
    return _read_unstated(code)


def clean(text: str) -> str:
    """Normalise case, blanks and full-width forms; refuse, by its name, a character no code can hold."""
    if len(text) > MAX_TEXT:
        raise UnitError(
            Text(f"Mã dài {len(text)} ký tự.", f"The code has {len(text)} characters."),
            hint=Text(f"Mã định danh dài nhất {MAX_QD20} ký tự.", f"A code has at most {MAX_QD20} characters."),
            code="EDX-UNIT-MALFORMED",
        )
    plain = text.translate(_FULL_WIDTH).strip(" \t\r\n")
    for place, char in enumerate(plain, start=1):
        # Judged before upper(): 'ı'.upper() is 'I', and a lookalike must not become the letter it imitates.
        if not char.isascii() or char.upper() not in _ALLOWED:
            raise _bad_character(char, place)
    return _around_dots.sub(r"\1", plain.upper())


def _read_unstated(code: str) -> Reading:
    if _qcvn102(code):
        return Reading(
            _read_qcvn102(code), Text("13 ký tự, lá trước (QCVN 102)", "13 characters, leaf first (QCVN 102)")
        )
    if _qd20(code):
        others = (_make(f"000.00.00.{code}", Scheme.QCVN102),) if "." not in code else _from_the_end(code)
        rule = Text("gốc trước (QĐ 20/2020 Điều 4)", "root first (QĐ 20/2020 Article 4)")
        return Reading(_read_qd20(code), rule, others)
    if _qcvn102_short(code):
        rule = Text("dạng rút gọn, lá trước (QCVN 102)", "short form, leaf first (QCVN 102)")
        return Reading(_read_qcvn102(code), rule)
    if _enterprise(code):
        others = (_make(code, Scheme.SCHEMED),) if code.isdigit() else ()
        rule = Text("10 chữ số: mã số doanh nghiệp (Điều 5)", "10 digits: an enterprise number (Article 5)")
        return Reading(_make(code, Scheme.ENTERPRISE), rule, others)
    raise _refusal(code)


def _from_the_end(code: str) -> tuple[UnitId, ...]:
    """Return the reading leaf first of a code with level-1 codes at both ends: whoever wrote it may have meant that."""
    groups = code.split(".")
    if not _level_one(groups[-1]):
        return ()
    return (_make(".".join(reversed(groups)), Scheme.QD20),)


def _read_stated(code: str, scheme: Scheme) -> UnitId:
    match scheme:
        case Scheme.QCVN102:
            return _read_qcvn102(code)
        case Scheme.QD20:
            return _read_qd20(code)
        case Scheme.ENTERPRISE:
            if _enterprise_stated(code):
                return _make(code, scheme)
        case Scheme.SCHEMED:
            if _schemed_stated(code):
                return _make(code, scheme)
    raise _malformed(code, Text(f"không đúng dạng {scheme.label.vi}", f"not in the form of {scheme.label.en}"))


def _read_qcvn102(code: str) -> UnitId:
    if _qcvn102_short(code):
        code = "000.00.00."[: 13 - len(code)] + code
    elif not _qcvn102(code):
        raise _malformed(
            code,
            Text(
                "QCVN 102 cần 3.2.2 chữ số rồi một chữ và 2 chữ số, ví dụ 000.01.12.H58",
                "QCVN 102 wants 3.2.2 digits, then a letter and 2 digits, as in 000.01.12.H58",
            ),
        )
    if _has_gap(code):
        raise _malformed(
            code,
            Text(
                "cấp dưới có mã mà cấp trên bỏ trống (toàn số 0)",
                "a lower level has a number while one above it is unused (all zeros)",
            ),
        )
    return _make(code, Scheme.QCVN102)


def _read_qd20(code: str) -> UnitId:
    if len(code) > MAX_QD20:
        raise _malformed(
            code, Text(f"{len(code)} ký tự, tối đa {MAX_QD20}", f"{len(code)} characters, at most {MAX_QD20}")
        )
    if not _qd20(code):
        raise _malformed(
            code,
            Text(
                "QĐ 20/2020 cần mã cấp 1 (một chữ, 2 chữ số) rồi các nhóm cách nhau bằng dấu chấm, ví dụ H58.12.01",
                "QĐ 20/2020 wants a level-1 code (a letter, 2 digits), then groups after dots, as in H58.12.01",
            ),
        )
    return _make(code, Scheme.QD20)


def _refusal(code: str) -> UnitError:
    if not code:
        return _malformed(code, Text("mã để trống", "the code is empty"))
    if _leaf_first(code):
        return _malformed(
            code,
            Text(
                "mã lá trước chỉ có nhóm 2 chữ số (cấp 2, 3) và 3 chữ số (cấp 4, khi đủ 13 ký tự)",
                "a leaf-first code has groups of 2 digits (levels 2, 3) and of 3 (level 4, in the full 13 characters)",
            ),
        )
    if "." not in code and _enterprise_stated(code):
        return UnitError(
            Text(
                f"Mã {_shown(code)} có thể thuộc nhiều bộ mã (Điều 4, 5, 6 QĐ 20/2020).",
                f"{_shown(code)} fits several kinds of code (QĐ 20/2020 Articles 4, 5, 6).",
            ),
            hint=Text(
                "Nêu rõ bộ mã, ví dụ enterprise:…, schemed:…, hoặc thêm dấu chấm còn thiếu.",
                "State the scheme, as in enterprise:… or schemed:…, or add the missing dots.",
            ),
            code="EDX-UNIT-AMBIGUOUS",
        )
    return _malformed(code, Text("không có mã cấp 1 ở đầu hay ở cuối", "no level-1 code stands at either end"))


def _bad_character(char: str, place: int) -> UnitError:
    # Control characters have no name.
    name = f" {unicodedata.name(char)}" if unicodedata.name(char, "") else ""
    looks = _LOOKALIKES.get(char)
    like_vi = f", trông giống chữ {looks}" if looks else ""
    like_en = f", which looks like {looks}" if looks else ""
    return UnitError(
        Text(
            f"Ký tự thứ {place} là U+{ord(char):04X}{name}{like_vi}; mã chỉ gồm A-Z, 0-9 và dấu chấm.",
            f"Character {place} is U+{ord(char):04X}{name}{like_en}; a code has only A-Z, 0-9 and dots.",
        ),
        hint=Text("Gõ lại mã bằng bàn phím Latin, không sao chép.", "Type the code anew instead of pasting it."),
        code="EDX-UNIT-CHARACTER",
        where=f"character {place}",
    )


def _malformed(code: str, why: Text) -> UnitError:
    return UnitError(
        Text(f"{_shown(code)} không phải mã định danh: {why.vi}.", f"{_shown(code)} is no unit code: {why.en}."),
        hint=Text("Kiểm tra lại mã với nơi cấp.", "Check the code with whoever issued it."),
        code="EDX-UNIT-MALFORMED",
    )


def _shown(code: str) -> str:
    return f"“{code}”" if len(code) <= MAX_QD20 else f"“{code[:MAX_QD20]}…”"


_SCHEME_NAMES = {scheme.name: scheme for scheme in Scheme}

_LOOKALIKES = dict(
    zip("АВСЕНІЈКМОРЅТХУΑΒΕΗΙΚΜΝΟΡΤΥΧΖавсеһіјкорѕтхуοОo", "ABCEHIJKMOPSTXYABEHIKMNOPTYXZabcehijkopstxyoOo", strict=True)
)
"""Letters of other alphabets that pass for Latin ones; only names in a message come from here."""
