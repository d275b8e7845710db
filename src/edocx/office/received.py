"""What an office keeps of a received document besides its bytes, so that a recalled one still has its line.

NĐ 30/2020 Phụ lục VI: when an incoming document is cancelled, its metadata and the recall's are kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from edocx.documents import DocumentNumber
from edocx.envelope.model import Code, Envelope, Organization, Promulgation
from edocx.errors import StateError, Text, UsageError
from edocx.office.answering import opened
from edocx.office.desk import Desk
from edocx.office.sending import derived_id
from edocx.routing.dossier import Filed
from edocx.routing.inbox import Incoming, IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.transaction import Transaction

RECEIVED = "received"
"""The dossier's state of a received document."""

NUMBER_NOTED = "number-noted"
"""The dossier's state of the key by which a second document of one number would be found."""


def file_received(transaction: Transaction, message: Incoming, envelope: Envelope, digest: str) -> None:
    """Keep a received document's metadata beside its message, with a warning when its number came before.

    ``digest`` is what `edocx.office.content_digest.content_digest` says of it.
    """
    key = number_key(envelope)
    earlier = transaction.documents.find(key) if key else None
    told = {**_described(message, envelope), "content": digest}
    metadata = {**told, "duplicate_of": earlier.metadata["incoming"] if earlier else None}
    transaction.documents.put(own_id(message), state=RECEIVED, metadata=metadata)
    if key and earlier is None:
        transaction.documents.put(key, state=NUMBER_NOTED, metadata={"incoming": message.id})


def first_copy(transaction: Transaction, message: Incoming, digest: str) -> Incoming | None:
    """Return the message in which the clerk has this very document already: sender, id, type and content are the same.

    None after a refusal or a recall, when the sender may try again (axis-http 1.9), and for what was filed before
    digests of content were kept: it is shown, and warned of.
    """
    for earlier in transaction.inbox.of_document(message.document_id or message.message_id):
        here = earlier.id != message.id and earlier.state in {IncomingState.PRESENTED, IncomingState.ACCEPTED}
        alike = (earlier.sender, earlier.kind, earlier.business) == (message.sender, message.kind, message.business)
        filed = transaction.documents.find(own_id(earlier)) if here and alike else None
        if filed is not None and filed.metadata.get("content") == digest:
            return earlier
    return None


def choose(transaction: Transaction, document: str) -> Incoming:
    """Return the received document meant by a DocumentId, by the id of its message, or by its own id here (``den/N``).

    Of one id, what waits or was accepted comes before what is in quarantine, and that before what was refused; of the
    same content sent again after a refusal, the last. Raises `StateError`: ``EDX-INBOX-UNKNOWN`` when there is none,
    ``EDX-DOCUMENT-AMBIGUOUS``, naming the messages, when several contents remain.
    """
    found = [one for one in _named(transaction, document) if one.kind is ParcelKind.DOCUMENT]
    for states in _TIERS:
        tier = [one for one in found if one.state in states]
        contents = {_content_of(transaction, one): one for one in tier}
        if len(contents) > 1:
            raise ambiguous(document, list(contents.values()))
        if tier:
            return tier[-1]
    raise StateError(
        Text("Không có văn bản đến nào như vậy.", "No such document was received."),
        hint=Text("Xem danh sách bằng `edocx office inbox`.", "List them with `edocx office inbox`."),
        code="EDX-INBOX-UNKNOWN",
        where=document,
    )


def same_content(transaction: Transaction, message: Incoming) -> tuple[Incoming, ...]:
    """Return every message that brought the same content under the same id, itself among them."""
    content = _content_of(transaction, message)
    alike = transaction.inbox.of_document(message.document_id or message.message_id)
    return tuple(one for one in alike if one.id == message.id or _content_of(transaction, one) == content)


