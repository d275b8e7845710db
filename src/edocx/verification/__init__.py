"""Verdicts on files of every kind we know, and what their trusted signatures cover."""

from __future__ import annotations

from edocx.signing.signed import PdfRevision, SignedFiles, SignedPart, SignedXml, Verified
from edocx.verification.extract import Extraction
from edocx.verification.judge import extract, sniff, verify

__all__ = [
    "Extraction",
    "PdfRevision",
    "SignedFiles",
    "SignedPart",
    "SignedXml",
    "Verified",
    "extract",
    "sniff",
    "verify",
]
