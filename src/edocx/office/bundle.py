"""Evidence bundle: a document's way as one signed container that a third party verifies without us.

An ASiC-E under the agency's seal (EN 319 162-1) with flat names::

    trace.json               what is claimed: document, deliveries, events, files with their digests
    journal.txt              the journal from the first line that tells of the document to its end, hash by hash
    document.pdf             the issued document, with its own signatures
    message-N.edxml          every sealed envelope and status heard or sent about it, as the bytes that travelled

Any tool that knows ASiC-E checks the seal; ``sha256sum`` follows the journal; the envelopes bear their senders' seals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edocx.content import Blob, write_durably
from edocx.errors import EdocxError, InputError, Refused, StateError, Text
from edocx.office.attestation import require_vouching
from edocx.office.bundle_claim import Claim, Said, event_faults, said_in, seal_faults, unchecked
from edocx.office.delivery_events import evidence_name
from edocx.office.desk import Desk
from edocx.office.tracing import Trace, trace
from edocx.routing.inbox import IncomingState
from edocx.routing.journal import digest, parse_line
from edocx.routing.parcel import ParcelKind
from edocx.routing.store.payloads import lost
from edocx.routing.transaction import Transaction
from edocx.sealing import verify_envelope
from edocx.signing.container.archive import Archive, open_archive
from edocx.signing.container.sign import MANIFEST, SIGNATURES, sign_files
from edocx.signing.container.verify import verify_asice
from edocx.signing.judgement import Criteria
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, Report

CLAIM, JOURNAL, DOCUMENT = "trace.json", "journal.txt", "document.pdf"

MAX_MESSAGES = 900
"""Messages in one bundle: a container of more than 1,000 entries is refused by our own reader."""

MAX_JOURNAL = 256 * 1024 * 1024
"""Bytes of a journal in a bundle that is read: about a million lines."""


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What verifying a bundle gave: the verdict on the container and everything in it, the claim, and its faults.

    ``remarks`` say what was not checked: without a registry whose seal it is, and what a full bundle left out.
    """

    report: Report
    claim: dict[str, Any]
    faults: tuple[Text, ...]
    remarks: tuple[Text, ...] = ()

    @property
    def indication(self) -> Indication:
        """The verdict on the bundle as a whole: the seal's, and failed whatever the seal says when there are faults."""
        return Indication.TOTAL_FAILED if self.faults else self.report.indication

    @property
    def passed(self) -> bool:
        """Whether the seal passed and everything fits together."""
        return self.report.indication is Indication.TOTAL_PASSED and not self.faults

    def require(self) -> BundleReport:
        """Return itself when the seal passed and everything fits together; raise `Refused` otherwise."""
        if self.faults:
            raise Refused(
                Text(
                    f"Gói chứng cứ không nhất quán: {self.faults[0].vi}", f"The bundle is faulty: {self.faults[0].en}"
                ),
                hint=Text("Yêu cầu cơ quan lập lại gói chứng cứ.", "Ask the agency for the bundle again."),
                code="EDX-BUNDLE-FAULTY",
                where=self.report.file,
            )
        self.report.require()
        return self


def write_bundle(desk: Desk, document: str, out: Path) -> Path:
    """Write the evidence about a document, sealed by the agency; whole or not at all.

    What was erased after a recall or with time is left out: the journal says so. Raises what `trace` raises,
    `StoreUnavailable` for a payload that is lost or damaged (``where`` is its place) and for a journal that does not
    hold together, and `StateError` (``EDX-OFFICE-RESTORED``) for one that lacks what others keep of it: the agency
    does not put its seal under half of its evidence, nor under a history that was written anew.
    """
    require_vouching(desk)
    way = trace(desk, document)
    with desk.workspace() as folder:
        files: list[Path] = []
        described: list[dict[str, Any]] = []
        with desk.store.read() as transaction:
            for place, (label, payload) in enumerate(_messages(transaction, way), 1):
                path = folder / f"message-{place}.edxml"
                _saved(payload, path)
                files.append(path)
                described.append({"file": path.name, "message_id": label, "sha256": payload.sha256})
            filed = transaction.documents.find(document)
            if filed is not None and filed.document_id is not None:
                pdf = _saved(transaction.documents.payload(filed), folder / DOCUMENT)
                files.append(folder / DOCUMENT)
                described.append({"file": DOCUMENT, "message_id": None, "sha256": pdf.sha256})
            lines = transaction.journal_lines()
        first = next((n for n, line in enumerate(lines) if _tells_of(line, way, document)), 0)
        write_durably(folder / JOURNAL, [f"{line}\n".encode() for line in lines[first:]])
        claim = _claim(desk, way, described, len(lines))
        write_durably(folder / CLAIM, [json.dumps(claim, ensure_ascii=False, indent=2).encode()])
        return sign_files([folder / CLAIM, folder / JOURNAL, *files], out, desk.agency(), at=desk.clock.now())


