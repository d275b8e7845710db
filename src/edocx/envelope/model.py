"""The envelope as values: frozen, typed, free of wire spelling.

Texts are NFC and without blanks at their ends; absent is ``None``, never ``""``. Unit codes stand as
they were received: two spellings are told apart here and brought together by the directory. Element
names in the field lists are those of `edocx.envelope.names`; sections are of the format's description
(QCVN 102:2016/BTTTT with Sửa đổi 1:2022).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, InstanceOf, PlainSerializer, WithJsonSchema

from edocx.content import Blob
from edocx.documents.kinds import DocumentKind
from edocx.documents.words import BusinessAction, status_label
from edocx.errors import Text, UnitError, UsageError
from edocx.units import UnitId

Business = Literal["new", "withdraw", "update", "replace"]
"""The four kinds of document message (BussinessDocType 0 to 3)."""

Severity = Literal["error", "warning", "info"]


Content = Annotated[
    InstanceOf[Blob],
    PlainSerializer(lambda blob: {"sha256": blob.sha256, "size": blob.size}),
    WithJsonSchema({"type": "object", "properties": {"sha256": {"type": "string"}, "size": {"type": "integer"}}}),
]
"""A file's content; in JSON its digest and size."""


class Part(BaseModel):
    """What all parts of an envelope share: frozen, no unknown arguments, and a repr without content."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show no field: names, subjects and addresses do not belong into logs."""
        return ()


def _unit_id(code: str | None) -> UnitId | None:
    if not code:
        return None
    try:
        return UnitId.parse(code)
    except UnitError:
        return None


class Organization(Part):
    """A sending or receiving unit (From, To).

    Attributes:
        unit: OrganId as received; required by peers.
        name: OrganName, at most 200 characters at peers; required by peers.
        in_charge: OrganizationInCharge (cơ quan chủ quản), at most 500.
        address: OrganAdd, at most 500.
        email: Email, at most 100.
        telephone: Telephone, at most 20.
        fax: Fax, at most 20.
        website: Website, at most 20.
    """

    unit: str | None = None
    name: str | None = None
    in_charge: str | None = None
    address: str | None = None
    email: str | None = None
    telephone: str | None = None
    fax: str | None = None
    website: str | None = None

    @property
    def unit_id(self) -> UnitId | None:
        """The code as a `UnitId`, or ``None`` where it is none."""
        return _unit_id(self.unit)


class Code(Part):
    """Số, ký hiệu: CodeNumber (text, letters occur) and CodeNotation; printed as number/notation."""

    number: str | None = None
    notation: str | None = None

    @property
    def printed(self) -> str:
        """The one string of both parts, as on paper."""
        return "/".join(part for part in (self.number, self.notation) if part)


class Promulgation(Part):
    """PromulgationInfo: place (at most 50 characters at peers) and date of promulgation."""

    place: str | None = None
    date: dt.date | None = None


class DocumentType(Part):
    """DocumentType: group (1 quy phạm pháp luật, 2 hành chính), index in the group's list, and name.

    Only the name is reliable: the numbers of three lists differ, and peers write the index for the group.
    """

    type: int | None = None
    detail: int | None = None
    name: str | None = None

    @property
    def kind(self) -> DocumentKind | None:
        """The kind of NĐ 30/2020 with this name, or ``None``."""
        try:
            return DocumentKind.parse(self.name) if self.name else None
        except UsageError:
            return None


class Signatory(Part):
    """SignerInfo: Competence (thẩm quyền ký), Position and FullName of the human who signed."""

    capacity: str | None = None
    position: str | None = None
    full_name: str | None = None


class Other(Part):
    """OtherInfo: urgency 0 to 4, sphere, typist, copies, pages, and extensions that are not of the norm.

    ``reply_fors``, ``direction`` and ``reference_codes`` are extensions of the official library.
    """

    urgency: int | None = None
    sphere: str | None = None
    typist: str | None = None
    copies: int | None = None
    pages: int | None = None
    reply_fors: str | None = None
    direction: bool | None = None
    reference_codes: str | None = None
    appendixes: tuple[str, ...] = ()


class ResponseFor(Part):
    """ResponseFor: the document answered, or in a status message the document spoken of.

    In a status message ``unit`` is whom the status is for; the axis delivers by it.
    """

    unit: str | None = None
    code: str | None = None
    document_id: str | None = None
    date: dt.date | None = None

    @property
    def unit_id(self) -> UnitId | None:
        """The code as a `UnitId`, or ``None`` where it is none."""
        return _unit_id(self.unit)


class Staff(Part):
    """StaffInfo: who handled it, with department and ids."""

    department: str | None = None
    department_id: str | None = None
    name: str | None = None
    staff_id: str | None = None
    email: str | None = None
    mobile: str | None = None


