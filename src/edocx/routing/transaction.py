"""One transaction of an office: everything of one step, on disk together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from edocx.content import Blob
from edocx.routing.deliveries import Deliveries, Recorded
from edocx.routing.dossier import Dossier
from edocx.routing.inbox import Inbox
from edocx.routing.journal import Head, Id, Journal, JournalReport, verify
from edocx.routing.outbox import Outbox
from edocx.routing.parcel import Parcel
from edocx.routing.register import Register
from edocx.routing.session import Session
from edocx.routing.state import Basis, Speaker, Statement
from edocx.routing.store.payloads import Payloads


class Transaction:
    """What an office reads and writes in one step.

    Attributes:
        outbox: parcels on their way out.
        inbox: messages that came.
        deliveries: each document's fate at each recipient.
        register: numbers, outgoing and incoming.
        documents: the office's own documents.
    """

    def __init__(self, connection: Connection, now: datetime, payloads: Payloads) -> None:
        self._session = Session(connection, now, Journal(connection, now), payloads)
        self.outbox = Outbox(self._session)
        self.inbox = Inbox(self._session)
        self.deliveries = Deliveries(self._session)
        self.register = Register(self._session)
        self.documents = Dossier(self._session)

    @property
    def now(self) -> datetime:
        """The moment of this transaction, the same for everything in it."""
        return self._session.now

    @property
    def connection(self) -> Connection:
        """The database connection, for reading what no method offers; write through the methods."""
        return self._session.connection

    def submit(self, parcel: Parcel, payload: Blob) -> bool:
        """Queue a parcel: payload, one delivery per recipient, journal; tell whether it is new.

        Durable once the transaction is committed. Raises `Refused` (``EDX-PARCEL-CONFLICT``) when the
        message id stands for other content.
        """
        return self.outbox.add(parcel, payload)

    def journal(self, event: str, **ids: Id) -> None:
        """Add a line to the journal, bound to this transaction; ids only (see `journal.ID_NAMES`)."""
        self._session.journal.add(event, ids)

    def record_status(
        self,
        document_id: str,
        recipient: str,
        code: str,
        *,
        speaker: Speaker,
        claimed_at: datetime,
        description: str | None = None,
        arrived_at: datetime | None = None,
    ) -> Recorded:
        """Record what somebody said about a document at a recipient; authenticated or not, nothing is lost.

        Args:
            document_id: the document spoken of.
            recipient: the unit whose delivery it concerns (for 01-06, 15, 16 the speaker's side; for 13,
                withdraw, update and replace the unit asked).
            code: "01"… as on the wire, or "withdraw", "update", "replace".
            speaker: who said so, for whom, and how the caller knows; `Basis.NOTHING` is recorded as a
                foreign claim without effect.
            claimed_at: the speaker's own time.
            description: the reason or remark.
            arrived_at: when it reached this office; now unless given.
        """
        statement = Statement(code, speaker, claimed_at, description, arrived_at or self.now)
        return self.deliveries.record(document_id, recipient, statement)

    def state_status(
        self,
        document_id: str,
        recipient: str,
        code: str,
        *,
        unit: str,
        description: str | None = None,
        said_at: datetime | None = None,
        message_id: str | None = None,
    ) -> Recorded:
        """Record what this office itself says about a document, before it sends the status message.

        ``said_at`` is for what it said before it was restored; ``message_id`` is the message that is answered, since
        two documents may bear one id. Raises `StateError` (``EDX-STATE-STEP``) when that
        contradicts or repeats what it said before.
        """
        statement = Statement(code, Speaker(unit, unit, Basis.OWN), said_at or self.now, description, self.now)
        return self.deliveries.record(document_id, recipient, statement, own=True, message_id=message_id)

    def payload(self, sha256: str) -> Blob:
        """Return a stored payload by its digest; usable after the transaction too."""
        return self._session.payloads.load(self._session.connection, sha256)

    def payload_size(self, sha256: str) -> int:
        """Return how long a payload is, or was before it was erased; 0 for one never known."""
        return self._session.payloads.size_of(self._session.connection, sha256)

    def journal_head(self) -> Head:
        """Return the journal's end with what this transaction added: keep it elsewhere as an anchor."""
        return self._session.journal.head()

    def journal_holds(self, head: Head) -> bool:
        """Tell whether the journal holds a head that is known from elsewhere; only that one line is looked at."""
        return self._session.journal.hash_at(head.seq) == head.hash

    def journal_lines(self, *, after: int = 0) -> tuple[str, ...]:
        """Return the journal as exported lines (hash, space, JSON), from the one after number ``after``."""
        return tuple(str(line) for line in self._session.journal.lines(after=after))

    def journal_moments(self) -> Iterator[tuple[int, datetime]]:
        """Yield each line's number and moment in order, as far as they can be read."""
        return self._session.journal.moments()

    def last_moment(self) -> datetime | None:
        """Return when the last line was written, None for an empty journal or a line that cannot be read."""
        head = self.journal_head()
        return next((moment for _, moment in self._session.journal.moments(after=head.seq - 1)), None)

    def units(self) -> frozenset[str]:
        """Return whose store this is: every unit that sent from it or received in it; every row is looked at."""
        return self.outbox.senders() | self.inbox.recipients()

    def verify_journal(self, *known: Head) -> JournalReport:
        """Follow the whole chain, and check that it holds every head known from elsewhere."""
        return verify(self._session.journal.lines(), known=known)

    @property
    def written(self) -> tuple[tuple[str, dict[str, Id]], ...]:
        """What this transaction wrote into the journal so far: event and ids, in order."""
        return tuple(self._session.journal.written)

    def flush(self) -> None:
        """Write what waits for the commit; the store calls it."""
        self._session.journal.flush()
