"""How ``edocx units`` shows its answers: lines for people, one stable JSON value for programs."""

from __future__ import annotations

import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import emit_json, error_json, fail, language, say
from edocx.errors import EdocxError, Text, UnitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from edocx.units import (
        Hop,
        MemoryDirectory,
        Snapshot,
        Succession,
        Successor,
        Unit,
        UnitHistory,
    )

MAX_SHOWN = 50
"""Most lines of a list shown to people; --json gives all."""

WIDTH = 80
"""Columns that explanations are wrapped to."""


def show_refused(error: UnitError, last: Unit | None, day: date, *, as_json: bool) -> None:
    """Say why a code has no unit on a day, with the unit as it last stood where it had one."""
    if last is None:
        explain(error, as_json=as_json)
    elif as_json:
        refusal = error_json(error) | {"successors": list(error.successors), "nearest": error.nearest}
        answer = {"status": "closed", "unit": unit_json(last), "successors": list(error.successors)}
        emit_json({"schema": 1, "at": day.isoformat(), **answer, "error": refusal})
    else:
        say(f"{named(last)}  ({_iso(last.opened) or '…'} – {_iso(last.closed) or '…'})")
        fail(error, width=WIDTH)


def explain(error: EdocxError, *, as_json: bool) -> None:
    """Say an error with its successors, nearest ancestor and faults, where it has them."""
    faults = getattr(error, "faults", ())
    if as_json:
        value = error_json(error)
        if isinstance(error, UnitError):
            value |= {"successors": list(error.successors), "nearest": error.nearest}
        if faults:
            value["faults"] = [
                {"line": one.line, "column": one.column, "code": one.code, "vi": one.text.vi, "en": one.text.en}
                for one in faults
            ]
        emit_json({"schema": 1, "error": value})
        return
    fail(error, width=WIDTH)
    for one in faults[:MAX_SHOWN]:
        column = Text(f", cột {one.column}", f", column {one.column}") if one.column else Text("", "")
        # Line 0: no row of the file is at fault alone.
        place = Text(f"dòng {one.line}", f"line {one.line}") if one.line else Text("cả tệp", "the whole file")
        told = Text(f"{place.vi}{column.vi}: {one.text.vi}", f"{place.en}{column.en}: {one.text.en}")
        for line in wrapped(told.in_language(language()), "    "):
            typer.echo(line, err=True)


def wrapped(text: str, indent: str, further: int = 2) -> list[str]:
    """Return a sentence in lines of a terminal, all but the first indented further."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * further,
        break_long_words=False,
        break_on_hyphens=False,
    )


@contextmanager
def progress(label: Text) -> Iterator[Callable[[int], None]]:
    """Show how many rows were read so far, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _rows: None
        return
    from rich.console import Console

    with Console(stderr=True).status(label.in_language(language())) as status:
        yield lambda rows: status.update(f"{label.in_language(language())}: {rows}")


def unit_json(unit: Unit) -> dict[str, Any]:
    """Return a unit on a date as JSON."""
    contact, capabilities = unit.contact, unit.capabilities
    return {
        "identity": unit.identity,
        "name": unit.name,
        "kind": unit.kind,
        "level": unit.level.value if unit.level else None,
        "code": unit.code.reference if unit.code else None,
        "code102": unit.code102.reference if unit.code102 else None,
        "parent": unit.parent,
        "served_by": unit.served_by,
        "opened": _iso(unit.opened),
        "closed": _iso(unit.closed),
        "since": _iso(unit.since),
        "until": _iso(unit.until),
        "contact": {name: getattr(contact, name) for name in type(contact).__slots__ if getattr(contact, name)},
        "capabilities": {
            "accepts": list(capabilities.accepts),
            "max_bytes": capabilities.max_bytes,
            "seals": capabilities.seals,
        },
        "statistical_code": unit.statistical_code,
        "formerly": list(unit.formerly),
        "source": unit.source,
        "authority": unit.authority,
        "local": unit.local,
        "unverified": sorted(unit.unverified),
    }


