"""The worker: carries parcels from the outbox to the axis and from the axis to the inbox.

It may be killed between any two statements. What it was doing is done again by the next one: submitting
is idempotent by message id, receiving by the raw bytes' digest, and the axis hears of a message's safety
only after the commit.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from edocx.clock import Clock
from edocx.content import Blob
from edocx.errors import EdocxError, InputError, Text, TransportUnavailable, Unavailable
from edocx.routing.breaker import Breakers
from edocx.routing.database import Store
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.inbox import Arrival
from edocx.routing.outbox import Task
from edocx.routing.parcel import TOP_URGENCY, require_id
from edocx.routing.retry import Backoff
from edocx.routing.store.payloads import INLINE_LIMIT, checked
from edocx.routing.transport import Entry, Transport

BATCH = 16
"""Parcels claimed, and messages received, in one transaction."""

AWAY = "EDX-DESTINATION-AWAY"
"""Why a parcel was given up untried: where it goes was away for its whole lifetime."""


@dataclass(slots=True)
class Progress:
    """What a worker did.

    Attributes:
        sent: parcels for which the axis gave a receipt.
        put_off: attempts that failed and are due again later.
        held: parcels kept back untried because their destination is away; those behind them come next.
        dead: parcels given up.
        received: messages stored for the first time.
        absorbed: messages that were here already, or whose content was.
        faults: codes of what went wrong, in order, for whoever tells the clerk.
    """

    sent: int = 0
    put_off: int = 0
    held: int = 0
    dead: int = 0
    received: int = 0
    absorbed: int = 0
    faults: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether anything went forward, so that another step may find more to do."""
        return bool(self.sent or self.held or self.dead or self.received or self.absorbed)

    def add(self, other: Progress) -> None:
        """Add another step's doings to these."""
        self.sent += other.sent
        self.put_off += other.put_off
        self.held += other.held
        self.dead += other.dead
        self.received += other.received
        self.absorbed += other.absorbed
        self.faults += other.faults


