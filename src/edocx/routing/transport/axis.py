"""The axis transport: an office's line to the national axis, a provincial server, or any hub of ours.

Towards a hub of ours a repeat is harmless by the message id that goes along. Towards a foreign axis "once" cannot be
proven (axis-http §1.9): a call whose outcome is unknown is repeated only when the axis' own list of sent documents
lacks it twice, some minutes apart; several candidates, or a doubt, end as "outcome unknown" for the clerk.
"""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pybase64

from edocx.clock import Clock
from edocx.content import Blob
from edocx.errors import (
    InputError,
    Refused,
    Text,
    TransportUnavailable,
)
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.store.payloads import MAX_PAYLOAD, checked
from edocx.routing.transport import Entry, Receipt
from edocx.routing.transport.attempted import AttemptedLine
from edocx.routing.transport.attempts import Attempt, Attempts
from edocx.routing.transport.axis_archive import AxisArchive
from edocx.routing.transport.axis_exchange import UNKNOWN_DOCUMENT, AxisExchange
from edocx.routing.transport.axis_rows import entry_of, may_be, moment_of, rows_of
from edocx.routing.transport.refusal import open_outcome, require_own, unknown_entry, unknown_outcome
from edocx.routing.transport.spool import spooled

if TYPE_CHECKING:
    import ssl

APART = timedelta(minutes=5)
"""Between the two looks that must both find nothing before a call is repeated."""

_CRLF = b"\r\n"
_TYPES = {ParcelKind.DOCUMENT: "edoc", ParcelKind.STATUS: "status"}


