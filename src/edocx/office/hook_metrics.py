"""Events as Prometheus metrics (extra ``metrics``): counters by event, durations by verb."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from edocx.office.hooks import OfficeEvent

_MADE: dict[int, tuple[Counter, Histogram]] = {}


class MetricsHook:
    """Counts events and times verbs in a registry; offices of one process share the metrics, told apart by ``office``.

    ``edocx_office_events_total{office,event}`` and ``edocx_office_verb_seconds{verb}``.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        if id(registry) not in _MADE:
            events = Counter("edocx_office_events", "Events of the office.", ("office", "event"), registry=registry)
            seconds = Histogram("edocx_office_verb_seconds", "Duration of verbs.", ("verb",), registry=registry)
            _MADE[id(registry)] = (events, seconds)
        self._events, self._seconds = _MADE[id(registry)]

    def happened(self, event: OfficeEvent) -> None:
        """Count the event."""
        self._events.labels(event.office, event.name).inc()

    def around(self, verb: str) -> AbstractContextManager[Any]:
        """Time the verb."""
        return self._seconds.labels(verb).time()
