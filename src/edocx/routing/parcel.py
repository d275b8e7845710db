"""The parcel: opaque bytes with addresses, and the id that makes sending it twice harmless."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from edocx.content import Blob
from edocx.errors import InputError, Refused, Text, UsageError

MAX_RECIPIENTS = 10_000
"""Most recipients of one parcel: the national directory's order of size, against a header that never ends."""

MAX_ID_LENGTH = 200
"""Longest id or unit code, in characters (DocumentId in peers' columns: 200)."""

TOP_URGENCY = 4
"""Hỏa tốc hẹn giờ (edXML Priority 0-4)."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ParcelKind(StrEnum):
    """What a parcel carries: a document's envelope, or a status message."""

    DOCUMENT = "document"
    STATUS = "status"


class Business(StrEnum):
    """The business action of the message (edXML BussinessDocType 0-3)."""

    NEW = "new"
    WITHDRAW = "withdraw"
    UPDATE = "update"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Bytes to be moved, described without being opened.

    Attributes:
        message_id: fixed when the parcel is made; the idempotency key towards every axis.
        kind: document or status.
        sender: unit code of the sending office.
        recipients: unit codes, each once, in the sender's order.
        document_id: the document this is, or for a status the document it speaks of.
        business: new, withdraw, update or replace.
        urgency: 0 (ordinary) to 4 (hỏa tốc hẹn giờ).
        sha256: lower-case hex digest of the payload.
        size: payload length in bytes.
        created_at: aware moment of making.

    Raises `UsageError` when a field cannot be right.
    """

    message_id: str
    kind: ParcelKind
    sender: str
    recipients: tuple[str, ...]
    document_id: str
    business: Business
    urgency: int
    sha256: str
    size: int
    created_at: datetime

    @classmethod
    def of(
        cls,
        payload: Blob,
        *,
        sender: str,
        recipients: tuple[str, ...],
        document_id: str,
        created_at: datetime,
        kind: ParcelKind = ParcelKind.DOCUMENT,
        business: Business = Business.NEW,
        urgency: int = 0,
        message_id: str | None = None,
    ) -> Self:
        """Describe ``payload`` as a parcel, with a new message id unless one is given."""
        return cls(
            message_id=message_id or new_message_id(created_at),
            kind=kind,
            sender=sender,
            recipients=recipients,
            document_id=document_id,
            business=business,
            urgency=urgency,
            sha256=payload.sha256,
            size=payload.size,
            created_at=created_at,
        )

    def __post_init__(self) -> None:
        """Refuse what no store or axis could keep."""
        for name, value in (("sender", self.sender), ("document_id", self.document_id)):
            _require(is_plain_id(value), name)
        _require(is_message_id(self.message_id), "message_id")
        _require(0 < len(self.recipients) <= MAX_RECIPIENTS, "recipients")
        _require(len(set(self.recipients)) == len(self.recipients), "recipients")
        _require(all(is_plain_id(unit) for unit in self.recipients), "recipients")
        _require(0 <= self.urgency <= TOP_URGENCY, "urgency")
        _require(_DIGEST.fullmatch(self.sha256) is not None, "sha256")
        _require(self.size >= 0, "size")
        _require(self.created_at.tzinfo is not None, "created_at")


def new_message_id(moment: datetime) -> str:
    """Return an id nobody can guess, beginning with the moment so that ids sort roughly by age."""
    return f"{int(moment.timestamp() * 1000):012x}{secrets.token_hex(10)}"


def is_message_id(text: str) -> bool:
    """Tell whether ``text`` can be a message id: ASCII letters, digits, ``.``, ``_``, ``-``.

    Ids become file names at some peers (axis-http 1.6), so nothing else is let in.
    """
    return len(text) <= MAX_ID_LENGTH and _MESSAGE_ID.fullmatch(text) is not None


def is_plain_id(text: str) -> bool:
    """Tell whether ``text`` can stand as an id or unit code: 1-200 printable characters in NFC."""
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and unicodedata.is_normalized("NFC", text)


def require_id(text: str, where: str) -> str:
    """Return an id or unit code that came from outside; raise `InputError` when it cannot be one.

    Against ids that are pages long or carry line breaks: they reach journals, logs and file names.
    """
    if is_plain_id(text):
        return text
    raise InputError(
        Text(
            "Mã định danh nhận được không hợp lệ (dài hơn 200 ký tự hoặc có ký tự điều khiển).",
            "An id that came from outside cannot be one (over 200 characters, or control characters).",
        ),
        hint=Text("Báo bên gửi sửa mã định danh.", "Tell the sender to correct the id."),
        code="EDX-ID",
        where=where,
    )


def conflict(message_id: str) -> Refused:
    """Return the refusal of a message id that stands for something else already."""
    return Refused(
        Text(
            "Mã thông điệp này đã được dùng cho nội dung khác.",
            "This message id stands for something else already.",
        ),
        hint=Text(
            "Tạo gói tin mới với mã thông điệp mới; không sửa gói tin đã gửi.",
            "Make a new parcel with a new message id; a parcel once queued is never changed.",
        ),
        code="EDX-PARCEL-CONFLICT",
        where=message_id,
    )


def _require(fact: bool, name: str) -> None:
    if not fact:
        raise UsageError(
            Text(f"Gói tin có trường {name} không hợp lệ.", f"The parcel's {name} cannot be right."),
            hint=Text(
                "Kiểm tra mã định danh, nơi nhận, độ khẩn (0-4) và thời điểm (phải có múi giờ).",
                "Check ids, recipients, urgency (0-4) and the moment (it needs a zone).",
            ),
            code="EDX-PARCEL-FIELD",
            where=name,
        )
