"""A revision appended to a PDF (ISO 32000-2 7.5.6): objects, a cross-reference section of the same kind, a trailer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.sections import Stored
from edocx.signing.pdf.fast.syntax import NotPlain, Ref, parse

_OFFSET = 8
"""Bytes of an offset in a cross-reference stream."""


@dataclass(slots=True)
class Update:
    """The objects of a new revision, in the order in which they are written."""

    file: Revisions
    _objects: list[tuple[Ref, bytes]] = field(default_factory=list)
    _next: int = 0

    def __post_init__(self) -> None:
        # A /Size that is too small would give new objects the numbers of old ones, and blank the page that is signed.
        self._next = self.file.sections[-1].size
        if any(section.highest >= self._next for section in self.file.sections):
            raise NotPlain("objects beyond the size")

    def reserve(self) -> Ref:
        """Take the next free object number."""
        self._next += 1
        return Ref(self._next - 1, 0)

    def put(self, reference: Ref, value: bytes) -> None:
        """Write an object, new or in place of an older one; raise `NotPlain` when it is written twice."""
        if any(held == reference for held, _ in self._objects):
            raise NotPlain("one object in two roles")
        self._objects.append((reference, value))

    def add(self, value: bytes) -> Ref:
        """Write a new object and return its reference."""
        reference = self.reserve()
        self.put(reference, value)
        return reference

    def build(self, identity: bytes) -> tuple[bytes, int]:
        """Return the bytes to append to the file, and how many of them are objects.

        ``identity`` becomes the second half of the file's /ID.
        """
        file = self.file
        base = file.source.size
        parts = [b"" if file.source.read(base - 1, base) in {b"\n", b"\r"} else b"\n"]
        place = base + len(parts[0])
        offsets: dict[Ref, int] = {}
        for reference, value in self._objects:
            one = b"%d %d obj\n%s\nendobj\n" % (*reference, value)
            offsets[reference] = place
            parts.append(one)
            place += len(one)
        parts.append(self._section(offsets, place, identity))
        return b"".join(parts), place - base

    def _section(self, offsets: dict[Ref, int], place: int, identity: bytes) -> bytes:
        newest = self.file.sections[-1]
        own = self.reserve() if newest.number else None
        if own is not None:
            offsets[own] = place
        trailer = b"/Size %d/Root %s%s/ID[%s]/Prev %d" % (
            self._next,
            written(newest.trailer.get("Root")),
            b"/Info " + written(newest.trailer["Info"]) if "Info" in newest.trailer else b"",
            _identifiers(newest.trailer.get("ID"), identity),
            newest.start,
        )
        runs = _runs(offsets)
        end = b"\nstartxref\n%d\n%%%%EOF\n" % place
        if own is None:
            rows = b"".join(
                b"%d %d\n%s"
                % (run[0].number, len(run), b"".join(b"%010d %05d n \n" % (offsets[r], r.generation) for r in run))
                for run in runs
            )
            return b"xref\n0 1\n0000000000 65535 f \n%strailer\n<<%s>>%s" % (rows, trailer, end)
        entries = b"".join(
            b"\x01" + offsets[r].to_bytes(_OFFSET, "big") + r.generation.to_bytes(2, "big")
            for r in itertools.chain.from_iterable(runs)
        )
        index = b" ".join(b"%d %d" % (run[0].number, len(run)) for run in runs)
        return b"%d 0 obj\n<</Type/XRef%s/W[1 %d 2]/Index[%s]/Length %d>>\nstream\n%s\nendstream\nendobj%s" % (
            own.number, trailer, _OFFSET, index, len(entries), entries, end,
        )  # fmt: skip


def written(value: Any) -> bytes:
    """Write a reference; raise `NotPlain` for anything else."""
    if not isinstance(value, Ref):
        raise NotPlain("a reference is missing")
    return b"%d %d R" % value


def text(value: str) -> bytes:
    """Write a text string (7.9.2.2): ASCII as it is, anything else as UTF-16."""
    if value.isascii() and value.isprintable():
        escaped = value.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return b"(" + escaped.encode("ascii") + b")"
    return b"<FEFF" + value.encode("utf-16-be").hex().upper().encode() + b">"


@dataclass(frozen=True, slots=True)
class Draft:
    """A dictionary about to be written again: all that is not set stays byte for byte what it was."""

    raw: bytes
    value: dict[str, Any]
    spans: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, file: Revisions, stored: Stored) -> Draft:
        """Take an object that is a dictionary; raise `NotPlain` for any other."""
        if stored.data is not None or not isinstance(stored.value, dict):
            raise NotPlain("no dictionary to change")
        start = stored.parsed.start
        spans = {key: (begin - start, end - start) for key, (begin, end) in stored.parsed.spans.items()}
        return cls(file.raw(stored), stored.value, spans)

    def inner(self, key: str) -> Draft:
        """Take a dictionary that stands directly in this one."""
        parsed = parse(self[key], 0)
        if not isinstance(parsed.value, dict) or parsed.start:
            raise NotPlain("no dictionary to change")
        return Draft(self[key], parsed.value, parsed.spans)

    def __getitem__(self, key: str) -> bytes:
        """Return the bytes of an entry."""
        begin, end = self.spans[key]
        return self.raw[begin:end]

    def set(self, entries: dict[str, bytes]) -> bytes:
        """Return the dictionary's bytes with entries replaced or added."""
        raw = self.raw
        for key in sorted(self.spans.keys() & entries.keys(), key=lambda one: self.spans[one], reverse=True):
            begin, end = self.spans[key]
            raw = raw[:begin] + b" " + entries[key] + raw[end:]
        added = b"".join(b"/%s %s" % (key.encode("ascii"), entries[key]) for key in entries if key not in self.spans)
        return raw[:-2] + added + b">>"


def with_item(array: bytes, item: bytes) -> bytes:
    """Return an array's bytes with one item more."""
    if not (array.startswith(b"[") and array.endswith(b"]")):
        raise NotPlain("no array to add to")
    return array[:-1] + b" " + item + b"]"


def _runs(offsets: dict[Ref, int]) -> list[list[Ref]]:
    runs: list[list[Ref]] = []
    for reference in sorted(offsets):
        if runs and runs[-1][-1].number + 1 == reference.number:
            runs[-1].append(reference)
        else:
            runs.append([reference])
    return runs


def _identifiers(held: Any, identity: bytes) -> bytes:
    first = held[0] if isinstance(held, list) and held and isinstance(held[0], bytes) else identity
    return b"<%s><%s>" % (first.hex().encode(), identity.hex().encode())
