"""Verifying CMS files: ``.p7m`` with the content inside, ``.p7s`` beside it (RFC 5652; CAdES EN 319 122-1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

from asn1crypto import cms, core, crl, ocsp, pem, x509
from asn1crypto.parser import peek

from edocx.content import Blob
from edocx.errors import InputError, Text
from edocx.signing.cms.archive import archive_tokens
from edocx.signing.cms.borrowed import BORROWED, HEAD, is_borrowed
from edocx.signing.cms.signer import (
    MALFORMED,
    MAX_ATTRIBUTES,
    Digester,
    SignerFinding,
    examine_signer,
    has_attributes,
    unsigned_attribute,
)
from edocx.signing.doctor import MAX_EXAMINED, explain
from edocx.signing.judgement import Criteria, Finding, in_file, judge, matched_by
from edocx.signing.mechanism import digest, finish, new_hash
from edocx.signing.messages import CONTENT_DIGEST, DIGEST, MALFORMED_SIGNATURE, TOO_MANY, TRAILING
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication
from edocx.signing.signed import Content, Piece, SignedFiles
from edocx.signing.token import MAX_TOKENS, Token, read_token
from edocx.signing.trust import TrustStore

MAX_CMS = 64 * 1024 * 1024
"""Bytes of a CMS file, its content included; larger content belongs beside its signature."""

MAX_SIGNERS = 100

_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_ARMOURED = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----", re.DOTALL)
_HARMLESS = b"\0 \t\r\n"
"""What mailers and devices with blocks of fixed length leave at an end: it can say nothing."""

_OCSP = "1.3.6.1.5.5.7.16.2"
"""Other revocation information that is an OCSP answer (RFC 5940)."""


class _Lists(core.SequenceOf):  # type: ignore[misc, unused-ignore]
    _child_spec = crl.CertificateList


class _Answers(core.SequenceOf):  # type: ignore[misc, unused-ignore]
    _child_spec = ocsp.BasicOCSPResponse


class _RevocationValues(core.Sequence):  # type: ignore[misc, unused-ignore]
    """CAdES RevocationValues (EN 319 122-1 A.1.2.2)."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure
        ("crls", _Lists, {"explicit": 0, "optional": True}),
        ("answers", _Answers, {"explicit": 1, "optional": True}),
        ("other", core.Any, {"explicit": 2, "optional": True}),
    ]


