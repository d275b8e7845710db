"""Verifying the signatures of a PDF.

1. Find the signatures through the document's structure; where it no longer parses, by their bytes (`salvage`).
2. Parse the CMS and take the signing certificate (EN 319 102-1 5.2.2, 5.2.3): `edocx.signing.cms.signer`.
3. Digest the byte range, check the signature value (5.2.7).
4. Coverage: the range must start at 0, leave out the signature alone, and end where a revision ends (`embedded`).
5. Later changes: every one is classified; what is not explained fails (`changes`; ISO 32000-2 12.8.2.2, FieldMDP), or
   answered for by a later signer (`answer`).
6. Timestamps: in the signature, and document timestamps over it (`edocx.signing.token`).
7. Trust, proof of existence, algorithms, registry: `edocx.signing.judgement`.

Steps 2 to 6 are in `examination`, for one signature.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.errors import PdfError
from edocx.signing.budget import Budget
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.messages import CHANGED, FILLED, PADDING, TAIL, TOO_MANY, UNCOVERED
from edocx.signing.pdf.accident import accident_to
from edocx.signing.pdf.aftermath import only_stamped
from edocx.signing.pdf.answer import answered
from edocx.signing.pdf.changes import revisions_after
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.embedded import Coverage, Embedded, embedded_in, ends_revision, newest_tail_is_foreign
from edocx.signing.pdf.evidence import evidence_in
from edocx.signing.pdf.examination import document_token, examine, is_padding, stamp_finding, unreadable
from edocx.signing.pdf.fast.signatures import PlainSignature, open_plain
from edocx.signing.pdf.properties import BOOKKEEPING, FORM_SETTINGS, PROPERTIES, properties_rewritten, settings_changed
from edocx.signing.pdf.salvage import salvage_signatures
from edocx.signing.pdf.value_look import value_messages
from edocx.signing.receipt import NOT_A_REVISION
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication
from edocx.signing.signed import Content, PdfRevision, Piece

MAX_SIGNATURES = 200
"""In one file: each costs a difference analysis; a joint document has a few dozen at most."""

# pyHanko reports each suspicious change with its traceback; what matters of it stands in the verdict,
# and its objects' content stays out of logs.
logging.getLogger("pyhanko").propagate = False
logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def verify_pdf(path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only") -> Report:
    """Judge every signature of a PDF; raise `PdfError` only when nothing in it can be judged.

    Takes some ten milliseconds a signature; after its time budget the signatures left are INDETERMINATE.
    """
    label = name or str(path)
    size = path.stat().st_size if path.exists() else 0
    budget = Budget.for_size(size)
    if (report := _judge_plain(path, criteria, label, policy, budget)) is not None:
        return report
    try:
        criteria = criteria.holding(path) if path.is_file() else criteria
        with open_pdf(path, budget, unlock=True) as reader:
            criteria = _with_revisions(reader, criteria)
            return _explained(_judge_file(reader, criteria, label, policy, budget, path=path), path)
    except PdfError as error:
        if error.code != "EDX-PDF-DAMAGED":
            raise
        findings = salvage_signatures(path)
        if not findings:
            raise
        reports = [judge(finding, criteria) for finding in findings]
        return _explained(Report.of(file=label, format="pdf", policy=policy, signatures=reports), path)


def _explained(report: Report, path: Path) -> Report:
    """Add which accident explains that no signature fits the file's bytes, if one does."""
    failed = [one for one in report.signatures if one.indication is Indication.TOTAL_FAILED]
    if len(failed) < len(report.signatures) or not any(one.sub_indication in _BY_ACCIDENT for one in failed):
        return report
    cause = accident_to(path)
    return report if cause is None else report.model_copy(update={"messages": (*report.messages, cause)})


_BY_ACCIDENT = frozenset({SubIndication.HASH_FAILURE, SubIndication.FORMAT_FAILURE})


def _judge_plain(path: Path, criteria: Criteria, label: str, policy: str, budget: Budget) -> Report | None:
    """Judge a file whose signatures are all intact, and each byte after them explained; None for any other.

    What is found here is what the long way finds, sooner (`fast.signatures`); whatever could fail goes the long way,
    and so does what receipts say of revisions.
    """
    if criteria.receipts is not None or criteria.held:
        return None
    try:
        with open_plain(path, MAX_SIGNATURES) as file:
            if file is None or not all(is_padding(one.contents) for one in file.signatures):
                return None
            stamps = [one for one in file.signatures if one.is_stamp]
            regular = [one for one in file.signatures if not one.is_stamp]
            tokens = [document_token(one) for one in stamps]
            findings = [examine(one, tokens, file.evidence, budget) for one in regular]
            if criteria.witness is not None:
                findings = [_with_content(*pair, path, label) for pair in zip(regular, findings, strict=True)]
    except OSError:
        return None  # the long way says what is wrong with it
    whole = all(one.integrity is Integrity.VALID and one.failure is None for one in findings)
    if not findings or not whole or not all(token.intact for token in tokens):
        return None
    if all(FILLED in finding.messages for finding in findings):
        return None  # fields were filled after the last signature
    reports = [judge(finding, criteria) for finding in findings]
    return Report.of(file=label, format="pdf", policy=policy, signatures=reports)


