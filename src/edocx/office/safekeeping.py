"""Backup and restore of an office's store, so that a restored office issues no number twice.

A backup is a day old when it is needed. What the office did since is gone from the store and not from the world, so
a restored office only reads until it is reconciled: what the axis remembers of it is pulled back, and its books go on
above every number given out.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from edocx.content import Blob, write_durably
from edocx.errors import EdocxError, InputError, StateError, StoreUnavailable, Text, TransportUnavailable, UsageError
from edocx.office.attestation import acknowledge, attest, books_known, is_current, lost_heads, marker_of, vouches
from edocx.office.configuration import OfficeConfig
from edocx.office.desk import Desk
from edocx.office.evidence import HEADS, head_of, write_head
from edocx.office.issuing import OUTGOING
from edocx.office.numbers_beside import numbers_beside
from edocx.office.recovery import Recovered, recover
from edocx.routing.database import backed_up_by_the_server
from edocx.routing.store.failure import files_translated
from edocx.routing.store.private_place import save_privately
from edocx.routing.transport import Archive, Transport

BACKUP_NOTE = "backup.json"
"""What a backup says of itself: unit, moment, journal head, digest of the database."""

MISSING = "cấp trước khi phục hồi; kho không có văn bản / given out before the restore; the document is not here"
"""What the register says of a number that others know of and the store that was put back does not."""

OVERLAP = timedelta(hours=1)
"""How far before the backup's moment the axis is asked from: its clock is another, and a repeat does nothing."""


def require_store(config: OfficeConfig, axis: Transport) -> None:
    """Raise `StoreUnavailable` (``EDX-OFFICE-STORE-MISSING``) when the store of an office that worked before is gone.

    A store made anew would begin its books at 1 again, beside documents that bear those numbers already. An earlier
    life shows in the folder, or in a journal head that the axis keeps of this unit.
    """
    place = config.place
    log = place.with_name(place.name + "-wal")
    if config.on_server or (place.exists() and (place.stat().st_size or log.exists())):
        return
    beside = [place.parent / name for name in ("issued", HEADS)]
    beside += [place.with_name(place.name + ending) for ending in (".leases", ".payloads")]
    if any(folder.is_dir() and any(folder.iterdir()) for folder in beside) or _axis_knows(config, axis):
        raise StoreUnavailable(
            Text(
                "Kho dữ liệu của văn phòng không còn: văn phòng đã từng làm việc, kho mới sẽ cấp lại số đã cấp.",
                "The store is missing: this office worked before, and a new store would give its numbers out again.",
            ),
            hint=Text(
                "Đặt lại tệp kho vào chỗ cũ, hoặc chạy `edocx office restore THƯ-MỤC-SAO-LƯU`.",
                "Put the file back where it was, or run `edocx office restore BACKUP`.",
            ),
            code="EDX-OFFICE-STORE-MISSING",
            where=str(place),
            retryable=False,
        )


def _axis_knows(config: OfficeConfig, axis: Transport) -> bool:
    try:
        return isinstance(axis, Archive) and axis.remembers() and axis.head_of(str(config.unit)) is not None
    except TransportUnavailable:
        return False  # asked again before anything is written (`edocx.office.attestation.compare`)


def backup(desk: Desk, folder: Path) -> Path:
    """Write a consistent copy of the store into an empty folder, with a journal head that the agency signed.

    The office may go on working meanwhile. Returns the copied database. Raises `UsageError` for a folder that holds a
    backup, `StoreUnavailable` when it cannot be written.
    """
    head, copy = head_of(desk), folder / desk.config.place.name
    occupied = copy.exists()
    try:
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
            if vouches(desk):
                write_head(desk, folder, head)
            write_durably(folder / BACKUP_NOTE, [json.dumps(note, ensure_ascii=False, indent=2).encode()])
    except EdocxError:
        if not occupied:  # half a backup would only keep the next one out of its place
            copy.unlink(missing_ok=True)
            shutil.rmtree(copy.with_name(f"{copy.name}.payloads"), ignore_errors=True)
        raise
    return copy


