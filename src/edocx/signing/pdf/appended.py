"""What was appended to a signed PDF, byte by byte: read strictly, or not believed.

A viewer that dislikes a cross-reference section looks for objects itself, and takes bytes that no section names;
a lenient reader keeps the first of two keys, a viewer the last. Whoever has a signed file could so append what one
shows and the other never sees. After the signed bytes everything therefore is an indirect object that its revision's
section names, that section, its trailer and end mark, or a little white space; and there is one way to read it
(ISO 32000-2 7.3, 7.5.4 to 7.5.8). In the signed bytes themselves oddities stay: nobody without the key puts any there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edocx.signing.pdf.fast.revisions import Packed
from edocx.signing.pdf.fast.sections import Entry, decoded
from edocx.signing.pdf.fast.syntax import UNREADABLE, NotPlain, Parsed, Ref, parse, references_in

MAX_APPENDED = 128 * 1024 * 1024
"""Bytes after a signature; signatures, timestamps and revocation lists of many years are some dozen millions."""

MAX_NUMBER = 8_388_607
"""Highest object number (ISO 32000-1 Annex C); some viewers rebuild a file that has higher ones."""

MAX_GENERATION = 65_535
"""Of a row (ISO 32000-2 7.5.4): pyHanko passes over rows of higher ones, and a viewer deletes what they call free."""

MAX_SPACE = 4096
"""Bytes of white space in one place."""

MAX_PERCENTS = 16
"""Places in one line where a comment may begin."""

ROOM_OF_SIZE = 1000
"""By how much /Size may exceed the highest number: writers count objects that they did not write in the end."""

_SPACE = re.compile(rb"(?:[\0\t\n\f\r ]|%(?!%EOF)(?![^\r\n]*(?:obj|xref|trailer|stream))[\x20-\x7e]{0,80}[\r\n])*")
"""White space and a line that names the writer (iText, before ``startxref``), nothing that looks like structure."""

_HEADER = re.compile(rb"([1-9]\d{0,6}) (0|[1-9]\d{0,4}) obj(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_END_OBJECT = re.compile(rb"[\0\t\n\f\r ]*endobj(?![^\0\t\n\f\r %])")
_STREAM = re.compile(rb"[\t\n\r ]{0,8}stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream[\0\t\n\f\r ]+endobj(?![^\0\t\n\f\r %])")
_TABLE = re.compile(rb"xref ?(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"(0|[1-9]\d{0,6}) (0|[1-9]\d{0,6})(?: ?\r\n| ?\n| ?\r)")
_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r(?!\n)| \n|\r\n)")
_TRAILER = re.compile(rb"[\t\n\r ]{0,8}trailer")
_FINISH = re.compile(rb"startxref[ ]?(?:\r\n|\n|\r)([1-9]\d{0,11})[ ]?(?:\r\n|\n|\r)%%EOF(?![^\r\n])")
_LENGTH = re.compile(rb"(?<!\d)(\d{1,7}) (\d{1,5}) obj[\t\n\r ]{1,8}(\d{1,10})[\t\n\r ]{1,8}endobj")
_WORD = re.compile(rb"(?<!end)obj")
_SIGNED = re.compile(rb"/(?:Prev|Size|Length|XRefStm)[\0\t\n\f\r ]*\+")
"""Numbers of a trailer that not all viewers take for numbers."""

_WHITE = b"\0\t\n\f\r "
_DIGITS = b"0123456789"
_LOOSE = b"\0\t\n\x0b\f\r "
"""What viewers pass over that look for objects themselves: C's white space has a vertical tab besides."""

_LOOKS_LIKE_TRAILER = re.compile(rb"trailer(?:[\0\t\n\x0b\f\r ]|%[^\r\n]*+[\r\n])*+<<")


@dataclass(frozen=True, slots=True)
class Before:
    """What the signed revision is like."""

    start: int
    """Where its section starts."""
    root: Ref
    size: int
    """What its trailer says."""
    known: Callable[[int], bool]
    """Says whether it has an object of a number; raises ``ValueError`` where readers differ on that."""
    inflate: Callable[[Ref], bytes] | None = None
    """Gives a stream of an encrypted file; without it nothing may be packed or encrypted."""
    value: Callable[[int], Any] | None = None
    """Gives an object as it stands in the signed bytes, read as strictly; without it no odd name is taken for old."""


