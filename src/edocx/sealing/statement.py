"""The seal in its detached form, for routes that parse the envelope and write it anew.

The official Java library does: unknown elements and Ids go, fields get defaults, files are zipped. The statement is the
sealed envelope itself, without the files' content and before this attachment was added, as one more attachment
(``edxml-seal.xml``). Its seal is an ordinary one over its own header and manifest and over the digests of the files;
so it is verified on its own, against the files that arrived, and then what arrived is compared with it field by field.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from edocx.content import Blob
from edocx.envelope import media
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.notes import XML_BLANKS
from edocx.envelope.read import Reading, open_envelope
from edocx.envelope.write import Skeleton, compose
from edocx.errors import EdocxError, Text, UsageError
from edocx.sealing import parts as p
from edocx.sealing.comparison import Comparison, compare
from edocx.sealing.expectation import header_parts, with_faults
from edocx.sealing.frame import check_frame, message
from edocx.sealing.rebuilt import inspect
from edocx.sealing.seal import Means, seal
from edocx.sealing.sealed import sealed_content
from edocx.signing.judgement import Finding
from edocx.signing.keys import Signer
from edocx.signing.report import Indication, Integrity, Message
from edocx.signing.xml.names import BASE64_TRANSFORM, ds
from edocx.signing.xml.verify import ExpectedPart, examine

MAX_STATEMENT = 4 * 1024 * 1024
"""Bytes of a statement: it holds a header, a manifest and a signature, never files."""


@dataclass(frozen=True, slots=True)
class StatementFinding:
    """What a detached seal shows before trust comes in; ``uncovered`` as in `SealVerdict`."""

    finding: Finding
    messages: tuple[Message, ...]
    uncovered: bool


def with_statement(envelope: Envelope, signer: Signer, *, at: datetime, means: Means | None = None) -> Envelope:
    """Return the envelope with its detached seal as one more attachment; then compose and seal it as ever.

    The key signs once more for this. Raises `UsageError` for a status message, which has no attachments, and for an
    envelope that carries a statement already.
    """
    if envelope.kind == "status" or any(item.name == n.SEAL_FILE for item in envelope.attachments):
        raise _no_room()
    skeleton = compose(envelope)
    seal(skeleton, signer, at=at, means=means)
    return envelope.model_copy(update={"attachments": (*envelope.attachments, statement_of(skeleton))})


def statement_of(skeleton: Skeleton) -> Attachment:
    """Return the detached form of a seal that was put into an envelope: the attachment to add to that envelope."""
    root = copy.deepcopy(skeleton.root)
    for files in root.findall(p.ATTACHMENTS):
        root.remove(files)
    data = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Attachment(name=n.SEAL_FILE, media_type=media.type_of(n.SEAL_FILE), content=Blob.from_bytes(data))


def find(reading: Reading) -> tuple[Attachment, ...]:
    """Return the attachments that bear the name of a detached seal."""
    return tuple(item for item in reading.envelope.attachments if item.name == n.SEAL_FILE)


def examine_statement(reading: Reading, found: Sequence[Attachment], *, keep: bool = False) -> StatementFinding:
    """Check a detached seal against the envelope that came with it; trust comes later (`judge`).

    ``keep`` gives the finding what was sealed: the statement's header and manifest, and the files that arrived.
    """
    content = found[0].content
    if len(found) > 1 or content is None or content.size > MAX_STATEMENT:
        return _failed(_UNREADABLE)
    try:
        with open_envelope(content.read(MAX_STATEMENT)) as stated:
            return _examine(reading, stated, keep=keep)
    except EdocxError:
        return _failed(_UNREADABLE)  # what is no envelope cannot speak for one


def _examine(reading: Reading, stated: Reading, *, keep: bool) -> StatementFinding:
    seals = stated.skeleton.findall(p.SEAL)
    if len(seals) != 1 or stated.skeleton.find(p.ATTACHMENTS) is not None:
        return _failed(_UNREADABLE)
    files = [item for item in reading.envelope.attachments if item.name != n.SEAL_FILE]
    raw = _raw_digests(reading)
    compared = compare(stated.envelope, reading.envelope, files)
    frame = check_frame(stated, with_files=False)
    expected = header_parts(frame.parts)
    for item, received in compared.files:
        digest = _digest_of(item, received, seals[0], raw)
        expected[f"#{item.content_id}"] = ExpectedPart((BASE64_TRANSFORM,), digest)
    remarks = inspect(reading, stated)
    faults = [*frame.faults, *frame.outside, *remarks.faults]
    faults += [message("EDX-SEAL-REBUILT-OTHERWISE", place, *_DIFFERENT) for place in compared.different]
    finding = with_faults(examine(seals[0], expected), tuple(faults))
    if keep and finding.outcome is Indication.TOTAL_PASSED:
        arrived = [
            item.model_copy(update={"content": received.content})
            for item, received in compared.files
            if received is not None
        ]
        finding = replace(finding, content=sealed_content(frame.parts, arrived))
    strays = tuple(message("EDX-UNSEALED", place, *_ADDED, severity="warning") for place in remarks.outside)
    return StatementFinding(
        finding, (_REBUILT, *_notes(compared), *strays), uncovered=bool(compared.added or remarks.outside)
    )


def _raw_digests(reading: Reading) -> dict[str, str]:
    """Return by content id the SHA-256 of what stood in each file's own element, before reading opened any zip."""
    return {
        n.bare_id((holder.findtext(n.tag(n.CONTENT_ID)) or "").strip(XML_BLANKS)): payload.decoded.sha256
        for element, payload in reading.payloads.items()
        if payload.decoded is not None and (holder := element.getparent()) is not None
    }


