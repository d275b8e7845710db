"""Whether two codes are one unit, for a verdict: by what is recorded first, and said when that is less than enough.

A directory that says that two codes are different units wins over the rule of conversion, which no norm confirms
(provinces may have renumbered); the rule speaks only where no pair is recorded.
"""

from __future__ import annotations

from datetime import date

from edocx.errors import Text, UnitError
from edocx.signing.report import Message
from edocx.units.directory import Directory
from edocx.units.unit_id import UnitId


class Codes:
    """Compares codes on a day and remembers what its answers rest on: `notes`, in the order first needed."""

    def __init__(self, directory: Directory | None, day: date) -> None:
        self._directory = directory
        self._day = day
        self._notes: dict[Message, None] = {}

    @property
    def notes(self) -> tuple[Message, ...]:
        """What must be said of the answers given: ``EDX-DIRECTORY-LOCAL`` and ``EDX-DIRECTORY-RULE``."""
        return tuple(self._notes)

    def same(self, first: str | None, second: str | None) -> bool:
        """Say whether two codes, of either system, are one unit: by the directory, without one by the rule."""
        if first is None or second is None:
            return False
        if first == second:
            return True
        try:
            one, other = UnitId.parse(first), UnitId.parse(second)
            if one == other:
                return True
            if self._directory is None:
                return one.to_qd20() == other.to_qd20()
            answer = self._directory.same_unit(one, other, self._day)
        except UnitError:
            return False
        where = f"{first}, {second}"
        if answer.local:
            self._note(_LOCAL, where)
        elif answer.basis == "syntactic":
            self._note(_RULE, where)
        return answer.same

    def rests_on_local(self, unit: str, day: date) -> None:
        """Note it where only this office's own record says that a unit stood under this code on a day."""
        try:
            local = self._directory is not None and self._directory.rests_on_local(unit, day)
        except UnitError:
            return
        if local:
            self._note(_LOCAL, unit)

    def _note(self, message: Message, where: str) -> None:
        self._notes[message.model_copy(update={"where": where})] = None


_LOCAL = Message.of(
    "EDX-DIRECTORY-LOCAL",
    "warning",
    Text(
        "Kết quả dựa trên bản ghi danh bạ do cơ quan tự nhập, chưa được cơ quan cấp mã xác nhận.",
        "This rests on a locally imported record of the directory; nobody responsible for the code has confirmed it.",
    ),
)
_RULE = Message.of(
    "EDX-DIRECTORY-RULE",
    "info",
    Text(
        "Hai mã được coi là một cơ quan chỉ theo quy tắc chuyển đổi; danh bạ không ghi cặp mã này.",
        "The two codes are taken for one unit by the conversion rule alone; the directory records no such pair.",
    ),
)
