"""Whether every reader finds the same files in a zip: the ones that go by its directory and those that read it through.

A zip may have anything in front of it or behind it, and room between its entries; readers that look for the directory
from the end, readers that begin at the start (Java's ``ZipInputStream`` and others) and tools that mend zips then show
different files. Here each byte belongs to exactly one entry, to the directory, or to its end record.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edocx.errors import Text

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")

_MAX_COMMENT = 65_535
_DESCRIPTOR, _UTF8, _ENCRYPTED = 0x8, 0x800, 0x1
_DESCRIPTORS = {12: "<3L", 16: "<4x3L", 20: "<L2Q", 24: "<4xL2Q"}
"""Lengths of a data descriptor to its shape: with its signature or without, in 32 or in 64 bits (APPNOTE 4.3.9)."""

_UNICODE_PATH = 0x7075
"""An extra field with another name, which some readers show instead (APPNOTE 4.6.9)."""

_LARGE = 0x0001
_WHOLE = 0xFFFFFFFF
"""Stands for a size that does not fit; the extra field `_LARGE` has it."""

_MAX_EXTRA = 512
"""Bytes of the extra fields of an entry: times, owners and padding take some 40; a file may hide in 65,535."""

_HEAD, _PDF = 1024, b"%PDF-"
"""Where viewers look for the beginning of a PDF, and how it begins: in front of it may stand anything."""

_MANY = 0xFFFF
"""Stands for a count of entries that does not fit."""

_AHEAD = Text("dữ liệu lạ nằm trước các tệp bên trong", "foreign bytes in front of its files")
_BEHIND = Text("dữ liệu lạ nằm sau phần kết thúc", "foreign bytes behind its end")
_BETWEEN = Text("dữ liệu lạ nằm giữa các tệp bên trong", "foreign bytes between its files")
_DIRECTORY = Text("danh mục không khớp với các tệp bên trong", "a directory that does not fit its files")
_EXTRA = Text("phần phụ của một tệp bên trong lớn bất thường", "a file whose extra fields are too large")
_HEADER = Text("phần mở đầu của một tệp PDF nằm ngoài các tệp bên trong", "the beginning of a PDF outside of its files")
_TWO_NAMES = Text("tệp bên trong mang hai tên khác nhau", "a file that goes by two names")


@dataclass(frozen=True, slots=True)
class _End:
    place: int
    count: int
    directory: int


def framing_fault(stream: BinaryIO, entries: list[zipfile.ZipInfo]) -> Text | None:
    """Say what stands in a zip beside its entries, or why readers may differ about them; None for an honest one.

    ``entries`` are those of its directory, in any order; the stream is left anywhere.
    """
    size = stream.seek(0, 2)
    end = _end_of(stream, size)
    if end is None:
        return _BEHIND
    if end.count != len(entries):
        return _DIRECTORY
    place = 0
    begun = _pdf_headers(stream)
    ordered = sorted(entries, key=lambda one: one.header_offset)
    for entry, following in zip(ordered, [*(one.header_offset for one in ordered[1:]), end.directory], strict=True):
        if entry.header_offset != place:
            return _BETWEEN if place else _AHEAD
        fault = _entry_fault(stream, entry, following, begun)
        if fault is not None:
            return fault
        place = following
    if begun:
        return _HEADER
    return None if place == end.directory else _BETWEEN if place else _AHEAD


def _end_of(stream: BinaryIO, size: int) -> _End | None:
    """Read the end record that the file ends with: an honest comment and nothing else follows it."""
    start = max(0, size - _END.size - _MAX_COMMENT)
    stream.seek(start)
    tail = stream.read(size - start)
    # A zip inside may have its own near by; one that claims to reach to the end of this file is a second reading of it.
    reaching = [place for place in _places(tail, b"PK\5\6") if _reaches(tail, place)]
    if len(reaching) != 1 or reaching[0] != tail.rfind(b"PK\5\6"):
        return None
    place = reaching[0]
    _, disk, first, _, count, length, offset, _ = _END.unpack_from(tail, place)
    if disk or first:
        return None
    foot = start + place
    if _WHOLE in {length, offset} or count == _MANY:
        return _end64(stream, foot)
    return _End(foot, count, offset) if offset + length == foot else None


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)


def _reaches(tail: bytes, place: int) -> bool:
    whole = place + _END.size <= len(tail)
    return whole and place + _END.size + int(_END.unpack_from(tail, place)[-1]) == len(tail)


def _end64(stream: BinaryIO, foot: int) -> _End | None:
    place = foot - _LOCATOR.size - _END64.size
    if place < 0:
        return None
    stream.seek(place)
    data = stream.read(_END64.size + _LOCATOR.size)
    mark, length, _, _, disk, first, _, count, total, offset = _END64.unpack_from(data)
    locator, _, where, disks = _LOCATOR.unpack_from(data, _END64.size)
    honest = mark == b"PK\6\6" and locator == b"PK\6\7" and length == _END64.size - 12 and where == place
    if not honest or disk or first or disks > 1 or offset + total != place:
        return None
    return _End(place, count, offset)


def _pdf_headers(stream: BinaryIO) -> set[int]:
    stream.seek(0)
    return set(_places(stream.read(_HEAD), _PDF))


def _entry_fault(stream: BinaryIO, entry: zipfile.ZipInfo, following: int, begun: set[int]) -> Text | None:
    """Say what is wrong with an entry; take out of ``begun`` the beginnings of PDFs that stand in its content."""
    stream.seek(entry.header_offset)
    head = stream.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\3\4"):
        return _BETWEEN
    _, _, flags, method, _, _, crc, packed, unpacked, named, length = _LOCAL.unpack(head)
    name, extra = stream.read(named), stream.read(length)
    content = entry.header_offset + _LOCAL.size + named + length
    rest = following - (content + entry.compress_size)
    begun.difference_update(range(content, min(content + entry.compress_size, _HEAD)))
    if length > _MAX_EXTRA or len(entry.extra) > _MAX_EXTRA:
        return _EXTRA
    if (flags ^ entry.flag_bits) & (_DESCRIPTOR | _UTF8 | _ENCRYPTED) or method != entry.compress_type:
        return _DIRECTORY
    aliases = [text[5:] for kind, text in (*_extras(extra), *_extras(entry.extra)) if kind == _UNICODE_PATH]
    if any(one != _raw_name(entry) for one in (name, *aliases)):
        return _TWO_NAMES
    if _WHOLE in {packed, unpacked}:
        packed, unpacked = _large_sizes(extra, packed, unpacked)
    known = (entry.CRC, entry.compress_size, entry.file_size)
    open_ended = bool(flags & _DESCRIPTOR)
    if (crc, packed, unpacked) != known and not (open_ended and (crc, packed, unpacked) == (0, 0, 0)):
        return _DIRECTORY
    return None if rest == 0 or (open_ended and _is_descriptor(stream, following, rest, known)) else _BETWEEN


def _is_descriptor(stream: BinaryIO, following: int, length: int, known: tuple[int, int, int]) -> bool:
    shape = _DESCRIPTORS.get(length)
    if shape is None:
        return False
    stream.seek(following - length)
    return struct.unpack(shape, stream.read(length)) == known


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    # As Python decoded it: UTF-8 where the entry says so, else code page 437, which has a letter for each byte.
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437")


def _large_sizes(extra: bytes, packed: int, unpacked: int) -> tuple[int, int]:
    """Return packed and unpacked size where a local header leaves them to its extra field (APPNOTE 4.5.3)."""
    numbers = next((list(struct.unpack(f"<{len(text) // 8}Q", text[: len(text) // 8 * 8]))
                    for kind, text in _extras(extra) if kind == _LARGE), [])  # fmt: skip
    if unpacked == _WHOLE and numbers:
        unpacked = numbers.pop(0)
    return (numbers.pop(0) if packed == _WHOLE and numbers else packed), unpacked


def _extras(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 4 <= len(data):
        kind, length = struct.unpack_from("<2H", data, place)
        yield kind, data[place + 4 : place + 4 + length]
        place += 4 + length
