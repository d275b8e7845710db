"""``edocx bench units``: parse, load, resolve and search, on a generated directory of 80,000 units."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from edocx.units import Level, Snapshot, Span, Succession, SuccessionKind, UnitHistory, UnitId
from edocx.units.history import BEGIN
from edocx.units.units_json import load, write_document

REFORM = date(2025, 7, 1)
QUERIES = (
    "tân lập 3 huyện 5",
    "uy ban nhan dan",
    "a",
    "hoa binh 17 huyen 9",
    "H20.12",
    "khong co gi",
    "xa huyen tan 3",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure: what, how much, in which unit, and the goal it is held against (``>=`` or ``<=``)."""

    name: str
    value: float
    unit: str
    goal: str

    def as_json(self) -> dict[str, object]:
        """Return the figure as JSON."""
        return {"name": self.name, "value": round(self.value, 2), "unit": self.unit, "goal": self.goal}


def run(*, quick: bool = False) -> list[dict[str, object]]:
    """Measure everything on one core and return the figures as JSON; ``quick`` takes a tenth of the units."""
    return [figure.as_json() for figure in bench_units(quick=quick)]


def bench_units(*, quick: bool = False, runs: int = 5) -> list[Measured]:
    """Measure everything on one core; medians of ``runs``. ``quick`` takes a tenth of the units."""
    provinces = 6 if quick else 63
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "units.json"
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(_generated(provinces))
        before = _resident()
        load_seconds = _median(lambda: load(path), 3 if quick else runs)
        directory = load(path)
        loaded = _peak() - before
    codes = [unit.code for unit in directory.at(date(2023, 6, 30)) if unit.code]
    old = [f"000.{z:02}.{y:02}.H{m:02}" for m in range(1, 64) for y in range(10, 26) for z in range(10, 30)]
    day = date(2023, 6, 30)
    directory.search("x")
    slowest = max(_median(lambda query=query: directory.search(query, day), runs) for query in QUERIES)  # type: ignore[misc]
    parse = len(old) / _median(lambda: [UnitId.parse(code).to_qd20() for code in old], runs)
    back = len(codes) / _median(lambda: [UnitId.parse(code.code) for code in codes], runs)
    resolve = len(codes) / _median(lambda: [directory.resolve(code, day) for code in codes], runs)
    return [
        Measured("parse and convert to QĐ 20", parse, "codes/s", ">= 300000"),
        Measured("parse QĐ 20", back, "codes/s", ">= 300000"),
        Measured(f"load {len(directory)} units with history", load_seconds, "s", "<= 1.5"),
        Measured("memory for them, peak", loaded, "MiB", "<= 120"),
        Measured("resolve at a date", resolve, "units/s", ">= 200000"),
        Measured("search, the slowest of seven queries", slowest * 1000, "ms", "<= 20"),
    ]


def _generated(provinces: int) -> Iterator[str]:
    """Yield the document's lines without holding the units: they would be counted to the loader."""
    snapshot = Snapshot(1, datetime(2026, 1, 1, tzinfo=UTC), "generated")
    return write_document(_units(provinces), _edges(provinces), snapshot)


def _units(provinces: int) -> Iterator[UnitHistory]:
    for p in range(1, provinces + 1):
        name, code = f"Ủy ban nhân dân tỉnh số {p}", UnitId.parse(f"H{p:02}")
        for identity, life in ((f"p-{p}", {"closed": REFORM}), (f"p-{p}-new", {"opened": REFORM})):
            yield UnitHistory.of(identity, name=name, kind="tỉnh", level=Level.PROVINCE, code=code, **life)
        for d in range(1, 22):
            code = UnitId.parse(f"H{p:02}.{d:02}")
            yield UnitHistory.of(
                f"d-{p}-{d}",
                name=f"Ủy ban nhân dân huyện số {d} tỉnh {p}",
                kind="huyện",
                level=Level.DISTRICT,
                code=code,
                code102=code.to_qcvn102(),
                parent=f"p-{p}",
                served_by=f"p-{p}",
                closed=REFORM,
            )
            for c in range(1, 31):
                yield from _commune(p, d, c)


def _edges(provinces: int) -> Iterator[Succession]:
    for p in range(1, provinces + 1):
        for d in range(1, 22):
            for c in range(1, 31):
                yield Succession(SuccessionKind.MERGE, f"c-{p}-{d}-{c}", f"n-{p}-{d}-{c}", REFORM, "NQ")


def _commune(p: int, d: int, c: int) -> list[UnitHistory]:
    renamed = date(2020, 1, 1)
    names = (
        Span(f"Ủy ban nhân dân xã Tân Lập {c} huyện {d}", BEGIN, renamed),
        Span(f"Ủy ban nhân dân xã Hòa Bình {c} huyện {d}", renamed, REFORM),
    )
    old = UnitHistory.of(
        f"c-{p}-{d}-{c}",
        name=names,
        kind="xã",
        level=Level.COMMUNE,
        code=UnitId.parse(f"H{p:02}.{d:02}.{c:02}"),
        parent=f"d-{p}-{d}",
        served_by=f"p-{p}",
        closed=REFORM,
    )
    new = UnitHistory.of(
        f"n-{p}-{d}-{c}",
        name=f"Ủy ban nhân dân xã Đồng Tâm {c} số {d}",
        kind="xã",
        level=Level.COMMUNE,
        code=UnitId.parse(f"H{p:02}.{100 + d * 30 + c}"),
        parent=f"p-{p}-new",
        served_by=f"p-{p}-new",
        opened=REFORM,
    )
    return [old, new]


def _median(work: Callable[[], object], runs: int) -> float:
    """Return the median time of one core: nothing here waits, and neighbours on the machine do not count."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def _peak() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 1024 / 1024


def _resident() -> float:
    """Return the memory in use now: what the generator took is given back or counted here, not to the loader."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        # Not Linux: the peak so far stands in, and the figure can only come out too small.
        return _peak()
    return pages * resource.getpagesize() / 1024 / 1024
