"""The envelope's seal: which parts, which Ids, which transforms (docs/adr/0003-envelope-seal.md).

The agency's key signs, inside ``edXMLHeader`` and in the real XML-DSig namespace, everything a relay must not change:
``MessageHeader``, ``Bussiness`` and ``edXMLBody`` (the manifest) by exclusive canonicalisation, and each attachment by
the base64 transform, so that its digest is the SHA-256 of the file itself. ``TraceHeader`` stays outside: every relay
appends one. A status message is sealed by its ``MessageHeader`` alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from asn1crypto import x509
from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.envelope import names as n
from edocx.envelope.write import Skeleton
from edocx.errors import Text, UsageError
from edocx.sealing.parts import SEAL_ID, sealed_parts
from edocx.sealing.survey import Stray, survey
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.keys import Signer
from edocx.signing.xml import sign as xml_sign
from edocx.signing.xml.names import BASE64_TRANSFORM
from edocx.signing.xml.sign import PreparedSignature, Reference

if TYPE_CHECKING:
    from edocx.signing.evidence import Evidence
    from edocx.signing.timestamp import Timestamper  # loads pyHanko, which a seal without timestamp does not need


@dataclass(frozen=True, slots=True)
class Means:
    """What lifts a seal above B-B: ``timestamps`` alone give B-T, with ``evidence`` it is B-LT (EN 319 132-1)."""

    timestamps: Timestamper
    evidence: Evidence | None = None


def prepare_seal(
    skeleton: Skeleton,
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    chain: tuple[x509.Certificate, ...] = (),
) -> PreparedSignature:
    """Digest the parts of a composed envelope and build its unsigned seal (plain data; may wait for days).

    Raises `UsageError` (``EDX-SEAL-OUTSIDE``) when something in the envelope would stand outside the seal.
    """
    outside = survey(skeleton.root).outside
    if outside:
        raise _outside(outside[0])
    return xml_sign.prepare(
        _references(skeleton),
        certificate=certificate,
        algorithm=algorithm,
        at=at,
        chain=chain,
        signature_id=SEAL_ID,
    )


def complete_seal(skeleton: Skeleton, prepared: PreparedSignature, value: bytes, *, means: Means | None = None) -> None:
    """Check the value and put the seal into the envelope's header; raise `SigningRefused` when it does not fit.

    With ``means`` the seal gets a timestamp, and with evidence what shows that its certificates were good (raises what
    the services raise); the envelope is untouched when anything fails.
    """
    signature = xml_sign.complete(prepared, value)
    if means is not None:
        from edocx.signing.xml.lifting import lift  # noqa: PLC0415 - RFC 3161 and paths load when wanted

        lift(signature, means.timestamps, means.evidence)
    skeleton.header.append(signature)


def seal(skeleton: Skeleton, signer: Signer, *, at: datetime, means: Means | None = None) -> None:
    """Prepare, sign and complete in one call; ``at`` is the claimed signing time (aware)."""
    prepared = prepare_seal(
        skeleton, certificate=signer.certificate, algorithm=signer.algorithm, at=at, chain=signer.chain
    )
    complete_seal(skeleton, prepared, signer.sign_digest(prepared.to_sign), means=means)


def _references(skeleton: Skeleton) -> list[Reference]:
    parts = [_digested(part) for part in sealed_parts(skeleton.root)]
    files = [
        Reference(
            f"#{element.get(n.ID)}",
            (BASE64_TRANSFORM,),
            bytes.fromhex(blob.sha256),
            _media_type(element),
        )
        for element, blob in skeleton.payloads.items()
    ]
    return parts + files


def _digested(part: etree._Element) -> Reference:
    return Reference(f"#{part.get(n.ID)}", (EXCLUSIVE_C14N,), hashlib.sha256(canonicalise(part)).digest())


def _media_type(element: etree._Element) -> str:
    attachment = element.getparent()
    found = attachment.findtext(n.tag(n.CONTENT_TYPE)) if attachment is not None else None
    return found or "application/octet-stream"


_MEMBERS: Final = MappingProxyType(
    {
        n.PAPER: ("trace_paper", "ghi số đó vào “paper” (khối Bussiness)", "give the number as “paper” (in Bussiness)"),
        f"@{n.LIST_ID}": ("trace_id", "dùng chữ, số và _ . : -", "use letters, digits and _ . : -"),
        f"@{n.VERSION}": ("trace_version", "dùng chữ, số và _ . : -", "use letters, digits and _ . : -"),
    }
)
"""Members of the record that are written beside the trace, where no seal reaches, and what to do instead."""


def _outside(stray: Stray) -> UsageError:
    where = stray.where
    name = where.rpartition("/")[2]
    member = _MEMBERS.get(name) if f"/{n.TRACE_LIST}/" in where else None
    if member is None:
        hint = Text("Bỏ phần này khỏi phong bì trước khi đóng dấu.", "Leave it out of the envelope before sealing.")
    else:
        hint = Text(
            f"Bỏ mục “{member[0]}” khỏi tệp JSON, hoặc {member[1]}.",
            f"Leave the member “{member[0]}” out of the JSON record, or {member[2]}.",
        )
    return UsageError(
        Text(
            f"Phần “{name}” của phong bì sẽ nằm ngoài con dấu.",
            f"The part “{name}” of the envelope would stand outside the seal.",
        ),
        hint=hint,
        code="EDX-SEAL-OUTSIDE",
        where=where if member is None else f"{where} ({member[0]})",
    )
