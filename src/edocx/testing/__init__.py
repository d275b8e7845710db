"""Shipped fakes, for the tests of edocx and of whoever builds on it; nothing here has legal value."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edocx.testing.clock import FixedClock
    from edocx.testing.credential import Credential
    from edocx.testing.faults import Faults
    from edocx.testing.network import Network
    from edocx.testing.ocsp import Ocsp
    from edocx.testing.pki import Pki
    from edocx.testing.tsa import Tsa

_HOMES = {
    "Credential": "edocx.testing.credential",
    "Faults": "edocx.testing.faults",
    "FixedClock": "edocx.testing.clock",
    "Ocsp": "edocx.testing.ocsp",
    "Network": "edocx.testing.network",
    "Pki": "edocx.testing.pki",
    "Tsa": "edocx.testing.tsa",
}

__all__ = ["Credential", "Faults", "FixedClock", "Network", "Ocsp", "Pki", "Tsa"]


def __getattr__(name: str) -> Any:
    """Load a fake when it is first used: a clock does not need cryptography."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
