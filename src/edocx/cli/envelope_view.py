"""An envelope for human eyes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import category

from edocx.cli.output import language, say
from edocx.clock import in_vietnam
from edocx.documents.words import Urgency
from edocx.envelope import Envelope, Finding, Organization, Reading
from edocx.errors import Text

_MARKS = {
    "error": Text("LỖI", "ERROR"),
    "warning": Text("Cảnh báo", "Warning"),
    "info": Text("Ghi chú", "Note"),
}


def show(reading: Reading, paths: Sequence[Path | None] = ()) -> None:
    """Print an envelope: what it is, from whom, to whom, what is in it, what is odd about it."""
    envelope = reading.envelope
    kind = Text("Gói trạng thái", "Status message") if envelope.kind == "status" else Text("Gói văn bản", "Document")
    what = envelope.status or (envelope.action.label if envelope.action else None)
    code = f"{envelope.status_code} " if envelope.status_code else ""
    said = f": {code}{what.in_language(language())}" if what else ""
    say(f"{kind.in_language(language())}{said}  ({reading.dialect})")
    for label, value in _lines(envelope):
        if value:
            say(f"  {label.in_language(language())}: {_plain(value)}")
    for place, item in enumerate(envelope.attachments):
        size = (
            f"{item.content.size} byte"
            if item.content
            else Text("không đọc được", "unreadable").in_language(language())
        )
        path = paths[place] if place < len(paths) else None
        line = f"  [{place + 1}] {item.name or '?'}  {item.media_type or ''}  {size}{f'  → {path}' if path else ''}"
        say(_plain(line))
    for quirk in reading.quirks:
        where = f"  [{quirk.where}]" if quirk.where else ""
        say(_plain(f"  ~ {Text(quirk.vi, quirk.en).in_language(language())}{where}"))
    show_findings(reading.findings)


def show_findings(findings: Iterable[Finding]) -> None:
    """Print findings, one a line, or that there are none."""
    none = True
    for finding in findings:
        none = False
        mark = _MARKS[finding.severity].in_language(language())
        where = f"  [{finding.where}]" if finding.where else ""
        say(_plain(f"  {mark} {finding.code}: {Text(finding.vi, finding.en).in_language(language())}{where}"))
    if none:
        say(Text("  Không có gì sai.", "  Nothing is wrong."))


def _lines(envelope: Envelope) -> Iterable[tuple[Text, str | None]]:
    yield Text("Từ", "From"), _unit(envelope.sender)
    for receiver in envelope.to:
        yield Text("Đến", "To"), _unit(receiver)
    yield Text("Mã văn bản", "Document id"), envelope.document_id
    yield Text("Số, ký hiệu", "Number"), envelope.code.printed if envelope.code else None
    promulgation = envelope.promulgation
    if promulgation and promulgation.date:
        yield Text("Ngày ban hành", "Promulgated"), f"{promulgation.date:%d/%m/%Y}"
    yield Text("Loại", "Kind"), envelope.document_type.name if envelope.document_type else None
    yield Text("Trích yếu", "Subject"), envelope.subject
    signatory = envelope.signatory
    if signatory:
        parts = (signatory.capacity, signatory.position, signatory.full_name)
        yield Text("Người ký", "Signed by"), ", ".join(part for part in parts if part)
    urgency = envelope.other.urgency if envelope.other else None
    if urgency and urgency in set(Urgency):
        yield Text("Độ khẩn", "Urgency"), Urgency(urgency).label.in_language(language())
    for about in envelope.response_for:
        yield Text("Về văn bản", "About"), about.code or about.document_id
    yield Text("Lý do", "Reason"), envelope.business_reason or envelope.description
    if envelope.timestamp:
        yield Text("Thời điểm", "At"), f"{in_vietnam(envelope.timestamp):%d/%m/%Y %H:%M:%S}"


def _plain(line: str) -> str:
    """Return a line that stays one line and cannot steer a terminal or turn the direction of writing."""
    return "".join(" " if char in "\t\r\n" else "" if category(char) in {"Cc", "Cf"} else char for char in line)


def _unit(organization: Organization | None) -> str | None:
    if organization is None:
        return None
    return " ".join(part for part in (organization.unit, organization.name) if part)
