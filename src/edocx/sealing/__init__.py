"""The envelope's seal: which parts, which Ids, which transforms; joins envelope and signing (docs/adr/0003)."""

from __future__ import annotations

from edocx.sealing.addressing import check_addressing, with_findings
from edocx.sealing.judging import SealVerdict, judge_seal, report_seal
from edocx.sealing.seal import Means, complete_seal, prepare_seal, seal
from edocx.sealing.statement import statement_of, with_statement
from edocx.sealing.verify import verify_envelope, verify_reading

__all__ = [
    "Means",
    "SealVerdict",
    "check_addressing",
    "complete_seal",
    "judge_seal",
    "prepare_seal",
    "report_seal",
    "seal",
    "statement_of",
    "verify_envelope",
    "verify_reading",
    "with_findings",
    "with_statement",
]
