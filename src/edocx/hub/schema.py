"""The tables of a hub, and how an older database is brought to them.

A step only adds: code that is one version older goes on working on the same database, so that the nodes of one hub are
replaced one after the other. ``OLDEST`` says which code may still use it.
"""

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
    inspect,
    select,
    text,
)
from sqlalchemy import Text as LongText
from sqlalchemy.schema import CreateColumn

from edocx.errors import StoreUnavailable, Text
from edocx.routing.store import tables as routing_tables
from edocx.routing.store.tables import Moment

VERSION = 6
"""The version of these tables."""

OLDEST = 2
"""The oldest version of code that can work on a database with these tables."""

# SQLite gives row ids only to a column of type INTEGER.
_RowId = BigInteger().with_variant(Integer(), "sqlite")

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
    # What it can take as a recipient: bytes of a message, extensions of files (blank between); null: anything.
    Column("takes_bytes", BigInteger),
    Column("takes_types", String(500)),
    # Its own rule for the seal at the door, instead of the hub's: off, record, require.
    Column("seal", String(16)),
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
    Column("number", _RowId, primary_key=True),
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
    Column("passed", LongText, nullable=False),
    # Digest of the relay statement of the hub before, "" at the first.
    Column("previous", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    # axis-http.md §1.9: the key that makes a repeated sendEdoc harmless.
    UniqueConstraint("origin", "message_type", "document_id", "business", "digest"),
    Index("ix_messages_message_id", "origin", "message_id"),
    Index("ix_messages_sender", "sender", "message_type"),
    Index("ix_messages_document", "document_id"),
)

_WAITING = text("state IN ('initial', 'processing') AND via IS NULL")
_CUSTODY = text("state = 'initial' AND via IS NOT NULL")

