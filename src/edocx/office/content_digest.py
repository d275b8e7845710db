"""What two messages must have in common to be one document sent twice.

A document that is sent again is composed, sealed and stamped anew, so that no byte of its envelope need be the same.
What is compared is therefore what the document says and carries, not its wrapping.
"""

from __future__ import annotations

import hashlib
import json

from edocx.envelope.model import Envelope

_WRAPPING = {"sender", "to", "staff", "trace", "trace_paper", "trace_id", "trace_version", "timestamp", "attachments"}
"""Fields of an envelope that tell of this one sending, or are taken in below in another form."""


def content_digest(envelope: Envelope) -> str:
    """Return the digest of a document's content (SHA-256, lower-case hex), the same however often it is wrapped.

    Content is: the issuing unit's code; every field of the header (number and notation, place and date, type, subject,
    summary, signatory, due date, urgency, nơi nhận, business action, what it replaces or answers, elements outside the
    format); and of each attached file, in order, its name and the SHA-256 of its bytes.

    Wrapping is: message and content ids, seals and their timestamps, the list of receivers (an attempt may go to
    fewer), the nodes passed, who pressed the button, and the sender's name, address and telephone. A file that gained
    evidence since (a signature lifted to a higher level) has other bytes, and is another content: whether it shows the
    same is not for a digest to say.
    """
    header = envelope.model_dump(mode="json", exclude=_WRAPPING)
    issuer = envelope.sender.unit if envelope.sender else None
    files = [(one.name, one.content.sha256 if one.content else None) for one in envelope.attachments]
    told = {"header": header, "issuer": issuer, "files": files}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
