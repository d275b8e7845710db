"""What an office keeps of a received document besides its bytes, so that a recalled one still has its line.

NĐ 30/2020 Phụ lục VI: when an incoming document is cancelled, its metadata and the recall's are kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from edocx.documents import DocumentNumber
from edocx.envelope.model import Code, Envelope, Organization, Promulgation
from edocx.errors import UsageError
from edocx.office.answering import opened
from edocx.office.desk import Desk
from edocx.office.sending import derived_id
from edocx.routing.dossier import Filed
from edocx.routing.inbox import Incoming
from edocx.routing.transaction import Transaction

RECEIVED = "received"
"""The dossier's state of a received document."""

NUMBER_NOTED = "number-noted"
"""The dossier's state of the key by which a second document of one number would be found."""


def file_received(transaction: Transaction, message: Incoming, envelope: Envelope) -> None:
    """Keep a received document's metadata beside its message, with a warning when its number came before."""
    key = number_key(envelope)
    earlier = transaction.documents.find(key) if key else None
    metadata = {**_described(message, envelope), "duplicate_of": earlier.metadata["incoming"] if earlier else None}
    transaction.documents.put(own_id(message), state=RECEIVED, metadata=metadata)
    if key and earlier is None:
        transaction.documents.put(key, state=NUMBER_NOTED, metadata={"incoming": message.id})


def own_id(message: Incoming) -> str:
    """Return the dossier's id of a received document."""
    return f"den/{message.id}"


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
