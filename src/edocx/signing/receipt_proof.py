"""Receipts as proof of existence (EN 319 102-1 5.4; ADR 9): which of those at hand count for a file.

A receipt counts when

1. the file's own SHA-256 is the one it names, or that of a beginning of the file that ends where a revision ends;
2. its signature holds over exactly its bytes, by a certificate that is good at the moment judged for (or was at the
   receipt's own timestamp) and was good at the moment it speaks of;
3. the moment it speaks of is not after its own timestamp, nor after the moment judged for;
4. the policy names its issuer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from edocx.content import PIECE
from edocx.errors import InputError, Text
from edocx.signing.certificate import describe, fingerprint
from edocx.signing.cms.document import examine_beside, load_signed_data
from edocx.signing.cms.signer import MALFORMED
from edocx.signing.holder import same_holder
from edocx.signing.judgement import Criteria, Finding, judge
from edocx.signing.policy import ReceiptIssuers
from edocx.signing.receipt import Held, Receipt, read_receipts
from edocx.signing.report import Indication, Message, ReceiptInfo
from edocx.signing.trust_pack import recognise
from edocx.units.registry import RegistryEntry

MAX_JUDGED = 16
"""Receipts of one file that are judged; each costs a signature and a path."""


class ReceiptBook:
    """The receipts at hand and whose count; `about` is asked once for every file judged."""

    def __init__(
        self, receipts: Iterable[Receipt], issuers: ReceiptIssuers | None, unreadable: Iterable[str] = ()
    ) -> None:
        self._by_size: dict[int, list[Receipt]] = {}
        for receipt in receipts:
            self._by_size.setdefault(receipt.size, []).append(receipt)
        self._issuers = issuers
        self._unreadable = tuple(unreadable)

    @classmethod
    def of(cls, places: Sequence[Path | str], issuers: ReceiptIssuers | None) -> ReceiptBook | None:
        """Read folders and files of receipts, None where none are given; raises as `read_receipts` does."""
        if not places:
            return None
        found: list[Receipt] = []
        unreadable: list[str] = []
        for place in places:
            some, faulty = read_receipts(Path(place))
            found += some
            unreadable += faulty
        return cls(found, issuers, unreadable)

    def about(self, path: Path, criteria: Criteria) -> tuple[tuple[Held, ...], tuple[Message, ...]]:
        """Return the receipts that count for a file or a beginning of it, and what is to be said of the others."""
        held: list[Held] = []
        messages = [_at(_UNREADABLE, name) for name in self._unreadable[:MAX_JUDGED]]
        for receipt, whole in self._fitting(path)[:MAX_JUDGED]:
            try:
                outcome = _judged(receipt, criteria, self._issuers, whole=whole)
            except MALFORMED:
                # A broken receipt in the folder must not keep anybody from verifying the file.
                outcome = _at(_FORGED, receipt.where)
            if isinstance(outcome, Held):
                held.append(outcome)
            else:
                messages.append(outcome)
        if not held and not messages and self._by_size:
            messages.append(_OTHER)
        return tuple(held), tuple(messages)

    def _fitting(self, path: Path) -> list[tuple[Receipt, bool]]:
        """Return the receipts whose digest is that of the file or of its first bytes, in one reading of it."""
        size = path.stat().st_size
        sizes = sorted(one for one in self._by_size if one <= size)
        found: list[tuple[Receipt, bool]] = []
        digest, read = hashlib.sha256(), 0
        with path.open("rb") as stream:
            for end in sizes:
                while read < end and (piece := stream.read(min(PIECE, end - read))):
                    digest.update(piece)
                    read += len(piece)
                sha256 = digest.hexdigest()
                found += [(one, end == size) for one in self._by_size[end] if one.sha256 == sha256]
        return found


def _judged(receipt: Receipt, criteria: Criteria, issuers: ReceiptIssuers | None, *, whole: bool) -> Held | Message:
    finding = _signature_of(receipt)
    if finding is None or finding.certificate is None:
        return _at(_FORGED, receipt.where)
    plain = replace(criteria, receipts=None, held=(), unheard=(), witness=None)  # no receipt vouches for another
    verdict = judge(finding, plain)
    if verdict.indication is Indication.TOTAL_FAILED:
        return _at(_FORGED, receipt.where)
    stamped = verdict.signing_time if verdict.time_source == "timestamp" else None
    latest = min(criteria.at, stamped) if stamped is not None else criteria.at
    trust = criteria.trust | finding.evidence.as_evidence()
    if criteria.fetch is not None:
        trust |= criteria.fetch(finding.certificate, trust, finding.embedded)
    then = plain.judge_path(finding.certificate, trust, receipt.held, finding.embedded)
    good = verdict.indication is then.indication is Indication.TOTAL_PASSED
    if receipt.held > latest or not good:
        return _at(_INVALID, receipt.where)
    entry = None if criteria.registry is None else _entry(criteria, finding, receipt.held, proven=stamped is not None)
    if not _named(receipt, finding, entry, then.anchor, issuers):
        return _at(_UNTRUSTED, receipt.where)
    info = ReceiptInfo(
        issuer=receipt.issuer,
        subject=describe(finding.certificate).subject,
        certificate=fingerprint(finding.certificate),
        time=receipt.held,
        sha256=receipt.sha256,
        bytes=receipt.size,
        covers="whole-document" if whole else "earlier-revision",
    )
    local = entry is not None and entry.local
    return Held(info, whole, (_at(_LOCAL, receipt.issuer),) if local else ())


def _signature_of(receipt: Receipt) -> Finding | None:
    """Return what is found of the receipt's one signature; None where there is none or several."""
    try:
        signed = load_signed_data(receipt.signature, receipt.where)
    except InputError:
        return None
    findings = list(examine_beside(signed, receipt.said))
    return findings[0] if len(findings) == 1 else None


