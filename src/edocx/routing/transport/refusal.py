"""What every axis of ours refuses, in the same words."""

from __future__ import annotations

from edocx.errors import Refused, StateError, Text, Unavailable, UnitError
from edocx.routing.parcel import Parcel
from edocx.routing.transport import Entry


def require_known(parcel: Parcel, known: frozenset[str], closed: frozenset[str] = frozenset()) -> None:
    """Raise `UnitError` naming every sender or recipient that is unknown or closed: all or nothing."""
    for unit in (parcel.sender, *parcel.recipients):
        if unit in closed:
            raise UnitError(
                Text(f"Đơn vị {unit} đã đóng trên trục.", f"Unit {unit} is closed on this axis."),
                hint=Text("Gửi cho đơn vị kế thừa.", "Send to its successor."),
                code="EDX-UNIT-CLOSED",
                where=unit,
            )
    unknown = [unit for unit in (parcel.sender, *parcel.recipients) if unit not in known]
    if unknown:
        names = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")  # noqa: PLR2004 - a readable sentence
        raise UnitError(
            Text(f"Trục không biết đơn vị: {names}.", f"The axis does not know: {names}."),
            hint=Text(
                "Kiểm tra mã định danh; cả gói tin chưa được gửi cho ai.",
                "Check the unit codes; the parcel was given to nobody.",
            ),
            code="EDX-UNIT-UNKNOWN",
            where=unknown[0],
        )


def unknown_entry(entry: Entry) -> StateError:
    """Return the refusal of an entry that the axis does not hold for this recipient."""
    return StateError(
        Text("Trục không giữ thông điệp này cho đơn vị.", "The axis holds no such message for this unit."),
        hint=Text("Lấy lại danh sách chờ nhận.", "List what is pending again."),
        code="EDX-AXIS-ENTRY",
        where=entry.key,
    )


def require_own(unit: str, system: str) -> None:
    """Raise `UnitError` when a line is used for a unit that it was not opened for."""
    if unit != system:
        raise UnitError(
            Text(f"Kết nối này chỉ dùng cho {system}.", f"This line is {system}'s alone."),
            hint=Text("Mỗi đơn vị có mã và bí mật riêng.", "Each unit has a code and a secret of its own."),
            code="EDX-AXIS-UNIT",
            where=unit,
        )


def open_outcome(message_id: str) -> Unavailable:
    """Return the error while it is not known what became of an earlier call."""
    return Unavailable(
        Text(
            "Chưa rõ trục đã nhận văn bản hay chưa; sẽ hỏi lại sau ít phút.",
            "It is not known yet whether the axis took the parcel; it is asked again in some minutes.",
        ),
        hint=Text("Không gửi lại bằng tay.", "Do not send it again by hand."),
        code="EDX-AXIS-OUTCOME-OPEN",
        where=message_id,
        retryable=True,
    )


def unknown_outcome(message_id: str) -> Refused:
    """Return the error when it will not become known what became of an earlier call: a clerk decides."""
    return Refused(
        Text(
            "Không xác định được trục đã nhận văn bản nào trong các lần gửi.",
            "It cannot be told which of the axis' documents, if any, is this parcel.",
        ),
        hint=Text(
            "Văn thư đối chiếu danh sách đã gửi trên trục rồi quyết định gửi lại hay không.",
            "A clerk compares the axis' list of sent documents and decides whether to send it again.",
        ),
        code="EDX-AXIS-OUTCOME-UNKNOWN",
        where=message_id,
    )
