"""Build the documents in src/edocx/units/data from the tables under ../shared/data.

    python tools/build_units_data.py [FOLDER] [--check]

units.json holds level 1, the provinces and the successions; the communes stand in documents of their own, each small
enough to be read as a change in a review. Says which rows of the two commune tables match and lists those that do not.
With ``--check`` nothing is written; the exit code is 1 when a file in the repository differs from what the tables give.
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from edocx.units.directory import Snapshot
from edocx.units.history import BEGIN, END, Span, UnitHistory
from edocx.units.level import Level
from edocx.units.memory import MemoryDirectory
from edocx.units.search import fold
from edocx.units.soundness import breaches
from edocx.units.spelling import name_key
from edocx.units.succession import Succession, SuccessionKind
from edocx.units.unit_id import UnitId
from edocx.units.units_json import write_document

ROOT = Path(__file__).parents[1]
DATA = ROOT / "src/edocx/units/data"
HALF = "14500"
"""The statistical code from which communes stand in the second document."""
TAKEN = datetime(2026, 11, 21, 17, tzinfo=UTC)

REFORM = date(2025, 7, 1)
NEW_TABLE = date(2025, 4, 14)
MERGER, TABLE = "NQ 202/2025/QH15", "QĐ 09/2025/QĐ-TTg"

# The resolutions that changed a province's kind (law.md #116, #117); dates stand in provinces-2025.csv.
KIND_SOURCES = {"Đồng Nai": "NQ 30/2026/QH16", "Quảng Ninh": "NQ 36/2026/QH16", "Bắc Ninh": "NQ 39/2026/QH16"}

# Communes that became wards after the table was taken, without a list of which (law.md #116b).
UNLISTED_WARDS = {"Quảng Ninh": date(2026, 9, 1), "Bắc Ninh": date(2026, 9, 20)}

# Wards of Đồng Nai city from 2026-04-30 (NQ 237/NQ-UBTVQH16): xã in the 2025 table, phường in the 2026 one.
DONG_NAI_WARDS = date(2026, 4, 30)

# From memory: the centrally run cities before 2025; Huế followed on 2025-01-01 (law.md #117).
CITIES_BEFORE_2025 = {"Hà Nội", "Hải Phòng", "Đà Nẵng", "Thành phố Hồ Chí Minh", "Cần Thơ"}

HUE, OLD_HUE, HUE_CITY = "Huế", "Thừa Thiên Huế", date(2025, 1, 1)


@dataclass
class Built:
    """What has been made so far."""

    units: list[UnitHistory] = field(default_factory=list)
    edges: list[Succession] = field(default_factory=list)
    provinces: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def main() -> int:
    """Build, check and write the file; return the exit code."""
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    tables = Path(folders[0]) if folders else ROOT.parent / "shared" / "data"
    built = build(tables)
    for note in built.notes:
        print(note)
    directory = MemoryDirectory(built.units, built.edges)
    faults = list(breaches(directory))
    for fault in faults:
        print(f"UNSOUND {fault.subject}: {fault.column}: {fault.text.en}")
    same = True
    for name, text in documents(built).items():
        target = DATA / name
        if "--check" in sys.argv[1:] or faults:
            same = same and target.exists() and target.read_text(encoding="utf-8") == text
        else:
            target.write_text(text, encoding="utf-8")
            print(f"{name}: {len(text.encode())} bytes")
    print(f"{len(built.units)} units, {len(built.edges)} successions")
    return 0 if same and not faults else 1


def documents(built: Built) -> dict[str, str]:
    """Return the documents' texts by file name, in the order in which the package reads them."""
    first = [unit for unit in built.units if not unit.identity.startswith("commune-")]
    communes = [unit for unit in built.units if unit.identity.startswith("commune-")]
    parts = {
        "units.json": (first, built.edges),
        "communes-1.json": ([unit for unit in communes if (unit.statistical_code or "") < HALF], []),
        "communes-2.json": ([unit for unit in communes if (unit.statistical_code or "") >= HALF], []),
    }
    snapshot = Snapshot(1, TAKEN, "edocx")
    return {name: "".join(write_document(units, edges, snapshot)) for name, (units, edges) in parts.items()}


def build(tables: Path) -> Built:
    """Make every unit and edge from the folder of tables."""
    codes = _rows(tables / "org-codes.csv")
    provinces = _rows(tables / "provinces-2025.csv")
    built = Built()
    for prefix, body in (("H", "Ủy ban nhân dân"), ("K", "Hội đồng nhân dân")):
        for row in provinces:
            _province(built, row, {r["code"]: r for r in codes}, prefix, body)
    for row in codes:
        if row["code"][0] not in "HK":
            _central(built, row)
    for row in codes:
        if row["code"][0] not in "HK":
            _central_successors(built, row)
    _communes(built, _rows(tables / "communes-2026.csv"), _rows(tables / "commune-predecessors-2025.csv"), codes)
    return built