class Worker:
    """Works for one unit on one store and one axis; several may do so at once."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        unit: str,
        *,
        clock: Clock,
        random: Random,
        name: str = "worker",
        backoff: Backoff | None = None,
        faults: Faults = NO_FAULTS,
        batch: int = BATCH,
    ) -> None:
        """Prepare a worker; what dead processes had claimed is given back.

        Args:
            store: the office's store.
            transport: the axis.
            unit: whose messages to fetch.
            clock: tells the time.
            random: jitter for retries.
            name: marks this worker's leases.
            backoff: how failed attempts are repeated.
            faults: told of every submit, fetch and acknowledge.
            batch: parcels or messages a transaction.
        """
        self._store = store
        self._transport = transport
        self._unit = unit
        self._clock = clock
        self._random = random
        # Two workers of one name must not settle each other's claims.
        self._lease = store.lease(f"{name}.{secrets.token_hex(4)}")
        self._backoff = backoff or Backoff()
        self._breakers = Breakers(self._backoff, random)
        self._faults = faults
        self._batch = batch
        self._stopping = threading.Event()
        self._outages = 0
        self._resume_at: datetime | None = None

    def stop(self) -> None:
        """Let the step that runs end after the parcel it is at, and begin no other; safe from any thread or signal."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, or until `stop` is called."""
        self._stopping.wait(seconds)

    def step(self) -> Progress:
        """Send one batch and receive what waits; return what was done.

        An axis that is away ends the step, not the worker: its code stands in ``faults``. Raises
        `StoreUnavailable` when the office's own store fails.
        """
        progress = self._send()
        if not self.is_stopping:
            progress.add(self._receive())
        return progress

    def run_until_quiet(self, *, most: int = 100_000) -> Progress:
        """Step until a step moves nothing, or ``most`` steps; return everything done.

        Quiet does not mean empty: parcels put off are due later (`Outbox.next_due`).
        """
        total = Progress()
        for _ in range(most):
            progress = self.step()
            total.add(progress)
            if not progress.moved or self.is_stopping:
                break
        return total

    def _send(self) -> Progress:
        progress = Progress()
        now = self._clock.now()
        longest = self._backoff.ceiling
        if self._resume_at is not None and now < self._resume_at <= now + longest:  # beyond: the clock was put back
            # The axis did not answer a moment ago: parcels wait without using up their attempts.
            return progress
        with self._store.read() as transaction:
            due = transaction.outbox.next_due(longest=longest)
        if due is None or due > now:
            return progress
        with self._store.begin("claim") as transaction:
            tasks = transaction.outbox.claim(self._lease, limit=self._batch, longest=longest)
            lost = transaction.outbox.lost
        progress.dead += len(lost)
        progress.faults += lost
        taken: list[tuple[Task, str]] = []
        held: list[tuple[Task, datetime]] = []
        stalled: set[str] = set()
        for task in tasks:
            due = self._breakers.admit(task.parcel.recipients, self._clock.now())
            if self.is_stopping or stalled.issuperset(task.parcel.recipients):
                # One time-out a step for each destination: those behind it go first.
                held.append((task, due or now))
            elif due is not None:
                held.append((task, due))
            elif not self._submit(task, taken, stalled, progress):
                break
        self._settle(taken, progress)
        self._hold_back(held, progress)
        return progress

    def _submit(self, task: Task, taken: list[tuple[Task, str]], stalled: set[str], progress: Progress) -> bool:
        """Submit one parcel and note its receipt, or record what went wrong; tell whether the axis is still there."""
        try:
            self._faults.reached("transport.submit.before")
            receipt = self._transport.submit(task.parcel, task.payload)
            self._faults.reached("transport.submit.after")
        except TransportUnavailable as error:
            # Before the pause gives back what is claimed: a parcel that the axis took must not go again.
            self._settle(taken, progress)
            self._pause(error, task, progress)
            return False
        except EdocxError as error:
            self._settle(taken, progress)
            self._fail(error, task, progress)
            if error.retryable and (destination := _at_fault(error, task)) is not None:
                stalled.add(destination)
                self._hold_all(destination, self._breakers.failed(destination, self._clock.now()))
            return True
        self._outages, self._resume_at = 0, None
        self._breakers.succeeded(task.parcel.recipients)
        taken.append((task, receipt.key))
        return True

    def _settle(self, taken: list[tuple[Task, str]], progress: Progress) -> None:
        """Record the receipts of a batch in one commit; a crash before it submits them again, which is harmless."""
        if not taken:
            return
        with self._store.begin("sent") as transaction:
            for task, key in taken:
                transaction.outbox.mark_sent(task, key)
        progress.sent += len(taken)
        taken.clear()

    def _hold_all(self, destination: str, due: datetime | None) -> None:
        if due is not None:
            with self._store.begin("held") as transaction:
                transaction.outbox.hold_all(destination, due, longest=self._backoff.ceiling)

    def _hold_back(self, held: list[tuple[Task, datetime]], progress: Progress) -> None:
        """Give back in one commit what its destination cannot take now; what is too old is given up all the same."""
        if not held:
            return
        with self._store.begin("held") as transaction:
            for task, due in held:
                attempt = max(1, task.attempts)
                since = task.queued_at
                if self._backoff.next_due(attempt, now=transaction.now, since=since, random=self._random) is None:
                    transaction.outbox.bury(task, AWAY)
                    progress.dead += 1
                    progress.faults += (AWAY,)
                else:
                    transaction.outbox.hold_back(task, due)
                    progress.held += 1

    def _pause(self, error: TransportUnavailable, task: Task, progress: Progress) -> None:
        self._outages += 1
        self._resume_at = self._clock.now() + self._backoff.pause(self._outages, self._random)
        self._fail(error, task, progress)
        with self._store.begin("release") as transaction:
            transaction.outbox.release(self._lease)

    def _fail(self, error: EdocxError, task: Task, progress: Progress) -> None:
        progress.faults += (error.code,)
        with self._store.begin("failed") as transaction:
            due = self._backoff.next_due(
                task.attempts + 1, now=transaction.now, since=task.queued_at, random=self._random
            )
            if error.retryable and due is not None:
                transaction.outbox.put_off(task, due, error.code)
                progress.put_off += 1
            else:
                transaction.outbox.bury(task, error.code)
                progress.dead += 1

    def _receive(self) -> Progress:
        progress = Progress()
        try:
            waiting = self._transport.pending(self._unit)
            for entries in _portions(waiting, self._batch):
                self._take(entries, progress)
        except TransportUnavailable as error:
            progress.faults += (error.code,)
        return progress

    def _take(self, entries: Sequence[Entry], progress: Progress) -> None:
        fetched = [(entry, payload) for entry in entries if (payload := self._fetch(entry, progress)) is not None]
        if not fetched:
            return
        with self._store.begin("receive") as transaction:
            arrivals = [transaction.inbox.receive(entry, payload)[1] for entry, payload in fetched]
        progress.received += sum(arrival in {Arrival.NEW, Arrival.CONFLICT} for arrival in arrivals)
        progress.absorbed += sum(arrival in {Arrival.REPEAT, Arrival.DUPLICATE} for arrival in arrivals)
        for entry, _ in fetched:
            self._faults.reached("transport.acknowledge.before")
            self._transport.acknowledge(entry)
            self._faults.reached("transport.acknowledge.after")

    def _fetch(self, entry: Entry, progress: Progress) -> Blob | None:
        """Return a message's bytes, checked and, if large, on disk already; None when they cannot be had."""
        try:
            _require_sound(entry, self._unit)
            self._faults.reached("transport.fetch.before")
            payload = self._transport.fetch(entry)
            self._faults.reached("transport.fetch.after")
            if entry.sha256 not in {None, payload.sha256}:
                raise _damaged(entry)
            if payload.size <= INLINE_LIMIT:
                return Blob.from_bytes(b"".join(checked(payload)))
            return self._store.keep(payload)
        except Unavailable:
            # The axis or our own store is away: not this message's doing.
            raise
        except EdocxError as error:
            # One message that cannot be had must not keep the others away; it stays pending at the axis.
            progress.faults += (error.code,)
            return None


