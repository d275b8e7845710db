"""Queue anew what was given up: the same messages with the same bytes, once the reason is mended."""

from __future__ import annotations

from dataclasses import dataclass

from edocx.errors import StateError, Text
from edocx.office.desk import Desk
from edocx.office.withdrawing import is_withdrawn, require_live
from edocx.routing.dossier import Filed
from edocx.routing.outbox import Outgoing
from edocx.routing.parcel import Business, ParcelKind
from edocx.routing.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Redriven:
    """A message that is on its way again.

    ``reason`` is the code for which it was given up; ``kind`` is document or status.
    """

    message_id: str
    document_id: str
    kind: str
    reason: str | None
    recipients: tuple[str, ...]


def redrive(desk: Desk, document: str, *, by: str) -> tuple[Redriven, ...]:
    """Queue anew every message about a document that was given up; durable on return.

    The document itself, its status messages and requests about it, each under the message id it had: a recipient whom
    one reached after all absorbs it. A document that was recalled or replaced since is not sent any more.

    Args:
        desk: the office.
        document: its DocumentId, the office's own id, or the id of one message alone.
        by: account id of whoever decided, for the journal.

    Raises `StateError` when nothing of it was given up (``EDX-REDRIVE-NOTHING``), or only what may not be sent any
    more (``EDX-DOCUMENT-FROZEN``).
    """
    with desk.store.begin("redrive") as transaction:
        filed = transaction.documents.find(document)
        subject = filed.document_id if filed is not None and filed.document_id else document
        dead = transaction.outbox.dead_about(subject)
        live = [one for one in dead if _frozen(transaction, one) is None]
        if not live:
            for own in filter(None, (_frozen(transaction, one) for one in dead)):
                require_live(own)
            raise _nothing_dead(document)
        for one in live:
            transaction.outbox.redrive(one.message_id, by=by)
        return tuple(_redriven(transaction, one) for one in live)


def _frozen(transaction: Transaction, dead: Outgoing) -> Filed | None:
    """Return the document that a message would bring, when it was recalled or replaced since; else None."""
    if (dead.kind, dead.business) != (ParcelKind.DOCUMENT, Business.NEW):
        return None  # what is said about a document goes, whatever became of it
    own = transaction.documents.find(dead.document_id)
    return own if own is not None and is_withdrawn(own) else None


def _redriven(transaction: Transaction, dead: Outgoing) -> Redriven:
    sent = (t for t in transaction.deliveries.of_message(dead.message_id) if t.direction == "out")
    recipients = tuple(tracked.delivery.recipient for tracked in sent)
    return Redriven(dead.message_id, dead.document_id, dead.kind, dead.reason, recipients)


def _nothing_dead(document: str) -> StateError:
    return StateError(
        Text("Không có gói tin nào của văn bản này bị bỏ.", "Nothing of this document was given up."),
        hint=Text("Xem `edocx office status` và `edocx office doctor`.", "See `edocx office status` and `doctor`."),
        code="EDX-REDRIVE-NOTHING",
        where=document,
    )
