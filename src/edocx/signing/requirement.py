"""Asking a policy's rules of a finished report.

Where a rule is not met the verdict becomes INDETERMINATE with SIG_CONSTRAINTS_FAILURE (EN 319 102-1 5.2.8), and what is
missing is named; a verdict never gets better by a policy. Only signatures that passed count for a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, assert_never

from edocx.clock import in_vietnam
from edocx.errors import Text, UnitError
from edocx.signing.one_unit import Codes
from edocx.signing.policy import (
    AllOf,
    AnyOf,
    AuthorisedFor,
    PersonBeforeSeal,
    Policy,
    Rule,
    SealedBy,
    SenderIsIssuer,
    SignedByPersonOf,
    Timestamped,
    UnitExisted,
)
from edocx.signing.report import Indication, Message, Report, SignatureReport, Statement, SubIndication
from edocx.units.directory import Directory
from edocx.units.registry import CertificateRegistry, Mandate, SigningCapacity

_PROVEN = frozenset({"timestamp", "receipt"})
_HEAD = frozenset({SigningCapacity.OWN, SigningCapacity.TM})
"""The head's own right: whether TM. stands before it depends on how the body decides, not on the person."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What rules rest on besides the report: the moment judged for, the registry, the directory of units."""

    at: datetime
    registry: CertificateRegistry | None = None
    directory: Directory | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """One file that a rule is asked of; ``statement`` and ``seals`` are those of the envelope around it, if any."""

    report: Report
    ground: Ground
    codes: Codes
    statement: Statement | None = None
    seals: tuple[SignatureReport, ...] = ()

    @property
    def passed(self) -> list[SignatureReport]:
        return [one for one in self.report.signatures if one.indication is Indication.TOTAL_PASSED]


def apply_policy(policy: Policy, report: Report, ground: Ground) -> Report:
    """Return the report under a policy: the same when it is met, else INDETERMINATE with what is missing by name.

    Of an envelope or container with PDFs the rules are asked of the documents inside: one of them must meet them all,
    for others may be annexes (NĐ 30/2020 Phụ lục I: the seal alone). An envelope needs a seal of its own as well.
    """
    if policy.require is None:
        return report
    codes = Codes(ground.directory, in_vietnam(ground.at).date())
    found = tuple(dict.fromkeys([*_asked(policy.require, report, ground, codes), *codes.notes]))
    if not found:
        return report
    update: dict[str, object] = {"messages": (*report.messages, *found)}
    unmet = any(message.severity == "error" for message in found)
    if unmet and report.indication in {Indication.TOTAL_PASSED, Indication.NO_SIGNATURE}:
        update |= {"indication": Indication.INDETERMINATE, "sub_indication": SubIndication.SIG_CONSTRAINTS_FAILURE}
    return report.model_copy(update=update)


def _asked(rule: Rule, report: Report, ground: Ground, codes: Codes) -> list[Message]:
    envelope = report.format == "edxml"
    seals = tuple(s for s in report.signatures if s.indication is Indication.TOTAL_PASSED) if envelope else ()
    documents = [inside for inside in report.attachments if inside.format == "pdf"]
    if envelope and report.statement is not None and report.statement.is_status:
        own = _Case(report, ground, codes, report.statement, seals)  # it speaks of a document and carries none
        return [*_missing(SealedBy(), own), *_missing(SenderIsIssuer(), own), *_missing(UnitExisted(), own)]
    if not documents:
        alone = [_message(_NO_DOCUMENT, report.file)] if envelope else []
        return [*alone, *_missing(rule, _Case(report, ground, codes, report.statement, seals))]
    each = [_named(_missing(rule, _Case(one, ground, codes, report.statement, seals)), one.file) for one in documents]
    best = min(each, key=lambda messages: sum(message.severity == "error" for message in messages))
    return [*best, *(_missing(SealedBy(), _Case(report, ground, codes)) if envelope else ())]


def _named(messages: Iterable[Message], file: str) -> list[Message]:
    return [one if one.where else one.model_copy(update={"where": file}) for one in messages]


def _missing(rule: Rule, case: _Case) -> list[Message]:
    match rule:
        case SealedBy():
            found = [] if _any(case, "organisation", rule.unit) else [_message(_NO_SEAL, rule.unit)]
        case SignedByPersonOf():
            found = [] if _any(case, "person", rule.unit) else [_message(_NO_PERSON, rule.unit)]
        case PersonBeforeSeal():
            found = _order(case)
        case AuthorisedFor():
            found = list(_unauthorised(rule, case))
        case UnitExisted():
            found = list(_closed(case))
        case SenderIsIssuer():
            found = list(_other_sender(case))
        case Timestamped():
            found = [_message(_NO_TIME, s.id) for s in case.passed if s.time_source not in _PROVEN]
        case AllOf():
            found = [message for one in rule.rules for message in _missing(one, case)]
        case AnyOf():
            found = _least([_missing(one, case) for one in rule.rules])
        case _:
            assert_never(rule)
    return found


