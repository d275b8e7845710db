"""What ails an office: its store, its journal, its keys, its clock, and whether it was restored and not reconciled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from edocx.clock import in_vietnam
from edocx.errors import EdocxError, Text
from edocx.office.attestation import AXIS, FELL_BACK, axis_heads, is_head_foreign, marker_of
from edocx.office.configuration import OfficeConfig
from edocx.office.desk import Desk
from edocx.office.entitlement import require_own
from edocx.office.evidence import head_files, head_of, read_head
from edocx.office.levels import owed
from edocx.office.numbers_beside import numbers_beside
from edocx.routing.health import Check, Finding, examine, outcomes
from edocx.routing.inbox import IncomingState
from edocx.routing.journal import Head
from edocx.routing.parcel import ParcelKind
from edocx.routing.transport.local import LocalAxis
from edocx.signing.certificate import fingerprint
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer
from edocx.signing.pdf.order import check_certificate

EXPIRES_SOON = timedelta(days=30)
"""How long before a certificate's end the clerk hears of it: a renewal takes weeks (NĐ 68/2024 Điều 9)."""

CLOCK_SLACK = timedelta(minutes=5)
"""How far the clock may stand behind the journal's last line before it must have been set back."""

MOST_TURNS = 20
"""How many of the latest places are named at which the journal's times run backwards."""


def examine_office(desk: Desk, *, deep: bool = False) -> tuple[Finding, ...]:
    """Return what is wrong or worth knowing, the gravest first; nothing is changed.

    Besides what `edocx.routing.health.examine` finds: signed journal heads kept beside the store or by the axis
    that the journal does not hold, an axis that cannot be used, keys that are not fit or end soon, another unit's
    store or keys, a clock behind the journal, or once set back, and what is due in an impossible future for it,
    quarantined messages, a signed directory that expired, a restore that was not reconciled, and the times when the
    journal had fallen back and somebody went on. A check that cannot be made is a finding of its own and stops no
    other. ``deep`` also reads every payload.
    """
    checks: tuple[Check, ...] = (
        lambda: _store(desk, deep=deep),
        lambda: examine_keys(desk.config, desk.signer, lambda: desk.criteria, desk.clock.now()),
        *(
            partial(check, desk)
            for check in (
                _unit,
                _axis,
                _axis_head,
                _foreign_head,
                _numbers,
                _clock,
                _quarantine,
                _levels,
                _directory,
                _restored,
                _fell_back,
            )
        ),
    )
    return by_gravity(outcomes(*checks, where=str(desk.config.place)))


def _store(desk: Desk, *, deep: bool) -> Iterator[Finding]:
    heads: list[Head] = []
    for path in head_files(desk):
        try:
            heads.append(read_head(path))
        except EdocxError as error:
            yield Finding(error.code, "error", error.text, error.where)
    yield from examine(desk.store, *heads, deep=deep)


def by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings with the gravest first."""
    return tuple(sorted(found, key=lambda finding: _GRAVITY.index(finding.severity)))


_GRAVITY = ("error", "warning", "info")


def examine_keys(
    config: OfficeConfig, signer_of: Callable[[str], Signer], criteria_of: Callable[[], Criteria], now: datetime
) -> Iterator[Finding]:
    """Yield what ails the keys that the settings name."""
    for name, about in config.signers.items():
        try:
            signer = signer_of(name)
            check_certificate(signer, about.role, now, criteria_of())
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
    if not any(about.role == "organisation" for about in config.signers.values()):
        yield Finding(
            "EDX-SIGNER-AGENCY",
            "error",
            Text(
                "Văn phòng chưa khai báo khóa cơ quan nên không gửi được gì.",
                "The office has no organisational key, so it can send nothing.",
            ),
        )


def _unit(desk: Desk) -> Iterator[Finding]:
    """Name settings whose unit is not whose the store and the keys are: another's file, or a slip of the pen."""
    unit = str(desk.unit)
    with desk.store.read() as transaction:
        known = transaction.units()
    others = ", ".join(sorted(known - {unit}))
    if others:
        yield Finding(
            "EDX-DOCTOR-UNIT",
            # A unit that was renamed or merged has its past under another code.
            "warning" if unit in known else "error",
            Text(
                f"Cấu hình ghi unit = {unit}, nhưng kho có văn bản của {others}: sửa unit, hoặc dùng đúng kho.",
                f"The settings say unit = {unit}, but the store holds documents of {others}: "
                "correct the unit, or use the right store.",
            ),
            str(desk.config.place),
        )
    for name in desk.config.signers:
        try:
            certificate = desk.signer(name).certificate
        except EdocxError:
            continue  # told by examine_keys
        try:
            require_own(desk.registry, fingerprint(certificate), desk.unit, desk.clock.now())
        except EdocxError as error:
            yield Finding(error.code, "error", error.text, name)


def _axis(desk: Desk) -> Iterator[Finding]:
    if isinstance(desk.transport, LocalAxis):
        desk.transport.require_whole()
        desk.transport.try_writing()  # a disk that is full or read-only still gives what is on it
        yield from _local_axis(desk, desk.transport)
    else:
        # Whatever the line needs is used, and nothing is changed: a wrong secret, password or address shows here.
        desk.transport.pending(str(desk.unit))


