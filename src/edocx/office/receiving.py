"""Receive, verify, present, answer.

What the worker stored is opened here: statuses advance the deliveries they speak of, documents are verified and
presented to the clerk. Each step is one transaction with the status message it causes, so that nothing is answered that
did not happen and nothing happens that is not answered.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edocx.documents import StatusCode
from edocx.envelope.attachments import extract
from edocx.envelope.model import Envelope
from edocx.errors import EdocxError, InputError, KeyFileError, StateError, StoreUnavailable, Text, UsageError
from edocx.office import requests
from edocx.office.answering import Saying, answer, is_ours, opened
from edocx.office.attestation import require_reconciled
from edocx.office.desk import Desk
from edocx.office.presenting import present, quarantine
from edocx.office.received import choose
from edocx.office.secrecy import require_unmarked
from edocx.office.verdict import verdict_on
from edocx.office.voices import basis_of, speaker_for
from edocx.routing.inbox import Incoming as Message
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.transaction import Transaction
from edocx.signing.report import Report

INCOMING = "den"
"""The book of incoming documents (sổ văn bản đến)."""

BATCH = 64
"""Messages opened under one lease."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A received document, stored and verified before anybody sees it.

    ``report`` is the verdict on seal and attachments; ``arrival_number`` is set once it is accepted.
    """

    id: int
    message_id: str
    envelope: Envelope
    report: Report
    _desk: Desk = field(repr=False)

    @property
    def document_id(self) -> str:
        """The document's identifier as its sender wrote it."""
        return self.envelope.document_id or self.message_id

    def accept(self, *, by: str, note: str | None = None) -> int:
        """Accept it (03): arrival number, state and the status message in one transaction; return the number.

        Raises `Refused` (``EDX-SECRET``) for one that is marked as a state secret.
        """
        require_reconciled(self._desk)
        require_unmarked(self.envelope)
        number: list[int] = []

        def enter(transaction: Transaction) -> None:
            transaction.inbox.move(self.id, IncomingState.ACCEPTED, by=by)
            entry = transaction.register.reserve(
                str(self._desk.unit), INCOMING, self._desk.today().year, self.message_id
            )
            number.append(transaction.register.issue(entry).number)

        answer(self._desk, self.envelope, self.message_id, Saying(StatusCode.ACCEPTED, note, by), enter)
        return number[0]

    def reject(self, reason: str, *, by: str) -> None:
        """Refuse it (02) with the reason, which the sender reads."""
        if not reason.strip():
            raise UsageError(
                Text("Từ chối phải nêu lý do.", "A rejection needs a reason."),
                hint=Text("QĐ 28/2018 Điều 5.", "QĐ 28/2018 Điều 5."),
                code="EDX-REJECT-REASON",
            )
        require_reconciled(self._desk)

        def enter(transaction: Transaction) -> None:
            transaction.inbox.move(self.id, IncomingState.REJECTED, by=by)

        answer(self._desk, self.envelope, self.message_id, Saying(StatusCode.REJECTED, reason, by), enter)

    def assign(self, *, by: str, note: str | None = None) -> None:
        """Report that a handler was assigned (04)."""
        self._report(Saying(StatusCode.ASSIGNED, note, by))

    def process(self, *, by: str, note: str | None = None) -> None:
        """Report that it is being handled (05)."""
        self._report(Saying(StatusCode.PROCESSING, note, by))

    def complete(self, *, by: str, note: str | None = None) -> None:
        """Report that handling is finished (06)."""
        self._report(Saying(StatusCode.COMPLETED, note, by))

    def _report(self, saying: Saying) -> None:
        require_reconciled(self._desk)
        answer(self._desk, self.envelope, self.message_id, saying, _nothing)

    def hold(self) -> None:
        """Leave it in the inbox: it is presented again."""

    def save(self, folder: Path) -> list[Path | None]:
        """Write the attachments into a folder, under their cleaned names; return their paths (see `extract`)."""
        with opened(self._desk, self.id) as reading:
            return extract(reading.envelope, folder)


def open_new(desk: Desk) -> int:
    """Open everything that is stored and new; return how many messages went forward.

    Statuses come first: a document may be answered by one that waits behind it.
    """
    return open_waiting(desk) + requests.settle(desk)


