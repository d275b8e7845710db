"""A store's failures in words: what a database driver or file system says, as `StoreUnavailable`."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import exc

from edocx.errors import StoreUnavailable, Text


class _Case(NamedTuple):
    code: str
    text: Text
    hint: Text
    retryable: bool


_LOCKED = _Case(
    "EDX-STORE-LOCKED",
    Text("Cơ sở dữ liệu đang bị tiến trình khác khóa.", "Another process holds the database locked."),
    Text(
        "Thử lại sau ít giây; nếu kéo dài, tìm tiến trình đang giữ tệp này.",
        "Try again in a few seconds; if it lasts, find the process that holds this file.",
    ),
    retryable=True,
)
_SNAPSHOT = _Case(
    "EDX-STORE-SNAPSHOT",
    Text(
        "Giao dịch này đọc trước, rồi giao dịch khác đã ghi xong: nó không thấy điều mới nhất nên không được ghi.",
        "This transaction read first, and another wrote since: it does not see the latest, and may not write.",
    ),
    Text(
        "Hoàn tác rồi làm lại từ đầu; gửi trước khi đọc, hoặc mở giao dịch bằng store.writing_engine.",
        "Roll back and begin anew; send before you read, or begin with store.writing_engine.",
    ),
    retryable=True,
)
_READ_ONLY = _Case(
    "EDX-STORE-READONLY",
    Text("Kho dữ liệu chỉ đọc được, không ghi được.", "The store can be read but not written."),
    Text(
        "Cấp quyền ghi cho tệp, thư mục chứa tệp và hệ thống tệp.",
        "Give write permission on the file, its folder and the file system.",
    ),
    retryable=False,
)
_FULL = _Case(
    "EDX-STORE-FULL",
    Text("Ổ đĩa chứa kho dữ liệu đã đầy.", "The disk that holds the store is full."),
    Text(
        "Giải phóng chỗ trống rồi thử lại; những gì đã lưu vẫn còn nguyên.",
        "Free some space and try again; what was stored before is whole.",
    ),
    retryable=True,
)
_CORRUPT = _Case(
    "EDX-STORE-CORRUPT",
    Text("Tệp này không phải cơ sở dữ liệu, hoặc đã hỏng.", "The file is not a database, or it is damaged."),
    Text(
        "Đừng ghi thêm vào tệp; giữ một bản sao và phục hồi từ bản sao lưu gần nhất.",
        "Write nothing more to it; keep a copy and restore the latest backup.",
    ),
    retryable=False,
)
_CANNOT_OPEN = _Case(
    "EDX-STORE-OPEN",
    Text("Không mở được tệp cơ sở dữ liệu.", "The database file cannot be opened."),
    Text("Kiểm tra đường dẫn và quyền của thư mục.", "Check the path and the folder's permissions."),
    retryable=False,
)
_FAULTY_DISK = _Case(
    "EDX-STORE-IO",
    Text("Lỗi vào/ra khi đọc hoặc ghi kho dữ liệu.", "Reading or writing the store failed in the file system."),
    Text("Kiểm tra ổ đĩa và nhật ký hệ thống.", "Check the disk and the system's log."),
    retryable=True,
)
_AWAY = _Case(
    "EDX-STORE-AWAY",
    Text("Không kết nối được máy chủ cơ sở dữ liệu.", "The database server cannot be reached."),
    Text(
        "Kiểm tra máy chủ và mạng; những gì đã lưu vẫn còn nguyên.",
        "Check the server and the network; what was stored before is whole.",
    ),
    retryable=True,
)
_OTHER = _Case(
    "EDX-STORE",
    Text("Cơ sở dữ liệu từ chối thao tác.", "The database refused the operation."),
    Text(
        "Xem nguyên nhân kèm theo lỗi này; báo người quản trị.", "See the cause of this error; tell the administrator."
    ),
    retryable=False,
)

# By SQLite's result code or its first two words, so that extended codes (SQLITE_READONLY_DIRECTORY) fall in place.
_BY_SQLITE = {
    "SQLITE_BUSY_SNAPSHOT": _SNAPSHOT,
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_FULL": _FULL,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_CANTOPEN": _CANNOT_OPEN,
    "SQLITE_IOERR": _FAULTY_DISK,
}
# By the first characters of PostgreSQL's SQLSTATE: a whole code before its class.
_BY_SQLSTATE = {
    "40001": _SNAPSHOT,
    "55P03": _LOCKED,
    "40": _LOCKED,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "53100": _FULL,
    "53300": _AWAY,
    "57P": _AWAY,
    "08": _AWAY,
    "28": _CANNOT_OPEN,
    "3D": _CANNOT_OPEN,
    "58": _FAULTY_DISK,
    "XX00": _CORRUPT,
}
_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.ENOENT: _CANNOT_OPEN,
    errno.ENOTDIR: _CANNOT_OPEN,
}


_FREE = 1024 * 1024
"""Bytes: an input/output error of SQLite with less free than this is a full disk.