@dataclass(slots=True)
class _Object:
    generation: int
    offset: int
    value: Any
    data: bytes | None = None
    packed: tuple[int, int] | None = None
    """In which object stream, and at which place there."""


@dataclass(slots=True)
class _Revision:
    begin: int
    objects: dict[int, _Object] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    hybrid: int = 0
    """The cross-reference stream that PDFBox writes before a table of the same entries."""


def read_appended(data: bytes, begin: int, before: Before, count: int, check: Callable[[], object]) -> list[int] | None:
    """Return where the sections of ``count`` appended revisions start; None where their bytes can be read otherwise.

    ``data`` is the file from ``begin`` on, the first byte after a signature's own; what follows the last revision is
    left to others. ``check`` is called for each object, and may raise.
    """
    if len(data) > MAX_APPENDED:
        return None
    try:
        return _Walk(data, begin, before, check).run(count)
    except UNREADABLE:
        return None


class _Walk:
    """Reads forward from the end of the signed bytes."""

    def __init__(self, data: bytes, begin: int, before: Before, check: Callable[[], object]) -> None:
        self.data, self.begin, self.before, self.check = data, begin, before, check
        self.numbers: set[int] = set()
        self.start, self.size = before.start, before.size
        self._lengths: dict[tuple[int, int], int] | None = None

    def run(self, count: int) -> list[int]:
        place = 0
        starts: list[int] = []
        for _ in range(count):
            place = self._revision(self._skip(place))
            starts.append(self.start)
        return starts

    def _skip(self, place: int) -> int:
        found = _SPACE.match(self.data, place)
        if found is None or found.end() - place > MAX_SPACE:
            raise NotPlain("too much space")
        return found.end()

    def _revision(self, place: int) -> int:
        """Read one revision; return the place just after its end mark."""
        one = _Revision(place)
        while not (table := _TABLE.match(self.data, place)):
            number, found, end = self._object(place, one)
            if isinstance(found.value, dict) and found.value.get("Type") == "XRef" and found.data is not None:
                if _TABLE.match(self.data, self._skip(end)) is None or one.hybrid:
                    return self._by_stream(one, number, found, end)
                one.hybrid = number
            _put(one, number, found)
            place = self._skip(end)
        return self._by_table(one, place, table.end())

    def _object(self, place: int, one: _Revision) -> tuple[int, _Object, int]:
        self.check()
        header = _HEADER.match(self.data, place)
        if header is None:
            raise NotPlain("bytes that are no object")
        number, generation = int(header[1]), int(header[2])
        if generation:
            # Another generation of a number that was signed: a reader that keys on both sees two objects, a viewer
            # that rebuilds its table sees one, the last. Nobody reuses numbers when he appends (ISO 32000-2 7.5.6).
            raise NotPlain("an object of a later generation")
        parsed = parse(self.data, header.end())
        found = _Object(generation, self.begin + place, parsed.value)
        if end := _END_OBJECT.match(self.data, parsed.end):
            return number, found, end.end()
        begin, stop, after = self._extent(parsed, one)
        found.data = self.data[begin:stop]
        return number, found, after

    def _extent(self, parsed: Parsed, one: _Revision) -> tuple[int, int, int]:
        stream = _STREAM.match(self.data, parsed.end)
        if stream is None or not isinstance(parsed.value, dict):
            raise NotPlain("an object does not end")
        length = parsed.value.get("Length")
        if isinstance(length, Ref):
            number = length.number
            length = one.lengths[number] = self._length(length)
        if type(length) is not int or length < 0 or "F" in parsed.value:
            raise NotPlain("a stream without a length, or in another file")
        end = _END_STREAM.match(self.data, stream.end() + length)
        if end is None:
            raise NotPlain("a stream is not as long as it says")
        return stream.end(), stream.end() + length, end.end()

    def _length(self, reference: Ref) -> int:
        if self._lengths is None:
            self._lengths = {(int(m[1]), int(m[2])): int(m[3]) for m in _LENGTH.finditer(self.data)}
        return self._lengths[reference]

    def _by_table(self, one: _Revision, start: int, place: int) -> int:
        entries: dict[int, Entry | None] = {}
        while found := _SUBSECTION.match(self.data, place):
            place = found.end()
            _require_rows(int(found[1]), int(found[2]))
            for number in range(int(found[1]), int(found[1]) + int(found[2])):
                row = _ROW.match(self.data, place)
                if row is None or number in entries or int(row[2]) > MAX_GENERATION:
                    raise NotPlain("a malformed row, or an object twice")
                if row[3] == b"f" and int(row[1]) > MAX_NUMBER:
                    raise NotPlain("a free row that names no number")
                entries[number] = Entry(int(row[1]), int(row[2])) if row[3] == b"n" else None
                place = row.end()
        word = _TRAILER.match(self.data, place)
        if word is None:
            raise NotPlain("no trailer after a table")
        trailer = parse(self.data, word.end())
        if len(_LOOKS_LIKE_TRAILER.findall(self.data, one.begin, trailer.end)) != 1:
            raise NotPlain("more than one trailer")
        self._require(one, entries, trailer.value, start)
        self._require_headers(start, trailer.end, 0)
        self._require_alike(one, entries, trailer.value)
        return self._finish(trailer.end, start)

    def _require_alike(self, one: _Revision, entries: dict[int, Entry | None], trailer: dict[str, Any]) -> None:
        """Raise `NotPlain` unless the stream beside a table, for viewers that prefer it, says what the table says."""
        stream = one.objects.get(one.hybrid)
        if trailer.get("XRefStm", stream and stream.offset) != (stream and stream.offset):
            raise NotPlain("a stream that is not of this revision")
        if stream is None:
            return
        self._require_trailer(stream.value)
        rows = _rows(stream)
        if any(entries.get(number) != entry for number, entry in rows.items() if number != one.hybrid):
            raise NotPlain("two sections that say different things")
        if not max(rows, default=0) < stream.value["Size"] <= trailer["Size"] + 1:
            raise NotPlain("a size that nothing explains")
        self._require_free(rows)

    def _by_stream(self, one: _Revision, number: int, found: _Object, end: int) -> int:
        start = found.offset - self.begin
        entries = _rows(found)
        own = entries.pop(number, Entry(found.offset, 0))
        if "XRefStm" in found.value:
            raise NotPlain("a stream beside a stream")
        if own != Entry(found.offset, 0) or found.generation or number in one.objects:
            raise NotPlain("a cross-reference stream that says it is elsewhere")
        if _LOOKS_LIKE_TRAILER.search(self.data, one.begin, end):
            raise NotPlain("a trailer beside a cross-reference stream")
        one.objects[number] = found
        entries[number] = own
        self._require(one, entries, found.value, start)
        self._require_headers(start, end, 1)
        return self._finish(end, start)

    def _finish(self, place: int, start: int) -> int:
        end = _FINISH.match(self.data, self._skip(place))
        if end is None or int(end[1]) != self.begin + start:
            raise NotPlain("a section without its own end")
        self.start = self.begin + start
        return end.end()

    def _require(self, one: _Revision, entries: dict[int, Entry | None], trailer: Any, start: int) -> None:
        """Raise `NotPlain` unless a section names exactly what its revision holds, and its trailer goes with it."""
        written = [1 for found in one.objects.values() if found.offset < self.begin + start]
        self._require_headers(one.begin, start, len(written))
        if _SIGNED.search(self.data, one.begin):
            raise NotPlain("a number that not all readers take for one")
        self._require_trailer(trailer)
        self._require_free(entries)
        for number in [n for n, o in one.objects.items() if _is_packed(o)]:
            self._unpack(one, number, "Encrypt" in trailer)
        named = {number: entry for number, entry in entries.items() if entry is not None}
        there = {
            number: Entry(o.packed[1], 0, o.packed[0]) if o.packed else Entry(o.offset, o.generation)
            for number, o in one.objects.items()
        }
        highest = max((*entries, *there), default=0)
        if named != there:
            raise NotPlain("a section that names something else than is there")
        least = max(self.size, highest + 1)
        if not least <= trailer["Size"] <= min(least + ROOM_OF_SIZE, MAX_NUMBER + 1):
            raise NotPlain("a size that nothing explains")
        if any(one.objects[n].value != length or n not in one.objects for n, length in one.lengths.items()):
            raise NotPlain("a length that is not there")
        self._require_reached(one, trailer)
        self._require_names(one, trailer)
        self.size = trailer["Size"]
        self.numbers.update(there)

    def _require_free(self, entries: dict[int, Entry | None]) -> None:
        """Raise `NotPlain` for a row that takes an object away: nobody who signs or fills does, and readers differ.

        pyHanko frees an object for the one generation that the row says, a viewer for any.
        """
        if any(entry is None and number and self._known(number) for number, entry in entries.items()):
            raise NotPlain("an object taken away")

    def _require_names(self, one: _Revision, trailer: Any) -> None:
        """Raise `NotPlain` for a name that readers decode differently, unless it stood in the object that was signed.

        One takes ``/B#e0n`` and ``/B#c3#a0n`` for the same, and a viewer compares bytes (ISO 32000-2 7.3.5).
        """
        if odd_names(trailer):
            raise NotPlain("a name that readers decode differently")
        for number, found in one.objects.items():
            names = odd_names(found.value)
            if not names:
                continue
            signed = self.before.value is not None and self.before.known(number)
            earlier = odd_names(self.before.value(number)) if signed and self.before.value is not None else set()
            if not names <= earlier or len({decoded_name(name) for name in earlier}) < len(earlier):
                raise NotPlain("a name that readers decode differently")

    def _require_headers(self, begin: int, end: int, count: int) -> None:
        """Raise `NotPlain` unless a viewer that rebuilds the file finds the beginnings of so many objects there."""
        words = _WORD.finditer(self.data, begin, end)
        if sum(_ends_with_numbers(self.data, begin, one.start()) for one in words) != count:
            raise NotPlain("what looks like an object, inside of another")

    def _known(self, number: int) -> bool:
        return number in self.numbers or self.before.known(number)

    def _require_trailer(self, trailer: Any) -> None:
        if not isinstance(trailer, dict) or type(trailer.get("Size")) is not int:
            raise NotPlain("no trailer")
        if trailer.get("Root") != self.before.root or trailer.get("Prev") != self.start:
            raise NotPlain("another catalogue, or another section before")
        if type(trailer["Prev"]) is not int or ("Encrypt" in trailer) != (self.before.inflate is not None):
            raise NotPlain("encrypted otherwise than it was")

    def _unpack(self, one: _Revision, number: int, encrypted: bool) -> None:
        found = one.objects[number]
        if "Extends" in found.value:
            raise NotPlain("an object stream that extends another")
        if encrypted and self.before.inflate is not None:
            data = self.before.inflate(Ref(number, found.generation))
        else:
            data = decoded(found.data or b"", found.value)
        packed = Packed.unpack(data, found.value)
        end = found.value["First"]
        for order, inner in enumerate(packed.places):
            stored = packed.stored(inner)
            if packed.data[end : stored.begin].strip(_WHITE) or not 0 < inner <= MAX_NUMBER:
                raise NotPlain("bytes between objects")
            end = stored.end
            _put(one, inner, _Object(0, found.offset, stored.value, packed=(number, order)))
        if packed.data[end:].strip(_WHITE):
            raise NotPlain("bytes after objects")

    def _require_reached(self, one: _Revision, trailer: dict[str, Any]) -> None:
        """Raise `NotPlain` for a new object that nothing refers to: nobody needs it, and a rebuilt file shows it."""
        waiting = [trailer, *(o.value for n, o in one.objects.items() if self._known(n))]
        reached: set[int] = set()
        while waiting:
            for reference in references_in(waiting.pop()):
                if reference.number in one.objects and reference.number not in reached:
                    reached.add(reference.number)
                    waiting.append(one.objects[reference.number].value)
        for number, found in one.objects.items():
            if number not in reached and not self._known(number) and not _is_needless(found):
                raise NotPlain("an object that nothing refers to")


