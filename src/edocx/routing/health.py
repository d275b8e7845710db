"""Whether a store is well: what `doctor` asks, and the clearing away of what crashes left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, text

from edocx.content import Blob
from edocx.errors import EdocxError, Text
from edocx.routing.database import Store
from edocx.routing.journal import Head
from edocx.routing.store import tables
from edocx.routing.store.failure import files_translated
from edocx.routing.transaction import Transaction

FIXED_WAL = (3, 51, 3)
"""SQLite before this can corrupt a file when several processes write and checkpoint at the same instant."""

LOW_DISK = 512 * 1024 * 1024
"""Free bytes below which a clerk should hear of it before a store is full."""

SWEEP_AGE = timedelta(days=1)
"""Youngest file that is swept: what is being written right now has no row yet either."""


class Finding(NamedTuple):
    """One thing found; ``severity`` is error, warning or info."""

    code: str
    severity: str
    text: Text
    where: str | None = None


Check = Callable[[], Iterable[Finding]]
"""One thing looked at; what it finds, or the error that kept it from looking."""


class Swept(NamedTuple):
    """What was cleared away."""

    files: int
    size: int


def examine(store: Store, *known: Head, deep: bool = False) -> tuple[Finding, ...]:
    """Look through a store and return what is wrong or worth knowing; nothing is changed.

    Args:
        store: the store.
        known: journal heads noted elsewhere; a journal that does not hold them was cut or rewritten.
        deep: also read every payload and compare its digest (minutes for a large store).
    """
    readings: tuple[Callable[[Transaction], Iterable[Finding]], ...] = (
        _database,
        lambda transaction: _journal(transaction, known),
        lambda transaction: _payloads(store, transaction, deep=deep),
        _dead,
    )

    def reading(check: Callable[[Transaction], Iterable[Finding]]) -> Iterator[Finding]:
        with store.read() as transaction:
            yield from check(transaction)

    checks: list[Check] = [
        lambda: _writable(store),
        *(partial(reading, check) for check in readings),
        lambda: _disk(store),
    ]
    return outcomes(*checks, where=str(store.path))


def outcomes(*checks: Check, where: str) -> tuple[Finding, ...]:
    """Return what each check found, once; one that cannot be made is a finding of its own and stops no other.

    ``where`` is the place that a disk's error is said of.
    """
    found: list[Finding] = []
    for check in checks:
        try:
            with files_translated(where):
                found.extend(check())
        except EdocxError as error:
            found.append(Finding(error.code, "error", error.text, error.where))
    return tuple(dict.fromkeys(found))


def sweep(store: Store, *, now: datetime, older_than: timedelta = SWEEP_AGE) -> Swept:
    """Remove payload files that no row names: what crashes and undone transactions left behind.

    Args:
        store: the store.
        now: the machine's time, since files carry it.
        older_than: younger files stay; their rows may be on the way.
    """
    files = size = 0
    with store.read() as transaction, files_translated(str(store.payload_folder)):
        for path in _strays(store, transaction):
            status = path.stat()
            if now - datetime.fromtimestamp(status.st_mtime, UTC) > older_than:
                path.unlink(missing_ok=True)
                files, size = files + 1, size + status.st_size
    return Swept(files, size)


def _writable(store: Store) -> Iterator[Finding]:
    store.try_writing()
    yield from ()


def _database(transaction: Transaction) -> Iterator[Finding]:
    if transaction.connection.dialect.name != "sqlite":
        return
    version = tuple(int(part) for part in transaction.connection.scalar(text("SELECT sqlite_version()")).split("."))
    if version < FIXED_WAL:
        yield Finding(
            "EDX-DOCTOR-SQLITE",
            "warning",
            Text(
                f"SQLite {'.'.join(map(str, version))} có lỗi WAL (sửa ở 3.51.3): chỉ nên để một tiến trình ghi.",
                f"SQLite {'.'.join(map(str, version))} has the WAL-reset bug (fixed in 3.51.3): let one process write.",
            ),
        )
    found = transaction.connection.scalars(text("PRAGMA quick_check(5)")).all()
    if found != ["ok"]:
        yield Finding(
            "EDX-STORE-CORRUPT",
            "error",
            Text("Tệp cơ sở dữ liệu bị hỏng.", f"The database file is damaged: {found[0]}"),
        )
    for row in transaction.connection.execute(text("PRAGMA foreign_key_check")).fetchmany(5):
        yield Finding(
            "EDX-STORE-CORRUPT",
            "error",
            Text(f"Bảng {row[0]} có dòng mồ côi.", f"Table {row[0]} has a row that points nowhere."),
        )


def _journal(transaction: Transaction, known: tuple[Head, ...]) -> Iterator[Finding]:
    report = transaction.verify_journal(*known)
    if report.fault is not None:
        yield Finding(report.fault.code, "error", report.fault.text, f"line {report.fault.seq}")


def _payloads(store: Store, transaction: Transaction, *, deep: bool) -> Iterator[Finding]:
    table = tables.payloads
    rows = transaction.connection.execute(select(table.c.sha256, table.c.size).where(_in_file()))
    for row in rows:
        path = store.payload_folder / row.sha256[:2] / row.sha256
        whole = path.is_file() and path.stat().st_size == row.size
        if not whole or (deep and Blob.from_path(path).sha256 != row.sha256):
            yield Finding(
                "EDX-STORE-PAYLOAD",
                "error",
                Text("Nội dung một gói tin bị mất hoặc bị sửa.", "A payload is gone, cut short or changed."),
                row.sha256,
            )
    strays = sum(1 for _ in _strays(store, transaction))
    if strays:
        yield Finding(
            "EDX-DOCTOR-STRAYS",
            "info",
            Text(f"Có {strays} tệp không còn dùng; có thể dọn.", f"{strays} files belong to nothing; sweep them."),
        )


def _dead(transaction: Transaction) -> Iterator[Finding]:
    for parcel in transaction.outbox.dead():
        yield Finding(
            "EDX-DOCTOR-DEAD",
            "warning",
            Text(
                f"Một gói tin đã bị bỏ, lý do {parcel.reason}. "
                f"Khi đã khắc phục: edocx office redrive {parcel.message_id} --by TÀI-KHOẢN.",
                f"A parcel was given up, because of {parcel.reason}. "
                f"Once that is mended: edocx office redrive {parcel.message_id} --by ACCOUNT.",
            ),
            parcel.message_id,
        )


def _disk(store: Store) -> Iterator[Finding]:
    with files_translated(str(store.path)):
        free = shutil.disk_usage(store.path.parent).free
    if free < LOW_DISK:
        yield Finding(
            "EDX-DOCTOR-DISK",
            "warning",
            Text(f"Ổ đĩa chỉ còn {free // 2**20} MiB trống.", f"Only {free // 2**20} MiB are free on the disk."),
        )


def _strays(store: Store, transaction: Transaction) -> Iterator[Path]:
    if not store.payload_folder.is_dir():
        return
    table = tables.payloads
    named = set(transaction.connection.scalars(select(table.c.sha256).where(_in_file())))
    for path in store.payload_folder.glob("*/*"):
        if path.name not in named:
            yield path


def _in_file() -> ColumnElement[bool]:
    return tables.payloads.c.content.is_(None) & tables.payloads.c.erased_at.is_(None)
