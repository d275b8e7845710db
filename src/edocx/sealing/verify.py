"""Verifying the seal and every attachment of an envelope.

1. Frame: what may stand once stands once; no Id stands twice.
2. Content: each ContentTransferEncoded holds canonical base64 and nothing but text. xmlsec1 accepts a base64 reference
   whose text is split by a comment or has odd padding bits; other readers see other bytes there, so we do not.
3. Binding: name, type and id beside each content repeat the sealed manifest, one to one.
4. Signature: exactly the parts of the profile, each at its absolute place (`edocx.signing.xml.verify`).
5. What stands outside the seal is named; only the trace may.
6. Each attachment's own signatures.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.model import Attachment
from edocx.envelope.read import Reading, open_envelope
from edocx.errors import EdocxError, Text, XmlError
from edocx.sealing import parts as p
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.pdf.document import HEADER, HEADER_WITHIN
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, Integrity, Message, Report, SubIndication
from edocx.signing.xml.names import BASE64_TRANSFORM
from edocx.signing.xml.verify import ExpectedPart, examine


def verify_envelope(
    path: Path, criteria: Criteria, *, name: str | None = None, policy: str = "signatures-only"
) -> Report:
    """Judge an envelope's seal and the signatures of every file inside.

    Raises what `edocx.envelope.open_envelope` raises for a file that is no envelope; a bad seal raises nothing.
    """
    with open_envelope(path) as reading:
        seals = reading.skeleton.findall(p.SEAL)
        faults = _faults(reading) if seals else ()
        expected = _expected(reading) if seals else {}
        findings = [_with_faults(examine(seal, expected), faults) for seal in seals]
        if len(seals) > 1:
            findings = [_with_faults(finding, (_SEVERAL,)) for finding in findings]
        outside = [*p.unsealed(reading.skeleton)] if seals else []
        attachments = tuple(_judge_files(reading, criteria))
        return Report.of(
            file=name or str(path),
            format="edxml",
            policy=policy,
            signatures=[judge(finding, criteria) for finding in findings],
            messages=(*_remarks(reading, bool(seals), attachments), *(_outside(element) for element in outside)),
            attachments=attachments,
            uncovered=bool(outside),
        )


def _with_faults(finding: Finding, faults: tuple[Message, ...]) -> Finding:
    if not faults:
        return finding
    return replace(
        finding,
        integrity=Integrity.INVALID,
        outcome=Indication.TOTAL_FAILED,
        failure=finding.failure or SubIndication.FORMAT_FAILURE,
        messages=(*finding.messages, *faults),
    )


def _expected(reading: Reading) -> dict[str, ExpectedPart]:
    root = reading.skeleton
    expected = {
        f"#{part.get(n.ID, etree.QName(part).localname)}": ExpectedPart((EXCLUSIVE_C14N,), _digest(part))
        for part in p.sealed_parts(root)
    }
    for place, (element, payload) in enumerate(reading.payloads.items(), 1):
        digest = bytes.fromhex(payload.decoded.sha256) if payload.decoded is not None else b""
        expected[f"#{element.get(n.ID, f'file-{place}')}"] = ExpectedPart((BASE64_TRANSFORM,), digest)
    return expected


def _digest(part: etree._Element) -> bytes:
    try:
        return hashlib.sha256(canonicalise(part)).digest()
    except XmlError:
        return b""  # it has no canonical form, so no digest can be right


def _faults(reading: Reading) -> tuple[Message, ...]:
    root = reading.skeleton
    found = [_message("EDX-SEAL-TWICE", place, *_TWICE) for place in p.SINGLE if len(root.findall(place)) > 1]
    ids = Counter(value for element in root.iter() for key, value in element.attrib.items() if key == n.ID)
    found += [_message("EDX-SEAL-ID", str(value), *_SAME_ID) for value, count in ids.items() if count > 1]
    if reading.envelope.kind == "status" and (reading.payloads or root.find(p.PLACES[2]) is not None):
        found.append(_message("EDX-SEAL-EXTRA", None, *_STATUS_EXTRA))
    for element, payload in reading.payloads.items():
        holder = element.getparent()
        if holder is None or holder not in root.findall(p.FILES) or element.tag != p.ENCODED:
            found.append(_message("EDX-SEAL-PLACE", payload.where, *_PLACE))
        if payload.decoded is None or not payload.canonical or not payload.text_only:
            found.append(_message("EDX-SEAL-CONTENT", payload.where, *_CONTENT))
    return (*found, *_unbound(root))


def _unbound(root: etree._Element) -> Iterator[Message]:
    """Yield a fault for every attachment that says something else than the sealed manifest."""
    manifest = root.findall(f"{p.PLACES[2]}/{n.tag(n.MANIFEST)}/{n.tag(n.REFERENCE)}")
    try:
        listed = [(p.key_of(entry[0]), *entry[1:]) for entry in map(_fields, manifest)]
        beside = [(p.key_of(entry[0]), *entry[1:]) for entry in map(_fields, root.findall(p.FILES))]
    except ValueError as error:
        yield _message("EDX-SEAL-BINDING", str(error), *_BINDING)
        return
    if sorted(listed) != sorted(beside) or len({entry[0] for entry in listed}) != len(listed):
        names = sorted({entry[1] for entry in set(listed) ^ set(beside)})
        yield _message("EDX-SEAL-BINDING", ", ".join(names) or None, *_BINDING)
    for holder in root.findall(p.FILES):
        encoded = holder.findall(p.ENCODED)
        if len(encoded) != 1 or encoded[0].get(n.ID) != p.key_of(p.text_of(holder, p.BOUND[0])):
            yield _message("EDX-SEAL-BINDING", None, *_BINDING)


def _fields(entry: etree._Element) -> tuple[str, ...]:
    return tuple(p.text_of(entry, name) for name in p.BOUND)


def _judge_files(reading: Reading, criteria: Criteria) -> Iterator[Report]:
    for attachment in reading.envelope.attachments:
        label = attachment.name or attachment.content_id or "?"
        if attachment.content is None:
            continue
        with _as_file(attachment) as path:
            if path is None:
                yield Report.of(file=label, format="unknown", policy="signatures-only", signatures=())
                continue
            try:
                yield verify_pdf(path, criteria, name=label)
            except EdocxError as error:
                message = Message.of(error.code, "warning", error.text, label)
                yield Report.of(file=label, format="pdf", policy="signatures-only", signatures=(), messages=(message,))


@contextmanager
def _as_file(attachment: Attachment) -> Iterator[Path | None]:
    """Give a PDF attachment as a file that can be read at random; None for anything but a PDF."""
    assert attachment.content is not None
    blob: Blob = attachment.content
    with blob.open() as stream:
        if HEADER not in stream.read(HEADER_WITHIN):
            yield None
            return
    if blob.path is not None:
        yield blob.path
        return
    with tempfile.TemporaryDirectory(prefix="edocx-") as folder:
        yield blob.save(Path(folder) / "attachment.pdf").path


def _remarks(reading: Reading, sealed: bool, attachments: tuple[Report, ...]) -> Iterator[Message]:
    for finding in reading.findings:
        if finding.severity == "error":
            yield Message(**finding.model_dump())
    if reading.skeleton.find(f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}/{n.tag(n.SIGNATURE)}") is not None:
        yield _DUMMY
    if not sealed:
        yield _NO_SEAL
    for report in attachments:
        if report.indication is Indication.NO_SIGNATURE:
            yield _message("EDX-ATTACHMENT-UNSIGNED", report.file, *_UNSIGNED, severity="warning")


def _outside(element: etree._Element) -> Message:
    return _message("EDX-UNSEALED", etree.QName(element).localname, *_OUTSIDE, severity="warning")


def _message(code: str, where: str | None, vi: str, en: str, *, severity: str = "error") -> Message:
    return Message.of(code, "warning" if severity == "warning" else "error", Text(vi, en), where)


_TWICE = (
    "Một phần chỉ được có một lần lại xuất hiện hai lần trong phong bì.",
    "A part that may stand once stands twice in the envelope.",
)
_SAME_ID = ("Hai phần của phong bì mang cùng một Id.", "Two parts of the envelope carry the same Id.")
_STATUS_EXTRA = (
    "Gói trạng thái mang thêm nội dung ngoài phần đầu.",
    "A status message carries more than its header.",
)
_PLACE = ("Nội dung tệp đính kèm nằm sai chỗ.", "An attachment's content stands in the wrong place.")
_CONTENT = (
    "Nội dung tệp đính kèm không phải base64 chuẩn.",
    "An attachment's content is not canonical base64 in plain text.",
)
_BINDING = (
    "Tên, loại hoặc mã tệp đính kèm không khớp với bảng kê đã đóng dấu.",
    "An attachment's name, type or id disagrees with the sealed manifest.",
)
_UNSIGNED = ("Tệp đính kèm không có chữ ký riêng.", "The attachment carries no signature of its own.")
_OUTSIDE = ("Phần này nằm ngoài con dấu.", "This part stands outside the seal.")
_SEVERAL = _message("EDX-SEAL-SEVERAL", None, "Phong bì mang nhiều con dấu.", "The envelope carries several seals.")
_NO_SEAL = _message(
    "EDX-SEAL-ABSENT",
    None,
    "Phong bì không có con dấu: không ai bảo đảm nơi gửi, nơi nhận và trích yếu.",
    "The envelope has no seal: nobody vouches for sender, recipients and subject.",
    severity="warning",
)
_DUMMY = Message.of(
    "EDX-SIGNATURE-DUMMY",
    "info",
    Text(
        "Phong bì có khối Signature theo không gian tên QCVN; khối này không chứng minh điều gì.",
        "The envelope has a Signature block in the QCVN namespace; it proves nothing.",
    ),
)
