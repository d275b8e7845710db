"""Verifying the signatures of a PDF.

1. Find the signatures through the document's structure; where it no longer parses, by their bytes (`salvage`).
2. Parse the CMS and take the signing certificate (EN 319 102-1 5.2.2, 5.2.3; attribute signing-certificate-v2).
3. Digest the byte range, check the signature value (5.2.7).
4. Coverage: the range must start at 0 and leave out the signature alone.
5. Later changes: every one is classified; what is not explained fails (ISO 32000-1 12.8.2.2, FieldMDP).
6. Trust, algorithms, registry: `edocx.signing.judgement`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel, SuspiciousModification
from pyhanko.sign.general import CMSExtractionError
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr, validate_sig_integrity
from pyhanko.sign.validation.status import SignatureCoverageLevel

from edocx.errors import PdfError, Text
from edocx.signing.algorithms import describe_mechanism
from edocx.signing.certificate import fingerprint
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.messages import CHANGED, DIGEST, FILLED, MALFORMED_SIGNATURE, RANGE, UNCOVERED, VALUE
from edocx.signing.pdf.document import MALFORMED, open_pdf
from edocx.signing.pdf.salvage import salvage_signatures
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication

MAX_SIGNATURES = 200
"""In one file: each costs a difference analysis; a joint document has a few dozen at most."""

_WEAK_DIGESTS = frozenset({"md5", "sha1", "sha224"})
_CRYPTO_FAULTS = (*MALFORMED, SignatureValidationError, CMSExtractionError, AssertionError)

# pyHanko reports each suspicious change with its traceback; what matters of it stands in the verdict.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def verify_pdf(path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only") -> Report:
    """Judge every signature of a PDF; raise `PdfError` only when nothing in it can be judged."""
    label = name or str(path)
    try:
        with open_pdf(path) as reader:
            return _judge_file(reader, criteria, label, policy)
    except PdfError as error:
        if error.code != "EDX-PDF-DAMAGED":
            raise
        findings = salvage_signatures(path)
        if not findings:
            raise
        reports = [judge(finding, criteria) for finding in findings]
        return Report.of(file=label, format="pdf", policy=policy, signatures=reports)


def _judge_file(reader: PdfFileReader, criteria: Criteria, label: str, policy: str) -> Report:
    try:
        embedded = reader.embedded_signatures
        stamps = [s for s in embedded if str(s.sig_object_type) == "/DocTimeStamp"]
    except _CRYPTO_FAULTS as error:
        raise _unparsable(label) from error
    regular = [s for s in embedded if s not in stamps][:MAX_SIGNATURES]
    findings = [_find(signature) for signature in regular]
    # Later signatures, timestamps and validation data explain themselves; fields filled after the last one do not.
    stamped = any(_covers_file(stamp) for stamp in stamps)
    uncovered = bool(findings) and not stamped and all(FILLED in finding.messages for finding in findings)
    return Report.of(
        file=label,
        format="pdf",
        policy=policy,
        signatures=[judge(finding, criteria) for finding in findings],
        messages=(UNCOVERED,) if uncovered else (),
        uncovered=uncovered,
    )


def _find(signature: EmbeddedPdfSignature) -> Finding:
    blank = Finding(
        id=signature.field_name or "?",
        format="PAdES" if str(signature.sig_object.get("/SubFilter")) == "/ETSI.CAdES.detached" else "CMS",
        integrity=Integrity.INDETERMINATE,
        covers="earlier-revision",
        algorithm="unknown",
    )
    try:
        return _find_integrity(signature, blank)
    except _CRYPTO_FAULTS:
        return replace(
            blank,
            outcome=Indication.TOTAL_FAILED,
            failure=SubIndication.FORMAT_FAILURE,
            messages=(MALFORMED_SIGNATURE,),
        )


def _find_integrity(signature: EmbeddedPdfSignature, blank: Finding) -> Finding:
    info = signature.signer_info
    mechanism = info["signature_algorithm"]
    digest_name = signature.md_algorithm
    attributes = info["signed_attrs"]
    has_binding = bool(attributes) and get_signing_cert_attr(attributes) is not None
    certificate = signature.signer_cert
    found = replace(
        blank,
        certificate=certificate,
        embedded=tuple(c for c in signature.other_embedded_certs if fingerprint(c) != fingerprint(certificate)),
        algorithm=describe_mechanism(mechanism.signature_algo, digest_name),
        level="B-B" if blank.format == "PAdES" and has_binding else None,
        claimed_time=signature.self_reported_timestamp,
        weak=digest_name in _WEAK_DIGESTS,
    )
    signature.compute_integrity_info()
    intact, valid = validate_sig_integrity(info, certificate, "data", signature.compute_digest())
    if not intact:
        return _failed(found, SubIndication.HASH_FAILURE, DIGEST)
    if not valid:
        return _failed(found, SubIndication.SIG_CRYPTO_FAILURE, VALUE)
    return _find_changes(signature, found)


def _find_changes(signature: EmbeddedPdfSignature, found: Finding) -> Finding:
    summary = signature.summarise_integrity_info()
    coverage = summary["coverage"]
    if coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return replace(found, integrity=Integrity.VALID, covers="whole-document")
    if coverage is not SignatureCoverageLevel.ENTIRE_REVISION:
        return _failed(found, SubIndication.FORMAT_FAILURE, RANGE)
    changes = summary["diff_result"]
    if isinstance(changes, SuspiciousModification) or not summary["docmdp_ok"]:
        return _failed(found, SubIndication.FORMAT_FAILURE, CHANGED)
    messages = (FILLED,) if changes.modification_level >= ModificationLevel.FORM_FILLING else ()
    return replace(found, integrity=Integrity.VALID, messages=messages)


def _failed(found: Finding, failure: SubIndication, message: Message) -> Finding:
    return replace(
        found,
        integrity=Integrity.INVALID,
        outcome=Indication.TOTAL_FAILED,
        failure=failure,
        messages=(message,),
    )


def _covers_file(stamp: EmbeddedPdfSignature) -> bool:
    try:
        stamp.compute_integrity_info(skip_diff=True)
    except _CRYPTO_FAULTS:
        return False
    return stamp.coverage is SignatureCoverageLevel.ENTIRE_FILE


def _unparsable(label: str) -> PdfError:
    return PdfError(
        Text("Cấu trúc chữ ký trong tệp PDF bị hỏng.", "The PDF's signature structure is damaged."),
        hint=Text("Lấy lại tệp từ nơi gửi.", "Fetch the file again from its sender."),
        code="EDX-PDF-DAMAGED",
        where=label,
    )
