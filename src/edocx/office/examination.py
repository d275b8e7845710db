"""Examining an office that may be too ill to open: its store gone or locked, its axis' disk full, read-only or away.

What cannot be opened is a finding of its own, and everything else is still looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from edocx.clock import Clock, SystemClock
from edocx.content import Blob
from edocx.errors import EdocxError, TransportUnavailable
from edocx.office.configuration import OfficeConfig
from edocx.office.doctor import by_gravity, examine_keys
from edocx.office.means import OwnLine, line_of
from edocx.office.office import Office
from edocx.routing.faults import NO_FAULTS
from edocx.routing.health import Finding, outcomes
from edocx.routing.parcel import Parcel
from edocx.routing.transport import Entry, Receipt
from edocx.signing.judgement import Criteria
from edocx.signing.keys import Secrets, no_secrets, open_signer
from edocx.signing.trust import TrustStore
from edocx.units.registry import CsvRegistry


class Examination(NamedTuple):
    """What was found, the gravest first; the journal head that was signed, if that was asked and nothing is wrong."""

    findings: tuple[Finding, ...]
    head: Path | None = None

    @property
    def well(self) -> bool:
        """Whether nothing was found that is an error."""
        return all(one.severity != "error" for one in self.findings)


def examine_place(
    place: Path,
    *,
    secrets: Secrets = no_secrets,
    clock: Clock | None = None,
    deep: bool = False,
    sign_head: bool = False,
) -> Examination:
    """Examine the office of an ``office.toml``, whatever of it can be opened.

    With ``sign_head``, the journal's end is signed when all is well. Raises `UsageError` or `InputError` only for the
    settings themselves: without them nobody knows what to look at.
    """
    settings, time = OfficeConfig.from_path(place), clock or SystemClock()
    with _line(settings, time, secrets) as (line, ill):
        try:
            with Office.open(settings, clock=time, transport=line, secrets=secrets) as office:
                found = by_gravity((*ill, *office.doctor(deep=deep)))
                well = Examination(found).well
                return Examination(found, office.sign_head() if sign_head and well else None)
        except EdocxError as error:
            keys = outcomes(lambda: _keys(settings, time, secrets), where=str(settings.place))
            return Examination(by_gravity((_finding(error), *ill, *keys)))


class _Away:
    """A line to an axis that cannot be opened: whoever calls it hears why."""

    def __init__(self, error: EdocxError) -> None:
        self._error = error

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:  # noqa: ARG002 - the contract's names
        """Refuse."""
        self._refuse()

    def pending(self, unit: str) -> tuple[Entry, ...]:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def fetch(self, entry: Entry) -> Blob:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def acknowledge(self, entry: Entry) -> None:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        error = self._error
        raise TransportUnavailable(error.text, hint=error.hint, code=error.code, where=error.where) from error


@contextmanager
def _line(
    settings: OfficeConfig, clock: Clock, secrets: Secrets
) -> Iterator[tuple[OwnLine | _Away, tuple[Finding, ...]]]:
    try:
        line = line_of(settings, clock=clock, secrets=secrets, faults=NO_FAULTS)
    except EdocxError as error:
        yield _Away(error), (_finding(error),)
        return
    try:
        yield line, ()
    finally:
        line.close()


def _keys(settings: OfficeConfig, clock: Clock, secrets: Secrets) -> Iterator[Finding]:
    trust = TrustStore()
    for place in settings.trust:
        trust |= TrustStore.from_path(place)
    # What the store knows of certificates besides is not to be had.
    registry = CsvRegistry.from_path(settings.registry) if settings.registry else None
    criteria = Criteria(trust, clock.now(), registry)
    signers = settings.signers
    return examine_keys(settings, lambda name: open_signer(signers[name].key, secrets), lambda: criteria, clock.now())


def _finding(error: EdocxError) -> Finding:
    return Finding(error.code, "error", error.text, error.where)
