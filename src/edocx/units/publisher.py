"""Making the folder that `edocx.units.published` takes: each party signs its own statement, the hub joins them.

Versions follow from what lies in the folder. What was published before stays as a delta, so that whoever has it
fetches the changes alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edocx.content import Blob, write_durably
from edocx.errors import InputError, Text, UsageError
from edocx.units.metadata import MAX_STATEMENT, NATIONAL, ROOT, SNAPSHOT, TIMESTAMP, Role, Sign
from edocx.units.published import contents_file, delta_file, is_role_name, root_file
from edocx.units.publishing import write_delta, write_role, write_root, write_snapshot, write_timestamp
from edocx.units.table import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Made:
    """A statement that was written: its role, its version and its place."""

    role: str
    version: int
    path: Path


def make_root(folder: Path, roles: Mapping[str, Role], signers: Iterable[Sign], *, expires: datetime) -> Made:
    """Write the next root; it counts when keys of the root before and its own signed it."""
    missing = {ROOT, TIMESTAMP, SNAPSHOT, NATIONAL} - roles.keys()
    if missing:
        raise _wrong(Text(f"thiếu vai trò {', '.join(sorted(missing))}", f"roles are missing: {', '.join(missing)}"))
    version = 1
    while (folder / root_file(version)).exists():
        version += 1
    return _write(folder, ROOT, version, root_file(version), write_root(version, expires, roles, signers))


def make_role(
    folder: Path,
    name: str,
    contents: bytes,
    signers: Iterable[Sign],
    *,
    expires: datetime,
    certificates: bytes = b"",
    delegations: Mapping[str, Role] | None = None,
) -> Made:
    """Write the next statement of ``national`` or of a delegate, its contents, and the delta from those before."""
    if not is_role_name(name) or name in (ROOT, TIMESTAMP, SNAPSHOT):
        raise _wrong(Text(f"tên vai trò “{name}” không dùng được", f"the role's name '{name}' is of no use"))
    unfit = [one for one in delegations or () if not is_role_name(one) or one in (ROOT, TIMESTAMP, SNAPSHOT, NATIONAL)]
    if unfit:
        # Nobody could take such a name, and nobody would take the directory that waits for it.
        raise _wrong(Text(f"tên vai trò “{unfit[0]}” không dùng được", f"the role's name '{unfit[0]}' is of no use"))
    version = _version(folder / f"{name}.json") + 1
    statement = write_role(
        name, version, expires, contents, signers, certificates=certificates, delegations=delegations
    )
    place = folder / contents_file(name)
    old = Blob.from_path(place).read(MAX_BYTES) if place.is_file() else None
    for stale in folder.glob(f"{name}.*.delta.json"):
        stale.unlink()
    if old is not None and old != contents:
        write_durably(folder / delta_file(name, old), [write_delta(old, contents)])
    write_durably(place, [contents])
    table = folder / f"{name}.registry.csv"
    if certificates:
        write_durably(table, [certificates])
    else:
        table.unlink(missing_ok=True)
    return _write(folder, name, version, f"{name}.json", statement)


def make_snapshot(
    folder: Path,
    snapshot_signers: Iterable[Sign],
    timestamp_signers: Iterable[Sign],
    *,
    now: datetime,
    snapshot_expires: datetime,
    timestamp_expires: datetime,
) -> tuple[Made, Made]:
    """Write snapshot and timestamp over every statement in the folder."""
    statements = {}
    for path in sorted(folder.glob("*.json")):
        if is_role_name(path.stem) and path.stem not in (TIMESTAMP, SNAPSHOT):
            statements[path.stem] = (_version(path), Blob.from_path(path).read(MAX_STATEMENT))
    if NATIONAL not in statements:
        raise _wrong(Text("thư mục chưa có bản công bố national", "the folder holds no statement of national"))
    version = _version(folder / f"{SNAPSHOT}.json") + 1
    data = write_snapshot(version, snapshot_expires, statements, snapshot_signers)
    moment = _version(folder / f"{TIMESTAMP}.json") + 1
    stamp = write_timestamp(moment, now, timestamp_expires, (version, data), timestamp_signers)
    made = _write(folder, SNAPSHOT, version, f"{SNAPSHOT}.json", data)
    return made, _write(folder, TIMESTAMP, moment, f"{TIMESTAMP}.json", stamp)


def _write(folder: Path, role: str, version: int, name: str, data: bytes) -> Made:
    write_durably(folder / name, [data])
    return Made(role, version, folder / name)


def _version(path: Path) -> int:
    """Return the version of a statement of our own folder, 0 where there is none; its signatures are not asked for."""
    if not path.is_file():
        return 0
    try:
        return int(
            json.loads(base64.b64decode(json.loads(Blob.from_path(path).read(MAX_STATEMENT))["payload"]))["version"]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            Text("Tệp không phải bản công bố của danh bạ.", "The file is no statement of the directory."),
            hint=Text("Dời tệp này khỏi thư mục công bố.", "Move it out of the folder of what is published."),
            code="EDX-UNITS-STATEMENT",
            where=str(path),
        ) from error


def _wrong(why: Text) -> UsageError:
    return UsageError(
        Text(f"Không ký được bản công bố: {why.vi}.", f"The statement cannot be made: {why.en}."),
        hint=Text("Xem docs/how-to/units.md.", "See docs/how-to/units.md."),
        code="EDX-UNITS-PUBLISH",
    )
