"""The day itself: crews in processes of their own, started together and stopped when nothing moves any more."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from edocx.errors import Text, Unavailable
from edocx.routing.transport.local import LocalAxis
from edocx.testing.clock import RunningClock
from edocx.testing.province.crew import Crew, Seen
from edocx.testing.province.plan import OUTSIDE, Plan
from edocx.testing.province.population import AXIS
from edocx.testing.scene import MORNING

_LOOK = 0.05
"""Seconds between two looks of the parent, and of a crew that has nothing to do."""

HANDLES = 8_192
"""File handles that a crew asks for: every open store holds a few."""


@dataclass(frozen=True, slots=True)
class Day:
    """What playing a day took: wall and CPU seconds, the sum of the processes' peaks in MiB, what clerks saw."""

    wall: float
    cpu: float
    peak_mib: float
    seen: Seen
    documents: int

    @property
    def cpu_per_document(self) -> float:
        """CPU seconds a document."""
        return self.cpu / self.documents


@dataclass(frozen=True, slots=True)
class _Orders:
    folder: Path
    plan: Plan
    mine: frozenset[str]
    start: datetime
    origin: float


def play(folder: Path, plan: Plan, *, processes: int, told: Callable[[int], None] = lambda _: None) -> Day:
    """Play the day of a populated province in ``processes`` processes; ``told`` hears of documents and copies done.

    Raises `Unavailable` when a process fails.
    """
    context = multiprocessing.get_context("spawn")
    stop, clock = context.Event(), RunningClock(MORNING)
    units = (*plan.sealed, *OUTSIDE, *sorted({letter.sender for letter in plan.letters if not letter.signed}))
    started = time.monotonic()
    crews: list[tuple[Any, Connection, Event]] = []
    for place in range(processes):
        mine = frozenset(units[place::processes])
        idle, (reader, writer) = context.Event(), context.Pipe(duplex=False)
        orders = _Orders(folder, plan, mine, clock.start, clock.origin)
        process = context.Process(target=_work, args=(orders, writer, idle, stop), daemon=True)
        process.start()
        writer.close()
        crews.append((process, reader, idle))
    try:
        results = _watch(folder, clock, crews, stop, told)
    finally:
        stop.set()
        for process, _, _ in crews:
            process.join()
    seen = Seen(set().union(*(one.signed for *_, one in results)), set().union(*(one.unsigned for *_, one in results)))
    cpu, peak = sum(one[0] for one in results), sum(one[1] for one in results)
    return Day(max(one[2] for one in results) - started, cpu, peak + _peak_mib(), seen, len(plan.letters))


def _watch(
    folder: Path, clock: RunningClock, crews: list[Any], stop: Event, told: Callable[[int], None]
) -> list[tuple[float, float, float, Seen]]:
    """Pass on what the crews report; stop them when all are idle and nothing waits; return their results."""
    results: list[tuple[float, float, float, Seen]] = []
    readers = [reader for _, reader, _ in crews]
    with LocalAxis.open(folder / AXIS, clock=clock) as axis:
        while readers:
            for ready in wait(readers, timeout=_LOOK):
                assert isinstance(ready, Connection)
                try:
                    report = ready.recv()
                except EOFError:
                    readers.remove(ready)
                    continue
                if isinstance(report, int):
                    told(report)
                elif isinstance(report, str):
                    raise _failed(report)
                else:
                    results.append(report)
            quiet = not stop.is_set() and all(idle.is_set() for *_, idle in crews)
            # Looked at on both sides of the flags: what a crew was doing before is on the axis after.
            if quiet and not axis.waiting_units() and all(idle.is_set() for *_, idle in crews):
                stop.set()
    if len(results) != len(crews):
        raise _failed("a crew ended before its time")
    return results


def _work(orders: _Orders, reports: Connection, idle: Event, stop: Event) -> None:
    _raise_handles()
    clock = RunningClock(orders.start, orders.origin)
    began = time.process_time()
    try:
        with Crew(orders.folder, orders.plan, orders.mine, clock=clock) as crew:
            crew.play(reports.send)
            last = time.monotonic()
            while not stop.is_set():
                idle.clear()  # before looking: who is at work is never idle
                if crew.serve(reports.send):
                    last = time.monotonic()
                else:
                    idle.set()
                    stop.wait(_LOOK)
            reports.send((time.process_time() - began, _peak_mib(), last, crew.seen))
    except Exception as error:
        reports.send(f"{type(error).__name__}: {error}")
        raise
    finally:
        reports.close()


def _raise_handles() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HANDLES if hard == resource.RLIM_INFINITY else min(HANDLES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _peak_mib() -> float:
    """Return this process's own peak: Linux hands ``ru_maxrss`` on from the parent, VmHWM is the process's."""
    status = Path("/proc/self/status")
    if status.exists():
        found = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(found) / 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _failed(reason: str) -> Unavailable:
    return Unavailable(
        Text(f"Một tiến trình của phép đo dừng giữa chừng: {reason}", f"A process of the measurement ended: {reason}"),
        hint=Text(
            "Chạy lại với --scale nhỏ hơn; báo lỗi nếu lặp lại.", "Try a smaller --scale; report it if it stays."
        ),
        code="EDX-PROVINCE-CREW",
    )
