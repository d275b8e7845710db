"""The office's verdict on a received envelope: its signatures, and whether it is for us and sealed as it should be."""

from __future__ import annotations

from edocx.envelope.read import Reading
from edocx.office.desk import Desk
from edocx.routing.inbox import Incoming
from edocx.sealing import check_addressing, verify_reading, with_findings
from edocx.signing.report import Report


def verdict_on(desk: Desk, message: Incoming, reading: Reading) -> Report:
    """Verify a received envelope that is open, and add what is wrong between its seal, its sender and this unit.

    An envelope that is not addressed to this unit (``EDX-NOT-ADDRESSED``), or lost its seal on the way
    (``EDX-SEAL-MISSING``), never passes: the clerk sees it with that finding. Units are those of the day it arrived.
    """
    criteria, name = desk.criteria, message.message_id
    report = desk.judged.once(name, reading.raw.sha256, criteria, lambda: verify_reading(reading, criteria, name=name))
    findings = check_addressing(
        reading.envelope, report, own=desk.unit, directory=desk.directory, at=message.arrived_at
    )
    return with_findings(report, findings)


def speaks_to_us(report: Report) -> bool:
    """Whether an envelope was meant for this unit: a genuine request to another has no effect here."""
    return all(message.code != "EDX-NOT-ADDRESSED" for message in report.messages)
