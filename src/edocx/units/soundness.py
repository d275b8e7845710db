"""What must hold of a directory before anybody relies on it; each breach is named with the unit at fault.

A life begins before it ends; facts lie in order inside the life and do not overlap; parents, hubs and
successors exist; a child lives within its parent's life; nobody is his own ancestor or hub on any day;
a code has at most one holder on a day; a successor outlives its predecessor, so that following
successors ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from edocx.errors import Text
from edocx.units.history import BEGIN, END, FIELDS, Span, UnitHistory
from edocx.units.memory import MemoryDirectory, recorded_claims, syntactic_claims
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit import SIGNED
from edocx.units.unit_id import Scheme, UnitId

is_identity = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9@._]+)+").fullmatch
"""Identities begin with a small letter and hold a hyphen: no text is both identity and code (``find`` takes both)."""

MAX_IDENTITY = 100
"""Longest identity: against index keys of unbounded size."""

MAX_LEVELS = 256
"""Most units above one another: against chains whose every walk costs their length (the tree has four levels)."""

MAX_STEPS = 200_000
"""Most steps of telling real circles from those that no one day has: against records tangled on purpose."""

_PARENT, _SERVED_BY = FIELDS.index("parent"), FIELDS.index("served_by")
_CLOSING = frozenset(SuccessionKind) - {SuccessionKind.TRANSFER}


class Breach(NamedTuple):
    """One rule broken: by which unit (identity) or edge, in which field, with a stable code and the reason."""

    subject: str | Succession
    column: str
    code: str
    text: Text
    other: str = ""
    """The identity of the other unit that the rule is broken with, where there is one."""


def is_told(vouched: MemoryDirectory, edge: Succession) -> bool:
    """Say whether an edge is local and its predecessor's end is told by the shipped data or by who signed it.

    ``vouched`` holds only the records of others. Of a unit that somebody signed and that is open, he who signed tells
    that it has not ended.
    """
    if not edge.local:
        return False
    held = vouched.history(edge.predecessor)
    if held is not None and (held.closed != END or held.authority == SIGNED):
        return True
    return any(not other.local for other in vouched.edges_from(edge.predecessor))


def breaches(directory: MemoryDirectory) -> Iterator[Breach]:
    """Yield every breach in a directory, units first."""
    for history in directory:
        yield from _life(history)
        yield from _above(directory, history)
    for place, column in ((_PARENT, "parent"), (_SERVED_BY, "served_by")):
        yield from _circles(directory, place, column)
    yield from shared_codes(directory)
    for edge in directory.successions:
        yield from _edge(directory, edge)
    yield from _passed_round(directory)


def _life(history: UnitHistory) -> Iterator[Breach]:
    identity = history.identity
    if not is_identity(identity) or len(identity) > MAX_IDENTITY:
        yield Breach(
            identity,
            "id",
            "EDX-UNITS-IDENTITY",
            Text(
                "định danh nội bộ (id) gồm chữ thường không dấu và số, có ít nhất một gạch nối, bắt đầu bằng chữ,"
                f" tối đa {MAX_IDENTITY} ký tự, ví dụ so-noi-vu; mã định danh thì ghi ở cột code.",
                "an identity (id) is small letters a-z and digits with at least one hyphen, beginning with a letter,"
                f" at most {MAX_IDENTITY} characters, such as so-noi-vu; codes go in the column code.",
            ),
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
            elif span.start < above.opened or span.end > above.closed:
                vi, en = ("đơn vị cấp trên", "unit above") if column == "parent" else ("nơi kết nối", "hub")
                why = Text(
                    f"vượt ra ngoài thời gian tồn tại của {vi} {above.identity} ({_life_text(above)}).",
                    f"it leaves the life of the {en}, {above.identity} ({_life_text(above)}).",
                )
                yield Breach(history.identity, column, "EDX-UNITS-OUTLIVES", why, above.identity)


def _circles(directory: MemoryDirectory, place: int, column: str) -> Iterator[Breach]:
    """Find units that stand above themselves, and chains too long: one walk over all, then only the suspects by day."""
    heights = _heights(directory, place)
    steps = MAX_STEPS
    told = False
    for identity, height in heights.items():
        if height > MAX_LEVELS:
            why = Text(f"có hơn {MAX_LEVELS} cấp bên trên.", f"more than {MAX_LEVELS} units stand above it.")
            yield Breach(identity, column, "EDX-UNITS-DEPTH", why)
        if height != _SUSPECT:
            continue
        if steps <= 0:
            if not told:
                why = Text("chuỗi cấp trên quá rối để kiểm tra.", "what stands above it is too tangled to check.")
                yield Breach(identity, column, "EDX-UNITS-CYCLE", why)
            return
        returns, used = _returns(directory, identity, place, steps)
        steps -= used
        if returns:
            told = True
            why = Text("đơn vị đứng trên chính mình (vòng lặp).", "the unit stands above itself (a cycle).")
            yield Breach(identity, column, "EDX-UNITS-CYCLE", why)


_SUSPECT = -1


def _heights(directory: MemoryDirectory, place: int) -> dict[str, int]:
    """Return how many units stand above each, of all days together; `_SUSPECT` where a circle may.

    Each unit is finished once (colouring), so the whole takes time in proportion to the records.
    """
    heights: dict[str, int] = {}
    for history in directory:
        trail = {history.identity: _all_above(directory, history, place)} if history.identity not in heights else {}
        while trail:
            identity, above = next(reversed(trail.items()))
            open_ = next((one for one in above if one not in heights), None)
            if open_ is None:
                known = [heights[one] for one in above]
                heights[identity] = _SUSPECT if _SUSPECT in known else 1 + max(known, default=-1)
                del trail[identity]
            elif open_ in trail:
                heights.update(dict.fromkeys(trail, _SUSPECT))
                trail.clear()
            else:
                following = directory.history(open_)
                trail[open_] = () if following is None else _all_above(directory, following, place)
    return heights


def _all_above(directory: MemoryDirectory, history: UnitHistory, place: int) -> tuple[str, ...]:
    fact = history.facts[place]
    named = {span.value for span in fact} if type(fact) is tuple else (fact,)
    return tuple(one for one in named if one is not None and directory.history(one) is not None)


def _returns(directory: MemoryDirectory, start: str, place: int, most: int) -> tuple[bool, int]:
    """Say whether going up from a unit leads back to it on some one day, and in how many steps that was found."""
    waiting: list[tuple[str, date, date]] = [(start, BEGIN, END)]
    seen: set[tuple[str, date, date]] = set()
    while waiting and len(seen) < most:
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
                return True, len(seen)
            waiting.append((span.value, begin, end))
    return False, len(seen)


def shared_codes(directory: MemoryDirectory) -> Iterator[Breach]:
    """Find codes that two units have on one day: both by record, or one by record and one by the syntactic rule."""
    order: dict[str, int] = {}
    for code, recorded, turned in directory.shared_codes():
        column = "code102" if code.scheme is Scheme.QCVN102 else "code"
        claims = [(start, end, one, True) for one in recorded for start, end in recorded_claims(one, code)]
        if turned:
            other = code.to_qd20() if code.scheme is Scheme.QCVN102 else code.to_qcvn102()
            claims += [(start, end, one, False) for one in turned for start, end in syntactic_claims(one, other)]
        claims.sort(key=lambda claim: (claim[0], claim[1], claim[2].identity))
        reach, holder, by_record = BEGIN, "", True
        for start, end, history, is_recorded in claims:
            # Two that have the code by the rule alone are told of under the spelling that both record.
            if start < reach and history.identity != holder and (is_recorded or by_record):
                # Of the two, the one that came in later is at fault.
                order = order or {history.identity: place for place, history in enumerate(directory)}
                first, later = sorted((holder, history.identity), key=order.__getitem__)
                if is_recorded and by_record:
                    why = Text(
                        f"mã {code} đã thuộc {first} trong cùng thời gian (từ {_day_text(start)}).",
                        f"{code} belongs to {first} at the same time (from {_day_text(start)}).",
                    )
                else:
                    unpaired = holder if is_recorded else history.identity
                    why = _by_rule(code, first, unpaired, start)
                yield Breach(later, column, "EDX-UNITS-CODE-TWICE", why, first)
            if end > reach:
                reach, holder, by_record = end, history.identity, is_recorded


def _by_rule(code: UnitId, first: str, unpaired: str, start: date) -> Text:
    """Say that a code is one unit's by record and another's by the rule, and what to do about it."""
    if first == unpaired:
        vi = f"mã {code} theo quy tắc chuyển đổi là của {unpaired} trong cùng thời gian"
        en = f"by the conversion rule {code} belongs to {unpaired} at the same time"
    else:
        vi = f"theo quy tắc chuyển đổi, {unpaired} trùng mã {code} đã ghi cho {first} trong cùng thời gian"
        en = f"by the conversion rule {unpaired} would have {code}, recorded for {first}, at the same time"
    return Text(
        f"{vi} (từ {_day_text(start)}); ghi đủ cặp mã của {unpaired} trước.",
        f"{en} (from {_day_text(start)}); record the pair of {unpaired} first.",
    )


def _edge(directory: MemoryDirectory, edge: Succession) -> Iterator[Breach]:
    before = directory.history(edge.predecessor)
    if before is None:
        why = Text(f"không có đơn vị {edge.predecessor}.", f"there is no unit {edge.predecessor}.")
        yield Breach(edge, "predecessor", "EDX-UNITS-NOBODY", why)
    elif edge.kind in _CLOSING and before.closed > edge.on:
        why = Text("đơn vị tiền thân chưa kết thúc vào ngày này.", "the predecessor has not ended on that day.")
        yield Breach(edge, "on", "EDX-UNITS-SUCCESSION", why, edge.predecessor)
    if edge.custodian is not None and directory.history(edge.custodian) is None:
        why = Text(f"không có đơn vị {edge.custodian}.", f"there is no unit {edge.custodian}.")
        yield Breach(edge, "custodian", "EDX-UNITS-NOBODY", why)
    if edge.successor is None:
        return
    if edge.successor == edge.predecessor:
        why = Text("đơn vị không kế thừa chính mình.", "a unit does not succeed itself.")
        yield Breach(edge, "successor", "EDX-UNITS-SUCCESSION", why)
        return
    after = directory.history(edge.successor)
    if after is None:
        why = Text(f"không có đơn vị {edge.successor}.", f"there is no unit {edge.successor}.")
        yield Breach(edge, "successor", "EDX-UNITS-NOBODY", why)
    elif not after.opened <= edge.on < after.closed:
        # With the rule above this makes every chain of successors end: each step closes later than the last.
        why = Text("đơn vị kế thừa không tồn tại vào ngày này.", "the successor does not exist on that day.")
        yield Breach(edge, "successor", "EDX-UNITS-SUCCESSION", why, edge.successor)


def _passed_round(directory: MemoryDirectory) -> Iterator[Breach]:
    """Find transfers that lead in a circle on one day; over the years a duty may well come back."""
    days: dict[date, dict[str, list[Succession]]] = {}
    for edge in directory.successions:
        if edge.kind is SuccessionKind.TRANSFER and edge.successor not in (None, edge.predecessor):
            days.setdefault(edge.on, {}).setdefault(edge.predecessor, []).append(edge)
    for following in days.values():
        entering = Counter(edge.successor for edges in following.values() for edge in edges)
        ready = [one for one in following if not entering[one]]
        while ready:
            for edge in following.pop(ready.pop()):
                entering[edge.successor] -= 1
                if not entering[edge.successor] and edge.successor in following:
                    ready.append(edge.successor)
        # What nothing outside the circle leads to never became ready.
        for edges in list(following.values())[:1]:
            why = Text("nhiệm vụ chuyển vòng tròn trong một ngày.", "duties are passed round in a circle on one day.")
            yield Breach(edges[0], "successor", "EDX-UNITS-SUCCESSION", why)


def _life_text(history: UnitHistory) -> str:
    return f"{_day_text(history.opened)} – {_day_text(history.closed)}"


def _day_text(day: date) -> str:
    return "…" if day in (BEGIN, END) else day.isoformat()
