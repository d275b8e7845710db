"""``edocx bench province``: a province of 2023 and one day of its mail, on one machine, counted from its stores."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from edocx.cli.output import language, say
from edocx.documents import Urgency
from edocx.errors import Text
from edocx.testing.clock import RunningClock
from edocx.testing.province import SAID, Day, Plan, Tally, populate
from edocx.testing.province.day import play
from edocx.testing.scene import MORNING

GROWTH = 1.25
"""CPU seconds a document may cost at the largest scale, in those of the smallest."""

SIGNED_GOAL = 0.95


@dataclass(frozen=True, slots=True)
class Played:
    """One scale: the plan, how many certificates were issued in how many seconds, the day, and the count after it."""

    scale: float
    plan: Plan
    certificates: int
    set_up: float
    day: Day
    tally: Tally


def run(
    *,
    quick: bool = False,
    scales: Sequence[float] = (),
    processes: int | None = None,
    folder: Path | None = None,
    plan: Plan | None = None,
) -> list[dict[str, Any]]:
    """Play a day for each scale and return its figures; ``quick`` is a scale of 0.02.

    ``plan`` is that of scale 1; ``folder`` keeps the province there.
    """
    wanted = tuple(scales) or ((0.02,) if quick else (1.0,))
    crews = processes or 2 * (os.cpu_count() or 1)
    played = [_play(scale, plan or Plan(), crews, folder) for scale in wanted]
    figures = [figure for one in played for figure in _figures(one, named=len(played) > 1)]
    if len(played) > 1:
        figures.append(_growth(played))
    return figures


def show(figures: Sequence[dict[str, Any]]) -> None:
    """Print the figures as lines of one table, and what they leave out."""
    for one in figures:
        goal = f"   [{one['goal']}]" if one.get("goal") else ""
        more = "".join(f"   {name} {value:,}" for name, value in (one.get("peers") or {}).items())
        typer.echo(f"  {one['value']:>12,} {one['unit']:<9} {one['name']}{more}{goal}")
    say(Text("\nKhác với tỉnh thật:", "\nNot as in a real province:"))
    for text in SAID:
        say(f"  · {text.in_language(language())}")


def _play(scale: float, whole: Plan, processes: int, folder: Path | None) -> Played:
    plan = Plan(
        documents=max(20, round(whole.documents * scale)),
        organisations=whole.organisations,
        persons=whole.persons,
        seed=whole.seed,
    )
    place = Path(tempfile.mkdtemp(prefix="edocx-province-")) if folder is None else folder / f"scale-{scale:g}"
    try:
        began = time.perf_counter()
        with _bar(Text("Cấp chứng thư", "Certificates"), plan.organisations + plan.persons + 2) as told:
            certificates = populate(place / "province", plan, clock=RunningClock(MORNING), told=told)
        set_up = time.perf_counter() - began
        with _bar(Text("Một ngày của tỉnh", "A day of the province"), len(plan.letters) + plan.copies) as told:
            day = play(place / "province", plan, processes=processes, told=told)
        return Played(scale, plan, certificates, set_up, day, Tally.of(place / "province", plan))
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def _figures(one: Played, *, named: bool) -> Iterator[dict[str, Any]]:
    prefix = f"scale {one.scale:g}: " if named else ""

    def figure(name: str, value: float, unit: str, goal: str = "", peers: dict[str, float] | None = None) -> Any:
        return {"name": prefix + name, "value": value, "unit": unit, "goal": goal, "peers": peers or {}}

    plan, day, tally = one.plan, one.day, one.tally
    yield figure("units on the axis, inside the province", len(plan.above) - 2, "units")
    yield figure("certificates issued", one.certificates, "", peers={"seconds": round(one.set_up, 1)})
    yield figure("documents", len(plan.letters), "", peers={"copies": tally.copies, "messages": tally.messages})
    yield figure("wall time of the day", round(day.wall, 1), "s")
    yield figure("documents a second", round(len(plan.letters) / day.wall, 2), "1/s")
    yield figure("CPU seconds a document", round(day.cpu_per_document, 3), "s")
    yield figure("peak memory, all processes together", round(day.peak_mib), "MiB")
    signed = len(day.seen.signed) / max(1, len(day.seen.signed | day.seen.unsigned))
    yield figure("signed, by the receivers' verdicts", round(100 * signed, 1), "%", goal=f"{SIGNED_GOAL:.0%}")
    yield figure("copies refused with a reason", tally.refused, "")
    yield figure("copies recalled or replaced, agreed", tally.taken_back, "")
    zeroes = {
        "lost": tally.lost,
        "twice": tally.twice,
        "altered or nobody's": tally.altered,
        "copies without an answer at the sender": tally.unanswered,
        "recalls and replacements without an answer": tally.undone,
        "put into quarantine": tally.quarantined,
    }
    for name, value in zeroes.items():
        yield figure(name, value, "", goal="0")
    yield from (figure(*row) for row in _waits(tally))


def _waits(tally: Tally) -> Iterator[tuple[str, float, str, str, dict[str, float]]]:
    """Yield p50 and p99 from send to arrival: by lane, by hops, and of statuses."""
    lanes: dict[str, list[float]] = {}
    for urgency in sorted(Urgency, reverse=True):
        label = f"send to arrival, lane {int(urgency)} ({urgency.label.in_language(language())})"
        lanes[label] = [wait for (lane, _), found in tally.waits.items() if lane == urgency for wait in found]
    for hops in sorted({hops for _, hops in tally.waits}):
        found = [wait for (_, passed), waits in tally.waits.items() if passed == hops for wait in waits]
        lanes[f"send to arrival, {hops} hops"] = found
    lanes["send to arrival, statuses"] = tally.status_waits
    for name, waits in lanes.items():
        if waits:
            peers = {"p99": _milliseconds(waits, 0.99), "count": float(len(waits))}
            yield name, _milliseconds(waits, 0.5), "ms p50", "", peers


def _growth(played: Sequence[Played]) -> dict[str, Any]:
    least, most = min(played, key=lambda one: one.scale), max(played, key=lambda one: one.scale)
    return {
        "name": f"CPU seconds a document, scale {most.scale:g} over scale {least.scale:g}",
        "value": round(most.day.cpu_per_document / least.day.cpu_per_document, 3),
        "unit": "x",
        "goal": f"<= {GROWTH:g}",
        "peers": {},
    }


def _milliseconds(waits: Sequence[float], part: float) -> float:
    ordered = sorted(waits)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000, 1)


@contextmanager
def _bar(text: Text, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while the block runs; nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(text.in_language(language()), total=total)
        yield lambda count: progress.advance(task, count)
