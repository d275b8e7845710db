"""What all signature formats share: joining integrity, algorithm and path into one verdict.

The steps are those of EN 319 102-1 5.2, 5.3 and 5.6:

1. format (5.2.2) and signing certificate (5.2.3): done by the format's own verifier, which makes a `Finding`;
2. cryptographic verification (5.2.7): likewise;
3. proof of existence (5.4, 5.6.2.3): the earliest trusted timestamp (`edocx.signing.proof`) or receipt that counts;
4. certificate path (5.2.6): at the proven time, else at the time of validation; only when integrity holds;
5. algorithm constraints (5.2.8): at the same time;
6. who signed: from the registry, never from the name in the certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from asn1crypto import x509

from edocx.clock import VIETNAM
from edocx.errors import Text
from edocx.signing.certificate import describe, fingerprint
from edocx.signing.given import GivenKey
from edocx.signing.holder import Holder, holder_of
from edocx.signing.messages import HOURS_SHIFTED, KEY_GIVEN, KEY_UNKNOWN, REVOKED_LATER
from edocx.signing.parts import EARLIER, WHOLE, file_part
from edocx.signing.path import judge_path
from edocx.signing.path_memory import judge_remembered, remember_for
from edocx.signing.path_verdict import PathVerdict
from edocx.signing.proof import Proof, prove
from edocx.signing.receipt import Held
from edocx.signing.report import (
    Addition,
    CertificateInfo,
    Indication,
    Integrity,
    Message,
    SignatureReport,
    SubIndication,
)
from edocx.signing.signed import Content, Witness
from edocx.signing.strength import DEFAULT_RULES, StrengthRules, weakness
from edocx.signing.token import MAX_TOKENS, Token, may_stamp
from edocx.signing.trust import TrustStore
from edocx.signing.trust_pack import KnownCertificate, read_pack, recognise
from edocx.units.registry import CertificateRegistry

Fetch = Callable[[x509.Certificate, TrustStore, tuple[x509.Certificate, ...]], TrustStore]
"""Gets evidence about a certificate's path from the network; only given when the user asked for it."""


class Receipts(Protocol):
    """Says which receipts count for a file (`edocx.signing.receipt_proof.ReceiptBook`)."""

    def about(self, path: Path, criteria: Criteria) -> tuple[tuple[Held, ...], tuple[Message, ...]]:
        """Return the receipts that count for a file or a beginning of it, and what is to be said of the others."""
        ...


@dataclass(frozen=True, slots=True)
class Criteria:
    """Against what signatures are judged: anchors, time, the registry if there is one, keys given by hand.

    ``detached`` and ``keys`` are what `edocx verify` gets by ``--detached`` and ``--key``. ``witness`` is told what
    every signature that passed signed; without one nobody keeps that.
    """

    trust: TrustStore
    at: datetime
    registry: CertificateRegistry | None = None
    rules: StrengthRules = DEFAULT_RULES
    fetch: Fetch | None = None
    detached: tuple[Path, ...] = ()
    keys: tuple[GivenKey, ...] = ()
    witness: Witness | None = None
    receipts: Receipts | None = None
    held: tuple[Held, ...] = ()
    """The receipts that count for the file in hand (`holding`), and below what is said of those that do not."""
    unheard: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        """Let paths be remembered for as long as this trust is in use."""
        remember_for(self.trust)

    def holding(self, path: Path) -> Criteria:
        """Return the criteria for a file and what is inside it: with the receipts that count for it."""
        if self.receipts is None:
            return self
        held, unheard = self.receipts.about(path, self)
        return replace(self, held=(*self.held, *held), unheard=unheard)

    def judge_path(
        self, certificate: x509.Certificate, trust: TrustStore, at: datetime, extra: tuple[x509.Certificate, ...]
    ) -> PathVerdict:
        """Judge a certificate's path; under the same trust the same question is worked out once a run."""
        return judge_remembered(certificate, trust=trust, at=at, extra=extra)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a format's verifier found out before trust comes in.

    ``failure`` is the sub-indication when integrity does not hold; ``outcome`` its indication. ``tokens`` are the
    signature's own timestamps, ``archives`` later ones over it, ``evidence`` what the file brings along.
    ``given_key`` says that it was checked with a key the user gave, and no certificate. ``content`` is what was hashed,
    where somebody asked for it.
    """

    id: str
    format: Literal["PAdES", "XAdES", "CAdES", "XMLDSig", "CMS"]
    integrity: Integrity
    covers: Literal["whole-document", "earlier-revision", "elements", "attachment"]
    algorithm: str
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] | None = None
    certificate: x509.Certificate | None = None
    embedded: tuple[x509.Certificate, ...] = ()
    claimed_time: datetime | None = None
    outcome: Indication = Indication.TOTAL_PASSED
    failure: SubIndication | None = None
    hash_names: tuple[str, ...] = ()
    messages: tuple[Message, ...] = field(default=())
    tokens: tuple[Token, ...] = ()
    archives: tuple[Token, ...] = ()
    evidence: TrustStore = field(default_factory=TrustStore)
    is_stamp: bool = False
    given_key: bool = False
    content: Content | None = None
    addition: Addition | None = None
    matched: frozenset[Path] = frozenset()
    """The files given by hand that it was checked over."""
    parts: tuple[str, ...] | None = None
    """What it covers (`edocx.signing.parts`); None where ``covers`` and ``matched`` say it."""
    outside: str | None = None
    """What stands in the document outside of it (`SignatureReport.outside`)."""
    end: int | None = None
    """Bytes from the file's beginning in which the signature is whole; None where it needs the whole file."""


