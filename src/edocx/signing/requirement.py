"""Asking a policy's rules of a finished report.

Where a rule is not met the verdict becomes INDETERMINATE with SIG_CONSTRAINTS_FAILURE (EN 319 102-1 5.2.8), and what is
missing is named; a verdict never gets better by a policy. Only signatures that passed count for a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import assert_never

from edocx.clock import in_vietnam
from edocx.errors import UnitError
from edocx.signing.holder import UNIT_CLAIMED as UNIT_CLAIMED_CODE
from edocx.signing.one_unit import Codes
from edocx.signing.parts import cover, file_part, is_file
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
from edocx.signing.requirement_messages import (
    GONE_SINCE,
    ISSUER,
    NO_DIRECTORY,
    NO_DOCUMENT,
    NO_PERSON,
    NO_RULE,
    NO_SEAL,
    NO_TIME,
    NOT_AUTHORISED,
    NOT_THERE,
    SEAL_ALONE,
    SENDER,
    UNIT_CLAIMED,
    UNKNOWN_UNIT,
    left_outside,
    message,
    unmet_object,
)
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
    """One content that a rule is asked of; ``statement`` and ``seals`` are those of the envelope around it, if any.

    ``counted`` are the signatures over it where those of one file may be over different content. ``others`` passed and
    count for nothing here, and are asked all the same where every signature must be of some kind.
    """

    report: Report
    ground: Ground
    codes: Codes
    statement: Statement | None = None
    seals: tuple[SignatureReport, ...] = ()
    counted: tuple[SignatureReport, ...] | None = None
    others: tuple[SignatureReport, ...] = ()

    @property
    def passed(self) -> tuple[SignatureReport, ...]:
        return _passed(self.report) if self.counted is None else self.counted

    @property
    def every(self) -> tuple[SignatureReport, ...]:
        """What passed, in the order of signing: that of the file, and of their times where a file has no order."""
        wanted = (*self.passed, *self.others)
        found = tuple(one for one in self.report.signatures if any(one is other for other in wanted))
        if self.report.format != "cms" or any(one.signing_time is None for one in found):
            return found
        # Signers of CMS are a set, which DER sorts by its bytes (RFC 5652 5.1).
        return tuple(sorted(found, key=lambda one: one.signing_time or datetime.max.replace(tzinfo=UTC)))


def _passed(report: Report) -> tuple[SignatureReport, ...]:
    return tuple(one for one in report.signatures if one.indication is Indication.TOTAL_PASSED)


def apply_policy(policy: Policy, report: Report, ground: Ground) -> Report:
    """Return the report under a policy: the same when it is met, else INDETERMINATE with what is missing by name.

    Rules that belong together are met by signatures over the same content only (`edocx.signing.parts`). Of an envelope
    with PDFs they are asked of the documents inside: one of them must meet them all, for others may be annexes
    (NĐ 30/2020 Phụ lục I: the seal alone). An envelope needs a seal of its own as well. In a container everything is
    answered for: by its own signatures if it is a PDF, by those of the container over it, or as an annex by the seal
    of a unit that issued another document there. In XML nothing may stand outside of what the counted ones cover.
    """
    if policy.require is None:
        return report
    codes = Codes(ground.directory, in_vietnam(ground.at).date())
    asked = _asked(policy.require, report, ground, codes)
    if any(one.severity == "error" for one in asked):
        asked += [message(UNIT_CLAIMED, one.id) for one in _unattributed(report)]
    found = tuple(dict.fromkeys([*asked, *codes.notes]))
    if not found:
        return report
    update: dict[str, object] = {"messages": (*report.messages, *found)}
    unmet = any(one.severity == "error" for one in found)
    if unmet and report.indication in {Indication.TOTAL_PASSED, Indication.NO_SIGNATURE}:
        update |= {"indication": Indication.INDETERMINATE, "sub_indication": SubIndication.SIG_CONSTRAINTS_FAILURE}
    return report.model_copy(update=update)


def _unattributed(report: Report) -> Iterator[SignatureReport]:
    """Yield what passed and counts for no unit, as the claimed time alone says for which it would."""
    for signature in _passed(report):
        if _is_claimed(signature):
            yield signature
    for inside in report.attachments:
        yield from _unattributed(inside)


def _is_claimed(signature: SignatureReport) -> bool:
    return any(one.code == UNIT_CLAIMED_CODE for one in signature.messages)


def _asked(rule: Rule, report: Report, ground: Ground, codes: Codes) -> list[Message]:
    case = _Case(report, ground, codes)
    match report.format:
        case "edxml":
            return _of_envelope(rule, replace(case, statement=report.statement, seals=_passed(report)))
        case "asice":
            return _of_container(rule, case)
        case "cms":
            return _of_contents(rule, case)
        case "xml":
            return _of_xml(rule, case)
        case "pdf" | "unknown":
            return _missing(rule, case)
        case _:
            assert_never(report.format)


def _of_envelope(rule: Rule, case: _Case) -> list[Message]:
    report = case.report
    if report.statement is not None and report.statement.is_status:  # it speaks of a document and carries none
        more = _of_seals(rule)
        rules = (SealedBy(), SenderIsIssuer(), UnitExisted(), *(() if more is None else (more,)))
        return list(dict.fromkeys(said for one in rules for said in _missing(one, case)))
    documents = [inside for inside in report.attachments if inside.format == "pdf"]
    if not documents:
        return [message(NO_DOCUMENT, report.file), *_missing(rule, case)]
    each = [(_named(_missing(rule, replace(case, report=one)), one.file), one) for one in documents]
    best, main = min(each, key=lambda pair: _errors(pair[0]))
    return [*best, *_missing(SealedBy(), replace(case, statement=None, seals=())), *_of_annexes(rule, case, main)]


def _of_seals(rule: Rule) -> Rule | None:
    """Return what a rule asks of seals, timestamps and units; None where it asks of persons alone."""
    match rule:
        case SignedByPersonOf() | PersonBeforeSeal() | AuthorisedFor():
            return None
        case AllOf() | AnyOf():
            rules = tuple(one for one in map(_of_seals, rule.rules) if one is not None)
            return rule.model_copy(update={"rules": rules}) if rules else None
        case _:
            return rule


def _of_annexes(rule: Rule, case: _Case, main: Report) -> Iterator[Message]:
    """Yield what is neither the document nor an annex of it: sealed in the envelope by none of those that signed it."""
    units = [one.unit for one in _passed(main)]
    if any(one.kind == "organisation" and _among(one.unit, units, case.codes) for one in case.seals):
        return
    for inside in case.report.attachments:
        if inside is not main and (inside.format != "pdf" or _errors(_missing(rule, replace(case, report=inside)))):
            yield unmet_object(inside.file)


def _errors(messages: Iterable[Message]) -> int:
    return sum(one.severity == "error" for one in messages)


def _over(case: _Case, parts: Iterable[str]) -> _Case:
    """Return the case of one content: those signatures count that cover all of it."""
    wanted = tuple(parts)
    passed = _passed(case.report)
    counted = tuple(one for one in passed if wanted and cover(one.parts, wanted))
    return replace(case, counted=counted, others=tuple(one for one in passed if not one.parts))


def _of_contents(rule: Rule, case: _Case) -> list[Message]:
    """Ask of each content of a CMS file by itself: there may be several beside it."""
    contents = list(dict.fromkeys(part for one in _passed(case.report) for part in one.parts))
    if len(contents) < 2:  # noqa: PLR2004 - nothing to tell apart
        return _missing(rule, _over(case, contents))
    found: list[Message] = []
    for content in contents:
        said = _missing(rule, _over(case, [content]))
        found += [*said, *([unmet_object(content)] if _errors(said) else ())]
    return found


def _of_xml(rule: Rule, case: _Case) -> list[Message]:
    """Ask of the parts that some signature covers, and take what is nearest to meeting the rule.

    Only those over all of these parts count, and nothing else may be in the file: neither in the document, nor beside.
    """
    passed = _passed(case.report)
    chosen = {frozenset(one.parts): one for one in passed if one.parts}
    beside = dict.fromkeys(part for one in passed for part in one.parts if is_file(part))
    each = []
    for parts, one in chosen.items():
        over = _over(case, parts)
        counted = over.passed
        said = _missing(rule, replace(over, others=tuple(s for s in passed if not any(s is c for c in counted))))
        if _errors(said) and len(chosen) > 1:
            said.append(unmet_object(min(one.parts)))
        if one.outside is not None:
            said.append(left_outside(one.outside))
        each.append([*said, *(unmet_object(part) for part in beside if part not in parts)])
    return min(each, key=_errors, default=_missing(rule, _over(case, ())))


def _of_container(rule: Rule, case: _Case) -> list[Message]:
    """Ask of everything in a container: each file, and what signatures hold inside of themselves."""
    prefix = f"{case.report.file}#"
    files = {file_part(one.file.removeprefix(prefix)): one for one in case.report.attachments}
    names = dict.fromkeys([*files, *(part for one in _passed(case.report) for part in one.parts)])
    if not names:
        return _missing(rule, _over(case, ()))
    signing: dict[str, list[SignatureReport]] = {}
    for signature in _passed(case.report):
        for part in signature.parts:
            signing.setdefault(part, []).append(signature)
    ways = {name: _ways(case, signing.get(name, ()), files.get(name)) for name in names}
    found: list[Message] = []
    issuing: list[str | None] = []
    left: dict[str, list[Message]] = {}
    for name in names:
        said = [(_named_inside(_missing(rule, one), one, case), one) for one in ways[name]]
        best, over = min(said, key=lambda pair: _errors(pair[0]))
        if over.passed and not _errors(best):
            found += best
            issuing += [one.unit for one in over.passed if one.kind == "organisation"]
        else:
            left[name] = best
    annexes = [name for name in left if _sealed_by(issuing, ways[name], case.codes)]
    unmet = {name: said for name, said in left.items() if name not in annexes}
    if not found and len(unmet) == len(names):
        found += min(unmet.values(), key=_errors)
    return [*found, *(unmet_object(name) for name in unmet if len(names) > 1 or not _errors(unmet[name]))]


def _ways(case: _Case, signing: Iterable[SignatureReport], inside: Report | None) -> list[_Case]:
    """Return how a file in a container can be answered for: by what signs it there, and by what it has of its own."""
    over = replace(case, counted=tuple(signing), others=tuple(s for s in _passed(case.report) if not s.parts))
    own = [replace(case, report=inside)] if inside is not None and inside.format == "pdf" else []
    return [over, *own] if over.passed or not own else own


def _named_inside(messages: list[Message], way: _Case, case: _Case) -> list[Message]:
    return messages if way.report is case.report else _named(messages, way.report.file)


def _sealed_by(units: Iterable[str | None], ways: Iterable[_Case], codes: Codes) -> bool:
    sealing = [one.unit for way in ways for one in way.passed if one.kind == "organisation"]
    return any(_among(unit, sealing, codes) for unit in units)


def _named(messages: Iterable[Message], file: str) -> list[Message]:
    return [one if one.where else one.model_copy(update={"where": file}) for one in messages]


def _missing(rule: Rule, case: _Case) -> list[Message]:
    match rule:
        case SealedBy():
            found = [] if _any(case, "organisation", rule.unit) else [message(NO_SEAL, rule.unit)]
        case SignedByPersonOf():
            found = [] if _any(case, "person", rule.unit) else [message(NO_PERSON, rule.unit)]
        case PersonBeforeSeal():
            found = _order(case)
        case AuthorisedFor():
            found = list(_unauthorised(rule, case))
        case UnitExisted():
            found = list(_closed(case))
        case SenderIsIssuer():
            found = list(_other_sender(case))
        case Timestamped():
            found = [message(NO_TIME, s.id) for s in case.every if s.time_source not in _PROVEN]
        case AllOf():
            found = [said for one in rule.rules for said in _missing(one, case)]
        case AnyOf():
            found = _least([_missing(one, case) for one in rule.rules])
        case _:
            assert_never(rule)
    return found


def _least(each: list[list[Message]]) -> list[Message]:
    """Return what the first rule that is met has to say; everything where none is, a fault where there is no rule."""
    met = [found for found in each if not any(one.severity == "error" for one in found)]
    if met:
        return met[0]
    return [one for found in each for one in found] or [message(NO_RULE, None)]


def _any(case: _Case, kind: str, unit: str | None) -> bool:
    return any(
        s.kind == kind and s.unit is not None and (unit is None or case.codes.same(s.unit, unit)) for s in case.passed
    )


def _order(case: _Case) -> list[Message]:
    missing: list[Message] = []
    people: list[SignatureReport] = []
    for signature in case.every:  # in signing order
        if signature.kind == "person":
            people.append(signature)
        elif signature.kind == "organisation":
            under = [person.unit for person in people if _stands_on(signature, person, case)]
            if not _among(signature.unit, under, case.codes):
                missing.append(message(SEAL_ALONE, signature.id))
    return missing


def _stands_on(seal: SignatureReport, person: SignatureReport, case: _Case) -> bool:
    """Say whether both are over the content in question, or the person's over all that the seal is over."""
    apart = any(one is other for one in (seal, person) for other in case.others)
    return not apart or cover(person.parts, seal.parts)


