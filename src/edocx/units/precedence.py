"""What a local record may not touch: the codes, days and endings that the shipped data or a signed snapshot tells.

An office takes in tables from anywhere. Whatever they say, a code that others give to a unit stays that unit's, in
either spelling and on every day; a code that they closed stays closed; a unit that they know stands as long as they
say. Otherwise one row in a table turns another agency's name, route and seal over to whoever wrote the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from edocx.errors import Text
from edocx.units.history import END, UnitHistory
from edocx.units.memory import MemoryDirectory, recorded_claims, spellings, syntactic_claims
from edocx.units.soundness import Breach, shared_codes
from edocx.units.unit import LOCAL
from edocx.units.unit_id import Scheme, UnitId

MAX_NAMED = 3
"""Most successors named in one sentence."""

Days = tuple[date, date]


def trespasses(vouched: MemoryDirectory, unit: UnitHistory) -> Iterator[Breach]:
    """Yield what a local record of a unit says against the records that others answer for.

    ``vouched`` holds only those (`MemoryDirectory.vouched`). ``EDX-UNITS-TOLD``: it ends, begins or recodes a unit
    of theirs; ``EDX-UNITS-CODE-TWICE``: it gives a code of theirs to another unit; ``EDX-UNITS-CLOSED``: it opens
    again a code that they closed. A record of others trespasses on nothing.
    """
    if unit.authority != LOCAL:
        return
    held = vouched.history(unit.identity)
    retold = None if held is None else next(_retold(held, unit), None)
    if retold is not None:
        yield retold
        return
    for column in ("code", "code102"):
        for code in {span.value: None for span in unit.spans(column) if span.value is not None}:
            claims = vouched.holdings(code)
            if claims:
                yield from _taken(vouched, unit, column, code, claims)


def without_trespassers(directory: MemoryDirectory) -> MemoryDirectory:
    """Return a directory without the local records that take what is another's: for documents that come whole.

    What was written out by an office that once took such a row in would carry it into every verdict elsewhere.
    """
    vouched = directory.vouched
    if vouched is directory:
        return directory
    gone = {one.identity for one in directory if any(True for _ in trespasses(vouched, one))}
    for breach in shared_codes(directory):
        held = directory.history(str(breach.subject))
        if held is not None and held.authority == LOCAL:
            gone.add(held.identity)
    return directory.with_changes(without=gone) if gone else directory


def closing(vouched: MemoryDirectory, history: UnitHistory, code: UnitId, end: date, day: date) -> Text:
    """Say of a code that its unit gave up: since when, by which decree, and who took over."""
    decree = next((edge.decree for edge in vouched.edges_from(history.identity) if edge.decree), "")
    heirs = [heir.unit for heir in vouched.successors(history.last, max(day, end))] if history.closed <= end else []
    named = ", ".join(f"{one.code} ({one.name})" if one.code else one.label for one in heirs[:MAX_NAMED])
    by_vi, by_en = (f" theo {decree}", f" by {decree}") if decree else ("", "")
    more = f" (+{len(heirs) - MAX_NAMED})" if len(heirs) > MAX_NAMED else ""
    to_vi, to_en = (
        (f"; đơn vị tiếp nhận: {named}{more}", f"; successor: {named}{more}")
        if named
        else ("; không ghi đơn vị tiếp nhận", "; no successor is recorded")
    )
    return Text(
        f"mã {code} ({history.last.label}) đã đóng từ {end:%d/%m/%Y}{by_vi}{to_vi}.",
        f"{code} ({history.last.label}) was closed on {end.isoformat()}{by_en}{to_en}.",
    )


def _retold(held: UnitHistory, unit: UnitHistory) -> Iterator[Breach]:
    """Find what changes the life or the codes of a unit that others know."""
    if unit.closed != held.closed:
        vi, en = f"đơn vị kết thúc ngày {held.closed:%d/%m/%Y}", f"that it ends on {held.closed.isoformat()}"
        if held.closed == END:
            vi, en = "đơn vị vẫn đang hoạt động", "that it goes on"
        yield _told(unit, "to", vi, en)
    elif unit.opened > held.opened:
        yield _told(unit, "from", "đơn vị có từ trước ngày này", "that the unit is older")
    else:
        for column, code in (("code", one) for one in held.values("code")):
            if code is not None and not _keeps(held, unit, code):
                yield _told(unit, column, f"đơn vị mang mã {code}", f"that its code is {code}")
                return
        for code in (one for one in held.values("code102") if one is not None):
            if not _keeps(held, unit, code):
                yield _told(unit, "code102", f"đơn vị mang mã {code}", f"that its code is {code}")
                return


def _keeps(held: UnitHistory, unit: UnitHistory, code: UnitId) -> bool:
    """Say whether a record still gives a unit a code, in both spellings, on every day that ``held`` does."""
    return all(
        _covered(days, list(_claims(unit, spelling)))
        for spelling in spellings(code)
        for days in _claims(held, spelling)
    )


def _claims(history: UnitHistory, code: UnitId) -> Iterator[Days]:
    yield from recorded_claims(history, code)
    for other in spellings(code)[1:]:
        yield from syntactic_claims(history, other)


def _covered(days: Days, some: Iterable[Days]) -> bool:
    return _first_left(days, some) is None


def _first_left(days: Days, some: Iterable[Days]) -> date | None:
    """Return the first day of an interval that no other interval covers."""
    place, end = days
    for start, until in sorted(some):
        if start > place:
            break
        place = max(place, until)
    return place if place < end else None


def _told(unit: UnitHistory, column: str, vi: str, en: str) -> Breach:
    return Breach(
        unit.identity,
        column,
        "EDX-UNITS-TOLD",
        Text(
            f"dữ liệu kèm theo hoặc bản đã ký nói {vi}; bản nhập riêng không đổi điều đó.",
            f"the shipped data or a signed snapshot tells {en}; a local import does not change it.",
        ),
    )


def _taken(
    vouched: MemoryDirectory,
    unit: UnitHistory,
    column: str,
    code: UnitId,
    claims: list[tuple[date, date, UnitHistory]],
) -> Iterator[Breach]:
    """Find the days on which a record claims a code that others give to another unit, or closed."""
    own = [(start, end) for start, end, holder in claims if holder.identity == unit.identity]
    for start, end in recorded_claims(unit, code):
        for since, until, holder in claims:
            if holder.identity != unit.identity and since < end and start < until:
                yield _of_others(unit, column, code, holder)
                return
        for _, until, holder in claims:
            again = _first_left((max(start, until), end), own) if until < end else None
            if again is not None:
                why = closing(vouched, holder, code, until, again)
                yield Breach(
                    unit.identity,
                    column,
                    "EDX-UNITS-CLOSED",
                    Text(
                        f"{why.vi[:-1]}; bản nhập riêng không mở lại.",
                        f"{why.en[:-1]}; a local import does not open it again.",
                    ),
                    holder.identity,
                )
                return


def _of_others(unit: UnitHistory, column: str, code: UnitId, holder: UnitHistory) -> Breach:
    shown = next((one for one in holder.values("code" if code.scheme is Scheme.QCVN102 else "code102") if one), None)
    recorded = code in (*holder.values("code"), *holder.values("code102"))
    vi, en = (
        ("", "")
        if recorded or shown is None
        else (f" (cách viết khác của {shown})", f" (the other spelling of {shown})")
    )
    return Breach(
        unit.identity,
        column,
        "EDX-UNITS-CODE-TWICE",
        Text(
            f"mã {code}{vi} theo dữ liệu kèm theo hoặc bản đã ký là của {holder.last.label}; bản nhập riêng không lấy"
            " sang đơn vị khác.",
            f"{code}{en} is {holder.last.label}'s by the shipped data or a signed snapshot; a local import does not"
            " give it to another unit.",
        ),
        holder.identity,
    )
