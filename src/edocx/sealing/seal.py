"""The envelope's seal: which parts, which Ids, which transforms (docs/adr/0003-envelope-seal.md).

The agency's key signs, inside ``edXMLHeader`` and in the real XML-DSig namespace, everything a relay must not change:
``MessageHeader``, ``Bussiness`` and ``edXMLBody`` (the manifest) by exclusive canonicalisation, and each attachment by
the base64 transform, so that its digest is the SHA-256 of the file itself. ``TraceHeader`` stays outside: every relay
appends one. A status message is sealed by its ``MessageHeader`` alone.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from asn1crypto import x509
from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.envelope import names as n
from edocx.envelope.write import Skeleton
from edocx.sealing.parts import SEAL_ID, sealed_parts
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.keys import Signer
from edocx.signing.xml import sign as xml_sign
from edocx.signing.xml.names import BASE64_TRANSFORM
from edocx.signing.xml.sign import PreparedSignature, Reference


def prepare_seal(
    skeleton: Skeleton,
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    chain: tuple[x509.Certificate, ...] = (),
) -> PreparedSignature:
    """Digest the parts of a composed envelope and build its unsigned seal (plain data; may wait for days)."""
    return xml_sign.prepare(
        _references(skeleton),
        certificate=certificate,
        algorithm=algorithm,
        at=at,
        chain=chain,
        signature_id=SEAL_ID,
    )


def complete_seal(skeleton: Skeleton, prepared: PreparedSignature, value: bytes) -> None:
    """Check the value and put the seal into the envelope's header; raise `SigningRefused` when it does not fit."""
    skeleton.header.append(xml_sign.complete(prepared, value))


def seal(skeleton: Skeleton, signer: Signer, *, at: datetime) -> None:
    """Prepare, sign and complete in one call; ``at`` is the claimed signing time (aware)."""
    prepared = prepare_seal(
        skeleton, certificate=signer.certificate, algorithm=signer.algorithm, at=at, chain=signer.chain
    )
    complete_seal(skeleton, prepared, signer.sign_digest(prepared.to_sign))


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