def _entry(criteria: Criteria, finding: Finding, held: datetime, *, proven: bool) -> RegistryEntry | None:
    assert criteria.registry is not None
    assert finding.certificate is not None
    mark = fingerprint(finding.certificate)
    entry = criteria.registry.lookup(mark, held)
    # An issuer that has left the unit would state a moment before that; its own timestamp shows that it did not.
    return entry if proven or same_holder(entry, criteria.registry.lookup(mark, criteria.at)) else None


def _named(
    receipt: Receipt,
    finding: Finding,
    entry: RegistryEntry | None,
    anchor: str | None,
    issuers: ReceiptIssuers | None,
) -> bool:
    """Say whether the policy names the issuer: by certificate, or by the unit that the registry knows it for."""
    if issuers is None or finding.certificate is None:
        return False
    if entry is not None and str(entry.unit) != receipt.issuer:
        # The registry decides for whom a certificate speaks, not the statement.
        return False
    by_unit = entry is not None and str(entry.unit) in issuers.units
    if not by_unit and fingerprint(finding.certificate) not in issuers.certificates:
        return False
    known = recognise(anchor) if anchor is not None else None
    return not issuers.domains or anchor in issuers.domains or (known is not None and known.domain in issuers.domains)


_FORGED = Message.of(
    "EDX-RECEIPT-FORGED",
    "warning",
    Text(
        "Biên nhận này không có chữ ký đúng trên chính nội dung của nó; không tính. Xin lại từ nơi cấp.",
        "This receipt carries no good signature over its own content and counts for nothing; ask its issuer for it.",
    ),
)
_INVALID = Message.of(
    "EDX-RECEIPT-INVALID",
    "warning",
    Text(
        "Chứng thư của nơi cấp biên nhận không có hiệu lực vào lúc được nêu hoặc lúc kiểm tra; biên nhận không tính.",
        "The certificate of the receipt's issuer was not good at that time, or is not now; it counts for nothing.",
    ),
)
_UNTRUSTED = Message.of(
    "EDX-RECEIPT-UNTRUSTED",
    "warning",
    Text(
        "Chính sách không chấp nhận biên nhận của nơi này; nêu nơi cấp trong mục receipts của chính sách nếu tin cậy.",
        "The policy accepts no receipts of this issuer; name it under receipts in the policy if you trust it.",
    ),
)
_OTHER = Message.of(
    "EDX-RECEIPT-OTHER",
    "info",
    Text("Không biên nhận nào nói về đúng tệp này.", "None of the receipts is about this very file."),
)
_UNREADABLE = Message.of(
    "EDX-RECEIPT-UNREADABLE",
    "warning",
    Text("Một tệp không đọc được như biên nhận; bỏ qua.", "A file cannot be read as a receipt and is passed over."),
)
_LOCAL = Message.of(
    "EDX-RECEIPT-LOCAL",
    "warning",
    Text(
        "Nơi cấp biên nhận chỉ được biết qua sổ đăng ký tự nhập.",
        "The receipt's issuer is known from a locally imported registry alone.",
    ),
)


def _at(message: Message, where: str) -> Message:
    return message.model_copy(update={"where": where})
