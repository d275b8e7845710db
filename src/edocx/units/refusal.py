"""Why a code resolves to no unit on a date, said so that the sender knows what to do; and when two codes are one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from edocx.errors import Text, UnitError
from edocx.units.directory import SameUnit
from edocx.units.unit import Unit
from edocx.units.unit_id import Scheme, UnitId

if TYPE_CHECKING:
    from edocx.units.history import UnitHistory
    from edocx.units.memory import MemoryDirectory

MAX_NAMED = 5
"""Most successors named in one sentence; the error's ``successors`` holds them all."""


def explain(directory: MemoryDirectory, code: UnitId, day: date) -> UnitError:
    """Build the refusal for a code nobody holds on a day: unknown, closed, or not yet open."""
    held = directory.holdings(code)
    past = [history for _, end, history in held if end <= day]
    if past and past[-1].closed > day:
        return _renumbered(code, past[-1], day)
    if past:
        return _closed(directory, code, past[-1], day)
    if held:
        return _not_open(code, *held[0][::2])
    return _unknown(directory, code, day)


def compare(directory: MemoryDirectory, first: UnitId, second: UnitId, day: date) -> SameUnit:
    """Say whether two codes mean one unit: a recorded pair decides, else the syntactic rule, said so.

    Of codes that nobody holds on the day, what was recorded when somebody did decides.
    """
    answer = _compared(directory, first, second, day)
    below = directory.vouched
    if below is directory or first == second:
        return answer
    told = _compared(below, first, second, day)
    # What others record may say the same: then this office's own record changes nothing.
    return answer if told.basis == answer.basis else replace(answer, local=True)


def _compared(directory: MemoryDirectory, first: UnitId, second: UnitId, day: date) -> SameUnit:
    one, other = directory.recorded(first, day), directory.recorded(second, day)
    if one is None and other is None:
        one, other = _lapsed(directory, first, day), _lapsed(directory, second, day)
    if one is not None and other is not None:
        same = one.identity == other.identity
        text = Text("theo danh bạ", "by the directory") if same else Text("hai đơn vị khác nhau", "two different units")
        return SameUnit("recorded" if same else "different", text)
    if first == second:
        return SameUnit("syntactic", Text("cùng một mã", "the same code"))
    if _contradicted(one, second) or _contradicted(other, first):
        return SameUnit("different", Text("danh bạ ghi mã khác", "the directory records another code"))
    if _convertible(first, second):
        return SameUnit(
            "syntactic",
            Text(
                "chỉ theo quy tắc chuyển đổi hình thức, danh bạ không ghi cặp mã này",
                "by the conversion rule alone; the directory records no such pair",
            ),
        )
    return SameUnit("different", Text("không có căn cứ", "nothing says so"))


def _lapsed(directory: MemoryDirectory, code: UnitId, day: date) -> Unit | None:
    """Return the last state up to a day of the unit that was recorded with exactly this spelling last before it."""
    ended = [(end, history) for _, end, history in directory.holdings(code) if end <= day and code in _codes(history)]
    if not ended:
        return None
    end, history = max(ended, key=lambda one: one[0])
    return history.at(end - timedelta(days=1))


def _codes(history: UnitHistory) -> tuple[UnitId | None, ...]:
    return (*history.values("code"), *history.values("code102"))


def _contradicted(unit: Unit | None, code: UnitId) -> bool:
    """Say whether a unit is recorded with another code in the scheme of ``code``."""
    if unit is None:
        return False
    recorded = unit.code102 if code.scheme is Scheme.QCVN102 else unit.code
    return recorded is not None and recorded.scheme is code.scheme and recorded != code


def _convertible(first: UnitId, second: UnitId) -> bool:
    try:
        return first.to_qd20() == second.to_qd20()
    except UnitError:
        # The flat kinds (Điều 5, 6) have no form of Điều 4, so no conversion makes them equal.
        return False