def _level(finding: Finding, proof: Proof, at: datetime) -> Literal["B-B", "B-T", "B-LT", "B-LTA"] | None:
    """Return the level reached: a timestamp that proves nothing is none (EN 319 142-1 6), but for one yet to come."""
    if finding.level is None or proof.time is not None:
        return finding.level
    later = any(token.time is not None and token.time > at for token in (*finding.tokens, *finding.archives))
    return finding.level if later else "B-B"


def matched_by(findings: Iterable[Finding]) -> frozenset[Path]:
    """Return the files given by hand that intact signatures were checked over."""
    return frozenset(one for found in findings if found.outcome is Indication.TOTAL_PASSED for one in found.matched)


def in_file(finding: Finding, name: str) -> Finding:
    """Return the finding with its content named after the file that it stood in."""
    return finding if finding.content is None else replace(finding, content=replace(finding.content, file=name))


def judge(finding: Finding, criteria: Criteria) -> SignatureReport:
    """Turn a finding into the verdict on one signature."""
    indication, sub = finding.outcome, finding.failure
    messages = list(finding.messages)
    proof = Proof(None, ())
    held: Held | None = None
    if indication is Indication.TOTAL_PASSED:
        if finding.certificate is not None:
            brought = finding.evidence != TrustStore()
            trust = criteria.trust | finding.evidence.as_evidence() if brought else criteria.trust
            trust = _with_stamps_evidence(finding, criteria, trust)
            proof = prove(finding.tokens, finding.archives, trust, criteria.at)
            messages += proof.messages
            held = _held(finding, criteria, proof.time)
            messages += held.messages if held is not None else criteria.unheard
            proven = held.info.time if held is not None else proof.time
            indication, sub, more = _judge_trust(finding, finding.certificate, criteria, trust, proven)
            messages += more
        else:
            indication, sub, message = _without_certificate(finding)
            messages.append(message)
    kind, unit, more = _holder(finding, criteria, held.info.time if held is not None else proof.time)
    messages += more
    moment, source = _time(finding, proof, held)
    messages += _time_messages(finding, proof, held)
    report = SignatureReport(
        id=finding.id,
        kind=kind,
        unit=unit,
        indication=indication,
        sub_indication=sub,
        integrity=finding.integrity,
        format=finding.format,
        level=_level(finding, proof, criteria.at) if indication is Indication.TOTAL_PASSED else finding.level,
        signing_time=moment,
        time_source=source,
        algorithm=finding.algorithm,
        covers=finding.covers,
        parts=_parts(finding),
        outside=finding.outside,
        certificate=_certificate(finding, indication, moment),
        receipt=held.info if held is not None else None,
        messages=tuple(messages),
        addition=finding.addition,
    )
    if criteria.witness is not None and finding.content is not None and indication is Indication.TOTAL_PASSED:
        criteria.witness(report, finding.content)
    return report