class AxisTransport(AxisArchive, AttemptedLine):
    """A `edocx.routing.transport.Transport` over the axis' HTTP protocol, for one unit."""

    def __init__(
        self,
        endpoint: str,
        *,
        system: str,
        secret: str,
        clock: Clock,
        attempts: Path,
        verify: ssl.SSLContext | None = None,
        plain_http: bool = False,
    ) -> None:
        """Prepare a line; nothing is called yet.

        Args:
            endpoint: the axis' address, https (http only on this machine, or with ``plain_http``).
            system: the code that the unit is registered under.
            secret: its secret.
            clock: tells the time.
            attempts: folder for what was tried, kept with the office's store; one for each axis.
            verify: TLS settings, for another trust store or a client's certificate; certificates are always checked.
            plain_http: allow http to other machines.
        """
        self._line = AxisExchange(
            endpoint, system=system, secret=secret, clock=clock, verify=verify, plain_http=plain_http
        )
        self._clock = clock
        self._attempts = Attempts(attempts)

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Hand over a parcel: see `edocx.routing.transport.Transport.submit`.

        Raises `Unavailable` (``EDX-AXIS-OUTCOME-OPEN``, retryable) while it is not known whether an earlier call
        arrived, `Refused` (``EDX-AXIS-OUTCOME-UNKNOWN``) when it will not become known: a clerk decides.
        """
        self._own(parcel.sender)
        attempt = self._attempts.find(parcel.message_id)
        if attempt is not None and not self._repeats_are_harmless(parcel):
            return self._receipt_of(parcel, attempt) or self._send(parcel, payload, self._begin(parcel))
        return self._send(parcel, payload, attempt or self._begin(parcel))

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits, documents and statuses: see `edocx.routing.transport.Transport.pending`."""
        self._own(unit)
        now = self._clock.now()
        entries = [
            entry_of(row, kind, unit, now)
            for kind, told in _TYPES.items()
            for row in rows_of(self._line.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": told}))
        ]
        return tuple(sorted(entries, key=lambda one: (-one.urgency, one.arrived_at, one.key)))

    def fetch(self, entry: Entry) -> Blob:
        """Return the raw bytes: see `edocx.routing.transport.Transport.fetch`."""
        # Of what it sent, too: an office that lost its own copy asks for it (`AxisArchive.sent`).
        self._own(entry.sender if entry.sender == self._line.system else entry.recipient)
        try:
            try:
                return spooled(self._line.download({"docId": entry.key}, limit=MAX_PAYLOAD))
            except TransportUnavailable:
                # Servers of the 2.0.0 generation have no downloadEdoc; getEdoc is everywhere.
                return self._get(entry)
        except Refused as error:
            if error.code == UNKNOWN_DOCUMENT:
                raise unknown_entry(entry) from error
            raise

    def acknowledge(self, entry: Entry) -> None:
        """Tell the axis that a message is safe: see `edocx.routing.transport.Transport.acknowledge`."""
        self._own(entry.recipient)
        self._line.call("updateStatus", {"docId": entry.key, "status": "done"}, body=b"{}")

    @property
    def _called(self) -> AxisExchange:
        return self._line

    def _send(self, parcel: Parcel, payload: Blob, attempt: Attempt) -> Receipt:
        content = Blob(parcel.sha256, parcel.size, payload.path, payload.open)
        told, length = _parameters(parcel), parcel.size + len(_CRLF)

        def send() -> dict[str, Any]:
            body = itertools.chain(checked(content), (_CRLF,))
            return self._line.call("sendEdoc", told, body=body, length=length, binary=True)

        return self._attempt(parcel, attempt, send, key="DocId")

    def _repeats_are_harmless(self, parcel: Parcel) -> bool:
        """Tell whether the axis is a hub of ours; one that was not asked before is asked now, with a harmless call."""
        if not self._line.is_edocx:
            self._line.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": _TYPES[parcel.kind]})
        return self._line.is_edocx

    def _receipt_of(self, parcel: Parcel, attempt: Attempt) -> Receipt | None:
        """Return the receipt of what was tried at a foreign axis; None says that it may be sent again."""
        if attempt.key is not None and attempt.received_at is not None:
            return Receipt(attempt.key, parcel.message_id, datetime.fromisoformat(attempt.received_at))
        told = {"servicetype": "eDoc", "messagetype": _TYPES[parcel.kind]}
        tried_at, now = datetime.fromisoformat(attempt.tried_at), self._clock.now()
        rows = [row for row in rows_of(self._line.call("getSentEdocList", told)) if may_be(row, parcel, tried_at)]
        keys = {str(row.get("senderDocId") or "") for row in rows}
        if len(keys) == 1 and "" not in keys and {row.get("toCode") for row in rows} == set(parcel.recipients):
            received_at = moment_of(rows[0].get("sentTime")) or now
            key = keys.pop()
            self._attempts.done(attempt, key, received_at)
            return Receipt(key, parcel.message_id, received_at)
        if rows:
            raise unknown_outcome(parcel.message_id)
        if attempt.absent_at is None:
            self._attempts.absent(attempt, now)
            raise open_outcome(parcel.message_id)
        if now - datetime.fromisoformat(attempt.absent_at) < APART:
            raise open_outcome(parcel.message_id)
        return None

    def _get(self, entry: Entry) -> Blob:
        text = str(self._line.call("getEdoc", {"docId": entry.key}, body=b"{}").get("data") or "")
        try:
            return Blob.from_bytes(pybase64.b64decode("".join(text.split()), validate=True))
        except ValueError as error:
            raise InputError(
                Text("Trục trả về nội dung không phải base64.", "The axis gave content that is no base64."),
                hint=Text("Báo đơn vị vận hành trục.", "Tell whoever runs the axis."),
                code="EDX-AXIS-CONTENT",
                where=entry.key,
            ) from error

    def _own(self, unit: str) -> None:
        require_own(unit, self._line.system)


def _parameters(parcel: Parcel) -> dict[str, str]:
    return {
        "from": parcel.sender,
        "to": json.dumps(parcel.recipients, ensure_ascii=False),
        "servicetype": "eDoc",
        "messagetype": _TYPES[parcel.kind],
        # As the official client prints it: a foreign server compares with its own such print (§1.4).
        "hash-file": "".join(f"{byte:x}" for byte in bytes.fromhex(parcel.sha256)),
        "edx-message-id": parcel.message_id,
        "edx-document-id": quote(parcel.document_id, safe=""),
        "edx-business": parcel.business,
        "edx-urgency": str(parcel.urgency),
    }
