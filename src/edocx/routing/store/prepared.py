"""Statements of the hot path: compiled once, then handed to SQLite's driver without a layer in between.

SQLAlchemy takes forty microseconds around a statement that SQLite runs in four; queuing a document takes a
dozen of them. The statement itself is written once, in SQLAlchemy's words, and other databases get it from there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import Executable

from edocx.routing.store.tables import moment_text

Values = Mapping[str, Any]

_DIALECT = sqlite.dialect(paramstyle="qmark")


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
        self._statement = statement
        compiled = statement.compile(  # type: ignore[attr-defined]
            dialect=_DIALECT,
            column_keys=None if columns is None else list(columns),
        )
        self._text = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        # What the statement itself says, such as a limit; None or a mark (an int of its own) is what a caller gives.
        self._fixed = {name: value for name, value in compiled.params.items() if type(value) in {str, int}}

    def run(self, connection: Connection, values: Values) -> int:
        """Run it; return how many rows it changed."""
        driver = _sqlite(connection)
        if driver is None:
            # Asked for by name: of an insert, nobody counts the rows unless told to.
            counted = {"preserve_rowcount": True}
            return int(connection.execute(self._statement, dict(values), execution_options=counted).rowcount)
        return driver.execute(self._text, self._row(values)).rowcount

    def run_each(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Run it once for each row of values."""
        driver = _sqlite(connection)
        if driver is None:
            connection.execute(self._statement, [dict(row) for row in rows])
        else:
            driver.executemany(self._text, [self._row(row) for row in rows])

    def first(self, connection: Connection, values: Values) -> tuple[Any, ...] | None:
        """Run it; return the first row as the database keeps it (moments as text), or None."""
        driver = _sqlite(connection)
        if driver is None:
            row = connection.execute(self._statement, dict(values)).first()
            return None if row is None else tuple(row)
        # All rows: a cursor left half-way would keep its statement open.
        found = driver.execute(self._text, self._row(values)).fetchall()
        return found[0] if found else None

    def _row(self, values: Values) -> tuple[Any, ...]:
        fixed = self._fixed
        return tuple([fixed[name] if name in fixed else _plain(values[name]) for name in self._names])


def _plain(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value


def _sqlite(connection: Connection) -> sqlite3.Connection | None:
    driver = connection.connection.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) else None
