"""Sealed envelopes and their forgeries, with a reading of what each says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agreement.case import XML, Case
from agreement.workshop import SIGNED_AT, Workshop
from edocx.content import Blob
from edocx.envelope.model import Attachment, Code, Envelope, Organization, Trace
from edocx.envelope.read import open_envelope
from edocx.envelope.record import header_record
from edocx.envelope.write import compose
from edocx.errors import EdocxError
from edocx.sealing import seal
from edocx.testing.attacks import seal as seal_attacks
from edocx.testing.attacks import seal_text


def envelopes(shop: Workshop) -> Iterator[Case]:
    """Yield a sealed envelope and all its forgeries."""
    letter = Envelope(
        sender=Organization(unit="H58.12.01", name="UBND xã Bình Đức"),
        to=(Organization(unit="H58.12", name="UBND huyện Châu Thành"), Organization(unit="G22")),
        document_id="H58.12.01,2023/06/15,01/UBND-VP",
        code=Code(number="01", notation="UBND-VP"),
        subject="Về việc thử <A&B>",
        business="new",
        trace=(Trace(unit="H58.12.01", timestamp=SIGNED_AT),),
        attachments=(Attachment(name="a.txt", content=Blob.from_bytes("Kính gửi".encode() * 9)),),
    )
    skeleton = compose(letter)
    seal(skeleton, shop.agency, at=SIGNED_AT)
    skeleton.save(shop.folder / "sealed.edxml")
    data = (shop.folder / "sealed.edxml").read_bytes()
    yield Case("envelope, sealed by edocx", "with one file", data, XML, genuine=True)
    said = _said(data)
    for kind, attacks in (
        ("parts moved and doubled", seal_attacks.wrappings),
        ("texts rewritten", seal_text.rewritings),
        ("the signature tampered with", seal_text.signature_forgeries),
    ):
        for attack in attacks(data):
            same = _said(attack.data) == said
            yield Case(f"envelope, {kind}", attack.name, attack.data, XML, genuine=False, same=same)


def _said(data: bytes) -> Any:
    """Return what an envelope says, its trace apart; None for one that cannot be read."""
    try:
        with open_envelope(data) as reading:
            record = header_record(reading.envelope)
            files = [(item.name, item.content and item.content.sha256) for item in reading.envelope.attachments]
    except EdocxError:
        return None
    return {key: value for key, value in record.items() if key != "trace"}, sorted(files, key=str)
