"""Faults on demand: every durable step has a number and a name, and any of them can fail or kill.

Run a scenario once with ``Faults()`` and count its ``points``; then run it again for each number with
`Faults.crash_at` (in one process) or `Faults.kill_at` (a real SIGKILL in a process of its own), and see
that the next run finds nothing lost and nothing twice.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from edocx.testing.clock import FixedClock


class Crash(BaseException):
    """The process is to be thought dead: drop every object it had, and start anew from what is on disk."""


class Faults:
    """An `edocx.routing.faults.Faults` that numbers the points reached, from 1, and acts at chosen ones."""

    def __init__(self) -> None:
        self._points: list[str] = []
        self._lock = threading.Lock()
        self._acts: list[tuple[Callable[[int, str], bool], Callable[[], None]]] = []

    @classmethod
    def crash_at(cls, number: int) -> Self:
        """Raise `Crash` when point ``number`` is reached."""
        faults = cls()
        faults.crash_after(number)
        return faults

    @classmethod
    def kill_at(cls, number: int) -> Self:
        """Send SIGKILL to this very process when point ``number`` is reached (POSIX)."""
        faults = cls()
        faults._acts.append((lambda count, _: count == number, _kill))
        return faults

    def crash_after(self, steps: int) -> None:
        """Raise `Crash` at the ``steps``-th point from now."""
        wanted = len(self._points) + steps
        self._acts.append((lambda count, _: count == wanted, _crash))

    def fail(self, pattern: str, error: BaseException, *, times: int = 1) -> None:
        """Raise ``error`` the next ``times`` times that a point matching ``pattern`` (shell style) is reached."""
        left = [times]

        def matches(_: int, point: str) -> bool:
            if left[0] == 0 or not fnmatchcase(point, pattern):
                return False
            left[0] -= 1
            return True

        def act() -> None:
            raise error

        self._acts.append((matches, act))

    def call(self, pattern: str, act: Callable[[], None]) -> None:
        """Call ``act`` whenever a point matching ``pattern`` is reached: to move a clock, or to look around."""
        self._acts.append((lambda _, point: fnmatchcase(point, pattern), act))

    def delay(self, pattern: str, clock: FixedClock, by: timedelta, *, times: int = 1) -> None:
        """Let time pass the next ``times`` times that a point matching ``pattern`` is reached: a step that is slow."""
        left = [times]

        def act() -> None:
            if left[0] > 0:
                left[0] -= 1
                clock.set(clock.now() + by)

        self.call(pattern, act)

    def disarm(self) -> None:
        """Let everything pass from now on; the points go on being numbered."""
        self._acts.clear()

    @property
    def points(self) -> tuple[str, ...]:
        """The points reached so far, in order; the first has number 1."""
        return tuple(self._points)

    def reached(self, point: str, /) -> None:
        """Number the point and act if something is armed for it."""
        with self._lock:
            self._points.append(point)
            count = len(self._points)
        for matches, act in tuple(self._acts):
            if matches(count, point):
                act()


def _crash() -> None:
    raise Crash


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
