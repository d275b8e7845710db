"""The SQLite engine under a store or an axis: durable, shared by processes, transactions driven by us."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from edocx.errors import Text, UsageError

BUSY_SECONDS = 10
"""How long a writer waits for another process before it says that the database is locked."""

_WRITES = "edocx_writes"
_HOSTED = "edocx_hosted"


class Gate:
    """Lets one thread of this process write at a time, and catches a transaction inside another.

    SQLite has one writer anyway; waiting here is fair and wakes at once, where its busy handler polls.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._holder: int | None = None

    @property
    def others_wait(self) -> bool:
        """Whether another thread waits to write."""
        return self._waiting > 0

    @property
    def is_mine(self) -> bool:
        """Whether this thread holds the gate."""
        return self._holder == threading.get_ident()

    @property
    def is_free(self) -> bool:
        """Whether nobody writes at this moment."""
        return not self._lock.locked()

    @contextmanager
    def one_writer(self) -> Iterator[None]:
        """Hold the gate for the block; raise `UsageError` when this thread holds it already."""
        me = threading.get_ident()
        if self._holder == me:
            raise UsageError(
                Text("Giao dịch ghi lồng trong giao dịch ghi.", "A write transaction inside a write transaction."),
                hint=Text("Dùng lại giao dịch đang mở.", "Use the transaction that is open."),
                code="EDX-STORE-NESTED",
            )
        self._count(1)
        try:
            self._lock.acquire()
        finally:
            self._count(-1)
        self._holder = me
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()

    def _count(self, by: int) -> None:
        with self._counting:
            self._waiting += by


def sqlite_engine(path: Path) -> Engine:
    """Make an engine on a SQLite file; nothing is opened yet."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
        pool_size=2,
        max_overflow=64,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def writing(connection: Connection) -> Connection:
    """Mark a connection so that its transactions take the write lock at their start."""
    return connection.execution_options(**{_WRITES: True})


def writing_engine(engine: Engine) -> Engine:
    """Return the same engine with every connection marked by `writing`."""
    return engine.execution_options(**{_WRITES: True})


def is_writing(connection: Connection) -> bool:
    """Tell whether a connection was marked by `writing`."""
    return bool(connection.get_execution_options().get(_WRITES, False))


def hosted(engine: Engine) -> Engine:
    """Return the same engine for hosts, whose transactions see what others commit meanwhile (READ COMMITTED)."""
    return engine.execution_options(**{_HOSTED: True})


def of_one_moment(engine: Engine) -> Engine:
    """Return the same engine for readers: each transaction sees one moment of the database."""
    return engine.execution_options(**{_HOSTED: False})


def is_hosted(connection: Connection) -> bool:
    """Tell whether a connection came from an engine made by `hosted`."""
    return bool(connection.get_execution_options().get(_HOSTED, False))


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # isolation_level=None above: the driver would otherwise begin transactions late and commit
    # before DDL by itself; BEGIN is ours (see _begin).
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # WAL at NORMAL may lose the last commits at a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes later cannot be refused half-way (SQLITE_BUSY_SNAPSHOT).
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing(connection) else "BEGIN")
