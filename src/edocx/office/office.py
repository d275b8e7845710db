"""Office: the verbs of one unit's records work over its own store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import wraps
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection

from edocx.clock import Clock, SystemClock
from edocx.documents import Document, Draft, Urgency
from edocx.errors import EdocxError, StoreUnavailable
from edocx.office import (
    approving,
    bundle,
    deadlines,
    doctor,
    evidence,
    issuing,
    levels,
    receiving,
    redriving,
    registers,
    requests,
    retaining,
    safekeeping,
    secrecy,
    sending,
    tracing,
    withdrawing,
)
from edocx.office.approving import Approved, Awaiting
from edocx.office.attestation import attest, is_current, require_reconciled, require_vouching
from edocx.office.configuration import OfficeConfig
from edocx.office.deadlines import Overdue
from edocx.office.desk import Desk
from edocx.office.hooks import Hook, Hooks, named
from edocx.office.means import OwnLine, evidence_of, line_of, timestamps_of
from edocx.office.receiving import Incoming
from edocx.office.records import records_of
from edocx.office.recovery import Recovered
from edocx.office.redriving import Redriven
from edocx.office.registers import Book, RegisterLine
from edocx.office.requests import ChangeRequest
from edocx.office.retaining import Retention
from edocx.office.sending import Dispatch
from edocx.office.tracing import Trace
from edocx.office.withdrawing import Asked
from edocx.office.workspace import clear_abandoned
from edocx.routing.database import Store
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.health import Finding
from edocx.routing.transport import Transport
from edocx.routing.worker import Progress, Worker
from edocx.signing.keys import Secrets, no_secrets
from edocx.signing.report import Message
from edocx.signing.timestamp import Timestamper
from edocx.signing.trust import TrustStore
from edocx.units import UnitId
from edocx.units.directory import Directory

POLL = timedelta(seconds=1)
"""How often a waiting `Office.inbox` looks at the axis."""


P = ParamSpec("P")
T = TypeVar("T")


def _hooked(verb: Callable[Concatenate[Office, P], T]) -> Callable[Concatenate[Office, P], T]:
    """Let the office's hooks stand around a verb."""

    @wraps(verb)
    def around(office: Office, /, *arguments: P.args, **options: P.kwargs) -> T:
        with office._hooks.around(verb.__name__):  # noqa: SLF001 - this module's own
            return verb(office, *arguments, **options)

    return around