def _with_revisions(reader: PdfFileReader, criteria: Criteria) -> Criteria:
    """Leave out receipts for a beginning of the file that never was a file: no more than a revision's end counts."""
    held = tuple(one for one in criteria.held if one.whole or ends_revision(reader, one.info.bytes))
    if len(held) == len(criteria.held):
        return criteria
    return replace(criteria, held=held, unheard=(*criteria.unheard, NOT_A_REVISION))


def _judge_file(
    reader: PdfFileReader, criteria: Criteria, label: str, policy: str, budget: Budget, *, path: Path
) -> Report:
    try:
        embedded, broken = embedded_in(reader, MAX_SIGNATURES + 1)
    except MALFORMED as error:
        raise damaged(label) from error
    too_many = len(embedded) + len(broken) > MAX_SIGNATURES
    regular = [one for one in embedded if not one.is_stamp][:MAX_SIGNATURES]
    stamps = [one for one in embedded if one.is_stamp][:MAX_SIGNATURES]
    tokens = {id(stamp): document_token(stamp) for stamp in stamps}
    evidence = evidence_in(reader)
    findings = [examine(one, [tokens[id(stamp)] for stamp in stamps], evidence, budget) for one in regular]
    if criteria.witness is not None:
        findings = [_with_content(*pair, path, label) for pair in zip(regular, findings, strict=True)]
    findings += [stamp_finding(stamp, tokens[id(stamp)]) for stamp in stamps if not tokens[id(stamp)].intact]
    if not regular and not broken:  # a document that carries nothing but a timestamp
        findings += [stamp_finding(stamp, tokens[id(stamp)]) for stamp in stamps if tokens[id(stamp)].intact]
    findings += [unreadable(name) for name in broken]
    messages = _file_messages(reader, findings, embedded)
    uncovered = any(message in messages for message in (UNCOVERED, TAIL, PADDING, FORM_SETTINGS))
    if too_many:
        messages.append(TOO_MANY)
    return Report.of(
        file=label,
        format="pdf",
        policy=policy,
        signatures=answered(reader, regular, findings, criteria),
        messages=messages,
        uncovered=uncovered or too_many,
    )


def _with_content(signature: Embedded | PlainSignature, finding: Finding, path: Path, label: str) -> Finding:
    if finding.failure is not None and CHANGED not in finding.messages:
        return finding  # it cannot pass any more, and may not even have been digested
    if signature.coverage() not in {Coverage.FILE, Coverage.REVISION}:
        return finding
    piece = Piece.of_revision(path, signature.byte_range, signature.contents, signature.hashed())
    gap = (signature.byte_range[1], signature.byte_range[2])
    return replace(finding, content=Content("pdf", (piece,), lambda parts: PdfRevision(parts[0].content, gap), label))


def _file_messages(reader: PdfFileReader, findings: list[Finding], embedded: list[Embedded]) -> list[Message]:
    if not findings or not embedded:
        return []
    messages = []
    last = max(embedded, key=lambda one: one.end)
    # Later signatures, timestamps and validation data explain themselves; fields filled after the last one do not,
    # and no timestamp makes up for it: it says when a file was there, not who answers for what is in it.
    # A timestamp's own field, which draws nothing, is no filling.
    regular = max((one.revision for one in embedded if not one.is_stamp), default=last.revision)
    if all(FILLED in finding.messages for finding in findings) and not only_stamped(reader, regular):
        messages.append(UNCOVERED)
    if last.coverage() is Coverage.REVISION:
        own = revisions_after(reader, last.revision) == 0
        if last.tail_is_foreign() if own else newest_tail_is_foreign(reader):
            messages.append(TAIL)
    if any(not is_padding(one.contents) for one in embedded):
        messages.append(PADDING)
    # Tools that add a timestamp say so in the properties; whatever else became of them no timestamp makes up for.
    settings = settings_changed(reader, regular, reader.xrefs.total_revisions - 1)
    if properties_rewritten(reader, last.revision) or set(settings.get("properties", ())) - BOOKKEEPING:
        messages.append(PROPERTIES)
    if "form" in settings:
        messages.append(FORM_SETTINGS)
    messages += value_messages(reader, min(one.revision for one in embedded))
    return messages
