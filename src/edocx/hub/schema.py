"""The tables of a hub: one file, made whole at its first opening."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as LongText

from edocx.errors import StoreUnavailable, Text
from edocx.routing.store import tables as routing_tables
from edocx.routing.store.tables import Moment

VERSION = 1
"""Kept in the file's ``user_version``; a file of another version is refused, not guessed at."""

metadata = MetaData()

agencies = Table(
    "agencies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(200), nullable=False, unique=True),
    # The other code system's spelling, where it is recorded: both are alive on the axis (edxml.md §2.3).
    Column("old_code", String(200), unique=True),
    Column("name", String(500), nullable=False),
    Column("mail", String(200)),
    Column("mobile", String(50)),
    Column("fax", String(50)),
    Column("parent", String(200)),
    Column("level", SmallInteger),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    # The neighbouring hub through which the agency is reached; null: it calls here itself.
    Column("served_by", String(200)),
    Column("max_bytes", BigInteger),
    Column("max_age_seconds", Integer),
    Column("per_minute", Integer),
    Column("modified_at", Moment, nullable=False),
    Index("ix_agencies_parent", "parent"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agency", ForeignKey(agencies.c.id), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    # After rotation the old secret goes on working until here.
    Column("expires_at", Moment),
    Index("ix_secrets_agency", "agency", "kind"),
)

messages = Table(
    "messages",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("doc_id", String(64), nullable=False, unique=True),
    # The authenticated sender; for a neighbouring hub's mail the unit it speaks for is `origin`.
    Column("sender", String(200), nullable=False),
    Column("origin", String(200), nullable=False),
    Column("message_id", String(200)),
    Column("message_type", String(16), nullable=False),
    Column("document_id", String(200), nullable=False),
    Column("business", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("title", String(500)),
    Column("notation", String(200)),
    # The hubs it came through, by their system codes joined with ";": against loops.
    Column("passed", String(1000), nullable=False),
    # Digest of the relay statement of the hub before, "" at the first.
    Column("previous", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    # axis-http.md §1.9: the key that makes a repeated sendEdoc harmless.
    UniqueConstraint("origin", "message_type", "document_id", "business", "digest"),
    Index("ix_messages_message_id", "origin", "message_id"),
    Index("ix_messages_sender", "sender", "message_type"),
    Index("ix_messages_document", "document_id"),
)

copies = Table(
    "copies",
    metadata,
    Column("message", ForeignKey(messages.c.number), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    # Of the sending that made this copy or woke it again: the same content, maybe sealed anew under another id.
    Column("message_id", String(200)),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    # initial, processing, done, fail: axis-http.md §1.7.
    Column("state", String(16), nullable=False),
    # A 02 of the recipient passed by: the sender may send the same document again.
    Column("rejected_at", Moment),
    Column("description", LongText),
    # The neighbouring hub that takes it on; null: the recipient fetches it here.
    Column("via", String(200)),
    Column("due_at", Moment),
    Column("tries", SmallInteger, nullable=False),
    Column("relayed_as", String(64)),
    # What the hubs behind the next one stated, as it told (JSON).
    Column("downstream", LongText),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("message", "recipient"),
    Index("ix_copies_waiting", "recipient", sqlite_where=text("state IN ('initial', 'processing') AND via IS NULL")),
    Index("ix_copies_custody", "due_at", sqlite_where=text("state = 'initial' AND via IS NOT NULL")),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agency", String(200), nullable=False),
    Column("act", String(16), nullable=False),
    Column("code", String(200), nullable=False),
    Column("wish", LongText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("filed_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("settled_by", String(200)),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", String(200), nullable=False),
    Column("act", String(32), nullable=False),
    Column("subject", String(200), nullable=False),
)


statements = Table(
    "statements",
    metadata,
    Column("message", ForeignKey(messages.c.number), nullable=False),
    Column("via", String(200), nullable=False),
    Column("statement", LongText, nullable=False),
    PrimaryKeyConstraint("message", "via"),
)


def create(connection: Connection) -> None:
    """Make the tables in a new file; raise `StoreUnavailable` for a file of another version."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version == VERSION:
        return
    foreign = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
    if version != 0 or foreign:
        raise StoreUnavailable(
            Text(
                "Tệp này không phải cơ sở dữ liệu của trục thuộc phiên bản edocx này.",
                f"The file is no hub of this edocx (version {version}, expected {VERSION}).",
            ),
            hint=Text("Chọn tệp khác hoặc phiên bản edocx phù hợp.", "Choose another file or a fitting edocx."),
            code="EDX-HUB-VERSION",
        )
    metadata.create_all(connection)
    routing_tables.payloads.create(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
