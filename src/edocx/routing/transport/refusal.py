"""What every axis of ours refuses, in the same words."""

from __future__ import annotations

from edocx.errors import StateError, Text, UnitError
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
