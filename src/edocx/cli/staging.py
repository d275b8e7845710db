"""Files that wait for their level under a hidden name, each run's its own: ``.NAME.XXXXXXXX.B-B``.

Two runs into one folder would otherwise write into one file between the signature and its timestamp. A run holds a
locked mark as long as it lives; what a dead one left is taken over, so that nothing is signed twice.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import fcntl

_WAITING = re.compile(r"\.(.+?)(?:\.([0-9a-f]{8}))?\.B-B", re.DOTALL)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Staging:
    """The hidden names of one run in a folder of results; used as a context manager, before any name is asked for.

    Raises ``OSError`` where the mark cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = secrets.token_hex(4)
        self._mark: int | None = None
        self._left: dict[str, list[Path]] = {}

    def __enter__(self) -> Self:
        """Make and lock the mark, then look for what dead runs left."""
        self._mark = os.open(self._mark_of(self._run), os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
        if sys.platform != "win32":
            # Where the file system knows no locks, every mark looks dead; who renames first has the file.
            with contextlib.suppress(OSError):
                fcntl.flock(self._mark, fcntl.LOCK_EX)
        self._left = self._find_left()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the mark: what still waits may be taken over; what a dead run left of a finished file goes."""
        if kind is None:
            for name, paths in self._left.items():
                if (self._folder / name).exists():
                    _remove(paths)
        self._mark_of(self._run).unlink(missing_ok=True)
        if self._mark is not None:
            os.close(self._mark)

    def name_for(self, out: Path) -> Path:
        """Return where this run keeps what will be ``out``."""
        return out.with_name(f".{out.name}.{self._run}.B-B")

    def take_over(self, out: Path) -> bool:
        """Give what a dead run left of ``out`` this run's name; tell whether there was any."""
        left = self._left.pop(out.name, [])
        for place, path in enumerate(left):
            with contextlib.suppress(FileNotFoundError):  # another run was first
                path.rename(self.name_for(out))
                _remove(left[place + 1 :])
                return True
        return False

    def _find_left(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        alive: dict[str | None, bool] = {None: False, self._run: True}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                waiting = _WAITING.fullmatch(entry.name)
                if waiting is None or not entry.is_file(follow_symlinks=False):
                    continue
                name, run = waiting.groups()
                if run not in alive:
                    alive[run] = self._lives(run)
                if not alive[run]:
                    found.setdefault(name, []).append(Path(entry.path))
        return found

    def _lives(self, run: str) -> bool:
        mark = self._mark_of(run)
        if sys.platform == "win32":
            return mark.exists()
        try:
            held = os.open(mark, os.O_RDWR | os.O_NONBLOCK | _NO_LINK)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            mark.unlink(missing_ok=True)
            return False
        finally:
            os.close(held)

    def _mark_of(self, run: str) -> Path:
        return self._folder / f".edocx.{run}.run"


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
