"""Envelopes to test with: one full document of each kind, and bytes made from it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, Organization, compose
from edocx.envelope.model import (
    Code,
    DocumentType,
    Other,
    Promulgation,
    Receiver,
    Replaced,
    ResponseFor,
    Signatory,
    Staff,
    Trace,
    Update,
)

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "edxml"


def full_document(**changes: object) -> Envelope:
    """A document message in which every field is set."""
    envelope = Envelope(
        sender=Organization(
            unit="000.00.00.G22",
            name="Văn phòng Thử",
            in_charge="Cơ quan chủ quản",
            address="Số 1 phố Thử, Hà Nội",
            email="vt@example.vn",
            telephone="024 0000",
            fax="024 0001",
            website="www.example",
        ),
        to=(Organization(unit="H41", name="Đơn vị Nhận"), Organization(unit="000.00.00.H14", name="Đơn vị Khác")),
        document_id="000.00.00.G22,2024/03/05,7816/VPCP-TTĐT",
        code=Code(number="7816", notation="VPCP-TTĐT"),
        promulgation=Promulgation(place="Hà Nội", date=dt.date(2024, 3, 5)),
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject="V/v thử <A&B> \"ngoặc\" 'nháy'",
        content="Nội dung tóm tắt",
        signatory=Signatory(capacity="TL. BỘ TRƯỞNG", position="Cục trưởng", full_name="Nguyễn Văn A"),
        due_date=dt.date(2024, 4, 5),
        other=Other(
            urgency=1,
            sphere="Liên thông",
            typist="TVC",
            copies=2,
            pages=22,
            reply_fors="RF1",
            direction=False,
            reference_codes="REF1",
            appendixes=("PL1", "PL2"),
        ),
        response_for=(
            ResponseFor(unit="H14", code="267/UBND", document_id="H14,2024/02/01,267/UBND", date=dt.date(2024, 2, 1)),
        ),
        steering=1,
        tasks=("TASK-1",),
        application_type="QLVB",
        to_places=("Như trên", "Lưu: VT"),
        business="new",
        business_reason="Lý do",
        business_target="000.00.00.G22,2024/03/01,7000/VPCP",
        paper=0,
        staff=Staff(
            department="Văn thư", department_id="P01", name="Nguyễn Thị B", staff_id="NV01", mobile="0900000000"
        ),
        trace=(Trace(unit="000.00.00.G22", timestamp=dt.datetime(2024, 3, 5, 8, 9, 10, tzinfo=VIETNAM)),),
        trace_paper=1,
        trace_id="tr1",
        trace_version="1.0",
        attachments=(
            Attachment(
                content_id="a1",
                name="cong-van.pdf",
                media_type="application/pdf",
                description="mô tả",
                content=Blob.from_bytes(b"%PDF-1.4 th\xe1\xbb\xad"),
            ),
            Attachment(
                content_id="a2",
                name="ghi chú.txt",
                media_type="text/plain",
                content=Blob.from_bytes(b"xin ch\xc3\xa0o"),
            ),
        ),
    )
    return envelope.model_copy(update=changes)


KINDS = {
    "new": {},
    "withdraw": {"business_target": None},
    "update": {
        "update": Update(
            document_info=1, document_receiver=1, receivers=(Receiver(unit="H41", type=0), Receiver(unit="H14", type=1))
        )
    },
    "replace": {
        "replaces": (Replaced(document_id="G22,2024/01/01,1/A", units=("H41", "H14")), Replaced(document_id="x"))
    },
}
"""What each kind of document message has of its own."""


def document_of_kind(kind: str) -> Envelope:
    return full_document(business=kind, **KINDS[kind])


def as_bytes(envelope: Envelope, profile: str = "axis") -> bytes:
    return b"".join(compose(envelope, profile).pieces())


def comparable(envelope: Envelope) -> Envelope:
    """The envelope without what only reading knows."""
    files = tuple(item.model_copy(update={"zipped": False}) for item in envelope.attachments)
    return envelope.model_copy(update={"attachments": files})
