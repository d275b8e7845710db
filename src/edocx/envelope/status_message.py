"""The nine status messages: what a unit tells another about a document (trạng thái xử lý).

The direction: eight codes go from the receiver of a document to its sender; 13 (yêu cầu lấy lại) goes
from the sender to a receiver. ``ResponseFor/OrganId`` is always whom the message is for, and
``ResponseFor/DocumentId`` always the original document's id (spec §3).
"""

from __future__ import annotations

import datetime as dt

from edocx.documents.words import StatusCode
from edocx.envelope import names as n
from edocx.envelope.model import Envelope, Organization, ResponseFor, Staff
from edocx.errors import Text, UsageError


def status_message(
    code: StatusCode | str,
    document: Envelope,
    *,
    sender: Organization,
    at: dt.datetime,
    to: str | None = None,
    reason: str | None = None,
    staff: Staff | None = None,
) -> Envelope:
    """Build the status message about a document.

    Args:
        code: one of the nine; others are never written.
        document: the document message spoken of.
        sender: who says it: the receiver of the document, for 13 its sender.
        at: when, aware.
        to: the code of the unit it is for. By default the document's sender; for 13 it must be given,
            unless the document has one recipient only.
        reason: free text; needed for 02, 13 and 16 (QĐ 28/2018 Điều 5 and 8).
        staff: who handled it.

    Raises:
        UsageError: an undefined code, a missing reason or recipient, a document without an id, a naive time.
    """
    status = _defined(code)
    if at.tzinfo is None:
        raise _usage("EDX-TIME-NAIVE", "Thời điểm thiếu múi giờ.", "The moment has no time zone.", n.TIMESTAMP)
    if status.needs_reason and not (reason or "").strip():
        raise _usage("EDX-STATUS-REASON", f"Mã {status} cần lý do.", f"Status {status} needs a reason.", n.DESCRIPTION)
    if document.kind != "document" or not document.document_id:
        raise _usage(
            "EDX-STATUS-DOCUMENT", "Văn bản không có mã định danh.", "The document has no DocumentId.", n.DOCUMENT_ID
        )
    receiver = to or _receiver(status, document)
    if not receiver:
        raise _usage(
            "EDX-STATUS-RECEIVER",
            "Không rõ trạng thái gửi cho ai.",
            "It is not known whom the status is for.",
            n.RESPONSE_FOR,
        )
    about = ResponseFor(
        unit=receiver,
        code=(document.code.printed or None) if document.code else None,
        document_id=document.document_id,
        date=document.promulgation.date if document.promulgation else None,
    )
    return Envelope(
        kind="status",
        sender=sender,
        response_for=(about,),
        staff=staff,
        status_code=str(status),
        description=reason.strip() if reason else status.label.vi,
        timestamp=at.replace(microsecond=0),
    )


def _defined(code: StatusCode | str) -> StatusCode:
    try:
        return StatusCode(code)
    except ValueError as error:
        raise _usage(
            "EDX-STATUS-UNKNOWN",
            "Mã trạng thái này không được định nghĩa.",
            "This status code is not defined.",
            n.STATUS_CODE,
        ) from error


def _receiver(status: StatusCode, document: Envelope) -> str | None:
    if status is not StatusCode.RECALL_REQUESTED:
        return document.sender.unit if document.sender else None
    return document.to[0].unit if len(document.to) == 1 else None


def _usage(code: str, vi: str, en: str, where: str) -> UsageError:
    return UsageError(
        Text(vi, en),
        hint=Text("Bổ sung rồi tạo lại trạng thái.", "Supply it and build the status again."),
        code=code,
        where=where,
    )
