"""The directory as JSON: one document, one record on each line, so that large ones are read as they stream.

::

    {"schema": 1, "version": 3, "taken": "2026-11-22T08:00:00+07:00", "source": "…", "units": [
    {"id": "ubnd-tien-giang", "code": "H58", "name": "…", "kind": "tỉnh", "level": "province", "to": "2025-07-01", …},
    …
    ], "successions": [
    {"kind": "merge", "predecessor": "ubnd-tien-giang", "successor": "ubnd-dong-thap-2025", "on": "2025-07-01", …}
    ]}

``from`` is the first day and ``to`` the first day after the last; both may be absent. A fact is a bare
value for the whole life, or a list of ``{"value", "from", "to", "source", "unverified"}``. Any other
layout of the same JSON is read as well.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from edocx.clock import in_vietnam
from edocx.errors import InputError, Text
from edocx.units.directory import Snapshot
from edocx.units.history import UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.precedence import without_trespassers
from edocx.units.record import BadValue, RecordReader, collection_paused, succession_record, unit_record
from edocx.units.succession import Succession
from edocx.units.table import MAX_BYTES, Fault, Faults, FaultyTable, decode

MAX_LINE = 1024 * 1024
"""Longest record in bytes: against a line without end that fills memory."""


class _OtherLayout(Exception):
    """A document that begins as ours does and goes on otherwise, or is cut: the whole text has to be read."""


class Document(NamedTuple):
    """A directory document as read: its snapshot, and every record with the line it stands on."""

    snapshot: Snapshot
    units: list[tuple[int, UnitHistory]]
    successions: list[tuple[int, Succession]]


def read_document(data: bytes | BinaryIO, *, where: str | None = None, authority: str | None = None) -> Document:
    """Read a directory document whole or not at all, from bytes or from a binary stream at its first byte.

    ``authority`` overrides what the records say of themselves. Raises `FaultyTable` with every fault by
    line and field, `InputError` for another encoding, `LimitExceeded` for what is too large.
    """
    with collection_paused():
        return _read(data, where, authority)


def _read(data: bytes | BinaryIO, where: str | None, authority: str | None) -> Document:
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    first = stream.readline(MAX_LINE).rstrip(b"\r\n")
    if first.startswith(b'{"schema": 1,') and first.endswith(b', "units": ['):
        with suppress(_OtherLayout):
            return _read_records(_records_by_line(first, stream), where, authority)
    stream.seek(0)
    return _read_records(_scan(decode(stream.read(MAX_BYTES + 1), where)), where, authority)


def _read_records(records: Iterator[tuple[str, int, Any]], where: str | None, authority: str | None) -> Document:
    reader, faults = RecordReader(authority), Faults()
    units: list[tuple[int, UnitHistory]] = []
    edges: list[tuple[int, Succession]] = []
    header: dict[str, Any] = {}
    try:
        for section, line, value in records:
            try:
                if section == "units":
                    units.append((line, reader.history(value)))
                elif section == "successions":
                    edges.append((line, reader.succession(value)))
                else:
                    header[section] = value
            except BadValue as bad:
                faults.append(Fault(line, bad.column, bad.code, bad.text))
    except (ValueError, RecursionError) as error:
        faults.append(_not_json(error))
        raise FaultyTable(faults, where, unchecked=True) from error
    if faults:
        raise FaultyTable(faults, where, unchecked=True)
    return Document(_snapshot(header, where), units, edges)


def write_document(
    histories: Iterable[UnitHistory], successions: Iterable[Succession], snapshot: Snapshot
) -> Iterator[str]:
    """Yield the lines of a directory document, to be joined without separator and written as UTF-8."""
    header = {
        "schema": 1,
        "version": snapshot.version,
        "taken": in_vietnam(snapshot.taken).isoformat(),
        "expires": None if snapshot.expires is None else in_vietnam(snapshot.expires).isoformat(),
        "source": snapshot.source,
    }
    yield _dump(header)[:-1] + ', "units": ['
    yield from _joined(unit_record(history) for history in histories)
    yield '\n], "successions": ['
    yield from _joined(succession_record(edge) for edge in successions)
    yield "\n]}\n"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _joined(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    separator = "\n"
    for row in rows:
        yield separator + _dump(row)
        separator = ",\n"


def _records_by_line(first: bytes, stream: BinaryIO) -> Iterator[tuple[str, int, Any]]:
    """Read our own layout without ever holding the whole text: 80,000 units would cost 50 MB as one string."""
    for name, value in json.loads(first + b"]}").items():
        if name != "units":
            yield name, 1, value
    section, line, due = "units", 1, True
    while row := stream.readline(MAX_LINE):
        line += 1
        text = row.decode().rstrip("\r\n")
        if text.startswith("{") and due:
            value, due = _row(text)
            yield section, line, value
        elif text == '], "successions": [' and section == "units":
            section, due = "successions", True
        elif text == "]}" and section == "successions":
            section = "end"
        elif text:
            raise _OtherLayout
    if section != "end":
        # A file that was cut at the end of a line must not pass for a smaller directory.
        raise _OtherLayout


_decode = json.JSONDecoder().raw_decode


def _row(text: str) -> tuple[Any, bool]:
    """Decode the record on a line and say whether a comma promises another."""
    try:
        value, end = _decode(text)
    except json.JSONDecodeError as error:
        raise _OtherLayout from error
    rest = text[end:]
    if rest not in ("", ","):
        raise _OtherLayout
    return value, rest == ","


_blank = re.compile(r"[\s]*").match


def _scan(text: str) -> Iterator[tuple[str, int, Any]]:
    """Read any layout: an object with lists under ``units`` and ``successions``, or a bare list of units."""
    scan = json.JSONDecoder().raw_decode
    place = _skip(text, 0)
    if text[place : place + 1] == "[":
        place = yield from _scan_list(text, place, "units")
        _require_end(text, place)
        return
    if text[place : place + 1] != "{":
        raise json.JSONDecodeError("an object or a list is due", text, place)
    place = _skip(text, place + 1)
    while text[place : place + 1] != "}":
        key, place = scan(text, place)
        place = _skip(text, place)
        if type(key) is not str or text[place : place + 1] != ":":
            raise json.JSONDecodeError("a name and a colon are due", text, place)
        place = _skip(text, place + 1)
        if key in ("units", "successions") and text[place : place + 1] == "[":
            place = yield from _scan_list(text, place, key)
        else:
            value, after = scan(text, place)
            yield key, text.count("\n", 0, place) + 1, value
            place = after
        place = _skip(text, place)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
        elif text[place : place + 1] != "}":
            raise json.JSONDecodeError("a comma or the end is due", text, place)
    _require_end(text, place + 1)


def _require_end(text: str, place: int) -> None:
    place = _skip(text, place)
    if place < len(text):
        raise json.JSONDecodeError("nothing is due after the end", text, place)


def _scan_list(text: str, place: int, section: str) -> Generator[tuple[str, int, Any], None, int]:
    scan = json.JSONDecoder().raw_decode
    line, counted = text.count("\n", 0, place) + 1, place
    place = _skip(text, place + 1)
    while text[place : place + 1] != "]":
        value, after = scan(text, place)
        line, counted = line + text.count("\n", counted, place), place
        yield section, line, value
        place = _skip(text, after)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
        elif text[place : place + 1] != "]":
            raise json.JSONDecodeError("a comma or the end of the list is due", text, place)
    return place + 1


def _skip(text: str, place: int) -> int:
    blank = _blank(text, place)
    return blank.end() if blank else place


def _snapshot(header: dict[str, Any], where: str | None) -> Snapshot:
    try:
        taken = datetime.fromisoformat(header["taken"]) if "taken" in header else datetime(1970, 1, 1, tzinfo=UTC)
        expires = datetime.fromisoformat(header["expires"]) if header.get("expires") else None
        version = int(header.get("version", 0))
        source = RecordReader().text("source", header.get("source", ""))
    except (TypeError, ValueError, OverflowError) as error:
        text = Text("phần đầu ghi phiên bản hoặc thời điểm sai dạng.", "the header's version or moment is malformed.")
        raise FaultyTable([Fault(1, "taken", "EDX-TABLE-VALUE", text)], where) from error
    if taken.tzinfo is None or (expires is not None and expires.tzinfo is None):
        text = Text("thời điểm thiếu múi giờ.", "the moment has no time zone.")
        raise FaultyTable([Fault(1, "taken", "EDX-TABLE-VALUE", text)], where)
    return Snapshot(version, taken, source, expires)


def _not_json(error: ValueError | RecursionError) -> Fault:
    match error:
        case json.JSONDecodeError():
            text = Text(
                f"không đúng cú pháp JSON (cột {error.colno}).", f"not JSON: {error.msg} (column {error.colno})."
            )
            return Fault(error.lineno, "", "EDX-TABLE-JSON", text)
        case UnicodeDecodeError():
            text = Text("có byte không phải UTF-8.", "it holds bytes that are not UTF-8.")
        case RecursionError():
            text = Text("JSON lồng nhau quá sâu.", "the JSON nests too deeply.")
        case _:
            # A number of more digits than the interpreter converts: against quadratic work.
            text = Text("có số quá dài.", "it holds a number that is too long.")
    return Fault(1, "", "EDX-TABLE-JSON", text)


def load(path: Path | str, *, authority: str | None = None, as_is: bool = False) -> MemoryDirectory:
    """Load a directory from a document on disk, streaming; `InputError` when it cannot be read.

    Local records that take over a code of others do not count (`edocx.units.precedence`), unless ``as_is``.
    """
    try:
        with Path(path).open("rb") as stream, collection_paused():
            whole = directory_of(read_document(stream, where=str(path), authority=authority))
            return whole if as_is else without_trespassers(whole)
    except OSError as error:
        raise InputError(
            Text(
                f"Không đọc được tệp danh bạ ({error.strerror}).", f"The directory cannot be read ({error.strerror})."
            ),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error


def directory_of(document: Document) -> MemoryDirectory:
    """Make the directory of a document that was read; it is as sound as whoever wrote it made it."""
    histories = (history for _, history in document.units)
    return MemoryDirectory(histories, (edge for _, edge in document.successions), document.snapshot)