def _least(each: list[list[Message]]) -> list[Message]:
    """Return what the first rule that is met has to say; everything where none is, a fault where there is no rule."""
    met = [found for found in each if not any(message.severity == "error" for message in found)]
    if met:
        return met[0]
    return [message for found in each for message in found] or [_message(_NO_RULE, None)]


def _any(case: _Case, kind: str, unit: str | None) -> bool:
    return any(s.kind == kind and (unit is None or case.codes.same(s.unit, unit)) for s in case.passed)


def _order(case: _Case) -> list[Message]:
    missing: list[Message] = []
    people: list[str | None] = []
    for signature in case.passed:  # in signing order
        if signature.kind == "person":
            people.append(signature.unit)
        elif signature.kind == "organisation" and not _among(signature.unit, people, case.codes):
            missing.append(_message(_SEAL_ALONE, signature.id))
    return missing


def _unauthorised(rule: AuthorisedFor, case: _Case) -> Iterator[Message]:
    people = [s for s in case.passed if s.kind == "person"]
    if not people:
        yield _message(_NO_PERSON, None)
        return
    kind = rule.kind or (case.statement.kind if case.statement is not None else None)
    able = [s.unit for s in people if _may_sign(s, rule, kind, case.ground)]
    if not able:
        yield _message(_NOT_AUTHORISED, people[-1].id)
        return
    for seal in case.passed:
        own = [s for s in people if case.codes.same(s.unit, seal.unit)]
        if seal.kind == "organisation" and own and not _among(seal.unit, able, case.codes):
            yield _message(_NOT_AUTHORISED, own[-1].id)


def _may_sign(signature: SignatureReport, rule: AuthorisedFor, kind: str | None, ground: Ground) -> bool:
    if ground.registry is None or signature.certificate is None:
        return False
    signed = signature.signing_time or ground.at
    # A claimed time is chosen by whoever signs: somebody whose right has ended would claim a day before that.
    moments = [rule.at] if rule.at else [signed] if signature.time_source in _PROVEN else [signed, ground.at]
    for moment in moments:
        entry = ground.registry.lookup(signature.certificate.sha256, moment)
        if entry is None or not any(_fits(one, rule.capacity, kind) and one.holds_at(moment) for one in entry.mandates):
            return False
    return True


def _fits(mandate: Mandate, capacity: SigningCapacity | None, kind: str | None) -> bool:
    held = capacity is None or mandate.capacity is capacity or {mandate.capacity, capacity} <= _HEAD
    return held and (kind is None or mandate.covers(kind))


def _closed(case: _Case) -> Iterator[Message]:
    for signature in (*case.passed, *case.seals):
        if signature.unit is None:
            continue
        if case.ground.directory is None:
            yield _message(_NO_DIRECTORY, None, "warning")
            return
        signed = in_vietnam(signature.signing_time or case.ground.at).date()
        standing = _standing(signature.unit, signed, case.ground.directory)
        case.codes.rests_on_local(signature.unit, signed)
        if standing is None:
            yield _message(_UNKNOWN_UNIT, signature.unit, "warning")
        elif not standing:
            yield _message(_NOT_THERE, f"{signature.unit}, {signed.isoformat()}")
        elif signature.time_source not in _PROVEN:
            # The key of a unit that is gone may be in anybody's hands, and would claim a day before it went.
            today = in_vietnam(case.ground.at).date()
            if _standing(signature.unit, today, case.ground.directory) is False:
                yield _message(_GONE_SINCE, f"{signature.unit}, {signed.isoformat()}")


def _standing(unit: str, day: date, directory: Directory) -> bool | None:
    """Say whether a unit existed on a day; None where the directory does not know it."""
    try:
        directory.resolve(unit, day)
    except UnitError as error:
        return False if error.code in {"EDX-UNIT-CLOSED", "EDX-UNIT-NOT-OPEN"} else None
    return True


def _other_sender(case: _Case) -> Iterator[Message]:
    if case.statement is None:
        return  # a file by itself names no sender
    sealing = [s.unit for s in case.seals if s.kind == "organisation"]
    if not sealing:
        return  # that the seal is missing is said already
    if not _among(case.statement.sender, sealing, case.codes):
        yield _message(_SENDER, case.statement.sender)
    issuing = [s.unit for s in case.passed if s.kind == "organisation"] if not case.statement.is_status else []
    if issuing and not any(_among(unit, issuing, case.codes) for unit in sealing):
        yield _message(_ISSUER, case.report.file)


def _among(unit: str | None, units: Iterable[str | None], codes: Codes) -> bool:
    return any(codes.same(unit, one) for one in units)


def _message(pair: tuple[str, Text], where: str | None, severity: Literal["error", "warning"] = "error") -> Message:
    code, text = pair
    return Message.of(code, severity, text, where)


