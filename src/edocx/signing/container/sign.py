"""Writing ASiC-E: any set of files in one container under one XAdES signature (EN 319 162-1)."""

from __future__ import annotations

import mimetypes
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from lxml import etree

from edocx.clock import in_vietnam
from edocx.content import Blob, durable_file, storage_translated
from edocx.errors import Text, UsageError
from edocx.signing.evidence import Evidence
from edocx.signing.keys import Signer
from edocx.signing.timestamp import Timestamper
from edocx.signing.xml.lifting import lift
from edocx.signing.xml.sign import Reference, complete, prepare

MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
SIGNATURES = "META-INF/signatures.xml"
MANIFEST = "META-INF/manifest.xml"

_ASIC = "http://uri.etsi.org/02918/v1.2.1#"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


@storage_translated()
def sign_files(
    sources: Iterable[Path],
    out: Path,
    signer: Signer,
    *,
    at: datetime,
    timestamps: Timestamper | None = None,
    evidence: Evidence | None = None,
) -> Path:
    """Put files into a new container and sign them all: XAdES B-B, B-T with ``timestamps``, B-LT with ``evidence`` too.

    Files go in by their bare names (NFC), so no two may share one; they are read twice and never held in memory.
    ``at`` is the claimed signing time (aware). Raises `UsageError` (``EDX-USAGE-NAMES``), `InputError`, and what the
    key and the services raise; ``out`` is whole or untouched.
    """
    named = _named([Path(source) for source in sources])
    blobs = {name: Blob.from_path(path) for name, path in named.items()}
    references = [
        Reference(quote(name), (), bytes.fromhex(blob.sha256), media_type(name)) for name, blob in blobs.items()
    ]
    prepared = prepare(
        references,
        certificate=signer.certificate,
        algorithm=signer.algorithm,
        at=at,
        chain=signer.chain,
        signature_id="Signature",
    )
    signature = complete(prepared, signer.sign_digest(prepared.to_sign))
    if timestamps is not None:
        lift(signature, timestamps, evidence)
    with durable_file(out) as stream:
        _write(stream, blobs, signature, at)
    return out


def media_type(name: str) -> str:
    """Tell a file's media type by its name; what is unknown is octets."""
    return mimetypes.guess_type(name, strict=True)[0] or "application/octet-stream"


def _write(stream: BinaryIO, blobs: dict[str, Blob], signature: etree._Element, at: datetime) -> None:
    moment = in_vietnam(at)
    when = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    with zipfile.ZipFile(stream, "w") as archive:
        # First, uncompressed and without extra fields, so that its text stands at a fixed place (EN 319 162-1 A.1).
        archive.writestr(zipfile.ZipInfo("mimetype", when), MEDIA_TYPE)
        for name, blob in blobs.items():
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.file_size = blob.size
            with archive.open(entry, "w") as target:
                for piece in blob.pieces():
                    target.write(piece)
        for name, root in ((MANIFEST, _manifest(list(blobs))), (SIGNATURES, _signatures(signature))):
            data = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
            archive.writestr(zipfile.ZipInfo(name, when), data, zipfile.ZIP_DEFLATED)


def _named(sources: Sequence[Path]) -> dict[str, Path]:
    named = {unicodedata.normalize("NFC", path.name): path for path in sources}
    reserved = {"mimetype", "META-INF"} & named.keys()
    if not sources or len(named) != len(sources) or reserved or "" in named:
        raise UsageError(
            Text("Tên tệp trong gói phải khác nhau và không để trống.", "Names in a container must differ."),
            hint=Text("Đổi tên các tệp trùng nhau.", "Rename the files that share a name."),
            code="EDX-USAGE-NAMES",
        )
    return named


def _signatures(signature: etree._Element) -> etree._Element:
    root = etree.Element(f"{{{_ASIC}}}XAdESSignatures", nsmap={"asic": _ASIC})
    root.append(signature)
    return root


def _manifest(names: list[str]) -> etree._Element:
    def tag(name: str) -> str:
        return f"{{{_ODF}}}{name}"

    root = etree.Element(tag("manifest"), {tag("version"): "1.2"}, nsmap={"manifest": _ODF})
    for path, kind in (("/", MEDIA_TYPE), *((name, media_type(name)) for name in names)):
        etree.SubElement(root, tag("file-entry"), {tag("full-path"): path, tag("media-type"): kind})
    return root
