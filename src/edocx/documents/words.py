"""The closed lists of the field: urgency, business action, status, capacity, each with its labels."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from edocx.errors import Text


class Urgency(IntEnum):
    """Độ khẩn (edXML Priority; NĐ 30/2020 knows the first four)."""

    NORMAL = 0
    URGENT = 1
    VERY_URGENT = 2
    IMMEDIATE = 3
    IMMEDIATE_TIMED = 4

    @property
    def label(self) -> Text:
        """The words people use."""
        return _URGENCY[self]


class BusinessAction(IntEnum):
    """Nghiệp vụ of a message (edXML BussinessDocType)."""

    NEW = 0
    WITHDRAW = 1
    UPDATE = 2
    REPLACE = 3

    @property
    def label(self) -> Text:
        """The words people use."""
        return _ACTION[self]


class StatusCode(StrEnum):
    """Trạng thái xử lý: two digits, kept as text. Codes outside this list are read and shown, never written."""

    ARRIVED = "01"
    REJECTED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    PROCESSING = "05"
    COMPLETED = "06"
    RECALL_REQUESTED = "13"
    CHANGE_AGREED = "15"
    CHANGE_REFUSED = "16"

    @property
    def label(self) -> Text:
        """The words people use."""
        return _STATUS[self]

    @property
    def needs_reason(self) -> bool:
        """Whether a receiver expects a reason beside this code (QĐ 28/2018 Điều 5 and 8)."""
        return self in {StatusCode.REJECTED, StatusCode.RECALL_REQUESTED, StatusCode.CHANGE_REFUSED}


class Capacity(StrEnum):
    """Thẩm quyền ký (NĐ 30/2020 Điều 13); the empty one is the head of a body signing for himself."""

    OWN = ""
    ON_BEHALF_OF_COLLECTIVE = "TM."
    ACTING = "Q."
    FOR_HEAD = "KT."
    BY_ORDER = "TL."
    BY_AUTHORISATION = "TUQ."


def status_label(code: str) -> Text:
    """Return the words for a status code, also for one that nobody defined."""
    try:
        return StatusCode(code).label
    except ValueError:
        return Text(f"mã không xác định ({code})", f"undefined code ({code})")


_URGENCY = {
    Urgency.NORMAL: Text("Thường", "Normal"),
    Urgency.URGENT: Text("Khẩn", "Urgent"),
    Urgency.VERY_URGENT: Text("Thượng khẩn", "Very urgent"),
    Urgency.IMMEDIATE: Text("Hỏa tốc", "Immediate"),
    Urgency.IMMEDIATE_TIMED: Text("Hỏa tốc hẹn giờ", "Immediate, timed"),
}
_ACTION = {
    BusinessAction.NEW: Text("Văn bản mới", "New document"),
    BusinessAction.WITHDRAW: Text("Thu hồi", "Withdrawal"),
    BusinessAction.UPDATE: Text("Cập nhật", "Update"),
    BusinessAction.REPLACE: Text("Thay thế", "Replacement"),
}
_STATUS = {
    StatusCode.ARRIVED: Text("Đã đến", "Arrived"),
    StatusCode.REJECTED: Text("Từ chối tiếp nhận", "Rejected"),
    StatusCode.ACCEPTED: Text("Đã tiếp nhận", "Accepted"),
    StatusCode.ASSIGNED: Text("Phân công xử lý", "Assigned"),
    StatusCode.PROCESSING: Text("Đang xử lý", "Processing"),
    StatusCode.COMPLETED: Text("Hoàn thành", "Completed"),
    StatusCode.RECALL_REQUESTED: Text("Yêu cầu lấy lại", "Recall requested"),
    StatusCode.CHANGE_AGREED: Text("Đồng ý lấy lại/cập nhật", "Recall or update agreed"),
    StatusCode.CHANGE_REFUSED: Text("Từ chối lấy lại/cập nhật", "Recall or update refused"),
}