def _ends_with_numbers(data: bytes, begin: int, end: int) -> bool:
    """Say whether two numbers stand before a place, or more white space than can be told; comments count as such."""
    first = max(begin, end - MAX_SPACE)
    heads = _before_blanks([data[first:end]])
    numbers = [head.rstrip(_DIGITS) for head in heads if head[-1:].isdigit()]
    if any(not rest for rest in (*heads, *numbers)):
        return first > begin  # blanks as far as is looked, or digits
    apart = [rest for rest in numbers if rest[-1] in _LOOSE or rest.endswith((b"\n", b"\r"))]
    before = _before_blanks(apart)
    return any(one[-1:].isdigit() if one else first > begin for one in before)


def _before_blanks(heads: list[bytes]) -> list[bytes]:
    """Return what may stand before the white space and comments that bytes end with, in each way to take a "%"."""
    found: list[bytes] = []
    for head in heads:
        rest = head.rstrip(_LOOSE)
        found.append(rest)
        if len(rest) == len(head) or not head[len(rest) :].strip(b"\0\t\x0b\f "):
            continue  # no line ended here, and so no comment
        line = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
        found += [rest[:place].rstrip(_LOOSE) for place in _percents(rest, line)]
    return found


def _percents(data: bytes, begin: int) -> list[int]:
    return [begin + one.start() for one in itertools.islice(re.finditer(b"%", data[begin:]), MAX_PERCENTS)]