def _parts(finding: Finding) -> tuple[str, ...]:
    if finding.integrity is Integrity.INVALID or finding.failure is not None:
        return ()  # under a broken signature what it covers is moot
    if finding.parts is not None:
        return finding.parts
    if finding.matched:
        return tuple(sorted(file_part(place.name) for place in finding.matched))
    return (finding.covers,) if finding.covers in {WHOLE, EARLIER} else ()


def _certificate(finding: Finding, indication: Indication, moment: datetime | None) -> CertificateInfo | None:
    if finding.certificate is None:
        return None
    info = describe(finding.certificate)
    if moment is None:
        return info
    if not info.not_before <= moment <= info.not_after:
        return info.model_copy(update={"at_signing": "outside-dates"})
    return info.model_copy(update={"at_signing": "valid"}) if indication is Indication.TOTAL_PASSED else info


def _held(finding: Finding, criteria: Criteria, proven: datetime | None) -> Held | None:
    """Return the earliest receipt that holds the whole signature, if it proves more than the timestamps do."""
    own = fingerprint(finding.certificate) if finding.certificate is not None else None
    fit = [
        held
        for held in criteria.held
        # Nobody vouches for his own time: the key in doubt could have signed the receipt too.
        if held.info.certificate != own
        and (held.whole or (finding.end is not None and finding.end <= held.info.bytes))
        and (proven is None or held.info.time < proven)
    ]
    return min(fit, key=lambda held: held.info.time, default=None)


def _judge_trust(
    finding: Finding,
    certificate: x509.Certificate,
    criteria: Criteria,
    trust: TrustStore,
    proven: datetime | None,
) -> tuple[Indication, SubIndication | None, Iterable[Message]]:
    # 4. path
    at = min(proven, criteria.at) if proven is not None else criteria.at
    verdict = criteria.judge_path(certificate, trust, at, finding.embedded)
    if criteria.fetch is not None and _is_asked(verdict, certificate, criteria, trust, at, finding.embedded):
        trust |= criteria.fetch(certificate, trust, finding.embedded)
        verdict = judge_path(certificate, trust=trust, at=at, extra=finding.embedded)
    if verdict.indication is not Indication.TOTAL_PASSED:
        return verdict.indication, verdict.sub_indication, verdict.messages
    usable = may_stamp(certificate, finding.claimed_time) is None if finding.is_stamp else _may_sign(certificate)
    if not usable:
        return Indication.INDETERMINATE, SubIndication.CHAIN_CONSTRAINTS_FAILURE, (_KEY_USAGE,)
    # 5. algorithms
    weak = weakness(certificate, finding.hash_names, at, criteria.rules)
    if weak is not None:
        return Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, (_weak(weak),)
    return Indication.TOTAL_PASSED, None, _later(certificate, criteria, proven, verdict)


def _with_stamps_evidence(finding: Finding, criteria: Criteria, trust: TrustStore) -> TrustStore:
    """Complete trust with what the network says of the authorities that stamped, where the user asked for it."""
    if criteria.fetch is None:
        return trust
    for token in (*finding.tokens, *finding.archives)[:MAX_TOKENS]:
        if not token.intact or token.certificate is None or token.signer is None:
            continue
        others = token.signer.others
        verdict = judge_path(token.certificate, trust=trust, at=criteria.at, extra=others)
        if _is_asked(verdict, token.certificate, criteria, trust, criteria.at, others):
            trust |= criteria.fetch(token.certificate, trust, others)
    return trust


_FETCHABLE = {SubIndication.TRY_LATER, SubIndication.NO_CERTIFICATE_CHAIN_FOUND}


def _is_asked(  # noqa: PLR0917 - two callers, and a verdict has so many grounds
    verdict: PathVerdict,
    certificate: x509.Certificate,
    criteria: Criteria,
    trust: TrustStore,
    at: datetime,
    extra: tuple[x509.Certificate, ...],
) -> bool:
    """Say whether the network is to be asked: about what is unknown, and about what a file alone says is good.

    Whoever sends a file chooses the evidence in it, and an answer of last week still runs when the key is revoked
    today. What the verifier has of his own needs no second opinion; of an expired certificate nobody keeps books.
    """
    if verdict.sub_indication in _FETCHABLE:
        return True
    if verdict.indication is not Indication.TOTAL_PASSED or trust is criteria.trust:
        return False
    if certificate.not_valid_after < criteria.at:
        return False
    own = criteria.judge_path(certificate, criteria.trust, at, extra)
    return own.indication is not Indication.TOTAL_PASSED


