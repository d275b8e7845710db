"""Counters of one process in Prometheus' text form: operations, outcomes, latency; agencies by code, no content."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from edocx.hub.call_log import tell

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of latency in seconds."""

WAITS = (1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
"""Upper bounds, in seconds, of how long a copy waited until its recipient had it."""

MAX_SERIES = 5_000
"""Most series of one name: against callers that make up operations."""

OLD_SECONDS = 24 * 3600
"""A client's timestamp older than a day is counted: allowed, and worth knowing."""


class Metrics:
    """Counts; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._totals: Counter[str] = Counter()
        self._remarks: Counter[str] = Counter()
        self._waits: dict[int, list[int]] = {}
        self._waited: Counter[int] = Counter()

    def request(self, operation: str, outcome: str, agency: str, seconds: float) -> None:
        """Count one call: its operation, ``ok`` or the error's code, who called ("" unknown), how long it took."""
        tell(operation, outcome, agency, seconds)
        with self._lock:
            key = (operation, outcome, agency)
            if key in self._requests or len(self._requests) < MAX_SERIES:
                self._requests[key] += 1
            # Nanoseconds as integers: a Counter of floats would drift.
            self._seconds[operation] += int(seconds * 1e9)
            bucket = self._buckets.setdefault(operation, [0] * (len(BUCKETS) + 1))
            bucket[bisect_left(BUCKETS, seconds)] += 1

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a plain total, such as ``bytes_received``."""
        with self._lock:
            self._totals[name] += amount

    def fetched(self, urgency: int, seconds: float) -> None:
        """Count a copy that its recipient acknowledged, by lane, and how long it had waited."""
        with self._lock:
            bucket = self._waits.setdefault(urgency, [0] * (len(WAITS) + 1))
            bucket[bisect_left(WAITS, seconds)] += 1
            self._waited[urgency] += int(seconds * 1e9)

    def door(self, code: str) -> None:
        """Count what the door remarked on a message that it let in."""
        with self._lock:
            self._remarks[code] += 1

    def text(self, gauges: dict[str, float]) -> str:
        """Return everything in Prometheus' exposition format, version 0.0.4."""
        with self._lock:
            return "\n".join([*self._counters(), *self._histograms(), *self._lanes(), *_gauges(gauges)]) + "\n"

    def _counters(self) -> Iterator[str]:
        yield "# TYPE edocx_hub_requests_total counter"
        for (operation, outcome, agency), count in sorted(self._requests.items()):
            labels = f'operation="{_safe(operation)}",outcome="{_safe(outcome)}",agency="{_safe(agency)}"'
            yield f"edocx_hub_requests_total{{{labels}}} {count}"
        if self._remarks:
            yield "# TYPE edocx_hub_door_remarks_total counter"
        for code, count in sorted(self._remarks.items()):
            yield f'edocx_hub_door_remarks_total{{code="{_safe(code)}"}} {count}'
        for name, count in sorted(self._totals.items()):
            yield f"# TYPE edocx_hub_{name}_total counter"
            yield f"edocx_hub_{name}_total {count}"

    def _lanes(self) -> Iterator[str]:
        if self._waits:
            yield "# TYPE edocx_hub_waited_seconds histogram"
        for urgency, counts in sorted(self._waits.items()):
            total = 0
            for bound, count in zip((*map(str, WAITS), "+Inf"), counts, strict=True):
                total += count
                yield f'edocx_hub_waited_seconds_bucket{{lane="{urgency}",le="{bound}"}} {total}'
            yield f'edocx_hub_waited_seconds_sum{{lane="{urgency}"}} {self._waited[urgency] / 1e9:.6f}'
            yield f'edocx_hub_waited_seconds_count{{lane="{urgency}"}} {total}'

    def _histograms(self) -> Iterator[str]:
        yield "# TYPE edocx_hub_request_seconds histogram"
        for operation, counts in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                yield f'edocx_hub_request_seconds_bucket{{operation="{_safe(operation)}",le="{bound}"}} {total}'
            seconds = self._seconds[operation] / 1e9
            yield f'edocx_hub_request_seconds_sum{{operation="{_safe(operation)}"}} {seconds:.6f}'
            yield f'edocx_hub_request_seconds_count{{operation="{_safe(operation)}"}} {total}'


def _gauges(gauges: dict[str, float]) -> Iterator[str]:
    told: set[str] = set()
    for name, value in sorted(gauges.items()):
        plain = name.partition("{")[0]
        if plain not in told:
            told.add(plain)
            yield f"# TYPE edocx_hub_{plain} gauge"
        yield f"edocx_hub_{name} {value:g}"


def _safe(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
