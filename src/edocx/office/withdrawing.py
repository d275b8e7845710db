"""Taking back what was sent: recall, update, replace (QĐ 28/2018 Điều 8, NĐ 30/2020 Điều 18).

An issued document is never changed and never deleted here: it is frozen with what was said of it. Every receiver is
told, each in a message of its own, in the transaction that records the request; asking twice is asking once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edocx.content import Blob
from edocx.documents import Document, StatusCode, Urgency
from edocx.envelope.model import Envelope, Other, Replaced, ResponseFor, Staff, Update
from edocx.errors import StateError, Text, UsageError
from edocx.office.desk import Desk
from edocx.office.issuing import ISSUED, document_of
from edocx.office.sending import Dispatch, derived_id, document_envelope, known_dispatch, sealed
from edocx.office.voices import address_of
from edocx.routing.deliveries import Tracked
from edocx.routing.dossier import Filed
from edocx.routing.parcel import Business, Parcel, ParcelKind
from edocx.routing.state import Statement
from edocx.routing.transitions import ISSUER_CODES, RECALLS, Change, Handling, Passage
from edocx.units import UnitId


@dataclass(frozen=True, slots=True)
class Asked:
    """A request sent to receivers of a document; ``code`` is 13, withdraw or update."""

    document_id: str
    code: str
    recipients: tuple[str, ...]


def recall(
    desk: Desk,
    document: str,
    reason: str,
    *,
    by: str,
    to: Iterable[UnitId | str] | None = None,
    as_document: bool = False,
) -> Asked:
    """Ask receivers to give a document back; durable on return.

    Without ``to`` every receiver is asked and the document itself is frozen: it can be sent no more. Those who refused
    or gave it back already are left out. The request is status 13, or with ``as_document`` a message of business action
    1 (for systems that know only that). Raises `UsageError` without a reason, `StateError` for a document that is
    unknown (``EDX-DOCUMENT-UNKNOWN``), or that nobody holds (``EDX-RECALL-NOBODY``).
    """
    _require_reason(reason)
    code = Business.WITHDRAW.value if as_document else StatusCode.RECALL_REQUESTED.value
    filed, held = _sent(desk, document, to)
    open_ones = [
        t for t in held if not (t.delivery.shown.change is Change.AGREED and t.delivery.shown.asked in RECALLS)
    ]
    asked = [t for t in open_ones if not _is_asked(t, code)]
    if not open_ones:
        raise _nobody(document)

    def compose(tracked: Tracked) -> Envelope:
        if as_document:
            return _withdrawal(desk, filed, tracked, reason)
        return _recall_status(desk, filed, tracked, reason, by)

    note = {"recalled": {"at": desk.clock.now().isoformat(), "by": by, "reason": reason}} if to is None else {}
    event = ("recalled", note) if note and "recalled" not in filed.metadata else None
    _ask(desk, filed, asked, _Request(code, reason, by, event), compose)
    return Asked(str(filed.document_id), code, tuple(t.delivery.recipient for t in open_ones))


def update(
    desk: Desk,
    document: str,
    reason: str,
    *,
    by: str,
    due_date: dt.date | None = None,
    urgency: Urgency | None = None,
    content: str | None = None,
) -> Asked:
    """Tell every receiver what changed about a document: due date, urgency, summary; durable on return.

    Number, date, subject and the signed file stay: whoever must change those replaces the document (NĐ 30/2020 Điều
    18.3). Raises what `recall` raises, and `UsageError` when nothing changes.
    """
    _require_reason(reason)
    changes: dict[str, Any] = {"due_date": due_date, "urgency": urgency, "content": content}
    changes = {name: value for name, value in changes.items() if value is not None}
    if not changes:
        raise UsageError(
            Text("Chưa nêu nội dung cần cập nhật.", "Nothing is to be updated."),
            hint=Text("Nêu hạn xử lý, độ khẩn hoặc tóm tắt mới.", "Give a new due date, urgency or summary."),
            code="EDX-UPDATE-NOTHING",
        )
    filed, held = _sent(desk, document, None)
    require_live(filed)
    code = Business.UPDATE.value
    plain = {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in changes.items()}
    done = {"at": desk.clock.now().isoformat(), "by": by, "reason": reason, **plain}
    event = ("updated", {"updates": [*filed.metadata.get("updates", ()), done]})

    def compose(tracked: Tracked) -> Envelope:
        whole = document_envelope(desk, document_of(desk, filed), (desk.organization(_unit(desk, tracked)),))
        fields: dict[str, Any] = {"due_date": due_date, "content": content}
        kept = {name: value for name, value in fields.items() if value is not None}
        if urgency is not None:
            kept["other"] = Other(urgency=int(urgency))
        about = {"business": "update", "business_reason": reason, "business_target": str(filed.document_id)}
        return whole.model_copy(update={**kept, **about, "update": Update(document_info=1)})

    _ask(desk, filed, held, _Request(code, reason, by, event), compose)
    return Asked(str(filed.document_id), code, tuple(t.delivery.recipient for t in held))


def replace(
    desk: Desk,
    document: str,
    new: Document,
    reason: str,
    *,
    by: str,
    to: Iterable[UnitId | str] | None = None,
) -> Dispatch:
    """Send a new document that takes the place of an earlier one; durable on return.

    It goes to ``to``, or to whoever holds the earlier one. Both point at each other from then on, here and at the
    receivers. Raises what `recall` raises, and `UsageError` when a document is to replace itself.
    """
    _require_reason(reason)
    filed, held = _sent(desk, document, to)
    old_id, new_id = str(filed.document_id), str(new.id)
    if old_id == new_id:
        raise UsageError(
            Text("Văn bản không thể thay thế chính nó.", "A document cannot replace itself."),
            hint=Text("Ban hành văn bản mới trước.", "Issue the new document first."),
            code="EDX-REPLACE-ITSELF",
        )
    recipients = tuple(dict.fromkeys(address_of(desk, t.delivery.recipient) for t in held))
    message_id = derived_id("replace", old_id, new_id, *sorted(recipients))
    known = known_dispatch(desk, message_id)
    if known is not None:
        return known
    receivers = tuple(desk.organization(UnitId.parse(unit)) for unit in recipients)
    envelope = document_envelope(desk, new, receivers).model_copy(
        update={
            "business": "replace",
            "business_reason": reason,
            "replaces": (Replaced(document_id=old_id, units=recipients),),
        }
    )
    with desk.workspace() as folder:
        payload = desk.store.keep(sealed(desk, envelope, folder / "envelope.edxml"))
        parcel = _parcel(
            desk,
            payload,
            recipients,
            document_id=new_id,
            business=Business.REPLACE,
            urgency=int(new.draft.urgency),
            message_id=message_id,
        )
        with desk.store.begin("replace") as transaction:
            if not transaction.submit(parcel, payload):
                return Dispatch(message_id, new_id, recipients, payload)
            for tracked in held:
                # The statement names the new document, so that the old one's history leads to it.
                transaction.state_status(
                    old_id, tracked.delivery.recipient, "replace", unit=str(desk.unit), description=new_id
                )
            about = {"at": desk.clock.now().isoformat(), "by": by, "reason": reason}
            transaction.documents.annotate(old_id, "replaced", {"replaced_by": {"document": new_id, **about}}, by=by)
            transaction.documents.annotate(new_id, "replaces", {"replaces": {"document": old_id, **about}}, by=by)
    return known_dispatch(desk, message_id) or Dispatch(message_id, new_id, recipients, payload)


def require_sendable(desk: Desk, document: Document) -> None:
    """Raise `StateError` (``EDX-DOCUMENT-FROZEN``) for a document that was recalled or replaced."""
    with desk.store.read() as transaction:
        filed = transaction.documents.find(str(document.id))
    if filed is not None:
        require_live(filed)


@dataclass(frozen=True, slots=True)
class _Request:
    code: str
    reason: str
    by: str
    event: tuple[str, dict[str, Any]] | None


def _ask(desk: Desk, filed: Filed, asked: list[Tracked], request: _Request, compose: Any) -> None:
    document_id = str(filed.document_id)
    made: list[tuple[Tracked, Parcel, Blob]] = []
    with desk.workspace() as folder:
        for place, tracked in enumerate(asked):
            payload = sealed(desk, compose(tracked), folder / f"request-{place}.edxml")
            desk.store.keep(payload)
            is_status = request.code == StatusCode.RECALL_REQUESTED
            parcel = _parcel(
                desk,
                payload,
                (address_of(desk, tracked.delivery.recipient),),
                document_id=document_id,
                kind=ParcelKind.STATUS if is_status else ParcelKind.DOCUMENT,
                business=Business.NEW if is_status else Business(request.code),
                message_id=_request_id(tracked, request.code),
            )
            made.append((tracked, parcel, payload))
        with desk.store.begin("request") as transaction:
            for tracked, parcel, payload in made:
                transaction.state_status(
                    document_id,
                    tracked.delivery.recipient,
                    request.code,
                    unit=str(desk.unit),
                    description=request.reason,
                )
                transaction.submit(parcel, payload)
            if request.event is not None:
                event, metadata = request.event
                transaction.documents.annotate(filed.id, event, metadata, by=request.by)


def _parcel(desk: Desk, payload: Blob, recipients: tuple[str, ...], **described: Any) -> Parcel:
    sender, now = str(desk.unit), desk.clock.now()
    return Parcel.of(payload, sender=sender, recipients=recipients, created_at=now, **described)


def _sent(desk: Desk, document: str, to: Iterable[UnitId | str] | None) -> tuple[Filed, list[Tracked]]:
    """Return an issued document with its newest delivery to everyone who holds it."""
    with desk.store.read() as transaction:
        filed = transaction.documents.get(document)
        if filed.state != ISSUED or filed.document_id is None:
            raise StateError(
                Text("Văn bản này chưa được ban hành.", "This document has not been issued."),
                hint=Text("Hủy dự thảo hoặc hủy số thay vì thu hồi.", "Drop the draft or void its number instead."),
                code="EDX-RECALL-NOT-ISSUED",
                where=document,
            )
        deliveries = transaction.deliveries.of_document(filed.document_id)
    newest = {t.delivery.recipient: t for t in deliveries if t.direction == "out"}
    wanted = None if to is None else {str(UnitId.parse(code) if isinstance(code, str) else code) for code in to}
    refused = {Handling.REJECTED, Handling.RETURNED}
    held = [
        t
        for t in newest.values()
        if t.delivery.shown.handling not in refused
        and t.delivery.shown.passage is not Passage.DEAD
        and (wanted is None or t.delivery.recipient in wanted)
    ]
    if not held:
        raise _nobody(document)
    return filed, held


def _is_asked(tracked: Tracked, code: str) -> bool:
    shown = tracked.delivery.shown
    return shown.change is Change.ASKED and shown.asked == code


def _request_id(tracked: Tracked, code: str) -> str:
    before = sum(isinstance(event, Statement) and event.code in ISSUER_CODES for event in tracked.delivery.events)
    return derived_id("request", tracked.message_id, tracked.delivery.recipient, code, str(before))


def _recall_status(desk: Desk, filed: Filed, tracked: Tracked, reason: str, by: str) -> Envelope:
    # Code 13 turns the direction: From is the issuer, ResponseFor the unit asked (spec/edxml.md §3).
    about = ResponseFor(
        unit=address_of(desk, tracked.delivery.recipient),
        code=str(filed.metadata["number"]),
        document_id=filed.document_id,
        date=dt.date.fromisoformat(filed.metadata["issued_on"]),
    )
    return Envelope(
        kind="status",
        sender=desk.own_organization(),
        response_for=(about,),
        staff=Staff(name=by),
        status_code=StatusCode.RECALL_REQUESTED.value,
        description=reason,
        timestamp=desk.clock.now().replace(microsecond=0),
    )


def _withdrawal(desk: Desk, filed: Filed, tracked: Tracked, reason: str) -> Envelope:
    whole = document_envelope(desk, document_of(desk, filed), (desk.organization(_unit(desk, tracked)),))
    about = {"business": "withdraw", "business_reason": reason, "business_target": str(filed.document_id)}
    # Its file would put back what is to be destroyed.
    return whole.model_copy(update={**about, "attachments": ()})


def _unit(desk: Desk, tracked: Tracked) -> UnitId:
    return UnitId.parse(address_of(desk, tracked.delivery.recipient))


def is_withdrawn(filed: Filed) -> bool:
    """Tell whether a document was recalled or replaced."""
    return not {"recalled", "replaced_by"}.isdisjoint(filed.metadata)


def require_live(filed: Filed) -> None:
    """Raise `StateError` (``EDX-DOCUMENT-FROZEN``) for a document that was recalled or replaced."""
    if is_withdrawn(filed):
        raise StateError(
            Text(
                "Văn bản đã bị thu hồi hoặc thay thế, không gửi hay cập nhật được nữa.",
                "The document was recalled or replaced; it can be sent and updated no more.",
            ),
            hint=Text("Ban hành văn bản mới.", "Issue a new document."),
            code="EDX-DOCUMENT-FROZEN",
            where=filed.document_id,
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError(
            Text("Thu hồi, cập nhật, thay thế phải nêu lý do.", "Recall, update and replacement need a reason."),
            hint=Text("QĐ 28/2018 Điều 8; NĐ 30/2020 Điều 18.", "QĐ 28/2018 Điều 8; NĐ 30/2020 Điều 18."),
            code="EDX-RECALL-REASON",
        )


def _nobody(document: str) -> StateError:
    return StateError(
        Text("Không nơi nhận nào đang giữ văn bản này.", "No receiver holds this document."),
        hint=Text("Xem `edocx office status`.", "Look at `edocx office status`."),
        code="EDX-RECALL-NOBODY",
        where=document,
    )