def _later(
    certificate: x509.Certificate, criteria: Criteria, proven: datetime | None, verdict: PathVerdict
) -> Iterable[Message]:
    messages = verdict.messages
    if proven is not None and certificate.not_valid_after < criteria.at:
        messages = (*messages, REVOKED_LATER)
    known = recognise(verdict.anchor) if verdict.anchor is not None else None
    return messages if known is None else (*messages, _domain(known))


def _domain(known: KnownCertificate) -> Message:
    name = read_pack().domain_name(known.domain)
    return Message.of(
        "EDX-TRUST-DOMAIN",
        "info",
        Text(f"Chứng thư thuộc hệ thống {name.vi}.", f"The certificate belongs to the {name.en} hierarchy."),
        where=known.domain,
    )


def _without_certificate(finding: Finding) -> tuple[Indication, SubIndication | None, Message]:
    # A bare key has no path: intact, but from whom stays unknown (EN 319 102-1 5.2.3).
    message = KEY_GIVEN if finding.given_key else KEY_UNKNOWN
    return Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, message


def _holder(finding: Finding, criteria: Criteria, proven: datetime | None) -> Holder:
    if finding.certificate is None or criteria.registry is None:
        return "unknown", None, ()
    claimed = finding.claimed_time
    return holder_of(finding.certificate, criteria.registry, at=criteria.at, claimed=claimed, proven=proven)


def _time(
    finding: Finding, proof: Proof, held: Held | None
) -> tuple[datetime | None, Literal["timestamp", "receipt", "claimed", "none"]]:
    if held is not None:
        return held.info.time, "receipt"
    if proof.time is not None:
        return proof.time, "timestamp"
    if finding.claimed_time is not None:
        return finding.claimed_time, "timestamp" if finding.is_stamp else "claimed"
    return None, "none"


def _time_messages(finding: Finding, proof: Proof, held: Held | None) -> list[Message]:
    if held is not None:
        return [_RECEIPT.model_copy(update={"where": held.info.issuer})]
    if finding.claimed_time is None or finding.is_stamp:
        return []
    if proof.time is None:
        return [_CLAIMED]
    # law.md #105: some tools write Vietnam's local time as UTC, seven hours ahead.
    ahead = finding.claimed_time - proof.time - VIETNAM.utcoffset(None)
    return [HOURS_SHIFTED] if abs(ahead) < timedelta(minutes=30) else []


def _may_sign(certificate: x509.Certificate) -> bool:
    usage = certificate.key_usage_value
    return usage is None or bool({"digital_signature", "non_repudiation"} & usage.native)


def _weak(what: str) -> Message:
    return Message.of(
        "EDX-ALGORITHM-WEAK",
        "error",
        Text(
            "Thuật toán hoặc độ dài khóa không còn được chấp nhận (TT 15/2025); không gì chứng minh chữ ký cũ hơn.",
            "The algorithm or key length is no longer accepted (TT 15/2025); nothing proves the signature is older.",
        ),
        where=what,
    )


_RECEIPT = Message.of(
    "EDX-RECEIPT-COUNTED",
    "info",
    Text(
        "Biên nhận đã ký của nơi được chính sách chấp nhận chứng minh chữ ký có từ trước lúc này.",
        "A signed receipt of an issuer that the policy accepts proves that the signature existed by this time.",
    ),
)
_CLAIMED = Message.of(
    "EDX-TIME-CLAIMED",
    "info",
    Text(
        "Thời gian ký do người ký tự khai, chưa có dấu thời gian xác nhận.",
        "The signing time is the signer's own claim; no timestamp confirms it.",
    ),
)
_KEY_USAGE = Message.of(
    "EDX-CERT-USAGE",
    "error",
    Text(
        "Chứng thư này không được cấp để ký; yêu cầu ký lại bằng chứng thư ký số.",
        "This certificate was not issued for signing; ask for a signature with one that was.",
    ),
)
