"""Delivery events by the names of ETSI EN 319 522-1 (clause 6): each one that there is, and what states it here.

A status message is sealed by the unit that states it; what the office itself states stands in its journal, whose head
it signs (`edocx.office.attestation`). The reference page is printed from this table.
"""

from __future__ import annotations

from typing import NamedTuple

from edocx.errors import Text


class DeliveryEvent(NamedTuple):
    """One event of the norm.

    Attributes:
        clause: the letter and number there.
        name: its name there.
        what: the passage, status code or duty that states it here; empty when it is refused.
        stated_by: who states it, or why it is refused.
    """

    clause: str
    name: str
    what: tuple[str, ...]
    stated_by: Text


_SENDER = Text("cơ quan gửi, theo biên nhận của trục", "the sending office, by the axis' receipt")
_RECIPIENT = Text("cơ quan nhận, niêm phong", "the recipient, sealed")
_LATE = Text("cơ quan gửi, khi quá hạn mà không có tin", "the sending office, when time is up and nothing came")
_HUB = Text("trục, bằng lời khai chuyển tiếp", "the hub, by its relay statement")
_LEVELS = Text(
    "Không dùng: trục giữ lại và báo về như A.2 hoặc D.2, vì bên gửi chỉ biết một trục.",
    "Refused: told to the sender as A.2 or D.2, since the sender knows one axis only.",
)
_AFTER = Text(
    "Không dùng: văn bản đến trước, nơi nhận tiếp nhận hay từ chối sau (QĐ 28/2018 Điều 9).",
    "Refused: the document comes first and is accepted or refused afterwards (QĐ 28/2018 Điều 9).",
)
_INSIDE = Text(
    "Không dùng: việc nội bộ của nơi nhận, không báo ra ngoài.",
    "Refused: the recipient's own affair, told to nobody outside.",
)
_NO_OTHERS = Text(
    "Không dùng: edocx chỉ gửi và nhận qua trục liên thông.",
    "Refused: edocx sends and receives over axes only.",
)

EVENTS = (
    DeliveryEvent("A.1", "SubmissionAcceptance", ("sent",), _SENDER),
    DeliveryEvent("A.2", "SubmissionRejection", ("dead",), _SENDER),
    DeliveryEvent("B.1", "RelayAcceptance", ("relay",), _HUB),
    DeliveryEvent("B.2", "RelayRejection", (), _LEVELS),
    DeliveryEvent("B.3", "RelayFailure", (), _LEVELS),
    DeliveryEvent("C.1", "NotificationForAcceptance", (), _AFTER),
    DeliveryEvent("C.2", "NotificationForAcceptanceFailure", (), _AFTER),
    DeliveryEvent("C.3", "ConsignmentAcceptance", ("03",), _RECIPIENT),
    DeliveryEvent("C.4", "ConsignmentRejection", ("02",), _RECIPIENT),
    DeliveryEvent("C.5", "AcceptanceRejectionExpiry", ("accept",), _LATE),
    DeliveryEvent("D.1", "ContentConsignment", ("01",), _RECIPIENT),
    DeliveryEvent("D.2", "ContentConsignmentFailure", ("arrive", "expired"), _LATE),
    DeliveryEvent("D.3", "ConsignmentNotification", (), _INSIDE),
    DeliveryEvent("D.4", "ConsignmentNotificationFailure", (), _INSIDE),
    DeliveryEvent("E.1", "ContentHandover", ("04",), _RECIPIENT),
    DeliveryEvent("E.2", "ContentHandoverFailure", (), _INSIDE),
    DeliveryEvent("F.1", "RelayToNonERDS", (), _NO_OTHERS),
    DeliveryEvent("F.2", "RelayToNonERDSFailure", (), _NO_OTHERS),
    DeliveryEvent("F.3", "ReceivedFromNonERDS", (), _NO_OTHERS),
)
"""Every event of the norm, in its order."""

_BY_WHAT = {what: event.name for event in EVENTS for what in event.what}


def evidence_name(what: str) -> str | None:
    """Return the norm's name for what happened: a passage, a status code, or a duty that was missed; else None."""
    return _BY_WHAT.get(what)
