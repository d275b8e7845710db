"""Issue: number and date, then the agency's seal, after the person's signature (NĐ 30/2020 Điều 14-15).

A step may be killed anywhere and called again with the same draft id: what is done stays done, what is not is
done again. The number is reserved in one transaction with its journal line before the seal is asked for; if the seal
fails, the document keeps its reservation, and no number ever serves two documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from edocx.content import Blob, disk_translated
from edocx.documents import Document, DocumentId, DocumentNumber, Draft
from edocx.errors import SigningRefused, StateError, Text
from edocx.office.approving import APPROVED, Approved, not_ours
from edocx.office.desk import Desk
from edocx.office.entitlement import require_entitled
from edocx.office.levels import owe, seal_document
from edocx.office.numbers_beside import issued_folder, note_number, skip_used
from edocx.routing.dossier import Filed
from edocx.routing.parcel import is_message_id
from edocx.signing.pdf.field_text import FieldValue, number_and_date
from edocx.signing.pdf.sign import LevelTask, Signed
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Integrity

RESERVED, ISSUED = "reserved", "issued"
"""The states of a document in the office's dossier, once it was approved."""

OUTGOING = "di"
"""The book of outgoing documents (sổ văn bản đi)."""


def issue(desk: Desk, approved: Approved, *, seal: str) -> Document:
    """Give an approved draft number and date, and the agency's seal; durable on return, and repeatable.

    Raises `SigningRefused` (``EDX-SEAL-NO-PERSON``) when the personal signature is not intact, and what the key raises;
    the reservation stays then, and the same number is used at the next try.
    """
    filed, number, issued_on = _reserve(desk, approved)
    if filed.state == ISSUED:
        return document_of(desk, filed)
    if filed.state != RESERVED:
        raise _not_to_issue(filed.id)
    with desk.workspace() as folder:
        signed = _seal(
            desk,
            approved,
            seal,
            number_and_date(approved.draft.layout, number=number, place=approved.draft.place, issued_on=issued_on),
            folder,
        )
        payload = desk.store.keep(Blob.from_path(signed.path))
        document_id = DocumentId.of(desk.unit, issued_on, number)
        filed = _record_issue(desk, approved.id, payload, document_id, issued_on, signed.task)
    return document_of(desk, filed)


def find_document(desk: Desk, document: str) -> Document:
    """Return an issued document by its DocumentId or own id; raise `StateError` when there is none."""
    with desk.store.read() as transaction:
        filed = transaction.documents.get(document)
    if filed.state != ISSUED:
        raise not_ours(document)
    return document_of(desk, filed)


def all_documents(desk: Desk) -> tuple[Document, ...]:
    """Return the documents that this office issued, oldest first."""
    with desk.store.read() as transaction:
        filed = transaction.documents.in_state(ISSUED)
    return tuple(document_of(desk, one) for one in filed)


def _not_to_issue(own_id: str) -> StateError:
    return StateError(
        Text("Số giữ cho dự thảo này đã bị hủy.", "The number reserved for this draft was voided."),
        hint=Text("Phê duyệt dự thảo mới để cấp số khác.", "Approve a new draft, which gets another number."),
        code="EDX-DOCUMENT-VOIDED",
        where=own_id,
    )


def document_of(desk: Desk, filed: Filed) -> Document:
    """Return the issued document that the dossier holds."""
    meta = filed.metadata
    draft = Draft.model_validate(meta["draft"])
    number, issued_on = DocumentNumber.parse(meta["number"]), date.fromisoformat(meta["issued_on"])
    with desk.store.read() as transaction:
        payload = transaction.documents.payload(filed)
    return Document(
        id=DocumentId.of(desk.unit, issued_on, number),
        number=number,
        issued_on=issued_on,
        draft=draft,
        pdf=exported(desk, payload, filed.id),
        sha256=payload.sha256,
    )


def exported(desk: Desk, payload: Blob, name: str) -> Path:
    """Put a payload where other programs can read it: ``issued/NAME.pdf`` beside the store.

    A draft's id is whatever its host calls it; one that is no plain name (``../x``) gives its digest instead.
    """
    with disk_translated():
        place = issued_folder(desk) / f"{_file_name(name)}.pdf"
        if not place.exists() or Blob.from_path(place) != payload:
            payload.save(place)
    return place


def _file_name(own_id: str) -> str:
    return own_id if is_message_id(own_id) else hashlib.sha256(own_id.encode()).hexdigest()


def _reserve(desk: Desk, approved: Approved) -> tuple[Filed, DocumentNumber, date]:
    today, unit = desk.today(), str(desk.unit)
    with desk.store.begin("reserve") as transaction:
        filed = transaction.documents.get(approved.id)
        if filed.state == APPROVED:
            book = (OUTGOING, today.year)
            skip_used(desk, transaction, book, _file_name(approved.id))
            entry = transaction.register.reserve(unit, *book, approved.id)
            note_number(desk, book, entry.number, _file_name(approved.id))
            number = DocumentNumber.of(entry.number, approved.draft.notation)
            metadata: dict[str, Any] = filed.metadata | {"number": str(number), "issued_on": today.isoformat()}
            filed = transaction.documents.move(approved.id, expected=APPROVED, state=RESERVED, metadata=metadata)
    meta = filed.metadata
    return filed, DocumentNumber.parse(meta["number"]), date.fromisoformat(meta["issued_on"])


def _seal(desk: Desk, approved: Approved, seal: str, values: Mapping[str, FieldValue], folder: Path) -> Signed:
    signer, config = desk.fit_signer(seal, "organisation"), desk.signer_config(seal)
    source = approved.pdf.save(folder / "approved.pdf").path
    assert source is not None
    _require_person(desk, approved, source)
    return seal_document(desk, source, folder / "sealed.pdf", signer, fill=values, image=config.image)


def _require_person(desk: Desk, approved: Approved, source: Path) -> None:
    report = verify_pdf(source, desk.criteria)
    intact = [s for s in report.signatures if s.integrity is Integrity.VALID and s.kind in {"person", "unknown"}]
    if not intact or (desk.registry is not None and intact[0].kind != "person"):
        raise SigningRefused(
            Text(
                "Văn bản chưa có chữ ký còn nguyên vẹn của người có thẩm quyền.",
                "The document carries no intact signature of an entitled person.",
            ),
            hint=Text(
                "Phê duyệt lại từ dự thảo (NĐ 30/2020 Điều 32).", "Approve the draft again (NĐ 30/2020 Điều 32)."
            ),
            code="EDX-SEAL-NO-PERSON",
        )
    signed = intact[0]
    if signed.certificate is not None:
        # Entitled when signing: a mandate that ends before the seal does not undo the signature.
        at = signed.signing_time or desk.clock.now()
        require_entitled(desk.registry, signed.certificate.sha256, approved.draft, at)


def _record_issue(  # noqa: PLR0917 - one caller
    desk: Desk, own_id: str, payload: Blob, document_id: DocumentId, issued_on: date, task: LevelTask | None
) -> Filed:
    with desk.store.begin("issue") as transaction:
        filed = transaction.documents.get(own_id)
        if filed.state == ISSUED:
            return filed  # another process was faster; its seal stands
        entry = transaction.register.held_by(str(desk.unit), OUTGOING, issued_on.year, own_id)
        if entry is None:
            raise _not_to_issue(own_id)  # its number was voided while it was being sealed
        transaction.register.issue(entry)
        if task is not None:
            owe(transaction, own_id, task)
        return transaction.documents.move(
            own_id, expected=RESERVED, state=ISSUED, payload=payload, document_id=str(document_id)
        )
