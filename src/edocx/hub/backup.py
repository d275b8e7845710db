"""Backup of an embedded hub, and its way back: one moment of the database, and every payload that it names.

The key file stays out of it: a stolen backup opens no secret. It is kept elsewhere, and put back beside the database
before the backup is: a hub that made a new key instead would know none of its agencies any more. The key of the relay
statements lies in the database, sealed under the key file.
A hub on PostgreSQL has nothing outside the server, whose own tools back it up.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edocx.content import Blob, sync_folder
from edocx.errors import StoreUnavailable, Text, UsageError
from edocx.hub.database import HubStore
from edocx.hub.vault import Vault
from edocx.routing.store.failure import files_translated, translated
from edocx.routing.store.private_place import FOLDER, make_private_file, make_private_folder

COPY = "hub.db"
"""The database's name within a backup."""

_PAYLOADS = f"{COPY}.payloads"
_SECRET = ("secrets", "own_secrets")


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
        make_private_folder(folder)
        _require_empty(folder)
        make_private_file(folder / COPY)  # SQLite takes an empty file, and its rights
        with closing(sqlite3.connect(store.path)) as connection:
            # One moment of the database, taken outside any transaction of the hub's.
            connection.execute("VACUUM INTO ?", (str(folder / COPY),))
        held = store.path.with_name(store.path.name + ".payloads")
        if held.is_dir():
            # Files after the database: what it names is never taken away before it is.
            make_private_folder(folder / _PAYLOADS)
            leave = shutil.ignore_patterns("*.part")
            shutil.copytree(held, folder / _PAYLOADS, ignore=leave, dirs_exist_ok=True)
            (folder / _PAYLOADS).chmod(FOLDER)  # what was copied may come from a hub of an earlier version
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


def restore(folder: Path, database: Path, *, key: Path | None = None, without_key: bool = False) -> Kept:
    """Put a backup where a hub's database belongs; return what it holds.

    Args:
        folder: the backup.
        database: where the hub's database belongs.
        key: the key file of this database; where it is named it must be there, and open what the backup keeps sealed.
        without_key: the key is lost: every secret is left out, and every agency needs a new one.

    Raises `UsageError` when something is there already or the key is not, `KeyFileError` for another database's key,
    `StoreUnavailable` for a backup that is not whole: then nothing was written.
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
    if key is not None and not without_key:
        _require_key(folder, key)
    with translated(str(database)), files_translated(str(database)):
        make_private_folder(database.parent)
        if (folder / _PAYLOADS).is_dir():
            make_private_folder(payloads)
            shutil.copytree(folder / _PAYLOADS, payloads, dirs_exist_ok=True)
            payloads.chmod(FOLDER)
        # Last, and whole or not at all: a hub that finds its database finds everything it names.
        _put(folder / COPY, database, without_secrets=without_key)
    return kept


def _put(copy: Path, database: Path, *, without_secrets: bool) -> None:
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=f".{database.name}.") as work:  # ours alone: 0700
        draft = Path(work) / database.name
        make_private_file(draft)
        with draft.open("wb") as stream:
            stream.writelines(Blob.from_path(copy).pieces())
        if without_secrets:
            with closing(sqlite3.connect(draft)) as connection, connection:
                for table in _sealed_in(connection):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own two names
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(database)
    sync_folder(database.parent)


def _require_key(folder: Path, key: Path) -> None:
    """Raise unless the key that a backup's secrets were sealed under is there."""
    with translated(str(folder)), closing(sqlite3.connect(folder / COPY)) as connection:
        held = _sealed_in(connection)
        if not any(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in held):  # noqa: S608
            return
        sealed = connection.execute(
            "SELECT sealed, agency || ':' || kind FROM secrets WHERE kind IN ('hmac', 'outgoing')"
        ).fetchall()
        if "own_secrets" in held:
            sealed += connection.execute("SELECT sealed, name FROM own_secrets").fetchall()
    if not key.exists():
        raise UsageError(
            Text("Thiếu tệp khóa của bản sao lưu này.", "The key file of this backup is not there."),
            hint=Text(
                f"Đặt lại tệp khóa (giữ ở nơi khác) vào {key} trước. Nếu đã mất hẳn: --without-key, rồi cấp lại bí mật"
                " cho mọi đơn vị.",
                f"Put the key file, kept elsewhere, back at {key} first. If it is lost: --without-key, then every"
                " agency needs a new secret.",
            ),
            code="EDX-HUB-RESTORE-KEY",
            where=str(key),
        )
    vault = Vault.from_path(key)
    for one, bound_to in sealed:
        vault.open(one, bound_to=bound_to)


def _sealed_in(connection: sqlite3.Connection) -> list[str]:
    """Return the tables of a backup that hold secrets: one of an earlier version has only the first."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [table for table in _SECRET if table in there]


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
