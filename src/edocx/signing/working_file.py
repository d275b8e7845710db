"""The file that a signature is made in, until it gets its name: nobody else's, and gone afterwards.

A name that can be foretold is shared by two processes that sign to one place (both write, and what is renamed is
neither's), and whoever may write to the folder puts a link there that leads elsewhere. So the name is random, the file
is made new (``O_EXCL``) and no link is followed. It is locked while it is used: the system lets go of a dead process'
locks, so the next one knows what to clear away.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edocx.content import is_named
from edocx.errors import EdocxError

if sys.platform != "win32":
    import fcntl

_NAME = re.compile(r"\..+\.(?:[0-9a-f]{8}\.signing|[0-9a-f]{12}\.part)")
"""What is made here, and what `edocx.content.durable_file` makes: both are locked while their process lives."""

_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_cleared: set[Path] = set()
"""Folders this process has looked through: once each, since a folder of results may hold a hundred thousand."""


@contextmanager
def working_file(out: Path) -> Iterator[Path]:
    """Make an empty file beside ``out`` that is this block's alone (``.NAME.XXXXXXXX.signing``); remove it at the end.

    The block renames it to ``out`` when it is done. Raises ``OSError``, naming ``out``; so do errors of edocx that
    leave the block.
    """
    clear_abandoned(out.parent)
    place, lock = _make(out)
    with naming_instead(out, place):
        try:
            yield place
        finally:
            place.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)


@contextmanager
def naming_instead(out: Path, hidden: Path) -> Iterator[None]:
    """Let errors of a file that goes afterwards name ``out``: nobody knows the other name."""
    try:
        yield
    except OSError as error:
        if error.filename == str(hidden):
            error.filename = str(out)
        raise
    except EdocxError as error:
        if error.where == str(hidden):
            error.where = str(out)
        raise


def open_working(path: Path, *, buffered: bool = True) -> BinaryIO:
    """Open a file that a signature is prepared in, empty, to write and read; no link is followed."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _NO_LINK | _BINARY, 0o666)
    return os.fdopen(opened, "w+b") if buffered else os.fdopen(opened, "w+b", buffering=0)


def _make(out: Path) -> tuple[Path, int | None]:
    while True:
        place = out.with_name(f".{out.name}.{secrets.token_hex(4)}.signing")
        try:
            opened = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = str(out)
            raise
        if sys.platform == "win32":  # an open file has no other name given there, and nothing is cleared away
            os.close(opened)
            return place, None
        # Where the file system knows no locks, nobody else gets one either, and nothing is cleared away.
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        # Between making and locking it, a process that clears away may have taken it for an abandoned one.
        if is_named(opened, place):
            return place, opened
        os.close(opened)


def clear_abandoned(folder: Path) -> None:
    """Remove what killed processes left in a folder; what cannot be told from a living process' file stays."""
    if sys.platform == "win32" or (known := folder.absolute()) in _cleared:
        return
    with contextlib.suppress(OSError):  # who may not list a folder may still write there
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]
        for path in found:
            _clear(path)
    _cleared.add(known)


def _clear(path: Path) -> None:
    with contextlib.suppress(OSError):
        lock = os.open(path, os.O_RDWR | os.O_NONBLOCK | _NO_LINK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISREG(os.fstat(lock).st_mode) and is_named(lock, path):
                path.unlink()
        finally:
            os.close(lock)
