"""What a signature does to its document besides signing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from edocx.documents import Box
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.field_text import FieldValue


class Look(TypedDict, total=False):
    """Keyword arguments of `prepare`, `sign` and `sign_to_level`; all may be left out.

    ``appearance`` is shown in the field; ``box`` is where a new field stands (invisible without); ``fill`` sets text
    fields in the same revision; ``certify`` makes a first, certifying signature (DocMDP P2); ``reason`` is its text.
    ``seal`` is where an empty, locking field for the seal is made in the same revision (`SEAL_FIELD`); ``lock`` makes a
    new field one that permits no change once signed (FieldMDP over all, DocMDP P1; ISO 32000-2 12.7.5.5).
    """

    appearance: Appearance | None
    certify: bool
    fill: Mapping[str, FieldValue] | None
    reason: str | None
    box: Box | None
    seal: Box | None
    lock: bool
