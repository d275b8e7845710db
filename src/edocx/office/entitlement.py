"""Who may sign what: the signatory's mandates in the certificate registry, by capacity and kind of document.

NĐ 30/2020 Điều 13: the head signs in his own right or for the collective (TM.); deputies (KT.), subordinates (TL.) and
those authorised (TUQ.) sign only what was given to them.
"""

from __future__ import annotations

from datetime import datetime

from edocx.documents import Draft
from edocx.errors import SigningRefused, Text
from edocx.units import Scheme, UnitId
from edocx.units.registry import CertificateRegistry, HolderKind, Mandate, SigningCapacity

_HEAD = frozenset({SigningCapacity.OWN, SigningCapacity.TM})
"""The head's own right: whether TM. stands before it depends on how the body decides, not on the person."""

_LETTER = "CV"
"""Công văn has no abbreviation on paper (NĐ 30/2020 Phụ lục III); registries write this."""


def require_entitled(registry: CertificateRegistry | None, certificate: str, draft: Draft, at: datetime) -> None:
    """Raise `SigningRefused` (``EDX-SIGNATORY-NOT-ENTITLED``) unless a mandate covers the draft's kind and capacity.

    ``certificate`` is the SHA-256 (hex) of the signatory's. Without a registry nobody can say, and nothing is refused;
    a certificate that the registry does not know is refused elsewhere (`check_certificate`).
    """
    entry = None if registry is None else registry.lookup(certificate, at)
    if entry is None:
        return
    kind = draft.kind.abbreviation or _LETTER
    if any(_covers(mandate, draft, kind, at) for mandate in entry.mandates):
        return
    raise SigningRefused(
        Text(
            f"Theo sổ đăng ký, người ký không có thẩm quyền ký {draft.kind} với tư cách"
            f" “{draft.signatory.capacity or 'thủ trưởng'}”.",
            f"By the registry the signatory may not sign a document of the kind {draft.kind} as"
            f" “{draft.signatory.capacity or 'head'}”.",
        ),
        hint=Text(
            "Sửa thẩm quyền ghi trên dự thảo, hoặc cập nhật văn bản giao quyền trong sổ đăng ký (NĐ 30/2020 Điều 13).",
            "Correct the draft's capacity, or enter the delegation in the registry (NĐ 30/2020 Điều 13).",
        ),
        code="EDX-SIGNATORY-NOT-ENTITLED",
    )


def require_role(role: str, wanted: str, name: str) -> None:
    """Refuse a key for the other step: a person approves, the organisation seals."""
    if role != wanted:
        raise SigningRefused(
            Text(f"Khóa “{name}” không dùng được cho bước này.", f"The key “{name}” is not for this step."),
            hint=Text(
                "Cá nhân ký trước, cơ quan đóng dấu sau.",
                "A person's key approves, the organisation's key seals.",
            ),
            code="EDX-SIGNER-ROLE",
        )


def require_own(registry: CertificateRegistry | None, certificate: str, unit: UnitId, at: datetime) -> None:
    """Raise `SigningRefused` (``EDX-SIGNER-FOREIGN``) when the registry knows a certificate as another unit's.

    ``certificate`` is its SHA-256 (hex), ``unit`` the office's own; persons may belong to a unit below it. Nothing is
    refused without a registry; an unknown certificate is refused elsewhere (`check_certificate`).
    """
    entry = None if registry is None else registry.lookup(certificate, at)
    if entry is None:
        return
    mine, theirs = _rooted(unit), _rooted(entry.unit)
    if theirs == mine or (entry.kind is HolderKind.PERSON and mine.contains(theirs)):
        return
    raise SigningRefused(
        Text(
            f"Theo sổ đăng ký, chứng thư của khóa này thuộc đơn vị {entry.unit}, không phải {unit}.",
            f"By the registry this key's certificate belongs to the unit {entry.unit}, not to {unit}.",
        ),
        hint=Text(
            "Sửa khóa trong office.toml, hoặc cập nhật sổ đăng ký.",
            "Name the right key in office.toml, or bring the registry up to date.",
        ),
        code="EDX-SIGNER-FOREIGN",
    )


def _rooted(unit: UnitId) -> UnitId:
    return unit.to_qd20() if unit.scheme is Scheme.QCVN102 else unit


def _covers(mandate: Mandate, draft: Draft, kind: str, at: datetime) -> bool:
    wanted = SigningCapacity(draft.signatory.capacity.value)
    fits = mandate.capacity is wanted or {mandate.capacity, wanted} <= _HEAD
    return fits and mandate.holds_at(at) and mandate.covers(kind)