def _closed(directory: MemoryDirectory, code: UnitId, history: UnitHistory, day: date) -> UnitError:
    heirs = directory.successors(history.last, day)
    edges = directory.edges_from(history.identity)
    decree = next((edge.decree for edge in edges if edge.decree), "")
    named = ", ".join(_titled(heir.unit) for heir in heirs[:MAX_NAMED])
    doubt = Text("", "") if all(heir.verified for heir in heirs) else Text(" (chưa kiểm chứng)", " (unverified)")
    if any(heir.local for heir in heirs):
        doubt = Text(f"{doubt.vi} (bản ghi riêng)", f"{doubt.en} (local record)")
    by = Text(f" theo {decree}", f" by {decree}") if decree else Text("", "")
    since = f"{history.closed:%d/%m/%Y}"
    if heirs:
        more = len(heirs) - MAX_NAMED
        vi, en = (f" và {more} đơn vị khác", f" and {more} more") if more > 0 else ("", "")
        hint = Text(
            f"Gửi đến đơn vị tiếp nhận: {named}{vi}{doubt.vi}.", f"Send to the successor: {named}{en}{doubt.en}."
        )
    else:
        above = _heirs_above(directory, history, day)
        vi, en = (f" hoặc {above}", f" or {above}") if above else ("", "")
        hint = Text(
            f"Danh bạ không ghi đơn vị kế thừa; hỏi cơ quan cấp trên{vi}.",
            f"The directory records no successor; ask the unit above{en}.",
        )
    return UnitError(
        Text(
            f"{_titled(history.last)} đã kết thúc hoạt động từ {since}{by.vi}.",
            f"{_titled(history.last)} closed on {history.closed.isoformat()}{by.en}.",
        ),
        hint=hint,
        code="EDX-UNIT-CLOSED",
        where=code.code,
        successors=tuple(_reference(heir.unit) for heir in heirs),
    )


def _renumbered(code: UnitId, history: UnitHistory, day: date) -> UnitError:
    """Refuse a code that its unit gave up while it goes on under another one."""
    unit = history.at(day) or history.last
    return UnitError(
        Text(f"{unit.label} không còn dùng mã {code}.", f"{unit.label} no longer has the code {code}."),
        hint=Text(f"Dùng mã hiện nay: {_titled(unit)}.", f"Use its present code: {_titled(unit)}."),
        code="EDX-UNIT-CLOSED",
        where=code.code,
        successors=(_reference(unit),),
    )


def _not_open(code: UnitId, first: date, history: UnitHistory) -> UnitError:
    name = history.at(first) or history.last
    return UnitError(
        Text(
            f"Vào ngày này chưa có đơn vị nào mang mã {code}; {_titled(name)} mang mã này từ {first:%d/%m/%Y}.",
            f"Nobody held {code} on that day; {_titled(name)} holds it from {first.isoformat()}.",
        ),
        hint=Text("Kiểm tra ngày, hoặc hỏi đơn vị tiền thân.", "Check the date, or ask for the predecessors."),
        code="EDX-UNIT-NOT-OPEN",
        where=code.code,
    )


def _heirs_above(directory: MemoryDirectory, history: UnitHistory, day: date) -> str:
    """Name who stands on a day where the closed unit's parent, or the nearest one above with an heir, stood."""
    seen = {history.identity}
    while (parent := history.last.parent) is not None and parent not in seen:
        seen.add(parent)
        above = directory.history(parent)
        if above is None:
            break
        unit = above.at(day)
        found = [unit] if unit is not None else [heir.unit for heir in directory.successors(above.last, day)]
        if len(found) == 1:
            return _titled(found[0])
        history = above
    return ""


def _unknown(directory: MemoryDirectory, code: UnitId, day: date) -> UnitError:
    nearest = _nearest(directory, code, day)
    ended = nearest is not None and nearest.closed is not None and nearest.closed <= day
    if nearest is None:
        known = Text(" Không có cấp trên nào của mã này trong danh bạ.", " It lists no ancestor of this code either.")
    else:
        vi, en = (" (đã kết thúc hoạt động)", " (closed)") if ended else ("", "")
        known = Text(
            f" Đơn vị cấp trên gần nhất có trong danh bạ: {_titled(nearest)}{vi}.",
            f" The nearest ancestor it lists: {_titled(nearest)}{en}.",
        )
    heirs = directory.successors(nearest, day) if nearest is not None and ended else ()
    return UnitError(
        Text(f"Danh bạ không có mã {code}.{known.vi}", f"The directory does not list {code}.{known.en}"),
        hint=Text(
            "Kiểm tra lại mã, hoặc cập nhật danh bạ (edocx units import).",
            "Check the code, or update the directory (edocx units import).",
        ),
        code="EDX-UNIT-UNKNOWN",
        where=code.code,
        nearest=nearest.code.reference if nearest is not None and nearest.code is not None else None,
        successors=tuple(_reference(heir.unit) for heir in heirs),
    )


def _nearest(directory: MemoryDirectory, code: UnitId, day: date) -> Unit | None:
    """Return the nearest ancestor that is open on the day, else the nearest that ever was, in its last state."""
    for above in code.ancestors:
        unit = directory.find(above, day)
        if unit is not None:
            return unit
    for above in code.ancestors:
        history = directory.latest(above, day)
        if history is not None:
            return history.last
    return None


def _reference(unit: Unit) -> str:
    return unit.code.reference if unit.code else unit.identity


def _titled(unit: Unit) -> str:
    return f"{unit.code} ({unit.name})" if unit.code and unit.name else unit.label
