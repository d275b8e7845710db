"""Sealed letters with signed PDFs, of a test PKI, for the door of `edocx bench axis`."""

from __future__ import annotations

from pathlib import Path

from edocx.cli.bench_axis_load import RECEIVER, SENDER
from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, Organization, compose
from edocx.envelope.model import Code, Promulgation
from edocx.sealing import seal
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
from edocx.testing import scene
from edocx.testing.pki import Pki
from edocx.testing.registry import write_registrations


def sealed_letters(folder: Path, count: int) -> list[bytes]:
    """Return ``count`` envelopes, each with two PDFs signed by a person and the seal of the sender.

    Leaves ``trust/`` and ``registry.csv`` in the folder.
    """
    pki = Pki.create()
    person, agency = pki.issue_person("Nguyễn Văn A", "ĐƠN VỊ THỬ"), pki.issue_organisation("ĐƠN VỊ THỬ NGHIỆM SỐ 1")
    person.save(folder / "person.p12")
    agency.save(folder / "agency.p12")
    pki.register(person, SENDER, full_name="Nguyễn Văn A", position="CHỦ TỊCH", capacity="TM.")
    pki.register(agency, SENDER)
    pki.save_trust(folder / "trust")
    (folder / "registry.csv").write_text(write_registrations(pki.registrations), encoding="utf-8")
    now = SystemClock().now()
    plain, _ = scene.write_letter(folder)
    pdfs = []
    for number in range(2):
        pdf = folder / f"{number}.pdf"
        sign(plain, pdf, open_signer(f"file:{folder / 'person.p12'}"), at=now, field="NguoiKy")
        pdfs.append(Attachment(name=pdf.name, content=Blob.from_path(pdf)))
    signer = open_signer(f"file:{folder / 'agency.p12'}")
    letters = []
    for number in range(count):
        skeleton = compose(
            Envelope(
                sender=Organization(unit=SENDER, name="Đơn vị thử nghiệm số 1"),
                to=(Organization(unit=RECEIVER, name="Đơn vị thử nghiệm số 2"),),
                document_id=f"{SENDER},2024/03/05,{number}/D",
                code=Code(number=str(number), notation="D"),
                promulgation=Promulgation(place="Hà Nội", date=now.date()),
                subject="V/v thử cửa vào",
                business="new",
                attachments=tuple(pdfs),
            )
        )
        seal(skeleton, signer, at=now)
        letters.append(skeleton.save(folder / "sealed.edxml").read())
    return letters
