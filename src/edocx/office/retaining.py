"""How long an office keeps the contents of what it sent and received: told first, deleted only when asked, journalled.

Metadata, digests, statuses and registers stay for ever, and so do the office's own issued documents: they are for the
archive. What is deleted is named in the journal, whose chain goes on unbroken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from edocx.errors import Text, UsageError
from edocx.office.attestation import require_reconciled
from edocx.office.desk import Desk
from edocx.routing.retention import Expired, expired, let_go

LEAST = timedelta(days=30)
"""Youngest content that may go: recalls, statuses and second attempts still come for weeks."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What was kept long enough at a moment; ``deleted`` tells whether it went or is only named."""

    before: datetime
    contents: tuple[Expired, ...]
    deleted: bool

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum(one.size for one in self.contents)


def retain(
    desk: Desk, keep: timedelta, *, unfinished: bool = False, delete: bool = False, by: str | None = None
) -> Retention:
    """Name the contents older than ``keep`` that nobody needs here any more; delete them when told ``delete``.

    What counts as needed: `edocx.routing.retention.expired`; ``unfinished`` lets go what was accepted and never
    reported as completed too. Raises `UsageError` for less than `LEAST` (``EDX-RETENTION-SHORT``) and for a deletion
    without an actor (``EDX-RETENTION-BY``), `StateError` while the office waits to be reconciled.
    """
    if keep < LEAST:
        raise UsageError(
            Text(f"Phải lưu ít nhất {LEAST.days} ngày.", f"Contents are kept for {LEAST.days} days at least."),
            hint=Text(
                "Chọn số ngày lớn hơn; thu hồi và trạng thái còn có thể đến.", "Choose more: recalls still come."
            ),
            code="EDX-RETENTION-SHORT",
        )
    before = desk.clock.now() - keep
    if not delete:
        with desk.store.read() as transaction:
            return Retention(before, expired(transaction, before, unfinished=unfinished), deleted=False)
    if not by:
        raise UsageError(
            Text("Hủy nội dung phải nêu người thực hiện.", "Deleting contents needs an actor."),
            hint=Text("Thêm --by TÀI-KHOẢN.", "Add --by ACCOUNT."),
            code="EDX-RETENTION-BY",
        )
    require_reconciled(desk)
    with desk.store.begin("retention") as transaction:
        contents = expired(transaction, before, unfinished=unfinished)
        let_go(transaction, contents, by=by)
    for one in contents:  # killed before this, the next `edocx.routing.health.sweep` removes them
        (desk.store.payload_folder / one.sha256[:2] / one.sha256).unlink(missing_ok=True)
    return Retention(before, contents, deleted=True)
