"""The PostgreSQL engine under a store: one writer at a time, as SQLite has it, and readers that see one moment."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from edocx.errors import Text, UsageError
from edocx.routing.store.engine import BUSY_SECONDS, is_hosted, is_writing

CONNECT_SECONDS = 10
"""How long a server may take to answer at all before it counts as away."""

_WRITERS = 0x65646F6378
"""The advisory lock of whoever writes ("edocx" in ASCII); it ends with its transaction, or with its process."""


def postgres_url(place: str) -> URL | None:
    """Return the URL of a PostgreSQL database, or None when ``place`` names something else.

    Raises `UsageError` when it cannot be read, or when the driver is not installed.
    """
    if not place.startswith(("postgresql://", "postgres://")):
        return None
    if find_spec("psycopg") is None:
        raise UsageError(
            Text("Chưa cài trình điều khiển PostgreSQL.", "The driver for PostgreSQL is not installed."),
            hint=Text("Cài: pip install 'edocx[postgres]'.", "Install it: pip install 'edocx[postgres]'."),
            code="EDX-STORE-DRIVER",
        )
    try:
        return make_url(place).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise UsageError(
            Text("Địa chỉ PostgreSQL không đọc được.", "The address of the PostgreSQL database cannot be read."),
            hint=Text("Dạng: postgresql://máy/cơ-sở-dữ-liệu.", "Write it as postgresql://host/database."),
            code="EDX-STORE-URL",
        ) from error


def postgres_engine(url: URL) -> Engine:
    """Make an engine on a PostgreSQL database; nothing is opened yet."""
    # Read committed, whatever the server's own default is: who waits for its turn must see what was done before it.
    settings = (
        f"-c synchronous_commit=on -c lock_timeout={BUSY_SECONDS}s -c default_transaction_isolation=read\\ committed"
    )
    engine = create_engine(
        url,
        connect_args={"options": settings, "connect_timeout": CONNECT_SECONDS},
        pool_size=2,
        max_overflow=64,
        # A server that was restarted leaves dead connections behind.
        pool_pre_ping=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def take_turn(connection: Connection) -> None:
    """Wait until nobody else writes to this database; the turn ends with the transaction.

    The journal is one chain, so that writers follow each other whatever they touch. Taken first, the turn
    makes every check within a transaction hold until its commit, and leaves nothing to deadlock over; a
    lock on the newest line alone would let a second writer wait and then chain to the line it saw before.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def is_open(connection: Connection) -> bool:
    """Tell whether a server's transaction goes on: after an error that somebody swallowed, COMMIT would undo it."""
    from psycopg.pq import TransactionStatus  # noqa: PLC0415 - only where the driver is in use

    driver: Any = connection.connection.driver_connection
    return bool(driver.info.transaction_status == TransactionStatus.INTRANS)


def _begin(connection: Connection) -> None:
    if is_writing(connection):
        take_turn(connection)
    elif not is_hosted(connection):
        # A host's transaction may write: of one moment, it would not see what others committed before its turn.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
