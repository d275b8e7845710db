"""Doing again, in a restored store, what one of our own messages did here when it was sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from edocx.content import Blob
from edocx.documents import StatusCode
from edocx.envelope.model import Envelope
from edocx.errors import StateError
from edocx.office.desk import Desk
from edocx.office.received import own_id
from edocx.office.receiving import INCOMING
from edocx.office.refiling import refile
from edocx.routing.inbox import Incoming, IncomingState
from edocx.routing.parcel import Business, Parcel, ParcelKind
from edocx.routing.transaction import Transaction
from edocx.routing.transitions import RECALLS, RECIPIENT_CODES
from edocx.routing.transport import Entry


@dataclass(frozen=True, slots=True)
class Past:
    """A parcel of ours that the axis took: what it was, its bytes, and the axis's own record of it."""

    parcel: Parcel
    payload: Blob
    entry: Entry


def replay(desk: Desk, transaction: Transaction, past: Past, envelope: Envelope, pdf: Blob | None) -> None:
    """Do again what a message of ours did: file a document under its number, state a status, ask for a change."""
    again = _Replay(desk, transaction, past, envelope)
    if envelope.kind == "status":
        again.status()
        return
    if pdf is not None and past.parcel.business in {Business.NEW, Business.REPLACE}:
        refile(desk, transaction, envelope, pdf)
    again.request()


@dataclass(frozen=True, slots=True)
class _Replay:
    desk: Desk
    transaction: Transaction
    past: Past
    envelope: Envelope

    @property
    def said_at(self) -> dt.datetime:
        return self.envelope.timestamp or self.past.entry.arrived_at

    def status(self) -> None:
        code, subject = self.envelope.status_code or "", next(iter(self.envelope.response_for), None)
        if subject is None or not subject.document_id:
            return
        if code == StatusCode.RECALL_REQUESTED:
            self._ask(subject.document_id, code, self.envelope.description)
            self._annotate(subject.document_id, "recalled")
        elif code in RECIPIENT_CODES and code != StatusCode.ARRIVED:
            self._move(subject.document_id, code)
            self._state(subject.document_id, str(self.desk.unit), code, self.envelope.description)

    def request(self) -> None:
        business, target = self.past.parcel.business, self.envelope.target
        if business in {Business.WITHDRAW, Business.UPDATE} and target:
            self._ask(target, business.value, self.envelope.business_reason)
            if business is Business.WITHDRAW:
                self._annotate(target, "recalled")
        elif business is Business.REPLACE:
            for old in self.envelope.replaces:
                if old.document_id:
                    self._ask(old.document_id, "replace", self.envelope.document_id)
                    self._annotate(old.document_id, "replaced_by")

    def _ask(self, document_id: str, code: str, text: str | None) -> None:
        for recipient in self.past.parcel.recipients:
            self._state(document_id, recipient, code, text)

    def _state(self, document_id: str, recipient: str, code: str, text: str | None) -> None:
        unit = str(self.desk.unit)
        try:
            self.transaction.state_status(
                document_id, recipient, code, unit=unit, description=text, said_at=self.said_at
            )
        except StateError:
            return  # it stands there already, by another clock: a backup made while it was being sent

    def _annotate(self, document_id: str, what: str) -> None:
        filed = self.transaction.documents.find(document_id)
        if filed is None or what in filed.metadata:
            return
        reason = self.envelope.business_reason or self.envelope.description
        about = {"at": self.said_at.isoformat(), "by": self._by, "reason": reason}
        if what == "replaced_by":
            about["document"] = self.envelope.document_id
        self.transaction.documents.annotate(document_id, what, {what: about}, by=self._by)

    @property
    def _by(self) -> str | None:
        return self.envelope.staff.name if self.envelope.staff else None

    def _move(self, document_id: str, code: str) -> None:
        """Put the received document where the clerk had put it."""
        held = [m for m in self.transaction.inbox.of_document(document_id) if m.kind is ParcelKind.DOCUMENT]
        message = next((m for m in held if m.state in _UNDECIDED), None) or self._sent_again(held)
        if code == StatusCode.REJECTED and message is not None:
            self.transaction.inbox.move(message.id, IncomingState.REJECTED, by=self._by)
        elif code == StatusCode.ACCEPTED and message is not None:
            self._accept(message)
        elif code == StatusCode.CHANGE_AGREED:
            self._give_back(document_id, held)

    def _sent_again(self, held: list[Incoming]) -> Incoming | None:
        """Show the next attempt after a refusal: both came back at once, so that it was taken for a repeat."""
        refused = {m.id for m in held if m.state is IncomingState.REJECTED}
        again = next((m for m in held if m.state is IncomingState.DUPLICATE and m.duplicate_of in refused), None)
        filed = None if again is None else self.transaction.documents.find(own_id(again))
        if again is None or filed is None:
            return None
        document_id, unit = str(filed.metadata["document_id"]), str(self.desk.unit)
        self.transaction.deliveries.open_incoming(
            message_id=again.message_id, document_id=document_id, issuer=filed.metadata["issuer"], recipient=unit
        )
        self.transaction.state_status(
            document_id,
            unit,
            StatusCode.ARRIVED.value,
            unit=unit,
            said_at=again.arrived_at,
            message_id=again.message_id,
        )
        return self.transaction.inbox.move(again.id, IncomingState.PRESENTED)

    def _accept(self, message: Incoming) -> None:
        self.transaction.inbox.move(message.id, IncomingState.ACCEPTED, by=self._by)
        # In the order of acceptance, as the first time: arrival numbers run without gaps.
        year = self.said_at.year
        entry = self.transaction.register.reserve(str(self.desk.unit), INCOMING, year, message.message_id)
        self.transaction.register.issue(entry)

    def _give_back(self, document_id: str, held: list[Incoming]) -> None:
        asked = {t.delivery.shown.asked for t in self.transaction.deliveries.of_document(document_id)}
        message = next((m for m in held if m.state in (*_UNDECIDED, *_DECIDED)), None)
        if message is None or not asked & {*RECALLS, "replace"}:
            return
        moved = self.transaction.inbox.move(message.id, IncomingState.RECALLED, by=self._by)
        if asked & set(RECALLS):
            self.transaction.inbox.erase(moved)


_UNDECIDED = (IncomingState.PRESENTED, IncomingState.QUARANTINED)
_DECIDED = (IncomingState.ACCEPTED, IncomingState.REJECTED)