def verify_bundle(path: Path, criteria: Criteria) -> BundleReport:
    """Judge a bundle with nothing but itself, a trust store and, if there is one, a registry.

    1. The container's seal, over every file and (by the registry, if there is one) of the agency that the claim names;
       and every envelope and PDF inside for itself.
    2. Every status claimed stands in an enclosed message that its speaker sealed.
    3. The journal's lines follow each other, up to the head that the claim names.
    4. Every file named by the claim is there with its digest, and the journal tells of it.

    Raises `InputError` for a file that is no such bundle; what does not fit is in the answer.
    """
    report = verify_asice(path, criteria, judge_file=lambda file, name: _judge(file, name, criteria), name=str(path))
    with open_archive(path) as archive:
        try:
            told = json.loads(archive.read(CLAIM))
            claim = Claim.of(told)
            lines = archive.read(JOURNAL, MAX_JOURNAL).decode().splitlines()
            files = {str(one["file"]): str(one["sha256"]) for one in told["files"]}
            head = (int(told["journal"]["seq"]), str(told["journal"]["hash"]))
            present = {
                name: Blob.from_bytes(archive.read(name, MAX_JOURNAL)).sha256
                for name in archive.names
                if name.endswith((".edxml", ".pdf"))
            }
            said = tuple(_said(archive, report))
            beside = {name for name in archive.names if name.startswith("META-INF/")} - {SIGNATURES, MANIFEST}
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                Text("Tệp không phải gói chứng cứ của edocx.", "The file is no evidence bundle of edocx."),
                hint=Text("Dùng tệp do `edocx office trace --bundle` tạo.", "Use one that `trace --bundle` made."),
                code="EDX-BUNDLE-UNREADABLE",
                where=str(path),
            ) from error
    registered = criteria.registry is not None
    unshown = tuple(event_faults(claim, said, registered=registered))
    # A bundle holds so many messages and no more: of a broadcast, what is not enclosed is no lie.
    full = sum(name.endswith(".edxml") for name in present) >= MAX_MESSAGES
    faults = [
        *seal_faults(report, claim.unit, registered=registered),
        *(() if full else unshown),
        *_chain_faults(lines, head),
        *_file_faults(files, present, lines),
        *(
            Text(f"{name} không thuộc gói và không được con dấu bao trùm", f"{name} is no part of it and under no seal")
            for name in sorted(beside)
        ),
    ]
    remarks = (*(() if registered else unchecked(report)), *(unshown if full else ()))
    return BundleReport(report, told, tuple(faults), remarks)


def _said(archive: Archive, report: Report) -> Iterator[Said]:
    for inside in report.attachments:
        name = inside.file.rpartition("#")[2]  # our own flat names have no hash sign
        if name in archive.names and name.endswith(".edxml"):
            said = said_in(archive.read(name, MAX_JOURNAL), inside)
            if said is not None:
                yield said


def _judge(file: Path, name: str, criteria: Criteria) -> Report:
    judges = {".edxml": verify_envelope, ".pdf": verify_pdf}
    judge = judges.get(Path(name).suffix)
    blank = Report.of(file=name, format="unknown", policy="signatures-only", signatures=())
    try:
        return judge(file, criteria, name=name) if judge else blank
    except EdocxError:
        return blank