def _digest_of(item: Attachment, received: Attachment | None, seal: etree._Element, raw: Mapping[str, str]) -> bytes:
    """Return the digest of what stands in the envelope for a file of the statement.

    A route may have zipped the file, and reading opened the zip: then it is the file's own. A file that was sealed as
    a zip with one entry was opened by reading as well: then it is that of the zip as it came.
    """
    if received is None or received.content is None:
        return b""
    if received.zipped:
        reference = next((r for r in seal.iter(ds("Reference")) if r.get("URI") == f"#{item.content_id}"), None)
        wanted = _digest_value(reference)
        if wanted and wanted == raw.get(received.content_id or ""):
            return bytes.fromhex(wanted)
    return bytes.fromhex(received.content.sha256)


def _digest_value(reference: etree._Element | None) -> str:
    from edocx.signing.xml.encoding import decode_value  # noqa: PLC0415 - only for files that came zipped

    value = reference.find(ds("DigestValue")) if reference is not None else None
    try:
        return decode_value(value).hex() if value is not None else ""
    except ValueError:
        return ""


def _notes(compared: Comparison) -> list[Message]:
    notes = [message("EDX-UNSEALED", place, *_ADDED, severity="warning") for place in compared.added]
    notes += [message("EDX-SEAL-REBUILT-DEFAULT", place, *_DEFAULTED, severity="warning") for place in compared.filled]
    notes += [message("EDX-SEAL-REBUILT-LOST", place, *_LOST, severity="warning") for place in compared.lost]
    return notes


def _failed(fault: Message) -> StatementFinding:
    blank = Finding(
        id=p.SEAL_ID, format="XAdES", integrity=Integrity.INVALID, covers="elements", algorithm="unknown", level="B-B"
    )
    return StatementFinding(with_faults(blank, (fault,)), (), uncovered=False)


def _no_room() -> UsageError:
    return UsageError(
        Text("Phong bì này không mang được con dấu tách rời.", "This envelope cannot carry a detached seal."),
        hint=Text(
            "Gói trạng thái không có tệp kèm; gói văn bản chỉ mang một con dấu tách rời.",
            "A status message has no attachments; a document carries one detached seal at most.",
        ),
        code="EDX-SEAL-STATEMENT-PLACE",
    )


_UNREADABLE = message(
    "EDX-SEAL-STATEMENT",
    n.SEAL_FILE,
    "Con dấu tách rời không đọc được hoặc không đúng dạng.",
    "The detached seal cannot be read, or does not have the right form.",
)
_REBUILT = message(
    "EDX-SEAL-REBUILT",
    None,
    "Trên đường đi, phong bì bị tháo ra và ghi lại nên mất con dấu trong phần đầu; đã kiểm tra bằng con dấu tách rời.",
    "A route took the envelope apart and wrote it anew; the seal in its header is gone, and the detached one counts.",
    severity="warning",
)
_DIFFERENT = (
    "Nội dung này khác với nội dung đã đóng dấu.",
    "This differs from what was sealed.",
)
_ADDED = (
    "Phần này không có trong nội dung đã đóng dấu: ai cũng có thể đã thêm vào.",
    "This is not in what was sealed: anybody may have added it.",
)
_DEFAULTED = (
    "Trường này để trống khi đóng dấu; phần mềm trên đường đi đã điền giá trị mặc định.",
    "This field was empty when sealed; software on the way filled in its default.",
)
_LOST = (
    "Phần này đã được đóng dấu nhưng bị mất trên đường đi; xem trong tệp con dấu tách rời.",
    "This was sealed and got lost on the way; it stands in the detached seal.",
)
