"""Places that only their own user may read, from their first byte on, whatever the umask says.

A database that is made first and locked up afterwards can be opened by somebody else in between, and an open file stays
open. SQLite gives its WAL and its shared memory the rights of the database; temporary files beside it lie in folders
that nobody else may enter.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from edocx.content import Blob, sync_folder

FOLDER, FILE = 0o700, 0o600
_OTHERS = 0o077


def make_private_folder(path: Path) -> None:
    """Make a folder and whichever of those above it are missing; one that is there keeps its rights.

    Raises ``OSError``.
    """
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        try:
            one.mkdir(mode=FOLDER)
        except FileExistsError:
            continue  # another process was faster, and made it alike
        one.chmod(FOLDER)  # a umask may have taken rights from the owner, too
    if not path.is_dir():
        raise NotADirectoryError(f"not a folder: {path}")


def make_private_file(path: Path) -> bool:
    """Make an empty file; tell whether it was made: one that is there keeps its rights. Raises ``OSError``."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
    except FileExistsError:
        return False
    os.close(descriptor)
    path.chmod(FILE)
    return True


def save_privately(blob: Blob, path: Path) -> None:
    """Put a file in its place whole, and readable by its owner alone from its first byte; raises ``OSError``."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as work:  # ours alone: 0700
        draft = Path(work) / path.name
        blob.save(draft)
        draft.chmod(FILE)
        draft.replace(path)
    sync_folder(path.parent)


def open_to_others(path: Path) -> bool:
    """Tell whether anybody but its owner may read or write a file that is there, or enter a folder."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except FileNotFoundError:
        return False
