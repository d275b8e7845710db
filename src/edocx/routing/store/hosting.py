"""A host's own transaction: what an office writes there must be on disk when the host commits, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, false, func, select, update

from edocx.errors import StoreUnavailable, Text, UsageError
from edocx.routing.store.failure import outdated
from edocx.routing.store.postgres import is_open, take_turn
from edocx.routing.store.tables import journal

_SERVER = (
    "SELECT pg_postmaster_start_time(), (SELECT oid FROM pg_database WHERE datname = current_database())::bigint,"
    " to_regclass('journal')::oid::bigint, current_setting('transaction_isolation')"
)
"""Which table of which database of which server a connection writes the journal to; no two servers started at once."""

_SETTLED = frozenset({"repeatable read", "serializable"})
"""Isolation levels whose transactions see one moment, whatever is committed while they wait for their turn."""

_NEWEST = select(func.coalesce(func.max(journal.c.seq), 0))
_TOUCH = update(journal).where(false()).values(line=journal.c.line)


class Hosting:
    """Lets hosts' connections write to one store, one writer at a time."""

    def __init__(self, engine: Engine, path: Path, where: str) -> None:
        self._engine = engine
        self._path = path
        self._where = where
        self._place: tuple[Any, ...] | None = None

    def admit(self, connection: Connection) -> None:
        """Take the writer's turn in a host's transaction, which must be begun; refuse before anything is written.

        Raises `UsageError` for a connection that commits each statement by itself (``EDX-STORE-AUTOCOMMIT``): the
        steps of one transaction would be torn apart, or belong to none. Also for one to another database
        (``EDX-STORE-FOREIGN``): the document would lie in another office's store, and its line in a journal that is
        not ours. Raises `StoreUnavailable` (``EDX-STORE-SNAPSHOT``, retryable) for a transaction that sees the
        database as it was before somebody else's commit.
        """
        if connection.dialect.name != self._engine.dialect.name:
            raise self._foreign()
        if connection.dialect.name == "sqlite":
            self._admit_to_file(connection)
        else:
            self._admit_to_server(connection)

    def _admit_to_file(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        by_itself = driver.isolation_level is None or getattr(driver, "autocommit", None) is True
        if by_itself and not driver.in_transaction:
            raise self._autocommit()
        main = next((row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"), "")
        if not _same_file(main, self._path):
            raise self._foreign()
        # The first write takes SQLite's write lock. Where the transaction has not read yet, it waits for it as BEGIN
        # IMMEDIATE does; one that has read cannot wait: what it saw would be old by then.
        connection.execute(_TOUCH)

    def _admit_to_server(self, connection: Connection) -> None:
        *place, isolation = connection.exec_driver_sql(_SERVER).one()
        if not is_open(connection):
            raise self._autocommit()
        if tuple(place) != self._place:
            with self._engine.connect() as own:  # at the first time, and once the server was restarted
                self._place = tuple(own.exec_driver_sql(_SERVER).one())[:-1]
        if tuple(place) != self._place:
            raise self._foreign()
        take_turn(connection)
        if isolation in _SETTLED:
            # Nobody else commits now; but what was committed before the turn may be later than what is seen here.
            seen = connection.execute(_NEWEST).scalar_one()
            with self._engine.connect() as own:
                newest = own.execute(_NEWEST).scalar_one()
            if newest > seen:
                raise self._outdated()

    def _outdated(self) -> StoreUnavailable:
        return outdated(self._where)

    def _autocommit(self) -> UsageError:
        return UsageError(
            Text(
                "Kết nối này tự commit từng câu lệnh, nên không có giao dịch nào để gửi trong đó.",
                "This connection commits each statement by itself: there is no transaction to send in.",
            ),
            hint=Text(
                "Dùng kết nối không AUTOCOMMIT, hoặc gửi không kèm connection=.",
                "Use a connection without AUTOCOMMIT, or send without connection=.",
            ),
            code="EDX-STORE-AUTOCOMMIT",
            where=self._where,
        )

    def _foreign(self) -> UsageError:
        return UsageError(
            Text(
                "Kết nối này thuộc cơ sở dữ liệu khác, không phải kho của văn phòng này.",
                "This connection is to another database, not to this office's store.",
            ),
            hint=Text(
                "Lấy kết nối từ store.engine của chính văn phòng này.",
                "Take the connection from store.engine of this very office.",
            ),
            code="EDX-STORE-FOREIGN",
            where=self._where,
        )


def _same_file(one: str, other: Path) -> bool:
    try:
        return bool(one) and Path(one).samefile(other)
    except OSError:  # one of the two is gone: then they are not the same
        return False
