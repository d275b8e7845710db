"""Inserting what may be there already, in one statement that SQLite and PostgreSQL both understand."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql


def upsert(table: Table) -> postgresql.Insert:
    """Return an insert that can say ``on_conflict_do_nothing`` or ``on_conflict_do_update``.

    PostgreSQL's, because it also carries what SQLite's compiler asks for; the other way round fails.
    """
    return postgresql.insert(table)
