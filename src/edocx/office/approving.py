"""Approve: the signatory's own signature, at once or when he gets to it (NĐ 30/2020 Điều 14-15).

A key that does not answer at once (a phone, a remote service, a key kept elsewhere) leaves the draft waiting: the
prepared file and what has to be signed are in the store before anybody hears of it, and any process completes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edocx.content import Blob
from edocx.documents import Draft
from edocx.errors import EdocxError, Refused, SignaturePending, StateError, Text
from edocx.office.desk import Desk
from edocx.office.entitlement import require_entitled
from edocx.routing.dossier import Filed
from edocx.routing.parcel import new_message_id
from edocx.routing.transaction import Transaction
from edocx.signing.certificate import fingerprint
from edocx.signing.keys import Signer
from edocx.signing.pdf.appearance import Appearance, signing_time_text
from edocx.signing.pdf.form import make_form, person_field
from edocx.signing.pdf.phases import complete, prepare
from edocx.signing.pdf.prepared import Prepared

AWAITING, APPROVED = "awaiting-signature", "approved"
"""The states of a draft in the office's dossier before a number is reserved for it."""

SOURCE = "source_sha256"
"""Where a draft's record keeps the digest of the PDF that was to be approved."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A draft that its signatory has signed; number and date are still open."""

    id: str
    draft: Draft
    by: str
    pdf: Blob


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A draft whose signatory has yet to sign.

    Attributes:
        id: the draft's own id, to complete it by.
        draft: what is to be signed.
        by: the name of the signatory's key.
        digest: what the key signs, made with ``hash_name``.
        scheme: "pkcs1v15", "pss" or "ecdsa" (a DER signature).
        hash_name: "sha256", "sha384" or "sha512".
        pdf: the prepared file: what the signatory reads before he signs.
    """

    id: str
    draft: Draft
    by: str
    digest: bytes
    scheme: str
    hash_name: str
    pdf: Blob


def approve(desk: Desk, draft: Draft, *, by: str, draft_id: str | None = None) -> Approved:
    """Let the signatory's key ``by`` sign the draft; durable on return.

    ``draft_id`` makes a repeat harmless: an approved draft of that id is returned as it is, and a waiting one asks its
    key again. Raises `Refused` (``EDX-DRAFT-CONFLICT``) when the id stands for another draft, PDF or signatory's key
    already, `PdfError` for an unusable PDF, `SigningRefused` for a key that is not fit, or a person who may
    not sign such a document, and `SignaturePending` (``where`` is the draft's id) when the draft now waits.
    """
    own_id = draft_id or new_message_id(desk.clock.now())
    asked = {"draft": draft.model_dump(mode="json"), "by": by, SOURCE: Blob.from_path(draft.pdf).sha256}
    with desk.store.read() as transaction:
        known = transaction.documents.find(own_id)
    if known is not None:
        _require_same(known, asked)
        return complete_approval(desk, own_id)
    signer, now = _fit_signer(desk, by, draft), desk.clock.now()
    with desk.workspace() as folder:
        form = make_form(draft.pdf, folder / "form.pdf", draft.layout)
        prepared = prepare(
            form,
            folder / "approving.pdf",
            certificate=signer.certificate,
            algorithm=signer.algorithm,
            chain=signer.chain,
            at=now,
            field=person_field(1),
            certify=True,
            appearance=_look(desk, by, draft, now),
            durable=False,
        )
        try:
            signature = signer.sign_digest(prepared.to_sign)
        except SignaturePending as pending:
            _file(desk, own_id, asked, prepared.working_file, AWAITING, _waiting(prepared, pending))
            raise _pending(own_id, pending) from pending
        signed = complete(prepared, signature, folder / "approved.pdf", same_process=True)
        return approved_of(desk, _file(desk, own_id, asked, signed, APPROVED, {}).id)


def _look(desk: Desk, by: str, draft: Draft, at: datetime) -> Appearance:
    """Show the handwritten signature alone, as Phụ lục I of NĐ 30/2020 asks; who has no image is named in words."""
    image = desk.signer_config(by).image
    if image is not None:
        return Appearance(image=image)
    return Appearance(lines=(f"Ký bởi: {draft.signatory.full_name}", signing_time_text(at)))


def complete_approval(desk: Desk, draft_id: str, signature: bytes | None = None) -> Approved:
    """Finish a waiting draft with the signature of its digest, or by asking its key again; durable and repeatable.

    An approved draft is returned as it is. Raises `SignaturePending` when there still is no signature,
    `SigningRefused` for one of something else or by another key, or when the key or person is not fit any more,
    and `StateError` for a draft that nobody prepared. The draft goes on waiting then.
    """
    with desk.store.read() as transaction:
        filed = transaction.documents.get(draft_id)
        payload = transaction.documents.payload(filed)
    if filed.state != AWAITING:
        return approved_of(desk, filed.id)
    meta = filed.metadata
    draft, by = Draft.model_validate(meta["draft"]), str(meta["by"])
    signer = _fit_signer(desk, by, draft)
    with desk.workspace() as folder:
        working = folder / "approving.pdf"
        payload.save(working)
        prepared = Prepared.from_json(meta["prepared"] | {"working_file": str(working)})
        if signature is None:
            signature = _ask_again(signer, prepared, meta.get("response"), filed.id)
        signed = complete(prepared, signature, folder / "approved.pdf", same_process=True)
        kept = desk.store.keep(Blob.from_path(signed))
        with desk.store.begin("approve") as transaction:
            if transaction.documents.get(draft_id).state == AWAITING:  # else somebody was faster: his signature stands
                plain = {name: meta[name] for name in ("draft", "by", SOURCE) if name in meta}
                transaction.documents.move(
                    draft_id, expected=AWAITING, state=APPROVED, metadata=plain, payload=kept, by=by
                )
    return approved_of(desk, draft_id)


def awaiting(desk: Desk) -> tuple[Awaiting, ...]:
    """Return the drafts that wait for their signatory, oldest first."""
    with desk.store.read() as transaction:
        found = [(filed, transaction.documents.payload(filed)) for filed in transaction.documents.in_state(AWAITING)]
    return tuple(_awaiting(filed, payload) for filed, payload in found)


def approved_of(desk: Desk, draft_id: str) -> Approved:
    """Return an approved draft by its id; raise `StateError` when there is none, or one still unsigned."""
    with desk.store.read() as transaction:
        return _approved(transaction, transaction.documents.get(draft_id))


def not_ours(document: str) -> StateError:
    """Return the error for a document that this office has not approved or issued."""
    return StateError(
        Text(
            "Văn bản này chưa được văn phòng phê duyệt hoặc ban hành.",
            "This office has not approved or issued such a document.",
        ),
        hint=Text("Kiểm tra mã văn bản.", "Check the document's id."),
        code="EDX-DOCUMENT-STATE",
        where=document,
    )


def _fit_signer(desk: Desk, by: str, draft: Draft) -> Signer:
    """Open the key and check it before any PIN is asked: also days later, when the signature comes."""
    signer = desk.fit_signer(by, "person")
    require_entitled(desk.registry, fingerprint(signer.certificate), draft, desk.clock.now())
    return signer


def _require_same(known: Filed, asked: dict[str, Any]) -> None:
    """Raise `Refused` unless what is asked for is what the id stands for; where the files lie does not matter."""
    meta = known.metadata
    if "draft" in meta and _essence({SOURCE: asked[SOURCE], **meta}) == _essence(asked):
        return  # a draft of an older version has no digest of its source
    raise Refused(
        Text(
            f"Mã dự thảo {known.id} đã dùng cho dự thảo khác (tệp PDF, nội dung hoặc khóa ký khác).",
            f"The id {known.id} stands for another draft already (another PDF, content or signatory's key).",
        ),
        hint=Text(
            "Dùng mã khác cho dự thảo mới; dự thảo đã ký giữ nguyên.",
            "Give the new draft another id; the draft that was signed stays as it is.",
        ),
        code="EDX-DRAFT-CONFLICT",
        where=known.id,
    )


def _essence(meta: dict[str, Any]) -> tuple[Any, ...]:
    draft = Draft.model_validate(meta["draft"])
    attached = tuple(path.name for path in draft.attachments)
    return draft.model_dump(mode="json", exclude={"pdf", "attachments"}), attached, meta.get("by"), meta[SOURCE]


def _file(  # noqa: PLR0917 - one caller for each state
    desk: Desk, own_id: str, asked: dict[str, Any], file: Path, state: str, more: dict[str, Any]
) -> Filed:
    payload = desk.store.keep(Blob.from_path(file))
    metadata = {**asked, **more}
    with desk.store.begin("approve") as transaction:
        known = transaction.documents.find(own_id)
        if known is not None:  # another process approved the same draft meanwhile; its signature stands
            _require_same(known, asked)
            return known
        return transaction.documents.put(own_id, state=state, metadata=metadata, payload=payload)


def _waiting(prepared: Prepared, pending: SignaturePending) -> dict[str, Any]:
    # The working file's place is this process' business; `response` is the remote service's name for the request.
    return {"prepared": prepared.to_json() | {"working_file": "approving.pdf"}, "response": pending.where}


def _ask_again(signer: Signer, prepared: Prepared, response: str | None, draft_id: str) -> bytes:
    collect: Callable[[str, bytes], bytes] | None = getattr(signer, "collect", None)
    try:
        if response is not None and collect is not None:
            return collect(response, prepared.to_sign)
        return signer.sign_digest(prepared.to_sign)
    except SignaturePending as pending:
        raise _pending(draft_id, pending) from pending


def _pending(draft_id: str, pending: EdocxError) -> SignaturePending:
    return SignaturePending(
        pending.text,
        hint=Text(
            "Dự thảo đang chờ; hoàn tất bằng edocx office complete khi có chữ ký.",
            "The draft waits; finish it with edocx office complete when the signature is there.",
        ),
        where=draft_id,
        retryable=True,
    )


def _approved(transaction: Transaction, filed: Filed) -> Approved:
    meta = filed.metadata
    if "draft" not in meta or filed.state == AWAITING:
        raise not_ours(filed.id)
    draft = Draft.model_validate(meta["draft"])
    return Approved(filed.id, draft, str(meta["by"]), transaction.documents.payload(filed))


def _awaiting(filed: Filed, payload: Blob) -> Awaiting:
    prepared = Prepared.from_json(filed.metadata["prepared"])
    return Awaiting(
        filed.id,
        Draft.model_validate(filed.metadata["draft"]),
        str(filed.metadata["by"]),
        prepared.to_sign,
        prepared.scheme,
        prepared.hash_name,
        payload,
    )