def _province(built: Built, row: dict[str, str], codes: dict[str, dict[str, str]], prefix: str, body: str) -> None:
    """Make one province of today, and the ones that merged into it."""
    name, kind = row["new_name"], row["kind"]
    number = row["org_code_level1"][1:]
    code = codes[prefix + number]
    merged = row["closed_org_codes"].split("|") if row["closed_org_codes"] else []
    slug = f"{'ubnd' if prefix == 'H' else 'hdnd'}-{_slug(name)}"
    opened = REFORM if merged else BEGIN
    identity = f"{slug}-2025" if merged else slug
    built.units.append(
        UnitHistory.of(
            identity,
            name=_hue_names(body) if name == HUE else f"{body} {name}",
            kind=_kinds(name, kind, opened),
            level=Level.PROVINCE,
            code=UnitId.parse(prefix + number),
            opened=opened,
            source=f"{code['source']}; {MERGER}" if merged else code["source"],
            statistical_code=row["gso_code_qd19_2025"] if prefix == "H" else None,
        )
    )
    if prefix == "H":
        built.provinces[name_key(_bare_province(name))] = identity
    if not merged:
        return
    for number_before in (number, *(closed[1:] for closed in merged)):
        before = codes[prefix + number_before]
        old_name = _territory(before["name"])
        old = f"{'ubnd' if prefix == 'H' else 'hdnd'}-{_slug(old_name)}"
        built.units.append(
            UnitHistory.of(
                old,
                name=f"{body} {old_name}",
                kind="thành phố" if old_name in CITIES_BEFORE_2025 else "tỉnh",
                level=Level.PROVINCE,
                code=UnitId.parse(prefix + number_before),
                closed=REFORM,
                source=before["source"],
                unverified=frozenset({"kind"}),
            )
        )
        built.edges.append(
            Succession(
                SuccessionKind.MERGE,
                old,
                identity,
                REFORM,
                MERGER,
                source=f"{TABLE}: the code of the same name goes on, the others close",
            )
        )


def _kinds(name: str, kind: str, opened: date) -> str | tuple[Span, ...]:
    """Read "tỉnh; thành phố from 2026-09-01" into spans."""
    if name == HUE:
        return (
            Span("tỉnh", BEGIN, HUE_CITY, source="QĐ 20/2020"),
            Span("thành phố", HUE_CITY, END, source="vneconomy.vn 15/04/2025"),
        )
    changed = re.fullmatch(r"(\S+); (.+) from (\d{4}-\d{2}-\d{2})", kind)
    if changed is None:
        return kind
    day = date.fromisoformat(changed[3])
    return (
        Span(changed[1], opened, day, source="provinces-2025"),
        Span(changed[2], day, END, source=KIND_SOURCES[name]),
    )


def _hue_names(body: str) -> tuple[Span, ...]:
    stated = body == "Ủy ban nhân dân"  # org-codes.csv notes the earlier name for H57 only
    return (
        Span(f"{body} tỉnh {OLD_HUE}", BEGIN, HUE_CITY, stated, "QĐ 20/2020"),
        Span(f"{body} thành phố Huế", HUE_CITY, END, source="vneconomy.vn 15/04/2025"),
    )


def _central(built: Built, row: dict[str, str]) -> None:
    """Make a unit of the other level-1 codes: ministries, the Assembly's office, courts, mass organisations."""
    if "." in row["code"]:
        return
    name, status, note = row["name"], row["status_2026"], row["note"]
    doubt = {"name"} if not name or "name unverified" in note else set()
    doubt |= {"status"} if status not in ("closed", "active") or note == "unverified" else set()
    listed = status == "active" and "QĐ 09/2025 list" in row["source"]
    # The new table gives today's names; what a code was called before that day is not in the sources.
    held = (
        Span(name, BEGIN, NEW_TABLE, verified=False, source=row["source"]),
        Span(name, NEW_TABLE, END, source=row["source"]),
    )
    built.units.append(
        UnitHistory.of(
            _central_identity(row),
            name=held if listed else name,
            level=Level.CENTRAL,
            code=UnitId.parse(row["code"]),
            closed=NEW_TABLE if status == "closed" else END,
            source=f"{row['source']}; {note}" if note and "memory" not in note else row["source"],
            unverified=frozenset(doubt),
        )
    )


def _central_successors(built: Built, row: dict[str, str]) -> None:
    """Make the edges that the notes of closed G codes state, all of them from memory."""
    if "[memory]" not in row["note"]:
        return
    by_code = {str(unit.last.code): unit.identity for unit in built.units if unit.last.level is Level.CENTRAL}
    heirs = re.findall(r"G\d\d", row["note"])
    kind = SuccessionKind.SPLIT if len(heirs) > 1 else SuccessionKind.MERGE
    built.edges += [
        Succession(kind, _central_identity(row), by_code[heir], NEW_TABLE, "", source="memory", verified=False)
        for heir in heirs
    ]


