"""Who must have signed, as data: rules over a finished report.

Without a policy each signature is judged for itself. A policy asks more of a file whose signatures all hold; where it
is not met the verdict becomes INDETERMINATE with SIG_CONSTRAINTS_FAILURE (EN 319 102-1 5.2.8), never better. Who a
certificate speaks for comes from the registry alone, so that without a registry most rules cannot be met.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edocx.errors import InputError, Text, UsageError
from edocx.signing.report import Indication, Message, Report, SignatureReport, SubIndication

MAX_POLICY_FILE = 1024 * 1024

SIGNATURES_ONLY = "signatures-only"
OFFICIAL_DOCUMENT = "official-document"


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SealedBy(_Rule):
    """An organisation's signature; of ``unit`` if one is named, else of any registered one."""

    rule: Literal["sealed-by"] = "sealed-by"
    unit: str | None = None


class SignedByPersonOf(_Rule):
    """A person's signature; of ``unit`` if one is named, else of any registered one."""

    rule: Literal["signed-by-person-of"] = "signed-by-person-of"
    unit: str | None = None


class PersonBeforeSeal(_Rule):
    """Every seal stands on an earlier signature of a person of the same unit (NĐ 30/2020 Điều 32)."""

    rule: Literal["person-before-seal"] = "person-before-seal"


class Timestamped(_Rule):
    """Every signature has a trusted timestamp."""

    rule: Literal["timestamped"] = "timestamped"


class AllOf(_Rule):
    """All of several rules."""

    rule: Literal["all-of"] = "all-of"
    rules: tuple[Rule, ...]


class AnyOf(_Rule):
    """One of several rules."""

    rule: Literal["any-of"] = "any-of"
    rules: tuple[Rule, ...]


Rule = Annotated[
    SealedBy | SignedByPersonOf | PersonBeforeSeal | Timestamped | AllOf | AnyOf, Field(discriminator="rule")
]


class ReceiptIssuers(_Rule):
    """Whose receipts prove since when a file existed (`edocx.signing.receipt`); nobody's by default.

    An issuer counts by his certificate's SHA-256, or by the unit that the registry knows the certificate for at the
    time of the receipt. ``domains``, when given, are trust packs (``vn-official``) or SHA-256 of anchors: the issuer's
    path must end in one of them.
    """

    units: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


class Policy(_Rule):
    """A named rule; without ``require`` it asks nothing beyond the signatures themselves."""

    name: str
    require: Rule | None = None
    receipts: ReceiptIssuers | None = None


AllOf.model_rebuild()
AnyOf.model_rebuild()

SHIPPED = {
    SIGNATURES_ONLY: Policy(name=SIGNATURES_ONLY),
    # NĐ 30/2020 Điều 5: signed by an authorised person and by the agency, in this order; several of each for a
    # joint document, earlier initials allowed.
    OFFICIAL_DOCUMENT: Policy(
        name=OFFICIAL_DOCUMENT, require=AllOf(rules=(SignedByPersonOf(), SealedBy(), PersonBeforeSeal()))
    ),
}


def load_policy(name: str) -> Policy:
    """Return a shipped policy, or read one from a JSON file.

    Raises `UsageError` (``EDX-POLICY-UNKNOWN``) for neither, `InputError` for a file that is no policy.
    """
    if name in SHIPPED:
        return SHIPPED[name]
    place = Path(name)
    if not place.is_file():
        raise UsageError(
            Text(f"Không có chính sách “{name}”.", f"There is no policy “{name}”."),
            hint=Text(f"Có: {', '.join(SHIPPED)}, hoặc tệp JSON.", f"There are: {', '.join(SHIPPED)}; or a JSON file."),
            code="EDX-POLICY-UNKNOWN",
        )
    try:
        with place.open("rb") as stream:
            return Policy.model_validate(json.loads(stream.read(MAX_POLICY_FILE)))
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        raise InputError(
            Text("Tệp không phải chính sách đọc được.", "The file is no policy that can be read."),
            hint=Text("Xem ví dụ trong tài liệu về chính sách.", "See the examples in the documentation of policies."),
            code="EDX-POLICY-FILE",
            where=str(place),
        ) from error


def apply_policy(policy: Policy, report: Report) -> Report:
    """Return the report under a policy: the same when it is met, else INDETERMINATE with what is missing by name.

    For an envelope or container the rule is asked of each signed file inside as well as of the seal's own.
    """
    if policy.require is None:
        return report
    files = [inside for inside in report.attachments if inside.format == "pdf"]
    asked = files if report.format in {"edxml", "asice"} else [report]
    missing: list[Message] = []
    for one in asked:
        missing += [m.model_copy(update={"where": m.where or one.file}) for m in _missing(policy.require, one)]
    if report.format == "edxml":
        missing += _missing(SealedBy(), report)
    if not missing:
        return report
    update: dict[str, object] = {"messages": (*report.messages, *missing)}
    if report.indication in {Indication.TOTAL_PASSED, Indication.NO_SIGNATURE}:
        update |= {"indication": Indication.INDETERMINATE, "sub_indication": SubIndication.SIG_CONSTRAINTS_FAILURE}
    return report.model_copy(update=update)


def _missing(rule: Rule, report: Report) -> list[Message]:
    passed = [s for s in report.signatures if s.indication is Indication.TOTAL_PASSED]
    match rule:
        case SealedBy():
            return [] if _any(passed, "organisation", rule.unit) else [_message(_NO_SEAL, rule.unit)]
        case SignedByPersonOf():
            return [] if _any(passed, "person", rule.unit) else [_message(_NO_PERSON, rule.unit)]
        case PersonBeforeSeal():
            return _order(passed)
        case Timestamped():
            return [_message(_NO_TIME, s.id) for s in passed if s.time_source not in {"timestamp", "receipt"}]
        case AllOf():
            return [message for one in rule.rules for message in _missing(one, report)]
        case AnyOf():
            each = [_missing(one, report) for one in rule.rules]
            return [] if any(not one for one in each) else [message for one in each for message in one]
        case _:
            assert_never(rule)


def _any(signatures: Iterable[SignatureReport], kind: str, unit: str | None) -> bool:
    return any(s.kind == kind and (unit is None or s.unit == unit) for s in signatures)


def _order(signatures: list[SignatureReport]) -> list[Message]:
    missing, people = [], set()
    for signature in signatures:  # in signing order
        if signature.kind == "person":
            people.add(signature.unit)
        elif signature.kind == "organisation" and signature.unit not in people:
            missing.append(_message(_SEAL_ALONE, signature.id))
    return missing


def _message(pair: tuple[str, Text], where: str | None) -> Message:
    code, text = pair
    return Message.of(code, "error", text, where)


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
_SEAL_ALONE = (
    "EDX-POLICY-ORDER",
    Text(
        "Chữ ký của cơ quan không đứng sau chữ ký của người có thẩm quyền của chính cơ quan đó (NĐ 30/2020).",
        "The agency's seal does not stand on an earlier signature of one of its own persons (NĐ 30/2020).",
    ),
)
_NO_TIME = (
    "EDX-POLICY-NO-TIMESTAMP",
    Text(
        "Chữ ký không có dấu thời gian đáng tin; đề nghị bên gửi bổ sung dấu thời gian.",
        "The signature has no trusted timestamp; ask the sender to add one.",
    ),
)
