"""One call for every kind of file: sniff it, open it, collect the verdicts."""

from __future__ import annotations

import base64
import contextlib
import itertools
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from asn1crypto.x509 import Certificate
from lxml import etree

from edocx.clock import Clock, SystemClock
from edocx.errors import EnvelopeError, InputError, PdfError, Text, Unavailable, XmlError
from edocx.signing.evidence import IssuerSource, RevocationSource
from edocx.signing.given import GivenKey
from edocx.signing.judgement import Criteria, Fetch
from edocx.signing.path import issuing_path
from edocx.signing.policy import Policy, load_policy
from edocx.signing.receipt_proof import ReceiptBook
from edocx.signing.report import Message, Report
from edocx.signing.requirement import Ground, apply_policy
from edocx.signing.trust import TrustStore
from edocx.units.directory import Directory
from edocx.units.registry import CertificateRegistry
from edocx.verification.beside import detached_files, told_unmatched
from edocx.verification.extract import Extraction, collecting

SNIFF = 4096
"""Bytes looked at to tell the kind of a file; names and extensions are not trusted."""

Kind = Literal["pdf", "xml", "cms", "zip", "unknown"]


def verify(
    path: Path | str,
    *,
    trust: TrustStore | None = None,
    registry: CertificateRegistry | None = None,
    at: datetime | None = None,
    policy: str = "signatures-only",
    clock: Clock | None = None,
    detached: Sequence[Path | str] = (),
    keys: Sequence[Path | str] = (),
    source: RevocationSource | None = None,
    receipts: Sequence[Path | str] = (),
    directory: Directory | None = None,
) -> Report:
    """Judge every signature in a file, and in the files inside it.

    ``trust`` says whom to believe: without it nobody is, and the verdict is INDETERMINATE. ``at`` is the aware
    moment to judge for, the present one by default. ``detached`` are files that a signature speaks of, ``keys``
    certificates, public keys or shared secrets to check with. ``receipts`` are folders of signed receipts, which prove
    since when the file existed where the policy names their issuers. ``directory`` tells a policy which units existed
    when. No network is used, unless a ``source`` is given
    that asks for revocation (`edocx.signing.online.OnlineSource`). Raises `InputError` for a file that
    cannot be read as anything we know, `UsageError` for a policy that does not exist; a bad signature raises nothing.
    """
    rules = load_policy(policy)
    moment = at or (clock or SystemClock()).now()
    criteria = _criteria(moment, rules, trust, registry, source, detached, keys, receipts)
    return _verdict(Path(path), criteria, rules, directory)


def extract(
    path: Path | str,
    into: Path | str,
    *,
    trust: TrustStore | None = None,
    registry: CertificateRegistry | None = None,
    at: datetime | None = None,
    policy: str = "signatures-only",
    clock: Clock | None = None,
    detached: Sequence[Path | str] = (),
    keys: Sequence[Path | str] = (),
    source: RevocationSource | None = None,
    receipts: Sequence[Path | str] = (),
    directory: Directory | None = None,
) -> Extraction:
    """Judge a file as `verify` does, and write what each signature that passed signed into the folder ``into``.

    The folder must be empty or not there yet; in it, each signature gets a folder with the octets that were hashed,
    and ``signed.json`` lists them. Under a policy that is not met nothing is given at all. Raises what `verify`
    raises, and `InputError` when ``into`` cannot be used or the file changes meanwhile.
    """
    moment = at or (clock or SystemClock()).now()
    target = Path(into)
    rules = load_policy(policy)
    with collecting(target) as collector:
        criteria = _criteria(moment, rules, trust, registry, source, detached, keys, receipts)
        report = _verdict(Path(path), replace(criteria, witness=collector), rules, directory)
        return Extraction(report, collector.settle(target, report))


