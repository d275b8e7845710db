"""What every part of a transaction shares: the connection, the moment, the journal, the payloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from edocx.routing.journal import Journal
from edocx.routing.store.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction from the inside; ``now`` is the same for everything written in it."""

    connection: Connection
    now: datetime
    journal: Journal
    payloads: Payloads
