"""Wrap, seal and queue: documents to their recipients, statuses back to their senders.

Everything that leaves is composed and sealed first, then queued in one transaction with whatever it speaks of. The
message id is derived from what is sent, so that a repeat after a crash is the same message and never a second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from edocx.clock import in_vietnam
from edocx.content import Blob
from edocx.documents import Document, StatusCode
from edocx.envelope.model import (
    Attachment,
    Code,
    DocumentType,
    Envelope,
    Organization,
    Other,
    Promulgation,
    ResponseFor,
    Staff,
    Trace,
)
from edocx.envelope.model import Signatory as SignerInfo
from edocx.envelope.write import compose
from edocx.errors import StateError, Text, UsageError
from edocx.office.capabilities import require_takes
from edocx.office.desk import Desk, printed
from edocx.office.voices import address_of
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.transaction import Transaction
from edocx.sealing import seal
from edocx.units import UnitId

MESSAGE_ID_LENGTH = 40
"""Hex characters of a derived message id: 160 bits, so that two messages never meet."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A document on its way: queued and durable, not delivered yet."""

    message_id: str
    document_id: str
    recipients: tuple[str, ...]
    envelope: Blob


def send(
    desk: Desk,
    document: Document,
    *,
    to: Iterable[UnitId | str],
    attempt: int = 1,
    connection: Connection | None = None,
) -> Dispatch:
    """Queue a document for its recipients; durable on return.

    With a ``connection`` to this office's database the document is queued in the caller's own open transaction
    (`Store.within`): it is on its way when the caller commits, and was never sent when he rolls back.

    The same document to the same recipients is the same dispatch, however often it is sent, and who was sent it before
    is left out of a wider one: nobody sees a document as new twice. A higher ``attempt`` sends it anew on purpose
    (after a rejection); while an earlier one stands, the recipient absorbs it as a repeat, and answers both.
    Raises `UnitError` naming the recipient that is unknown or closed today, `Refused` for one that by the directory
    cannot take it (``EDX-RECIPIENT-SIZE``, ``EDX-RECIPIENT-TYPE``); nothing is sent to anybody then.
    """
    units = _named(to, attempt)
    known = known_dispatch(desk, _message_id(document, units, attempt))
    earlier: dict[str, str] = {}
    if known is None and attempt == 1:
        with desk.store.read() as transaction:
            earlier = _sent_before(transaction, document)
        if all(str(unit) in earlier for unit in units):
            known = known_dispatch(desk, earlier[str(units[-1])])
            assert known is not None  # rows of the outbox outlive what they sent
    while known is None:
        rest = [unit for unit in units if str(unit) not in earlier]
        known = _queue(desk, document, rest, attempt=attempt, earlier=earlier, connection=connection)
    return known


def _named(to: Iterable[UnitId | str], attempt: int) -> list[UnitId]:
    """Return the recipients, each once; raise `UsageError` for none, and for an attempt that cannot be."""
    units = [code if isinstance(code, UnitId) else UnitId.parse(code) for code in to]
    if not units:
        raise UsageError(
            Text("Chưa có nơi nhận.", "There is no recipient."),
            hint=Text("Nêu ít nhất một mã định danh.", "Name at least one unit code."),
            code="EDX-SEND-NOBODY",
        )
    if attempt < 1:
        raise UsageError(
            Text(f"Lần gửi {attempt} không hợp lệ.", f"There is no attempt {attempt}."),
            hint=Text("Lần gửi đầu là 1; gửi lại có chủ ý là 2 trở lên.", "The first is 1; sending anew is 2 or more."),
            code="EDX-SEND-ATTEMPT",
        )
    return list(dict.fromkeys(units))


def _message_id(document: Document, units: Iterable[UnitId], attempt: int) -> str:
    return derived_id("document", str(document.id), *sorted(str(unit) for unit in units), str(attempt))


def _queue(
    desk: Desk,
    document: Document,
    units: list[UnitId],
    *,
    attempt: int,
    earlier: dict[str, str],
    connection: Connection | None,
) -> Dispatch | None:
    """Seal and queue; when somebody sent it since we looked, queue nothing and put whom to into ``earlier``."""
    receivers = tuple(desk.organization(unit) for unit in units)
    recipients = tuple(str(unit) for unit in units)
    message_id = _message_id(document, units, attempt)
    with desk.workspace() as folder:
        envelope = sealed(desk, document_envelope(desk, document, receivers), folder / "envelope.edxml")
        require_takes(desk, units, envelope.size)
        payload = desk.store.keep(envelope)
        own = desk.store.begin("send") if connection is None else desk.store.within(connection)
        with own as transaction:
            known = _known(transaction, message_id)
            if known is not None:
                return known
            if attempt == 1:
                earlier.update(_sent_before(transaction, document))
                if not earlier.keys().isdisjoint(recipients):
                    return _known(transaction, earlier[recipients[-1]]) if set(recipients) <= earlier.keys() else None
            parcel = Parcel.of(
                payload,
                sender=str(desk.unit),
                recipients=recipients,
                document_id=str(document.id),
                created_at=transaction.now,
                urgency=int(document.draft.urgency),
                message_id=message_id,
            )
            transaction.submit(parcel, payload)
            return Dispatch(message_id, str(document.id), recipients, transaction.payload(payload.sha256))


