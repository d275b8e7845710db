"""How ``edocx office`` shows its answers: tables of at most 80 columns, and the same facts as plain values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from edocx.cli.output import language, plain, say
from edocx.clock import in_vietnam
from edocx.errors import Text

if TYPE_CHECKING:
    from datetime import datetime

    from edocx.documents import Document
    from edocx.office import Incoming, Trace
    from edocx.office.requests import ChangeRequest
    from edocx.office.retaining import Retention
    from edocx.office.stations import Station
    from edocx.routing.health import Finding

WIDTH = 80
"""Columns of a terminal that everybody has."""


def show_table(heads: Sequence[Text], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their heads; the last column takes what is left of 80 columns and is cut there."""
    lang = language()
    table = [[head.in_language(lang) for head in heads], *([_one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(heads) - 1)]
    while sum(widths) + 2 * len(widths) > WIDTH - 16 and max(widths) > 10:  # noqa: PLR2004 - a column one can read
        widths[widths.index(max(widths))] -= 1
    for row in table:
        line = "  ".join(_fit(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False))
        rest = WIDTH - len(line) - 2 if widths else WIDTH
        say((line + "  " if widths else "") + _fit(row[-1], rest))


def show_findings(found: Sequence[Finding]) -> None:
    """Print what a doctor found: level and code, then every word of it, broken at 80 columns."""
    if not found:
        say(Text("Mọi thứ đều tốt.", "All is well."))
    for one in found:
        level = _LEVELS[one.severity].in_language(language())
        say(_fit(f"{level}  {one.code}", WIDTH))
        say_wrapped(one.text.in_language(language()), indent=4)
        if one.where:
            say_wrapped(f"[{one.where}]", indent=4)


def say_wrapped(text: str, *, indent: int) -> None:
    """Print every word of a text, broken at 80 columns; what is longer than a line is broken within."""
    space = " " * indent
    for line in textwrap.wrap(_one_line(text), WIDTH, initial_indent=space, subsequent_indent=space):
        say(line)


def moment(at: datetime) -> str:
    """Write a moment for people, in Vietnam's zone."""
    return f"{in_vietnam(at):%d/%m/%Y %H:%M}"


def document_json(document: Document) -> dict[str, Any]:
    """Return an issued document as values."""
    return {
        "document_id": str(document.id),
        "number": str(document.number),
        "issued_on": document.issued_on.isoformat(),
        "subject": document.draft.subject,
        "file": str(document.pdf),
        "sha256": document.sha256,
    }


def incoming_json(incoming: Incoming) -> dict[str, Any]:
    """Return a received document as values."""
    envelope = incoming.envelope
    return {
        "document_id": incoming.document_id,
        "message_id": incoming.message_id,
        "from": {
            "unit": envelope.sender.unit if envelope.sender else None,
            "name": envelope.sender.name if envelope.sender else None,
        },
        "number": envelope.code.printed if envelope.code else None,
        "subject": envelope.subject,
        "urgency": envelope.other.urgency if envelope.other else None,
        "due_date": envelope.due_date.isoformat() if envelope.due_date else None,
        "replaces": [one.document_id for one in envelope.replaces],
        "indication": str(incoming.report.indication),
        "attachments": [{"name": one.name, "media_type": one.media_type} for one in envelope.attachments],
    }


def show_inbox(waiting: Sequence[Incoming]) -> None:
    """Print the documents that wait for the clerk."""
    if not waiting:
        say(Text("Không có văn bản đến nào chờ tiếp nhận.", "No document waits for the clerk."))
        return
    ids = [incoming.document_id for incoming in waiting]
    for incoming in waiting:
        envelope = incoming.envelope
        say(incoming.document_id)
        if ids.count(incoming.document_id) > 1:
            own = incoming.message_id
            say(Text(f"    ! trùng mã; mã thông điệp {own}", f"    ! same id; message {own}"))
        sender = (envelope.sender.name or envelope.sender.unit or "?") if envelope.sender else "?"
        say(_fit(f"    {sender}: {_one_line(envelope.subject or '')}", WIDTH))
        say(f"    {incoming.report.indication}")


def trace_json(trace: Trace) -> dict[str, Any]:
    """Return a document's way as values."""
    return {
        "document_id": trace.document_id,
        "replaced_by": trace.replaced_by,
        "replaces": list(trace.replaces),
        "deliveries": [
            {
                "recipient": tracked.delivery.recipient,
                "issuer": tracked.delivery.issuer,
                "direction": tracked.direction,
                "passage": str(tracked.delivery.shown.passage),
                "handling": str(tracked.delivery.shown.handling),
                "change": str(tracked.delivery.shown.change),
                "contradictions": [one.code for one in tracked.delivery.shown.contradictions],
                "foreign": len(tracked.delivery.shown.foreign),
            }
            for tracked in trace.deliveries
        ],
        "events": [
            {
                "at": event.at.isoformat(),
                "heard_at": event.heard_at.isoformat(),
                "recipient": event.recipient,
                "what": event.what,
                "evidence": event.evidence,
                "vi": event.text.vi,
                "en": event.text.en,
                "remark": event.remark,
                "basis": event.basis,
                "actor": event.actor,
                "person": event.person,
            }
            for event in trace.events
        ],
        "ways": [list(way) for way in trace.ways],
        "stations": [one.as_json() for one in trace.stations],
        "missed": [{"due": one.due.isoformat(), "duty": str(one.duty), "unit": one.unit} for one in trace.missed],
    }


def show_trace(trace: Trace) -> None:
    """Print a document's way: how it stands at each recipient, then everything heard."""
    say(trace.document_id)
    if trace.replaced_by:
        say(Text(f"Được thay thế bởi {trace.replaced_by}", f"Replaced by {trace.replaced_by}"))
    for old in trace.replaces:
        say(Text(f"Thay thế {old}", f"Replaces {old}"))
    for tracked in trace.deliveries:
        on_it = [s for s in trace.stations if s.message_id == tracked.message_id]
        _show_way([s for s in on_it if s.recipient == tracked.delivery.recipient])
    rows = (
        [moment(e.at), e.recipient, e.what, e.basis, _one_line(e.person or e.actor), e.text.in_language(language())]
        for e in trace.events
    )
    show_table(_EVENTS, rows)
    for event in trace.events:
        if event.remark and event.remark != event.text.vi:
            say(_fit(f"  {event.recipient} {event.what}: {_one_line(event.remark)}", 80))
    for late in trace.missed:
        unit, due = late.unit or "", moment(late.due)
        say(Text(f"  ! quá hạn {late.duty} {unit}, hạn {due}", f"  ! missed: {late.duty} {unit}, due {due}"))


def _show_way(stations: Sequence[Station]) -> None:
    """Print one way: its nodes, then when the message came to each and left it, who acted there, what shows it."""
    say_wrapped(" → ".join(one.node for one in stations), indent=2)
    for one in stations:
        came, left = (moment(at) if at else "–".ljust(16) for at in (one.came_at, one.left_at))
        who = f"{one.node} ({one.person})" if one.person else one.node
        shown = ", ".join(part for part in (one.basis, one.evidence) if part)
        line = f"    {came} → {left}  {_one_line(who)}: {shown}"
        for part in textwrap.wrap(line, WIDTH, subsequent_indent=" " * 41, drop_whitespace=True):
            say(part)


def show_status(trace: Trace) -> None:
    """Print how a document stands at each recipient."""
    rows = []
    for tracked in trace.deliveries:
        shown = tracked.delivery.shown
        lang = language()
        change = "" if shown.change == "none" else f"{shown.asked} {shown.change.label.in_language(lang)}"
        steps = [shown.passage.label.in_language(lang), shown.handling.label.in_language(lang)]
        rows.append([tracked.delivery.recipient, *steps, change])
    say(trace.document_id)
    show_table(_STATUS, rows)


def tell_faults(faults: Sequence[str]) -> None:
    """Print what a round of work could not carry, each reason once."""
    for code in dict.fromkeys(faults):
        say(Text(f"  ! chưa chuyển được: {code}; xem doctor", f"  ! not carried: {code}; see doctor"))


def request_json(request: ChangeRequest) -> dict[str, Any]:
    """Return a waiting request as values."""
    return {
        "document_id": request.document_id,
        "code": request.code,
        "asked_by": request.asked_by,
        "asked_at": request.asked_at.isoformat(),
        "reason": request.reason,
        "replacement": request.replacement,
    }


def retention_json(found: Retention) -> dict[str, Any]:
    """Return what was kept long enough as values."""
    return {
        "schema": 1,
        "before": found.before.isoformat(),
        "deleted": found.deleted,
        "size": found.size,
        "contents": [{**one._asdict(), "settled_at": one.settled_at.isoformat()} for one in found.contents],
    }


def show_retention(found: Retention) -> None:
    """Print what was kept long enough, and what became of it."""
    rows = (
        [moment(one.settled_at), one.direction, str(one.size), one.document_id or one.message_id]
        for one in found.contents
    )
    if found.contents:
        show_table(_CONTENTS, rows)
    count, size, day = len(found.contents), found.size, f"{in_vietnam(found.before):%d/%m/%Y}"
    if found.deleted:
        say(
            Text(
                f"Đã hủy {count} nội dung, {size} byte; nhật ký giữ mã băm.",
                f"Deleted: {count}, {size} bytes; the journal keeps the digests.",
            )
        )
    else:
        say(
            Text(
                f"{count} nội dung, {size} byte, xong trước {day}.",
                f"Contents: {count}, {size} bytes, settled before {day}.",
            )
        )
        say(Text("Chưa hủy gì: thêm --delete --by TÀI-KHOẢN.", "Nothing was deleted: add --delete --by ACCOUNT."))


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a doctor's finding as values."""
    text = finding.text
    return {
        "code": finding.code,
        "severity": finding.severity,
        "vi": text.vi,
        "en": text.en,
        "where": finding.where,
    }


def _one_line(text: str) -> str:
    # What comes from outside must not move the cursor or colour the terminal.
    return " ".join(plain(str(text)).split())


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


_LEVELS = {
    "error": Text("LỖI", "ERROR"),
    "warning": Text("CẢNH BÁO", "WARNING"),
    "info": Text("LƯU Ý", "NOTE"),
}
_CONTENTS = (
    Text("Xong lúc", "Settled"),
    Text("Hướng", "Way"),
    Text("Byte", "Bytes"),
    Text("Văn bản", "Document"),
)
_EVENTS = (
    Text("Thời điểm", "Time"),
    Text("Nơi nhận", "Recipient"),
    Text("Mã", "Code"),
    Text("Căn cứ", "Basis"),
    Text("Ai", "Who"),
    Text("Nội dung", "What"),
)
_STATUS = (
    Text("Nơi nhận", "Recipient"),
    Text("Chuyển", "Passage"),
    Text("Xử lý", "Handling"),
    Text("Yêu cầu", "Request"),
)
