"""Who may sign what: the signatory's mandates in the certificate registry, by capacity and kind of document.

NĐ 30/2020 Điều 13: the head signs in his own right or for the collective (TM.); deputies (KT.), subordinates (TL.) and
those authorised (TUQ.) sign only what was given to them.
"""

from __future__ import annotations

from datetime import datetime

from edocx.documents import Draft
from edocx.errors import SigningRefused, Text
from edocx.units.registry import CertificateRegistry, Mandate, SigningCapacity

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


def _covers(mandate: Mandate, draft: Draft, kind: str, at: datetime) -> bool:
    wanted = SigningCapacity(draft.signatory.capacity.value)
    fits = mandate.capacity is wanted or {mandate.capacity, wanted} <= _HEAD
    return fits and mandate.holds_at(at) and mandate.covers(kind)
