"""Who must have signed, as data: rules over a finished report; `edocx.signing.requirement` asks them.

Without a policy each signature is judged for itself. A policy asks more of a file whose signatures all hold. Who a
certificate speaks for comes from the registry alone, so that without a registry most rules cannot be met.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edocx.errors import InputError, Text, UsageError
from edocx.units.registry import SigningCapacity

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


class AuthorisedFor(_Rule):
    """A person's signature whose holder may sign such a document (NĐ 30/2020 Điều 13), by the registry's mandates.

    ``kind`` is a kind of document ("QĐ", "CV"); without it that of the sealed header, else any. ``capacity`` is "TM.",
    "KT.", "TL.", "TUQ.", "Q." or "" for the head's own right; without it any. ``at`` is the aware moment the mandate
    must run; without it that of signing, and the moment judged for too where nothing proves the signing time. Where
    agencies sealed, each needs such a person of its own.
    """

    rule: Literal["authorised-for"] = "authorised-for"
    kind: str | None = None
    capacity: SigningCapacity | None = None
    at: AwareDatetime | None = None


class UnitExisted(_Rule):
    """Every unit that signed existed on the day it signed, by the directory.

    A unit that the directory does not know is a warning; one that was closed, or not open yet, is an error.
    """

    rule: Literal["unit-existed"] = "unit-existed"


class SenderIsIssuer(_Rule):
    """In an envelope: its sender is the unit that sealed it, and one of those that sealed the document in it."""

    rule: Literal["sender-is-issuer"] = "sender-is-issuer"


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
    SealedBy
    | SignedByPersonOf
    | PersonBeforeSeal
    | AuthorisedFor
    | UnitExisted
    | SenderIsIssuer
    | Timestamped
    | AllOf
    | AnyOf,
    Field(discriminator="rule"),
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
    # joint document, earlier initials allowed. In an envelope, one unit sends, seals and issues.
    OFFICIAL_DOCUMENT: Policy(
        name=OFFICIAL_DOCUMENT,
        require=AllOf(
            rules=(
                SignedByPersonOf(),
                SealedBy(),
                PersonBeforeSeal(),
                AuthorisedFor(),
                UnitExisted(),
                SenderIsIssuer(),
            )
        ),
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
