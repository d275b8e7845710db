"""The LGSP transport: an office's line to a provincial platform that speaks the LGSP dialect (axis-http §2).

The dialect has no list of what was sent: towards a foreign platform, a call whose outcome is unknown cannot be cleared
up, and the clerk decides. Towards a hub of ours a repeat is harmless by the message id that goes along.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edocx.clock import Clock, in_vietnam
from edocx.content import Blob
from edocx.errors import Refused
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.store.payloads import MAX_PAYLOAD, checked
from edocx.routing.transport import Entry, Receipt
from edocx.routing.transport.attempted import AttemptedLine
from edocx.routing.transport.attempts import Attempt, Attempts
from edocx.routing.transport.axis_exchange import UNKNOWN_DOCUMENT
from edocx.routing.transport.axis_rows import entry_of, rows_of
from edocx.routing.transport.lgsp_exchange import LgspExchange
from edocx.routing.transport.refusal import require_own, unknown_entry, unknown_outcome
from edocx.routing.transport.spool import spooled

if TYPE_CHECKING:
    import ssl

LISTED = timedelta(days=180)
"""How far back is asked for: official services were seen to keep what nobody acknowledged for half a year."""

_TYPES = {ParcelKind.DOCUMENT: "edoc", ParcelKind.STATUS: "status"}
_NAMES = {"created_time": "createdTime", "docId": "docId", "from": "from"}


class LgspTransport(AttemptedLine):
    """A `edocx.routing.transport.Transport` in the LGSP dialect, for one unit."""

    def __init__(
        self,
        endpoint: str,
        *,
        system: str,
        key: str,
        username: str,
        password: str,
        clock: Clock,
        attempts: Path,
        verify: ssl.SSLContext | None = None,
        plain_http: bool = False,
    ) -> None:
        """Prepare a line; nothing is called yet.

        Args:
            endpoint: the platform's address, https (http only on this machine, or with ``plain_http``).
            system: the code that the unit is registered under (X-SystemId).
            key: its X-SecretKey.
            username: of the login.
            password: of the login.
            clock: tells the time.
            attempts: folder for what was tried, kept with the office's store; one for each platform.
            verify: TLS settings, for another trust store or a client's certificate; certificates are always checked.
            plain_http: allow http to other machines.
        """
        self._line = LgspExchange(
            endpoint,
            system=system,
            key=key,
            username=username,
            password=password,
            verify=verify,
            plain_http=plain_http,
        )
        self._clock = clock
        self._attempts = Attempts(attempts)

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Hand over a parcel: see `edocx.routing.transport.Transport.submit`.

        A foreign platform reads the recipients in the envelope itself. Raises `Refused`
        (``EDX-AXIS-OUTCOME-UNKNOWN``) when an earlier call may have arrived there: a clerk decides.
        """
        require_own(parcel.sender, self._line.system)
        self._line.enter()
        known = self._attempts.find(parcel.message_id)
        if known is not None and known.key is not None and known.received_at is not None:
            return Receipt(known.key, parcel.message_id, datetime.fromisoformat(known.received_at))
        if known is not None and not self._line.is_edocx:
            raise unknown_outcome(parcel.message_id)
        return self._send(parcel, payload, known or self._begin(parcel))

    def pending(self, unit: str) -> tuple[Entry, ...]:
        """Return what waits, documents and statuses: see `edocx.routing.transport.Transport.pending`."""
        require_own(unit, self._line.system)
        now = self._clock.now()
        first, last = in_vietnam(now - LISTED), in_vietnam(now + timedelta(days=1))
        days = {"fromDate": f"{first:%Y/%m/%d}", "toDate": f"{last:%Y/%m/%d}"}
        entries = [
            entry_of(_as_axis_row(row), kind, unit, now)
            for kind, told in _TYPES.items()
            for row in rows_of(self._line.get("syncReceivedEdocList", {"messageType": told, **days}))
        ]
        return tuple(sorted(entries, key=lambda one: (-one.urgency, one.arrived_at, one.key)))

    def fetch(self, entry: Entry) -> Blob:
        """Return the raw bytes: see `edocx.routing.transport.Transport.fetch`.

        A foreign platform gives the envelope as text inside JSON: what comes back is that text in UTF-8.
        """
        require_own(entry.recipient, self._line.system)
        self._line.enter()
        try:
            if self._line.is_edocx:
                return spooled(self._line.download(entry.key, limit=MAX_PAYLOAD))
            found = self._line.get("getEdoc", {"docId": entry.key}).get("data")
        except Refused as error:
            if error.code == UNKNOWN_DOCUMENT:
                raise unknown_entry(entry) from error
            raise
        text = found.get("edxml") if isinstance(found, dict) else None
        if not isinstance(text, str) or not text:
            raise unknown_entry(entry)
        return Blob.from_bytes(text.encode("utf-8", "surrogatepass"))

    def acknowledge(self, entry: Entry) -> None:
        """Tell the platform that a message is safe: see `edocx.routing.transport.Transport.acknowledge`."""
        require_own(entry.recipient, self._line.system)
        self._line.post("updateStatus", {"docId": entry.key, "status": "done"})

    @property
    def _called(self) -> LgspExchange:
        return self._line

    def _send(self, parcel: Parcel, payload: Blob, attempt: Attempt) -> Receipt:
        content = Blob(parcel.sha256, parcel.size, payload.path, payload.open)
        told = {"messageType": _TYPES[parcel.kind]} | (_further(parcel) if self._line.is_edocx else {})
        send = partial(self._line.send, told, lambda: checked(content), parcel.size)
        return self._attempt(parcel, attempt, send, key="docId")


def _further(parcel: Parcel) -> dict[str, str]:
    """Return the fields that only hubs of ours know."""
    return {
        "edxTo": json.dumps(parcel.recipients, ensure_ascii=False),
        "edxMessageId": parcel.message_id,
        "edxDocumentId": parcel.document_id,
        "edxBusiness": parcel.business,
        "edxUrgency": str(parcel.urgency),
    }


def _as_axis_row(row: Any) -> dict[str, Any]:
    return dict(row) | {name: row.get(told) for name, told in _NAMES.items()}
