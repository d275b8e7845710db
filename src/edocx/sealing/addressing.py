"""What a seal means for the unit that received it: was it sent to us, and should there have been one?

A seal proves who wrote to whom. A genuine envelope that somebody passes on to another unit is intact and still not for
that unit; an envelope from a unit that always seals, without a seal, was stripped of it or is forged; and one that
another unit sealed is that unit's word, whoever it names as its sender.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from edocx.envelope.model import Envelope
from edocx.errors import Text, UnitError
from edocx.signing.holder import UNIT_CLAIMED
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.units import UnitId
from edocx.units.directory import Directory


def check_addressing(
    envelope: Envelope, report: Report, *, own: UnitId, directory: Directory, at: datetime
) -> tuple[Message, ...]:
    """Return what is wrong between seal, sender and the unit that received the envelope.

    Args:
        envelope: what was read from the very file that was verified.
        report: the verdict on it; its signatures are the seals.
        own: the unit that received it.
        directory: says which codes are one unit, who serves or succeeds whom, and who seals (`Capabilities.seals`).
        at: the day for the directory (aware).

    Returns:
        ``EDX-NOT-ADDRESSED`` when the unit is not among the recipients (of a status: not the one it is for),
        ``EDX-SEAL-FOREIGN`` when the only seals that hold are by the registry other units' than the sender's, and
        ``EDX-SEAL-MISSING`` when the sender is known to seal and no seal holds that leads to a trusted authority:
        anybody makes himself a key. All are errors.
    """
    found: list[Message] = []
    status = envelope.kind == "status"
    codes = [item.unit for item in (envelope.response_for if status else envelope.to)]
    if not any(code and _is_for(code, own, directory, at) for code in codes):
        found.append(_NOT_ADDRESSED)
    sender = envelope.sender.unit if envelope.sender else None
    seals = [seal for seal in report.signatures if _holds(seal)]
    if not seals and _seals(sender, directory, at):
        found.append(_MISSING)
    if sender and seals and all(_is_foreign(seal, sender, directory, at) for seal in seals):
        found.append(_foreign(str(seals[0].unit or seals[0].id), sender))
    return tuple(found)


def with_findings(report: Report, findings: Iterable[Message]) -> Report:
    """Return the report with findings of `check_addressing`: it no longer passes, and a person has to decide.

    A report that failed stays failed; any other becomes INDETERMINATE (SIG_CONSTRAINTS_FAILURE, EN 319 102-1 5.2.8:
    the signatures may hold, the constraints on them do not). One without a signature does too: stripping is not free.
    """
    added = tuple(findings)
    if not added:
        return report
    changes: dict[str, object] = {"messages": (*report.messages, *added)}
    if report.indication in {Indication.TOTAL_PASSED, Indication.NO_SIGNATURE}:
        changes |= {"indication": Indication.INDETERMINATE, "sub_indication": SubIndication.SIG_CONSTRAINTS_FAILURE}
    return report.model_copy(update=changes)


def _is_foreign(seal: SignatureReport, sender: str, directory: Directory, at: datetime) -> bool:
    """Whether the registry knows a seal as another unit's, or as the sender's by the claimed time alone."""
    if seal.unit is None:
        return any(message.code == UNIT_CLAIMED for message in seal.messages)
    return not _speaks_for(seal.unit, sender, directory, at)


def _holds(seal: SignatureReport) -> bool:
    """Whether a seal is intact, an authority that we trust stands behind it, and it is no person's."""
    known = seal.sub_indication not in {
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    }
    return seal.integrity is Integrity.VALID and known and seal.kind != "person"


def _speaks_for(sealer: str, sender: str, directory: Directory, at: datetime) -> bool:
    """Whether a seal's unit is the sender, in whichever spelling, or the unit that took over from it."""
    if sealer == sender:
        return True
    try:
        one, other = UnitId.parse(sealer), UnitId.parse(sender)
        if one == other or directory.same_unit(one, other, at):
            return True
        own = directory.find(one, at)
        return own is not None and any(s.unit.identity == own.identity for s in directory.successors(other, at))
    except UnitError:
        return False


def _foreign(sealer: str, sender: str) -> Message:
    return Message.of(
        "EDX-SEAL-FOREIGN",
        "error",
        Text(
            f"Phong bì ghi nơi gửi là {sender} nhưng do {sealer} đóng dấu. Hỏi {sender} trước khi tiếp nhận.",
            f"The envelope names {sender} as its sender and {sealer} sealed it. Ask {sender} before accepting.",
        ),
    )


def _is_for(code: str, own: UnitId, directory: Directory, at: datetime) -> bool:
    """Whether a recipient's code means us: our own, the other spelling of it, or a unit whose letters we take."""
    try:
        unit_id = UnitId.parse(code)
        if unit_id == own or directory.same_unit(unit_id, own, at):
            return True
        us, other = directory.find(own, at), directory.find(unit_id, at)
        if us is None:
            return False
        if other is not None:
            return us.identity in {other.identity, other.served_by}
        # A unit that was merged goes on getting letters for a while; those that stand where it stood take them.
        return any(successor.unit.identity == us.identity for successor in directory.successors(unit_id, at))
    except UnitError:
        return False


def _seals(code: str | None, directory: Directory, at: datetime) -> bool:
    if not code:
        return False
    try:
        unit = directory.find(UnitId.parse(code), at)
    except UnitError:
        return False
    return unit is not None and unit.capabilities.seals is True


_NOT_ADDRESSED = Message.of(
    "EDX-NOT-ADDRESSED",
    "error",
    Text(
        "Phong bì không ghi cơ quan này là nơi nhận: có thể bị chuyển nhầm hoặc phát lại. Hỏi nơi gửi trước khi nhận.",
        "We are not among the recipients: misdirected, or replayed by somebody. Ask the sender before accepting.",
    ),
)
_MISSING = Message.of(
    "EDX-SEAL-MISSING",
    "error",
    Text(
        "Nơi gửi luôn đóng dấu phong bì nhưng phong bì này không có con dấu còn giá trị; có thể dấu đã bị gỡ bỏ.",
        "The sender always seals its envelopes, and no seal holds on this one: it may have been stripped.",
    ),
)
