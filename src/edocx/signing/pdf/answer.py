"""Who answers for what came into a PDF after a signature: a later signer who is trusted and signed the whole."""

from __future__ import annotations

from dataclasses import replace

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.messages import ADDED, ADDED_OTHERWISE, CHANGED
from edocx.signing.pdf.added import added_pages, page_message
from edocx.signing.pdf.additions import only_added, permits_additions
from edocx.signing.pdf.embedded import Embedded
from edocx.signing.pdf.exactness import followed_exactly
from edocx.signing.pdf.properties import Settings, settings_changed, settings_messages
from edocx.signing.report import Addition, Indication, Integrity, SignatureReport, SubIndication


def answered(
    reader: PdfFileReader, regular: list[Embedded], findings: list[Finding], criteria: Criteria
) -> list[SignatureReport]:
    """Judge all findings; content added after one counts for whoever signed the whole later, and is trusted.

    Settings of the file that changed up to the last signature are named with each earlier one.
    """
    last = max(regular, key=lambda one: one.revision, default=None)
    reports = []
    for place, finding in enumerate(findings):
        told = finding
        if last is not None and place < len(regular) and finding.integrity is Integrity.VALID:
            settings = settings_changed(reader, regular[place].revision, last.revision)
            told = replace(finding, messages=(*finding.messages, *settings_messages(settings, last.name)))
        reports.append(judge(told, criteria))
    for place, (signature, finding) in enumerate(zip(regular, findings, strict=False)):
        if CHANGED not in finding.messages or not permits_additions(signature):
            continue
        for later, report in zip(regular[place + 1 :], reports[place + 1 :], strict=False):
            other = report.certificate is not None and report.certificate.sha256 != _mark(reports[place])
            if other and report.indication is Indication.TOTAL_PASSED:
                kept = _with_addition(reader, signature, finding, later)
                if kept is not None:
                    reports[place] = judge(kept, criteria)
                break
    return reports


def _with_addition(reader: PdfFileReader, signature: Embedded, finding: Finding, later: Embedded) -> Finding | None:
    """Return the finding for its own revision, with what was added; None where it is more, or cannot be listed.

    Where readers could differ on what was added, nobody knows what the later signer saw: it is INDETERMINATE then.
    """
    if not only_added(reader, signature.revision, later.revision):
        return None
    pages = added_pages(reader, signature.revision, later.revision)
    if pages is None:
        return None
    exact = followed_exactly(signature)
    settings: Settings = settings_changed(reader, signature.revision, later.revision)
    return replace(
        finding,
        integrity=Integrity.VALID if exact else Integrity.INDETERMINATE,
        outcome=Indication.TOTAL_PASSED if exact else Indication.INDETERMINATE,
        failure=None if exact else SubIndication.GENERIC,
        messages=(
            (ADDED if exact else ADDED_OTHERWISE).model_copy(update={"where": later.name}),
            *map(page_message, pages),
            *settings_messages(settings, later.name),
        ),
        addition=Addition(by=later.name, before=signature.end, after=later.end, pages=pages, settings=tuple(settings)),
    )


def _mark(report: SignatureReport) -> str | None:
    return report.certificate.sha256 if report.certificate is not None else None
