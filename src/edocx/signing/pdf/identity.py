"""Whether two revisions of a file say the same from some place on, everything that is referred to included.

What a viewer paints hangs together by references: a field's look by a dictionary that is an object of its own, the
letters of a font by another. Comparing the objects that somebody wrote anew with what they were misses what they mean
to others; so values are compared as they resolve, indirect and direct alike, along every path. Each object is visited
once, and an object that no later revision wrote needs no comparing, only its references do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.signing.pdf.comparison import alike

MAX_CHAIN = 8
"""Of references that stand for references; writers never make one."""

_PAINTING = frozenset({"/Resources", "/AP", "/Contents", "/Group", "/Font", "/XObject", "/Pattern"})
"""Entries below which everything may be painted: there no object is excused for what else it may be."""

Pair = tuple[Any, Any, bool]
"""The values in either revision, and whether they are reached from what is painted."""


class Identity:
    """Compares values of two revisions, the later one made of the earlier and those in between.

    ``apart`` are the objects that are judged on their own, wherever they are named but from what is painted: pages,
    fields, the catalogue.
    """

    def __init__(self, reader: PdfFileReader, before: int, after: int) -> None:
        self.old, self.new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
        self.apart: set[generic.Reference] = set()
        self.changed = frozenset(_changed(reader, before, after))
        self._seen: set[tuple[Any, Any, bool]] = set()
        self._kept: dict[int, Any] = {}
        """Direct values that were compared: a decrypted one may last for a moment only, and its place be another's."""
        budget = getattr(reader, "budget", None)
        self._check: Callable[[], object] = budget.check if budget is not None else bool

    def same_entry(self, before: generic.DictionaryObject, after: generic.DictionaryObject, name: str) -> bool:
        """Say whether an entry of two dictionaries is missing in both, or says the same."""
        if name not in before or name not in after:
            return name not in before and name not in after
        return self.same(before.raw_get(name), after.raw_get(name), painting=name in _PAINTING)

    def same_but(
        self, before: generic.DictionaryObject, after: generic.DictionaryObject, open_names: Iterable[str]
    ) -> bool:
        """Say whether two dictionaries say the same outside of some names."""
        return all(self.same_entry(before, after, name) for name in {*before, *after} - {*open_names})

    def same(self, before: Any, after: Any, *, painting: bool = False) -> bool:
        """Say whether two values say the same; raise what pyHanko raises for damaged ones."""
        seen: set[tuple[Any, Any, bool]] = set()
        waiting: list[Pair] = [(before, after, painting)]
        while waiting:
            one, other, painted = waiting.pop()
            is_reference = isinstance(one, generic.IndirectObject)
            if is_reference or isinstance(other, generic.IndirectObject):
                if is_reference and not painted and self._is_apart(one, other):
                    continue
                self._kept |= {id(value): value for value in (one, other)}
                mark = (_mark(one), _mark(other), painted)
                if mark in seen or mark in self._seen or (*mark[:2], True) in self._seen:
                    continue
                seen.add(mark)
                self._check()
                one, other = self._values(one, other)
            if one is other:
                waiting += [(raw, raw, painted or name in _PAINTING) for name, raw in _held(one)]
            elif not _alike(one, other):
                return False
            else:
                waiting += [(a, b, painted or name in _PAINTING) for name, a, b in _pairs(one, other)]
        self._seen |= seen
        return True

    def value(self, raw: Any, *, later: bool) -> Any:
        """Return what a value resolves to in the earlier or the later revision; null for an object that is not there.

        Raises ``ValueError`` for references without end.
        """
        resolver = self.new if later else self.old
        for _ in range(MAX_CHAIN):
            if not isinstance(raw, generic.IndirectObject):
                return raw
            raw = _object(resolver, raw.reference)
        raise ValueError("references without end")

    def entry(self, holder: generic.DictionaryObject, name: str, *, later: bool) -> Any:
        """Return what an entry resolves to; null for none."""
        return self.value(holder.raw_get(name), later=later) if name in holder else generic.NullObject()

    def _is_apart(self, one: generic.IndirectObject, other: Any) -> bool:
        return _mark(one) == _mark(other) and one.reference in self.apart

    def _values(self, one: Any, other: Any) -> tuple[Any, Any]:
        if _mark(one) == _mark(other) and one.reference not in self.changed:
            found = _object(self.old, one.reference)
            if not isinstance(found, generic.IndirectObject):
                return found, found
        return self.value(one, later=False), self.value(other, later=True)


def _changed(reader: PdfFileReader, before: int, after: int) -> Iterator[generic.Reference]:
    for revision in range(before + 1, after + 1):
        yield from reader.xrefs.explicit_refs_in_revision(revision)
        yield from reader.xrefs.refs_freed_in_revision(revision)


def _object(resolver: HistoricalResolver, reference: generic.Reference) -> Any:
    if resolver.reader.xrefs.get_historical_ref(reference, resolver.revision) is None:
        return generic.NullObject()
    return resolver(reference)


def _mark(value: Any) -> tuple[int, int]:
    # What is no reference is known by its place in memory, where `Identity` keeps it; -1 is no generation.
    return (value.idnum, value.generation) if isinstance(value, generic.IndirectObject) else (id(value), -1)


def _held(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a value of both revisions holds, undecrypted: a reference is none of what is encrypted."""
    if isinstance(value, generic.DecryptedObjectProxy):
        value = value.raw_object
    if isinstance(value, generic.DictionaryObject):
        yield from ((name, held) for name, held in value.items() if _may_refer(held))
    elif isinstance(value, generic.ArrayObject):
        yield from (("", held) for held in list.__iter__(value) if _may_refer(held))


def _may_refer(value: Any) -> bool:
    return isinstance(
        value,
        generic.IndirectObject | generic.DictionaryObject | generic.ArrayObject | generic.DecryptedObjectProxy,
    )


def _alike(one: Any, other: Any) -> bool:
    """Say whether two values are the same but for what they hold."""
    if isinstance(one, generic.StreamObject) or isinstance(other, generic.StreamObject):
        both = isinstance(one, generic.StreamObject) and isinstance(other, generic.StreamObject)
        return both and one.encoded_data == other.encoded_data and one.keys() == other.keys()
    if isinstance(one, generic.DictionaryObject):
        return isinstance(other, generic.DictionaryObject) and one.keys() == other.keys()
    if isinstance(one, generic.ArrayObject):
        return isinstance(other, generic.ArrayObject) and len(one) == len(other)
    return alike(one, other)


def _pairs(one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, generic.DictionaryObject):
        own = {"/Length"} if isinstance(one, generic.StreamObject) else set()
        yield from ((name, one.raw_get(name), other.raw_get(name)) for name in one if name not in own)
    elif isinstance(one, generic.ArrayObject):
        yield from (("", one.raw_get(place), other.raw_get(place)) for place in range(len(one)))
