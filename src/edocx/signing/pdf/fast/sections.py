"""Cross-reference sections (ISO 32000-2 7.5.4, 7.5.8): tables and streams, one for each revision.

Tables are looked up in place, entry by entry; only who asks for every place pays for all of them. Hybrid files,
encrypted ones and anything that is off by a byte raise `NotPlain`.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from edocx.signing.pdf.fast.source import MAX_OBJECT, WINDOW, Source
from edocx.signing.pdf.fast.syntax import NotPlain, Parsed, parse, parse_header

MAX_OBJECTS = 2_000_000
"""Entries in one section; a book of a thousand pages has some tens of thousands."""

MAX_INFLATED = 64 * 1024 * 1024
"""Bytes of one decompressed stream: against streams that swell a thousandfold."""

FEW = 8
"""Pieces of a table that are searched one after the other; against tables in a hundred thousand pieces."""

_ROW = 20
_CHEAP = 8
"""Decompressing a byte is so much cheaper than parsing it; and so much may be held in memory at most."""

_SUBSECTION = re.compile(rb"[\0\t\n\f\r ]*(\d{1,10}) (\d{1,10})(?: ?\r\n| ?\n| ?\r)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"[\0\t\n\f\r ]*trailer")
_END = re.compile(rb"[\0\t\n\f\r ]*startxref[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+%%EOF")
_STREAM = re.compile(rb"[\0\t\n\f\r ]*stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream[\0\t\n\f\r ]+endobj(?![A-Za-z0-9])")
_END_OBJECT = re.compile(rb"[\0\t\n\f\r ]*endobj(?![A-Za-z0-9])")


class Entry(NamedTuple):
    """Where an object is: at an offset (``stream`` is 0), or in an object stream by its index."""

    offset: int
    generation: int
    stream: int = 0


@dataclass(slots=True)
class Stored:
    """An object as it stands in a file: its value, its whole extent, and the extent of its stream's data.

    An object out of an object stream has its places ``within`` the stream's own data.
    """

    number: int
    generation: int
    parsed: Parsed
    begin: int
    end: int
    data: tuple[int, int] | None = None
    within: bytes | None = None

    @property
    def value(self) -> Any:
        """The value itself; of a stream, its dictionary."""
        return self.parsed.value


@dataclass(slots=True)
class Section:
    """One cross-reference section with its trailer; ``end`` is just after ``%%EOF``.

    ``number`` is the object that a cross-reference stream is itself, 0 for a table.
    """

    start: int
    end: int
    trailer: dict[str, Any]
    number: int = 0
    _subsections: list[tuple[int, int, int]] = field(default_factory=list)
    _rows: bytes = b""
    _entries: dict[int, Entry | None] | None = None

    @property
    def size(self) -> int:
        """One more than the highest object number, as the trailer says; what is there may be more (`highest`)."""
        return int(self.trailer["Size"])

    @property
    def highest(self) -> int:
        """The highest object number that the section speaks of, its own included."""
        listed = (first + count - 1 for first, count, _ in self._subsections)
        return max(self.number, max(listed, default=0), max(self._entries or (), default=0))

    def find(self, number: int) -> tuple[bool, Entry | None]:
        """Look an object up: whether the section speaks of it, and where it is (None: free)."""
        if self._entries is not None:
            return number in self._entries, self._entries.get(number)
        if len(self._subsections) > FEW:
            return self.find_listed(number)
        for first, count, place in self._subsections:
            if first <= number < first + count:
                return True, self._row(place + _ROW * (number - first))
        return False, None

    def find_listed(self, number: int) -> tuple[bool, Entry | None]:
        """Look an object up among all entries, for tables in many pieces."""
        found = self.entries()
        return number in found, found.get(number)

    def entries(self) -> dict[int, Entry | None]:
        """Return every entry; free ones are None."""
        if self._entries is None:
            found: dict[int, Entry | None] = {}
            for first, count, place in self._subsections:
                for number in range(first, first + count):
                    if number in found:
                        raise NotPlain("an object stands twice in one table")
                    found[number] = self._row(place + _ROW * (number - first))
            self._entries = found
        return self._entries

    def _row(self, place: int) -> Entry | None:
        row = _ENTRY.match(self._rows, place)
        if row is None:
            raise NotPlain("a malformed row")
        return Entry(int(row[1]), int(row[2])) if row[3] == b"n" else None


def read_section(source: Source, start: int) -> Section:
    """Read the section at ``start``; raise `NotPlain`."""
    window = WINDOW
    while True:
        data = source.read(start, start + window)
        whole = len(data) < window
        try:
            if data.startswith(b"xref"):
                section = _table(data, start)
                source.spend(_ROW * sum(count for _, count, _ in section._subsections))  # noqa: SLF001 - its maker
                return section
            return _stream(source, start)
        except NotPlain:
            if whole or window >= MAX_OBJECT:
                raise
        window *= 16


def read_object(source: Source, offset: int, *, limit: int | None = None) -> Stored:
    """Read ``N G obj … endobj`` at ``offset``, all of it before ``limit``; raise `NotPlain`."""
    stop = source.size if limit is None else limit
    window = WINDOW
    while True:
        data = source.read(offset, min(stop, offset + window))
        whole = len(data) < window
        try:
            return _object(source, data, offset, stop)
        except NotPlain:
            if whole or window >= MAX_OBJECT:
                raise
        window *= 16


def _object(source: Source, data: bytes, offset: int, stop: int) -> Stored:
    number, generation, place = parse_header(data, 0)
    try:
        parsed = parse(data, place)
    except NotPlain:
        source.spend(len(data))
        raise
    source.spend(parsed.end)
    if end := _END_OBJECT.match(data, parsed.end):
        return Stored(number, generation, _moved(parsed, offset), offset, offset + end.end())
    stream = _STREAM.match(data, parsed.end)
    length = parsed.value.get("Length") if isinstance(parsed.value, dict) else None
    if stream is None or type(length) is not int or length < 0:
        raise NotPlain("an object does not end, or its length is elsewhere")
    begin = offset + stream.end()
    tail = source.read(begin + length, min(stop, begin + length + 64))
    end = _END_STREAM.match(tail)
    if end is None:
        raise NotPlain("a stream is not as long as it says")
    stored = Stored(number, generation, _moved(parsed, offset), offset, begin + length + end.end())
    stored.data = (begin, begin + length)
    return stored


def _moved(parsed: Parsed, offset: int) -> Parsed:
    spans = {key: (begin + offset, end + offset) for key, (begin, end) in parsed.spans.items()}
    return Parsed(parsed.value, parsed.start + offset, parsed.end + offset, spans)


def inflate(source: Source, stored: Stored) -> bytes:
    """Return a stream's data: as it stands, or with FlateDecode undone; raise `NotPlain` for other filters."""
    if stored.data is None:
        raise NotPlain("a stream is missing")
    begin, end = stored.data
    if end - begin > MAX_INFLATED:
        raise NotPlain("a stream too large")
    found = decoded(source.read(begin, end), stored.value)
    source.spend(len(found) // _CHEAP)
    return found


def decoded(data: bytes, about: dict[str, Any]) -> bytes:
    """Return a stream's data as its dictionary says, with FlateDecode undone; raise `NotPlain` for other filters."""
    kind = about.get("Filter")
    if isinstance(kind, list):
        kind = kind[0] if len(kind) == 1 else (None if not kind else False)
    parameters = about.get("DecodeParms")
    if isinstance(parameters, list):
        parameters = parameters[0] if len(parameters) == 1 else False
    if kind is None and parameters is None:
        return data
    if kind != "FlateDecode" or not (parameters is None or isinstance(parameters, dict)):
        raise NotPlain("another filter")
    return _unpredicted(_inflated(data), parameters or {})


def _inflated(data: bytes) -> bytes:
    worker = zlib.decompressobj()
    try:
        found = worker.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise NotPlain("a damaged stream") from error
    if not worker.eof or worker.unused_data.strip(b"\r\n"):
        raise NotPlain("a stream that ends elsewhere")
    return found


def _unpredicted(data: bytes, parameters: dict[str, Any]) -> bytes:
    # ISO 32000-2 7.4.4.4: only what writers of cross-references use, PNG's "Up" or nothing, rows of whole bytes.
    predictor = parameters.get("Predictor", 1)
    if predictor == 1:
        return data
    columns = parameters.get("Columns", 1)
    plain = parameters.get("Colors", 1) == 1 and parameters.get("BitsPerComponent", 8) == 8  # noqa: PLR2004
    if predictor not in range(10, 16) or type(columns) is not int or not 0 < columns < 64 or not plain:  # noqa: PLR2004
        raise NotPlain("another predictor")
    width = columns + 1
    kinds = set(data[::width])
    if len(data) % width or not kinds <= {0, 2} or len(kinds) > 1:
        raise NotPlain("another predictor")
    rows = [data[place::width] for place in range(1, width)]
    if kinds == {2}:
        rows = [_summed(row) for row in rows]
    found = bytearray(len(data) // width * columns)
    for place, row in enumerate(rows):
        found[place::columns] = row
    return bytes(found)


def _summed(row: bytes) -> bytes:
    sums: Iterator[int] = itertools.accumulate(row, lambda up, here: (up + here) & 0xFF)
    return bytes(sums)


def _table(data: bytes, start: int) -> Section:
    place = 4
    subsections: list[tuple[int, int, int]] = []
    total = 0
    while found := _SUBSECTION.match(data, place):
        first, count = int(found[1]), int(found[2])
        total += count
        if total > MAX_OBJECTS:
            raise NotPlain("too many objects")
        subsections.append((first, count, found.end()))
        place = found.end() + _ROW * count
    word = _TRAILER.match(data, place)
    if word is None or not subsections:
        raise NotPlain("no trailer after a table")
    trailer = parse(data, word.end())
    return Section(start, _end(data, trailer.end, start), _checked(trailer.value), 0, subsections, data)


def _stream(source: Source, start: int) -> Section:
    stored = read_object(source, start)
    trailer = stored.value
    if stored.data is None or trailer.get("Type") != "XRef":
        raise NotPlain("no cross-reference stream")
    tail = source.read(stored.end, stored.end + 256)
    end = stored.end + _end(tail, 0, 0, expected=start)
    entries = _entries(source, inflate(source, stored), _checked(trailer))
    return Section(start, end, trailer, stored.number, _entries=entries)


def _entries(source: Source, data: bytes, trailer: dict[str, Any]) -> dict[int, Entry | None]:
    widths: Any = trailer.get("W")
    index: Any = trailer.get("Index", [0, trailer["Size"]])
    if not (_counts(widths) and _counts(index)) or len(widths) != 3 or max(widths) > 8 or len(index) % 2:  # noqa: PLR2004
        raise NotPlain("a malformed cross-reference stream")
    one, two, three = widths
    row = one + two + three
    numbers = list(
        itertools.chain.from_iterable(
            _range(first, count) for first, count in zip(index[::2], index[1::2], strict=True)
        )
    )
    if not row or len(numbers) * row != len(data) or len(set(numbers)) != len(numbers):
        raise NotPlain("a malformed cross-reference stream")
    found: dict[int, Entry | None] = {}
    source.spend(_ROW * len(numbers))
    for place, number in zip(range(0, len(data), row), numbers, strict=True):
        kind = int.from_bytes(data[place : place + one], "big") if one else 1
        second = int.from_bytes(data[place + one : place + one + two], "big")
        third = int.from_bytes(data[place + one + two : place + row], "big")
        if kind == 0:
            found[number] = None
        elif kind == 1:
            found[number] = Entry(second, third)
        elif kind == 2 and second:  # noqa: PLR2004 - compressed
            found[number] = Entry(third, 0, second)
        else:
            raise NotPlain("an unknown kind of entry")
    return found


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)


def _range(first: int, count: int) -> Iterator[int]:
    if count > MAX_OBJECTS:
        raise NotPlain("too many objects")
    return iter(range(first, first + count))


def _end(data: bytes, place: int, start: int, *, expected: int | None = None) -> int:
    found = _END.match(data, place)
    if found is None or int(found[1]) != (start if expected is None else expected):
        raise NotPlain("a section without its own end")
    return start + found.end()


def _checked(trailer: Any) -> dict[str, Any]:
    if not isinstance(trailer, dict) or "Encrypt" in trailer or "XRefStm" in trailer:
        raise NotPlain("encrypted, hybrid, or no trailer")
    size = trailer.get("Size")
    if type(size) is not int or not 0 < size <= MAX_OBJECTS:
        raise NotPlain("no size")
    return trailer
