"""A generated tree of Tiền Giang as of 2023 and Đồng Tháp as of 2026: test data, and every record says so.

Only the province units come from the shipped data. All numbers below a province, all names of
departments and offices, and all successions between them are invented, so that tests have the shape of
the real thing: 1,174 identifiers on four levels in 2023, no districts and 102 communes in 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from edocx.units.history import FIELDS, UnitHistory
from edocx.units.level import Level
from edocx.units.memory import MemoryDirectory
from edocx.units.shipped import shipped_directory
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit import LOCAL
from edocx.units.unit_id import UnitId

SOURCE = "generated test data"
"""The source that every record made here names."""

MARK = "(dữ liệu thử)"
"""Stands in every name made here."""

REFORM = date(2025, 7, 1)
TIEN_GIANG, DONG_THAP = "ubnd-tien-giang", "ubnd-dong-thap-2025"

DISTRICTS = range(12, 23)
DEPARTMENTS = (*range(1, 12), *range(23, 30))
COMMUNES = 172
IDENTIFIERS = 1174
"""Tiền Giang's figures of 2023: 18 departments, 11 districts, 172 communes, 1,174 identifiers in all."""


class Territory(NamedTuple):
    """Generated units and the edges between them."""

    units: tuple[UnitHistory, ...]
    successions: tuple[Succession, ...] = ()


def tien_giang_2023() -> Territory:
    """Make the 1,173 units under Tiền Giang (with the province: 1,174 codes), all closed on 2025-07-01."""
    units = [*_departments(), *_districts(), *_communes()]
    for number, unit in enumerate(_offices(), start=len(units)):
        if number == IDENTIFIERS - 1:
            break
        units.append(unit)
    return Territory(tuple(units))


def dong_thap_2026() -> Territory:
    """Make codes for Đồng Tháp's 102 communes, its departments, and the successions from Tiền Giang's units."""
    shipped = shipped_directory()
    communes = shipped.children(DONG_THAP, REFORM)
    units = [_coded(shipped, unit.identity, f"H20.{100 + number}") for number, unit in enumerate(communes, start=1)]
    units += [
        _unit(f"H20.{number:02}", f"Sở số {number:02} Đồng Tháp", "sở", Level.PROVINCE, DONG_THAP, opened=REFORM)
        for number in DEPARTMENTS
    ]
    heirs = [unit.identity for unit in communes]
    return Territory(tuple(units), tuple(_passages(heirs)))


def outsiders() -> Territory:
    """Make a tax office with a ministry's code and the province's hub, and a mass body on the same system."""
    tax = _unit(
        "G12.18.58",
        "Cục Thuế tỉnh Tiền Giang",
        "cục",
        Level.PROVINCE,
        "bo-tai-chinh",
        served_by=TIEN_GIANG,
        closed=REFORM,
    )
    body = _unit(
        "I01.58",
        "Ủy ban Mặt trận Tổ quốc tỉnh Tiền Giang",
        "tổ chức",
        Level.PROVINCE,
        "uy-ban-trung-uong-mat-tran-to-quoc-viet-nam",
        served_by=TIEN_GIANG,
        closed=REFORM,
    )
    return Territory((tax, body))


def four_level_directory() -> MemoryDirectory:
    """Return the shipped directory with all of the generated territory in it."""
    before, after, others = tien_giang_2023(), dong_thap_2026(), outsiders()
    units = (*before.units, *after.units, *others.units)
    return shipped_directory().with_changes(units, (*before.successions, *after.successions))


def _departments() -> Iterator[UnitHistory]:
    for number in DEPARTMENTS:
        yield _old(f"H58.{number:02}", f"Sở số {number:02} Tiền Giang", "sở", Level.PROVINCE, TIEN_GIANG)


def _districts() -> Iterator[UnitHistory]:
    for number in DISTRICTS:
        yield _old(f"H58.{number}", f"Ủy ban nhân dân huyện số {number}", "huyện", Level.DISTRICT, TIEN_GIANG)


