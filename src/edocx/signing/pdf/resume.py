"""Telling a signed file that an earlier run made of a source from anything else that has its name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pyhanko.sign.fields import enumerate_sig_fields

from edocx.content import PIECE
from edocx.errors import EdocxError
from edocx.signing.certificate import fingerprint
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer
from edocx.signing.messages import STAMP_UNTRUSTED
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Integrity, SignatureReport
from edocx.signing.timestamp import SignatureLevel
from edocx.signing.trust import TrustStore

_LEVELS: tuple[SignatureLevel, ...] = ("B-B", "B-T", "B-LT", "B-LTA")


def level_made(
    source: Path, made: Path, signer: Signer, *, at: datetime, criteria: Criteria | None = None, visible: bool = False
) -> SignatureLevel | None:
    """Return the level at which ``made`` is ``source`` signed by this key; None when it is not.

    It begins with the source's bytes (a signature is appended) and has an intact signature by the signer's certificate
    in a field that is free in the source: a name proves nothing, the file may be empty, foreign, or of an earlier
    draft. With ``visible`` one that shows nothing does not count: it was made when nobody asked for a picture. Without
    trust a timestamp counts for being there. Raises ``OSError``.
    """
    if not _begins_with(made, source):
        return None
    judged = criteria or Criteria(TrustStore(), at)
    try:
        report = verify_pdf(made, judged)
        with open_pdf(source) as reader:
            before = {name for name, value, _ in enumerate_sig_fields(reader) if value is not None}
        shown = _shown(made) if visible else None
    except EdocxError:
        return None  # nothing that could be read as signed: the source's own fault is told when it is signed
    if report.integrity is not Integrity.VALID:
        return None
    own = fingerprint(signer.certificate)
    found = [
        _level(one, trusting=bool(judged.trust.anchors))
        for one in report.signatures
        if one.id not in before
        and (shown is None or one.id in shown)
        and one.certificate is not None
        and one.certificate.sha256 == own
    ]
    return max(found, key=_LEVELS.index, default=None)


def _shown(made: Path) -> set[str]:
    """Name the signatures that show something; raise `PdfError`."""
    with open_pdf(made) as reader:
        try:
            return {name for name, value, one in enumerate_sig_fields(reader) if value is not None and _draws(one)}
        except MALFORMED as error:
            raise damaged(str(made)) from error


def _draws(reference: Any) -> bool:
    """Say whether a widget's appearance shows picture or text; that of a prepared field may be empty."""
    look: Any = reference.get_object()
    for name in ("/AP", "/N", "/Resources"):
        if name not in look:
            return False
        look = look[name]
    return "/XObject" in look or "/Font" in look


def _level(signature: SignatureReport, *, trusting: bool) -> SignatureLevel:
    stamped = any(message.code == STAMP_UNTRUSTED.code for message in signature.messages)
    if not trusting and stamped:
        return "B-T"
    return signature.level or "B-B"


def _begins_with(made: Path, source: Path) -> bool:
    if made.stat().st_size <= source.stat().st_size:
        return False
    with made.open("rb") as longer, source.open("rb") as shorter:
        while piece := shorter.read(PIECE):
            if longer.read(len(piece)) != piece:
                return False
    return True