def _at_fault(error: EdocxError, task: Task) -> str | None:
    """Return the destination that an error speaks of: the recipient it names, or the only one there is."""
    recipients = task.parcel.recipients
    if error.where in recipients:
        return error.where
    return recipients[0] if len(recipients) == 1 else None


def _portions(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def _require_sound(entry: Entry, unit: str) -> None:
    """Raise `InputError` for an entry that an honest axis would not list: one of them must not stop the batch."""
    for name in ("key", "message_id", "sender", "recipient"):
        require_id(getattr(entry, name), name)
    if entry.document_id is not None:
        require_id(entry.document_id, "document_id")
    if entry.recipient != unit or not 0 <= entry.urgency <= TOP_URGENCY:
        raise InputError(
            Text("Trục liệt kê một thông điệp không hợp lệ.", "The axis lists a message that cannot be right."),
            hint=Text("Báo đơn vị vận hành trục.", "Tell whoever runs the axis."),
            code="EDX-AXIS-ENTRY",
            where=entry.key,
        )


def _damaged(entry: Entry) -> InputError:
    return InputError(
        Text(
            "Nội dung nhận được khác với giá trị băm mà trục công bố.",
            "The content received differs from the digest that the axis announced.",
        ),
        hint=Text("Hệ thống sẽ lấy lại; nếu lặp lại, báo đơn vị vận hành trục.", "It is fetched again; tell the axis."),
        code="EDX-PAYLOAD-DIGEST",
        where=entry.key,
    )
