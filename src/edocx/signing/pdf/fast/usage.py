"""Who refers to an object: what a new number must never have been before, and what an overwritten one may be.

A file can name an object long before it exists: content that a page already shows, empty until a later revision
fills it. So nothing before a revision may refer to the numbers it introduces. And an object that a later revision
overwrites as one thing (a field, the form) must not have been used as another. The bytes themselves are searched, not
the graph: what cannot be found there cannot be reached by any reader.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edocx.content import PIECE
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.sections import Stored
from edocx.signing.pdf.fast.syntax import NotPlain, Ref, references_in

WINDOW = 16 * PIECE
"""Bytes searched at a time."""

OVERLAP = 64
"""Bytes searched twice, so that no reference hides between two windows."""

_REST = re.compile(
    rb"[\0\t\n\f\r ]*(?:%|\Z|(?<=[\0\t\n\f\r ])\d{1,10}[\0\t\n\f\r ]*(?:%|\Z|(?<=[\0\t\n\f\r ])R(?![A-Za-z0-9])))"
)
"""What makes a number a reference, or might: a comment or the window's end in between counts too."""

_CHEAP = 128
"""Searching a byte is so much cheaper than parsing it."""

Holders = dict[int, str | None]
"""Numbers of objects that may refer to something, and under which key; None for an array."""


@dataclass(slots=True)
class Usage:
    """What may refer to which objects, before a revision: nothing to new numbers, named holders to others."""

    new: set[int] = field(default_factory=set)
    held: dict[int, Holders] = field(default_factory=dict)

    def allow(self, number: int, holder: int, key: str | None) -> None:
        """Let an object be referred to from another, under a key."""
        self.held.setdefault(number, {})[holder] = key

    def require(self, file: Revisions, revision: int) -> None:
        """Search everything up to a revision; raise `NotPlain` where something refers to what it may not."""
        places = _Places(file, revision)
        found: Counter[tuple[int, int, int]] = Counter()
        wanted = {*self.new, *self.held}
        file.source.spend(len(wanted) * file.sections[revision].end // _CHEAP)
        for number, place in _hits(file, wanted, revision):
            holder = places.holder(place)
            if holder is not None:
                found[number, *holder] += 1
        for stream, change in places.streams:
            packed = file.packed(stream, change)
            begins = packed.begins
            names = list(packed.places)
            for number in wanted:
                for place in _occurrences(packed.data, number):
                    at = bisect_right(begins, place) - 1
                    if at < 0:
                        raise NotPlain("a reference in the head of an object stream")
                    found[number, names[at], -1 - stream * len(file.sections) - change] += 1
        for (number, holder_number, where), count in found.items():
            self._check(file, number, holder_number, where, count)

    def _check(self, file: Revisions, number: int, holder: int, where: int, count: int) -> None:
        allowed = self.held.get(number)
        if allowed is None or holder not in allowed:
            raise NotPlain("something refers to an object that was not there, or uses it otherwise")
        if where < 0:
            stream, change = divmod(-1 - where, len(file.sections))
            value = file.packed(stream, change).stored(holder).value
        else:
            value = _stored(file, holder, where).value
        key = allowed[holder]
        inside = value if key is None else (value.get(key) if isinstance(value, dict) else None)
        if not _count(value, number) == _count(inside, number) == count:
            raise NotPlain("an object is used otherwise than it seems")


class _Places:
    """Where which object of which revision begins, in the order of the file."""

    __slots__ = ("_begins", "_file", "_names", "streams")

    def __init__(self, file: Revisions, revision: int) -> None:
        self._file = file
        self.streams: set[tuple[int, int]] = set()
        listed: list[tuple[int, int, int]] = []
        for change in range(revision + 1):
            for number, entry in file.sections[change].entries().items():
                if entry is None:
                    continue
                if entry.stream:
                    self.streams.add((entry.stream, change))
                else:
                    listed.append((entry.offset, number, change))
        listed.sort()
        self._begins = [offset for offset, _, _ in listed]
        self._names = [(number, change) for _, number, change in listed]

    def holder(self, place: int) -> tuple[int, int] | None:
        """Return number and revision of the object around a place; None for the data of its stream."""
        at = bisect_right(self._begins, place) - 1
        if at < 0:
            raise NotPlain("a reference before all objects")
        number, change = self._names[at]
        stored = _stored(self._file, number, change)
        if stored.data is not None and stored.data[0] <= place < stored.data[1]:
            return None  # content, not structure; object streams are searched unpacked
        return number, change


def _stored(file: Revisions, number: int, change: int) -> Stored:
    entry = file.sections[change].find(number)[1]
    if entry is None:
        raise NotPlain("an object is missing")
    return file.stored(Ref(number, entry.generation), change)


def _count(value: Any, number: int) -> int:
    return sum(one.number == number for one in references_in(value))


def _hits(file: Revisions, wanted: set[int], revision: int) -> Iterator[tuple[int, int]]:
    stop = file.sections[revision].end
    begin = 0
    while begin < stop:
        data = file.source.read(begin, min(stop, begin + WINDOW + OVERLAP))
        for number in wanted:
            for place in _occurrences(data, number):
                if place < WINDOW:
                    yield number, begin + place
        begin += WINDOW


def _occurrences(data: bytes, number: int) -> Iterator[int]:
    needle = b"%d" % number
    place = data.find(needle)
    while place >= 0:
        if _REST.match(data, place + len(needle)) and not _goes_on_before(data, place):
            yield place
        place = data.find(needle, place + 1)


def _goes_on_before(data: bytes, place: int) -> bool:
    """Say whether digits before a place make it part of a larger number; zeros do not."""
    while place and data[place - 1] == 0x30:  # noqa: PLR2004 - zero
        place -= 1
    return place > 0 and data[place - 1 : place].isdigit()