def _local_axis(desk: Desk, axis: LocalAxis) -> Iterator[Finding]:
    """Name a file that is not the axis this office works with: a lost one is made anew, empty, by whoever opens it."""
    unit, place = str(desk.unit), str(axis.path)
    if unit not in axis.units():
        yield Finding(
            "EDX-DOCTOR-AXIS-UNIT",
            "error",
            Text(
                "Trục này không biết cơ quan: tệp trục vừa được tạo mới, hoặc là của nơi khác. "
                "Đặt lại đúng tệp trục; những gì chờ trên tệp cũ chưa được giao.",
                "This axis does not know the unit: its file was made anew, or it is another's. "
                "Put the right file back; what waited in the old one was not delivered.",
            ),
            place,
        )
    with desk.store.read() as transaction:
        last = transaction.outbox.newest_sent()
    if last is not None and not axis.trace(last.sender, last.message_id):
        yield Finding(
            "EDX-DOCTOR-AXIS-LOST",
            "warning",  # an office that changed to another axis has sent nothing over it yet
            Text(
                "Trục này không có thông điệp mà cơ quan gửi gần nhất: tệp trục bị mất, bị thay, hoặc vừa đổi trục.",
                "This axis does not have the message that was sent last: its file was lost or put back, "
                "or the office changed to another axis.",
            ),
            last.message_id,
        )


def _axis_head(desk: Desk) -> Iterator[Finding]:
    for lost in axis_heads(desk):
        own, known = head_of(desk).seq, lost.head.seq
        cut = own < known
        yield Finding(
            "EDX-JOURNAL-CUT" if cut else "EDX-JOURNAL-REWRITTEN",
            "error",
            Text(
                f"Trục giữ đầu chuỗi đã ký ở dòng {known}; nhật ký "
                + (f"kết thúc ở dòng {own}" if cut else "có dòng ấy khác đi: đã bị viết lại")
                + ". Nếu kho là bản phục hồi: edocx office reconcile.",
                f"The axis keeps a signed head at line {known}; the journal "
                + (f"ends at line {own}" if cut else "has another line there: it was rewritten")
                + ". If the store was restored: edocx office reconcile.",
            ),
            AXIS,
        )


def _numbers(desk: Desk) -> Iterator[Finding]:
    numbers_beside(desk)
    yield from ()


def _foreign_head(desk: Desk) -> Iterator[Finding]:
    if is_head_foreign(desk):
        yield Finding(
            "EDX-DOCTOR-HEAD-FOREIGN",
            "warning",
            Text(
                "Trục giữ một đầu chuỗi nhật ký không do cơ quan này ký: không thể đối chiếu nhật ký với trục. "
                "Hỏi người quản trị trục ai đã gửi.",
                "The axis keeps a journal head that this office did not sign: the journal cannot be compared with it. "
                "Ask whoever runs the axis who sent it.",
            ),
            AXIS,
        )


def _fell_back(desk: Desk) -> Iterator[Finding]:
    with desk.store.read() as transaction:
        notes = [filed.metadata for filed in transaction.documents.in_state(FELL_BACK)]
    for note in notes:
        at = f"{in_vietnam(datetime.fromisoformat(note['at'])):%d/%m/%Y %H:%M}"
        by, seq = note["by"] or "?", note["seq"]
        yield Finding(
            "EDX-DOCTOR-FELL-BACK",
            "warning",
            Text(
                f"Nhật ký đã từng thiếu hoặc khác dòng {seq} mà nơi khác còn giữ ({note['kept_by']}); "
                f"{by} xác nhận và cho làm việc tiếp lúc {at}.",
                f"The journal once lacked line {seq}, or had another, which {note['kept_by']} keeps; "
                f"{by} acknowledged it and went on at {at}.",
            ),
            f"line {seq}",
        )


def _clock(desk: Desk) -> Iterator[Finding]:
    with desk.store.read() as transaction:
        turns = tuple(_turns_back(transaction.journal_moments()))
        last = transaction.last_moment()
        head = transaction.journal_head()
        misdated = (*transaction.outbox.misdated(), *transaction.inbox.misdated())
    for seq, before, after in turns[-MOST_TURNS:]:
        first, then = (f"{in_vietnam(moment):%d/%m/%Y %H:%M}" for moment in (before, after))
        yield Finding(
            "EDX-DOCTOR-CLOCK-BACK",
            "warning",
            Text(
                f"Đồng hồ máy từng bị chỉnh lùi: trước dòng này nhật ký ghi {first}, dòng này ghi {then}.",
                f"The clock was once set back: before this line the journal says {first}, this line says {then}.",
            ),
            f"line {seq}",
        )
    for message_id in misdated:
        yield Finding(
            "EDX-DOCTOR-DUE",
            "warning",
            Text(
                "Một thông điệp bị hẹn giờ vào tương lai không thể có: đồng hồ đã từng chạy trước. "
                "Lần chạy tới sẽ xử lý ngay (edocx office work).",
                "A message is due in an impossible future: the clock once stood ahead. "
                "The next run deals with it at once (edocx office work).",
            ),
            message_id,
        )
    if last is not None and last - desk.clock.now() > CLOCK_SLACK:
        yield Finding(
            "EDX-DOCTOR-CLOCK",
            "error",
            Text(
                "Đồng hồ máy chậm hơn dòng nhật ký cuối: giờ đã bị chỉnh lùi, cần đồng bộ (QĐ 28/2018 Điều 14).",
                "The clock is behind the journal's last line: it was set back; synchronise it (QĐ 28/2018 Điều 14).",
            ),
            f"line {head.seq}",
        )


def _turns_back(moments: Iterable[tuple[int, datetime]]) -> Iterator[tuple[int, datetime, datetime]]:
    previous: datetime | None = None
    for seq, moment in moments:
        if previous is not None and previous - moment > CLOCK_SLACK:
            yield seq, previous, moment
        previous = moment


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
