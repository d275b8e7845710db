"""The two phases of signing a PDF: prepare is plain data, complete checks before it writes.

``prepare`` leaves a working file whose signature has a gap; `Prepared` says where the gap is and what must be
signed. It may be stored for days and finished by another process. ``complete`` is repeatable until it succeeds:
it fills the same gap, then renames the file into place.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from asn1crypto import x509
from pyhanko.pdf_utils.layout import LayoutError
from pyhanko.pdf_utils.misc import PdfWriteError
from pyhanko.sign.fields import (
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
    enumerate_sig_fields,
)
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.stamp import BaseStampStyle

from edocx.content import PIECE, durable_file, naming, storage_translated, sync_folder
from edocx.documents import Box
from edocx.errors import SigningRefused, StateError, Text, UsageError
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import public_key, remembered_certificate
from edocx.signing.cms.content import room_for, signed_attributes, signed_data
from edocx.signing.pdf.appearance import Appearance, Upright, stamp_style
from edocx.signing.pdf.document import MALFORMED, damaged, open_source
from edocx.signing.pdf.field_text import FieldValue
from edocx.signing.pdf.form import add_seal_field, fill_fields, locking
from edocx.signing.pdf.gap import fill_gap, require_unchanged
from edocx.signing.pdf.look import Look
from edocx.signing.pdf.page_view import corners_of, widget_view
from edocx.signing.pdf.permission import closed_to, not_permitted
from edocx.signing.pdf.placing import require_room
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.pdf.revision import Revision, open_revision, require_place
from edocx.signing.timestamp import Timestamper
from edocx.signing.working_file import open_working


@storage_translated()
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
    box: Box | None = None,
    seal: Box | None = None,
    lock: bool = False,
    timestamp_room: int = 0,
    durable: bool = True,
) -> Prepared:
    """Write ``source`` plus a signature with a gap to ``working_file`` (PAdES B-B, EN 319 142-1).

    ``field`` is an existing signature field, or a new one: visible at ``box``, invisible without. ``certify`` makes
    the first signature a certifying one that permits form filling and signing only (DocMDP P2). ``fill`` sets text
    fields in the same revision; see `Look` for ``seal`` and ``lock``. ``at`` is the claimed signing time (aware).
    ``timestamp_room`` keeps so many bytes for a timestamp in `complete`. Without ``durable`` the working file may be
    lost with the machine's power, which is enough when the same process completes it. Raises `PdfError`,
    `SigningRefused`, `InputError`, and `StoreUnavailable` for a disk that is full, denied or broken
    (see `edocx.content.storage_error`).
    """
    held = tuple(chain)
    room = room_for(certificate, held, timestamp_room)
    look: Look = {
        "appearance": appearance, "certify": certify, "fill": fill, "reason": reason, "box": box, "seal": seal,
        "lock": lock,
    }  # fmt: skip
    with open_source(source) as stream, _explained(source):
        revision = open_revision(stream, str(source))
        layout = _laid_out(revision, source, field, certificate, algorithm, room, look)
        with _target(working_file, durable=durable) as target:
            digest = _leave_gap(revision, target, layout, at, room)
    attributes = signed_attributes(digest.document_digest, certificate)
    return Prepared(
        working_file=working_file,
        document_digest=digest.document_digest,
        gap=(digest.reserved_region_start, digest.reserved_region_end),
        signed_attributes=attributes,
        certificate=certificate.dump(),
        chain=tuple(c.dump() for c in held),
        scheme=algorithm.scheme,
        hash_name=algorithm.hash_name,
    )


@storage_translated()
def complete(
    prepared: Prepared,
    signature: bytes,
    out: Path,
    *,
    timestamps: Timestamper | None = None,
    same_process: bool = False,
) -> Path:
    """Check the signature against the certificate, put it into the gap, and move the file to ``out``.

    With ``timestamps`` the signature gets a timestamp (B-T) in the same step. Raises `SigningRefused`
    (``EDX-SIGN-MISMATCH``: of something else or by another key; ``EDX-SIGN-GAP``: more bytes than were reserved),
    `StateError` when the working file is gone or changed, `Unavailable` when no service answers; nothing is written
    then, and ``complete`` may be called again. ``same_process`` says that nobody had the working file in between:
    it is not digested a second time, and reaching the disk is left to the caller.
    """
    _require_folder(out)
    content = _content(prepared, signature, timestamps)
    try:
        with naming(prepared.working_file), prepared.working_file.open("r+b") as stream:
            if not same_process:
                require_unchanged(prepared, stream)
            fill_gap(prepared, content, stream)
            stream.flush()
            if not same_process:
                os.fsync(stream.fileno())
        if out != prepared.working_file:
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


def _require_folder(out: Path) -> None:
    """Refuse a place that nothing can be moved to, while what waits is still as it was."""
    if not out.parent.is_dir():
        raise UsageError(
            Text("Thư mục để ghi kết quả không tồn tại.", "The folder for the result does not exist."),
            hint=Text("Tạo thư mục, hoặc chọn nơi khác.", "Make the folder, or choose another place."),
            code="EDX-USAGE-OUT",
            where=str(out.parent),
        )


def _laid_out(  # noqa: PLR0917 - one caller
    revision: Revision, source: Path, field: str, certificate: x509.Certificate, algorithm: SignatureAlgorithm,
    room: int, look: Look,
) -> PdfSigner:  # fmt: skip
    """Fill what is to be filled, and lay the signature out; refuse a document that is closed to it."""
    appearance, fill = look["appearance"], look["fill"]
    style = stamp_style(appearance) if appearance is not None and appearance.visible else None
    closed = closed_to(revision.prev, {field, *(fill or {})}, source, visible=look["box"] is not None)
    if closed is not None:
        raise closed
    layout = _layout(revision, str(source), field, certificate, algorithm, room, style, look)
    if fill:
        fill_fields(revision, fill, str(source))
    return layout


def _layout(  # noqa: PLR0917 - one caller
    revision: Revision, where: str, field: str, certificate: x509.Certificate, algorithm: SignatureAlgorithm,
    room: int, style: BaseStampStyle | None, look: Look,
) -> PdfSigner:  # fmt: skip
    certify = look["certify"]
    meta = PdfSignatureMetadata(
        field_name=field,
        md_algorithm=algorithm.hash_name,
        subfilter=SigSeedSubFilter.PADES,
        certify=certify,
        docmdp_permissions=MDPPerm.FILL_FORMS if certify else None,  # type: ignore[arg-type]
        reason=look["reason"],
    )
    place, upright = _place(revision, where, field, look["box"], style)
    if look["lock"]:
        place = dataclasses.replace(place or SigFieldSpec(field), **locking())
    if look["seal"] is not None:
        # Viewers draw in the order of the fields, and a seal stands over the signature.
        if place is not None:
            append_signature_field(revision, place)
        add_seal_field(revision, look["seal"], where)
        place = None
    # The real CMS is built in `complete`; pyHanko only needs somebody to lay out the page for.
    return PdfSigner(meta, ExternalSigner(certificate, None, room), stamp_style=upright, new_field_spec=place)


def _place(
    revision: Revision, where: str, field: str, box: Box | None, style: BaseStampStyle | None
) -> tuple[SigFieldSpec | None, BaseStampStyle | None]:
    """Say where a new field stands in the file, and draw so that it is upright for the reader there."""
    if box is not None:
        view = require_place(revision, box, where)
        corners: Any = view.to_file(box.corners)
        require_room(corners, where)
        place = SigFieldSpec(field, on_page=box.page, box=corners, empty_field_appearance=False)
        return place, style and Upright(view=view, corners=box.corners, inner=style)
    widget = next((ref.get_object() for name, _, ref in enumerate_sig_fields(revision.prev) if name == field), None)
    if widget is None or "/Rect" not in widget:
        return None, style
    rectangle = corners_of(widget["/Rect"])
    require_room(rectangle, where)
    view = widget_view(revision, widget)
    # Without a picture the place stays empty: pyHanko would put a stamp of its own there, in English.
    shown = style or stamp_style(Appearance())
    return None, Upright(view=view, corners=view.to_seen(rectangle), inner=shown)


def _content(prepared: Prepared, signature: bytes, timestamps: Timestamper | None) -> bytes:
    certificate = remembered_certificate(prepared.certificate)
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
    token = None
    if timestamps is not None:
        token = timestamps.timestamp(prepared.algorithm.digest(signature), prepared.hash_name)
    return signed_data(
        certificate,
        [remembered_certificate(der) for der in prepared.chain],
        prepared.algorithm,
        prepared.signed_attributes,
        signature,
        timestamp=token,
    )


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    """Turn what pyHanko raises while it signs into what it means for the signer."""
    try:
        yield
    except (SigningError, PdfWriteError) as error:
        raise not_permitted(error, source) from error
    except LayoutError as error:
        raise UsageError(
            Text("Ô đặt chữ ký quá nhỏ cho hình và chữ.", "The signature's box is too small for image and text."),
            hint=Text("Dùng ô lớn hơn hoặc bớt dòng chữ.", "Use a larger box or fewer lines."),
            code="EDX-SIGN-BOX",
            where=str(source),
        ) from error
    except MALFORMED as error:
        raise damaged(str(source)) from error


@contextmanager
def _target(working_file: Path, *, durable: bool) -> Iterator[BinaryIO]:
    if durable:
        with durable_file(working_file) as target:
            yield target
    else:
        with naming(working_file), open_working(working_file) as target:
            yield target


def _leave_gap(
    revision: Revision, target: BinaryIO, layout: PdfSigner, at: datetime, room: int
) -> PreparedByteRangeDigest:
    session = layout.init_signing_session(revision)
    session.system_time = at
    # Hex takes two characters a byte.
    document = session.prepare_tbs_document(None, bytes_reserved=2 * room)
    digest, _ = document.digest_tbs_document(output=target, chunk_size=PIECE)
    return digest