def snapshot_json(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """Return the snapshot an answer comes from, with its age."""
    return {
        "version": snapshot.version,
        "taken": snapshot.taken.isoformat(),
        "source": snapshot.source,
        "expires": snapshot.expires.isoformat() if snapshot.expires else None,
        "expired": snapshot.expired(now),
        "age_days": max(snapshot.age(now).days, 0),
    }


def unit_answer(
    unit: Unit, snapshot: Snapshot, day: date, above: Unit | None, below: int, now: datetime
) -> dict[str, Any]:
    """Return the answer of ``show``."""
    return {
        "schema": 1,
        "at": day.isoformat(),
        "status": "open",
        "unit": unit_json(unit),
        "parent": unit_json(above) if above else None,
        "children": below,
        "snapshot": snapshot_json(snapshot, now),
    }


def show_unit(
    unit: Unit, directory: MemoryDirectory, day: date, above: Unit | None, below: Sequence[Unit], now: datetime
) -> None:
    """Print a unit on a date, what about it is unverified, and how old the directory is."""
    lang = language()
    hub = directory.find(unit.served_by, day) if unit.served_by else None
    own = Text("chỉ của cơ quan này", "this office's only").in_language(lang)
    rows = [
        (Text("Tên", "Name"), unit.label),
        (Text("Mã (QĐ 20)", "Code (QĐ 20)"), unit.code),
        (Text("Mã (QCVN 102)", "Code (QCVN 102)"), unit.code102),
        (Text("Cấp", "Level"), unit.level.label.in_language(lang) if unit.level else None),
        (Text("Loại", "Kind"), unit.kind),
        (Text("Trực thuộc", "Under"), above.label if above else None),
        (Text("Kết nối qua", "Connected through"), hub.label if hub else None),
        (Text("Địa chỉ", "Address"), unit.contact.address),
        (Text("Thư điện tử", "E-mail"), unit.contact.email),
        (Text("Điện thoại", "Telephone"), unit.contact.telephone),
        (Text("Fax", "Fax"), unit.contact.fax),
        (Text("Trang tin", "Website"), unit.contact.website),
        (Text("Số đơn vị dưới", "Units below"), len(below) or None),
        (Text("Bắt đầu", "From"), _iso(unit.opened)),
        (Text("Kết thúc", "Until"), _iso(unit.closed)),
        (Text("Mã thống kê", "Statistical code"), unit.statistical_code),
        (Text("Tiền thân", "Formerly"), "; ".join(unit.formerly)),
        (Text("Nguồn", "Source"), unit.source),
        (Text("Chưa kiểm chứng", "Unverified"), ", ".join(sorted(unit.unverified))),
        (Text("Bản ghi riêng", "Local record"), own if unit.local else None),
        (Text("Danh bạ", "Directory"), _age(directory.snapshot, now)),
    ]  # fmt: skip
    show_rows(rows)


def successors_answer(
    code: str, history: UnitHistory, found: Sequence[Successor], directory: MemoryDirectory, day: date, now: datetime
) -> dict[str, Any]:
    """Return the answer of ``successors``."""
    return {
        "schema": 1,
        "code": code,
        "at": day.isoformat(),
        "unit": unit_json(history.last),
        "successors": [
            {
                **unit_json(one.unit),
                "local": one.local or one.unit.local,
                "verified": one.verified,
                "path": [edge_json(edge) for edge in one.path],
            }
            for one in found
        ],
        "pending": [edge_json(edge) for edge in directory.edges_from(history.identity) if edge.on > day],
        "snapshot": snapshot_json(directory.snapshot, now),
    }


def show_successors(history: UnitHistory, found: Sequence[Successor], directory: MemoryDirectory, day: date) -> None:
    """Print who took over, by which decree, and what rests on memory."""
    lang = language()
    own = _own(lang)
    say(f"{named(history.last)}:")
    for one in found:
        last = one.path[-1]
        doubt = "" if one.verified else Text(" [chưa kiểm chứng]", " [unverified]").in_language(lang)
        doubt += own if one.local or one.unit.local else ""
        decree = f", {last.decree}" if last.decree else ""
        say(f"  → {named(one.unit)}  ({last.kind.label.in_language(lang)} {last.on.isoformat()}{decree}){doubt}")
    pending = [edge for edge in directory.edges_from(history.identity) if edge.on > day]
    for edge in pending:
        unit = directory.history(edge.successor) if edge.successor else None
        name = named(unit.last) if unit else "-"
        when = Text(f"từ {edge.on.isoformat()}", f"from {edge.on.isoformat()}").in_language(lang)
        say(f"  ⋯ {when}: {name}{own if edge.local else ''}")
    if not found and not pending:
        say(Text("  danh bạ không ghi đơn vị kế thừa", "  the directory records no successor"))


def route_answer(
    sender: str, recipient: str, hops: Sequence[Hop], snapshot: Snapshot, day: date, now: datetime
) -> dict[str, Any]:
    """Return the answer of ``route``."""
    return {
        "schema": 1,
        "from": sender,
        "to": recipient,
        "at": day.isoformat(),
        "hops": [
            {
                "role": hop.role,
                "code": hop.code.reference if hop.code else None,
                "identity": hop.unit.identity if hop.unit else None,
                "name": hop.unit.name if hop.unit else None,
                "level": hop.unit.level.value if hop.unit and hop.unit.level else None,
                "basis": hop.basis,
                "rule": {"vi": hop.rule.vi, "en": hop.rule.en},
                "local": bool(hop.unit and hop.unit.local),
            }
            for hop in hops
        ],
        "snapshot": snapshot_json(snapshot, now),
    }


def show_route(hops: Sequence[Hop]) -> None:
    """Print the stations of a route with the rule behind each."""
    lang = language()
    axis = Text("trục liên thông văn bản quốc gia", "the national exchange axis").in_language(lang)
    for number, hop in enumerate(hops, start=1):
        level = f" [{hop.unit.level.label.in_language(lang)}]" if hop.unit and hop.unit.level else ""
        own = _own(lang) if hop.unit and hop.unit.local else ""
        for line in wrapped(f"{number}. {named(hop.unit) if hop.unit else axis}{level}{own}", ""):
            say(line)
        for line in textwrap.wrap(hop.rule.in_language(lang), WIDTH - 5, break_long_words=False):
            say(f"     {line}")


def search_answer(
    text: str, found: Sequence[Unit], snapshot: Snapshot, day: date | None, now: datetime
) -> dict[str, Any]:
    """Return the answer of ``search``."""
    return {
        "schema": 1,
        "query": text,
        "at": day.isoformat() if day else None,
        "units": [unit_json(unit) for unit in found],
        "snapshot": snapshot_json(snapshot, now),
    }


def show_units(units: Sequence[Unit]) -> None:
    """Print units, each with its level and life on a line of their own; local records say so."""
    if not units:
        say(Text("Không tìm thấy đơn vị nào.", "No unit was found."))
        return
    for unit in units:
        life = f"{_iso(unit.opened) or '…'} – {_iso(unit.closed) or '…'}"
        level = unit.level.label.in_language(language()) if unit.level else "-"
        own = _own(language()) if unit.local else ""
        for line in wrapped(f"{unit.code or '-'!s:<14} {unit.label}{own}", "", 15):
            say(line)
        say(f"{'':<14} {level}, {life}")


def edge_json(edge: Succession) -> dict[str, Any]:
    """Return a succession edge as JSON."""
    return {
        "kind": edge.kind.value,
        "predecessor": edge.predecessor,
        "successor": edge.successor,
        "on": edge.on.isoformat(),
        "decree": edge.decree,
        "custodian": edge.custodian,
        "source": edge.source,
        "verified": edge.verified,
        "authority": edge.authority,
        "local": edge.local,
    }


def show_rows(rows: Iterable[tuple[Text, Any]]) -> None:
    """Print labelled values, leaving out the empty ones."""
    for label, value in rows:
        if value not in (None, ""):
            say(f"{label.in_language(language()):<20} {value}")


def named(unit: Unit) -> str:
    """Return a unit's code and name on one line."""
    return f"{unit.code} {unit.label}" if unit.code and unit.name else unit.label


def _own(lang: str) -> str:
    return Text(" [bản ghi riêng]", " [local]").in_language(lang)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _age(snapshot: Snapshot, now: datetime) -> str:
    days = max(snapshot.age(now).days, 0)
    late = Text(", ĐÃ HẾT HẠN", ", EXPIRED") if snapshot.expired(now) else Text("", "")
    return Text(
        f"phiên bản {snapshot.version}, {days} ngày trước, {snapshot.source}{late.vi}",
        f"version {snapshot.version}, {days} days old, {snapshot.source}{late.en}",
    ).in_language(language())
