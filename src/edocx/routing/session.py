"""What every part of a transaction shares: the connection, the moment, the journal, the payloads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from edocx.content import Blob
from edocx.routing.journal import Journal
from edocx.routing.store.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction from the inside; ``now`` is the same for everything written in it."""

    connection: Connection
    now: datetime
    journal: Journal
    payloads: Payloads
    _kept: set[str] = field(default_factory=set, init=False, repr=False)

    def keep(self, payload: Blob) -> None:
        """Make a payload known in this transaction; a document filed and sent in one is written once."""
        if payload.sha256 not in self._kept:
            self.payloads.record(self.connection, payload, self.now)
            self._kept.add(payload.sha256)

    def erase(self, sha256: str) -> bool:
        """Forget a payload's content unless something needs it; tell whether it went."""
        self._kept.discard(sha256)
        return self.payloads.erase(self.connection, sha256, self.now)
