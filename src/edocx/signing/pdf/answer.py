"""Who answers for what came into a PDF after a signature: a later signer who is trusted and signed the whole."""

from __future__ import annotations

from dataclasses import replace

from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.messages import ADDED, CHANGED
from edocx.signing.pdf.added import added_pages, page_message
from edocx.signing.pdf.additions import only_added, permits_additions
from edocx.signing.pdf.embedded import Embedded
from edocx.signing.report import Addition, Indication, Integrity, SignatureReport


def answered(
    reader: PdfFileReader, regular: list[Embedded], findings: list[Finding], criteria: Criteria
) -> list[SignatureReport]:
    """Judge all findings; content added after one counts for whoever signed the whole later, and is trusted."""
    reports = [judge(finding, criteria) for finding in findings]
    for place, (signature, finding) in enumerate(zip(regular, findings, strict=False)):
        if CHANGED not in finding.messages or not permits_additions(signature):
            continue
        for later, report in zip(regular[place + 1 :], reports[place + 1 :], strict=False):
            other = report.certificate is not None and report.certificate.sha256 != _mark(reports[place])
            if other and report.indication is Indication.TOTAL_PASSED:
                if only_added(reader, signature.revision, later.revision):
                    pages = added_pages(reader, signature.revision, later.revision)
                    kept = replace(
                        finding,
                        integrity=Integrity.VALID,
                        outcome=Indication.TOTAL_PASSED,
                        failure=None,
                        messages=(ADDED.model_copy(update={"where": later.name}), *map(page_message, pages)),
                        addition=Addition(by=later.name, before=signature.end, after=later.end, pages=pages),
                    )
                    reports[place] = judge(kept, criteria)
                break
    return reports


def _mark(report: SignatureReport) -> str | None:
    return report.certificate.sha256 if report.certificate is not None else None
