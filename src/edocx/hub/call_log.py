"""A line of log for each call: what was called, by whom, how it ended, how long it took; never content.

The lines go to the logger ``edocx.hub.calls`` with their facts as attributes, for whatever formatter the host has.
``edocx hub serve --log`` writes them to stderr as JSON.
"""

from __future__ import annotations

import json
import logging

FACTS = ("operation", "outcome", "agency", "ms")
"""The attributes of a line."""

_log = logging.getLogger("edocx.hub.calls")


def tell(operation: str, outcome: str, agency: str, seconds: float) -> None:
    """Log one call; ``agency`` is "" when nobody was let in."""
    if _log.isEnabledFor(logging.INFO):
        told = {"operation": operation, "outcome": outcome, "agency": agency, "ms": round(seconds * 1000, 1)}
        _log.info("%s %s", operation, outcome, extra=told)


class JsonLines(logging.Formatter):
    """Formats a record of the hub as one JSON object: time, level, message, and the facts of a call."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters in it are escaped, so that no call can write a line of its own."""
        told = {"at": self.formatTime(record), "level": record.levelname, "message": record.getMessage()}
        told |= {name: getattr(record, name) for name in FACTS if hasattr(record, name)}
        return json.dumps(told, ensure_ascii=True)


def write_json_lines() -> None:
    """Send what the hub logs to stderr, as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    log = logging.getLogger("edocx.hub")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
