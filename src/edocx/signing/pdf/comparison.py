"""Whether two PDF objects say the same, byte for byte, without following references."""

from __future__ import annotations

import re
from typing import Any

from pyhanko.pdf_utils import generic

MAX_DEPTH = 40
"""Of direct objects in one another."""

MAX_BLANKS, MAX_FILLED = 20, 200
"""Blanks in a field's value, and characters that fill them: a date has three, and some ten."""

_BLANK = re.compile(r"\s{2,}|\.{3,}|…+|_{3,}")


def fills_blanks(before: str, after: str) -> bool:
    """Say whether a value is an earlier one with its blanks filled: “ngày      tháng      năm 2023”, dots, underscores.

    An empty value is one blank; without any, the values must be the same.
    """
    if before in {"", after}:
        return True
    pieces = [piece.strip() for piece in _BLANK.split(before)]
    if len(pieces) == 1 or len(pieces) > MAX_BLANKS or len(after) > len(before) + MAX_FILLED:
        return False
    place = 0
    for piece in pieces:  # left to right, each after the one before: no pattern that a long value could exhaust
        place = after.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return after.startswith(pieces[0]) and after.endswith(pieces[-1])


def same_but(before: generic.DictionaryObject, after: generic.DictionaryObject, open_names: frozenset[str]) -> bool:
    """Say whether two dictionaries are the same outside of some names."""
    names = (set(before) | set(after)) - open_names
    return all(name in before and name in after and same(before.raw_get(name), after.raw_get(name)) for name in names)


def same(before: Any, after: Any, depth: int = 0) -> bool:
    """Say whether two objects are the same, of the same types; references are by their numbers, not followed."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(before, generic.IndirectObject) or isinstance(after, generic.IndirectObject):
        return (
            isinstance(before, generic.IndirectObject)
            and isinstance(after, generic.IndirectObject)
            and (before.idnum, before.generation) == (after.idnum, after.generation)
        )
    if isinstance(before, generic.StreamObject) and not (
        isinstance(after, generic.StreamObject) and before.encoded_data == after.encoded_data
    ):
        return False
    if isinstance(before, generic.DictionaryObject):
        return (
            isinstance(after, generic.DictionaryObject)
            and before.keys() == after.keys()
            and all(same(before.raw_get(name), after.raw_get(name), depth + 1) for name in before)
        )
    if isinstance(before, generic.ArrayObject):
        return (
            isinstance(after, generic.ArrayObject)
            and len(before) == len(after)
            and all(same(one, other, depth + 1) for one, other in zip(before, after, strict=True))
        )
    return alike(before, after)


def alike(one: Any, other: Any) -> bool:
    """Say whether two plain values are the same: strings by their bytes, for whoever paints reads no letters."""
    if type(one) is not type(other):
        return False
    if isinstance(one, generic.TextStringObject):
        return bool(one == other) and one.autodetected_encoding == other.autodetected_encoding
    return bool(one == other)


def resolved(holder: generic.DictionaryObject, name: str, missing: Any = None) -> Any:
    """Return an entry, or what it refers to: ``get`` of pyHanko's dictionaries gives the reference itself."""
    return holder[name] if name in holder else missing  # noqa: SIM401 - see above