def restore(config: OfficeConfig, folder: Path) -> datetime:
    """Put a backup where the office's store is to be; return the backup's moment.

    The office is read-only afterwards, until `reconcile`. Raises `UsageError` when a store stands there already or the
    backup is another unit's, `InputError` for a folder that is no whole backup.
    """
    if config.on_server:
        raise backed_up_by_the_server(config.store.rpartition("@")[2])
    if config.place.exists():
        raise UsageError(
            Text("Ở đó đã có kho dữ liệu.", "A store stands there already."),
            hint=Text(
                "Chuyển kho cũ sang chỗ khác trước khi phục hồi; đừng xóa.",
                "Move the old one aside before restoring; do not delete it.",
            ),
            code="EDX-RESTORE-OCCUPIED",
            where=str(config.place),
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
    with files_translated(str(config.place)):
        config.place.parent.mkdir(parents=True, exist_ok=True)
        # The marker first: a store that stands there without it would issue numbers.
        write_durably(marker_of(config.place), [json.dumps(note).encode()])
        files = folder / f"{copy.path.name}.payloads" if copy.path else folder
        if files.is_dir():
            shutil.copytree(files, config.place.with_name(config.place.name + ".payloads"), dirs_exist_ok=True)
        save_privately(copy, config.place)
    return datetime.fromisoformat(note["at"])


def reconcile(desk: Desk, *, next_number: int | None = None, by: str | None = None) -> Recovered:
    """Let a restored office write again; return what was pulled back from the axis.

    Whatever the axis still knows of this office since the backup comes back first: what it sent and received, the
    statuses both ways, the numbers it gave out. The outgoing book of this year then goes on from ``next_number``, or
    above every number that the axis, or the folder of issued documents beside the store, knows of; a number between
    with which no document came back is entered as missing. Over an axis that keeps no heads ``next_number`` must be
    given (``EDX-RECONCILE-NUMBER``): what lay beside the store may be as old as the store. What the journal lacks of
    the heads that others keep stays noted with the moment and ``by``, whose account this is. Raises `StateError` for a
    number below what is known or too far above it, or when the office was not restored, `TransportUnavailable` when
    the axis is away: the office stays read-only, and this can be repeated.
    """
    marker = marker_of(desk.config.place)
    if is_current(desk):
        raise StateError(
            Text("Văn phòng không ở trạng thái chờ đối chiếu.", "The office does not wait to be reconciled."),
            hint=Text("Không cần làm gì.", "Nothing needs to be done."),
            code="EDX-OFFICE-NOT-RESTORED",
        )
    book = (OUTGOING, desk.today().year)
    books = books_known(desk)
    if next_number is None and book not in books:
        raise UsageError(
            Text(
                "Trục không biết sổ văn bản đi đã dùng đến số nào.",
                "The axis does not know how far the outgoing book went.",
            ),
            hint=Text(
                "Nêu số đi kế tiếp: `edocx office reconcile --next-number N`.",
                "Give the next outgoing number: `edocx office reconcile --next-number N`.",
            ),
            code="EDX-RECONCILE-NUMBER",
        )
    lost, had = lost_heads(desk), _books_had(desk, marker)
    found = recover(desk, since=datetime.fromisoformat(_note_of(marker)["at"]) - OVERLAP)
    with desk.store.begin("reconcile") as transaction:
        known = transaction.register.next_numbers(str(desk.unit))
        for (series, year), number in (books | _further(desk, books)).items():
            if number > known.get((series, year), 1):
                transaction.register.start_at(str(desk.unit), series, year, number)
        if next_number is not None:
            transaction.register.start_at(str(desk.unit), *book, next_number)
        for series, year in transaction.register.next_numbers(str(desk.unit)):
            transaction.register.note_missing(str(desk.unit), series, year, had.get((series, year), 1), MISSING)
        number = transaction.register.next_numbers(str(desk.unit)).get(book, 1)
        acknowledge(desk, transaction, lost, by)
        transaction.journal("office.reconciled", unit=str(desk.unit), number=number, by=by)
    attest(desk, anew=True)
    _set_heads_aside(desk)
    marker.unlink(missing_ok=True)
    return replace(found, next_number=number)


def _set_heads_aside(desk: Desk) -> None:
    """Keep the heads that the lost store had signed, where `doctor` no longer asks the journal for them."""
    heads = desk.config.place.parent / HEADS
    if heads.is_dir():
        heads.rename(heads.with_name(f"{HEADS}-until-{head_of(desk).seq}"))


def _further(desk: Desk, heard: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """Return the books that this folder knows to have gone further than the axis heard."""
    noted = {book: one.next_number for book, one in numbers_beside(desk).items()}
    return {book: number for book, number in noted.items() if number > heard.get(book, 1)}


def _books_had(desk: Desk, marker: Path) -> dict[tuple[str, int], int]:
    """Return the next numbers of the store as it was put back; a reconciliation that is done again still knows them."""
    note = _note_of(marker)
    if "books" not in note:
        with desk.store.read() as transaction:
            had = transaction.register.next_numbers(str(desk.unit))
        note["books"] = [[series, year, number] for (series, year), number in had.items()]
        with files_translated(str(marker)):
            write_durably(marker, [json.dumps(note).encode()])
    return {(str(series), int(year)): int(number) for series, year, number in note["books"]}


def _note_of(marker: Path) -> dict[str, Any]:
    return dict(json.loads(marker.read_text("utf-8")))


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
