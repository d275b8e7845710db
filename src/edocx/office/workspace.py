"""Folders for files in the making, gone afterwards: also those of a process that was killed.

Each is locked while it is used; the system lets go of a dead process' locks, so the next one knows what to clear away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edocx.content import disk_translated
from edocx.routing.store.failure import files_translated

if sys.platform != "win32":
    import fcntl

_PREFIX = ".work-"


@contextmanager
def workspace(beside: Path) -> Iterator[Path]:
    """Give a locked folder in the folder ``beside``, removed when the block ends.

    Raises `StoreUnavailable` when the disk has no room for it or cannot be written, also for what the block writes.
    """
    while True:
        with files_translated(str(beside)):
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
        lock = _lock(folder)
        # Between making and locking it, a process that clears away may have taken it for an abandoned one.
        if folder.exists():
            break
        _unlock(lock)
    try:
        with disk_translated():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unlock(lock)


def clear_abandoned(beside: Path) -> int:
    """Remove the folders of processes that died in the middle; return how many there were."""
    if sys.platform == "win32":  # nothing tells a dead process' folder from a living one's
        return 0
    return sum(_clear(folder) for folder in beside.glob(f"{_PREFIX}*"))


def _clear(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            shutil.rmtree(folder, ignore_errors=True)
            return True
        finally:
            os.close(lock)
    return False


def _lock(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    with contextlib.suppress(FileNotFoundError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock
    return None


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
