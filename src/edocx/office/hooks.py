"""Typed events of an office, and the hooks that are told of them: after the commit, with ids and never with content.

Every event is a line of the journal that is on disk. A hook that fails spoils nothing: its failure is logged, and the
verb that caused the event has succeeded all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

from edocx.errors import Text, UsageError
from edocx.routing.journal import Id

_log = logging.getLogger("edocx.office")


@dataclass(frozen=True, slots=True)
class OfficeEvent:
    """Something that happened and is on disk.

    Attributes:
        name: the journal's word, such as ``parcel.sent``.
        at: the moment of the transaction.
        office: the unit whose office it is.
        ids: what it happened to, as the journal line has it.
    """

    name: str
    at: datetime
    office: str
    ids: Mapping[str, Id]

    def text(self, name: str) -> str | None:
        """Return an id as text, or None when the event has none of that name."""
        found = self.ids.get(name)
        return None if found is None else str(found)

    @property
    def document_id(self) -> str | None:
        """The DocumentId, or the office's own id of a draft."""
        return self.text("document_id") or self.text("document")

    @property
    def reason(self) -> str | None:
        """The stable code of why, for what failed."""
        return self.text("reason")


class DocumentEvent(OfficeEvent):
    """An own or received document: approved, reserved, issued, voided, received, recalled, replaced, lifted."""


class NumberEvent(OfficeEvent):
    """A number of a register: reserved, issued, voided, recovered."""


class ParcelEvent(OfficeEvent):
    """A parcel on its way out: queued, sent, retried, dead, requeued, recovered."""

    @property
    def message_id(self) -> str:
        """The parcel."""
        return str(self.ids["message_id"])


class MessageEvent(OfficeEvent):
    """A message that came: received, presented, applied, quarantined, accepted, rejected, recalled."""

    @property
    def message_id(self) -> str:
        """The message as its sender named it."""
        return str(self.ids["message_id"])


class StatusEvent(OfficeEvent):
    """A status or request that was recorded, our own or another's."""

    @property
    def code(self) -> str:
        """The status code, or withdraw, update, replace."""
        return str(self.ids["code"])

    @property
    def basis(self) -> str:
        """What shows that it is the speaker's: seal, hub, own, or nothing."""
        return str(self.ids["basis"])


class DeadlineEvent(OfficeEvent):
    """A deadline that passed unmet, or a recipient that stayed silent."""


class CareEvent(OfficeEvent):
    """Something about the store itself: reconciled, a book continued, content erased."""


_KINDS: dict[str, type[OfficeEvent]] = {
    "document": DocumentEvent,
    "number": NumberEvent,
    "parcel": ParcelEvent,
    "message": MessageEvent,
    "status": StatusEvent,
    "deadline": DeadlineEvent,
    "delivery": DeadlineEvent,
}


class Hook(Protocol):
    """Is told of events, and stands around verbs; see the shipped ones under `named`."""

    def happened(self, event: OfficeEvent) -> None:
        """Take note of an event that is on disk."""
        ...

    def around(self, verb: str) -> AbstractContextManager[object]:
        """Stand around one call of a verb of the office, such as ``send``."""
        ...


class Hooks:
    """The hooks of one office."""

    def __init__(self, office: str, hooks: Iterable[Hook] = ()) -> None:
        self._office = office
        self._hooks = list(hooks)

    def add(self, hook: Hook) -> None:
        """Tell one more hook from now on."""
        self._hooks.append(hook)

    def committed(self, at: datetime, lines: Sequence[tuple[str, dict[str, Id]]]) -> None:
        """Tell every hook of what a transaction wrote."""
        if not self._hooks:
            return
        for name, ids in lines:
            kind = _KINDS.get(name.partition(".")[0], CareEvent)
            event = kind(name, at, self._office, ids)
            for hook in self._hooks:
                with _harmless(hook):
                    hook.happened(event)

    @contextmanager
    def around(self, verb: str) -> Iterator[None]:
        """Let every hook stand around a verb."""
        with ExitStack() as stack:
            for hook in self._hooks:
                manager: AbstractContextManager[object] = nullcontext()
                with _harmless(hook):
                    manager = hook.around(verb)
                stack.enter_context(manager)
            yield


@contextmanager
def _harmless(hook: Hook) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a host's hook must not undo what is on disk
        _log.error("hook %s failed: %s", type(hook).__name__, type(error).__name__)


_SHIPPED = {
    "logging": ("edocx.office.hook_logging", "structlog", "LoggingHook"),
    "metrics": ("edocx.office.hook_metrics", "prometheus_client", "MetricsHook"),
    "tracing": ("edocx.office.hook_tracing", "opentelemetry", "TracingHook"),
}


def named(name: str) -> Hook:
    """Make a shipped hook: ``logging`` (structlog), ``metrics`` (Prometheus) or ``tracing`` (OpenTelemetry).

    Raises `UsageError` for another name, or when its extra is not installed (``EDX-HOOK-EXTRA``).
    """
    if name not in _SHIPPED:
        raise UsageError(
            Text(f"Không có hook “{name}”.", f"There is no hook “{name}”."),
            hint=Text("Dùng logging, metrics hoặc tracing.", "Use logging, metrics or tracing."),
            code="EDX-HOOK-UNKNOWN",
        )
    module, library, hook = _SHIPPED[name]
    try:
        made: Any = getattr(import_module(module), hook)
        return made()  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise UsageError(
            Text(f"Hook {name} cần thư viện {library}.", f"The hook {name} needs {library}."),
            hint=Text(f"Cài: pip install 'edocx[{name}]'.", f"Install it: pip install 'edocx[{name}]'."),
            code="EDX-HOOK-EXTRA",
        ) from error