It reports so when its shared memory cannot grow (SQLITE_IOERR_SHMSIZE) or a file cannot be extended by a flush.
"""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the database driver raises inside into `StoreUnavailable`.

    Args:
        where: the store's path or address, without credentials.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise _unavailable(_or_full(_by_driver(error.orig), where), where) from error
    except _driver_errors() as error:
        raise _unavailable(_or_full(_by_driver(error), where), where) from error


@contextmanager
def files_translated(where: str) -> Iterator[None]:
    """Turn what the file system raises inside into `StoreUnavailable`; only for the store's own files."""
    try:
        yield
    except OSError as error:
        raise _unavailable(_BY_ERRNO.get(error.errno or 0, _FAULTY_DISK), where) from error


def corrupt(where: str) -> StoreUnavailable:
    """Return the error for a database file whose pages do not fit together."""
    return _unavailable(_CORRUPT, where)


def damaged(where: str, text: Text, *, code: str) -> StoreUnavailable:
    """Return the error for a store whose own records no longer fit together."""
    return StoreUnavailable(text, hint=_CORRUPT.hint, code=code, where=where)


def outdated(where: str) -> StoreUnavailable:
    """Return the error for a transaction that sees the store as it was before somebody else's commit."""
    return _unavailable(_SNAPSHOT, where)


def _or_full(case: _Case, where: str) -> _Case:
    if case is not _FAULTY_DISK or not hasattr(os, "statvfs"):
        return case
    try:
        found = os.statvfs(Path(where).parent)
    except (OSError, ValueError):
        return case  # not a file's path, or its folder is gone: then the device is to blame
    return _FULL if found.f_bavail * found.f_frsize < _FREE else case


def _driver_errors() -> tuple[type[Exception], ...]:
    """Return what the drivers raise where no layer is in between; psycopg counts only where it is in use."""
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error,) if psycopg is None else (sqlite3.Error, psycopg.Error)


def _by_driver(error: BaseException | None) -> _Case:
    if type(error).__module__.startswith("psycopg"):
        return _by_sqlstate(error)
    name = getattr(error, "sqlite_errorname", None) or ""
    return _BY_SQLITE.get(name) or _BY_SQLITE.get("_".join(name.split("_")[:2]), _OTHER)


def _by_sqlstate(error: BaseException | None) -> _Case:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # No word from the server: the connection was refused or broke.
        return _AWAY if type(error).__name__ in {"OperationalError", "ConnectionTimeout"} else _OTHER
    fitting = [prefix for prefix in _BY_SQLSTATE if state.startswith(prefix)]
    return _BY_SQLSTATE[max(fitting, key=len)] if fitting else _OTHER


def _unavailable(case: _Case, where: str) -> StoreUnavailable:
    return StoreUnavailable(case.text, hint=case.hint, code=case.code, where=where, retryable=case.retryable)
