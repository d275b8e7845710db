"""The way between two units, as the axis would carry it on a date, and who answers for an earlier document.

From each end the stations go up: by ``served_by`` where one is recorded for the date, else to the unit
of the parent code. Where the two ways meet the route is done; ways that never meet are joined by the
national axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edocx.errors import Text, UnitError
from edocx.units import refusal
from edocx.units.directory import Hop, RegisterHolder, When, Who
from edocx.units.unit import Unit, day_of
from edocx.units.unit_id import UnitId

if TYPE_CHECKING:
    from datetime import date

    from edocx.units.memory import MemoryDirectory

MAX_HOPS = 16
"""Longest way up: against ``served_by`` records that lead in a circle (the tree has four levels)."""

AXIS = Hop(
    "axis",
    None,
    "axis",
    Text("trục liên thông văn bản quốc gia nối hai hệ thống", "the national exchange axis joins the two systems"),
)


def route(directory: MemoryDirectory, sender: UnitId | str, recipient: UnitId | str, at: When) -> tuple[Hop, ...]:
    """Return the stations from sender to recipient; refuses closed and unknown units as ``resolve`` does."""
    day = day_of(at)
    first, last = directory.resolve(sender, day), directory.resolve(recipient, day)
    start = Hop("sender", first, "end", Text("đơn vị gửi", "the sending unit"))
    end = Hop("recipient", last, "end", Text("đơn vị nhận", "the receiving unit"))
    if first.identity == last.identity:
        return start, end
    up, down = _way_up(directory, first, day), _way_up(directory, last, day)
    met = _meeting(first, up, last, down)
    if met is None:
        return (start, *up, AXIS, *reversed(down), end)
    ups, downs = met
    return (start, *up[:ups], *reversed(down[:downs]), end)


def register_holder(directory: MemoryDirectory, who: Who, at: When) -> RegisterHolder:
    """Return who holds a unit's register on a date: itself, its one successor, or the named custodian."""
    day = day_of(at)
    history = directory.latest(who, day)
    if history is None:
        raise refusal.explain(directory, who if isinstance(who, UnitId) else UnitId.parse(str(who)), day)
    unit = history.at(day)
    if unit is not None:
        return RegisterHolder(unit, Text("đơn vị đang hoạt động", "the unit itself, which is open"), unit.local)
    found = _custodian(directory, history.identity, day)
    if found is not None:
        named, local = found
        rule = Text("đơn vị được giao giữ sổ", "the custodian named by the decree")
        return RegisterHolder(named, rule, local or named.local)
    heirs = directory.successors(history.last, day)
    if len(heirs) == 1:
        rule = Text("đơn vị kế thừa duy nhất", "the only successor")
        return RegisterHolder(heirs[0].unit, rule, heirs[0].local or heirs[0].unit.local)
    raise UnitError(
        Text(
            f"{history.last.label} có {len(heirs)} đơn vị kế thừa và chưa ghi nhận đơn vị giữ sổ.",
            f"{history.last.label} has {len(heirs)} successors and no recorded custodian of its register.",
        ),
        hint=Text("Ghi đơn vị giữ sổ vào danh bạ.", "Record the custodian in the directory."),
        code="EDX-UNIT-NO-CUSTODIAN",
        successors=tuple(heir.unit.code.reference if heir.unit.code else heir.unit.identity for heir in heirs),
    )


def _custodian(directory: MemoryDirectory, identity: str, day: date) -> tuple[Unit, bool] | None:
    """Follow the named custodians until one is open on the day; say whether a local edge was on the way."""
    local = False
    for _ in range(MAX_HOPS):
        edges = [edge for edge in directory.edges_from(identity) if edge.custodian and edge.on <= day]
        if not edges or edges[0].custodian is None:
            return None
        identity, local = edges[0].custodian, local or edges[0].local
        history = directory.history(identity)
        unit = history.at(day) if history is not None else None
        if unit is not None:
            return unit, local
    return None


def _way_up(directory: MemoryDirectory, unit: Unit, day: date) -> list[Hop]:
    hops: list[Hop] = []
    seen = {unit.identity}
    while len(hops) < MAX_HOPS:
        hop = _next_hub(directory, unit, day)
        if hop is None or hop.unit is None or hop.unit.identity in seen:
            break
        seen.add(hop.unit.identity)
        hops.append(hop)
        unit = hop.unit
    return hops


def _next_hub(directory: MemoryDirectory, unit: Unit, day: date) -> Hop | None:
    vi, en = "danh bạ không ghi nơi kết nối", "no connection is recorded"
    if unit.served_by is not None:
        hub = directory.find(unit.served_by, day)
        if hub is not None:
            return Hop("hub", hub, "served_by", _rule_served(unit, hub))
        vi, en = (
            f"nơi kết nối được ghi, {unit.served_by}, không hoạt động ngày này",
            f"the connection recorded, {unit.served_by}, does not exist on that day",
        )
    for above in unit.code.ancestors if unit.code else ():
        hub = directory.find(above, day)
        if hub is not None:
            rule = Text(
                f"theo cây mã: {above} đứng trên {unit.code}; {vi}",
                f"by the code tree: {above} stands above {unit.code}; {en}",
            )
            return Hop("hub", hub, "code", rule)
    return None


def _rule_served(unit: Unit, hub: Unit) -> Text:
    return Text(
        f"danh bạ ghi {unit.label} kết nối qua {hub.label}",
        f"the directory records that {unit.label} is connected through {hub.label}",
    )


def _meeting(first: Unit, up: list[Hop], last: Unit, down: list[Hop]) -> tuple[int, int] | None:
    """Return how many hops of each way to take so that they meet, or None when they never do."""
    ups = [first.identity, *(hop.unit.identity for hop in up if hop.unit)]
    downs = [last.identity, *(hop.unit.identity for hop in down if hop.unit)]
    for steps, identity in enumerate(ups):
        if identity in downs:
            place = downs.index(identity)
            # The meeting point stands once: with the way up, unless it is one of the two ends.
            return (steps - 1, 0) if place == 0 else (steps, place - 1)
    return None
