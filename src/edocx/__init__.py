"""Official electronic documents between public agencies: signed, sealed, enveloped in edXML, routed, answered.

The names below are the door; each loads its room when it is first used, so ``import edocx`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edocx import envelope
    from edocx.content import Blob
    from edocx.documents import (
        BusinessAction,
        Document,
        DocumentId,
        DocumentKind,
        DocumentNumber,
        Draft,
        PageLayout,
        Signatory,
        StatusCode,
        Urgency,
    )
    from edocx.errors import EdocxError
    from edocx.office import Office, OfficeConfig
    from edocx.signing.keys import open_signer
    from edocx.signing.report import Indication, Report
    from edocx.signing.trust import TrustStore
    from edocx.units import Level, UnitId
    from edocx.verification import verify

_HOMES = {
    "Blob": "edocx.content",
    "BusinessAction": "edocx.documents",
    "Document": "edocx.documents",
    "DocumentId": "edocx.documents",
    "DocumentKind": "edocx.documents",
    "DocumentNumber": "edocx.documents",
    "Draft": "edocx.documents",
    "EdocxError": "edocx.errors",
    "Indication": "edocx.signing.report",
    "Level": "edocx.units",
    "Office": "edocx.office",
    "OfficeConfig": "edocx.office",
    "PageLayout": "edocx.documents",
    "Report": "edocx.signing.report",
    "Signatory": "edocx.documents",
    "StatusCode": "edocx.documents",
    "TrustStore": "edocx.signing.trust",
    "UnitId": "edocx.units",
    "Urgency": "edocx.documents",
    "envelope": "edocx",
    "open_signer": "edocx.signing.keys",
    "verify": "edocx.verification",
}

__all__ = [
    "Blob",
    "BusinessAction",
    "Document",
    "DocumentId",
    "DocumentKind",
    "DocumentNumber",
    "Draft",
    "EdocxError",
    "Indication",
    "Level",
    "Office",
    "OfficeConfig",
    "PageLayout",
    "Report",
    "Signatory",
    "StatusCode",
    "TrustStore",
    "UnitId",
    "Urgency",
    "envelope",
    "open_signer",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a name of the door when it is first asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'edocx' has no attribute {name!r}")
    if home == "edocx":
        return importlib.import_module(f"edocx.{name}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
