"""What a recipient's system takes, by the directory: asked before anything is queued, not learned from a refusal."""

from __future__ import annotations

from collections.abc import Iterable

from edocx.errors import Refused, Text
from edocx.office.desk import Desk
from edocx.units import UnitId

DOCUMENT_TYPE = "edoc"
"""The axis' name for an envelope with a document (spec/axis-http.md §1.5)."""


def require_takes(desk: Desk, units: Iterable[UnitId], size: int) -> None:
    """Refuse an envelope of ``size`` bytes that the directory says one of its recipients cannot take today."""
    for unit in units:
        able = desk.directory.resolve(unit, desk.today()).capabilities
        if able.accepts and DOCUMENT_TYPE not in {kind.casefold() for kind in able.accepts}:
            raise _refused(
                unit,
                Text("Cơ quan này không nhận văn bản điện tử qua trục.", "This unit takes no documents over the axis."),
                Text("Gửi bằng cách khác.", "Send it another way."),
                "EDX-RECIPIENT-TYPE",
            )
        if able.max_bytes is not None and size > able.max_bytes:
            raise _refused(
                unit,
                Text(
                    f"Gói tin {size:,} byte, lớn hơn mức {able.max_bytes:,} byte mà cơ quan này nhận.",
                    f"The envelope has {size:,} bytes; this unit takes {able.max_bytes:,} at most.",
                ),
                Text("Bớt hoặc nén tệp kèm theo.", "Send fewer or smaller attachments."),
                "EDX-RECIPIENT-SIZE",
            )


def _refused(unit: UnitId, text: Text, hint: Text, code: str) -> Refused:
    return Refused(text, hint=hint, code=code, where=str(unit))
