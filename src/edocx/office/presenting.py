"""Showing a received document to the clerk: judged first, answered with 01, and never twice."""

from __future__ import annotations

from collections.abc import Callable

from edocx.documents import StatusCode
from edocx.envelope.model import Envelope
from edocx.errors import EdocxError, StateError, Text
from edocx.office import requests
from edocx.office.answering import Saying, answer, is_ours, opened
from edocx.office.content_digest import content_digest
from edocx.office.desk import Desk
from edocx.office.received import file_received, first_copy
from edocx.office.secrecy import is_marked
from edocx.office.verdict import verdict_on
from edocx.office.voices import basis_of
from edocx.routing.inbox import Incoming, IncomingState
from edocx.routing.transaction import Transaction
from edocx.signing.report import Indication, Report


def present(desk: Desk, message: Incoming) -> None:
    """Verify a new document; show it with an automatic 01, absorb it as a repeat, or put it into quarantine."""
    try:
        with opened(desk, message.id) as reading:
            envelope, report = reading.envelope, verdict_on(desk, message, reading)
            digest = content_digest(envelope)
    except EdocxError as error:
        if is_ours(error):
            raise
        quarantine(desk, message, error.code, None)
        return
    document_id = envelope.document_id or message.message_id
    if report.indication is Indication.TOTAL_FAILED:
        quarantine(desk, message, "EDX-VERDICT", document_id)
    elif is_marked(envelope):
        quarantine(desk, message, "EDX-SECRET", document_id)
    elif envelope.business in {"withdraw", "update"}:
        requests.hear(desk, message, envelope, report)
    elif envelope.sender is None or envelope.sender.unit is None:
        quarantine(desk, message, "EDX-ENVELOPE-NO-SENDER", document_id)
    else:
        _show(desk, message._replace(document_id=document_id), envelope, report, digest)


def quarantine(desk: Desk, message: Incoming, reason: str, document_id: str | None) -> None:
    """Keep a message from the clerk, for a reason that `doctor` names."""
    with desk.store.begin("quarantine") as transaction:
        transaction.inbox.move(message.id, IncomingState.QUARANTINED, reason=reason, document_id=document_id)


def _show(desk: Desk, message: Incoming, envelope: Envelope, report: Report, digest: str) -> None:
    worse = _worse_copy(desk, message, digest, report)
    if worse is None and _absorb(desk, message, envelope, digest):
        return
    try:
        enter = _entering(desk, message, envelope, report, digest, worse=worse)
        answer(desk, envelope, message.message_id, Saying(StatusCode.ARRIVED), enter)
    except StateError:
        # Another worker showed the other copy while this one was being answered.
        if not _absorb(desk, message, envelope, digest):
            raise


def _entering(
    desk: Desk, message: Incoming, envelope: Envelope, report: Report, digest: str, *, worse: int | None
) -> Callable[[Transaction], None]:
    document_id = message.document_id or message.message_id
    assert envelope.sender is not None
    issuer = envelope.sender.unit or message.sender

    def enter(transaction: Transaction) -> None:
        first = first_copy(transaction, message, digest)
        if worse is not None:
            transaction.inbox.move(worse, IncomingState.DUPLICATE, duplicate_of=message.id)
        elif first is not None:
            raise _shown_meanwhile(first)
        transaction.deliveries.open_incoming(
            message_id=message.message_id, document_id=document_id, issuer=issuer, recipient=str(desk.unit)
        )
        transaction.inbox.move(message.id, IncomingState.PRESENTED, document_id=document_id)
        file_received(transaction, message, envelope, digest)
        requests.replay(desk, transaction, document_id)
        if envelope.business == "replace":
            requests.record(desk, transaction, message, envelope, basis_of(desk, envelope, report))

    return enter


def _absorb(desk: Desk, message: Incoming, envelope: Envelope, digest: str) -> bool:
    """Note a document that the clerk has already as a repeat; tell whether it was one.

    The statuses already sent answer it. NĐ 30/2020 Phụ lục VI: it has its line and its warning; it gets no number.
    """
    with desk.store.read() as transaction:
        if first_copy(transaction, message, digest) is None:
            return False  # looking is free, a commit is not
    with desk.store.begin("repeat") as transaction:
        first = first_copy(transaction, message, digest)
        if first is None or transaction.inbox.get(message.id).state is not IncomingState.NEW:
            return False
        transaction.inbox.move(
            message.id, IncomingState.DUPLICATE, document_id=message.document_id, duplicate_of=first.id
        )
        file_received(transaction, message, envelope, digest)
    return True


def _worse_copy(desk: Desk, message: Incoming, digest: str, report: Report) -> int | None:
    """Return the copy that still waits and does not pass, when this one does: this is what the clerk waited for."""
    if report.indication is not Indication.TOTAL_PASSED:
        return None
    with desk.store.read() as transaction:
        first = first_copy(transaction, message, digest)
    if first is None or first.state is not IncomingState.PRESENTED:
        return None
    try:
        with opened(desk, first.id) as reading:
            passed = verdict_on(desk, first, reading).indication is Indication.TOTAL_PASSED
    except EdocxError:
        return first.id  # nobody can read it any more
    return None if passed else first.id


def _shown_meanwhile(first: Incoming) -> StateError:
    return StateError(
        Text("Văn bản này vừa được trình ở bản khác.", "Another copy of this document was shown this very moment."),
        hint=Text("Không cần làm gì: đây là bản trùng.", "Nothing needs to be done: this is a duplicate."),
        code="EDX-INBOX-STATE",
        where=first.message_id,
    )
