"""Whose word a message is: authenticated by its seal, spoken for itself or for a unit that passed into it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from edocx.envelope.model import Envelope
from edocx.errors import UnitError
from edocx.office.desk import Desk
from edocx.office.verdict import speaks_to_us
from edocx.routing.state import Basis, Speaker
from edocx.signing.report import Indication, Report
from edocx.units.succession import Succession


def basis_of(desk: Desk, envelope: Envelope, report: Report) -> Basis:
    """Say what shows that an envelope comes from the unit it names: its seal, or nothing."""
    unit = envelope.sender.unit if envelope.sender else None
    if unit is None or not speaks_to_us(report):  # a genuine request to somebody else, replayed here
        return Basis.NOTHING
    for signature in report.signatures:
        passed = signature.indication is Indication.TOTAL_PASSED and signature.kind == "organisation"
        if passed and signature.unit is not None and _one_unit(desk, signature.unit, unit):
            return Basis.SEAL
    return Basis.NOTHING


def speaker_for(desk: Desk, unit: str, basis: Basis, parties: Iterable[str]) -> Speaker:
    """Return who speaks, and for which of ``parties``: itself, else a predecessor by the directory, else itself alone.

    A merged unit's successor answers for its documents (QĐ 09/2025 on codes that close); a stranger does not.
    """
    wanted = tuple(dict.fromkeys(parties))
    if unit in wanted:
        return Speaker(unit, unit, basis)
    for party in wanted:
        if _one_unit(desk, unit, party) or _succeeds(desk, unit, party):
            return Speaker(unit, party, basis)
    return Speaker(unit, unit, basis)


def address_of(desk: Desk, unit: str) -> str:
    """Return where to write to a unit today: its own code, or that of whoever holds its register when it is closed.

    That is its one successor or the custodian that the decree names; where neither is recorded, its own code stays.
    """
    try:
        desk.directory.resolve(unit, desk.today())
    except UnitError as error:
        if error.code == "EDX-UNIT-CLOSED":
            with suppress(UnitError):
                holder = desk.directory.register_holder(unit, desk.today()).unit
                return unit if holder.code is None else str(holder.code)
    return unit


def _one_unit(desk: Desk, first: str, second: str) -> bool:
    if first == second:
        return True
    try:
        # Only what the directory records: the conversion rule alone must not lend anybody a voice.
        return desk.directory.same_unit(first, second, desk.today()).basis == "recorded"
    except UnitError:
        return False


def _succeeds(desk: Desk, unit: str, predecessor: str) -> bool:
    today = desk.today()
    try:
        if desk.directory.find(predecessor, today) is not None:
            return False  # who still stands speaks for itself, whatever tasks it passed on
        found = desk.directory.successors(predecessor, today)
    except UnitError:
        return False
    return any(
        str(successor.unit.code) == unit and all(_vouched(desk, edge) for edge in successor.path)
        for successor in found
        if successor.unit.code is not None
    )


def _vouched(desk: Desk, edge: Succession) -> bool:
    """Whether an edge may lend a voice: this office's own word does so for units of its own alone."""
    if not edge.local:
        return True
    left = desk.directory.find(edge.predecessor, edge.on - timedelta(days=1))
    return left is not None and left.local