def ambiguous(document: str, messages: Sequence[Incoming]) -> StateError:
    """Return the refusal to act on one of several documents that bear one id; it names each by its message."""
    several = len({one.message_id for one in messages}) < len(messages)
    names = ", ".join(own_id(one) if several else one.message_id for one in messages)
    return StateError(
        Text(
            f"Có {len(messages)} văn bản đến khác nhau mang cùng mã này.",
            f"{len(messages)} different documents that were received bear this id.",
        ),
        hint=Text(
            f"Thay mã văn bản bằng mã thông điệp của một trong số đó: {names}.",
            f"Name one by its message id in the place of the document's: {names}.",
        ),
        code="EDX-DOCUMENT-AMBIGUOUS",
        where=document,
    )


def _named(transaction: Transaction, document: str) -> Sequence[Incoming]:
    if document.startswith(_OWN) and document.removeprefix(_OWN).isdecimal():
        return (transaction.inbox.get(int(document.removeprefix(_OWN))),)
    return transaction.inbox.of_document(document) or transaction.inbox.of_message(document)


def _content_of(transaction: Transaction, message: Incoming) -> str:
    filed = transaction.documents.find(own_id(message))
    return str(filed.metadata.get("content") or message.sha256) if filed else message.sha256


_OWN = "den/"
_TIERS = (
    {IncomingState.PRESENTED, IncomingState.ACCEPTED},
    {IncomingState.QUARANTINED},
    {IncomingState.REJECTED},
    {IncomingState.NEW},
)


def own_id(message: Incoming) -> str:
    """Return the dossier's id of a received document."""
    return f"{_OWN}{message.id}"


def number_key(envelope: Envelope) -> str | None:
    """Return the key of issuer, number, notation and year; None where one of them is missing.

    NĐ 30/2020 Điều 15: number and notation are unique per agency and year; Phụ lục VI: a second one is warned of.
    """
    unit = envelope.sender.unit if envelope.sender else None
    code, info = envelope.code, envelope.promulgation
    if not unit or code is None or not code.number or not code.notation or info is None or info.date is None:
        return None
    return f"so/{derived_id(unit, _plain(code.printed), str(info.date.year))}"


def subject_of(desk: Desk, message: Incoming) -> Envelope:
    """Return enough of a received document to answer it, also when its content was erased."""
    with desk.store.read() as transaction:
        filed = transaction.documents.find(own_id(message))
    if filed is None:
        with opened(desk, message.id) as reading:
            return reading.envelope
    return described(filed)


def described(filed: Filed) -> Envelope:
    """Return what the dossier kept of a received document as an envelope without attachments."""
    meta = filed.metadata
    return Envelope(
        sender=Organization(unit=meta["issuer"], name=meta["issuer_name"]),
        document_id=meta["document_id"],
        code=Code(number=meta["number"], notation=meta["notation"]),
        promulgation=Promulgation(date=dt.date.fromisoformat(meta["issued_on"]) if meta["issued_on"] else None),
        subject=meta["subject"],
        due_date=dt.date.fromisoformat(meta["due_date"]) if meta["due_date"] else None,
    )


def _described(message: Incoming, envelope: Envelope) -> dict[str, Any]:
    code, info, sender = envelope.code, envelope.promulgation, envelope.sender
    issued_on = info.date if info else None
    return {
        "incoming": message.id,
        "message_id": message.message_id,
        "document_id": envelope.document_id or message.message_id,
        "issuer": sender.unit if sender else None,
        "issuer_name": sender.name if sender else None,
        "number": code.number if code else None,
        "notation": code.notation if code else None,
        "issued_on": issued_on.isoformat() if issued_on else None,
        "kind": envelope.document_type.name if envelope.document_type else None,
        "subject": envelope.subject,
        "signatory": envelope.signatory.full_name if envelope.signatory else None,
        "due_date": envelope.due_date.isoformat() if envelope.due_date else None,
        "urgency": envelope.other.urgency if envelope.other else None,
        "attachments": [
            {"name": one.name, "sha256": one.content.sha256 if one.content else None} for one in envelope.attachments
        ],
        "sha256": message.sha256,
        "replaces": [one.document_id for one in envelope.replaces if one.document_id],
    }


def _plain(printed: str) -> str:
    """Spell a number one way: peers write 5/UBND and 05/UBND for the same document."""
    try:
        number = DocumentNumber.parse(printed)
    except UsageError:
        return printed.casefold()
    return f"{number.number.lstrip('0')}/{number.notation}".casefold()
