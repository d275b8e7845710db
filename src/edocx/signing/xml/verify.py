"""Verifying a `ds:Signature` against a profile that says exactly what must be signed.

Nothing in the document chooses what is checked: the caller names the parts, by absolute place, and gives their
digests; the signature must reference these, all of them, no others, with these transforms. That is what stops
signature wrapping, transforms that select nothing, and references to elsewhere.

1. Structure: one SignedInfo, one SignatureValue, an accepted canonicalisation and signature method.
2. The certificate: of those in KeyInfo, the one that the signed property SigningCertificateV2 names.
3. References: exactly the expected ones and SignedProperties; each digest recomputed.
4. The signature value over the canonical SignedInfo.
5. What stands unsigned beside it: timestamps over the value (B-T) and evidence (B-LT); help, and no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import pybase64
from asn1crypto import x509
from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise
from edocx.clock import VIETNAM
from edocx.errors import EdocxError, Text
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import public_key, remembered_certificate
from edocx.signing.judgement import Finding
from edocx.signing.messages import MALFORMED_SIGNATURE, STAMP_UNJUDGED, VALUE
from edocx.signing.report import Indication, Integrity, Message, SubIndication
from edocx.signing.xml.encoding import decode_value, signature_from_xml
from edocx.signing.xml.names import SIGNED_PROPERTIES_TYPE, ds, xades
from edocx.signing.xml.sign import SHA256

MAX_CERTIFICATES = 20
"""In KeyInfo: a chain has three; thousands are an attack on path building."""


@dataclass(frozen=True, slots=True)
class ExpectedPart:
    """What the profile demands of one reference: its transforms and the SHA-256 of what stands there."""

    transforms: tuple[str, ...]
    sha256: bytes


_REFERENCE = (ds("Transforms"), ds("DigestMethod"), ds("DigestValue"))
_TRANSFORM = ds("Transform")
_OWN_PROPERTIES = xades("SignedSignatureProperties")
_SIGNING_TIME = xades("SigningTime")


class _Fault(Exception):
    """Carries a failed step to the one place that makes the finding."""

    def __init__(self, sub: SubIndication, message: Message) -> None:
        super().__init__(message.en)
        self.sub = sub
        self.message = message


def _fault(sub: SubIndication, code: str, text: Text, where: str | None = None) -> _Fault:
    return _Fault(sub, Message.of(code, "error", text, where))


def examine(signature: etree._Element, expected: Mapping[str, ExpectedPart]) -> Finding:
    """Check one signature against the expected parts, keyed by reference URI; trust comes later (`judge`)."""
    seen: dict[str, Any] = {}
    try:
        _examine(signature, expected, seen)
    except _Fault as fault:
        sub, message = fault.sub, fault.message
    except (ValueError, TypeError, AttributeError, KeyError, EdocxError):
        sub, message = SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE
    else:
        return _found(signature, seen)
    # EN 319 102-1 5.2.3: without its certificate a signature is neither right nor wrong, it cannot be checked.
    unknown = sub is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    failed = {
        "integrity": Integrity.INDETERMINATE if unknown else Integrity.INVALID,
        "outcome": Indication.INDETERMINATE if unknown else Indication.TOTAL_FAILED,
        "failure": sub,
        "messages": (message,),
    }
    return _found(signature, seen | failed)


def _found(signature: etree._Element, seen: Mapping[str, Any]) -> Finding:
    known = {"integrity": Integrity.VALID, "algorithm": "unknown", "level": "B-B", **seen}
    return Finding(id=signature.get("Id") or "Signature", format="XAdES", covers="elements", **known)


def _examine(signature: etree._Element, expected: Mapping[str, ExpectedPart], seen: dict[str, Any]) -> None:
    # 1. structure
    if next(signature.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        # Canonicalisation drops comments, and a value split by one is read to its first part by some.
        raise ValueError("comments or instructions in the signature")
    info = _only(signature, ds("SignedInfo"))
    algorithm = SignatureAlgorithm.from_xml_uri(_only(info, ds("SignatureMethod")).get("Algorithm", ""))
    if algorithm is None or _only(info, ds("CanonicalizationMethod")).get("Algorithm") != EXCLUSIVE_C14N:
        raise _fault(
            SubIndication.FORMAT_FAILURE,
            "EDX-SEAL-ALGORITHM",
            Text("Thuật toán của chữ ký không được chấp nhận.", "The signature's algorithms are not accepted."),
        )
    seen |= {"algorithm": algorithm.name, "hash_names": tuple(dict.fromkeys((algorithm.hash_name, "sha256")))}
    # 2. certificate
    qualifying = _only(_only(signature, ds("Object")), xades("QualifyingProperties"))
    properties = _only(qualifying, xades("SignedProperties"))
    held = _signing_certificate(signature, properties)
    seen["claimed_time"] = _signing_time(properties)
    # 3. references
    wanted = dict(expected)
    properties_uri = f"#{properties.get('Id')}"
    if properties_uri in wanted:
        # One reference would stand for two parts, and the other could be exchanged under the same seal.
        raise ValueError("the properties bear the Id of a signed part")
    wanted[properties_uri] = ExpectedPart((EXCLUSIVE_C14N,), hashlib.sha256(canonicalise(properties)).digest())
    _match_references(info, wanted, properties_uri)
    # 4. value; what was changed has failed by now, whether the certificate is there or not
    if held is None:
        raise _fault(
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            "EDX-CERT-MISSING",
            Text("Con dấu không kèm chứng thư đã ký nó.", "The seal does not carry the certificate that made it."),
        )
    certificate, others = held
    seen |= {"certificate": certificate, "embedded": others}
    key = public_key(certificate)
    value = signature_from_xml(decode_value(_only(signature, ds("SignatureValue"))), key)
    if value is None or algorithm.matches(key, value, algorithm.digest(canonicalise(info))) is not None:
        raise _Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)
    # 5. unsigned properties
    if qualifying.find(xades("UnsignedProperties")) is not None:
        seen |= _unsigned(signature)


def _unsigned(signature: etree._Element) -> dict[str, Any]:
    """Return the timestamps and evidence that came along, and the level that they make."""
    from edocx.signing.xml.archive import archive_stamps  # noqa: PLC0415 - likewise
    from edocx.signing.xml.qualifying import properties_of  # noqa: PLC0415 - CMS and RFC 3161 load when there is one

    properties = properties_of(signature)
    assert properties is not None
    tokens = properties.tokens(_only(signature, ds("SignatureValue")))
    evidence = properties.evidence()
    level = "B-B"
    if any(token.intact for token in tokens):
        level = "B-LT" if evidence.revocation_lists or evidence.ocsp_responses else "B-T"
    # A seal is extended by a new one; archive timestamps over it are not made by edocx, and prove nothing here.
    notes = (STAMP_UNJUDGED,) if archive_stamps(properties) else ()
    return {"tokens": tokens, "evidence": evidence, "level": level, "messages": notes}


def _match_references(info: etree._Element, wanted: Mapping[str, ExpectedPart], properties_uri: str) -> None:
    found: dict[str, etree._Element] = {}
    for reference in info.iterchildren(ds("Reference")):
        uri = reference.get("URI", "")
        if uri in found or uri not in wanted:
            raise _fault(
                SubIndication.FORMAT_FAILURE,
                "EDX-SEAL-REFERENCE",
                Text(f"Con dấu tham chiếu đến phần lạ “{uri}”.", f"The seal references an unexpected part “{uri}”."),
                uri,
            )
        found[uri] = reference
    for uri, part in wanted.items():
        if uri not in found:
            raise _fault(
                SubIndication.FORMAT_FAILURE,
                "EDX-SEAL-INCOMPLETE",
                Text(f"Con dấu không bao trùm phần “{uri}”.", f"The seal does not cover the part “{uri}”."),
                uri,
            )
        _match(found[uri], part, uri, is_properties=uri == properties_uri)


def _match(reference: etree._Element, part: ExpectedPart, uri: str, *, is_properties: bool) -> None:
    # XML-DSig 4.4.3: these three, in this order, and no more.
    listed, method, value = _children(reference, _REFERENCE)
    steps = list(listed)
    transforms = tuple([step.get("Algorithm", "") for step in steps])
    plain = not len(method) and not any(step.tag != _TRANSFORM or len(step) for step in steps)
    typed = reference.get("Type") == SIGNED_PROPERTIES_TYPE
    if transforms != part.transforms or method.get("Algorithm") != SHA256 or not plain or typed != is_properties:
        raise _fault(
            SubIndication.FORMAT_FAILURE,
            "EDX-SEAL-TRANSFORM",
            Text(
                f"Cách con dấu tính phần “{uri}” không đúng quy định.",
                f"The seal computes the part “{uri}” in another way.",
            ),
            uri,
        )
    as_written = pybase64.b64encode(part.sha256).decode("ascii")  # almost every seal holds it so
    if (value.text != as_written or len(value)) and decode_value(value) != part.sha256:
        raise _fault(
            SubIndication.HASH_FAILURE,
            "EDX-SEAL-DIGEST",
            Text(f"Phần “{uri}” bị thay đổi sau khi đóng dấu.", f"The part “{uri}” was changed after sealing."),
            uri,
        )


def _children(element: etree._Element, names: tuple[str, ...]) -> list[etree._Element]:
    children = list(element)
    if tuple(child.tag for child in children) != names:
        raise ValueError(f"{element.tag} has other children")
    return children


def _signing_certificate(
    signature: etree._Element, properties: etree._Element
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]] | None:
    own = _only(properties, xades("SignedSignatureProperties"))
    certificate_id = _only(_only(own, xades("SigningCertificateV2")), xades("Cert"))
    digest = _only(certificate_id, xades("CertDigest"))
    if _only(digest, ds("DigestMethod")).get("Algorithm") != SHA256:
        raise ValueError("SigningCertificateV2 without SHA-256")
    named = decode_value(_only(digest, ds("DigestValue")))
    data = (one for info in _at_most_one(signature, ds("KeyInfo")) for one in info.iterchildren(ds("X509Data")))
    elements = (one for holder in data for one in holder.iterchildren(ds("X509Certificate")))
    held = [remembered_certificate(decode_value(element)) for element in islice(elements, MAX_CERTIFICATES)]
    for certificate in held:
        if bytes(certificate.sha256) == named:
            return certificate, tuple(c for c in held if c is not certificate)
    return None


def _signing_time(properties: etree._Element) -> datetime | None:
    own = next(properties.iterchildren(_OWN_PROPERTIES), None)
    time = next(own.iterchildren(_SIGNING_TIME), None) if own is not None else None
    if time is None:
        return None
    text = time.text or ""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def _at_most_one(element: etree._Element, name: str) -> list[etree._Element]:
    found = list(element.iterchildren(name))
    if len(found) > 1:
        raise ValueError(f"{name} occurs {len(found)} times")
    return found


def _only(element: etree._Element, name: str) -> etree._Element:
    found = list(element.iterchildren(name))
    if len(found) != 1:
        raise ValueError(f"{name} occurs {len(found)} times")
    return found[0]
