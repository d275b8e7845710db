"""Whether two PDF objects say the same, byte for byte, without following references."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import generic

MAX_DEPTH = 40
"""Of direct objects in one another."""


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
    return type(before) is type(after) and bool(before == after)


def resolved(holder: generic.DictionaryObject, name: str, missing: Any = None) -> Any:
    """Return an entry, or what it refers to: ``get`` of pyHanko's dictionaries gives the reference itself."""
    return holder[name] if name in holder else missing  # noqa: SIM401 - see above
