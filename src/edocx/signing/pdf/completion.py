"""Finishing a prepared signature after days: whether its certificate may still sign is asked again before use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from edocx.errors import Text
from edocx.signing.certificate import remembered_certificate
from edocx.signing.evidence import Evidence
from edocx.signing.fitness import require_fit
from edocx.signing.judgement import Criteria
from edocx.signing.pdf.phases import complete
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.report import Message
from edocx.signing.timestamp import Timestamper

_REMEDY = Text(
    "Chữ ký này không dùng được nữa; tệp chưa bị ghi. Chuẩn bị ký lại (`edocx prepare`) với chứng thư còn hiệu lực.",
    "This signature cannot be used any more; nothing was written. Prepare again (`edocx prepare`) with a certificate "
    "that is valid.",
)


def complete_as(
    prepared: Prepared,
    signature: bytes,
    out: Path,
    *,
    at: datetime,
    criteria: Criteria | None = None,
    evidence: Evidence | None = None,
    timestamps: Timestamper | None = None,
) -> tuple[Message, ...]:
    """Finish what `edocx.signing.pdf.order.prepare_as` left, and return what was not checked.

    Days may lie between, in which a certificate expires, is revoked, or leaves the registry: what `prepare_as` asked is
    asked again at ``at`` (aware), of the same trust, registry and services (`check_certificate`), before anything is
    written. Raises `SigningRefused` (``EDX-CERT-NOT-FIT``), and what `complete` raises.
    """
    certificate = remembered_certificate(prepared.certificate)
    chain = tuple(remembered_certificate(der) for der in prepared.chain)
    notes = require_fit(certificate, chain, prepared.role, at, criteria, evidence, _REMEDY)
    complete(prepared, signature, out, timestamps=timestamps)
    return notes
