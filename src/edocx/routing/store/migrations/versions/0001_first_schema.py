"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.String(27)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table and index of the first schema in an empty database."""
    _payloads()
    _outgoing()
    _deliveries()
    _incoming()
    _office()


def _payloads() -> None:
    op.create_table(
        "payloads",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("stored_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_payloads"),
    )


def _outgoing() -> None:
    op.create_table(
        "parcels",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("document_id", sa.String(length=200), nullable=False),
        sa.Column("business", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("lease", sa.String(length=100)),
        sa.Column("receipt", sa.String(length=200)),
        sa.Column("settled_at", _MOMENT),
        sa.Column("reason", sa.String(length=100)),
        sa.ForeignKeyConstraint(["sha256"], ["payloads.sha256"], name="fk_parcels_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_parcels"),
        sa.UniqueConstraint("message_id", name="uq_parcels_message_id"),
    )
    op.create_index("ix_parcels_document", "parcels", ["document_id"])
    op.create_index("ix_parcels_lease", "parcels", ["lease"], **_only("lease IS NOT NULL"))
    op.create_index("ix_parcels_outbox", "parcels", ["urgency", "due_at", "id"], **_only("state = 'queued'"))


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("document_id", sa.String(length=200), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("handling", sa.String(length=16), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.String(length=16)),
        sa.Column("contradicted", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "message_id", "recipient", "issuer", "direction", name="uq_deliveries_message_id_recipient_issuer_direction"
        ),
    )
    op.create_index("ix_deliveries_document", "deliveries", ["document_id", "recipient"])
    op.create_table(
        "statements",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("delivery", _ROW_ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("voice_of", sa.String(length=200), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("claimed_at", _MOMENT, nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("arrived_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name="fk_statements_delivery"),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
        sa.UniqueConstraint("delivery", "fingerprint", name="uq_statements_delivery_fingerprint"),
    )


def _incoming() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("transport_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("document_id", sa.String(length=200)),
        sa.Column("business", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100)),
        sa.Column("duplicate_of", _ROW_ID),
        sa.Column("arrived_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("lease", sa.String(length=100)),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["duplicate_of"], ["inbox.id"], name="fk_inbox_duplicate_of"),
        sa.ForeignKeyConstraint(["sha256"], ["payloads.sha256"], name="fk_inbox_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint(
            "sender", "message_id", "recipient", "sha256", name="uq_inbox_sender_message_id_recipient_sha256"
        ),
    )
    op.create_index("ix_inbox_content", "inbox", ["sender", "sha256", "kind"])
    op.create_index("ix_inbox_document", "inbox", ["document_id"])
    op.create_index("ix_inbox_due", "inbox", ["kind", "due_at"], **_only("state = 'new'"))
    op.create_index("ix_inbox_state", "inbox", ["state"])
    op.create_index("ix_inbox_lease", "inbox", ["lease"], **_only("lease IS NOT NULL"))


def _office() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("document_id", sa.String(length=200)),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["payloads.sha256"], name="fk_documents_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("document_id", name="uq_documents_document_id"),
    )
    op.create_index("ix_documents_state", "documents", ["state"])
    op.create_table(
        "books",
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("series", sa.String(length=100), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit", "series", "year", name="pk_books"),
    )
    op.create_table(
        "register",
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("series", sa.String(length=100), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reserved_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("unit", "series", "year", "number", name="pk_register"),
    )
    op.create_index(
        "uq_register_document",
        "register",
        ["unit", "series", "year", "document"],
        unique=True,
        **_only("state <> 'voided'"),
    )
    op.create_table(
        "journal",
        sa.Column("seq", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
    )


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