def open_waiting(desk: Desk) -> int:
    """Do `open_new` without agreeing to what issuers ask; return how many messages went forward."""
    moved = 0
    # Of this thread: it opens nothing else now, so that whatever is still held under this name was left behind.
    lease = desk.store.lease(f"open.{threading.get_ident():x}")
    try:
        for kind, step in ((ParcelKind.STATUS, _apply_status), (ParcelKind.DOCUMENT, present)):
            left_behind = True
            while claimed := _claim(desk, lease, kind, left_behind=left_behind):
                for message in claimed:
                    _take(desk, message, step)
                moved, left_behind = moved + len(claimed), False
    except Exception:
        with contextlib.suppress(StoreUnavailable):  # what keeps us from opening is raised; `_claim` gives back later
            _give_back(desk, lease)
        raise
    return moved


def _give_back(desk: Desk, lease: str) -> None:
    with desk.store.begin("release") as transaction:
        transaction.inbox.release(lease)


def _take(desk: Desk, message: Message, step: Callable[[Desk, Message], None]) -> None:
    """Do a step with one message; what cannot be read must not keep the messages behind it away."""
    try:
        step(desk, message)
    except KeyFileError:
        raise  # our own key, not the message
    except InputError as error:
        quarantine(desk, message, error.code, None)
    except StateError:
        with desk.store.read() as transaction:
            if transaction.inbox.get(message.id).state is IncomingState.NEW:
                raise
        # else another worker was faster, after our lease had ended


def _claim(desk: Desk, lease: str, kind: ParcelKind, *, left_behind: bool) -> tuple[Message, ...]:
    with desk.store.read() as transaction:
        if not transaction.inbox.in_state(IncomingState.NEW, kind=kind):
            return ()  # looking is free, a commit is not
    with desk.store.begin("open") as transaction:
        if left_behind:
            transaction.inbox.release(lease)
        return transaction.inbox.claim(lease, kind=kind, limit=BATCH)


def presented(desk: Desk) -> tuple[Incoming, ...]:
    """Return the documents that wait for the clerk, each with its verdict, in order of arrival."""
    with desk.store.read() as transaction:
        waiting = transaction.inbox.in_state(IncomingState.PRESENTED, IncomingState.QUARANTINED)
    return tuple(found for message in waiting if (found := _look(desk, message)) is not None)


def find(desk: Desk, document: str) -> Incoming:
    """Return a received document by its DocumentId or message id, whatever its state; see `received.choose`."""
    with desk.store.read() as transaction:
        message = choose(transaction, document)
    return _shown(desk, message)


def _look(desk: Desk, message: Message) -> Incoming | None:
    try:
        return _shown(desk, message)
    except EdocxError as error:
        if is_ours(error):
            raise  # "nothing waits" would be a lie
        return None  # unreadable: it is in quarantine, where `doctor` names it


def _shown(desk: Desk, message: Message) -> Incoming:
    with opened(desk, message.id) as reading:
        envelope, report = reading.envelope, verdict_on(desk, message, reading)
        # the contents stay in the store; Incoming.save opens them again
        light = tuple(a.model_copy(update={"content": None}) for a in envelope.attachments)
        bare = envelope.model_copy(update={"attachments": light})
        return Incoming(message.id, message.message_id, bare, report, desk)


def _apply_status(desk: Desk, message: Message) -> None:
    """Record a status message; only its seal shows that it comes from whom it names."""
    try:
        with opened(desk, message.id) as reading:
            envelope, report = reading.envelope, verdict_on(desk, message, reading)
    except EdocxError as error:
        if is_ours(error):
            raise
        quarantine(desk, message, error.code, None)
        return
    speaker = envelope.sender.unit if envelope.sender else None
    subject = next(iter(envelope.response_for), None)
    if not speaker or subject is None or not subject.document_id or not envelope.status_code:
        quarantine(desk, message, "EDX-STATUS-INCOMPLETE", None)
        return
    if envelope.status_code == StatusCode.RECALL_REQUESTED:
        requests.hear(desk, message, envelope, report)
        return
    basis = basis_of(desk, envelope, report)
    with desk.store.begin("status") as transaction:
        # A document that is not known here (a merged unit's, one older than a restore) is no reason to refuse its
        # status: the message is kept, and the journal says that it matched nothing.
        sent = transaction.deliveries.of_document(subject.document_id)
        voice = speaker_for(desk, speaker, basis, (t.delivery.recipient for t in sent if t.direction == "out"))
        transaction.record_status(
            subject.document_id,
            voice.voice_of,
            envelope.status_code,
            speaker=voice,
            claimed_at=envelope.timestamp or message.arrived_at,
            description=envelope.description,
            arrived_at=message.arrived_at,
        )
        transaction.inbox.move(message.id, IncomingState.APPLIED, document_id=subject.document_id)


def _nothing(_transaction: Transaction) -> None:
    """Nothing besides the status itself changes."""