def _put(one: _Revision, number: int, found: _Object) -> None:
    if number in one.objects:
        raise NotPlain("an object twice in one revision")
    one.objects[number] = found


def odd_names(value: Any) -> set[str]:
    """Return the names in a value with other than printable ASCII, each byte of them a letter."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            waiting += [*one.keys(), *one.values()]
        elif type(one) is list:
            waiting += one
        elif type(one) is str and not (one.isascii() and one.isprintable()):
            found.add(one)
    return found


def decoded_name(name: str) -> str:
    """Return a name as pyHanko takes it: as UTF-8, else as Latin-1."""
    try:
        return name.encode("latin-1").decode()
    except UnicodeDecodeError:
        return name


def _is_needless(found: _Object) -> bool:
    # Nothing refers to sections and object streams; and pyHanko leaves metadata behind when it writes newer ones.
    return found.data is not None and found.value.get("Type") in {"XRef", "ObjStm", "Metadata"}


def _is_packed(found: _Object) -> bool:
    return found.data is not None and found.value.get("Type") == "ObjStm"


def _rows(found: _Object) -> dict[int, Entry | None]:
    about = found.value
    widths, index = about.get("W"), about.get("Index", [0, about.get("Size")])
    counts = all(isinstance(one, list) and all(type(n) is int and n >= 0 for n in one) for one in (widths, index))
    if not counts or len(widths) != 3 or len(index) % 2 or widths[0] != 1 or widths[1] > 8 or widths[2] > 4:  # noqa: PLR2004
        raise NotPlain("a malformed cross-reference stream")
    data, row = decoded(found.data or b"", found.value), sum(widths)
    pairs = list(zip(index[::2], index[1::2], strict=True))
    if not row or sum(count for _, count in pairs) * row != len(data):
        raise NotPlain("a malformed cross-reference stream")
    entries: dict[int, Entry | None] = {}
    place = 0
    for first, count in pairs:
        _require_rows(first, count)
        for number in range(first, first + count):
            kind, second, third = _fields(data[place : place + row], widths)
            if number in entries or number > MAX_NUMBER or kind > 2 or (kind < 2 and third > MAX_GENERATION):  # noqa: PLR2004
                raise NotPlain("an object twice, or an unknown kind of entry")
            if not kind and second > MAX_NUMBER:
                raise NotPlain("a free row that names no number")
            entries[number] = (None, Entry(second, third), Entry(third, 0, second))[kind]
            place += row
    return entries


def _require_rows(first: int, count: int) -> None:
    """Raise `NotPlain` for a subsection of none, or beyond all numbers: viewers that doubt it rebuild the file."""
    if (not count and first) or first + count > MAX_NUMBER + 1:
        raise NotPlain("a subsection that no file needs")


def _fields(row: bytes, widths: list[int]) -> tuple[int, int, int]:
    one, two, _ = widths
    return row[0], int.from_bytes(row[one : one + two], "big"), int.from_bytes(row[one + two :], "big")
