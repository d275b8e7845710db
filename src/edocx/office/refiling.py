"""Filing again, from its own envelope, a document that was issued after the backup from which a store came back."""

from __future__ import annotations

from typing import Any

from edocx.content import Blob
from edocx.documents import Capacity, DocumentId, DocumentNumber, Draft, Signatory
from edocx.envelope.model import Envelope
from edocx.office.approving import APPROVED
from edocx.office.desk import Desk
from edocx.office.issuing import ISSUED, OUTGOING, RESERVED
from edocx.office.sending import derived_id
from edocx.routing.dossier import Filed
from edocx.routing.transaction import Transaction

RECOVERED = "recovered.pdf"
"""What stands for the draft's file, which is gone; the issued file is in the store."""


def refile(desk: Desk, transaction: Transaction, envelope: Envelope, pdf: Blob) -> None:
    """Enter a document in dossier and register as issued, unless it is there.

    A draft that the backup still holds as approved becomes the issued document: issuing only appends to the signed
    file (ISO 32000-1 7.5.6), so that the one begins with the other. Otherwise it is filed from what the envelope says.
    """
    document_id, info, code = envelope.document_id, envelope.promulgation, envelope.code
    if document_id is None or info is None or info.date is None or code is None or not code.number:
        return
    if transaction.documents.find(document_id) is not None:
        return
    number = DocumentNumber.parse(code.printed)
    if str(DocumentId.of(desk.unit, info.date, number)) != document_id:
        return  # not one of this office's own numbers
    about = {"number": str(number), "issued_on": info.date.isoformat()}
    draft = _draft_of(transaction, pdf)
    if draft is not None:
        own_id, metadata = draft.id, {**draft.metadata, **about}
    else:
        own_id = f"khoi-phuc.{derived_id(document_id)}"
        metadata = {"draft": _described(desk, envelope), "by": None, **about}
        transaction.documents.put(own_id, state=RESERVED, metadata=metadata, payload=pdf)
    if number.number.isdecimal():
        unit, year = str(desk.unit), info.date.year
        transaction.register.recover(unit, OUTGOING, year, int(number.number), own_id)
    transaction.documents.move(
        own_id,
        expected=(APPROVED, RESERVED),
        state=ISSUED,
        metadata=metadata,
        payload=pdf,
        document_id=document_id,
    )


def _draft_of(transaction: Transaction, pdf: Blob) -> Filed | None:
    for filed in transaction.documents.in_state(APPROVED, RESERVED):
        if _begins_with(pdf, transaction.documents.payload(filed)):
            return filed
    return None


def _begins_with(whole: Blob, start: Blob) -> bool:
    left = start.size
    if left >= whole.size:
        return False
    with whole.open() as first, start.open() as second:
        while left > 0:
            size = min(left, _STEP)
            if first.read(size) != second.read(size):
                return False
            left -= size
    return True


_STEP = 64 * 1024


def _described(desk: Desk, envelope: Envelope) -> dict[str, Any]:
    info, other, signer = envelope.promulgation, envelope.other, envelope.signatory
    assert info is not None
    competence = (signer.capacity if signer else None) or ""
    capacity, _, body = competence.partition(" ")
    if capacity not in set(Capacity):
        capacity, body = "", competence
    draft = Draft(
        unit=desk.unit,
        kind=(envelope.document_type.name if envelope.document_type else None) or "Công văn",
        notation=(envelope.code.notation if envelope.code else None) or "",
        subject=envelope.subject or "?",
        place=info.place or "",
        signatory=Signatory(
            full_name=(signer.full_name if signer else None) or "",
            position=(signer.position if signer else None) or "",
            capacity=Capacity(capacity),
            on_behalf_of=body,
        ),
        pdf=RECOVERED,
        urgency=(other.urgency if other else None) or 0,
        content=envelope.content or "",
        to_places=envelope.to_places,
        due_date=envelope.due_date,
    )
    return draft.model_dump(mode="json")