def _chain_faults(lines: list[str], head: tuple[int, str]) -> Iterator[Text]:
    previous = None
    for text in lines:
        line = parse_line(text)
        content = json.loads(line.text) if line.seq else {}
        follows = previous is None or (line.seq, content.get("previous")) == (previous.seq + 1, previous.hash)
        if digest(line.text) != line.hash or not follows:
            yield Text(f"chuỗi nhật ký đứt ở dòng {line.seq}", f"the journal breaks at line {line.seq}")
            return
        previous = line
    if previous is None or (previous.seq, previous.hash) != head:
        yield Text("nhật ký không kết thúc ở dòng đã công bố", "the journal does not end at the line claimed")


def _file_faults(files: dict[str, str], present: dict[str, str], lines: list[str]) -> Iterator[Text]:
    if files != present:
        yield Text("tệp không khớp với bảng kê", "the files are not those of the list")
    told = "\n".join(lines)
    for name, sha256 in files.items():
        if sha256 not in told:
            yield Text(f"nhật ký không nhắc đến {name}", f"the journal does not tell of {name}")


def _messages(transaction: Transaction, way: Trace) -> Iterator[tuple[str, Blob]]:
    """Yield every message about a document that is still held, sent ones first."""
    seen: set[str] = set()
    sent = [t.message_id for t in way.deliveries if t.direction == "out"]
    digests = [(m, found.sha256) for m in dict.fromkeys(sent) if (found := transaction.outbox.find(m)) is not None]
    # Another document that came under the same id is nobody's business here.
    carried = {t.message_id for t in way.deliveries}
    digests += [
        (m.message_id, m.sha256)
        for m in transaction.inbox.of_document(way.document_id)
        if m.kind is ParcelKind.STATUS or m.state is IncomingState.APPLIED or m.message_id in carried
    ]
    # Our own answers too: what we claim to have said stands there under our seal.
    digests += [(m.message_id, m.sha256) for m in transaction.outbox.of_document(way.document_id, ParcelKind.STATUS)]
    for label, sha256 in digests:
        if sha256 in seen or len(seen) >= MAX_MESSAGES:
            continue
        seen.add(sha256)
        try:
            yield label, transaction.payload(sha256)
        except StateError:
            continue  # erased after a recall or with time: its digest stays in the journal


def _saved(payload: Blob, path: Path) -> Blob:
    write_durably(path, payload.pieces())
    found = Blob.from_path(path)
    if found.sha256 != payload.sha256:  # a large one is looked at only as far as its length when it is loaded
        raise lost(payload.sha256 if payload.path is None else str(payload.path))
    return found


def _tells_of(line: str, way: Trace, document: str) -> bool:
    return any(json.dumps(word, ensure_ascii=False) in line for word in (way.document_id, document))


def _claim(desk: Desk, way: Trace, files: list[dict[str, Any]], seq: int) -> dict[str, Any]:
    with desk.store.read() as transaction:
        last = parse_line(transaction.journal_lines(after=seq - 1)[0])
    return {
        "schema": 1,
        "unit": str(desk.unit),
        "document_id": way.document_id,
        "at": desk.clock.now().isoformat(),
        "journal": {"seq": last.seq, "hash": last.hash},
        "files": files,
        "events": [
            {
                "at": event.at.isoformat(),
                "heard_at": event.heard_at.isoformat(),
                "recipient": event.recipient,
                "what": event.what,
                "evidence": event.evidence,
                "remark": event.remark,
                "basis": event.basis,
                "actor": event.actor,
                "person": event.person,
            }
            for event in way.events
        ],
        "ways": [list(nodes) for nodes in way.ways],
        "stations": [one.as_json() for one in way.stations],
        "missed": [
            {"due": one.due.isoformat(), "duty": str(one.duty), "unit": one.unit, "evidence": evidence_name(one.duty)}
            for one in way.missed
        ],
    }