def _criteria(  # noqa: PLR0917 - what both doors were told, in their order
    at: datetime,
    rules: Policy,
    trust: TrustStore | None,
    registry: CertificateRegistry | None,
    source: RevocationSource | None,
    detached: Sequence[Path | str],
    keys: Sequence[Path | str],
    receipts: Sequence[Path | str],
) -> Criteria:
    return Criteria(
        trust or TrustStore(),
        at,
        registry,
        fetch=_fetch(source, at) if source is not None else None,
        detached=detached_files(detached),
        keys=tuple(GivenKey.from_path(Path(one)) for one in keys),
        receipts=ReceiptBook.of(receipts, rules.receipts),
    )


_HOSTILE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    NotImplementedError,
    EOFError,
    struct.error,
    zlib.error,
    etree.LxmlError,
)


def _verdict(place: Path, criteria: Criteria, rules: Policy, directory: Directory | None) -> Report:
    ground = Ground(criteria.at, criteria.registry, directory)
    try:
        return apply_policy(rules, told_unmatched(_judge(place, criteria, rules.name), criteria.detached), ground)
    except _HOSTILE as error:
        # What parsers raise on bytes made to break them; the promise is a verdict or one clean error.
        raise InputError(
            Text(
                "Tệp được tạo bất thường đến mức không kiểm tra được.",
                "The file is made so oddly that it cannot be checked.",
            ),
            hint=Text("Không tin tệp này; hỏi lại bên gửi.", "Do not rely on this file; ask its sender."),
            code="EDX-FILE-HOSTILE",
            where=str(place),
        ) from error


def _judge(place: Path, criteria: Criteria, policy: str) -> Report:
    kind = sniff(place)
    if kind not in {"pdf", "unknown"}:  # a PDF's are looked for where its revisions are known
        criteria = criteria.holding(place)
    match kind:
        case "pdf":
            from edocx.signing.pdf.verify import verify_pdf  # noqa: PLC0415 - pyHanko loads for PDFs only

            return verify_pdf(place, criteria, policy=policy)
        case "xml":
            return _verify_xml(place, criteria, policy)
        case "cms":
            from edocx.signing.cms.document import verify_cms  # noqa: PLC0415 - only for CMS

            return verify_cms(place, criteria, policy=policy)
        case "zip":
            from edocx.signing.container.verify import verify_asice  # noqa: PLC0415 - only for containers

            return verify_asice(place, criteria, judge_file=_judge_inside(criteria, policy), policy=policy)
        case "unknown":
            raise InputError(
                Text("Không nhận ra loại tệp này.", "This kind of file is not known."),
                hint=Text(
                    "Cần tệp PDF, XML, phong bì edXML, CMS (.p7s, .p7m) hoặc ASiC.",
                    "A PDF, XML, edXML envelope, CMS file (.p7s, .p7m) or ASiC container is needed.",
                ),
                code="EDX-FILE-KIND",
                where=str(place),
            )


def _fetch(source: RevocationSource, at: datetime) -> Fetch:
    """Make the function that completes trust with what a source says about a certificate's path.

    Where no path leads to an anchor, a source that can fetches the missing issuers first.
    """

    def fetch(certificate: Certificate, trust: TrustStore, extra: tuple[Certificate, ...]) -> TrustStore:
        found = TrustStore()
        path = issuing_path(certificate, trust=trust, at=at, extra=extra)
        if not path and trust.anchors and isinstance(source, IssuerSource):
            found = TrustStore((), source.issuers(certificate))
            path = issuing_path(certificate, trust=trust | found, at=at, extra=extra)
        for issuer, subject in itertools.pairwise(path):
            try:
                said = source.about(subject, issuer)
            except Unavailable:
                continue  # the verdict stays what it was: evidence is missing, and it says so
            found |= TrustStore((), (), said.revocation_lists, said.ocsp_responses)
        return found

    return fetch


def _judge_inside(criteria: Criteria, policy: str) -> Callable[[Path, str], Report]:
    """Make the judge for files inside a container: one level down, and never a container in a container."""

    def judge_file(path: Path, name: str) -> Report:
        blank = Report.of(file=name, format="unknown", policy=policy, signatures=())
        if sniff(path) != "pdf" and not _begins_pdf(path):  # a zip in front does not keep it from being one
            return blank
        from edocx.signing.pdf.verify import verify_pdf  # noqa: PLC0415 - pyHanko loads for PDFs only

        try:
            return verify_pdf(path, criteria, name=name, policy=policy)
        except PdfError:
            return blank.model_copy(update={"messages": (_UNREADABLE_INSIDE,)})

    return judge_file


