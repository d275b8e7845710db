"""Verifying the signatures of a PDF.

1. Find the signatures through the document's structure; where it no longer parses, by their bytes (`salvage`).
2. Parse the CMS and take the signing certificate (EN 319 102-1 5.2.2, 5.2.3): `edocx.signing.cms.signer`.
3. Digest the byte range, check the signature value (5.2.7).
4. Coverage: the range must start at 0, leave out the signature alone, and end where a revision ends (`embedded`).
5. Later changes: every one is classified; what is not explained fails (`changes`; ISO 32000-2 12.8.2.2, FieldMDP).
6. Timestamps: in the signature, and document timestamps over it (`edocx.signing.token`).
7. Trust, proof of existence, algorithms, registry: `edocx.signing.judgement`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from asn1crypto import cms, core
from asn1crypto.parser import peek
from pyhanko.pdf_utils.generic import parse_pdf_date
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.clock import VIETNAM
from edocx.errors import LimitExceeded, PdfError, SigningRefused
from edocx.signing.budget import Budget
from edocx.signing.certificate import parse_certificate
from edocx.signing.cms.signer import SignerFinding, examine_signer, unsigned_attribute
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.mechanism import Mechanism, digest, load_key
from edocx.signing.messages import (
    ADDED,
    BUDGET,
    CHANGED,
    CONTENTS,
    DIGEST,
    ENCAPSULATED,
    FILLED,
    MALFORMED_SIGNATURE,
    PADDING,
    RANGE,
    SUBFILTER,
    TAIL,
    TOO_MANY,
    UNCOVERED,
    VALUE,
)
from edocx.signing.pdf.accident import accident_to
from edocx.signing.pdf.added import added_pages, page_message
from edocx.signing.pdf.additions import only_added, permits_additions
from edocx.signing.pdf.causes import recognise_changes
from edocx.signing.pdf.changes import Change, classify, revisions_after
from edocx.signing.pdf.covering import only_stamped
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.embedded import Coverage, Embedded, embedded_in, ends_revision
from edocx.signing.pdf.evidence import archived_in, evidence_in, responders
from edocx.signing.pdf.fast.signatures import PlainSignature, open_plain
from edocx.signing.pdf.properties import PROPERTIES, properties_rewritten
from edocx.signing.pdf.salvage import salvage_signatures
from edocx.signing.receipt import NOT_A_REVISION
from edocx.signing.report import Addition, Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.signed import Content, PdfRevision, Piece
from edocx.signing.token import MAX_TOKENS, Token, read_token
from edocx.signing.trust import TrustStore

MAX_SIGNATURES = 200
"""In one file: each costs a difference analysis; a joint document has a few dozen at most."""

_PLAIN = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"})

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
            if file is None or not all(_is_padding(one.contents) for one in file.signatures):
                return None
            stamps = [one for one in file.signatures if one.is_stamp]
            regular = [one for one in file.signatures if not one.is_stamp]
            tokens = [_document_token(one) for one in stamps]
            findings = [_find(one, tokens, file.evidence, budget) for one in regular]
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
    tokens = {id(stamp): _document_token(stamp) for stamp in stamps}
    evidence = evidence_in(reader)
    findings = [_find(one, [tokens[id(stamp)] for stamp in stamps], evidence, budget) for one in regular]
    if criteria.witness is not None:
        findings = [_with_content(*pair, path, label) for pair in zip(regular, findings, strict=True)]
    findings += [_stamp_finding(stamp, tokens[id(stamp)]) for stamp in stamps if not tokens[id(stamp)].intact]
    if not regular and not broken:  # a document that carries nothing but a timestamp
        findings += [_stamp_finding(stamp, tokens[id(stamp)]) for stamp in stamps if tokens[id(stamp)].intact]
    findings += [_broken(name) for name in broken]
    messages = _file_messages(reader, findings, embedded)
    uncovered = any(message in messages for message in (UNCOVERED, TAIL, PADDING))
    if too_many:
        messages.append(TOO_MANY)
    return Report.of(
        file=label,
        format="pdf",
        policy=policy,
        signatures=_answered(reader, regular, findings, criteria),
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


def _answered(
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
    if revisions_after(reader, last.revision) == 0 and last.coverage() is Coverage.REVISION and last.tail_is_foreign():
        messages.append(TAIL)
    if any(not _is_padding(one.contents) for one in embedded):
        messages.append(PADDING)
    if properties_rewritten(reader, last.revision):
        messages.append(PROPERTIES)
    return messages


def _is_padding(contents: bytes) -> bool:
    """Whether nothing but zeros follows the CMS in its room: no signature covers that room."""
    try:
        return not contents[peek(contents) :].strip(b"\0")
    except ValueError:
        return True  # no CMS at all: the signature itself is judged malformed


def _find(signature: Embedded | PlainSignature, stamps: list[Token], evidence: TrustStore, budget: Budget) -> Finding:
    blank = Finding(
        id=signature.name,
        format="PAdES" if signature.subfilter == "/ETSI.CAdES.detached" else "CMS",
        integrity=Integrity.INDETERMINATE,
        covers="earlier-revision",
        algorithm="unknown",
        end=signature.end,
    )
    try:
        budget.check()
        found = _find_signer(signature, blank, stamps, evidence)
        return found if found.failure is not None else _find_changes(signature, found)
    except LimitExceeded:
        outcome, failure = Indication.INDETERMINATE, SubIndication.GENERIC
        return replace(blank, outcome=outcome, failure=failure, messages=(BUDGET,))
    except MALFORMED:
        return _failed(blank, SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)


def _find_signer(
    signature: Embedded | PlainSignature, blank: Finding, stamps: list[Token], evidence: TrustStore
) -> Finding:
    if signature.subfilter == "/adbe.x509.rsa_sha1" and isinstance(signature, Embedded):
        return _find_bare(signature, blank)
    if signature.subfilter not in _PLAIN and signature.subfilter != "/adbe.pkcs7.sha1":
        return _failed(blank, SubIndication.FORMAT_FAILURE, SUBFILTER)
    signed = _signed_data(signature.contents)
    info = _only_signer(signed)
    digester = signature.digest
    inside = signed["encap_content_info"]["content"]
    if signature.subfilter == "/adbe.pkcs7.sha1":
        content = bytes(inside)
        if content != signature.digest("sha1"):
            return _failed(blank, SubIndication.HASH_FAILURE, DIGEST)
        signer = examine_signer(signed, info, lambda name: digest(name, content))
        signer = replace(signer, hash_names=(*signer.hash_names, "sha1"))
    else:
        if not isinstance(inside, core.Void):  # an empty one too: its digest would not be the file's
            return _failed(blank, SubIndication.FORMAT_FAILURE, ENCAPSULATED)
        signer = examine_signer(signed, info, digester)
    found = replace(
        blank,
        algorithm=signer.algorithm,
        hash_names=signer.hash_names,
        certificate=signer.certificate,
        embedded=signer.others,
        claimed_time=signer.claimed_time or _dictionary_time(signature),
    )
    if signer.failure is not None and signer.message is not None:
        return _failed(found, signer.failure, signer.message)
    return _with_time(found, signature, signer, info, stamps, evidence=evidence)


def _with_time(
    found: Finding,
    signature: Embedded | PlainSignature,
    signer: SignerFinding,
    info: cms.SignerInfo,
    stamps: list[Token],
    *,
    evidence: TrustStore,
) -> Finding:
    values = unsigned_attribute(info, "signature_time_stamp_token")[:MAX_TOKENS]
    own = tuple(read_token(value, lambda name: digest(name, signer.value)) for value in values)
    over = tuple(token for token in stamps if token.intact and (token.end or 0) > signature.end)
    gathered = evidence | archived_in(info)
    gathered |= TrustStore((), responders(gathered.ocsp_responses))
    level = _level(found, signer, own, over, gathered)
    return replace(found, tokens=own, archives=over, evidence=gathered, level=level)


def _level(
    found: Finding, signer: SignerFinding, own: tuple[Token, ...], over: tuple[Token, ...], evidence: TrustStore
) -> Literal["B-B", "B-T", "B-LT", "B-LTA"] | None:
    # EN 319 142-1 6: B-B binds the certificate, B-T has a timestamp, B-LT the means to judge, B-LTA one over these.
    if found.format != "PAdES" or not signer.bound:
        return None
    if not any(token.intact for token in (*own, *over)):
        return "B-B"
    if not evidence.revocation_lists and not evidence.ocsp_responses:
        return "B-T"
    return "B-LTA" if over and (any(t.intact for t in own) or len(over) > 1) else "B-LT"


def _find_bare(signature: Embedded, blank: Finding) -> Finding:
    # adbe.x509.rsa_sha1: the bare value in an octet string, the certificate in the dictionary (ISO 32000-1 12.8.3.2)
    certificates = tuple(parse_certificate(data) for data in signature.certificates)
    if not certificates:
        raise ValueError("/Cert is missing")
    mechanism = Mechanism("pkcs1v15", "sha1")
    found = replace(
        blank, certificate=certificates[0], embedded=certificates[1:], algorithm=mechanism.name, hash_names=("sha1",),
        claimed_time=_dictionary_time(signature),
    )  # fmt: skip
    try:
        key = load_key(certificates[0].public_key)
    except SigningRefused:
        return _failed(found, SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)
    value = core.OctetString.load(signature.contents).native
    if mechanism.mismatch_of_digest(key, value, signature.digest("sha1")) is not None:
        return _failed(found, SubIndication.SIG_CRYPTO_FAILURE, VALUE)
    return found


def _find_changes(signature: Embedded | PlainSignature, found: Finding) -> Finding:
    match signature.coverage():
        case Coverage.FILE:
            return replace(found, integrity=Integrity.VALID, covers="whole-document")
        case Coverage.WRONG:
            return _failed(found, SubIndication.FORMAT_FAILURE, RANGE)
        case Coverage.FOREIGN_GAP:
            return _failed(found, SubIndication.FORMAT_FAILURE, CONTENTS)
        case Coverage.REVISION:
            pass
    change = _change_after(signature)
    if change >= Change.ANNOTATED and isinstance(signature, Embedded):
        failed = _failed(found, SubIndication.FORMAT_FAILURE, CHANGED)
        return replace(failed, messages=(CHANGED, *recognise_changes(signature)))
    messages = (FILLED,) if change is Change.FILLED else ()
    covers: Literal["whole-document", "earlier-revision"] = (
        "whole-document" if change is Change.NONE else "earlier-revision"
    )
    return replace(found, integrity=Integrity.VALID, covers=covers, messages=messages)


def _change_after(signature: Embedded | PlainSignature) -> Change:
    return signature.change if isinstance(signature, PlainSignature) else classify(signature)


def _document_token(stamp: Embedded | PlainSignature) -> Token:
    try:
        token = read_token(stamp.contents, stamp.digest)
        covered = stamp.coverage() in {Coverage.FILE, Coverage.REVISION}
        unchanged = covered and _change_after(stamp) < Change.ANNOTATED
    except (*MALFORMED, LimitExceeded):
        return Token(intact=False, end=stamp.end)
    return replace(token, intact=token.intact and unchanged, end=stamp.end)


def _stamp_finding(stamp: Embedded, token: Token) -> Finding:
    signer = token.signer or SignerFinding()
    finding = Finding(
        id=stamp.name,
        format="CMS",
        integrity=Integrity.VALID,
        covers="whole-document" if stamp.coverage() is Coverage.FILE else "earlier-revision",
        algorithm=signer.algorithm,
        hash_names=(*signer.hash_names, token.hash_name),
        certificate=token.certificate,
        embedded=signer.others,
        claimed_time=token.time,
        is_stamp=True,
    )
    return (
        finding
        if token.intact
        else _failed(finding, signer.failure or SubIndication.HASH_FAILURE, signer.message or DIGEST)
    )


def _broken(name: str) -> Finding:
    blank = Finding(id=name, format="CMS", integrity=Integrity.INVALID, covers="earlier-revision", algorithm="unknown")
    return _failed(blank, SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)


def _failed(found: Finding, failure: SubIndication, message: Message) -> Finding:
    indeterminate = failure is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    return replace(
        found,
        integrity=Integrity.INDETERMINATE if indeterminate else Integrity.INVALID,
        outcome=Indication.INDETERMINATE if indeterminate else Indication.TOTAL_FAILED,
        failure=failure,
        messages=(message,),
    )


def _signed_data(contents: bytes) -> cms.SignedData:
    outer = cms.ContentInfo.load(contents)
    if outer["content_type"].native != "signed_data":
        raise ValueError("not a SignedData")
    return outer["content"]


def _only_signer(signed: cms.SignedData) -> cms.SignerInfo:
    # EN 319 142-1 4.3: one SignerInfo, no more.
    if len(signed["signer_infos"]) != 1:
        raise ValueError("a PDF signature has one signer")
    return signed["signer_infos"][0]


def _dictionary_time(signature: Embedded | PlainSignature) -> datetime | None:
    try:
        moment = parse_pdf_date(str(signature.dictionary["/M"]), strict=False)
    except MALFORMED:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
