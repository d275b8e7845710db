"""The office: one unit's signers, trust, store, transport and directory, wired together.

``Office`` gives the verbs of a records clerk: approve, issue, send, inbox, accept, reject, status, trace.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edocx.office.approving import Approved, Awaiting
    from edocx.office.configuration import OfficeConfig, SignerConfig
    from edocx.office.office import Office
    from edocx.office.receiving import Incoming
    from edocx.office.sending import Dispatch
    from edocx.office.tracing import Event, Trace

_HOMES = {
    "Approved": "approving",
    "Awaiting": "approving",
    "Dispatch": "sending",
    "Event": "tracing",
    "Incoming": "receiving",
    "Office": "office",
    "OfficeConfig": "configuration",
    "SignerConfig": "configuration",
    "Trace": "tracing",
}

__all__ = ["Approved", "Awaiting", "Dispatch", "Event", "Incoming", "Office", "OfficeConfig", "SignerConfig", "Trace"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
