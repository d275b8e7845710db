"""One signature of a PDF: what its own bytes, and those after it, tell of it (steps 2 to 6 of `verify`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from asn1crypto import cms, core
from asn1crypto.parser import peek
from pyhanko.pdf_utils.generic import parse_pdf_date

from edocx.clock import VIETNAM
from edocx.errors import LimitExceeded, SigningRefused
from edocx.signing.budget import Budget
from edocx.signing.certificate import parse_certificate
from edocx.signing.cms.signer import SignerFinding, examine_signer, unsigned_attribute
from edocx.signing.judgement import Finding
from edocx.signing.mechanism import Mechanism, digest, load_key
from edocx.signing.messages import (
    APPENDED,
    BUDGET,
    CHANGED,
    CONTENTS,
    DIGEST,
    ENCAPSULATED,
    FILLED,
    MALFORMED_SIGNATURE,
    RANGE,
    SUBFILTER,
    VALUE,
)
from edocx.signing.pdf.causes import recognise_changes
from edocx.signing.pdf.changes import Change, classify
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Coverage, Embedded
from edocx.signing.pdf.evidence import archived_in, responders
from edocx.signing.pdf.exactness import followed_exactly
from edocx.signing.pdf.fast.signatures import PlainSignature
from edocx.signing.pdf.linearised import LINEARISED, front_takes_over
from edocx.signing.report import Indication, Integrity, Message, SubIndication
from edocx.signing.token import MAX_TOKENS, Token, read_token
from edocx.signing.trust import TrustStore

_PLAIN = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"})


_MISSING = {Coverage.WRONG: RANGE, Coverage.FOREIGN_GAP: CONTENTS}
"""What to say of a byte range that does not cover what it must."""


def is_padding(contents: bytes) -> bool:
    """Whether nothing but zeros follows the CMS in its room: no signature covers that room."""
    try:
        return not contents[peek(contents) :].strip(b"\0")
    except ValueError:
        return True  # no CMS at all: the signature itself is judged malformed


def examine(signature: Embedded | PlainSignature, stamps: list[Token], evidence: TrustStore, budget: Budget) -> Finding:
    """Find out about one signature what its bytes tell: digest, value, coverage, later changes, timestamps.

    ``stamps`` are the document timestamps of the file, ``evidence`` is what it brings. Malformed signatures and an
    exhausted budget are findings too.
    """
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
    if isinstance(signature, Embedded) and front_takes_over(signature.reader):
        return _failed(found, SubIndication.FORMAT_FAILURE, LINEARISED)
    coverage = signature.coverage()
    if coverage in _MISSING:
        return _failed(found, SubIndication.FORMAT_FAILURE, _MISSING[coverage])
    if coverage is Coverage.FILE:
        return replace(found, integrity=Integrity.VALID, covers="whole-document")
    change = _change_after(signature)
    if change < Change.ANNOTATED and isinstance(signature, Embedded) and not followed_exactly(signature):
        return _failed(found, SubIndication.FORMAT_FAILURE, APPENDED)
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


def document_token(stamp: Embedded | PlainSignature) -> Token:
    """Read a document timestamp; it is intact only while what it covers is, and nothing but fields came after."""
    try:
        token = read_token(stamp.contents, stamp.digest)
        covered = stamp.coverage() in {Coverage.FILE, Coverage.REVISION}
        unchanged = covered and _change_after(stamp) < Change.ANNOTATED
        if unchanged and isinstance(stamp, Embedded) and stamp.coverage() is Coverage.REVISION:
            unchanged = followed_exactly(stamp)
        if isinstance(stamp, Embedded) and front_takes_over(stamp.reader):
            unchanged = False
    except (*MALFORMED, LimitExceeded):
        return Token(intact=False, end=stamp.end)
    return replace(token, intact=token.intact and unchanged, end=stamp.end)


def stamp_finding(stamp: Embedded, token: Token) -> Finding:
    """Make a finding of its own out of a document timestamp: a broken one, or the only one there is."""
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


def unreadable(name: str) -> Finding:
    """Make the finding of a signature field whose dictionary cannot be read at all."""
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
