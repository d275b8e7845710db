"""Verifying an envelope: its seal, and the signatures of every file inside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.read import Reading, open_envelope
from edocx.errors import EdocxError
from edocx.sealing.frame import message
from edocx.sealing.judging import judge_seal
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication, Message, Report, Statement

_PDF_MARK = b"%PDF-"
_PDF_WITHIN = 1024
"""Readers accept the mark within the first 1024 bytes (ISO 32000-1 Annex H, implementation note 13)."""


def verify_envelope(
    path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only"
) -> Report:
    """Judge an envelope's seal and the signatures of every file inside.

    Raises what `edocx.envelope.open_envelope` raises for a file that is no envelope; a bad seal raises nothing.
    """
    with open_envelope(path) as reading:
        return verify_reading(reading, criteria, name=name or str(path), policy=policy)


def verify_reading(reading: Reading, criteria: Criteria, *, name: str, policy: str = "signatures-only") -> Report:
    """Judge an envelope that is open already, as `verify_envelope` does; its files are not digested again."""
    verdict = judge_seal(reading, criteria)
    attachments = tuple(_judge_files(reading, criteria))
    report = Report.of(
        file=name,
        format="edxml",
        policy=policy,
        signatures=verdict.signatures,
        messages=(*_remarks(reading, attachments), *verdict.messages),
        attachments=attachments,
        uncovered=verdict.uncovered,
    )
    return report.model_copy(update={"statement": _statement(reading.envelope)})


_LETTER = "CV"
"""Công văn has no abbreviation on paper (NĐ 30/2020 Phụ lục III); registries write this."""


def _statement(envelope: Envelope) -> Statement:
    kind = envelope.document_type.kind if envelope.document_type is not None else None
    return Statement(
        sender=envelope.sender.unit if envelope.sender is not None else None,
        kind=None if kind is None else kind.abbreviation or _LETTER,
        is_status=envelope.kind == "status",
    )


def _judge_files(reading: Reading, criteria: Criteria) -> Iterator[Report]:
    for attachment in reading.envelope.attachments:
        label = attachment.name or attachment.content_id or "?"
        if attachment.content is None or attachment.name == n.SEAL_FILE:
            continue
        with _as_file(attachment) as path:
            if path is None:
                yield Report.of(file=label, format="unknown", policy="signatures-only", signatures=())
                continue
            from edocx.signing.pdf.verify import verify_pdf  # noqa: PLC0415 - pyHanko loads for PDFs only

            try:
                yield verify_pdf(path, criteria, name=label)
            except EdocxError as error:
                fault = Message.of(error.code, "warning", error.text, label)
                yield Report.of(file=label, format="pdf", policy="signatures-only", signatures=(), messages=(fault,))


@contextmanager
def _as_file(attachment: Attachment) -> Iterator[Path | None]:
    """Give a PDF attachment as a file that can be read at random; None for anything but a PDF."""
    assert attachment.content is not None
    blob: Blob = attachment.content
    with blob.open() as stream:
        if _PDF_MARK not in stream.read(_PDF_WITHIN):
            yield None
            return
    if blob.path is not None:
        yield blob.path
        return
    with tempfile.TemporaryDirectory(prefix="edocx-") as folder:
        place = Path(folder) / "attachment.pdf"
        # Read at once and gone after it: syncing it to disk would cost more than judging it.
        with place.open("wb") as copy:
            for piece in blob.pieces():
                copy.write(piece)
        yield place


def _remarks(reading: Reading, attachments: tuple[Report, ...]) -> Iterator[Message]:
    for finding in reading.findings:
        if finding.severity == "error":
            yield Message(**finding.model_dump())
    for report in attachments:
        if report.indication is Indication.NO_SIGNATURE:
            yield message("EDX-ATTACHMENT-UNSIGNED", report.file, *_UNSIGNED, severity="warning")


_UNSIGNED = ("Tệp đính kèm không có chữ ký riêng.", "The attachment carries no signature of its own.")
