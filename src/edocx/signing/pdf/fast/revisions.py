"""A PDF as its revisions: which object is what in which of them."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Self

from edocx.signing.pdf.fast.sections import Section, Stored, inflate, read_object, read_section
from edocx.signing.pdf.fast.source import Source
from edocx.signing.pdf.fast.syntax import NotPlain, Ref, parse
from edocx.signing.pdf.linearised import may_be_linearised

MAX_REVISIONS = 200
"""A document of many signers has some dozens."""

MAX_FIELDS = 1_000
"""All of them are looked at in every revision."""

MAX_PAGE_DEPTH = 30
TAIL = 1024
"""Bytes before the end in which ``startxref`` is looked for (ISO 32000-1 Annex H, implementation note 18)."""

MAX_INSIDE = 100_000
"""Objects in one object stream; writers put a hundred or two."""

_HEADER = re.compile(rb"%PDF-[12]\.\d[\r\n]")
_START = re.compile(rb"startxref[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+%%EOF[\0\t\n\f\r ]*\Z")


@dataclass(frozen=True, slots=True)
class Packed:
    """An object stream (ISO 32000-2 7.5.7): its data, and where in it which object begins, in their order."""

    data: bytes
    places: dict[int, int]
    begins: list[int]

    @classmethod
    def unpack(cls, data: bytes, about: dict[str, Any]) -> Self:
        """Read the head of an object stream; raise `NotPlain`."""
        count, first = about.get("N"), about.get("First")
        if about.get("Type") != "ObjStm" or type(count) is not int or type(first) is not int:
            raise NotPlain("no object stream")
        if not (0 <= count <= MAX_INSIDE and 0 <= first <= len(data)):
            raise NotPlain("a malformed object stream")
        head = data[:first].split()
        if len(head) != 2 * count or not all(one.isdigit() for one in head):
            raise NotPlain("a malformed object stream")
        places = {int(number): first + int(place) for number, place in zip(head[::2], head[1::2], strict=True)}
        begins = list(places.values())
        if len(places) != count or begins != sorted(begins):
            raise NotPlain("an object stands twice, or out of order")
        return cls(data, places, begins)

    def stored(self, number: int) -> Stored:
        """Return an object; raise `NotPlain` when it is not here, or runs into the next."""
        place = self.places.get(number)
        if place is None:
            raise NotPlain("an object is not in its stream")
        parsed = parse(self.data, place)
        after = bisect_right(self.begins, place)
        if after < len(self.begins) and self.begins[after] < parsed.end:
            raise NotPlain("objects overlap")
        return Stored(number, 0, parsed, parsed.start, parsed.end, within=self.data)


@dataclass(slots=True)
class Revisions:
    """A file with its sections, the oldest first."""

    source: Source
    sections: list[Section]
    _stored: dict[tuple[int, int], Stored] = field(default_factory=dict)
    _packed: dict[tuple[int, int], Packed] = field(default_factory=dict)

    @classmethod
    def read(cls, source: Source) -> Self:
        """Follow the sections from the end of the file; raise `NotPlain`.

        Each must begin before the one that names it: linearised files, and loops, are left to others.
        """
        if not _HEADER.match(source.read(0, 16)) or may_be_linearised(source.read, source.size):
            raise NotPlain("no header at the beginning, or a file that is read from its front")
        last = _START.search(source.read(max(0, source.size - TAIL), source.size))
        if last is None:
            raise NotPlain("no startxref at the end")
        sections: list[Section] = []
        start, bound = int(last[1]), source.size
        while True:
            if not 0 < start < bound or len(sections) >= MAX_REVISIONS:
                raise NotPlain("sections out of order")
            section = read_section(source, start)
            if section.end > bound:
                raise NotPlain("sections overlap")
            sections.append(section)
            previous = section.trailer.get("Prev")
            if previous is None:
                break
            if type(previous) is not int:
                raise NotPlain("a malformed trailer")
            start, bound = previous, section.start
        sections.reverse()
        for older, newer in itertools.pairwise(sections):
            if newer.size < older.size or newer.trailer.get("Root") != older.trailer.get("Root"):
                raise NotPlain("a catalogue exchanged, or objects lost")
        return cls(source, sections)

    @property
    def newest(self) -> int:
        """The number of the newest revision; the oldest is 0."""
        return len(self.sections) - 1

    @property
    def root_reference(self) -> Ref:
        """Where the catalogue is, in every revision."""
        return _reference(self.sections[-1].trailer.get("Root"))

    def root(self, revision: int) -> dict[str, Any]:
        """Return the catalogue of a revision."""
        return self.dictionary(self.root_reference, revision)

    def last_change(self, number: int, revision: int) -> int | None:
        """Return the newest revision up to ``revision`` that speaks of an object; None when none does."""
        for place in range(revision, -1, -1):
            if self.sections[place].find(number)[0]:
                return place
        return None

    def value(self, reference: Ref, revision: int) -> Any:
        """Return what a reference stands for in a revision; of a stream, its dictionary."""
        return self.stored(reference, revision).value

    def resolved(self, value: Any, revision: int) -> Any:
        """Return a value, or what it refers to."""
        return self.value(value, revision) if isinstance(value, Ref) else value

    def dictionary(self, value: Any, revision: int) -> dict[str, Any]:
        """Return a dictionary, given itself or by reference; raise `NotPlain` for anything else."""
        found = self.resolved(value, revision)
        if not isinstance(found, dict):
            raise NotPlain("a dictionary is missing")
        return found

    def array(self, value: Any, revision: int) -> list[Any]:
        """Return an array, given itself or by reference; raise `NotPlain` for anything else."""
        found = self.resolved(value, revision)
        if not isinstance(found, list):
            raise NotPlain("an array is missing")
        return found

    def stored(self, reference: Ref, revision: int) -> Stored:
        """Return an object of a revision as it stands in the file; raise `NotPlain` when it is not there."""
        reference = _reference(reference)
        change = self.last_change(reference.number, revision)
        entry = None if change is None else self.sections[change].find(reference.number)[1]
        if change is None or entry is None:
            raise NotPlain("an object is missing")
        key = (reference.number, change)
        if key not in self._stored:
            if entry.stream:
                stored = self.packed(entry.stream, change).stored(reference.number)
                self.source.spend(stored.end - stored.begin)
            else:
                # An object lies before the section that speaks of it.
                stored = read_object(self.source, entry.offset, limit=self._limit(change))
                if stored.number != reference.number or stored.generation != entry.generation:
                    raise NotPlain("another object stands there")
            self._stored[key] = stored
        if self._stored[key].generation != reference.generation:
            raise NotPlain("another generation")
        return self._stored[key]

    def packed(self, stream: int, revision: int) -> Packed:
        """Return an object stream as a revision has it; it may be of an earlier one."""
        change = self.last_change(stream, revision)
        entry = None if change is None else self.sections[change].find(stream)[1]
        if change is None or entry is None or entry.stream:
            raise NotPlain("an object stream is missing")
        key = (stream, change)
        if key not in self._packed:
            stored = read_object(self.source, entry.offset, limit=self._limit(change))
            if (stored.number, stored.generation) != (stream, entry.generation) or "Extends" in stored.value:
                raise NotPlain("another object stands there")
            self._packed[key] = Packed.unpack(inflate(self.source, stored), stored.value)
        return self._packed[key]

    def raw(self, stored: Stored) -> bytes:
        """Return the bytes of an object's value, as they stand."""
        begin, end = stored.parsed.start, stored.parsed.end
        return stored.within[begin:end] if stored.within is not None else self.source.read(begin, end)

    def fields(self, revision: int) -> list[tuple[Ref, dict[str, Any]]]:
        """Return the form's fields; raise `NotPlain` for hierarchies of fields."""
        form = self.root(revision).get("AcroForm")
        if form is None:
            return []
        listed = self.array(self.dictionary(form, revision).get("Fields", []), revision)
        if len(listed) > MAX_FIELDS or len({*listed} if all(isinstance(r, Ref) for r in listed) else ()) != len(listed):
            raise NotPlain("too many fields, or one twice")
        found = [(reference, self.dictionary(reference, revision)) for reference in listed]
        for _, one in found:
            if "Kids" in one or "Parent" in one or not isinstance(one.get("T"), bytes) or "FT" not in one:
                raise NotPlain("fields within fields")
        return found

    def page(self, index: int, revision: int) -> Ref:
        """Return the reference of a page by its index, counted from 0; raise `NotPlain`."""
        reference = _reference(self.root(revision).get("Pages"))
        for _ in range(MAX_PAGE_DEPTH):
            node = self.dictionary(reference, revision)
            if node.get("Type") == "Page" and index == 0:
                return reference
            reference, index = self._descend(node, index, revision)
        raise NotPlain("a page tree too deep")

    def in_page_tree(self, reference: Ref, revision: int) -> bool:
        """Say whether a page hangs in the tree that begins at the catalogue, climbing from the page upwards."""
        top = _reference(self.root(revision).get("Pages"))
        for _ in range(MAX_PAGE_DEPTH):
            if reference == top:
                return True
            above = _reference(self.dictionary(reference, revision).get("Parent"))
            if reference not in self.array(self.dictionary(above, revision).get("Kids"), revision):
                return False
            reference = above
        return False

    def inherited(self, page: Ref, key: str, revision: int) -> Any:
        """Return an entry of a page, its own or of the nodes above it (ISO 32000-2 7.7.3.4); None without any."""
        node = self.dictionary(page, revision)
        for _ in range(MAX_PAGE_DEPTH):
            if key in node:
                return self.resolved(node[key], revision)
            if "Parent" not in node:
                return None
            node = self.dictionary(node["Parent"], revision)
        raise NotPlain("a page tree too deep")

    def _descend(self, node: dict[str, Any], index: int, revision: int) -> tuple[Ref, int]:
        if node.get("Type") != "Pages":
            raise NotPlain("no page tree")
        kids = self.array(node.get("Kids"), revision)
        if node.get("Count") == len(kids) and index < len(kids):  # every kid is a page
            return _reference(kids[index]), 0
        for kid in kids:
            below = self.dictionary(kid, revision)
            count = below.get("Count") if below.get("Type") == "Pages" else 1
            if type(count) is not int or count < 0:
                raise NotPlain("a malformed page tree")
            if index < count:
                return _reference(kid), index
            index -= count
        raise NotPlain("no such page")

    def _limit(self, revision: int) -> int:
        return self.sections[revision].end


def _reference(value: Any) -> Ref:
    if not isinstance(value, Ref):
        raise NotPlain("a reference is missing")
    return value
