"""edXML envelopes: bytes to objects and back. Knows no keys, no sockets, no database."""

from __future__ import annotations

from edocx.envelope.attachments import extract
from edocx.envelope.limits import Limits
from edocx.envelope.model import Attachment, Envelope, Finding, Organization
from edocx.envelope.read import Reading, expect, open_envelope, read
from edocx.envelope.tree import Payload
from edocx.envelope.write import Skeleton, compose, write

__all__ = [
    "Attachment",
    "Envelope",
    "Finding",
    "Limits",
    "Organization",
    "Payload",
    "Reading",
    "Skeleton",
    "compose",
    "expect",
    "extract",
    "open_envelope",
    "read",
    "write",
]
