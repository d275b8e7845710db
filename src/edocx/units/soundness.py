"""What must hold of a directory before anybody relies on it; each breach is named with the unit at fault.

A life begins before it ends; facts lie in order inside the life and do not overlap; parents, hubs and
successors exist; a child lives within its parent's life; nobody is his own ancestor or hub on any day;
a code has at most one holder on a day; a successor outlives its predecessor, so that following
successors ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from edocx.errors import Text
from edocx.units.history import BEGIN, END, FIELDS, Span, UnitHistory
from edocx.units.memory import MemoryDirectory
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit_id import Scheme

is_identity = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9@._]+)+").fullmatch
"""Identities begin with a small letter and hold a hyphen: no text is both identity and code (``find`` takes both)."""

MAX_IDENTITY = 100
"""Longest identity: against index keys of unbounded size."""

MAX_LEVELS = 64
"""Longest chain upwards taken for granted to end; longer ones are followed day by day."""

_PARENT, _SERVED_BY = FIELDS.index("parent"), FIELDS.index("served_by")
_CLOSING = frozenset(SuccessionKind) - {SuccessionKind.TRANSFER}


class Breach(NamedTuple):
    """One rule broken: by which unit (identity) or edge, in which field, with a stable code and the reason."""

    subject: str | Succession
    column: str
    code: str
    text: Text


def breaches(directory: MemoryDirectory) -> Iterator[Breach]:
    """Yield every breach in a directory, units first."""
    for history in directory:
        yield from _life(history)
        yield from _above(directory, history)
    for place, column in ((_PARENT, "parent"), (_SERVED_BY, "served_by")):
        yield from _circles(directory, place, column)
    yield from _shared_codes(directory)
    for edge in directory.successions:
        yield from _edge(directory, edge)


def _life(history: UnitHistory) -> Iterator[Breach]:
    identity = history.identity
    if not is_identity(identity) or len(identity) > MAX_IDENTITY:
        yield Breach(
            identity,
            "id",
            "EDX-UNITS-IDENTITY",
            Text("định danh nội bộ phải dạng chữ-thường-có-gạch-nối.", "an identity is lower-case words with hyphens."),
        )
    if history.opened >= history.closed:
        yield Breach(
            identity, "to", "EDX-UNITS-LIFE", Text("kết thúc không sau bắt đầu.", "the end is not after the beginning.")
        )
    for place, fact in enumerate(history.facts):
        if type(fact) is tuple:
            yield from _spans(history, FIELDS[place], fact)


def _spans(history: UnitHistory, column: str, spans: tuple[Span, ...]) -> Iterator[Breach]:
    for span in spans:
        if span.start >= span.end:
            why = Text("khoảng hiệu lực rỗng.", "the interval is empty.")
            yield Breach(history.identity, column, "EDX-UNITS-INTERVAL", why)
        if span.start < history.opened or span.end > history.closed:
            why = Text(
                "khoảng hiệu lực vượt ra ngoài thời gian tồn tại của đơn vị.", "the interval leaves the unit's life."
            )
            yield Breach(history.identity, column, "EDX-UNITS-INTERVAL", why)
    for first, second in pairwise(spans):
        if second.start < first.end:
            why = Text(
                f"hai khoảng hiệu lực chồng nhau từ {second.start.isoformat()}.",
                f"two intervals overlap from {second.start.isoformat()}.",
            )
            yield Breach(history.identity, column, "EDX-UNITS-OVERLAP", why)


def _above(directory: MemoryDirectory, history: UnitHistory) -> Iterator[Breach]:
    for place, column in ((_PARENT, "parent"), (_SERVED_BY, "served_by")):
        if history.facts[place] is None:
            continue
        for span in history.spans_at(place):
            if span.value is None:
                continue
            above = directory.history(span.value)
            if above is None:
                why = Text(f"không có đơn vị {span.value}.", f"there is no unit {span.value}.")
                yield Breach(history.identity, column, "EDX-UNITS-NOBODY", why)
            elif column == "parent" and (span.start < above.opened or span.end > above.closed):
                why = Text(
                    f"vượt ra ngoài thời gian tồn tại của đơn vị cấp trên {above.identity} ({_life_text(above)}).",
                    f"it leaves the life of the unit above, {above.identity} ({_life_text(above)}).",
                )
                yield Breach(history.identity, column, "EDX-UNITS-OUTLIVES", why)


def _circles(directory: MemoryDirectory, place: int, column: str) -> Iterator[Breach]:
    """Find units that stand above themselves: the short way for bare values, day by day for the rest."""
    safe: set[str] = set()
    for history in directory:
        trail: list[str] = []
        current: UnitHistory | None = history
        while current is not None and current.identity not in safe and len(trail) < MAX_LEVELS:
            above = current.facts[place]
            if type(above) is tuple:
                break
            trail.append(current.identity)
            current = None if above is None else directory.history(above)
        if current is None or current.identity in safe:
            safe.update(trail)
        elif _returns(directory, history.identity, place):
            why = Text("đơn vị đứng trên chính mình (vòng lặp).", "the unit stands above itself (a cycle).")
            yield Breach(history.identity, column, "EDX-UNITS-CYCLE", why)


def _returns(directory: MemoryDirectory, start: str, place: int) -> bool:
    """Say whether going up from a unit leads back to it on some one day."""
    waiting: list[tuple[str, date, date]] = [(start, BEGIN, END)]
    seen: set[tuple[str, date, date]] = set()
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        identity, first, last = step
        history = directory.history(identity)
        if history is None:
            continue
        for span in history.spans_at(place):
            begin, end = max(first, span.start, history.opened), min(last, span.end, history.closed)
            if span.value is None or begin >= end:
                continue
            if span.value == start:
                return True
            waiting.append((span.value, begin, end))
    return False


def _shared_codes(directory: MemoryDirectory) -> Iterator[Breach]:
    order: dict[str, int] = {}
    for code, holders in directory.shared_codes():
        column = "code102" if code.scheme is Scheme.QCVN102 else "code"
        spans = sorted(
            (max(span.start, history.opened), min(span.end, history.closed), history.identity)
            for history in holders
            for span in history.spans(column)
            if span.value == code
        )
        reach, holder = BEGIN, ""
        for start, end, identity in spans:
            if start < reach and identity != holder:
                # Of the two, the one that came in later is at fault.
                order = order or {history.identity: place for place, history in enumerate(directory)}
                first, later = sorted((holder, identity), key=order.__getitem__)
                why = Text(
                    f"mã {code} đã thuộc {first} trong cùng thời gian (từ {_day_text(start)}).",
                    f"{code} belongs to {first} at the same time (from {_day_text(start)}).",
                )
                yield Breach(later, column, "EDX-UNITS-CODE-TWICE", why)
            if end > reach:
                reach, holder = end, identity


def _edge(directory: MemoryDirectory, edge: Succession) -> Iterator[Breach]:
    before = directory.history(edge.predecessor)
    if before is None:
        why = Text(f"không có đơn vị {edge.predecessor}.", f"there is no unit {edge.predecessor}.")
        yield Breach(edge, "predecessor", "EDX-UNITS-NOBODY", why)
    elif edge.kind in _CLOSING and before.closed > edge.on:
        why = Text("đơn vị tiền thân chưa kết thúc vào ngày này.", "the predecessor has not ended on that day.")
        yield Breach(edge, "on", "EDX-UNITS-SUCCESSION", why)
    if edge.custodian is not None and directory.history(edge.custodian) is None:
        why = Text(f"không có đơn vị {edge.custodian}.", f"there is no unit {edge.custodian}.")
        yield Breach(edge, "custodian", "EDX-UNITS-NOBODY", why)
    if edge.successor is None:
        return
    after = directory.history(edge.successor)
    if after is None:
        why = Text(f"không có đơn vị {edge.successor}.", f"there is no unit {edge.successor}.")
        yield Breach(edge, "successor", "EDX-UNITS-NOBODY", why)
    elif not after.opened <= edge.on < after.closed:
        # With the rule above this makes every chain of successors end: each step closes later than the last.
        why = Text("đơn vị kế thừa không tồn tại vào ngày này.", "the successor does not exist on that day.")
        yield Breach(edge, "successor", "EDX-UNITS-SUCCESSION", why)


def _life_text(history: UnitHistory) -> str:
    return f"{_day_text(history.opened)} – {_day_text(history.closed)}"


def _day_text(day: date) -> str:
    return "…" if day in (BEGIN, END) else day.isoformat()
