"""A hierarchy of certificates in a folder, and the keys that the files are signed with."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edocx.signing.cms.sign import sign_file
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Signer, open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Credential, Pki, Tsa
from edocx.units.registry import CsvRegistry

SIGNED_AT = datetime(2023, 6, 15, 1, tzinfo=UTC)
AT = SIGNED_AT + timedelta(days=1)
UNIT = "H58.12.01"
Stamp = Callable[[bytes, str], bytes]


class Workshop:
    """A person and an agency of one unit, their keys, and whom all judges trust."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = Pki.create()
        self.person_key = self.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
        self.agency_key = self.pki.issue_organisation("ỦY BAN THỬ NGHIỆM")
        self.other_key = self.pki.issue_person("Trần Thị B", "ỦY BAN THỬ NGHIỆM")
        self.pki.register(self.person_key, UNIT, full_name="Nguyễn Văn A", position="Chủ tịch")
        self.pki.register(self.agency_key, UNIT)
        self.tsa = Tsa(self.pki)
        self.pki.save(folder)
        self.trust = TrustStore.from_path(folder / "trust")
        self.registry = CsvRegistry.from_path(folder / "registry.csv")
        self.person, self.agency = self.signer(self.person_key), self.signer(self.agency_key)
        self.note, self.letter = folder / "note.txt", folder / "letter.txt"
        self.note.write_text("ghi chú " * 50, "utf-8")
        self.letter.write_bytes(b"FORGED CONTENT")

    def signer(self, credential: Credential, **options: Any) -> Signer:
        """Open a credential as a signer's key."""
        place = self.folder / f"{credential.sha256}.p12"
        credential.save(place)
        return open_signer(f"file:{place}", **options)

    def signed(self, data: bytes, key: Signer, field: str, **options: Any) -> bytes:
        """Sign a PDF as edocx does."""
        place = self.folder / "to-sign.pdf"
        place.write_bytes(data)
        return sign(place, self.folder / "signed.pdf", key, at=SIGNED_AT, field=field, **options).read_bytes()

    def plain(self) -> bytes:
        """Make a PDF of one page."""
        import fpdf  # noqa: PLC0415

        document = fpdf.FPDF()
        document.set_creation_date(SIGNED_AT)
        document.add_page()
        document.set_font("helvetica", size=12)
        document.cell(text="Cong van")
        return bytes(document.output())

    def detached(self, key: Signer, file: Path) -> bytes:
        """Sign a file as edocx does, beside it."""
        return sign_file(file, self.folder / "a.p7s", key, at=SIGNED_AT).read_bytes()

    def means(self) -> dict[str, Any]:
        """Return what signatures of long life are made with."""
        stamps = Rfc3161(
            "t", lambda request: self.tsa.answer(request, SIGNED_AT + timedelta(minutes=1)), trust=self.trust
        )
        return {"timestamps": stamps, "evidence": Evidence(self.trust)}

    def plainly_signed(self, data: bytes, field: str) -> bytes:
        """Sign a PDF as other tools do, by a signature that forbids nothing."""
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415
        from pyhanko.sign import signers  # noqa: PLC0415
        from pyhanko.sign.fields import SigFieldSpec  # noqa: PLC0415

        writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
        metadata = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256")
        key = _pyhanko_key(self.person_key)
        return bytes(signers.PdfSigner(metadata, key, new_field_spec=SigFieldSpec(field)).sign_pdf(writer).getvalue())


def stranger_stamps() -> Stamp:
    """Return what puts a timestamp by nobody's key into a named field of a PDF."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415
    from pyhanko.sign.signers import PdfTimeStamper  # noqa: PLC0415
    from pyhanko.sign.timestamps import DummyTimeStamper  # noqa: PLC0415

    key = _pyhanko_key(Pki.create().issue_organisation("CƠ QUAN LẠ"))

    def stamp(data: bytes, field: str) -> bytes:
        stamper = DummyTimeStamper(key.signing_cert, key.signing_key, fixed_dt=SIGNED_AT + timedelta(hours=1))
        writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
        return bytes(PdfTimeStamper(stamper, field_name=field).timestamp_pdf(writer, "sha256").getvalue())

    return stamp


def _pyhanko_key(credential: Credential) -> Any:
    from pyhanko.sign.signers import SimpleSigner  # noqa: PLC0415
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415

    private = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(credential.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore(),
    )
