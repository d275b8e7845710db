"""The way of one message from this hub to each recipient, by the relay statements that came back."""

from __future__ import annotations

from dataclasses import dataclass

from edocx.errors import Text
from edocx.hub import refusal
from edocx.hub.mailroom import SENT
from edocx.hub.neighbourhood import known_keys
from edocx.hub.relay_statement import REMARKS, Station, read_chain
from edocx.hub.rerouting import Move, moves_of
from edocx.hub.schema import copies, messages
from edocx.hub.service import Service
from edocx.hub.told_text import is_doc_id


@dataclass(frozen=True, slots=True)
class Way:
    """What became of one copy, and the stations it passed; none where this hub has no unit to state for.

    ``moves`` are the changes of its way while this hub had custody of it.
    """

    recipient: str
    state: str
    description: str | None
    stations: tuple[Station, ...]
    moves: tuple[Move, ...] = ()

    def remarks(self, station: Station) -> tuple[Text, ...]:
        """Return what is to be remarked on a station, in words."""
        return tuple(REMARKS[one] for one in station.remarks)


def way_of(service: Service, doc_id: str) -> tuple[Way, ...]:
    """Return the ways of a message, for whoever runs the hub; raise `StateError` for a docId that is not known."""
    with service.store.read() as connection:
        query = SENT.where(messages.c.doc_id == doc_id).order_by(copies.c.recipient)
        rows = connection.execute(query).all() if is_doc_id(doc_id) else []
        if not rows:
            raise refusal.unknown_document(doc_id)
        keys = known_keys(connection)
        book = service.relay_book
        if book.public_key is not None and book.system is not None:
            keys[book.system] = (*keys.get(book.system, ()), book.public_key)
        statements = book.of_copies(connection, rows)
    return tuple(
        Way(
            row.recipient,
            row.state,
            row.description,
            read_chain(statements.get(row.recipient, ()), keys, recipient=row.recipient),
            moves_of(row.rerouted),
        )
        for row in rows
    )
