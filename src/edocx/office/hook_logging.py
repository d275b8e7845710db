"""Events as structured log lines (extra ``logging``): ids only, never names, subjects or reasons in words."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import structlog

from edocx.office.hooks import OfficeEvent

_WORSE = {"parcel.dead", "message.quarantined", "deadline.missed", "delivery.expired"}
"""What a clerk should hear of."""


class LoggingHook:
    """Writes each event to the logger ``edocx.office`` of structlog, however the host configured that."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("edocx.office")

    def happened(self, event: OfficeEvent) -> None:
        """Log the event under its name, with its ids as fields."""
        tell = self._log.warning if event.name in _WORSE else self._log.info
        tell(event.name, office=event.office, at=event.at.isoformat(), ids=dict(event.ids))

    def around(self, verb: str) -> AbstractContextManager[object]:
        """Nothing: what a verb did is told by its events."""
        return nullcontext(verb)
