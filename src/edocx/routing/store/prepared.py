"""Statements of the hot path: compiled once, then handed to the driver without a layer in between.

SQLAlchemy takes forty microseconds around a statement that SQLite runs in four, and a hundred around one of
PostgreSQL's; queuing a document takes a dozen of them. The statement itself is written once, in SQLAlchemy's words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import Executable

from edocx.routing.store.tables import moment_text

Values = Mapping[str, Any]

_SQLITE = sqlite.dialect(paramstyle="qmark")
_POSTGRES = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """One statement, ready to run; its values are text, numbers, bytes, moments and None.

    It runs in the transaction that is open on the connection. Raises what the driver raises.
    """

    def __init__(self, statement: Executable, columns: Sequence[str] | None = None) -> None:
        """Compile a statement.

        Args:
            statement: without conditions that depend on the values (``IN`` lists).
            columns: those an insert fills, when it does not say so itself.
        """
        keys = None if columns is None else list(columns)
        compiled = statement.compile(dialect=_SQLITE, column_keys=keys)  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        # What the statement itself says, such as a limit; None or a mark (an int of its own) is what a caller gives.
        self._fixed = {name: value for name, value in compiled.params.items() if type(value) in {str, int}}
        served = statement.compile(dialect=_POSTGRES, column_keys=keys)  # type: ignore[attr-defined]
        self._served = str(served)
        self._served_names = tuple(served.params)

    def run(self, connection: Connection, values: Values) -> int:
        """Run it; return how many rows it changed."""
        driver = _sqlite(connection)
        if driver is not None:
            return driver.execute(self._text, self._row(values)).rowcount
        return int(_postgres(connection).execute(self._served, self._named(values), prepare=True).rowcount)

    def run_each(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Run it once for each row of values."""
        driver = _sqlite(connection)
        if driver is not None:
            driver.executemany(self._text, [self._row(row) for row in rows])
            return
        given = [self._named(row) for row in rows]
        if len(given) == 1:  # a pipeline for one costs more than it saves
            _postgres(connection).execute(self._served, given[0], prepare=True)
        elif given:
            with _postgres(connection).cursor() as cursor:
                cursor.executemany(self._served, given)

    def first(self, connection: Connection, values: Values) -> tuple[Any, ...] | None:
        """Run it; return the first row as the database keeps it (moments as text), or None."""
        driver = _sqlite(connection)
        if driver is not None:
            # All rows: a cursor left half-way would keep its statement open.
            found = driver.execute(self._text, self._row(values)).fetchall()
            return found[0] if found else None
        row = _postgres(connection).execute(self._served, self._named(values), prepare=True).fetchone()
        return None if row is None else tuple(row)

    def _row(self, values: Values) -> tuple[Any, ...]:
        fixed = self._fixed
        return tuple([fixed[name] if name in fixed else _plain(values[name]) for name in self._names])

    def _named(self, values: Values) -> dict[str, Any]:
        fixed = self._fixed
        return {name: fixed[name] if name in fixed else _plain(values[name]) for name in self._served_names}


def _plain(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value


def _sqlite(connection: Connection) -> sqlite3.Connection | None:
    driver = connection.connection.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) else None


def _postgres(connection: Connection) -> Any:
    """Return psycopg's own connection, in the transaction that SQLAlchemy began on it."""
    return connection.connection.driver_connection
