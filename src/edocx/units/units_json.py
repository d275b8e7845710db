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

import json
import re
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from edocx.clock import in_vietnam
from edocx.errors import Text
from edocx.units.directory import Snapshot
from edocx.units.history import UnitHistory
from edocx.units.record import MAX_NAME, BadValue, RecordReader, succession_record, unit_record
from edocx.units.succession import Succession
from edocx.units.table import MAX_FAULTS, Fault, FaultyTable, decode


class Document(NamedTuple):
    """A directory document as read: its snapshot, and every record with the line it stands on."""

    snapshot: Snapshot
    units: list[tuple[int, UnitHistory]]
    successions: list[tuple[int, Succession]]


def read_document(data: bytes, *, where: str | None = None, authority: str | None = None) -> Document:
    """Read a directory document whole or not at all.

    ``authority`` overrides what the records say of themselves. Raises `FaultyTable` with every fault by
    line and field, `InputError` for another encoding, `LimitExceeded` for what is too large.
    """
    reader, faults = RecordReader(authority), []
    units: list[tuple[int, UnitHistory]] = []
    edges: list[tuple[int, Succession]] = []
    header: dict[str, Any] = {}
    try:
        for section, line, value in _records(data, where):
            try:
                if section == "units":
                    units.append((line, reader.history(value)))
                elif section == "successions":
                    edges.append((line, reader.succession(value)))
                else:
                    header[section] = value
            except BadValue as bad:
                faults.append(Fault(line, bad.column, bad.code, bad.text))
                if len(faults) >= MAX_FAULTS:
                    break
    except (json.JSONDecodeError, RecursionError) as error:
        raise _not_json(error, where) from error
    if faults:
        raise FaultyTable(faults, where)
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


def _records(data: bytes, where: str | None) -> Iterator[tuple[str, int, Any]]:
    """Yield (section, line, value): line by line for our own layout, else by scanning the whole text."""
    first = data[: data.find(b"\n")]
    if first.startswith(b'{"schema": 1,') and first.endswith(b', "units": ['):
        yield from _records_by_line(data, first)
    else:
        yield from _scan(decode(data, where))


def _records_by_line(data: bytes, first: bytes) -> Iterator[tuple[str, int, Any]]:
    """Read our own layout without ever holding the whole text: 80,000 units would cost 50 MB as one string."""
    loads = json.loads
    for name, value in loads(first + b"]}").items():
        if name != "units":
            yield name, 1, value
    section, start, line = "units", len(first) + 1, 2
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        row = data[start:end]
        if row.startswith(b"{"):
            yield section, line, loads(row[:-1] if row.endswith(b",") else row)
        elif row == b'], "successions": [':
            section = "successions"
        elif row not in (b"]}", b""):
            raise json.JSONDecodeError("a record or the end of the list is due", f"line {line}", 0)
        start, line = end + 1, line + 1


_blank = re.compile(r"[\s]*").match


def _scan(text: str) -> Iterator[tuple[str, int, Any]]:
    """Read any layout: an object with lists under ``units`` and ``successions``, or a bare list of units."""
    scan = json.JSONDecoder().raw_decode
    place = _skip(text, 0)
    if text[place : place + 1] == "[":
        yield from _scan_list(text, place, "units")
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
    except (TypeError, ValueError) as error:
        text = Text("phần đầu ghi phiên bản hoặc thời điểm sai dạng.", "the header's version or moment is malformed.")
        raise FaultyTable([Fault(1, "taken", "EDX-TABLE-VALUE", text)], where) from error
    if taken.tzinfo is None or (expires is not None and expires.tzinfo is None):
        text = Text("thời điểm thiếu múi giờ.", "the moment has no time zone.")
        raise FaultyTable([Fault(1, "taken", "EDX-TABLE-VALUE", text)], where)
    return Snapshot(version, taken, str(header.get("source", ""))[:MAX_NAME], expires)


def _not_json(error: json.JSONDecodeError | RecursionError, where: str | None) -> FaultyTable:
    if isinstance(error, RecursionError):
        return FaultyTable(
            [Fault(1, "", "EDX-TABLE-JSON", Text("JSON lồng nhau quá sâu.", "the JSON nests too deeply."))], where
        )
    text = Text(f"không đúng cú pháp JSON (cột {error.colno}).", f"not JSON: {error.msg} (column {error.colno}).")
    return FaultyTable([Fault(error.lineno, "", "EDX-TABLE-JSON", text)], where)