_UNREADABLE_INSIDE = Message.of(
    "EDX-INSIDE-UNREADABLE",
    "warning",
    Text(
        "Tệp bên trong không đọc được nên chưa xét chữ ký riêng của nó.",
        "The file inside cannot be read, so that signatures of its own were not judged.",
    ),
)


def _is_cms(head: bytes) -> bool:
    if head.startswith((b"-----BEGIN PKCS7", b"-----BEGIN CMS")):
        return True
    if head.startswith(b"MI"):
        with contextlib.suppress(ValueError):
            head = base64.b64decode(b"".join(head.split())[: SNIFF // 8 * 4])
    return head.startswith(b"\x30") and _SIGNED_DATA in head[:32]


def _begins_cms(head: bytes) -> bool:
    """Say whether a file is a ContentInfo of SignedData from its first byte on, or says so in PEM."""
    if head.startswith((b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----")):
        return True
    if len(head) < 2 or head[0] != 0x30:  # noqa: PLR2004 - a SEQUENCE: its tag and length
        return False
    longer = head[1] & 0x7F if head[1] & 0x80 else 0
    return head.startswith(_SIGNED_DATA, 2 + longer)


_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")


def _verify_xml(path: Path, criteria: Criteria, policy: str) -> Report:
    from edocx.sealing import verify_envelope  # noqa: PLC0415 - only for XML
    from edocx.signing.xml.document import verify_xml  # noqa: PLC0415

    try:
        return verify_envelope(path, criteria, policy=policy)
    except (EnvelopeError, XmlError) as error:
        # Not an envelope, or in an encoding that envelopes do not have: any signed XML is judged for itself.
        if error.code not in {EnvelopeError.default_code, "EDX-XML-ENCODING"}:
            raise
        return verify_xml(path, criteria, policy=policy)


def _begins_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(_PDF_HEAD)


_PDF_HEAD = 1024
"""Where viewers look for the beginning of a PDF (ISO 32000-1 H.3.4.1)."""


_CMS_ENDINGS = frozenset({".p7s", ".p7m", ".p7b", ".p7c"})
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe \t\r\n"
"""What may stand before the first "<": byte order marks and white space."""


def sniff(path: Path) -> Kind:
    """Tell the kind of a file by its first bytes; raise `InputError` when it cannot be read."""
    if path.exists() and not path.is_file():
        # A pipe would hang until somebody writes, and none of the readers can go back in one.
        raise InputError(
            Text("Đây không phải một tệp thông thường.", "This is no ordinary file."),
            hint=Text("Chép nội dung ra một tệp rồi kiểm tra tệp đó.", "Copy the content to a file and verify that."),
            code="EDX-FILE-ORDINARY",
            where=str(path),
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(SNIFF)
    except OSError as error:
        raise InputError(
            Text(f"Không mở được tệp ({error.strerror}).", f"The file cannot be opened ({error.strerror})."),
            hint=Text("Kiểm tra đường dẫn và quyền đọc.", "Check the path and the permission to read it."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error
    if path.suffix.lower() == ".pdf":
        return "pdf"  # claims to be one: the PDF reader says best what is wrong with it
    if head.startswith(b"PK\x03\x04"):
        return "zip"  # may hold a PDF as it is, near its beginning; one outside of its files is refused (`framing`)
    if _begins_cms(head):
        return "cms"  # may hold a PDF as it is, near its beginning; one outside of its content does not pass
    if b"%PDF-" in head[:_PDF_HEAD]:
        return "pdf"
    if _is_cms(head):
        return "cms"
    text = head.replace(b"\0", b"").lstrip(_BEFORE_XML)
    # Nobody means XML by the name of a CMS file, and words that hold a "<" are none.
    is_xml = text.startswith(b"<") if path.suffix.lower() in _CMS_ENDINGS else b"<" in text
    return "xml" if is_xml else "unknown"
