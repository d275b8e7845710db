"""What was tried towards an axis that cannot be asked twice: a small file for each message, written before the call.

A foreign axis has no idempotency key (axis-http §1.9): after a call whose outcome is unknown, a repeat could make
a second document. Whoever calls again, in this process or after a crash, finds here that it was tried, and when.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from edocx.content import write_durably
from edocx.errors import StoreUnavailable, TransportUnavailable
from edocx.routing.store.failure import files_translated

KEPT = timedelta(days=30)
"""How long a finished attempt is remembered: longer than any parcel waits in an outbox."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One message's attempt: when it was made, when it was first found absent, and the receipt once there is one."""

    message_id: str
    tried_at: str
    absent_at: str | None = None
    key: str | None = None
    received_at: str | None = None


class Attempts:
    """The attempts of one office, in a folder; safe between processes since each message has one worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, message_id: str) -> Attempt | None:
        """Return what is known of a message; None when it was never tried."""
        place = self._place(message_id)
        with _kept(str(place)):
            if not place.exists():
                return None
            return Attempt(**json.loads(place.read_text("utf-8")))

    def begin(self, message_id: str, now: datetime) -> Attempt:
        """Write down, durably, that a call is about to be made."""
        return self._keep(Attempt(message_id, now.isoformat()))

    def absent(self, attempt: Attempt, now: datetime) -> Attempt:
        """Write down that the axis did not list it."""
        return self._keep(replace(attempt, absent_at=now.isoformat()))

    def done(self, attempt: Attempt, key: str, received_at: datetime) -> Attempt:
        """Write down the receipt."""
        return self._keep(replace(attempt, key=key, received_at=received_at.isoformat()))

    def drop(self, attempt: Attempt) -> None:
        """Forget an attempt that the axis answered with a refusal: nothing of it is there."""
        with _kept(str(self._folder)):
            self._place(attempt.message_id).unlink(missing_ok=True)

    def forget_old(self, now: datetime) -> int:
        """Remove the attempts that ended long ago; return how many."""
        old = 0
        with _kept(str(self._folder)):
            for place in self._folder.glob("*.json"):
                told = json.loads(place.read_text("utf-8"))
                if told["key"] and datetime.fromisoformat(told["tried_at"]) < now - KEPT:
                    place.unlink(missing_ok=True)
                    old += 1
        return old

    def _keep(self, attempt: Attempt) -> Attempt:
        place = self._place(attempt.message_id)
        with _kept(str(place)):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_durably(place, [json.dumps(asdict(attempt)).encode()])
        return attempt

    def _place(self, message_id: str) -> Path:
        # A message id is ASCII letters, digits, dot, hyphen and underscore (see edocx.routing.parcel).
        return self._folder / f"{message_id}.json"


@contextmanager
def _kept(place: str) -> Iterator[None]:
    try:
        with files_translated(place):
            yield
    except StoreUnavailable as error:
        # Without a record of the attempt nothing may be sent; the parcel is not to blame and waits.
        raise TransportUnavailable(
            error.text, hint=error.hint, code="EDX-AXIS-ATTEMPTS", where=error.where, retryable=True
        ) from error
