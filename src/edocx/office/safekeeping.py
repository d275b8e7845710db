"""Backup and restore of an office's store, so that a restored office issues no number twice.

A backup is a day old when it is needed. What the office did since is gone from the store and not from the world, so
a restored office only reads until somebody says how far its books went (`reconcile`). Messages need no such care:
their ids are derived from what they say, and an axis absorbs what it took before.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

from edocx.content import Blob, sync_folder, write_durably
from edocx.errors import InputError, StateError, Text, UsageError
from edocx.office.configuration import OfficeConfig
from edocx.office.desk import Desk
from edocx.office.evidence import head_of, write_head
from edocx.office.issuing import OUTGOING
from edocx.routing.store.failure import files_translated

BACKUP_NOTE = "backup.json"
"""What a backup says of itself: unit, moment, journal head, digest of the database."""


def backup(desk: Desk, folder: Path) -> Path:
    """Write a consistent copy of the store into an empty folder, with a journal head that the agency signed.

    The office may go on working meanwhile. Returns the copied database. Raises `UsageError` for a folder that holds a
    backup, `StoreUnavailable` when it cannot be written.
    """
    head = head_of(desk)
    copy = desk.store.backup(folder)
    with files_translated(str(folder)):
        note = {
            "schema": 1,
            "unit": str(desk.unit),
            "at": desk.clock.now().isoformat(),
            "journal": {"seq": head.seq, "hash": head.hash},
            "database": copy.name,
            "sha256": Blob.from_path(copy).sha256,
        }
        write_durably(folder / BACKUP_NOTE, [json.dumps(note, ensure_ascii=False, indent=2).encode()])
    write_head(desk, folder, head)
    return copy


def restore(config: OfficeConfig, folder: Path) -> datetime:
    """Put a backup where the office's store is to be; return the backup's moment.

    The office is read-only afterwards, until `reconcile`. Raises `UsageError` when a store stands there already or the
    backup is another unit's, `InputError` for a folder that is no whole backup.
    """
    if config.store.exists():
        raise UsageError(
            Text("Ở đó đã có kho dữ liệu.", "A store stands there already."),
            hint=Text(
                "Chuyển kho cũ sang chỗ khác trước khi phục hồi; đừng xóa.",
                "Move the old one aside before restoring; do not delete it.",
            ),
            code="EDX-RESTORE-OCCUPIED",
            where=str(config.store),
        )
    note = _read_note(folder)
    if note["unit"] != str(config.unit):
        raise UsageError(
            Text(f"Bản sao lưu này của đơn vị {note['unit']}.", f"The backup is of the unit {note['unit']}."),
            hint=Text("Chọn bản sao lưu của chính văn phòng này.", "Choose a backup of this very office."),
            code="EDX-RESTORE-UNIT",
            where=str(folder),
        )
    copy = Blob.from_path(folder / Path(note["database"]).name)
    if copy.sha256 != note["sha256"]:
        raise _no_backup(folder)
    with files_translated(str(config.store)):
        config.store.parent.mkdir(parents=True, exist_ok=True)
        # The marker first: a store that stands there without it would issue numbers.
        write_durably(marker_of(config.store), [json.dumps(note).encode()])
        files = folder / f"{copy.path.name}.payloads" if copy.path else folder
        if files.is_dir():
            shutil.copytree(files, config.store.with_name(config.store.name + ".payloads"), dirs_exist_ok=True)
        copy.save(config.store)
        sync_folder(config.store.parent)
    return datetime.fromisoformat(note["at"])


def reconcile(desk: Desk, *, next_number: int) -> None:
    """Let a restored office write again: its outgoing book of this year goes on from ``next_number``.

    The number must lie above every number given out before the loss, which paper, recipients and the axis can tell.
    Raises `StateError` when it lies below what the backup itself knows, or the office was not restored.
    """
    marker = marker_of(desk.config.store)
    if not marker.exists():
        raise StateError(
            Text("Văn phòng không ở trạng thái chờ đối chiếu.", "The office does not wait to be reconciled."),
            hint=Text("Không cần làm gì.", "Nothing needs to be done."),
            code="EDX-OFFICE-NOT-RESTORED",
        )
    with desk.store.begin("reconcile") as transaction:
        transaction.register.start_at(str(desk.unit), OUTGOING, desk.today().year, next_number)
        transaction.journal("office.reconciled", unit=str(desk.unit), number=next_number)
    marker.unlink(missing_ok=True)


def require_reconciled(desk: Desk) -> None:
    """Raise `StateError` while the office stands restored and not reconciled."""
    if marker_of(desk.config.store).exists():
        raise StateError(
            Text(
                "Kho vừa phục hồi từ bản sao lưu nên chỉ đọc: số đã cấp sau bản sao lưu có thể bị cấp lại.",
                "The store was restored from a backup and is read-only: numbers given out since might be given again.",
            ),
            hint=Text(
                "Xác định số đi cuối cùng đã dùng rồi chạy `edocx office reconcile --next-number N`.",
                "Find the last outgoing number used, then run `edocx office reconcile --next-number N`.",
            ),
            code="EDX-OFFICE-RESTORED",
        )


def marker_of(store: Path) -> Path:
    """Return the file that stands beside a store while it is restored and not reconciled."""
    return store.with_name(store.name + ".restored.json")


def _read_note(folder: Path) -> dict[str, str]:
    try:
        note = json.loads((folder / BACKUP_NOTE).read_text("utf-8"))
        return {name: str(note[name]) for name in ("unit", "at", "database", "sha256")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_backup(folder) from error


def _no_backup(folder: Path) -> InputError:
    return InputError(
        Text("Thư mục không phải bản sao lưu nguyên vẹn.", "The folder is no whole backup."),
        hint=Text("Chọn thư mục do `edocx office backup` tạo.", "Choose a folder that `edocx office backup` made."),
        code="EDX-RESTORE-BACKUP",
        where=str(folder),
    )