def _communes() -> Iterator[UnitHistory]:
    for district, number in commune_numbers():
        parent = _identity(f"H58.{district}")
        name = f"Ủy ban nhân dân xã số {number:02}, huyện số {district}"
        yield _old(f"H58.{district}.{number:02}", name, "xã", Level.COMMUNE, parent)


def commune_numbers() -> Iterator[tuple[int, int]]:
    """Yield (district, commune) for the 172 communes, dealt out evenly."""
    for place in range(COMMUNES):
        yield DISTRICTS[place % len(DISTRICTS)], place // len(DISTRICTS) + 1


def _offices() -> Iterator[UnitHistory]:
    """Yield more offices than are taken: 20 under each department, 10 under each district, 4 under a commune."""
    for department in DEPARTMENTS:
        for number in range(1, 21):
            code = f"H58.{department:02}.{number:02}"
            parent = _identity(f"H58.{department:02}")
            yield _old(code, f"Đơn vị số {number:02}, sở số {department:02}", "đơn vị", Level.PROVINCE, parent)
    for district in DISTRICTS:
        for number in range(31, 41):
            parent = _identity(f"H58.{district}")
            name = f"Phòng số {number}, huyện số {district}"
            yield _old(f"H58.{district}.{number}", name, "phòng", Level.DISTRICT, parent)
    for number in range(1, 5):
        for district, commune in commune_numbers():
            code = f"H58.{district}.{commune:02}.{number:03}"
            parent = _identity(f"H58.{district}.{commune:02}")
            name = f"Trạm số {number}, xã số {commune:02}, huyện số {district}"
            yield _old(code, name, "trạm", Level.COMMUNE, parent)


def _passages(heirs: list[str]) -> Iterator[Succession]:
    """Yield who took over: communes merge, districts split with a named custodian, departments merge."""
    decree = "nghị quyết giả định"
    split: dict[int, set[str]] = {}
    for place, (district, number) in enumerate(commune_numbers()):
        heir = heirs[place * len(heirs) // COMMUNES]
        split.setdefault(district, set()).add(heir)
        old = _identity(f"H58.{district}.{number:02}")
        yield Succession(SuccessionKind.MERGE, old, heir, REFORM, decree, source=SOURCE)
    for district, successors in split.items():
        old = _identity(f"H58.{district}")
        for heir in sorted(successors):
            yield Succession(SuccessionKind.SPLIT, old, heir, REFORM, decree, DONG_THAP, SOURCE)
    for number in DEPARTMENTS:
        old, new = _identity(f"H58.{number:02}"), _identity(f"H20.{number:02}")
        yield Succession(SuccessionKind.MERGE, old, new, REFORM, decree, source=SOURCE)


def _coded(shipped: MemoryDirectory, identity: str, code: str) -> UnitHistory:
    history = shipped.history(identity)
    assert history is not None
    facts = list(history.facts)
    facts[FIELDS.index("code")] = UnitId.parse(code)
    facts[FIELDS.index("served_by")] = DONG_THAP
    return UnitHistory(
        identity,
        tuple(facts),
        opened=history.opened,
        source=f"{history.source}; code and hub: {SOURCE}",
        authority=LOCAL,
        unverified=history.unverified,
        statistical_code=history.statistical_code,
        formerly=history.formerly,
    )


def _old(code: str, name: str, kind: str, level: Level, parent: str) -> UnitHistory:
    return _unit(code, name, kind, level, parent, closed=REFORM)


def _unit(
    code: str,
    name: str,
    kind: str,
    level: Level,
    parent: str,
    *,
    served_by: str | None = None,
    opened: date | None = None,
    closed: date | None = None,
) -> UnitHistory:
    life = ({"opened": opened} if opened else {}) | ({"closed": closed} if closed else {})
    return UnitHistory.of(
        _identity(code),
        name=f"{name} {MARK}",
        kind=kind,
        level=level,
        code=UnitId.parse(code),
        parent=parent,
        served_by=served_by or parent,
        source=SOURCE,
        authority=LOCAL,
        **life,
    )


def _identity(code: str) -> str:
    return f"generated-{code.lower()}"
