"""What ails an office: its store, its journal, its keys, its clock, and whether it was restored and not reconciled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from edocx.clock import in_vietnam
from edocx.errors import EdocxError, Text
from edocx.office.attestation import marker_of
from edocx.office.desk import Desk
from edocx.office.evidence import known_heads
from edocx.office.levels import owed
from edocx.routing.health import Finding, examine
from edocx.routing.inbox import IncomingState
from edocx.routing.journal import parse_line
from edocx.routing.parcel import ParcelKind
from edocx.signing.pdf.order import check_certificate

EXPIRES_SOON = timedelta(days=30)
"""How long before a certificate's end the clerk hears of it: a renewal takes weeks (NĐ 68/2024 Điều 9)."""

CLOCK_SLACK = timedelta(minutes=5)
"""How far the clock may stand behind the journal's last line before it must have been set back."""


def examine_office(desk: Desk, *, deep: bool = False) -> tuple[Finding, ...]:
    """Return what is wrong or worth knowing, the gravest first; nothing is changed.

    Besides what `edocx.routing.health.examine` finds: signed journal heads kept beside the store that the journal no
    longer holds, keys that are not fit or end soon, a clock behind the journal, quarantined messages, a signed
    directory that expired, a restore that was not reconciled. ``deep`` also reads every payload.
    """
    found = [
        *examine(desk.store, *known_heads(desk), deep=deep),
        *_keys(desk),
        *_clock(desk),
        *_quarantine(desk),
        *_levels(desk),
        *_directory(desk),
        *_restored(desk),
    ]
    return tuple(sorted(found, key=lambda finding: _GRAVITY.index(finding.severity)))


_GRAVITY = ("error", "warning", "info")


def _keys(desk: Desk) -> Iterator[Finding]:
    now = desk.clock.now()
    for name, config in desk.config.signers.items():
        try:
            signer = desk.signer(name)
            check_certificate(signer, config.role, now, desk.criteria)
        except EdocxError as error:
            yield Finding(error.code, "error", error.text, name)
            continue
        end: datetime = signer.certificate.not_valid_after
        if end - now < EXPIRES_SOON:
            day = f"{in_vietnam(end):%d/%m/%Y}"
            yield Finding(
                "EDX-DOCTOR-KEY-ENDS",
                "warning",
                Text(f"Chứng thư của khóa này hết hạn ngày {day}.", f"This key's certificate ends on {day}."),
                name,
            )
    if not any(config.role == "organisation" for config in desk.config.signers.values()):
        yield Finding(
            "EDX-SIGNER-AGENCY",
            "error",
            Text(
                "Văn phòng chưa khai báo khóa cơ quan nên không gửi được gì.",
                "The office has no organisational key, so it can send nothing.",
            ),
        )


def _clock(desk: Desk) -> Iterator[Finding]:
    with desk.store.read() as transaction:
        head = transaction.journal_head()
        lines = transaction.journal_lines(after=max(0, head.seq - 1))
    if not lines:
        return
    last = parse_line(lines[-1]).at
    if last - desk.clock.now() > CLOCK_SLACK:
        yield Finding(
            "EDX-DOCTOR-CLOCK",
            "error",
            Text(
                "Đồng hồ máy chậm hơn dòng nhật ký cuối: giờ đã bị chỉnh lùi, cần đồng bộ (QĐ 28/2018 Điều 14).",
                "The clock is behind the journal's last line: it was set back; synchronise it (QĐ 28/2018 Điều 14).",
            ),
            f"line {head.seq}",
        )


def _directory(desk: Desk) -> Iterator[Finding]:
    snapshot = desk.directory.snapshot
    if snapshot.expires is not None and snapshot.expired(desk.clock.now()):
        # Freeze: whoever withholds newer snapshots shows us an old state as the present one.
        day = f"{in_vietnam(snapshot.expires):%d/%m/%Y %H:%M}"
        yield Finding(
            "EDX-DOCTOR-DIRECTORY",
            "warning",
            Text(
                f"Danh bạ đã ký hết hạn từ {day}: có thể đã cũ. Lấy bản mới: edocx units snapshot take.",
                f"The signed directory expired at {day} and may be outdated: edocx units snapshot take.",
            ),
            f"version {snapshot.version}",
        )


def _quarantine(desk: Desk) -> Iterator[Finding]:
    with desk.store.read() as transaction:
        for kind in ParcelKind:
            for message in transaction.inbox.in_state(IncomingState.QUARANTINED, kind=kind):
                yield Finding(
                    "EDX-DOCTOR-QUARANTINE",
                    "warning",
                    Text(
                        f"Một thông điệp đang bị cách ly, lý do {message.reason}.",
                        f"A message is in quarantine, because of {message.reason}.",
                    ),
                    message.message_id,
                )


def _levels(desk: Desk) -> Iterator[Finding]:
    for task in owed(desk):
        level, reason = task.metadata["level"], task.metadata["reason"]
        yield Finding(
            "EDX-DOCTOR-LEVEL-OWED",
            "warning",
            Text(
                f"Một văn bản đã đóng dấu nhưng chưa đạt mức {level}, lý do {reason}; hệ thống tự nâng sau.",
                f"A document was sealed and has not reached {level} yet, because of {reason}; it is lifted later.",
            ),
            str(task.metadata["document"]),
        )


def _restored(desk: Desk) -> Iterator[Finding]:
    if marker_of(desk.config.place).exists():
        yield Finding(
            "EDX-OFFICE-RESTORED",
            "error",
            Text(
                "Kho vừa phục hồi từ bản sao lưu và chưa đối chiếu: chỉ đọc.",
                "The store was restored from a backup and not reconciled: it is read-only.",
            ),
        )
