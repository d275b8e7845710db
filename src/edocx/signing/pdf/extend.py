"""Lifting signatures that are there already: proof of time, validation data, archive timestamp (EN 319 142-1 5.4-5.6).

Only revisions are appended; no signed byte changes. A signature without a timestamp of its own gets its proof of
time from a document timestamp, which covers every signature before it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from asn1crypto import cms
from pyhanko.pdf_utils.misc import PdfWriteError
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.general import CMSExtractionError, SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

from edocx.content import PIECE, durable_file, storage_translated
from edocx.errors import SigningRefused, StateError, Text, UsageError
from edocx.signing.algorithms import HashName
from edocx.signing.evidence import Collected, Evidence, collect
from edocx.signing.pdf.document import MALFORMED, damaged, open_source
from edocx.signing.pdf.evidence import evidence_in
from edocx.signing.pdf.revision import Revision, open_revision
from edocx.signing.timestamp import SignatureLevel, Timestamper, token_certificates, token_time
from edocx.signing.working_file import clear_abandoned

_ORDER: tuple[SignatureLevel, ...] = ("B-B", "B-T", "B-LT", "B-LTA")
_HASH: HashName = "sha256"
_CMS_FAULTS = (*MALFORMED, CMSExtractionError, SignatureValidationError, AssertionError)


@storage_translated()
def extend_file(
    source: Path,
    out: Path,
    level: SignatureLevel,
    *,
    at: datetime,
    timestamps: Timestamper | None = None,
    evidence: Evidence | None = None,
) -> Path:
    """Write ``source`` with all its signatures lifted to ``level`` to ``out`` (which may be the same path).

    B-T adds a document timestamp where a signature has no proof of time; B-LT the certificates, CRLs and OCSP
    answers of every signature and timestamp; B-LTA a document timestamp over all that. ``at`` is the moment at which
    certificates without proof of time are judged. Lifting again renews the archive timestamp. Raises `UsageError`
    when the level needs services that were not given, `StateError` (``EDX-EXTEND-UNSIGNED``), `PdfError`, and what
    the services raise; ``out`` is whole or untouched.
    """
    require_means(level, timestamps, evidence)
    clear_abandoned(out.parent)
    with open_source(source) as stream:
        _require_signed(open_revision(stream, str(source)), source)
        with durable_file(out) as target:
            stream.seek(0)
            shutil.copyfileobj(stream, target, PIECE)
            try:
                _lift(target, str(source), level, at=at, timestamps=timestamps, evidence=evidence)
            except (SigningError, PdfWriteError) as error:
                raise _refused(source) from error
            except _CMS_FAULTS as error:
                raise damaged(str(source)) from error
    return out


def require_means(level: SignatureLevel, timestamps: Timestamper | None, evidence: Evidence | None) -> None:
    """Raise `UsageError` when a level needs a service or evidence that was not given."""
    rank = _ORDER.index(level)
    if rank == 0:
        raise UsageError(
            Text("B-B là mức thấp nhất, không nâng lên được.", "B-B is the lowest level; nothing can be lifted to it."),
            hint=Text("Chọn B-T, B-LT hoặc B-LTA.", "Choose B-T, B-LT or B-LTA."),
            code="EDX-USAGE-LEVEL",
        )
    if timestamps is None:
        raise UsageError(
            Text(f"Mức {level} cần dịch vụ cấp dấu thời gian.", f"Level {level} needs a time-stamping service."),
            hint=Text("Chỉ ra địa chỉ bằng --tsa.", "Name one with --tsa."),
            code="EDX-USAGE-TSA",
        )
    if rank > 1 and evidence is None:
        raise UsageError(
            Text(f"Mức {level} cần gốc tin cậy và CRL hoặc OCSP.", f"Level {level} needs trust and CRLs or OCSP."),
            hint=Text("Chỉ ra kho tin cậy bằng --trust.", "Name trust material with --trust."),
            code="EDX-USAGE-EVIDENCE",
        )


def _lift(
    stream: BinaryIO,
    where: str,
    level: SignatureLevel,
    *,
    at: datetime,
    timestamps: Timestamper | None,
    evidence: Evidence | None,
) -> None:
    assert timestamps is not None
    if not all(_proofs(open_revision(stream, where))):
        _append_timestamp(stream, where, timestamps)
    if level == "B-T":
        return
    assert evidence is not None
    _append_evidence(stream, where, at, evidence)
    if level == "B-LTA":
        _append_timestamp(stream, where, timestamps)


def _proofs(revision: Revision) -> Iterable[bool]:
    """Tell for each signature whether something proves when it existed: its own token, or a later timestamp."""
    embedded = revision.prev.embedded_signatures
    for order, signature in enumerate(embedded):
        if _is_stamp(signature):
            continue
        later = any(_is_stamp(other) for other in embedded[order + 1 :])
        yield later or _own_token(signature) is not None


def _append_timestamp(stream: BinaryIO, where: str, timestamps: Timestamper) -> None:
    size = stream.seek(0, os.SEEK_END)
    room = timestamps.room
    while True:
        revision = open_revision(stream, where)
        name = f"EdocxTimestamp{len(revision.prev.embedded_signatures) + 1}"
        stamp = DocumentTimestamp(bytes_reserved=2 * room)
        steps = PdfCMSEmbedder(SigFieldSpec(name)).write_cms(name, revision)
        next(steps)
        steps.send(SigObjSetup(stamp))
        prepared, _ = steps.send(SigIOSetup(_HASH, in_place=True, chunk_size=PIECE))
        token = timestamps.timestamp(prepared.document_digest, _HASH)
        if len(token) <= room:
            prepared.fill_reserved_region(stream, token)
            return
        # A token larger than any before: take the revision back and leave more room.
        stream.truncate(size)
        room = len(token) + len(token) // 4


def _append_evidence(stream: BinaryIO, where: str, at: datetime, evidence: Evidence) -> None:
    revision = open_revision(stream, where)
    # What the file holds from then counts for then: today's lists say nothing of the day it was signed.
    evidence = Evidence(evidence.trust | evidence_in(revision.prev).as_evidence(), evidence.source)
    found = Collected()
    for signature in revision.prev.embedded_signatures:
        found |= _evidence_of(signature, revision.prev.embedded_signatures, at, evidence)
    try:
        DocumentSecurityStore.supply_dss_in_writer(
            revision,
            None,
            certs=found.certificates,
            crls=found.revocation_lists,
            ocsps=found.ocsp_responses,
        )
    except MALFORMED as error:
        raise damaged(where) from error
    revision.write_in_place()  # type: ignore[no-untyped-call]


def _evidence_of(
    signature: EmbeddedPdfSignature, all_of_them: list[EmbeddedPdfSignature], at: datetime, evidence: Evidence
) -> Collected:
    # What a later timestamp covers is proved to have existed then, so that is when its certificate had to be good
    # (EN 319 102-1 5.5.4), though it expired since.
    later = [other for other in all_of_them[all_of_them.index(signature) + 1 :] if _is_stamp(other)]
    vouched = token_time(_token(later[0].signed_data)) if later else at
    if _is_stamp(signature):
        return _evidence_of_token(signature.signed_data, evidence, vouched)
    own = _own_token(signature)
    if own is None:
        return collect(signature.signer_cert, signature.other_embedded_certs, evidence, vouched)
    proved = collect(signature.signer_cert, signature.other_embedded_certs, evidence, token_time(_token(own)))
    return _evidence_of_token(own, evidence, vouched) | proved


def _evidence_of_token(signed_data: Any, evidence: Evidence, at: datetime) -> Collected:
    certificate, others = token_certificates(_token(signed_data))
    return collect(certificate, others, evidence, at)


def _own_token(signature: EmbeddedPdfSignature) -> Any:
    return next(extract_tst_data_iter(signature.signer_info, signed=False), None)


def _token(signed_data: Any) -> bytes:
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())


def _is_stamp(signature: EmbeddedPdfSignature) -> bool:
    return str(signature.sig_object_type) == "/DocTimeStamp"


def _require_signed(revision: Revision, source: Path) -> None:
    try:
        signed = bool(revision.prev.embedded_signatures)
    except _CMS_FAULTS as error:
        raise damaged(str(source)) from error
    if not signed:
        raise StateError(
            Text("Tệp chưa có chữ ký nào để nâng mức.", "The file has no signature to lift."),
            hint=Text("Ký trước bằng `edocx sign`.", "Sign it first with `edocx sign`."),
            code="EDX-EXTEND-UNSIGNED",
            where=str(source),
        )


def _refused(source: Path) -> SigningRefused:
    return SigningRefused(
        Text("Tệp PDF không cho phép thêm dấu thời gian.", "The PDF does not permit a timestamp to be added."),
        hint=Text("Dùng bản gốc của tệp.", "Use the original of the file."),
        code="EDX-PDF-LOCKED",
        where=str(source),
    )