class Trace(Part):
    """TraceHeader: a node the message passed, and when. Every relay appends one; none of it is signed."""

    unit: str | None = None
    timestamp: AwareDatetime | None = None

    @property
    def unit_id(self) -> UnitId | None:
        """The code as a `UnitId`, or ``None`` where it is none."""
        return _unit_id(self.unit)


class Receiver(Part):
    """Receiver of an update: unit and ReceiverType as received (no source says what 0 and 1 mean)."""

    unit: str | None = None
    type: int | None = None


class Update(Part):
    """BussinessDocumentInfo, only in updates: raw flags, kept and not acted on."""

    document_info: int | None = None
    document_receiver: int | None = None
    receivers: tuple[Receiver, ...] = ()


class Replaced(Part):
    """ReplacementInfo, only in replacements: a replaced document and the units that held it."""

    document_id: str | None = None
    units: tuple[str, ...] = ()


class Attachment(Part):
    """A file in the envelope.

    Attributes:
        content_id: the key that joins manifest and content, without ``cid:``.
        name: the file's name, cleaned of path parts and control characters, NFC.
        media_type: of the file itself (after a one-entry zip was opened).
        description: free text.
        content: the file, or ``None`` where the wire gave none that could be read (a finding says why).
        zipped: whether the wire carried it in a one-entry zip.
        field_name, mime_type, format: extensions of the official library.
    """

    content_id: str | None = None
    name: str | None = None
    media_type: str | None = None
    description: str | None = None
    content: Content | None = None
    zipped: bool = False
    field_name: str | None = None
    mime_type: str | None = None
    format: str | None = None


class Unknown(Part):
    """An element or attribute that edXML does not know, kept for the round trip.

    Attributes:
        parent: path of the element it stood in, from the nearest block (``MessageHeader/To[2]``).
        name: its expanded name.
        xml: the element serialised, for elements.
        value: the attribute's value, for attributes.
    """

    parent: str
    name: str
    xml: str | None = None
    value: str | None = None


class Finding(BaseModel):
    """Something to know about an envelope: stable code, severity, sentence in both languages, place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    vi: str
    en: str
    where: str | None = None


class Envelope(Part):
    """A document message or a status message.

    Attributes:
        kind: "document" or "status"; told by StatusCode.
        sender: From; ``"from"`` in JSON.
        to: To, in the order of the wire; empty in a status message.
        document_id: DocumentId: ``OrganId,yyyy/MM/dd,number/notation`` or a UUID; at most 200 characters.
        code, promulgation, document_type, subject, content, signatory, due_date, other: the document described.
        response_for: documents answered; in a status message the one spoken of.
        steering: SteeringType 0 to 2.
        tasks, application_type: extensions of the official library.
        to_places: nơi nhận as printed.
        business, business_reason, business_target, paper, update, replaces: the Bussiness block.
        staff: StaffInfo of the Bussiness block, or of a status message.
        trace, trace_paper, trace_id, trace_version: TraceHeaderList.
        status_code, description, timestamp: of a status message; the code is text of two digits.
        attachments: in the order of the manifest.
        unknown: elements and attributes outside the format, kept.
    """

    kind: Literal["document", "status"] = "document"
    sender: Organization | None = Field(default=None, alias="from")
    to: tuple[Organization, ...] = ()
    document_id: str | None = None
    code: Code | None = None
    promulgation: Promulgation | None = None
    document_type: DocumentType | None = None
    subject: str | None = None
    content: str | None = None
    signatory: Signatory | None = None
    due_date: dt.date | None = None
    other: Other | None = None
    response_for: tuple[ResponseFor, ...] = ()
    steering: int | None = None
    tasks: tuple[str, ...] = ()
    application_type: str | None = None
    to_places: tuple[str, ...] = ()
    business: Business | None = None
    business_reason: str | None = None
    business_target: str | None = None
    paper: int | None = None
    update: Update | None = None
    replaces: tuple[Replaced, ...] = ()
    staff: Staff | None = None
    trace: tuple[Trace, ...] = ()
    trace_paper: int | None = None
    trace_id: str | None = None
    trace_version: str | None = None
    status_code: str | None = None
    description: str | None = None
    timestamp: AwareDatetime | None = None
    attachments: tuple[Attachment, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show the kind and counts only."""
        return (("kind", self.kind), ("to", len(self.to)), ("attachments", len(self.attachments)))

    @property
    def action(self) -> BusinessAction | None:
        """The business action of a document message, or ``None``."""
        return BusinessAction[self.business.upper()] if self.business else None

    @property
    def status(self) -> Text | None:
        """The words for the status code, also for one that nobody defined."""
        return status_label(self.status_code) if self.status_code else None

    @property
    def target(self) -> str | None:
        """The id of the document acted on: Bussiness/DocumentId, else for a withdrawal the header's own (spec §2.8)."""
        if self.business in {"withdraw", "update"}:
            return self.business_target or self.document_id
        return None
