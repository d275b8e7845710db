"""The envelope's seal: which parts, which Ids, which transforms; joins envelope and signing (docs/adr/0003)."""

from __future__ import annotations

from edocx.sealing.seal import complete_seal, prepare_seal, seal
from edocx.sealing.verify import verify_envelope

__all__ = ["complete_seal", "prepare_seal", "seal", "verify_envelope"]
