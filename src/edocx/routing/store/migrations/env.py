"""Runs the revisions on the connection that the store hands over, inside the store's own transaction."""

from alembic import context

from edocx.routing.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