copies = Table(
    "copies",
    metadata,
    Column("message", _RowId, ForeignKey(messages.c.number), nullable=False),
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
    # Attempts that may have reached the next hub (`edocx.hub.rerouting`); null: made by an earlier version.
    Column("unsure", Integer),
    # Changes of the way: [[when, from, to], …] (JSON).
    Column("rerouted", LongText),
    # What the hubs behind the next one stated, as it told (JSON).
    Column("downstream", LongText),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("message", "recipient"),
    Index("ix_copies_waiting", "recipient", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("ix_copies_custody", "due_at", sqlite_where=_CUSTODY, postgresql_where=_CUSTODY),
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
    # The signed timestamp that it was wished under, or "old" for one that was old by then.
    Column("stamp", String(64)),
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
    Column("message", _RowId, ForeignKey(messages.c.number), nullable=False),
    Column("via", String(200), nullable=False),
    Column("statement", LongText, nullable=False),
    PrimaryKeyConstraint("message", "via"),
)

verdicts = Table(
    # What the door found in a message that it let in: words of `edocx.hub.inspection`, never content.
    "verdicts",
    metadata,
    Column("message", _RowId, ForeignKey(messages.c.number), primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("seal", String(32)),
    Column("files", String(32)),
    Column("scan", String(32)),
    # Codes of what was remarked, blank between.
    Column("codes", LongText, nullable=False),
)

relay_keys = Table(
    # By which keys other hubs' relay statements are believed, from when, and who told.
    "relay_keys",
    metadata,
    Column("hub", String(200), nullable=False),
    Column("key", String(64), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("told_by", String(200), nullable=False),
    PrimaryKeyConstraint("hub", "key"),
)

neighbours = Table(
    # How each neighbouring hub was found when it was last asked.
    "neighbours",
    metadata,
    Column("code", String(200), primary_key=True),
    Column("asked_at", Moment, nullable=False),
    Column("answered_at", Moment),
    # By how many milliseconds its clock is ahead of this machine's, and how long its answer took.
    Column("ahead_ms", BigInteger),
    Column("took_ms", Integer),
    Column("error", String(64)),
)

own_secrets = Table(
    # The hub's own, under the key outside the database; on PostgreSQL, where every node needs the same.
    "own_secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

payload_pieces = Table(
    # On PostgreSQL: what does not fit in a payload's own row, in pieces of one mebibyte.
    "payload_pieces",
    metadata,
    Column("sha256", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("sha256", "number"),
)

heads = Table(
    # How far the journals of offices go, as they signed it: one row for each count, the present one last. A new count
    # begins after a restore, and what the office had said before stays.
    "heads",
    metadata,
    Column("number", _RowId, primary_key=True),
    Column("unit", String(200), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("said", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("kept_at", Moment, nullable=False),
    Index("ix_heads_unit", "unit", "number"),
)

heard = Table(
    # Words that callers signed for one call alone (`edocx.hub.heard`), the newest of each agency.
    "heard",
    metadata,
    Column("number", _RowId, primary_key=True),
    Column("agency", ForeignKey(agencies.c.id), nullable=False),
    Column("word", String(64), nullable=False),
    Column("heard_at", Moment, nullable=False),
    UniqueConstraint("agency", "word"),
)

call_rates = Table(
    # How much of an agency's allowance for a minute the nodes took (`edocx.hub.rate`); one row for each agency.
    "call_rates",
    metadata,
    Column("agency", ForeignKey(agencies.c.id), primary_key=True, autoincrement=False),
    Column("minute", BigInteger, nullable=False),
    Column("taken", Integer, nullable=False),
)

damaged = Table(
    # Large contents that were found not to be what they were (`edocx.hub.soundness`).
    "damaged",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("found_at", Moment, nullable=False),
)

promises = Table(
    # Copies refused to a neighbouring hub for good (`edocx.hub.promises`), up to which attempt. Kept for ever: a stream
    # keeps what nobody acknowledged as long.
    "promises",
    metadata,
    Column("hub", String(200), nullable=False),
    Column("statement", String(64), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("given_at", Moment, nullable=False),
    PrimaryKeyConstraint("hub", "statement", "recipient"),
)

hub_schema = Table(
    "hub_schema",
    metadata,
    Column("version", Integer, nullable=False),
    Column("oldest", Integer, nullable=False),
)


def create(connection: Connection) -> None:
    """Make the tables, or bring older ones up to date, in the transaction of one writer.

    Raises `StoreUnavailable` for a database that is no hub's, or of a version that this code does not know.
    """
    there = set(inspect(connection).get_table_names())
    if not there:
        metadata.create_all(connection)
        routing_tables.payloads.create(connection)
        connection.execute(hub_schema.insert(), {"version": VERSION, "oldest": OLDEST})
        return
    version, oldest = _version(connection, there)
    if oldest > VERSION or version == 0:
        raise StoreUnavailable(
            Text(
                "Đây không phải cơ sở dữ liệu của trục mà phiên bản edocx này đọc được.",
                f"The database is no hub's that this edocx can use (version {version}, known up to {VERSION}).",
            ),
            hint=Text("Chọn cơ sở dữ liệu khác hoặc phiên bản edocx phù hợp.", "Choose another, or a fitting edocx."),
            code="EDX-HUB-VERSION",
        )
    if version < VERSION:
        _add_what_is_new(connection, there)


def _version(connection: Connection, there: set[str]) -> tuple[int, int]:
    if hub_schema.name in there:
        row = connection.execute(select(hub_schema)).one()
        return int(row.version), int(row.oldest)
    # The first version was only SQLite, and kept its number in the file's head.
    first = connection.exec_driver_sql("PRAGMA user_version").scalar_one() if _is_sqlite(connection) else 0
    return int(first), int(first)


def _add_what_is_new(connection: Connection, there: set[str]) -> None:
    """Add the tables, columns and indexes that an older version had not; every added column may be null."""
    metadata.create_all(connection)
    for table in metadata.sorted_tables:
        if table.name not in there:
            continue
        held = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in held:
                words = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {words}')
        indexed = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexed:
                index.create(connection)
    connection.execute(hub_schema.delete())
    connection.execute(hub_schema.insert(), {"version": VERSION, "oldest": OLDEST})
    if _is_sqlite(connection):
        # Code of the first version looks here, and is to say that it is too old.
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
