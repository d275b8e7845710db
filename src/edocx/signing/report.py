"""Verdicts as values: the model of ETSI EN 319 102-1 in the JSON of ``edocx verify --json``.

A signature is judged on two axes. `Integrity` leaves trust out: digests, key and structure. `Indication`
is the standard's verdict and takes everything in. Nothing here is a bool, and nothing here raises for a
bad signature; `Report.require` converts a verdict to an exception for those who want one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edocx.errors import Refused, Text
from edocx.signing.parts import name_parts


class Indication(StrEnum):
    """The verdict (EN 319 102-1 5.1.3); NO_SIGNATURE is ours, for a file without any."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"
    NO_SIGNATURE = "NO-SIGNATURE"


class SubIndication(StrEnum):
    """Why (EN 319 102-1 table 5); names beginning EDX- are ours."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    TRY_LATER = "TRY_LATER"
    GENERIC = "GENERIC"
    PARTIAL_COVERAGE = "EDX-PARTIAL-COVERAGE"


class Integrity(StrEnum):
    """Whether digests, key and structure hold and later changes are permitted."""

    VALID = "valid"
    PARTIAL = "partial"
    INDETERMINATE = "indeterminate"
    INVALID = "invalid"


class Frozen(BaseModel):
    """The settings that all verdicts share."""

    model_config = ConfigDict(frozen=True, use_enum_values=False)


class Message(Frozen):
    """One reason: a stable code, both languages, and where it applies."""

    code: str
    severity: Literal["error", "warning", "info"]
    vi: str
    en: str
    where: str | None = None

    @classmethod
    def of(
        cls, code: str, severity: Literal["error", "warning", "info"], text: Text, where: str | None = None
    ) -> Message:
        """Make a message from a pair of sentences."""
        return cls(code=code, severity=severity, vi=text.vi, en=text.en, where=where)


class CertificateInfo(Frozen):
    """What a person needs to know of the signing certificate; ``sha256`` is of its DER, lower-case hex.

    ``managed_by`` is the body behind the issuer, as the issuer's name has it. ``at_signing`` says what the certificate
    was worth at the signing time of this signature (TT 15/2025 PL II): ``valid``; ``outside-dates``; ``unknown`` where
    it was within its dates and revocation or path could not be judged, or nothing says when it signed.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sha256: str
    managed_by: str = ""
    at_signing: Literal["valid", "outside-dates", "unknown"] = "unknown"


class ReceiptInfo(Frozen):
    """A receipt that proves since when a signature existed (`edocx.signing.receipt`).

    ``issuer`` is the unit, ``subject`` and ``certificate`` (SHA-256) say who signed it, ``sha256`` and ``bytes`` are of
    what was in its hands, which ``covers`` the whole file or an earlier revision of it.
    """

    issuer: str
    subject: str
    certificate: str
    time: datetime
    sha256: str
    bytes: int
    covers: Literal["whole-document", "earlier-revision"]


class AddedPage(Frozen):
    """A page (from 1) that got something after a signature: ``content``, ``annotation`` or ``field``."""

    page: int
    kinds: tuple[str, ...]


class Addition(Frozen):
    """What was added after a signature and signed whole by a later one, for which that later signer answers.

    ``before`` and ``after`` are the lengths in bytes of the two revisions: the file's first so many bytes are each.
    ``settings`` names what no page holds and was changed too: ``properties``, ``form``, ``version``.
    """

    by: str
    before: int
    after: int
    pages: tuple[AddedPage, ...] = ()
    settings: tuple[str, ...] = ()


class SignatureReport(Frozen):
    """The verdict on one signature; ``receipt`` is there when ``time_source`` is ``receipt``.

    ``parts`` names what an intact signature covers (`edocx.signing.parts`): files, elements by path, or
    ``whole-document``; it is empty for an envelope's seal, which has a profile of its own, and where nothing is known.
    """

    id: str
    kind: Literal["person", "organisation", "device", "unknown"] = "unknown"
    unit: str | None = None
    indication: Indication
    sub_indication: SubIndication | None = None
    integrity: Integrity
    format: Literal["PAdES", "XAdES", "CAdES", "XMLDSig", "CMS"]
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] | None = None
    signing_time: datetime | None = None
    time_source: Literal["timestamp", "receipt", "claimed", "none"] = "none"
    algorithm: str
    covers: Literal["whole-document", "earlier-revision", "elements", "attachment"]
    parts: tuple[str, ...] = ()
    certificate: CertificateInfo | None = None
    receipt: ReceiptInfo | None = None
    messages: tuple[Message, ...] = ()
    addition: Addition | None = Field(default=None, exclude=True, repr=False)
    """Not part of the JSON: the messages there list the pages."""
    outside: str | None = Field(default=None, exclude=True, repr=False)
    """What stands in an XML document outside of ``parts``, by its path; not part of the JSON: a message says it."""


class Statement(Frozen):
    """What an envelope says of its document, for policies: worth as much as the seal over it.

    ``kind`` is the kind's abbreviation in registries ("QĐ", "CV"), None where the header names none that we know.
    """

    sender: str | None = None
    kind: str | None = None
    is_status: bool = False


