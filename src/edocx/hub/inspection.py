"""What the door looks at inside an envelope, by policy: seal, signed files, marks of secrecy, malware.

Each look is *off*, on *record* (it is written down and the message goes on), or *require* (it is refused). A look that
could not be made is never a good one: trust that is missing reads as doubt, a scanner that is away is a policy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from edocx.clock import Clock
from edocx.envelope import Reading
from edocx.envelope.secrecy import is_marked
from edocx.errors import EdocxError, UnitError
from edocx.hub import refusal
from edocx.hub.agencies import Agency
from edocx.hub.clamd import Clamd
from edocx.hub.configuration import DoorPolicy
from edocx.hub.letter_facts import LetterFacts
from edocx.routing.parcel import Business, ParcelKind
from edocx.sealing import verify_reading
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication, Report
from edocx.signing.trust import TrustStore
from edocx.units import UnitId
from edocx.units.registry import CsvRegistry

FRESH = timedelta(minutes=1)
"""How long verdicts share one moment; then trust and registry are read again if their files changed."""

OFF, RECORD, REQUIRE = "off", "record", "require"

_WORDS = {
    Indication.TOTAL_PASSED: "passed",
    Indication.INDETERMINATE: "doubtful",
    Indication.TOTAL_FAILED: "failed",
    Indication.NO_SIGNATURE: "none",
}
CLEAN, FOUND, UNSCANNED = "clean", "found", "unscanned"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: words of this module, and the codes of what would have been refused under *require*.

    Attributes:
        seal, files: passed, doubtful, failed, none; None when nobody looked.
        scan: clean, found, unscanned; None when nobody looked.
        codes: ``EDX-…``.
    """

    seal: str | None = None
    files: str | None = None
    scan: str | None = None
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Present:
    criteria: Criteria
    stamp: tuple[float, ...]


@dataclass(slots=True)
class Inspector:
    """Looks at envelopes for one hub; safe to share between threads."""

    policy: DoorPolicy
    clock: Clock
    scanner: Clamd | None = None
    _present: _Present | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, policy: DoorPolicy, clock: Clock) -> Inspector:
        """Make ready: trust and registry are read now, so that a mistake in them shows at the start.

        Raises `InputError` for trust or registry that cannot be read, `UsageError` for an address that is none.
        """
        scanner = Clamd.from_url(policy.scanner, seconds=policy.scanner_seconds) if policy.scanner else None
        made = cls(policy, clock, scanner)
        if policy.trust is not None:
            made.criteria()
        return made

    def inspect(self, reading: Reading, facts: LetterFacts, caller: Agency) -> Findings | None:
        """Look at an open envelope that ``caller`` hands in; its own rule for seals goes before the hub's.

        Returns what was found, None when the policy asks for nothing. Raises `Refused` for the first thing that the
        policy refuses, `Unavailable` when the scanner is away and the policy does not go on without it.
        """
        if self.policy.state_secrets == "refuse" and is_marked(reading.envelope):
            raise refusal.state_secret()
        seal_rule = caller.seal or self.policy.seal
        notes: list[str] = []
        seal = files = None
        if seal_rule != OFF or self.policy.files != OFF:
            report = self._verify(reading)
            seal = _WORDS[_of_seal(report)]
            files = _WORDS[_of_files(report)]
            notes += _judged(seal_rule, self._seal_faults(report, facts.sender))
            if facts.kind is ParcelKind.DOCUMENT:
                notes += _judged(self.policy.files, _file_faults(report, facts.business))
        scan = self._scan(reading, notes) if self.scanner is not None else None
        if (seal, files, scan) == (None, None, None):
            return None
        return Findings(seal, files, scan, tuple(dict.fromkeys(notes)))

    def criteria(self) -> Criteria:
        """Return what signatures are judged against now; raise `InputError` when its files cannot be read."""
        now = self.clock.now()
        with self._lock:
            known = self._present
            if known is not None and timedelta(0) <= now - known.criteria.at < FRESH:
                return known.criteria
            places = tuple(place for place in (self.policy.trust, self.policy.registry) if place is not None)
            stamp = _stamp(places)
            if known is not None and known.stamp == stamp:
                trust, registry = known.criteria.trust, known.criteria.registry
            else:
                trust = TrustStore.from_path(self.policy.trust) if self.policy.trust else TrustStore()
                registry = CsvRegistry.from_path(self.policy.registry) if self.policy.registry else None
            self._present = _Present(Criteria(trust, now, registry), stamp)
            return self._present.criteria

    def _verify(self, reading: Reading) -> Report:
        return verify_reading(reading, self.criteria(), name="envelope")

    def _seal_faults(self, report: Report, sender: str) -> Iterator[EdocxError]:
        if not report.signatures:
            yield refusal.unsealed()
            return
        for one in report.signatures:
            if one.indication is not Indication.TOTAL_PASSED:
                yield refusal.bad_seal(str(one.sub_indication or one.indication))
            elif self.policy.registry is not None and not (one.unit and _same(one.unit, sender)):
                yield refusal.foreign_seal(sender)
        if report.sub_indication is not None and report.sub_indication.value == "EDX-PARTIAL-COVERAGE":
            yield refusal.bad_seal(report.sub_indication.value)

    def _scan(self, reading: Reading, notes: list[str]) -> str:
        assert self.scanner is not None
        try:
            for number, file in enumerate(reading.envelope.attachments, 1):
                if file.content is not None and self.scanner.scan(file.content) is not None:
                    # Malware is never let in: there is no policy for it.
                    raise refusal.malware(number)
        except EdocxError as error:
            if not error.retryable or self.policy.scanner_down == "refuse":
                raise
            notes.append(error.code)
            return UNSCANNED
        return CLEAN


def _judged(rule: str, faults: Iterator[EdocxError]) -> list[str]:
    """Return the codes of faults; under *require* the first of them is raised."""
    codes = []
    for fault in faults:
        if rule == REQUIRE:
            raise fault
        codes.append(fault.code)
    return codes if rule == RECORD else []


def _of_seal(report: Report) -> Indication:
    return Report.of(file=report.file, format="edxml", policy=report.policy, signatures=report.signatures).indication


def _of_files(report: Report) -> Indication:
    return Report.of(
        file=report.file, format="edxml", policy=report.policy, signatures=(), attachments=report.attachments
    ).indication


def _file_faults(report: Report, business: Business) -> Iterator[EdocxError]:
    """A file that is signed must pass; a document that is new or replaces one has a signed file at least."""
    passed = False
    for number, one in enumerate(report.attachments, 1):
        if one.indication is Indication.NO_SIGNATURE:
            continue
        if one.indication is Indication.TOTAL_PASSED:
            passed = True
        else:
            yield refusal.bad_file(number, str(one.sub_indication or one.indication))
    if not passed and business in {Business.NEW, Business.REPLACE}:
        yield refusal.unsigned_files()


def _same(first: str, second: str) -> bool:
    try:
        return first == second or UnitId.parse(first) == UnitId.parse(second)
    except UnitError:
        return False


def _stamp(places: tuple[Path, ...]) -> tuple[float, ...]:
    """Return what changes when a file of these changes; a file that is gone by now changes it too."""
    files = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return tuple(file.stat().st_mtime for file in files if file.exists())