def _unauthorised(rule: AuthorisedFor, case: _Case) -> Iterator[Message]:
    people = [s for s in case.passed if s.kind == "person" and s.unit is not None]
    if not people:
        yield message(NO_PERSON, None)
        return
    kind = rule.kind or (case.statement.kind if case.statement is not None else None)
    able = [s.unit for s in people if _may_sign(s, rule, kind, case.ground)]
    if not able:
        yield message(NOT_AUTHORISED, people[-1].id)
        return
    for seal in case.passed:
        own = [s for s in people if case.codes.same(s.unit, seal.unit)]
        if seal.kind == "organisation" and own and not _among(seal.unit, able, case.codes):
            yield message(NOT_AUTHORISED, own[-1].id)


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
    known = [one for one in (*case.every, *case.seals) if one.unit is not None]
    if not known:
        yield from (message(UNIT_CLAIMED, one.id) for one in case.every if _is_claimed(one))
    for signature in known:
        assert signature.unit is not None
        if case.ground.directory is None:
            yield message(NO_DIRECTORY, None, "warning")
            return
        signed = in_vietnam(signature.signing_time or case.ground.at).date()
        standing = _standing(signature.unit, signed, case.ground.directory)
        case.codes.rests_on_local(signature.unit, signed)
        if standing is None:
            yield message(UNKNOWN_UNIT, signature.unit, "warning")
        elif not standing:
            yield message(NOT_THERE, f"{signature.unit}, {signed.isoformat()}")
        elif signature.time_source not in _PROVEN:
            # The key of a unit that is gone may be in anybody's hands, and would claim a day before it went.
            today = in_vietnam(case.ground.at).date()
            if _standing(signature.unit, today, case.ground.directory) is False:
                yield message(GONE_SINCE, f"{signature.unit}, {signed.isoformat()}")


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
        yield message(SENDER, case.statement.sender)
    issuing = [s.unit for s in case.passed if s.kind == "organisation"] if not case.statement.is_status else []
    if issuing and not any(_among(unit, issuing, case.codes) for unit in sealing):
        yield message(ISSUER, case.report.file)


def _among(unit: str | None, units: Iterable[str | None], codes: Codes) -> bool:
    return any(codes.same(unit, one) for one in units)
