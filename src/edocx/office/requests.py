"""What issuers ask of us: to give a document back, to take an update, to take a replacement for it.

QĐ 28/2018 Điều 9 and NĐ 30/2020 Điều 18: before the clerk has accepted the document it is cancelled at once and
reported (15); afterwards the clerk decides: agree (cancel, delete the content, keep metadata and digest), or refuse
with a reason (16). Only the issuing unit or its successor asks with effect, shown by its seal; anybody else's request
is kept as a foreign claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from edocx.documents import StatusCode
from edocx.envelope.model import Envelope
from edocx.errors import EdocxError, StateError, Text, UsageError
from edocx.office.answering import Saying, answer, is_ours, opened
from edocx.office.attestation import require_reconciled
from edocx.office.desk import Desk
from edocx.office.received import ambiguous, subject_of
from edocx.office.verdict import verdict_on
from edocx.office.voices import basis_of, speaker_for
from edocx.routing.deliveries import Tracked
from edocx.routing.inbox import Incoming, IncomingState
from edocx.routing.parcel import Business, ParcelKind
from edocx.routing.state import Basis, Statement, counts
from edocx.routing.transaction import Transaction
from edocx.routing.transitions import ISSUER_CODES, RECALLS, Change
from edocx.signing.report import Report

MAX_KEPT = 64
"""Requests looked at again when a late document arrives: against a stranger who floods its id in advance."""

UNOPENED = (IncomingState.PRESENTED, IncomingState.QUARANTINED, IncomingState.REJECTED, IncomingState.RECALLED)
"""States in which nobody here works with the document, so that its issuer's request needs no clerk."""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A request of the issuer about a document that this office accepted; it waits for the clerk.

    ``code`` is ``13`` or ``withdraw`` (give it back), ``update``, or ``replace``; ``replacement`` is then the id of the
    new document. ``reason`` is the issuer's text.
    """

    document_id: str
    code: str
    asked_by: str
    asked_at: datetime
    reason: str | None
    replacement: str | None
    _desk: Desk = field(repr=False)
    _incoming: Incoming = field(repr=False)

    def agree(self, *, by: str, note: str | None = None) -> None:
        """Agree (15): a recalled document is cancelled and its content deleted, a replaced one cancelled."""
        require_reconciled(self._desk)
        _agree(self._desk, self, by, note)

    def refuse(self, reason: str, *, by: str) -> None:
        """Refuse (16) with the reason, which the issuer reads; everything stays as it is."""
        if not reason.strip():
            raise UsageError(
                Text("Từ chối yêu cầu phải nêu lý do.", "Refusing a request needs a reason."),
                hint=Text("Nêu lý do để bên gửi biết.", "Give the reason, which the issuer reads."),
                code="EDX-REJECT-REASON",
            )
        require_reconciled(self._desk)
        saying = Saying(StatusCode.CHANGE_REFUSED, reason, by)
        _answer(self._desk, self, saying, lambda _: None)


def waiting(desk: Desk) -> tuple[ChangeRequest, ...]:
    """Return the requests that wait for the clerk, oldest first."""
    found = (one for one in _asked(desk) if one._incoming.state not in UNOPENED)  # noqa: SLF001 - this module's own
    return tuple(sorted(found, key=lambda one: one.asked_at))


def find(desk: Desk, document: str) -> ChangeRequest:
    """Return the request that waits about a document, by its DocumentId or the id of the message in which it came.

    Raises `StateError` when there is none, and (``EDX-DOCUMENT-AMBIGUOUS``) when two documents of that id wait.
    """
    found = [one for one in waiting(desk) if document in {one.document_id, one._incoming.message_id}]  # noqa: SLF001
    if len(found) > 1:
        raise ambiguous(document, [one._incoming for one in found])  # noqa: SLF001 - this module's own
    if found:
        return found[0]
    raise StateError(
        Text("Không có yêu cầu nào đang chờ về văn bản này.", "No request waits about this document."),
        hint=Text("Xem danh sách bằng `edocx office requests`.", "List them with `edocx office requests`."),
        code="EDX-REQUEST-UNKNOWN",
        where=document,
    )


def hear(desk: Desk, message: Incoming, envelope: Envelope, report: Report) -> None:
    """Record a recall, withdrawal or update, whoever sent it and whether its document is here or not yet."""
    with desk.store.begin("request") as transaction:
        targets = record(desk, transaction, message, envelope, basis_of(desk, envelope, report))
        transaction.inbox.move(message.id, IncomingState.APPLIED, document_id=next(iter(targets), None))


def record(
    desk: Desk, transaction: Transaction, message: Incoming, envelope: Envelope, basis: Basis
) -> tuple[str, ...]:
    """Record what a message asks about each document it names; return their ids. A repeat changes nothing."""
    unit = (envelope.sender.unit if envelope.sender else None) or message.sender
    code = envelope.status_code or envelope.business or ""
    asked = tuple(_targets(message, envelope))
    for document_id, description in asked:
        known = [t for t in transaction.deliveries.of_document(document_id) if t.direction == "in"]
        transaction.record_status(
            document_id,
            str(desk.unit),
            code,
            speaker=speaker_for(desk, unit, basis, (t.delivery.issuer for t in known)),
            # Only a status message says when. A request stamped after it came (a clock ahead) would stand after
            # our answer for ever.
            claimed_at=min(envelope.timestamp or message.arrived_at, message.arrived_at),
            description=description,
            arrived_at=message.arrived_at,
        )
    return tuple(document_id for document_id, _ in asked)


def replay(desk: Desk, transaction: Transaction, document_id: str) -> None:
    """Record again what was asked about a document before it arrived: messages overtake each other."""
    early = [m for m in transaction.inbox.of_document(document_id) if m.state is IncomingState.APPLIED]
    replacing = transaction.inbox.in_state(IncomingState.PRESENTED, IncomingState.ACCEPTED)
    early += [m for m in replacing if m.business is Business.REPLACE]
    for message in early[-MAX_KEPT:]:
        try:
            with opened(desk, message.id) as reading:
                envelope = reading.envelope
                asks = envelope.status_code == StatusCode.RECALL_REQUESTED or envelope.kind == "document"
                if not asks or document_id not in {target for target, _ in _targets(message, envelope)}:
                    continue
                report = verdict_on(desk, message, reading)
        except EdocxError as error:
            if is_ours(error):
                raise
            continue  # erased or unreadable since: it asked for nothing that can be shown
        record(desk, transaction, message, envelope, basis_of(desk, envelope, report))


def settle(desk: Desk) -> int:
    """Agree to every request about a document that no clerk has accepted; return how many."""
    ready = [one for one in _asked(desk) if one._incoming.state in UNOPENED]  # noqa: SLF001 - this module's own
    return sum(_agree(desk, one, None, None) for one in ready)


def _asked(desk: Desk) -> Iterator[ChangeRequest]:
    with desk.store.read() as transaction:
        for tracked in transaction.deliveries.asked():
            said = _request_of(tracked)
            messages = transaction.inbox.of_document(tracked.delivery.document_id)
            held = [m for m in messages if m.message_id == tracked.message_id and m.kind is ParcelKind.DOCUMENT]
            if said is None or not held or tracked.delivery.shown.change is not Change.ASKED:
                continue
            replacing = said.code == "replace"
            yield ChangeRequest(
                document_id=tracked.delivery.document_id,
                code=said.code,
                asked_by=said.speaker.unit,
                asked_at=said.claimed_at,
                reason=None if replacing else said.description,
                replacement=said.description if replacing else None,
                _desk=desk,
                _incoming=held[-1],
            )


def _request_of(tracked: Tracked) -> Statement | None:
    said = [
        event
        for event in tracked.delivery.events
        if isinstance(event, Statement) and event.code in ISSUER_CODES and counts(tracked.delivery, event)
    ]
    return max(said, key=lambda one: (one.claimed_at, one.code), default=None)


def _agree(desk: Desk, request: ChangeRequest, by: str | None, note: str | None) -> bool:
    incoming = request._incoming  # noqa: SLF001 - this module's own
    erased: list[str] = []

    def enter(transaction: Transaction) -> None:
        if request.code == "update":
            return
        now = transaction.inbox.get(incoming.id)
        copies = [m for m in transaction.inbox.of_document(request.document_id) if m.duplicate_of == incoming.id]
        if by is None and now.state not in UNOPENED:
            # A clerk accepted it this very moment: it is theirs to decide now.
            raise _accepted_meanwhile(request)
        if now.state is not IncomingState.RECALLED:
            now = transaction.inbox.move(incoming.id, IncomingState.RECALLED, by=by)
        if request.code in RECALLS:
            again = (transaction.inbox.move(m.id, IncomingState.RECALLED, by=by) for m in copies if _is_copy(m))
            erased.extend(one.sha256 for one in (now, *again) if transaction.inbox.erase(one))

    try:
        saying = Saying(StatusCode.CHANGE_AGREED, note, by)
        _answer(desk, request, saying, enter)
    except StateError:
        if by is not None:
            raise
        return False  # somebody answered it while we composed: it is looked at again at the next step
    for sha256 in erased:
        (desk.store.payload_folder / sha256[:2] / sha256).unlink(missing_ok=True)
    return True


def _is_copy(message: Incoming) -> bool:
    return message.state is IncomingState.DUPLICATE


def _answer(desk: Desk, request: ChangeRequest, saying: Saying, enter: Callable[[Transaction], None]) -> None:
    incoming = request._incoming  # noqa: SLF001 - this module's own
    # The document may be asked back twice; each answer is a message of its own.
    which = f"/{request.code}/{request.asked_at.isoformat()}"
    answer(desk, subject_of(desk, incoming), incoming.message_id, saying, enter, request=which)


def _accepted_meanwhile(request: ChangeRequest) -> StateError:
    return StateError(
        Text("Văn bản vừa được tiếp nhận.", "The document was accepted this very moment."),
        hint=Text("Văn thư quyết định yêu cầu này.", "The clerk decides on this request."),
        code="EDX-REQUEST-ACCEPTED",
        where=request.document_id,
    )


def _targets(message: Incoming, envelope: Envelope) -> Iterator[tuple[str, str | None]]:
    """Yield each document asked about, with the reason; for a replacement with the new document's id."""
    if envelope.kind == "status":
        for subject in envelope.response_for[:1]:
            if subject.document_id:
                yield subject.document_id, envelope.description
    elif envelope.business == "replace":
        new = envelope.document_id or message.message_id
        for one in envelope.replaces:
            if one.document_id and one.document_id != new:
                yield one.document_id, new
    elif envelope.business in {"withdraw", "update"} and envelope.target:
        yield envelope.target, envelope.business_reason
