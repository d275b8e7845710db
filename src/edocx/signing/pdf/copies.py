"""Copies of a document: sao y, sao lục, trích sao, of an electronic original and of a scan (NĐ 30/2020 Điều 25-27).

A sealed original permits no further change, so a copy is a file of its own: the pages as they show, signatures and
seal drawn in, the verdict on the source recorded inside, and the original with it when the whole of it is copied.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils import embed, generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.content import PIECE, Blob, naming, storage_translated
from edocx.errors import LimitExceeded, SigningRefused, Text, UsageError
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf, open_source
from edocx.signing.pdf.flatten import MAX_PAGES, FreshWriter, copy_page, entry
from edocx.signing.pdf.marks import CopyForm, copy_mark, mark_box
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.page_view import corners_of, inherited, view_of
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Integrity, Message, Report
from edocx.signing.trust import TrustStore
from edocx.signing.working_file import naming_instead

VERDICT_NAME = "source-verdict.json"
MAX_ORIGINAL = 256 * 1024 * 1024
"""Bytes of an original that is put into its copy, in memory."""

MIN_DPI = 200
MIN_VERSION = (1, 4)
"""Of a digitised file (Phụ lục I; spec/law.md #65)."""

_ROUNDING = 0.99
"""A scanner's 200 dpi give a pixel more or less on A4."""


@storage_translated()
def make_copy(
    source: Path,
    out: Path,
    signer: Signer,
    *,
    form: CopyForm,
    agency: str,
    at: datetime,
    criteria: Criteria | None = None,
    pages: Sequence[int] | None = None,
    **levels: Any,
) -> tuple[Message, ...]:
    """Make a copy of a PDF and seal it at the top right of its first page; return what was not checked.

    ``pages`` (from 0) are for an extract alone, and wanted there. ``levels`` are the arguments of `sign_as` about
    levels and services. An original whose signatures are broken is not copied (``EDX-COPY-BROKEN``); one without any
    must be a scan that the decree takes (``EDX-COPY-SCAN``). Raises `SigningRefused`, `UsageError`, `PdfError`.
    """
    if (form is CopyForm.EXTRACT) != (pages is not None):
        raise UsageError(
            Text("Chỉ trích sao mới chọn trang, và phải chọn trang.", "Pages are chosen for an extract, only there."),
            hint=Text("Nêu các trang cần trích.", "Name the pages to extract."),
            code="EDX-USAGE-PAGES",
        )
    verdict = verify_pdf(source, criteria or Criteria(TrustStore(), at), name=source.name)
    if verdict.integrity is Integrity.INVALID:
        raise SigningRefused(
            Text("Chữ ký trên bản gốc không còn nguyên vẹn, không được sao.", "The original's signatures are broken."),
            hint=Text("Lấy lại bản gốc từ nơi gửi.", "Fetch the original again from its sender."),
            code="EDX-COPY-BROKEN",
            where=str(source),
        )
    if not verdict.signatures:
        require_scan(source)
    mark = copy_mark(form, agency, at)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        body = Path(folder) / out.name
        with naming_instead(out, body):
            build_copy(source, body, verdict, pages=pages)
        box = mark_box(body, mark)
        return sign_as(
            body,
            out,
            signer,
            "organisation",
            at=at,
            criteria=criteria,
            appearance=mark,
            box=box,
            exempt=True,
            **levels,
        )


@storage_translated()
def build_copy(source: Path, out: Path, verdict: Report, *, pages: Sequence[int] | None = None) -> Path:
    """Write the pages as they show, with the verdict and (for a whole copy) the original inside; raise `PdfError`."""
    writer = FreshWriter()  # type: ignore[no-untyped-call]
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
            chosen = range(count) if pages is None else pages
            if count > MAX_PAGES or not all(0 <= number < count for number in chosen):
                raise UsageError(
                    Text(f"Tệp chỉ có {count} trang.", f"The file has {count} pages only."),
                    hint=Text("Chọn trong số các trang có trong tệp.", "Choose among the pages that the file has."),
                    code="EDX-PDF-PAGE",
                    where=str(source),
                )
            for number in chosen:
                copy_page(writer, reader, number)
        except MALFORMED as error:
            raise damaged(str(source)) from error
    record = {**verdict.to_json(), "source_sha256": Blob.from_path(source).sha256}
    recorded = json.dumps(record, ensure_ascii=False, indent=1).encode()
    _attach(writer, VERDICT_NAME, recorded, "application/json", "/Data")
    if pages is None:
        _attach(writer, source.name, _original(source), "application/pdf", "/Source")
    with naming(out), out.open("wb") as stream:
        writer.write(stream)  # type: ignore[no-untyped-call]
    return out


def require_scan(source: Path) -> None:
    """Refuse a scan that is not in colour at 200 dpi in PDF 1.4 or later (``EDX-COPY-SCAN``); raise `PdfError`."""
    with open_pdf(source) as reader:
        try:
            faults = _scan_faults(reader)
        except MALFORMED as error:
            raise damaged(str(source)) from error
    if faults:
        raise SigningRefused(
            Text(
                f"Bản số hóa chưa đạt yêu cầu: {'; '.join(fault.vi for fault in faults)}.",
                f"The scan is not good enough: {'; '.join(fault.en for fault in faults)}.",
            ),
            hint=Text("Quét lại: ảnh màu, từ 200 dpi, tỷ lệ 100%, PDF 1.4 trở lên.", "Scan again: colour, 200 dpi."),
            code="EDX-COPY-SCAN",
            where=str(source),
        )


def _scan_faults(reader: PdfFileReader) -> list[Text]:
    faults = []
    if reader.input_version < MIN_VERSION:
        faults.append(Text("phiên bản PDF dưới 1.4", "older than PDF 1.4"))
    pictures = 0
    for number in range(min(int(reader.root["/Pages"]["/Count"]), MAX_PAGES)):
        reference, resources = reader.find_page_for_modification(number)
        images = [one for one in _images(resources) if not entry(one, "/ImageMask", default=False)]
        if not images:
            continue  # a page of text among scanned ones, or an empty one
        pictures += 1
        page = reference.get_object()
        left, bottom, right, top = corners_of(inherited(page, "/MediaBox"))
        largest = max(images, key=lambda one: int(one["/Width"]) * int(one["/Height"]))
        inch = 72 / view_of(page).unit
        dots = min(int(largest["/Width"]) / (right - left), int(largest["/Height"]) / (top - bottom)) * inch
        if dots < MIN_DPI * _ROUNDING:
            faults.append(Text(f"trang {number + 1} chỉ {dots:.0f} dpi", f"page {number + 1} has {dots:.0f} dpi"))
        if not _coloured(largest):
            faults.append(Text(f"trang {number + 1} không có màu", f"page {number + 1} is not in colour"))
    if not pictures:
        faults.append(Text("không có chữ ký và không phải bản quét", "neither signed nor a scan"))
    return faults


def _images(resources: Any) -> list[Any]:
    objects = entry(resources, "/XObject", {})
    found = [objects[name] for name in objects]
    return [one for one in found if isinstance(one, generic.StreamObject) and entry(one, "/Subtype") == "/Image"]


def _coloured(image: Any) -> bool:
    space = entry(image, "/ColorSpace", "/DeviceRGB")  # JPEG 2000 has its own inside
    if isinstance(space, generic.ArrayObject):
        kind = str(space[0])
        if kind == "/Indexed":
            return _coloured({"/ColorSpace": space[1]})
        if kind == "/ICCBased":
            return int(space[1]["/N"]) > 1
        return kind != "/CalGray"
    return str(space) != "/DeviceGray"


def _attach(writer: FreshWriter, name: str, data: bytes, media_type: str, relationship: str) -> None:
    inside = embed.EmbeddedFileObject.from_file_data(writer, data, mime_type=media_type)
    spec = embed.FileSpec(name, file_name=name, embedded_data=inside, af_relationship=pdf_name(relationship))
    embed.embed_file(writer, spec)


def _original(source: Path) -> bytes:
    data = b""
    with open_source(source) as stream:
        while piece := stream.read(PIECE):
            data += piece
            if len(data) > MAX_ORIGINAL:
                raise LimitExceeded(
                    Text("Bản gốc quá lớn để đưa vào bản sao.", "The original is too large to go into its copy."),
                    hint=Text("Trích sao những trang cần thiết.", "Extract the pages that are needed."),
                    code="EDX-COPY-LIMIT",
                    where=str(source),
                )
    return data
