"""The store's schema, in one place; migrations bring older files to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from edocx.errors import InputError, UsageError
from edocx.errors import Text as EdocxText

HEAD = "0002"
"""The newest migration; a file at this revision is opened without loading Alembic."""

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


class Moment(TypeDecorator[datetime]):
    """An aware moment as UTC text of fixed width, which sorts as time does and reads as such."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> str | None:
        """Write the moment in UTC."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, _dialect: Any) -> datetime | None:
        """Read the moment back, aware."""
        return None if value is None else datetime.fromisoformat(value)


def moment_text(moment: datetime) -> str:
    """Return an aware moment as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.

    Raises `UsageError` for a naive one, and `InputError` for one that has no place in the calendar in UTC
    (a peer's status stamped 0001-01-01 in Vietnam's zone).
    """
    if moment.tzinfo is None:
        raise UsageError(
            EdocxText("Thời điểm thiếu múi giờ.", "The moment has no time zone."),
            hint=EdocxText("Gắn múi giờ ngay khi đọc.", "Attach the zone where it is read."),
            code="EDX-MOMENT-NAIVE",
        )
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    except OverflowError as error:
        raise InputError(
            EdocxText("Thời điểm nằm ngoài lịch.", "The moment lies outside the calendar."),
            hint=EdocxText("Kiểm tra thời gian trong thông điệp.", "Check the time in the message."),
            code="EDX-MOMENT-RANGE",
        ) from error


# SQLite gives row ids only to a column of type INTEGER.
_RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def described() -> tuple[Column[Any], ...]:
    """Return columns for what every message tells of itself: a store's and an axis's rows describe it alike."""
    return (
        Column("kind", String(16), nullable=False),
        Column("sender", String(200), nullable=False),
        Column("document_id", String(200), nullable=False),
        Column("business", String(16), nullable=False),
        Column("urgency", SmallInteger, nullable=False),
    )


def _while(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


payloads = Table(
    "payloads",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    # Null: the content is a file in the folder beside the database.
    Column("content", LargeBinary),
    Column("stored_at", Moment, nullable=False),
    # Set: the content was deleted after a recall; the row stays for its digest.
    Column("erased_at", Moment),
)

parcels = Table(
    "parcels",
    metadata,
    # Rising, so that parcels queued at one moment leave in the order in which they were queued.
    Column("id", _RowId, primary_key=True),
    Column("message_id", String(200), nullable=False, unique=True),
    *described(),
    Column("sha256", ForeignKey(payloads.c.sha256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("round", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("queued_at", Moment, nullable=False),
    # When queued: the next attempt; while leased: the end of the lease.
    Column("due_at", Moment, nullable=False),
    Column("lease", String(100)),
    Column("receipt", String(200)),
    Column("settled_at", Moment),
    Column("reason", String(100)),
    Index("ix_parcels_outbox", "urgency", "due_at", "id", **_while("state = 'queued'")),
    Index("ix_parcels_document", "document_id"),
    Index("ix_parcels_lease", "lease", **_while("lease IS NOT NULL")),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("direction", String(3), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("document_id", String(200), nullable=False),
    Column("issuer", String(200), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("handling", String(16), nullable=False),
    Column("change", String(16), nullable=False),
    Column("asked", String(16)),
    Column("contradicted", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("message_id", "recipient", "issuer", "direction"),
    Index("ix_deliveries_document", "document_id", "recipient"),
    Index("ix_deliveries_asked", "id", **_while("direction = 'in' AND change = 'asked'")),
)

statements = Table(
    "statements",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("delivery", ForeignKey(deliveries.c.id), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("code", String(32), nullable=False),
    Column("unit", String(200), nullable=False),
    Column("voice_of", String(200), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("description", Text),
    Column("arrived_at", Moment, nullable=False),
    UniqueConstraint("delivery", "fingerprint"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _RowId, primary_key=True),
    Column("message_id", String(200), nullable=False),
    Column("transport_key", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("document_id", String(200)),
    Column("business", String(16), nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("sha256", ForeignKey(payloads.c.sha256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(100)),
    Column("duplicate_of", ForeignKey("inbox.id")),
    Column("arrived_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("lease", String(100)),
    Column("changed_at", Moment, nullable=False),
    # The sender is part of the key: a stranger who repeats somebody's message id must not hide the real message.
    UniqueConstraint("sender", "message_id", "recipient", "sha256"),
    Index("ix_inbox_content", "sender", "sha256", "kind"),
    Index("ix_inbox_due", "kind", "due_at", **_while("state = 'new'")),
    Index("ix_inbox_document", "document_id"),
    Index("ix_inbox_state", "state"),
    Index("ix_inbox_lease", "lease", **_while("lease IS NOT NULL")),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("state", String(32), nullable=False),
    # The wire's DocumentId, known once the document has a number.
    Column("document_id", String(200), unique=True),
    Column("metadata", Text, nullable=False),
    Column("sha256", ForeignKey(payloads.c.sha256)),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index("ix_documents_state", "state"),
)

books = Table(
    "books",
    metadata,
    Column("unit", String(200), nullable=False),
    Column("series", String(100), nullable=False),
    Column("year", Integer, nullable=False),
    Column("next_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("unit", "series", "year"),
)

register = Table(
    "register",
    metadata,
    Column("unit", String(200), nullable=False),
    Column("series", String(100), nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("document", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("reserved_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    PrimaryKeyConstraint("unit", "series", "year", "number"),
    # One live number a document; voided ones stay beside it with their reasons.
    Index("uq_register_document", "unit", "series", "year", "document", unique=True, **_while("state <> 'voided'")),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", _RowId, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("line", Text, nullable=False),
)
