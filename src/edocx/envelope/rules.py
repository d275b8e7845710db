"""Business rules over an envelope that was read: what a receiver needs, and what a peer will choke on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import BaseModel

from edocx.documents.words import StatusCode
from edocx.envelope import fields as f
from edocx.envelope import names as n
from edocx.envelope.fields import Group, Kind
from edocx.envelope.model import Envelope, Finding, Severity
from edocx.errors import Text

_MAX_URGENCY: Final = 4
_MAX_STEERING: Final = 2


def check(envelope: Envelope) -> list[Finding]:
    """Return what the envelope lacks or contradicts, errors first met first."""
    found = _status(envelope) if envelope.kind == "status" else _document(envelope)
    return list(found)


def _document(envelope: Envelope) -> Iterator[Finding]:
    sender = envelope.sender
    code, promulgation, signatory = envelope.code, envelope.promulgation, envelope.signatory
    yield from _needed(sender and sender.unit, f"{n.FROM}/{n.ORGAN_ID}", "mã định danh cơ quan gửi")
    yield from _needed(sender and sender.name, f"{n.FROM}/{n.ORGAN_NAME}", "tên cơ quan gửi")
    yield from _needed(envelope.to, n.TO, "cơ quan nhận")
    for place, receiver in enumerate(envelope.to, 1):
        if receiver.unit and receiver.name:
            continue  # there may be thousands
        yield from _needed(receiver.unit, f"{n.TO}[{place}]/{n.ORGAN_ID}", "mã định danh cơ quan nhận")
        yield from _needed(receiver.name, f"{n.TO}[{place}]/{n.ORGAN_NAME}", "tên cơ quan nhận", "warning")
    yield from _needed(envelope.document_id, n.DOCUMENT_ID, "mã định danh văn bản")
    yield from _needed(code and code.number, f"{n.CODE}/{n.CODE_NUMBER}", "số văn bản")
    yield from _needed(code and code.notation, f"{n.CODE}/{n.CODE_NOTATION}", "ký hiệu văn bản")
    date = promulgation and promulgation.date
    yield from _needed(date, f"{n.PROMULGATION}/{n.PROMULGATION_DATE}", "ngày ban hành")
    yield from _needed(promulgation and promulgation.place, f"{n.PROMULGATION}/{n.PLACE}", "nơi ban hành", "warning")
    yield from _needed(envelope.subject, n.SUBJECT, "trích yếu")
    kind = envelope.document_type
    yield from _needed(kind and kind.name, f"{n.DOCUMENT_TYPE}/{n.TYPE_NAME}", "tên loại văn bản", "warning")
    yield from _needed(signatory and signatory.full_name, f"{n.SIGNER}/{n.FULL_NAME}", "họ tên người ký", "warning")
    yield from _needed(envelope.trace, n.TRACE, "vết gửi", "warning")
    yield from _business(envelope)
    yield from _ranges(envelope)
    if not envelope.attachments:
        text = Text("Gói văn bản không có tệp đính kèm.", "The document message has no attachment.")
        yield _finding("EDX-ATTACHMENT-NONE", text, n.ATTACHMENTS, "warning")


def _business(envelope: Envelope) -> Iterator[Finding]:
    business = envelope.business
    yield from _needed(business, f"{n.BUSINESS}/{n.BUSINESS_TYPE}", "loại nghiệp vụ", "warning")
    if business in {"withdraw", "update", "replace"}:
        yield from _needed(envelope.business_reason, f"{n.BUSINESS}/{n.BUSINESS_REASON}", "lý do", "warning")
    if business == "update":
        yield from _needed(
            envelope.business_target, f"{n.BUSINESS}/{n.DOCUMENT_ID}", "văn bản được cập nhật", "warning"
        )
    if business == "replace":
        yield from _needed(envelope.replaces, n.REPLACEMENTS, "văn bản bị thay thế")
    elif envelope.replaces:
        yield _stray(n.REPLACEMENTS)
    if envelope.update is not None and business != "update":
        yield _stray(n.BUSINESS_INFO)


def _ranges(envelope: Envelope) -> Iterator[Finding]:
    urgency = envelope.other.urgency if envelope.other else None
    if urgency is not None and not 0 <= urgency <= _MAX_URGENCY:
        text = Text("Độ khẩn (Priority) phải từ 0 đến 4.", "Priority must be 0 to 4.")
        yield _finding("EDX-FIELD-RANGE", text, f"{n.OTHER}/{n.PRIORITY}", "warning")
    if envelope.steering is not None and not 0 <= envelope.steering <= _MAX_STEERING:
        text = Text("Loại chỉ đạo (SteeringType) phải từ 0 đến 2.", "SteeringType must be 0 to 2.")
        yield _finding("EDX-FIELD-RANGE", text, n.STEERING, "warning")


def _status(envelope: Envelope) -> Iterator[Finding]:
    yield from _needed(envelope.sender and envelope.sender.unit, f"{n.FROM}/{n.ORGAN_ID}", "cơ quan gửi trạng thái")
    yield from _needed(envelope.response_for, n.RESPONSE_FOR, "văn bản được báo trạng thái")
    for item in envelope.response_for:
        yield from _needed(item.unit, f"{n.RESPONSE_FOR}/{n.ORGAN_ID}", "cơ quan nhận trạng thái")
        yield from _needed(item.document_id, f"{n.RESPONSE_FOR}/{n.DOCUMENT_ID}", "mã định danh văn bản")
    yield from _needed(envelope.timestamp, n.TIMESTAMP, "thời điểm")
    if envelope.status_code not in set(StatusCode):
        text = Text("Mã trạng thái không xác định (StatusCode).", "The StatusCode is not one that is defined.")
        yield _finding("EDX-STATUS-UNKNOWN", text, n.STATUS_CODE, "warning")
    elif StatusCode(envelope.status_code).needs_reason:
        yield from _needed(envelope.description, n.DESCRIPTION, "lý do", "warning")


def lengths(envelope: Envelope) -> Iterator[Finding]:
    """Yield the fields that are longer than known peers take (their columns and checkers, not the norm)."""
    if envelope.kind == "status":
        yield from _lengths(envelope, f.STATUS_HEADER, "")
        return
    yield from _lengths(envelope, f.DOCUMENT_HEADER, "")
    yield from _lengths(envelope, f.BUSINESS, f"{n.BUSINESS}/")
    for place, item in enumerate(envelope.attachments, 1):
        yield from _lengths(item, f.ATTACHMENT, f"{n.ATTACHMENT}[{place}]/")


def _lengths(values: BaseModel, group: Group, path: str) -> Iterator[Finding]:
    for field in group.fields:
        value = getattr(values, "sender" if field.key == "from" else field.key, None)
        where = f"{path}{field.name}"
        if value is None:
            continue
        if field.group is not None and field.kind in {Kind.GROUP, Kind.GROUPS}:
            for item in value if isinstance(value, tuple) else (value,):
                yield from _lengths(item, field.group, f"{where}/")
        elif field.longest is not None:
            for text in value if isinstance(value, tuple) else (value,):
                if len(text) > field.longest:
                    yield _too_long(field.vi, field.name, len(text), field.longest, where)


def _too_long(vi: str, name: str, length: int, longest: int, where: str) -> Finding:
    text = Text(
        f"{vi.capitalize()} ({name}) dài {length} ký tự, bên nhận chỉ nhận {longest}.",
        f"{name} has {length} characters; peers take {longest}.",
    )
    return _finding("EDX-FIELD-LENGTH", text, where, "warning")


def _needed(value: object, where: str, vi: str, severity: Severity = "error") -> Iterator[Finding]:
    if value is None or value in ((), ""):
        yield _finding("EDX-FIELD-MISSING", Text(f"Thiếu {vi} ({where}).", f"{where} is missing."), where, severity)


def _stray(where: str) -> Finding:
    text = Text(f"{where} không thuộc loại nghiệp vụ này.", f"{where} does not belong to this kind of business.")
    return _finding("EDX-BUSINESS-STRAY", text, where, "warning")


def _finding(code: str, text: Text, where: str, severity: Severity) -> Finding:
    return Finding(code=code, severity=severity, vi=text.vi, en=text.en, where=where)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is an error."""
    return any(finding.severity == "error" for finding in findings)
