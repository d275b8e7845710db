"""Who holds leases, and who of them is dead: each holder keeps a file locked, and the system lets go for it.

A lease also ends by time; this only spares the next process the wait after a crash on the same machine.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl


class Holder:
    """A name under which leases are held, alive as long as its file is locked."""

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(6)
        self._folder = folder
        self._file: BinaryIO | None = None

    def begin(self) -> tuple[str, ...]:
        """Lock this holder's file; return the names of the dead, to be forgotten once their leases are freed."""
        if sys.platform == "win32":  # leases end by time only
            return ()
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._guard():
            dead = tuple(path.stem for path in self._folder.glob("*.holder") if _is_free(path))
            self._file = self._path(self.name).open("wb")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return dead

    def forget(self, names: tuple[str, ...]) -> None:
        """Remove the files of dead holders."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def end(self) -> None:
        """Let go; the file stays until the next holder has freed what was leased."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.holder"

    @contextmanager
    def _guard(self) -> Iterator[None]:
        # Without it a holder could be taken for dead between making its file and locking it.
        with (self._folder / "guard").open("wb") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield


def _is_free(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    return False
