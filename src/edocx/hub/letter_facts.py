"""What a hub reads in an envelope: addresses, kind, and the digest that says whether it came before.

The trace is left out of that digest: every relay appends to it, and a client that repeats a message writes it anew
(axis-http.md §1.9). So is the seal: an office that sends a rejected document again seals the same content anew. Blanks
between trace entries are left out too; everything else counts as it was received.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from edocx._xml import canonicalise
from edocx.content import Blob
from edocx.envelope import Limits, Reading, open_envelope
from edocx.envelope import names as n
from edocx.envelope.media import extension
from edocx.hub import refusal
from edocx.routing.parcel import TOP_URGENCY, Business, ParcelKind, require_id

MAX_TITLE = 500
"""Characters of a subject kept for lists."""


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """The facts of one message.

    Attributes:
        kind: document or status.
        sender: From/OrganId.
        recipients: To/OrganId in order, for a status ResponseFor/OrganId.
        document_id: the document's own id, for a status the id of the document it speaks of.
        business: new, withdraw, update or replace.
        urgency: 0-4.
        digest: SHA-256 of the content without its trace.
        title: subject, for lists.
        notation: number and notation as printed.
        status_code: of a status message.
        trace: the nodes it passed, in order.
        types: extensions of the files inside, in lower case, each once.
    """

    kind: ParcelKind
    sender: str
    recipients: tuple[str, ...]
    document_id: str
    business: Business
    urgency: int
    digest: str
    title: str | None = None
    notation: str | None = None
    status_code: str | None = None
    trace: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


Look = Callable[[Reading, LetterFacts], None]
"""What is done with an envelope while it is open."""


def read_facts(blob: Blob, *, max_bytes: int, workdir: Path, look: Look | None = None) -> LetterFacts:
    """Open an envelope and return its facts.

    Args:
        blob: the file.
        max_bytes: limit of the envelope.
        workdir: for what does not stay in memory.
        look: called with the open envelope and its facts; what it raises is raised.

    Raises what `edocx.envelope.open_envelope` raises, and `Refused` naming what is missing.
    """
    with open_envelope(blob, limits=Limits(file_bytes=max_bytes), workdir=workdir) as reading:
        facts = _facts(reading)
        if look is not None:
            look(reading, facts)
        return facts


def told_facts(file: Blob, kind: ParcelKind, sender: str, told: Mapping[str, str]) -> LetterFacts:
    """Return what an edocx office says of a parcel that a hub without the envelope check carries unopened.

    Args:
        file: the parcel.
        kind: document or status.
        sender: the unit it is from.
        told: ``document-id``, ``business``, ``urgency``.

    Raises `InputError` or `UsageError` for what cannot be right.
    """
    urgency, business = told.get("urgency") or "0", told.get("business") or Business.NEW
    if urgency not in {str(step) for step in range(TOP_URGENCY + 1)} or business not in set(Business):
        raise refusal.bad_parameter("edx-urgency")
    return LetterFacts(
        kind=kind,
        sender=require_id(sender, "from"),
        recipients=(),
        document_id=require_id(told.get("document-id", ""), "edx-document-id"),
        business=Business(business),
        urgency=int(urgency),
        digest=file.sha256,
    )


def _facts(reading: Reading) -> LetterFacts:
    envelope = reading.envelope
    sender = envelope.sender.unit if envelope.sender else None
    if not sender:
        raise refusal.incomplete("From/OrganId")
    if envelope.kind == "status":
        about = next(iter(envelope.response_for), None)
        addressed = [about.unit] if about and about.unit else []
        document_id = about.document_id if about else None
        notation = about.code if about else None
    else:
        addressed = [one.unit for one in envelope.to if one.unit]
        document_id = envelope.document_id
        notation = envelope.code.printed if envelope.code else None
    if not document_id:
        raise refusal.incomplete("DocumentId")
    urgency = (envelope.other.urgency if envelope.other else None) or 0
    return LetterFacts(
        kind=ParcelKind(envelope.kind),
        sender=require_id(sender, "From/OrganId"),
        recipients=tuple(dict.fromkeys(require_id(code, "To/OrganId") for code in addressed)),
        document_id=require_id(document_id, "DocumentId"),
        business=Business(envelope.business or "new"),
        urgency=min(max(urgency, 0), TOP_URGENCY),
        digest=_digest(reading),
        title=(envelope.subject or "")[:MAX_TITLE] or None,
        notation=(notation or "")[:200] or None,
        status_code=envelope.status_code,
        trace=tuple(one.unit for one in envelope.trace if one.unit),
        types=tuple(dict.fromkeys(extension(one.name or "") for one in envelope.attachments if one.name)),
    )


def _digest(reading: Reading) -> str:
    root = copy.deepcopy(reading.skeleton)
    for listed in root.iter(n.tag(n.TRACE_LIST)):
        for trace in listed.findall(n.tag(n.TRACE)):
            listed.remove(trace)
        _without_blanks(listed)
    for header in root.iter(n.tag(n.HEADER)):
        for seal in header.findall(n.tag(n.SIGNATURE, n.XMLDSIG)):
            header.remove(seal)
    digest = hashlib.sha256(canonicalise(root))
    for payload in reading.payloads.values():
        # An attachment that is no base64 counts as its place: its bytes are in the file's own digest below.
        digest.update(payload.decoded.sha256.encode() if payload.decoded else b"-")
    if any(payload.decoded is None for payload in reading.payloads.values()):
        digest.update(reading.raw.sha256.encode())
    return digest.hexdigest()


def _without_blanks(listed: etree._Element) -> None:
    if listed.text and not listed.text.strip():
        listed.text = None
    for child in listed:
        if child.tail and not child.tail.strip():
            child.tail = None
