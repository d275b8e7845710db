"""Verbs as OpenTelemetry spans (extra ``tracing``), with the events of each as span events."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import trace

from edocx.office.hooks import OfficeEvent


class TracingHook:
    """Opens a span ``edocx.office.VERB`` around each verb, in the host's tracer provider or the one given."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = (provider or trace.get_tracer_provider()).get_tracer("edocx.office")

    def happened(self, event: OfficeEvent) -> None:
        """Add the event to the span that is open, if one is."""
        ids = {f"edocx.{name}": value for name, value in event.ids.items() if value is not None}
        trace.get_current_span().add_event(event.name, {"edocx.office": event.office, **ids})

    def around(self, verb: str) -> AbstractContextManager[Any]:
        """Open a span; an exception's text stays out of it, since it may name files."""
        return self._tracer.start_as_current_span(
            f"edocx.office.{verb}", record_exception=False, set_status_on_exception=True
        )
