"""The axis itself (trục liên thông): an ASGI server that official clients use unchanged.

``app(config)`` gives a Starlette application to serve alone or to mount; ``edocx hub serve`` runs it. The operations of
the national axis' protocol stand at ``/``, the LGSP dialect at ``/v1``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edocx.hub.agencies import Agency, NewAgency
    from edocx.hub.application import Hub, app
    from edocx.hub.configuration import HubConfig, Peer
    from edocx.hub.relay_statement import Station, read_chain

_HOMES = {
    "Agency": "agencies",
    "Hub": "application",
    "HubConfig": "configuration",
    "NewAgency": "agencies",
    "Peer": "configuration",
    "Station": "relay_statement",
    "app": "application",
    "read_chain": "relay_statement",
}

__all__ = ["Agency", "Hub", "HubConfig", "NewAgency", "Peer", "Station", "app", "read_chain"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