def verify_cms(path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only") -> Report:
    """Judge every signer of a CMS file; the content is inside, or the one file of ``criteria.detached``.

    Raises `InputError` (``EDX-CMS-UNREADABLE``) for what is no SignedData.
    """
    data = Blob.from_path(path).read(MAX_CMS)
    signed, trailing = read_signed_data(data, str(path))
    trailing = trailing or hides_pdf(data, signed)
    keep, label = criteria.witness is not None, name or str(path)
    findings = [in_file(one, label) for one in examine_content(signed, criteria.detached, keep=keep)]
    too_many = len(signed["signer_infos"]) > MAX_SIGNERS
    return Report.of(
        file=label,
        format="cms",
        policy=policy,
        signatures=[judge(finding, criteria) for finding in findings],
        messages=(*([TOO_MANY] if too_many else []), *([TRAILING] if trailing else [])),
        uncovered=too_many or trailing,
        matched=matched_by(findings),
    )


def hides_pdf(data: bytes, signed: cms.SignedData) -> bool:
    """Say whether viewers would open the file as a PDF that is not in the signed content but somewhere beside it."""
    inside = signed["encap_content_info"]["content"]
    content = b"" if isinstance(inside, core.Void) else bytes(inside)
    return data[:_PDF_HEAD].count(_PDF) > content[:_PDF_HEAD].count(_PDF)


_PDF, _PDF_HEAD = b"%PDF-", 1024
"""How a PDF begins, and where viewers look for that (ISO 32000-1 H.3.4.1)."""


def load_signed_data(data: bytes, where: str) -> cms.SignedData:
    """Read DER, BER, PEM or bare base64; raise `InputError` when no SignedData is in it."""
    return read_signed_data(data, where)[0]


def read_signed_data(data: bytes, where: str) -> tuple[cms.SignedData, bool]:
    """Read as `load_signed_data` does, and say whether anything but white space or zeros stands around it."""
    try:
        around = b""
        if pem.detect(data):
            around = _ARMOURED.sub(b"", data, count=1)
            _, headers, data = pem.unarmor(data)
            around += b"".join(f"{name}: {text}".encode() for name, text in headers.items())
        elif _BASE64.fullmatch(data[:4096]):
            data = base64.b64decode(b"".join(data.split()), validate=True)
        around += data[peek(data) :]
        outer = cms.ContentInfo.load(data)
        if outer["content_type"].native != "signed_data":
            raise ValueError("not a SignedData")
        signed = outer["content"]
        list(signed["signer_infos"])
        if not isinstance(inside := signed["encap_content_info"]["content"], core.Void):
            bytes(inside)
    except (*MALFORMED, binascii.Error) as error:
        raise InputError(
            Text("Tệp không phải chữ ký CMS (PKCS#7).", "The file is no CMS signature (PKCS#7)."),
            hint=Text("Kiểm tra tệp có bị hỏng khi truyền không.", "Check whether it was damaged on its way."),
            code="EDX-CMS-UNREADABLE",
            where=where,
        ) from error
    return signed, bool(around.strip(_HARMLESS))


def examine_content(
    signed: cms.SignedData, detached: Iterable[Path], *, label: str = "Signer", keep: bool = False
) -> Iterable[Finding]:
    """Check every signer over the content inside, or else over each detached file until one fits.

    Whoever means a file asks `Finding.matched`, or `examine_file`: content inside leaves every file unread. ``keep``
    gives each finding the content that was hashed.
    """
    inside = signed["encap_content_info"]["content"]
    files = _digesters(detached)

    def examine(info: cms.SignerInfo, name: str) -> Finding:
        if not isinstance(inside, core.Void):
            return _over_content(signed, info, bytes(inside), name, keep=keep)
        if not files:
            return _without_content(signed, info, name)
        return _over_files(signed, info, files, name, keep=keep)

    return _each(signed, label, examine)


def examine_file(signed: cms.SignedData, path: Path, *, label: str, keep: bool = False) -> Iterable[Finding]:
    """Check every signer over one file and nothing else; one that brings content of its own fails.

    Such a signature is over what it holds, whatever the file says: anybody can put a stranger's there, or the bytes of
    a PDF into the signature that was made for it.
    """
    if not isinstance(signed["encap_content_info"]["content"], core.Void):
        return (_failed(_blank(label), SubIndication.FORMAT_FAILURE, ENCLOSES),)
    files = _digesters((path,))
    return _each(signed, label, lambda info, name: _over_files(signed, info, files, name, keep=keep))


def _each(signed: cms.SignedData, label: str, examine: Callable[[cms.SignerInfo, str], Finding]) -> Iterable[Finding]:
    for order, info in enumerate(list(signed["signer_infos"])[:MAX_SIGNERS], 1):
        name = f"{label}-{order}"
        try:
            yield examine(info, name)
        except MALFORMED:  # what is parsed late, beside the signature itself: unsigned attributes, evidence
            yield _failed(_blank(name), SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)


def _over_content(signed: cms.SignedData, info: cms.SignerInfo, content: bytes, name: str, *, keep: bool) -> Finding:
    found = _finding(signed, info, partial(digest, data=content), name, content[:HEAD])
    if keep:
        found = replace(found, content=_content(Piece.of_bytes("content", content)))
    return _explained(found, content, signed, info)


def _digesters(files: Iterable[Path]) -> dict[Path, Digester]:
    """Return what digests each file: once by each hash, however many signers there are."""
    return {path: cache(_file_digester(path)) for path in files}


def _over_files(
    signed: cms.SignedData, info: cms.SignerInfo, files: dict[Path, Digester], name: str, *, keep: bool
) -> Finding:
    tried = {path: _finding(signed, info, digester, name, _start(path)) for path, digester in files.items()}
    first = next(iter(files))
    path = next((path for path, one in tried.items() if one.failure is None), first)
    found = replace(tried[path], matched=frozenset({path}))
    if keep:
        found = replace(found, content=_content(_file_piece(path, files[path], info)))
    small = len(files) == 1 and first.stat().st_size <= MAX_EXAMINED
    return _explained(found, first.read_bytes(), signed, info) if small else found


def _blank(name: str) -> Finding:
    return Finding(id=name, format="CMS", integrity=Integrity.VALID, covers="whole-document", algorithm="unknown")


def _content(piece: Piece) -> Content:
    return Content("cms", (piece,), SignedFiles)


def _file_piece(path: Path, digester: Digester, info: cms.SignerInfo) -> Piece:
    try:
        hash_name = str(info["digest_algorithm"]["algorithm"].native)
        return Piece.of_file(path.name, path, hash_name, digester(hash_name), path.suffix)
    except ValueError:
        return Piece.of_bytes(path.name, b"")  # an unknown hash: the finding has failed, nobody takes its content


def examine_beside(signed: cms.SignedData, content: bytes) -> Iterable[Finding]:
    """Check every signer of a detached signature over bytes; nothing where the content is inside."""
    if not isinstance(signed["encap_content_info"]["content"], core.Void):
        return ()
    digester = partial(digest, data=content)
    return _each(signed, "Signer", lambda info, name: _finding(signed, info, digester, name, content[:HEAD]))


def _explained(found: Finding, content: bytes, signed: cms.SignedData, info: cms.SignerInfo) -> Finding:
    if found.failure is not SubIndication.HASH_FAILURE:
        return found
    cause = explain(content, lambda data: examine_signer(signed, info, partial(digest, data=data)).failure is None)
    return found if cause is None else replace(found, messages=(*found.messages, cause))


def _start(path: Path) -> bytes:
    with Blob.from_path(path).open() as stream:
        return stream.read(HEAD)


def _finding(signed: cms.SignedData, info: cms.SignerInfo, content: Digester, name: str, start: bytes) -> Finding:
    signer = examine_signer(signed, info, content)
    if not has_attributes(info) and is_borrowed(start):
        signer = replace(signer, failure=SubIndication.FORMAT_FAILURE, message=BORROWED)
    found = Finding(
        id=name,
        format="CAdES" if signer.bound else "CMS",
        integrity=Integrity.VALID,
        covers="whole-document",
        algorithm=signer.algorithm,
        hash_names=signer.hash_names,
        certificate=signer.certificate,
        embedded=signer.others,
        claimed_time=signer.claimed_time,
    )
    if signer.failure is not None and signer.message is not None:
        message = CONTENT_DIGEST if signer.message == DIGEST else signer.message
        return _failed(found, signer.failure, message)
    tokens = tuple(
        read_token(value, lambda hash_name: digest(hash_name, signer.value))
        for value in unsigned_attribute(info, "signature_time_stamp_token")[:MAX_TOKENS]
    )
    archives, tokens, notes = archive_tokens(signed, info, content, tokens)
    notes = (*notes, *_unread(info))
    evidence = _evidence(signed, info)
    level = _level(signer, tokens, archives, evidence)
    return replace(found, tokens=tokens, archives=archives, evidence=evidence, level=level, messages=notes)


def _unread(info: cms.SignerInfo) -> tuple[Message, ...]:
    """Name the first unsigned attribute that is not one of CAdES: it may say anything, in anybody's name."""
    held = info["unsigned_attrs"]
    attributes = list(held)[:MAX_ATTRIBUTES] if isinstance(held, cms.CMSAttributes) else []
    names = [str(one["type"].dotted) for one in attributes]
    return tuple(_unsigned(one) for one in names if not one.startswith(_CADES) and one != _MICROSOFT_STAMP)[:1]


_CADES = ("1.2.840.113549.1.9.16.2.", "0.4.0.1733.2.", "0.4.0.19122.1.")
"""Arcs of timestamps, certificates, references and lists (EN 319 122-1, RFC 5126), checked where they count."""

_MICROSOFT_STAMP = "1.3.6.1.4.1.311.3.3.1"


def _unsigned(dotted: str) -> Message:
    return Message.of(
        "EDX-CMS-UNSIGNED",
        "warning",
        Text(
            "Bên cạnh chữ ký có thuộc tính không được ký và không được xét (như chữ ký đối chứng); ai cũng có thể viết "
            "vào, đừng tin nội dung của nó.",
            "Beside the signature stands an attribute that is neither signed nor judged (such as a countersignature); "
            "anybody may have written it: do not rely on it.",
        ),
        where=dotted[:100],
    )


def _level(
    signer: SignerFinding, tokens: tuple[Token, ...], archives: tuple[Token, ...], evidence: TrustStore
) -> Literal["B-B", "B-T", "B-LT", "B-LTA"] | None:
    if not signer.bound:
        return None
    if not any(token.intact for token in (*tokens, *archives)):
        return "B-B"
    if any(token.intact for token in archives) and any(token.intact for token in tokens):
        return "B-LTA"
    return "B-LT" if evidence.revocation_lists or evidence.ocsp_responses else "B-T"


def _without_content(signed: cms.SignedData, info: cms.SignerInfo, name: str) -> Finding:
    # Nothing to digest: value and certificate may still be named, but no verdict is possible.
    def refuse(_: str) -> bytes:
        return b""

    signer = examine_signer(signed, info, refuse)
    return Finding(
        id=name,
        format="CAdES" if signer.bound else "CMS",
        integrity=Integrity.INDETERMINATE,
        covers="whole-document",
        algorithm=signer.algorithm,
        hash_names=signer.hash_names,
        certificate=signer.certificate,
        embedded=signer.others,
        claimed_time=signer.claimed_time,
        outcome=Indication.INDETERMINATE,
        failure=SubIndication.SIGNED_DATA_NOT_FOUND,
        messages=(_NO_CONTENT,),
    )


def _failed(found: Finding, failure: SubIndication, message: Message) -> Finding:
    unknown = failure is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    return replace(
        found,
        integrity=Integrity.INDETERMINATE if unknown else Integrity.INVALID,
        outcome=Indication.INDETERMINATE if unknown else Indication.TOTAL_FAILED,
        failure=failure,
        messages=(message,),
    )


def _file_digester(path: Path) -> Digester:
    def compute(hash_name: str) -> bytes:
        hasher = new_hash(hash_name)
        for piece in Blob.from_path(path).pieces():
            hasher.update(piece)
        return finish(hasher)

    return compute


def _evidence(signed: cms.SignedData, info: cms.SignerInfo) -> TrustStore:
    certificates: list[x509.Certificate] = []
    lists: list[crl.CertificateList] = []
    answers: list[ocsp.OCSPResponse] = []
    try:
        for choice in signed["crls"] if isinstance(signed["crls"], cms.RevocationInfoChoices) else ():
            if choice.name == "crl":
                lists.append(choice.chosen)
            elif choice.chosen["other_rev_info_format"].dotted == _OCSP:
                answers.append(ocsp.OCSPResponse.load(choice.chosen["other_rev_info"].dump()))
        for value in unsigned_attribute(info, "1.2.840.113549.1.9.16.2.23"):
            certificates += list(core.SequenceOf.load(value.dump(), spec=x509.Certificate))
        for value in unsigned_attribute(info, "1.2.840.113549.1.9.16.2.24"):
            values = _RevocationValues.load(value.dump())
            lists += list(values["crls"] or ())
            answers += [_answer(basic) for basic in values["answers"] or ()]
    except MALFORMED:
        return TrustStore((), tuple(certificates), tuple(lists), tuple(answers))
    return TrustStore((), tuple(certificates), tuple(lists), tuple(answers))


def _answer(basic: ocsp.BasicOCSPResponse) -> ocsp.OCSPResponse:
    body = {"response_type": "basic_ocsp_response", "response": basic}
    return ocsp.OCSPResponse({"response_status": "successful", "response_bytes": body})


_NO_CONTENT = Message.of(
    "EDX-CMS-CONTENT",
    "error",
    Text(
        "Tệp chỉ chứa chữ ký, không chứa nội dung đã ký; đưa nội dung bằng --detached.",
        "The file holds the signature only, not what was signed; give the content with --detached.",
    ),
)
ENCLOSES = Message.of(
    "EDX-CMS-ENCLOSES",
    "error",
    Text(
        "Chữ ký mang theo nội dung riêng, trong khi nó phải ký tệp nằm cạnh (EN 319 162-1); không chữ ký nào ở đây bao "
        "trùm tệp đó. Đề nghị bên gửi ký lại, để nội dung ở ngoài chữ ký.",
        "The signature carries content of its own where it must sign the file beside it (EN 319 162-1); nothing here "
        "signs that file. Ask the sender to sign it again, with the content outside of the signature.",
    ),
)
