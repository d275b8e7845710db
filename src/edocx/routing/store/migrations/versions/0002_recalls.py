"""Recalls: payloads that were erased, and the requests for change that wait for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the mark of erased payloads, and the index of received documents whose issuer asked for a change."""
    op.add_column("payloads", sa.Column("erased_at", sa.String(27)))
    waits = sa.text("direction = 'in' AND change = 'asked'")
    op.create_index("ix_deliveries_asked", "deliveries", ["id"], sqlite_where=waits, postgresql_where=waits)
