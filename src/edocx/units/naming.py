"""Names that pass for an agency of level 1: compared without case, diacritics, dots and the words that lists vary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from edocx.errors import Text
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.search import fold
from edocx.units.unit import LOCAL
from edocx.units.unit_id import UnitId

_no_latin_letter = re.compile(r"[^\W\d_A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]").search
"""Finds a letter outside the blocks of Latin letters that Vietnamese and its neighbours use."""

_short = re.compile(r"\bubnd\b").sub
_kind = re.compile(r"\b(uy ban nhan dan) (?:tinh|thanh pho|tp)\b").sub
_no_word = re.compile(r"[^a-z0-9]+").sub


def bare_name(name: str) -> str:
    """Return what a name shares with others that people take for the same.

    Case, diacritics, punctuation and blanks go; so do "tỉnh" and "thành phố" after "Ủy ban nhân dân" ("UBND").
    """
    words = _no_word(" ", fold(name)).strip()
    return _kind(r"\1", _short("uy ban nhan dan", words))


def foreign_letter(name: str) -> str | None:
    """Return the first letter of a name that is not Latin, as ``U+0421``, or None."""
    found = _no_latin_letter(name)
    return None if found is None else f"U+{ord(found[0]):04X}"


def codes_of(unit: UnitHistory) -> list[UnitId]:
    """Return every code that a unit holds or held, in both schemes."""
    return [code for code in (*unit.values("code"), *unit.values("code102")) if code is not None]


def level_one(unit: UnitHistory) -> bool:
    """Say whether a unit holds codes of level 1 and no others."""
    codes = codes_of(unit)
    return bool(codes) and all(code.depth == 1 for code in codes)


def misleading_names(units: Iterable[UnitHistory], vouched: MemoryDirectory) -> Iterator[tuple[str, Text]]:
    """Yield of local units, by identity, names with letters that are not Latin and names of agencies of level 1."""
    borne: dict[str, set[str]] = {}
    for one in vouched:
        if level_one(one):
            for name in filter(None, one.values("name")):
                borne.setdefault(bare_name(name), set()).add(one.identity)
    for unit in units:
        if unit.authority != LOCAL:
            continue
        for name in dict.fromkeys(filter(None, unit.values("name"))):
            letter = foreign_letter(name)
            if letter is not None:
                yield (
                    unit.identity,
                    Text(
                        f"tên có chữ không thuộc bảng chữ Latinh ({letter}), trông như chữ khác.",
                        f"its name holds a letter that is not Latin ({letter}) and may look like another.",
                    ),
                )
            if borne.get(bare_name(name), {unit.identity}) - {unit.identity}:
                yield (
                    unit.identity,
                    Text("tên trùng với tên một cơ quan cấp 1.", "its name is that of an agency of level 1."),
                )
