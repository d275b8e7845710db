"""Two-phase PDF signing: prepare is plain data, complete checks before it writes.

``prepare`` leaves a working file whose signature has a gap; `Prepared` says where the gap is and what must be
signed. It may be stored for days and finished by another process. ``complete`` is repeatable until it succeeds:
it writes the same bytes into the same gap, then renames the file into place.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from asn1crypto import cms, x509
from pydantic import BaseModel, ConfigDict
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko_certvalidator.registry import SimpleCertificateStore

from edocx.content import durable_file, sync_folder
from edocx.errors import SigningRefused, StateError, Text
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import fingerprint, public_key
from edocx.signing.coroutine import run_to_end
from edocx.signing.keys import Signer
from edocx.signing.pdf.appearance import Appearance, stamp_style
from edocx.signing.pdf.document import MALFORMED, damaged, read_pdf
from edocx.signing.pdf.field_text import FieldValue
from edocx.signing.pdf.form import fill_fields

CMS_OVERHEAD = 2048
"""Bytes of a CMS besides certificates and signature value, with room to spare."""


class Prepared(BaseModel):
    """Everything needed to finish a signature later: JSON plus the working file it names.

    ``to_sign`` is the digest that goes to `Signer.sign_digest`. No key material is in here.
    """

    model_config = ConfigDict(frozen=True)

    schema_: Literal[1] = 1
    working_file: Path
    document_digest: bytes
    gap: tuple[int, int]
    signed_attributes: bytes
    certificate: bytes
    chain: tuple[bytes, ...]
    scheme: Literal["pkcs1v15", "pss", "ecdsa"]
    hash_name: Literal["sha256", "sha384", "sha512"]

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How the digest is to be signed."""
        return SignatureAlgorithm(self.scheme, self.hash_name)

    @property
    def to_sign(self) -> bytes:
        """The digest of the CMS signed attributes."""
        return self.algorithm.digest(self.signed_attributes)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; bytes are base64."""
        data = self.model_dump(mode="python", exclude={"schema_"})
        for name in ("document_digest", "signed_attributes", "certificate"):
            data[name] = base64.b64encode(data[name]).decode("ascii")
        data["chain"] = [base64.b64encode(der).decode("ascii") for der in self.chain]
        return {"schema": 1, **data, "working_file": str(self.working_file)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prepared:
        """Read what `to_json` gave."""
        values = {name: value for name, value in data.items() if name != "schema"}
        for name in ("document_digest", "signed_attributes", "certificate"):
            values[name] = base64.b64decode(values[name], validate=True)
        values["chain"] = tuple(base64.b64decode(der, validate=True) for der in values["chain"])
        return cls.model_validate(values)


def prepare(
    source: Path,
    working_file: Path,
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    field: str,
    chain: Iterable[x509.Certificate] = (),
    appearance: Appearance | None = None,
    certify: bool = False,
    fill: Mapping[str, FieldValue] | None = None,
    reason: str | None = None,
) -> Prepared:
    """Write ``source`` plus a signature with a gap to ``working_file`` (PAdES B-B, EN 319 142-1).

    ``field`` is an existing signature field, or a new invisible one. ``certify`` makes the first signature a
    certifying one that permits form filling and signing only (DocMDP P2). ``fill`` sets text fields in the same
    revision. ``at`` is the claimed signing time (aware). Raises `PdfError`, `SigningRefused`, `InputError`.
    """
    held = tuple(chain)
    builder = _cms_builder(certificate, held, algorithm, b"")
    meta = PdfSignatureMetadata(
        field_name=field,
        md_algorithm=algorithm.hash_name,
        subfilter=SigSeedSubFilter.PADES,
        certify=certify,
        docmdp_permissions=MDPPerm.FILL_FORMS,
        reason=reason,
    )
    style = stamp_style(appearance) if appearance is not None and appearance.visible else None
    # Hex takes two characters a byte.
    reserve = 2 * (CMS_OVERHEAD + sum(len(c.dump()) for c in (certificate, *held)) + _signature_size(certificate))
    with source.open("rb") as stream:
        read_pdf(stream, str(source))
        try:
            writer = IncrementalPdfFileWriter(stream, strict=False)
            if fill:
                fill_fields(writer, fill, str(source))
            with durable_file(working_file) as target:
                digest = _leave_gap(writer, target, PdfSigner(meta, builder, stamp_style=style), at, reserve)
        except SigningError as error:
            raise _refused(error, source) from error
        except MALFORMED as error:
            raise damaged(str(source)) from error
    attributes = run_to_end(builder.signed_attrs(digest.document_digest, algorithm.hash_name, use_pades=True))
    return Prepared(
        working_file=working_file,
        document_digest=digest.document_digest,
        gap=(digest.reserved_region_start, digest.reserved_region_end),
        signed_attributes=attributes.dump(),
        certificate=certificate.dump(),
        chain=tuple(c.dump() for c in held),
        scheme=algorithm.scheme,
        hash_name=algorithm.hash_name,
    )


def complete(prepared: Prepared, signature: bytes, out: Path) -> Path:
    """Check the signature against the certificate, put it into the gap, and move the file to ``out``.

    Raises `SigningRefused` (``EDX-SIGN-MISMATCH``) when the signature is of something else or by another key, and
    `StateError` when the working file is gone; nothing is written then.
    """
    certificate = x509.Certificate.load(prepared.certificate)
    failure = prepared.algorithm.matches(public_key(certificate), signature, prepared.to_sign)
    if failure is not None:
        raise SigningRefused(
            Text(
                "Chữ ký nhận được không khớp với văn bản và chứng thư.",
                "The signature does not fit document and certificate.",
            ),
            hint=Text(
                "Kiểm tra khóa đã dùng có đúng chứng thư này không.",
                "Check that the key used belongs to this certificate.",
            ),
            code="EDX-SIGN-MISMATCH",
        ) from failure
    chain = tuple(x509.Certificate.load(der) for der in prepared.chain)
    builder = _cms_builder(certificate, chain, prepared.algorithm, signature)
    attributes = cms.CMSAttributes.load(prepared.signed_attributes)
    content = run_to_end(builder.async_sign_prescribed_attributes(prepared.hash_name, attributes))
    start, end = prepared.gap
    try:
        with prepared.working_file.open("r+b") as stream:
            PreparedByteRangeDigest(prepared.document_digest, start, end).fill_with_cms(stream, content)
            stream.flush()
            os.fsync(stream.fileno())
        prepared.working_file.replace(out)
        sync_folder(out.parent)
    except FileNotFoundError as error:
        raise StateError(
            Text("Tệp đang ký dở không còn.", "The file being signed is gone."),
            hint=Text("Chuẩn bị ký lại từ đầu.", "Prepare the signature again."),
            code="EDX-SIGN-NO-FILE",
            where=str(prepared.working_file),
        ) from error
    return out


def sign(
    source: Path,
    out: Path,
    signer: Signer,
    *,
    at: datetime,
    field: str,
    appearance: Appearance | None = None,
    certify: bool = False,
    fill: Mapping[str, FieldValue] | None = None,
    reason: str | None = None,
) -> Path:
    """Prepare, sign and complete in one call; see `prepare` for the arguments."""
    working = out.with_name(f".{out.name}.signing")
    try:
        prepared = prepare(
            source,
            working,
            certificate=signer.certificate,
            algorithm=signer.algorithm,
            chain=signer.chain,
            at=at,
            field=field,
            appearance=appearance,
            certify=certify,
            fill=fill,
            reason=reason,
        )
        return complete(prepared, signer.sign_digest(prepared.to_sign), out)
    finally:
        working.unlink(missing_ok=True)


def _leave_gap(
    writer: IncrementalPdfFileWriter, target: BinaryIO, signer: PdfSigner, at: datetime, reserve: int
) -> PreparedByteRangeDigest:
    session = signer.init_signing_session(writer)
    session.system_time = at
    document = session.prepare_tbs_document(None, bytes_reserved=reserve)
    digest, _ = document.digest_tbs_document(output=target)
    return digest


def _cms_builder(
    certificate: x509.Certificate, chain: Iterable[x509.Certificate], algorithm: SignatureAlgorithm, signature: bytes
) -> ExternalSigner:
    store = SimpleCertificateStore()
    for other in chain:
        if fingerprint(other) != fingerprint(certificate):
            store.register(other)
    value = signature or bytes(_signature_size(certificate))
    return ExternalSigner(
        certificate, store, signature_value=value, prefer_pss=algorithm.scheme == "pss", embed_roots=False
    )


def _signature_size(certificate: x509.Certificate) -> int:
    key = public_key(certificate)
    # RSA: the modulus; ECDSA: two integers of the curve's size in DER.
    return (key.key_size + 7) // 8 * (2 if certificate.public_key.algorithm == "ec" else 1) + 16


def _refused(error: SigningError, source: Path) -> SigningRefused:
    return SigningRefused(
        Text("Tệp PDF không cho phép thêm chữ ký này.", "The PDF does not permit this signature."),
        hint=Text(
            "Trường đã ký, hoặc tệp đã được khóa bởi chữ ký trước; dùng bản chưa ký.",
            f"The field is signed already or an earlier signature locks the file; use an unsigned copy. ({error})",
        ),
        code="EDX-PDF-LOCKED",
        where=str(source),
    )
