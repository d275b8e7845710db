"""What a hub does beside answering: mail is handed on, old contents are let go; one thread of its own."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edocx.errors import EdocxError
from edocx.hub.carrier import Carrier
from edocx.hub.due import has_passed
from edocx.hub.rerouting import follow_settings
from edocx.hub.retention import BATCH, sweep
from edocx.hub.service import Service

SWEEP_EVERY = timedelta(hours=1)
"""Between two looks for contents that may go."""

_log = logging.getLogger("edocx.hub")


@dataclass(slots=True)
class Upkeep:
    """Works for one hub: `step` does what is due, `begin` and `end` run it beside the server."""

    service: Service
    carrier: Carrier
    _swept: datetime | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def is_working(self) -> bool:
        """Whether what should run beside the server does; a hub without peers and retention needs nothing."""
        return self._thread is None or self._thread.is_alive()

    def begin(self) -> None:
        """Start, where the settings ask for anything; the ways of what is in custody follow them also without."""
        config = self.service.config
        try:
            follow_settings(self.service.store, self.service.door.above)
        except EdocxError as error:
            _log.error("upkeep failed: %s", error.code)
        if config.relay_seconds and (config.peers or config.keep_days):
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="edocx-hub-upkeep")
            self._thread.start()

    def end(self) -> None:
        """Stop after the present step, and wait for it."""
        self._stopping.set()
        self.carrier.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def step(self) -> int:
        """Do what is due; return how many copies and contents changed."""
        return self.carrier.step() + self._sweep()

    def _run(self) -> None:
        while not self._stopping.wait(self.service.config.relay_seconds):
            try:
                self.step()
            except EdocxError as error:
                _log.error("upkeep failed: %s", error.code)
            except Exception as error:  # noqa: BLE001 - one poisoned message must not end custody of the others
                _log.error("upkeep failed: %s", type(error).__name__)

    def _sweep(self) -> int:
        days, now = self.service.config.keep_days, self.service.store.now()
        if days is None or not has_passed(self._swept, now, SWEEP_EVERY):
            return 0
        gone = sweep(self.service.store, timedelta(days=days))
        if gone < BATCH:
            self._swept = now
        return gone
