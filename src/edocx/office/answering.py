"""Saying something about a received document: our state and the status message that says so, together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edocx.content import Blob
from edocx.documents import StatusCode
from edocx.envelope.model import Envelope, Staff
from edocx.envelope.read import Reading, open_envelope
from edocx.errors import EdocxError, Unavailable
from edocx.office.desk import Desk
from edocx.office.sending import sealed, status_envelope, status_parcel
from edocx.routing.store.payloads import LOST
from edocx.routing.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Saying:
    """A status that this office states: its code, a remark or reason, and who at the office says so."""

    code: StatusCode
    note: str | None = None
    by: str | None = None


def answer(
    desk: Desk,
    subject: Envelope,
    message: str,
    saying: Saying,
    enter: Callable[[Transaction], None],
    *,
    request: str = "",
) -> None:
    """Change our state, and queue the status message that says so, in one transaction.

    ``subject`` is the document spoken of, ``message`` the id of the message in which it came. With ``request``, which
    tells one request about it from the next, it makes a repeat the same status message. ``enter`` makes whatever change
    goes with it.
    """
    code, note = saying.code, saying.note
    staff = Staff(name=saying.by) if saying.by else None
    with desk.workspace() as folder:
        envelope = status_envelope(desk, subject, code, description=note, staff=staff)
        payload = Blob.from_bytes(sealed(desk, envelope, folder / "status.edxml").read())
        parcel = status_parcel(desk, subject, code, payload, f"{message}{request}")
        with desk.store.begin(f"answer-{code.value}") as transaction:
            enter(transaction)
            transaction.state_status(
                parcel.document_id,
                str(desk.unit),
                code.value,
                unit=str(desk.unit),
                description=note,
                message_id=message,
            )
            # Said before this store was restored: the axis has it, in the very bytes that were recovered.
            if transaction.outbox.find(parcel.message_id) is None:
                transaction.submit(parcel, payload)


def is_ours(error: EdocxError) -> bool:
    """Tell whether an error speaks of our own disk, store or services, and says nothing about the message in hand.

    A payload that is lost for good does not come back by waiting: it must not keep the messages behind it away.
    """
    return isinstance(error, Unavailable) and error.code != LOST


@contextmanager
def opened(desk: Desk, incoming_id: int) -> Iterator[Reading]:
    """Open a received envelope; it is read once, and judged from what was read."""
    with desk.store.read() as transaction:
        payload = transaction.inbox.payload(transaction.inbox.get(incoming_id))
    with desk.workspace() as folder:
        path = payload.path or payload.save(folder / "received.edxml").path
        assert path is not None
        with open_envelope(path, workdir=folder) as reading:
            yield reading