def _central_identity(row: dict[str, str]) -> str:
    return _slug(row["name"]) if row["name"] else f"unnamed-{row['code'].lower()}"


def _communes(
    built: Built, now: list[dict[str, str]], before: list[dict[str, str]], codes: list[dict[str, str]]
) -> None:
    """Make the communes of today with the names of those they were made of; every row matches or is noted."""
    exact = {(_province_key(row), name_key(row["commune_name"])): row for row in before}
    bare: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in before:
        bare.setdefault((_province_key(row), _bare(row["commune_name"])), []).append(row)
    coded = {name_key(re.sub(r"^Ủy ban nhân dân | \(.*", "", row["name"])): row for row in codes if "." in row["code"]}
    used, kind_differs = set(), []
    for row in now:
        province = _province_key(row)
        key = (province, name_key(row["commune_name"]))
        match = exact.get(key)
        if match is None:
            found = bare.get((province, _bare(row["commune_name"])), [])
            match = found[0] if len(found) == 1 else None
            kind_differs.append(f"{row['province_name']}: {row['commune_name']}")
        if match is None:
            built.notes.append(f"NO PREDECESSORS {row['province_name']}: {row['commune_name']}")
        else:
            used.add(id(match))
        built.units.append(_commune(built, row, match, coded.get(key[1]) if province == "an giang" else None))
    built.notes += [f"UNUSED {row['province_name']}: {row['commune_name']}" for row in before if id(row) not in used]
    built.notes.append(f"{len(now)} communes, {len(used)} matched; {len(kind_differs)} by name with another kind:")
    built.notes += [f"  {text}" for text in kind_differs]


def _commune(
    built: Built, row: dict[str, str], match: dict[str, str] | None, coded: dict[str, str] | None
) -> UnitHistory:
    name = _titled(row["commune_name"])
    province = _bare_province(row["province_name"])
    kind = _kind(name)
    names: str | tuple[Span, ...] = name
    kinds: str | tuple[Span, ...] = kind
    doubt: frozenset[str] = frozenset()
    if match is not None and _kind(match["commune_name"]) != kind:
        if province == "Đồng Nai":
            old = _titled(match["commune_name"])
            names = (Span(old, REFORM, DONG_NAI_WARDS), Span(name, DONG_NAI_WARDS, END, source="NQ 237/NQ-UBTVQH16"))
            kinds = (
                Span(_kind(old), REFORM, DONG_NAI_WARDS),
                Span(kind, DONG_NAI_WARDS, END, source="NQ 237/NQ-UBTVQH16"),
            )
        else:
            doubt = frozenset({"name", "kind"})
    elif province in UNLISTED_WARDS and kind == "xã":
        day = UNLISTED_WARDS[province]
        names = (Span(name, REFORM, day), Span(name, day, END, verified=False))
        kinds = (Span(kind, REFORM, day), Span(kind, day, END, verified=False))
    return UnitHistory.of(
        f"commune-{row['commune_statistical_code']}",
        name=names,
        kind=kinds,
        level=Level.COMMUNE,
        parent=built.provinces[name_key(province)],
        code=UnitId.parse(coded["code"]) if coded else None,
        opened=REFORM,
        source=coded["source"] if coded else "thanglequoc/vietnamese-provinces-database",
        unverified=doubt,
        statistical_code=row["commune_statistical_code"],
        formerly=_formerly(match["predecessors_text"]) if match else (),
    )


def _formerly(text: str) -> tuple[str, ...]:
    """Read "Xã A, Phường B (quận C), Xã D (phần còn lại …)"; commas in parentheses separate nothing."""
    if text == "giữ nguyên":
        return ()
    parts = re.split(r",\s*(?![^()]*\))", unicodedata.normalize("NFC", text))
    return tuple(" ".join(part.split()) for part in parts if part.strip())


def _kind(commune: str) -> str:
    kind = re.match(r"(xã|phường|đặc khu)\s", unicodedata.normalize("NFC", commune).lower())
    assert kind is not None, commune
    return kind[1]


def _bare(commune: str) -> str:
    return name_key(re.sub(r"^(xã|phường|đặc khu)\s", "", unicodedata.normalize("NFC", commune), flags=re.IGNORECASE))


def _titled(commune: str) -> str:
    """Write the kind word with a capital, which a few rows do not."""
    name = unicodedata.normalize("NFC", commune)
    return name[:1].upper() + name[1:]


def _bare_province(name: str) -> str:
    return re.sub(r"^(tỉnh|thành phố|thủ đô)\s", "", unicodedata.normalize("NFC", name), flags=re.IGNORECASE)


def _province_key(row: dict[str, str]) -> str:
    return name_key(_bare_province(row["province_name"]))


def _territory(name: str) -> str:
    return re.sub(r"^(Ủy ban nhân dân|Hội đồng nhân dân) (thành phố Huế)?", r"\2", re.sub(r" \(.*", "", name))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    sys.exit(main())
