"""Backup of an embedded hub, and its way back: one moment of the database, and every payload that it names.

The key file stays out of it: a stolen backup opens no secret. It is kept elsewhere, and put back beside the database.
A hub on PostgreSQL has nothing outside the server, whose own tools back it up.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edocx.content import Blob, sync_folder
from edocx.errors import StoreUnavailable, Text, UsageError
from edocx.hub.database import HubStore
from edocx.routing.store.failure import files_translated, translated

COPY = "hub.db"
"""The database's name within a backup."""

_PAYLOADS = f"{COPY}.payloads"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds: messages, and payloads that lie in files of their own, with their bytes."""

    messages: int
    files: int
    size: int


def backup(store: HubStore, folder: Path) -> Kept:
    """Copy a hub that may go on working meanwhile into an empty folder; return what was kept.

    Raises `UsageError` for a folder that holds something, or a hub on a server; `StoreUnavailable` for a full disk.
    """
    if store.is_shared:
        raise UsageError(
            Text("Trục trên PostgreSQL không sao lưu bằng lệnh này.", "A hub on PostgreSQL is not backed up here."),
            hint=Text("Dùng pg_dump hoặc pg_basebackup; giữ tệp khóa riêng.", "Use pg_dump or pg_basebackup."),
            code="EDX-HUB-BACKUP-SERVER",
            where=store.where,
        )
    with translated(str(folder)), files_translated(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        _require_empty(folder)
        with closing(sqlite3.connect(store.path)) as connection:
            # One moment of the database, taken outside any transaction of the hub's.
            connection.execute("VACUUM INTO ?", (str(folder / COPY),))
        held = store.path.with_name(store.path.name + ".payloads")
        if held.is_dir():
            # Files after the database: what it names is never taken away before it is.
            shutil.copytree(held, folder / _PAYLOADS, ignore=shutil.ignore_patterns("*.part"))
        sync_folder(folder)
    return examine(folder)


def examine(folder: Path) -> Kept:
    """Look a backup over: the database is whole, and every payload it names is there and has its digest.

    Raises `StoreUnavailable` naming the first thing that is not.
    """
    place = folder / COPY
    if not place.is_file():
        raise _broken(folder, "hub.db")
    with translated(str(place)), files_translated(str(folder)), closing(sqlite3.connect(place)) as connection:
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise _broken(folder, "quick_check")
        messages = int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])
        files = size = 0
        named = connection.execute("SELECT sha256, size FROM payloads WHERE content IS NULL AND erased_at IS NULL")
        for sha256, length in named:
            file = folder / _PAYLOADS / sha256[:2] / sha256
            found = Blob.from_path(file) if file.is_file() else None
            if found is None or (found.sha256, found.size) != (sha256, length):
                raise _broken(folder, sha256)
            files, size = files + 1, size + length
    return Kept(messages, files, size)


def restore(folder: Path, database: Path) -> Kept:
    """Put a backup where a hub's database belongs; return what it holds.

    Raises `UsageError` when something is there already, `StoreUnavailable` for a backup that is not whole: then
    nothing was written.
    """
    payloads = database.with_name(database.name + ".payloads")
    taken = [place for place in (database, payloads) if place.exists()]
    if taken:
        raise UsageError(
            Text("Nơi phục hồi đã có dữ liệu.", "There is something where the backup is to go."),
            hint=Text("Chuyển dữ liệu cũ đi nơi khác trước.", "Move what is there elsewhere first."),
            code="EDX-HUB-RESTORE",
            where=str(taken[0]),
        )
    kept = examine(folder)
    with files_translated(str(database)):
        database.parent.mkdir(parents=True, exist_ok=True)
        if (folder / _PAYLOADS).is_dir():
            shutil.copytree(folder / _PAYLOADS, payloads)
        # Last, and whole or not at all: a hub that finds its database finds everything it names.
        Blob.from_path(folder / COPY).save(database)
    return kept


def _require_empty(folder: Path) -> None:
    if any(folder.iterdir()):
        raise UsageError(
            Text("Thư mục sao lưu không trống.", "The folder for the backup is not empty."),
            hint=Text("Chọn thư mục trống.", "Choose an empty folder."),
            code="EDX-HUB-BACKUP",
            where=str(folder),
        )


def _broken(folder: Path, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        Text(f"Bản sao lưu không nguyên vẹn ({what}).", f"The backup is not whole ({what})."),
        hint=Text("Dùng bản sao lưu khác.", "Use another backup."),
        code="EDX-HUB-BACKUP-BROKEN",
        where=str(folder),
    )