class Office:
    """One unit at work: approve, issue, send, inbox, trace.

    Every verb is durable when it returns and harmless when repeated. Use it in a ``with`` block.
    """

    def __init__(self, desk: Desk, *, faults: Faults = NO_FAULTS, random: Random | None = None) -> None:
        self._desk = desk
        self._worker = Worker(
            desk.store,
            desk.transport,
            str(desk.unit),
            clock=desk.clock,
            random=random or Random(),  # noqa: S311 - jitter, not secrecy
            faults=faults,
        )
        self._owned: list[OwnLine] = []
        self._hooks = Hooks(str(desk.unit), [named(name) for name in desk.config.hooks])
        desk.store.observe(self._hooks.committed)
        self._looked_at: datetime | None = None

    @classmethod
    def open(
        cls,
        config: OfficeConfig | Path | str,
        *,
        clock: Clock | None = None,
        directory: Directory | None = None,
        transport: Transport | None = None,
        secrets: Secrets = no_secrets,
        timestamps: Timestamper | None = None,
        faults: Faults = NO_FAULTS,
        random: Random | None = None,
        anew: bool = False,
    ) -> Self:
        """Open an office from its ``office.toml``.

        ``clock``, ``directory``, ``transport`` and ``timestamps`` replace what the settings name; ``secrets`` is asked
        for passwords of keys, and as ``axis:ADDRESS`` for the secret of an axis over HTTP. The store is made at the
        first opening; one that is missing later is made only when told ``anew``. Raises `UsageError` or `InputError`
        for the settings, `StoreUnavailable` for the store.
        """
        settings = config if isinstance(config, OfficeConfig) else OfficeConfig.from_path(config)
        time = clock or SystemClock()
        trust = TrustStore()
        for place in settings.trust:
            trust |= TrustStore.from_path(place)
        line = line_of(settings, clock=time, secrets=secrets, faults=faults) if transport is None else None
        folder = settings.place.parent
        try:
            if not anew:
                safekeeping.require_store(settings, transport or _some(line))
            store = Store.open(settings.store, clock=time, faults=faults, folder=folder if settings.on_server else None)
        except BaseException:
            if line is not None:
                line.close()
            raise
        clear_abandoned(settings.place.parent)
        records = records_of(settings, store.engine, directory=directory)
        desk = Desk(
            config=settings,
            clock=time,
            store=store,
            transport=transport or _some(line),
            directory=records.directory,
            trust=trust,
            registry=records.registry,
            secrets=secrets,
            timestamps=timestamps or timestamps_of(settings, trust, time),
            evidence=evidence_of(settings, trust, time),
        )
        office = cls(desk, faults=faults, random=random)
        if line is not None:
            office._owned.append(line)
        return office

    def add_hook(self, hook: Hook) -> None:
        """Tell a hook of every event from now on; see `edocx.office.hooks`."""
        self._hooks.add(hook)

    @property
    def unit(self) -> UnitId:
        """Whose office this is."""
        return self._desk.unit

    @property
    def name(self) -> str:
        """The unit's name as configured."""
        return self._desk.config.name

    @property
    def store(self) -> Store:
        """The office's store, for hosts that look into it."""
        return self._desk.store

    @_hooked
    def approve(self, draft: Draft, *, by: str, draft_id: str | None = None) -> Approved:
        """Let the signatory's key sign a draft; see `edocx.office.approving.approve`."""
        require_reconciled(self._desk)
        secrecy.require_not_secret(draft)
        return approving.approve(self._desk, draft, by=by, draft_id=draft_id)

    def key_notes(self, name: str) -> tuple[Message, ...]:
        """Return what could not be checked of a key when this office last used it, such as its revocation."""
        return self._desk.key_notes(name)

    def approved(self, draft_id: str) -> Approved:
        """Return an approved draft by its id; raise `StateError` when there is none."""
        return approving.approved_of(self._desk, draft_id)

    def awaiting(self) -> tuple[Awaiting, ...]:
        """Return the drafts that wait for a signatory whose key is elsewhere, oldest first."""
        return approving.awaiting(self._desk)

    def complete_approval(self, draft_id: str, signature: bytes | None = None) -> Approved:
        """Finish a draft that waits for its signatory; see `edocx.office.approving.complete_approval`."""
        require_reconciled(self._desk)
        return approving.complete_approval(self._desk, draft_id, signature)

    @_hooked
    def issue(self, approved: Approved, *, seal: str) -> Document:
        """Number, date and seal an approved draft; see `edocx.office.issuing.issue`."""
        require_reconciled(self._desk)
        document = issuing.issue(self._desk, approved, seal=seal)
        self._attested()  # so that the number is known elsewhere too; what fails is attested with the next work
        return document

    def document(self, document: str) -> Document:
        """Return an issued document by its DocumentId or the office's own id; raise `StateError` when there is none."""
        return issuing.find_document(self._desk, document)

    def documents(self) -> tuple[Document, ...]:
        """Return the documents that this office issued, oldest first."""
        return issuing.all_documents(self._desk)

    @_hooked
    def send(
        self,
        document: Document,
        *,
        to: Iterable[UnitId | str],
        attempt: int = 1,
        connection: Connection | None = None,
    ) -> Dispatch:
        """Queue a document for its recipients, in the caller's transaction if he likes; see `edocx.office.sending`."""
        require_reconciled(self._desk)
        secrecy.require_not_secret(document.draft)
        withdrawing.require_sendable(self._desk, document)
        return sending.send(self._desk, document, to=to, attempt=attempt, connection=connection)

    @_hooked
    def redrive(self, document: str, *, by: str) -> tuple[Redriven, ...]:
        """Queue anew what was given up of a document; see `edocx.office.redriving.redrive`."""
        require_reconciled(self._desk)
        return redriving.redrive(self._desk, document, by=by)

    @_hooked
    def recall(
        self,
        document: str,
        reason: str,
        *,
        by: str,
        to: Iterable[UnitId | str] | None = None,
        as_document: bool = False,
    ) -> Asked:
        """Ask receivers to give a document back; see `edocx.office.withdrawing.recall`."""
        require_reconciled(self._desk)
        return withdrawing.recall(self._desk, document, reason, by=by, to=to, as_document=as_document)

    @_hooked
    def update(
        self,
        document: str,
        reason: str,
        *,
        by: str,
        due_date: date | None = None,
        urgency: Urgency | None = None,
        content: str | None = None,
    ) -> Asked:
        """Tell receivers what changed about a document; see `edocx.office.withdrawing.update`."""
        require_reconciled(self._desk)
        return withdrawing.update(
            self._desk, document, reason, by=by, due_date=due_date, urgency=urgency, content=content
        )

    @_hooked
    def replace(
        self, document: str, new: Document, reason: str, *, by: str, to: Iterable[UnitId | str] | None = None
    ) -> Dispatch:
        """Send a new document in the place of an earlier one; see `edocx.office.withdrawing.replace`."""
        require_reconciled(self._desk)
        secrecy.require_not_secret(new.draft)
        return withdrawing.replace(self._desk, document, new, reason, by=by, to=to)

    def requests(self) -> tuple[ChangeRequest, ...]:
        """Return the recalls, updates and replacements that wait for this office's clerk."""
        return requests.waiting(self._desk)

    def request(self, document_id: str) -> ChangeRequest:
        """Return the request that waits about a received document; raise `StateError` when there is none."""
        return requests.find(self._desk, document_id)

    @_hooked
    def work(self) -> Progress:
        """Carry what is due to the axis, fetch what waits there, and open it; safe to kill and to repeat.

        An office that was restored and not reconciled does nothing here.
        """
        if not is_current(self._desk):
            return Progress(faults=("EDX-OFFICE-RESTORED",))
        progress = self._worker.run_until_quiet()
        levels.lift(self._desk)
        self._note_missed()
        while receiving.open_new(self._desk):
            progress.add(self._worker.run_until_quiet())
        progress.faults += self._attested()
        return progress

    def serve(self, *, every: timedelta = POLL, told: Callable[[Progress], None] | None = None) -> None:
        """Work again and again until `stop` is called; ``told`` hears what each round did.

        Other processes may work on the same store meanwhile. An axis or a store that is away is tried again at the
        next round (`StoreUnavailable` only when it is worth another try); anything else is raised.
        """
        while not self._worker.is_stopping:
            try:
                progress = self.work()
            except StoreUnavailable as error:
                if not error.retryable:
                    raise
                progress = Progress(faults=(error.code,))
            if told is not None:
                told(progress)
            self._worker.wait(every.total_seconds())

    def stop(self) -> None:
        """Let `serve` and any verb that carries parcels end soon, with nothing half done; safe in a signal handler."""
        self._worker.stop()

    def inbox(self, wait: timedelta = timedelta(0)) -> Iterator[Incoming]:
        """Yield the documents that wait for the clerk; when there is none, look for up to ``wait``."""
        remaining = wait
        self.work()
        waiting = receiving.presented(self._desk)
        pause = threading.Event()
        while not waiting and remaining > timedelta(0):
            pause.wait(min(POLL, remaining).total_seconds())
            remaining -= POLL
            self.work()
            waiting = receiving.presented(self._desk)
        yield from waiting

    def inbox_count(self) -> int:
        """Return how many documents wait for the clerk."""
        return len(receiving.presented(self._desk))

    def incoming(self, document_id: str) -> Incoming:
        """Return a received document by its DocumentId, whatever its state."""
        return receiving.find(self._desk, document_id)

    def accept(self, document_id: str, *, by: str, note: str | None = None) -> int:
        """Accept a received document; return its arrival number."""
        return self.incoming(document_id).accept(by=by, note=note)

    def reject(self, document_id: str, reason: str, *, by: str) -> None:
        """Refuse a received document with a reason."""
        self.incoming(document_id).reject(reason, by=by)

    def status(self, document_id: str) -> Trace:
        """Return how a document stands at every recipient; an alias of `trace` for those who ask so."""
        return self.trace(document_id)

    def trace(self, document: str) -> Trace:
        """Return the way of a document; see `edocx.office.tracing.trace`."""
        return tracing.trace(self._desk, document)

    @_hooked
    def bundle(self, document: str, out: Path) -> Path:
        """Write the evidence about a document into a sealed container; see `edocx.office.bundle.write_bundle`."""
        return bundle.write_bundle(self._desk, document, out)

    def overdue(self) -> tuple[Overdue, ...]:
        """Return what should have been done by now; see `edocx.office.deadlines`."""
        return deadlines.overdue(self._desk, deadlines.calendar_of(self._desk))

    def register(self, book: Book, year: int, *, search: str = "") -> tuple[RegisterLine, ...]:
        """Return a register ("out" or "in") of a year, or what in it matches; see `edocx.office.registers`."""
        return registers.lines_of(self._desk, book, year, search=search)

    def void(self, draft_id: str, reason: str, *, by: str) -> int:
        """Void the number reserved for a draft; see `edocx.office.registers.void`."""
        require_reconciled(self._desk)
        return registers.void(self._desk, draft_id, reason, by=by)

    def doctor(self, *, deep: bool = False) -> tuple[Finding, ...]:
        """Return what ails the office; see `edocx.office.doctor.examine_office`."""
        return doctor.examine_office(self._desk, deep=deep)

    def sign_head(self) -> Path:
        """Sign the journal's end, beside the store; see `edocx.office.evidence.sign_head`."""
        require_vouching(self._desk)
        return evidence.sign_head(self._desk)

    def receipt(self, file: Path, folder: Path) -> Path:
        """State, signed, that a file is in this unit's hands now; see `edocx.office.evidence.give_receipt`."""
        return evidence.give_receipt(self._desk, file, folder)

    def backup(self, folder: Path) -> Path:
        """Write a consistent copy of the store; see `edocx.office.safekeeping.backup`."""
        return safekeeping.backup(self._desk, folder)

    @staticmethod
    def restore(config: OfficeConfig | Path | str, folder: Path) -> datetime:
        """Put a backup where the office's store is to be; see `edocx.office.safekeeping.restore`."""
        settings = config if isinstance(config, OfficeConfig) else OfficeConfig.from_path(config)
        return safekeeping.restore(settings, folder)

    @_hooked
    def reconcile(self, *, next_number: int | None = None, by: str | None = None) -> Recovered:
        """Pull back what the axis knows and let a restored office write; see `edocx.office.safekeeping.reconcile`."""
        return safekeeping.reconcile(self._desk, next_number=next_number, by=by)

    def retention(
        self, keep: timedelta, *, unfinished: bool = False, delete: bool = False, by: str | None = None
    ) -> Retention:
        """Name, or delete, contents that were kept long enough; see `edocx.office.retaining.retain`."""
        return retaining.retain(self._desk, keep, unfinished=unfinished, delete=delete, by=by)

    def _note_missed(self) -> None:
        now = self._desk.clock.now()
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at < deadlines.LOOK:
            self._looked_at = now
            deadlines.note_missed(self._desk)

    def _attested(self) -> tuple[str, ...]:
        """Leave the journal's end with the axis; return what stood in the way.

        An axis that is away or a key that cannot sign today stops nothing that is done already.
        """
        try:
            attest(self._desk)
        except EdocxError as error:
            return (error.code,)
        return ()

    def close(self) -> None:
        """Close the store and what else this office opened."""
        self._desk.store.close()
        for axis in self._owned:
            axis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _some(axis: OwnLine | None) -> OwnLine:
    assert axis is not None
    return axis
