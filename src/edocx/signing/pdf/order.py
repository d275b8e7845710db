"""Signing one PDF outside an Office: the order of NĐ 30/2020 Điều 14-15 without its registers.

``person`` signs first and certifies; ``organisation`` needs an intact signature in the document already, because a
seal stands on an authorised person's signature (Điều 32.2d). Who that person was is only known with a registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from asn1crypto import x509

from edocx.documents import Box
from edocx.errors import SigningRefused, Text
from edocx.signing.certificate import fingerprint
from edocx.signing.evidence import Evidence
from edocx.signing.fitness import Role as Role  # noqa: PLC0414 - the door to it
from edocx.signing.fitness import check_certificate as check_certificate  # noqa: PLC0414
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Signer
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.field_text import FieldValue
from edocx.signing.pdf.form import SEAL_FIELD
from edocx.signing.pdf.look import Look
from edocx.signing.pdf.look_notes import look_notes
from edocx.signing.pdf.phases import prepare
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.pdf.sign import LevelTask, Signed, sign_to_level
from edocx.signing.pdf.slot import INITIAL, PERSON, Fields, slot_for, waiting_for_seal
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.timestamp import SignatureLevel, Timestamper
from edocx.signing.trust import TrustStore
from edocx.units import UnitId
from edocx.units.registry import CertificateRegistry

_NOT_CHECKED = Message.of(
    "EDX-ENTITLEMENT-UNCHECKED",
    "warning",
    Text(
        "Không có sổ đăng ký chứng thư: chưa xét người ký có thẩm quyền hay không.",
        "There is no certificate registry: nobody checked whether the signatory was entitled.",
    ),
)


def sign_as(
    source: Path,
    out: Path,
    signer: Signer,
    role: Role,
    *,
    at: datetime,
    criteria: Criteria | None = None,
    appearance: Appearance | None = None,
    reason: str | None = None,
    box: Box | None = None,
    level: SignatureLevel = "B-B",
    timestamps: Timestamper | None = None,
    evidence: Evidence | None = None,
    unstamped: Literal["fail", "defer"] = "fail",
    keep: Callable[[LevelTask], object] | None = None,
    exempt: bool = False,
    initials: bool = False,
    field: str | None = None,
    fill: Mapping[str, FieldValue] | None = None,
    fast: bool = False,
) -> tuple[Message, ...]:
    """Sign ``source`` as a person or seal it as an organisation, into ``out``; return what was not checked.

    ``criteria`` brings trust and registry: with them the key's own certificate must pass first, and a seal needs a
    person whom the registry knows. ``exempt`` is for copies and separate attachments, which the agency seals alone
    (NĐ 30/2020 Điều 25-26, Phụ lục I). ``initials`` (ký nháy) go into fields of their own, before anybody signs; in a
    joint document the agencies seal in the order of their fields, the presiding one last, when all have signed.
    ``field`` names another field than the next free one of the role, ``fill`` sets text fields in the same revision
    (`number_and_date`). Something visible without a field and without a ``box`` stands where the decree puts it, a seal
    over a third of the signature that is seen; a person's visible signature, when it is the first, leaves a field for
    that seal, and the last seal permits no further change (`slot_for`). See `sign_to_level` for the levels, ``keep``
    and ``fast``; a level that was put off is among the messages (``EDX-LEVEL-DEFERRED``). Raises `SigningRefused`:
    ``EDX-CERT-NOT-FIT``, ``EDX-SEAL-NO-PERSON``, ``EDX-SEAL-NOT-ENTITLED``, ``EDX-SEAL-WAITS``,
    ``EDX-SIGN-INITIALS``, and what `slot_for` raises.
    """
    notes, fields = _admit(source, signer, role, at, criteria, evidence, exempt=exempt, initials=initials)
    name, look, seen = _plan(
        source, fields, role, appearance, field, box, reason, fill, initials=initials, exempt=exempt
    )
    notes += seen
    done = sign_to_level(
        source, out, signer, at=at, field=name, level=level, timestamps=timestamps, evidence=evidence,
        unstamped=unstamped, keep=keep, fast=fast, **look,
    )  # fmt: skip
    return notes if done.task is None else (*notes, _deferred(done))


def prepare_as(
    source: Path,
    working_file: Path,
    signer: Signer,
    role: Role,
    *,
    at: datetime,
    criteria: Criteria | None = None,
    appearance: Appearance | None = None,
    reason: str | None = None,
    box: Box | None = None,
    exempt: bool = False,
    initials: bool = False,
    field: str | None = None,
    fill: Mapping[str, FieldValue] | None = None,
    timestamp_room: int = 0,
) -> tuple[Prepared, tuple[Message, ...]]:
    """Prepare what `sign_as` would sign, for whoever holds the key to finish (`complete_as`).

    The same checks are made and the same place is taken; the signer is only asked who he is. ``working_file`` is on
    disk when this returns. Raises what `sign_as` raises, but for what only a signature can.
    """
    notes, fields = _admit(source, signer, role, at, criteria, None, exempt=exempt, initials=initials)
    name, look, seen = _plan(
        source, fields, role, appearance, field, box, reason, fill, initials=initials, exempt=exempt
    )
    notes += seen
    prepared = prepare(
        source, working_file, certificate=signer.certificate, algorithm=signer.algorithm, chain=signer.chain, at=at,
        field=name, timestamp_room=timestamp_room, **look,
    )  # fmt: skip
    return prepared.model_copy(update={"role": role}), notes


def _plan(  # noqa: PLR0917 - what both doors were told
    source: Path, fields: Fields, role: Role, appearance: Appearance | None, field: str | None, box: Box | None,
    reason: str | None, fill: Mapping[str, FieldValue] | None, *, initials: bool, exempt: bool,
) -> tuple[str, Look, tuple[Message, ...]]:  # fmt: skip
    """Return the field that is signed, how, and what will be odd about its look: see `slot_for`, `look_notes`."""
    visible = appearance is not None and appearance.visible
    slot = slot_for(
        source, fields, role, visible=visible, field=field, box=box, initials=initials, exempt=exempt
    )  # fmt: skip
    if slot.name == SEAL_FIELD:
        _require_all(fields, source)
    look: Look = {
        "box": slot.box, "seal": slot.seal, "lock": slot.lock, "certify": not fields.taken and role == "person",
        "appearance": appearance, "reason": reason, "fill": fill,
    }  # fmt: skip
    return slot.name, look, look_notes(source, slot, appearance, fill)


def _admit(  # noqa: PLR0917 - one caller
    source: Path, signer: Signer, role: Role, at: datetime, criteria: Criteria | None, evidence: Evidence | None,
    *, exempt: bool, initials: bool,
) -> tuple[tuple[Message, ...], Fields]:  # fmt: skip
    """Refuse a key that is not fit, a seal before its person, and initials after one; return what stays open."""
    notes = check_certificate(signer, role, at, criteria, evidence)
    signed = verify_pdf(source, criteria) if criteria else None
    fields = Fields.of(source)
    if role == "organisation" and not exempt:
        notes += _require_person(source, signer.certificate, signed, at, criteria)
    if initials and any(name.startswith(PERSON) for name in fields.taken):
        raise _late(source)
    return notes, fields


def _require_person(
    source: Path, seal: x509.Certificate, signed: Report | None, at: datetime, criteria: Criteria | None
) -> tuple[Message, ...]:
    report = signed or verify_pdf(source, Criteria(TrustStore(), at))
    # Who initialled a draft answers for it inside the agency, and signs nothing for it.
    intact = [s for s in report.signatures if s.integrity is Integrity.VALID and not s.id.startswith(INITIAL)]
    if criteria is not None and criteria.trust.anchors:
        intact = [s for s in intact if _holds(s)]
    if criteria is not None and criteria.registry is not None:
        intact = [s for s in intact if s.kind == "person"]
    if not intact or report.integrity is Integrity.INVALID:
        raise SigningRefused(
            Text(
                "Văn bản chưa có chữ ký cá nhân hợp lệ, nên chưa được đóng dấu.",
                "The document carries no valid personal signature, so it may not be sealed.",
            ),
            hint=Text(
                "Để người có thẩm quyền ký trước (NĐ 30/2020 Điều 15, 32).",
                "Let the authorised person sign first (NĐ 30/2020 Điều 15, 32).",
            ),
            code="EDX-SEAL-NO-PERSON",
            where=str(source),
        )
    if criteria is None or criteria.registry is None:
        return (_NOT_CHECKED,)
    own = criteria.registry.lookup(fingerprint(seal), at)
    if own is None or not any(_entitled(s, own.unit, criteria.registry, at) for s in intact):
        raise SigningRefused(
            Text(
                "Theo sổ đăng ký, không người ký nào có thẩm quyền ký thay mặt cơ quan của con dấu này.",
                "By the registry nobody who signed may sign for the agency of this seal.",
            ),
            hint=Text(
                "Để người có thẩm quyền của chính cơ quan ký, hoặc cập nhật sổ đăng ký.",
                "Let somebody of that agency sign who may, or bring the registry up to date.",
            ),
            code="EDX-SEAL-NOT-ENTITLED",
            where=str(source),
        )
    return ()


def _holds(signature: SignatureReport) -> bool:
    """Tell whether a signature passed, or would if anybody could be asked about revocation."""
    return signature.indication is Indication.TOTAL_PASSED or signature.sub_indication is SubIndication.TRY_LATER


def _entitled(signature: SignatureReport, unit: UnitId, registry: CertificateRegistry, at: datetime) -> bool:
    entry = registry.lookup(signature.certificate.sha256, at) if signature.certificate is not None else None
    return entry is not None and entry.unit == unit and any(mandate.holds_at(at) for mandate in entry.mandates)


def _require_all(fields: Fields, source: Path) -> None:
    # The seal locks the whole form: who has not signed by then never can.
    waiting = waiting_for_seal(fields)
    if waiting:
        raise SigningRefused(
            Text(
                f"Còn {len(waiting)} ô chữ ký, con dấu liên tịch chưa ký; con dấu cuối sẽ khóa văn bản.",
                f"{len(waiting)} signatures or joint seals are still missing, and the last seal locks the document.",
            ),
            hint=Text("Để những người ký và cơ quan còn lại ký trước.", "Let the other signatories and agencies sign."),
            code="EDX-SEAL-WAITS",
            where=str(source),
        )


def _late(source: Path) -> SigningRefused:
    return SigningRefused(
        Text("Văn bản đã có người ký, không ký nháy được nữa.", "Somebody signed already; initials come before."),
        hint=Text("Ký nháy vào bản chưa ký.", "Put the initials on the copy that nobody signed."),
        code="EDX-SIGN-INITIALS",
        where=str(source),
    )


def _deferred(done: Signed) -> Message:
    assert done.task is not None
    cause = done.cause or Text(done.task.reason, done.task.reason)
    return Message.of(
        "EDX-LEVEL-DEFERRED",
        "warning",
        Text(
            f"Mới ký ở mức {done.level}; còn phải nâng lên {done.task.level}. {cause.vi} [{done.task.reason}]",
            f"Signed at {done.level} for now; it is still to be lifted to {done.task.level}. "
            f"{cause.en} [{done.task.reason}]",
        ),
        where=str(done.path),
    )
