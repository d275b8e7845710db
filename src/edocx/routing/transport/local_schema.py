"""The tables of the local axis: one file, made whole at its first opening."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from edocx.errors import Text, TransportUnavailable
from edocx.routing.store.tables import Moment, described

VERSION = 2
"""Kept in the file's ``user_version``; an older file gets what it lacks, a newer one is refused, not guessed at."""

metadata = MetaData()

units = Table(
    "units",
    metadata,
    Column("code", String(200), primary_key=True),
    Column("above", String(200)),
    Column("closed", Boolean, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("message_id", String(200), nullable=False),
    *described(),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received_at", Moment, nullable=False),
    # The sender is part of the key: nobody can occupy another's message id.
    UniqueConstraint("sender", "message_id"),
)

copies = Table(
    "copies",
    metadata,
    Column("key", ForeignKey(messages.c.key), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("acknowledged_at", Moment),
    PrimaryKeyConstraint("key", "recipient"),
    Index("ix_copies_waiting", "recipient", sqlite_where=text("acknowledged_at IS NULL")),
)

passed = Table(
    "passed",
    metadata,
    Column("key", ForeignKey(messages.c.key), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("position", Integer, nullable=False),
    Column("node", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("key", "recipient", "position"),
)

pieces = Table(
    "pieces",
    metadata,
    Column("sha256", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("sha256", "position"),
)


heads = Table(
    "heads",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("unit", String(200), nullable=False),
    Column("seq", BigInteger, nullable=False),
    # The unit was restored and its count began again here.
    Column("anew", Boolean, nullable=False),
    Column("said", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("kept_at", Moment, nullable=False),
    Index("ix_heads_unit", "unit", "seq"),
)


def create(connection: Connection) -> None:
    """Make the tables that a file lacks; raise `TransportUnavailable` for a file that is none of ours or is newer."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version == VERSION:
        return
    foreign = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
    if version > VERSION or (version == 0 and foreign):
        raise TransportUnavailable(
            Text(
                "Tệp này không phải trục cục bộ của phiên bản edocx này.",
                f"The file is no local axis of this edocx (version {version}, expected {VERSION}).",
            ),
            hint=Text("Chọn tệp khác hoặc phiên bản edocx phù hợp.", "Choose another file or a fitting edocx."),
            code="EDX-AXIS-VERSION",
        )
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