def sealed(desk: Desk, envelope: Envelope, path: Path) -> Blob:
    """Compose, seal with the agency's key, and write to a file."""
    skeleton = compose(envelope)
    seal(skeleton, desk.agency(), at=desk.clock.now())
    return skeleton.save(path)


def status_envelope(
    desk: Desk, subject: Envelope, code: StatusCode, *, description: str | None, staff: Staff | None
) -> Envelope:
    """Compose the status message that answers a received document (spec/edxml.md §3)."""
    sender = subject.sender.unit if subject.sender else None
    return Envelope(
        kind="status",
        sender=desk.own_organization(),
        response_for=(
            ResponseFor(
                unit=sender,
                code=subject.code.printed if subject.code else None,
                document_id=subject.document_id,
                date=subject.promulgation.date if subject.promulgation else None,
            ),
        ),
        staff=staff,
        status_code=code.value,
        description=description or code.label.vi,
        timestamp=desk.clock.now().replace(microsecond=0),
    )


def status_parcel(desk: Desk, subject: Envelope, code: StatusCode, payload: Blob, message: str) -> Parcel:
    """Address a sealed status message to the sender of the document it answers."""
    assert subject.sender is not None
    assert subject.sender.unit is not None
    return Parcel.of(
        payload,
        sender=str(desk.unit),
        recipients=(address_of(desk, subject.sender.unit),),
        document_id=subject.document_id or "?",
        created_at=desk.clock.now(),
        kind=ParcelKind.STATUS,
        message_id=derived_id("status", str(desk.unit), message, code.value),
    )


def derived_id(*words: str) -> str:
    """Return a message id that is the same whenever it is made of the same words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:MESSAGE_ID_LENGTH]


def _sent_before(transaction: Transaction, document: Document) -> dict[str, str]:
    """Return the message in which each recipient was sent a document."""
    deliveries = transaction.deliveries.of_document(str(document.id))
    return {t.delivery.recipient: t.message_id for t in deliveries if t.direction == "out"}


def known_dispatch(desk: Desk, message_id: str) -> Dispatch | None:
    """Return a dispatch that was queued before under this id, or None."""
    with desk.store.read() as transaction:
        return _known(transaction, message_id)


def _known(transaction: Transaction, message_id: str) -> Dispatch | None:
    queued = transaction.outbox.find(message_id)
    if queued is None:
        return None
    deliveries = transaction.deliveries.of_message(message_id)
    recipients = tuple(tracked.delivery.recipient for tracked in deliveries)
    document_id = deliveries[0].delivery.document_id
    return Dispatch(message_id, document_id, recipients, _still_held(transaction, queued.sha256))


def _still_held(transaction: Transaction, sha256: str) -> Blob:
    """Return what was sent; once it was kept long enough, only its digest is left, and reading it says so."""
    try:
        return transaction.payload(sha256)
    except StateError as error:
        gone = error

        def refuse() -> BinaryIO:
            raise gone

        return Blob.from_opener(refuse, sha256=sha256, size=transaction.payload_size(sha256))


def document_envelope(desk: Desk, document: Document, receivers: tuple[Organization, ...]) -> Envelope:
    """Describe an issued document for its receivers as a new document (BussinessDocType 0)."""
    draft, now = document.draft, desk.clock.now().replace(microsecond=0)
    files = [Attachment(name=f"{_file_name(document)}.pdf", content=Blob.from_path(document.pdf))]
    files += [Attachment(name=path.name, content=Blob.from_path(path)) for path in draft.attachments]
    return Envelope(
        sender=desk.own_organization(),
        to=receivers,
        document_id=str(document.id),
        code=Code(number=document.number.number, notation=document.number.notation),
        promulgation=Promulgation(place=draft.place, date=document.issued_on),
        document_type=DocumentType(type=2, name=draft.kind.name),
        subject=draft.subject,
        content=draft.content or None,
        signatory=SignerInfo(**printed(draft.signatory)),
        due_date=draft.due_date,
        other=Other(urgency=int(draft.urgency)),
        to_places=draft.to_places,
        business="new",
        trace=(Trace(unit=str(desk.unit), timestamp=in_vietnam(now)),),
        attachments=tuple(files),
    )


def _file_name(document: Document) -> str:
    return str(document.number).replace("/", "-")