class Report(Frozen):
    """The verdict on one file: its own signatures and those of the files inside it."""

    schema_: Literal[1] = 1
    file: str
    format: Literal["pdf", "edxml", "xml", "cms", "asice", "unknown"]
    policy: str
    indication: Indication
    sub_indication: SubIndication | None = None
    integrity: Integrity | None = None
    signatures: tuple[SignatureReport, ...] = ()
    messages: tuple[Message, ...] = ()
    attachments: tuple[Report, ...] = ()
    statement: Statement | None = Field(default=None, exclude=True, repr=False)
    """Not part of the JSON."""
    matched: frozenset[Path] = Field(default=frozenset(), exclude=True, repr=False)
    """The files beside it that intact signatures were checked over; not part of the JSON."""

    @classmethod
    def of(
        cls,
        *,
        file: str,
        format: Literal["pdf", "edxml", "xml", "cms", "asice", "unknown"],  # noqa: A002 - the contract's name
        policy: str,
        signatures: Iterable[SignatureReport],
        messages: Iterable[Message] = (),
        attachments: Iterable[Report] = (),
        uncovered: bool = False,
        matched: Iterable[Path] = (),
    ) -> Report:
        """Join the verdicts of a file's signatures and attachments into the whole file's.

        ``uncovered`` says that part of the file stands outside every signature. The rule: failed if any
        failed; else indeterminate if any is, or if part is uncovered; no-signature if there is none; else passed.
        """
        own, inside = _told_apart(signatures), tuple(attachments)
        signed = [report for report in inside if report.indication is not Indication.NO_SIGNATURE]
        verdicts = [(s.indication, s.sub_indication) for s in own] + [(r.indication, r.sub_indication) for r in signed]
        indication, sub = _worst(verdicts)
        if indication is Indication.TOTAL_PASSED and uncovered:
            indication, sub = Indication.INDETERMINATE, SubIndication.PARTIAL_COVERAGE
        integrities = [s.integrity for s in own] + [r.integrity for r in signed if r.integrity]
        if uncovered and own:
            integrities.append(Integrity.PARTIAL)
        return cls(
            file=file,
            format=format,
            policy=policy,
            indication=indication,
            sub_indication=sub,
            integrity=max(integrities, key=list(Integrity).index, default=None),
            signatures=own,
            messages=tuple(messages),
            attachments=inside,
            matched=frozenset(matched),
        )

    def require(self) -> Report:
        """Return the report itself when everything passed; raise `Refused` with its reasons otherwise."""
        if self.indication is Indication.TOTAL_PASSED:
            return self
        reasons = [m for s in self.signatures for m in s.messages if m.severity == "error"]
        reasons += [m for m in self.messages if m.severity == "error"]
        detail_vi = "; ".join(m.vi for m in reasons)
        detail_en = "; ".join(m.en for m in reasons)
        raise Refused(
            Text(f"Kết quả kiểm tra: {self.indication}. {detail_vi}", f"The verdict is {self.indication}. {detail_en}"),
            hint=Text("Xem báo cáo đầy đủ bằng `edocx verify`.", "See the full report with `edocx verify`."),
            code="EDX-VERDICT",
            where=self.file,
        )

    def to_json(self) -> dict[str, object]:
        """Return the object of the contract, ``schema`` first; ``receipt`` and ``parts`` only where there are some.

        Of a PDF ``covers`` says all that ``parts`` could.
        """
        data = self.model_dump(mode="json", exclude={"schema_"})
        for signature in data["signatures"]:
            if signature["receipt"] is None:
                del signature["receipt"]
            if self.format == "pdf" or not signature["parts"]:
                del signature["parts"]
        data["attachments"] = [report.to_json() for report in self.attachments]
        return {"schema": 1, **data}


def _told_apart(signatures: Iterable[SignatureReport]) -> tuple[SignatureReport, ...]:
    """Return the signatures; where intact ones cover different content, each says what it covers."""
    own = tuple(signatures)
    known = {frozenset(one.parts) for one in own if one.parts and one.format != "PAdES"}
    if len(known) < 2:  # noqa: PLR2004 - all of them cover the same
        return own
    return tuple(
        one.model_copy(update={"messages": (*one.messages, _covers_only(one))})
        if one.parts and one.format != "PAdES"
        else one
        for one in own
    )


def _covers_only(signature: SignatureReport) -> Message:
    covered = name_parts(signature.parts)
    return Message.of(
        "EDX-PARTS-DIFFER",
        "warning",
        Text(
            f"Chữ ký này ký {covered.vi}; chữ ký khác trong cùng tệp ký nội dung khác. Người ký chỉ chịu trách "
            "nhiệm về phần mình đã ký: xem từng chữ ký.",
            f"This signature is over {covered.en}; others in the same file are over other content. Nobody answers "
            "for more than what he signed: look at each signature.",
        ),
        where=signature.id,
    )


def _worst(
    verdicts: list[tuple[Indication, SubIndication | None]],
) -> tuple[Indication, SubIndication | None]:
    for indication in (Indication.TOTAL_FAILED, Indication.INDETERMINATE):
        for found, sub in verdicts:
            if found is indication:
                return indication, sub
    return (Indication.TOTAL_PASSED if verdicts else Indication.NO_SIGNATURE), None
