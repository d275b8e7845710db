"""How the benchmarks measure: in turns, by medians, memory by child processes."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edocx.content import write_durably

MB = 1_000_000


def fast_folder() -> str | None:
    """Return a folder in memory where there is one: the code is measured, not the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 10 * 200 * MB else None


def in_turns(
    turns: int, measured: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Do each thing in turn (A B C A B C …), so that a machine that slows down slows all; return median seconds.

    Where there is no peer to slow down beside us, ``clock`` can be `time.process_time`: what one core did for us.
    """
    times: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(turns):
        for name, act in measured.items():
            started = clock()
            act()
            times[name].append(clock() - started)
    return {name: statistics.median(found) for name, found in times.items()}


def figure(name: str, seconds: Mapping[str, float], goals: Mapping[str, str]) -> dict[str, Any]:
    """Return a figure: our milliseconds, and those of the peers with the ratio to ours."""
    own = seconds["edocx"]
    return {
        "name": name,
        "value": _milliseconds(own),
        "unit": "ms",
        "goal": "; ".join(f"{goal} x {peer}" for peer, goal in goals.items()),
        "peers": {
            peer: {"ms": _milliseconds(found), "ratio": round(found / own, 2)}
            for peer, found in seconds.items()
            if peer != "edocx"
        },
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1 if seconds > 0.01 else 3)  # noqa: PLR2004 - ten milliseconds are precise to 1 %


def fill(path: Path, size: int) -> None:
    """Write a file of ``size`` bytes that does not compress and is the same every time."""
    block = hashlib.shake_128(b"edocx").digest(MB)
    write_durably(path, (block for _ in range(size // MB)))


def peak(script: str, *arguments: object) -> float:
    """Run a script in a child process and return the MiB that it says were its peak (`PEAK` prints them)."""
    command = [sys.executable, "-c", script + PEAK, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own interpreter
    return int(done.stdout) / 1024


PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""The kernel hands ``ru_maxrss`` on from parent to child, so that it says nothing here; VmHWM is the child's own."""