_NO_SEAL = (
    "EDX-POLICY-NO-SEAL",
    Text(
        "Chưa có chữ ký số hợp lệ của cơ quan ban hành theo sổ đăng ký; hỏi lại bên gửi hoặc bổ sung sổ đăng ký.",
        "No valid seal of an agency in the registry; ask the sender, or complete the registry.",
    ),
)
_NO_PERSON = (
    "EDX-POLICY-NO-PERSON",
    Text(
        "Chưa có chữ ký số hợp lệ của người có thẩm quyền theo sổ đăng ký; hỏi lại bên gửi hoặc bổ sung sổ đăng ký.",
        "No valid signature of a person in the registry; ask the sender, or complete the registry.",
    ),
)
_NO_DOCUMENT = (
    "EDX-POLICY-NO-DOCUMENT",
    Text(
        "Phong bì không chứa văn bản PDF nào để xét chữ ký của người có thẩm quyền và cơ quan; hỏi lại bên gửi.",
        "The envelope holds no PDF whose signatures of person and agency could be looked at; ask the sender.",
    ),
)
_NO_RULE = (
    "EDX-POLICY-EMPTY",
    Text(
        "Chính sách đòi một trong số không quy tắc nào: không gì thỏa mãn được; sửa tệp chính sách.",
        "The policy asks for one of no rules, which nothing can meet; correct the policy's file.",
    ),
)
_SEAL_ALONE = (
    "EDX-POLICY-ORDER",
    Text(
        "Chữ ký của cơ quan không đứng sau chữ ký của người có thẩm quyền của chính cơ quan đó (NĐ 30/2020).",
        "The agency's seal does not stand on an earlier signature of one of its own persons (NĐ 30/2020).",
    ),
)
_NOT_AUTHORISED = (
    "EDX-POLICY-NOT-AUTHORISED",
    Text(
        "Theo sổ đăng ký, không chứng minh được người ký có thẩm quyền ký loại văn bản này vào lúc ký (NĐ 30/2020 Điều "
        "13); xem văn bản giao quyền, bổ sung sổ đăng ký hoặc dấu thời gian.",
        "By the registry nothing shows that whoever signed had the right to sign such a document then (NĐ 30/2020 Điều "
        "13); look at the delegation, and complete the registry or add a timestamp.",
    ),
)
_NOT_THERE = (
    "EDX-POLICY-UNIT-CLOSED",
    Text(
        "Theo danh mục, cơ quan ký không tồn tại vào ngày ký (chưa thành lập hoặc đã giải thể, sáp nhập); hỏi lại bên "
        "gửi.",
        "By the directory the unit that signed did not exist on the day of signing (not founded yet, dissolved or "
        "merged); ask the sender.",
    ),
)
_GONE_SINCE = (
    "EDX-POLICY-UNIT-GONE",
    Text(
        "Cơ quan ký nay đã giải thể hoặc sáp nhập, và không có dấu thời gian hay biên nhận nào chứng minh chữ ký có "
        "trước đó; hỏi cơ quan kế thừa, hoặc đưa biên nhận.",
        "The unit that signed has been dissolved or merged since, and no timestamp or receipt proves that the "
        "signature is older; ask its successor, or give a receipt.",
    ),
)
_UNKNOWN_UNIT = (
    "EDX-UNIT-UNLISTED",
    Text(
        "Danh mục không có cơ quan này nên không biết cơ quan có tồn tại vào ngày ký hay không; bổ sung danh mục.",
        "The directory does not know this unit, so nobody can say whether it existed on that day; complete it.",
    ),
)
_NO_DIRECTORY = (
    "EDX-UNIT-UNCHECKED",
    Text(
        "Không có danh mục cơ quan nên chưa xét cơ quan ký có tồn tại vào ngày ký hay không.",
        "There is no directory of units at hand; whether the units existed on the day of signing was not looked at.",
    ),
)
_SENDER = (
    "EDX-POLICY-SENDER",
    Text(
        "Nơi gửi ghi trên phong bì không phải cơ quan đã đóng dấu phong bì; hỏi lại bên gửi qua kênh khác.",
        "The sender named in the envelope is not the unit that sealed it; ask that unit by another way.",
    ),
)
_ISSUER = (
    "EDX-POLICY-ISSUER",
    Text(
        "Cơ quan gửi phong bì không phải cơ quan ban hành đã đóng dấu văn bản; hỏi lại bên gửi.",
        "The unit that sends the envelope is none of those that sealed the document; ask the sender.",
    ),
)
_NO_TIME = (
    "EDX-POLICY-NO-TIMESTAMP",
    Text(
        "Chữ ký không có dấu thời gian đáng tin; đề nghị bên gửi bổ sung dấu thời gian.",
        "The signature has no trusted timestamp; ask the sender to add one.",
    ),
)
