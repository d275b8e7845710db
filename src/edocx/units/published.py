"""A published state of directory and registry as a folder of files, and taking one whole or not at all.

::

    1.root.json  2.root.json …           every root so far; each is taken after the one before
    timestamp.json  snapshot.json
    national.json  national.units.json  national.registry.csv     the statement, and what it names by digest
    h20.json       h20.units.json       …
    h20.FROM.delta.json                  instead of h20.units.json for whoever holds the contents with digest FROM…

The folder comes over any wire or mirror; nothing in it counts but by the signatures (`edocx.units.trusted`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from edocx.content import Blob
from edocx.errors import EdocxError, Refused, Text
from edocx.units.metadata import MAX_STATEMENT, NATIONAL, SNAPSHOT, TIMESTAMP
from edocx.units.publishing import apply_delta
from edocx.units.table import MAX_BYTES
from edocx.units.trusted import TrustedDirectory

MAX_DELEGATES = 1000
"""Most delegates taken from one snapshot: against a snapshot that names files without end."""

is_role_name = re.compile(r"[a-z0-9][a-z0-9-]*").fullmatch
"""A role's name is part of file names: no dots, no slashes."""


def take_published(trusted: TrustedDirectory, folder: Path, now: datetime) -> None:
    """Take everything that a folder holds: newer roots, timestamp, snapshot, national, and each delegate.

    Raises `Refused` when what everybody rests on is not good; ``trusted`` is then to be thrown away and what was kept
    before goes on. A delegate that is refused is named in ``trusted.refusals`` and holds nobody up.
    """
    take_roots(trusted, folder)
    trusted.take_timestamp(_file(folder, f"{TIMESTAMP}.json"), now)
    trusted.take_snapshot(_file(folder, f"{SNAPSHOT}.json"), now)
    _take(trusted, NATIONAL, folder, now)
    for name in _delegates(trusted):
        try:
            _take(trusted, name, folder, now)
        except EdocxError:
            # A refused statement is noted in `refusals`; one that is only missing shows when the directory is joined.
            continue


def take_roots(trusted: TrustedDirectory, folder: Path) -> None:
    """Take the roots after the one in force, as far as the folder has them without a gap."""
    while (folder / root_file(trusted.root_version + 1)).is_file():
        trusted.take_root(_file(folder, root_file(trusted.root_version + 1)))


def root_file(version: int) -> str:
    """Return the name of a root's file."""
    return f"{version}.root.json"


def contents_file(role: str) -> str:
    """Return the name of the file with a role's units."""
    return f"{role}.units.json"


def delta_file(role: str, old: bytes) -> str:
    """Return the name of the file that turns a role's old contents into the published ones."""
    return f"{role}.{hashlib.sha256(old).hexdigest()[:16]}.delta.json"


def _delegates(trusted: TrustedDirectory) -> Iterator[str]:
    # Only what the signed snapshot names is looked for, and only names that cannot leave the folder.
    names = [name for name in sorted(trusted.published) if name != NATIONAL and is_role_name(name)]
    yield from names[:MAX_DELEGATES]


def _take(trusted: TrustedDirectory, name: str, folder: Path, now: datetime) -> None:
    statement = _file(folder, f"{name}.json")
    held = trusted.taken.roles.get(name)
    contents = _contents(folder, name, held[1] if held else None)
    certificates = folder / f"{name}.registry.csv"
    trusted.take_role(
        name, statement, contents, now, _file(folder, certificates.name) if certificates.is_file() else b""
    )


def _contents(folder: Path, name: str, held: bytes | None) -> bytes:
    whole = folder / contents_file(name)
    if whole.is_file() or held is None:
        return _file(folder, whole.name, MAX_BYTES)
    delta = folder / delta_file(name, held)
    return apply_delta(held, _file(folder, delta.name, MAX_BYTES)) if delta.is_file() else held


def _file(folder: Path, name: str, limit: int = MAX_STATEMENT) -> bytes:
    place = folder / name
    if not place.is_file():
        raise Refused(
            Text(f"Bản công bố thiếu tệp {name}.", f"The published state lacks {name}."),
            hint=Text("Tải lại cả thư mục từ trục.", "Fetch the whole folder from the hub again."),
            code="EDX-UNITS-MISSING",
            where=str(place),
        )
    return Blob.from_path(place).read(limit)
