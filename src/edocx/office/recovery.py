"""Pulling back from the axis what a restored store no longer knows: messages both ways, statuses, numbers.

Everything is derived from the bytes that travelled, under the ids they travelled with, so that doing it twice, or being
killed in the middle, comes to the same. Three passes, each message in a transaction of its own:

1. what we sent that nothing has to come before: documents, issued under their numbers; recalls, updates and
   replacements; our acknowledgements (01), so that opening what came does not send them again;
2. what came: stored, judged and presented as on the first day; statuses move what was sent;
3. what we said of what came: accepted, refused, finished, given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from edocx.content import Blob
from edocx.documents import StatusCode
from edocx.envelope.model import Envelope
from edocx.envelope.read import Reading, open_envelope
from edocx.errors import EdocxError
from edocx.office.answering import is_ours
from edocx.office.attestation import archive_of, is_agency
from edocx.office.desk import Desk
from edocx.office.receiving import open_waiting
from edocx.office.replaying import Past, replay
from edocx.routing.inbox import Arrival
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.routing.transitions import RECIPIENT_CODES
from edocx.routing.transport import Entry
from edocx.sealing import verify_reading
from edocx.signing.report import Indication


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came back: messages sent and received that the store did not know, and the next outgoing number.

    ``unread`` are message ids whose content could not be read, or does not bear this office's own seal: the parcel is
    noted, so that it never goes again, and what it says is not believed.
    """

    sent: int = 0
    received: int = 0
    unread: tuple[str, ...] = ()
    next_number: int | None = None


def recover(desk: Desk, *, since: datetime) -> Recovered:
    """Take back whatever the axis knows of this office since a moment; nothing over an axis that does not remember.

    Raises `TransportUnavailable` when it is away. Nothing is sent by it.
    """
    archive = archive_of(desk)
    if archive is None:
        return Recovered()
    unit = str(desk.unit)
    read = [(past, _read(desk, past)) for past in _past(desk, archive.sent(unit, since))]
    sent = sum(_note_sent(desk, past, envelope) for past, envelope in read if not _answers(envelope))
    received = sum(_receive(desk, entry) for entry in archive.received(unit, since))
    open_waiting(desk)
    sent += sum(_note_sent(desk, past, envelope) for past, envelope in read if _answers(envelope))
    return Recovered(sent, received, tuple(past.parcel.message_id for past, envelope in read if envelope is None))


def _past(desk: Desk, entries: tuple[Entry, ...]) -> Iterator[Past]:
    for _, group in groupby(entries, key=lambda entry: entry.key):
        copies = tuple(group)
        first = copies[0]
        payload = desk.transport.fetch(first)
        parcel = Parcel.of(
            payload,
            sender=first.sender,
            recipients=tuple(entry.recipient for entry in copies),
            document_id=first.document_id or "?",
            created_at=first.arrived_at,
            kind=first.kind,
            business=first.business,
            urgency=first.urgency,
            message_id=first.message_id,
        )
        yield Past(parcel, payload, first)


def _receive(desk: Desk, entry: Entry) -> bool:
    payload = desk.store.keep(desk.transport.fetch(entry))
    with desk.store.begin("recover") as transaction:
        return transaction.inbox.receive(entry, payload)[1] is Arrival.NEW


def _note_sent(desk: Desk, past: Past, envelope: Envelope | None) -> bool:
    payload = desk.store.keep(past.payload)
    pdf = None if envelope is None else _document_in(desk, past)
    with desk.store.begin("recover") as transaction:
        new = transaction.outbox.recover(past.parcel, payload, past.entry.key, past.entry.arrived_at)
        if new and envelope is not None:
            replay(desk, transaction, past, envelope, pdf)
    return new


def _answers(envelope: Envelope | None) -> bool:
    """Tell whether a message of ours speaks of a document that must have come first."""
    code = envelope.status_code if envelope is not None else None
    return code in RECIPIENT_CODES and code != StatusCode.ARRIVED


def _read(desk: Desk, past: Past) -> Envelope | None:
    try:
        with _opened(desk, past) as reading:
            report = verify_reading(reading, desk.criteria, name=past.parcel.message_id)
            if report.indication is Indication.TOTAL_FAILED or not any(is_agency(desk, s) for s in report.signatures):
                return None  # the axis says that it is ours, and nobody else does
            # The contents are read where they are wanted; a recovery of years must not hold them all.
            bare = tuple(part.model_copy(update={"content": None}) for part in reading.envelope.attachments)
            return reading.envelope.model_copy(update={"attachments": bare})
    except EdocxError as error:
        if is_ours(error):
            raise
        return None  # told as unread: what it said cannot be said again


def _document_in(desk: Desk, past: Past) -> Blob | None:
    """Return the document itself, the first file of its envelope, kept on disk or in memory."""
    if past.parcel.kind is not ParcelKind.DOCUMENT:
        return None
    with _opened(desk, past) as reading:
        first = next((part.content for part in reading.envelope.attachments if part.content is not None), None)
        if first is None:
            return None
        if first.size <= INLINE_LIMIT:
            return Blob.from_bytes(first.read())
        desk.store.keep(first)
        return Blob.from_path(desk.store.payload_folder / first.sha256[:2] / first.sha256)


@contextmanager
def _opened(desk: Desk, past: Past) -> Iterator[Reading]:
    with desk.workspace() as folder:
        path = past.payload.save(folder / "sent.edxml").path
        assert path is not None
        with open_envelope(path, workdir=folder) as reading:
            yield reading
