"""Verdicts on files of every kind we know, and what their trusted signatures cover."""

from __future__ import annotations

from edocx.verification.extract import Extraction
from edocx.verification.judge import extract, sniff, verify

__all__ = ["Extraction", "extract", "sniff", "verify"]
