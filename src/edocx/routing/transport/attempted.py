"""What lines to axes that may be foreign have in common: what was tried is remembered until its outcome is known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from edocx.clock import Clock
from edocx.errors import EdocxError, TransportUnavailable
from edocx.routing.closing import Closing
from edocx.routing.parcel import Parcel
from edocx.routing.transport import Receipt
from edocx.routing.transport.attempts import Attempt, Attempts
from edocx.routing.transport.axis_rows import moment_of
from edocx.routing.transport.http_line import REPLY_TOO_LONG, UNREACHED
from edocx.routing.transport.refusal import open_outcome


class _Line(Protocol):
    is_edocx: bool

    def close(self) -> None: ...


class AttemptedLine(Closing):
    """The part of a line that remembers attempts."""

    _clock: Clock
    _attempts: Attempts

    @property
    @abstractmethod
    def _called(self) -> _Line:
        """What it calls the axis with."""

    def close(self) -> None:
        """Close every connection, and forget the attempts that ended long ago."""
        self._called.close()
        self._attempts.forget_old(self._clock.now())

    def _begin(self, parcel: Parcel) -> Attempt:
        now = self._clock.now()
        # A hub known to be ours answers a repeat with its first receipt: nothing need be remembered.
        return (
            Attempt(parcel.message_id, now.isoformat())
            if self._called.is_edocx
            else self._attempts.begin(parcel.message_id, now)
        )

    def _attempt(self, parcel: Parcel, attempt: Attempt, send: Callable[[], Mapping[str, Any]], *, key: str) -> Receipt:
        """Make the call that was written down, and return its receipt; ``key`` is the member that holds the docId."""
        try:
            reply = send()
        except EdocxError as error:
            # Either the axis refused, or no line was ever opened; of all else nobody knows what became of it.
            away = isinstance(error, TransportUnavailable) or error.code == REPLY_TOO_LONG
            if not away or error.code == UNREACHED:
                self._attempts.drop(attempt)
            raise
        doc_id = str(reply.get(key) or "")
        if not doc_id:
            raise open_outcome(parcel.message_id)
        received_at = moment_of(reply.get("edxReceivedAt")) or self._clock.now()
        if not self._called.is_edocx:
            self._attempts.done(attempt, doc_id, received_at)
        return Receipt(doc_id, parcel.message_id, received_at)
