"""Which ordinary accident made a signed PDF fail: cut short, line ends rewritten, bytes put in front or behind.

Gateways and editors that take a PDF for text do this; the verdict stays failed, and the clerk learns what to ask for.
"""

from __future__ import annotations

from pathlib import Path

from edocx.signing.doctor import MAX_EXAMINED, cut_short, explain
from edocx.signing.pdf.salvage import is_signed_whole, ranges_in
from edocx.signing.report import Message

MAX_TRIED = 3
"""Signatures looked at in each variant: every one costs a digest of the file."""


def accident_to(path: Path) -> Message | None:
    """Return what explains that a file's signatures do not fit, None when nothing does or the file is too large."""
    if path.stat().st_size > MAX_EXAMINED:
        return None
    data = path.read_bytes()
    end = max((second + length for _, _, second, length in ranges_in(data)), default=0)
    if end > len(data):
        return cut_short(end - len(data))
    return explain(data, lambda variant: is_signed_whole(variant, MAX_TRIED))
