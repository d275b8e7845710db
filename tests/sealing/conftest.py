"""One sealed envelope, made once, and what it was made with."""

from __future__ import annotations

import pytest
from sealing_scenario import AT, Workshop

from edocx.content import Blob
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Promulgation, ResponseFor, Trace


@pytest.fixture(scope="session", params=["rsa2048", "p256"])
def workshop(request, tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp(f"seal-{request.param}"), request.param)


@pytest.fixture(scope="session")
def letter():
    return Envelope(
        sender=Organization(unit="H58.12.01", name="UBND xã Bình Đức"),
        to=(Organization(unit="H58.12", name="UBND huyện Châu Thành"), Organization(unit="G22")),
        document_id="H58.12.01,2023/06/15,01/UBND-VP",
        code=Code(number="01", notation="UBND-VP"),
        promulgation=Promulgation(place="Bình Đức", date=AT.date()),
        subject="Về việc thử <A&B>",
        business="new",
        trace=(Trace(unit="H58.12.01", timestamp=AT),),
        attachments=(
            Attachment(name="công văn.txt", content=Blob.from_bytes("Kính gửi".encode() * 999)),
            Attachment(name="số liệu.bin", content=Blob.from_bytes(b"hello")),
        ),
    )


@pytest.fixture(scope="session")
def status():
    return Envelope(
        kind="status",
        sender=Organization(unit="H58.12"),
        response_for=(ResponseFor(unit="H58.12.01", code="01/UBND-VP", document_id="x", date=AT.date()),),
        status_code="01",
        description="Đã đến",
        timestamp=AT,
    )


@pytest.fixture
def sealed(workshop, letter):
    return workshop.write(letter)
