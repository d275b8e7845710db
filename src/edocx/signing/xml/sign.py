"""Two-phase XML signing: a `ds:Signature` with XAdES B-B properties over digests that the caller made.

What is signed, and where it stands, is the caller's profile (`edocx.sealing`); this module sees references and
digests only, so that content of any size never passes through here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from asn1crypto import x509
from lxml import etree

from edocx._xml import EXCLUSIVE_C14N, canonicalise, parse
from edocx.clock import in_vietnam
from edocx.errors import SigningRefused, Text
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import der_of, public_key, remembered_certificate
from edocx.signing.xml.encoding import signature_to_xml
from edocx.signing.xml.names import PREFIXES, SIGNED_PROPERTIES_TYPE, ds, xades

if TYPE_CHECKING:
    from edocx.signing.timestamp import Timestamper  # its module loads pyHanko, which no seal needs

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True, slots=True)
class Reference:
    """One signed part: a same-document URI (``#Id``) or a file of the container, its transforms, the SHA-256 after."""

    uri: str
    transforms: tuple[str, ...]
    sha256: bytes
    media_type: str = "text/xml"


@dataclass(frozen=True, slots=True)
class PreparedSignature:
    """An unsigned `ds:Signature` as bytes; ``to_sign`` is the digest for `Signer.sign_digest`."""

    signature: bytes
    certificate: bytes
    scheme: Literal["pkcs1v15", "pss", "ecdsa"]
    hash_name: Literal["sha256", "sha384", "sha512"]

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How the digest is to be signed."""
        return SignatureAlgorithm(self.scheme, self.hash_name)

    @property
    def to_sign(self) -> bytes:
        """The digest of the canonical SignedInfo."""
        return _info_digest(self.signature, self.algorithm)


@lru_cache(maxsize=8)
def _info_digest(signature: bytes, algorithm: SignatureAlgorithm) -> bytes:
    # Asked for by the signer and again when the value comes back, mostly at once.
    return algorithm.digest(canonicalise(_child(parse(signature), "SignedInfo")))


def prepare(
    references: Iterable[Reference],
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    chain: Iterable[x509.Certificate] = (),
    signature_id: str = "Seal",
) -> PreparedSignature:
    """Build the signature without its value (XAdES B-B, EN 319 132-1).

    ``at`` is the claimed signing time (aware); ``chain`` holds issuers to embed beside the certificate.
    """
    signature = etree.Element(ds("Signature"), nsmap={"ds": PREFIXES["ds"]}, Id=signature_id)
    info = etree.SubElement(signature, ds("SignedInfo"))
    etree.SubElement(info, ds("CanonicalizationMethod"), Algorithm=EXCLUSIVE_C14N)
    etree.SubElement(info, ds("SignatureMethod"), Algorithm=algorithm.xml_uri)
    listed = tuple(references)
    for order, reference in enumerate(listed, start=1):
        _add_reference(info, reference, f"{signature_id}-r{order}")
    etree.SubElement(signature, ds("SignatureValue"))
    _add_key_info(signature, (certificate, *chain))
    properties = _add_properties(signature, signature_id, certificate, at, listed)
    own = Reference(f"#{signature_id}-properties", (EXCLUSIVE_C14N,), hashlib.sha256(canonicalise(properties)).digest())
    _add_reference(info, own, None, SIGNED_PROPERTIES_TYPE)
    data = etree.tostring(signature)
    return PreparedSignature(data, der_of(certificate), algorithm.scheme, algorithm.hash_name)


def complete(prepared: PreparedSignature, value: bytes) -> etree._Element:
    """Check the value against the certificate and return the finished `ds:Signature`.

    ECDSA values are DER, as signers give them. Raises `SigningRefused` (``EDX-SIGN-MISMATCH``) when it does not fit.
    """
    key = public_key(remembered_certificate(prepared.certificate))
    failure = prepared.algorithm.matches(key, value, prepared.to_sign)
    if failure is not None:
        raise SigningRefused(
            Text("Chữ ký nhận được không khớp với chứng thư.", "The signature does not fit the certificate."),
            hint=Text(
                "Kiểm tra khóa đã dùng có đúng chứng thư này không.",
                "Check that the key used belongs to this certificate.",
            ),
            code="EDX-SIGN-MISMATCH",
        ) from failure
    signature = parse(prepared.signature)
    _child(signature, "SignatureValue").text = base64.b64encode(signature_to_xml(value, key)).decode("ascii")
    return signature


def add_timestamp(signature: etree._Element, timestamps: Timestamper) -> None:
    """Add a timestamp over the signature's value, which makes it XAdES B-T (EN 319 132-1 5.3); raise `Unavailable`."""
    value = canonicalise(_child(signature, "SignatureValue"))
    token = timestamps.timestamp(hashlib.sha256(value).digest(), "sha256")
    qualifying = next(signature.iter(xades("QualifyingProperties")))
    unsigned = etree.SubElement(qualifying, xades("UnsignedProperties"))
    own = etree.SubElement(unsigned, xades("UnsignedSignatureProperties"))
    stamp = etree.SubElement(own, xades("SignatureTimeStamp"))
    etree.SubElement(stamp, ds("CanonicalizationMethod"), Algorithm=EXCLUSIVE_C14N)
    etree.SubElement(stamp, xades("EncapsulatedTimeStamp")).text = base64.b64encode(token).decode("ascii")


def _add_reference(info: etree._Element, reference: Reference, name: str | None, kind: str | None = None) -> None:
    attributes = {"URI": reference.uri} | ({"Id": name} if name else {}) | ({"Type": kind} if kind else {})
    element = etree.SubElement(info, ds("Reference"), attributes)
    if reference.transforms:  # the schema wants one at least; a file in a container has none
        transforms = etree.SubElement(element, ds("Transforms"))
        for uri in reference.transforms:
            etree.SubElement(transforms, ds("Transform"), Algorithm=uri)
    etree.SubElement(element, ds("DigestMethod"), Algorithm=SHA256)
    etree.SubElement(element, ds("DigestValue")).text = base64.b64encode(reference.sha256).decode("ascii")


def _add_key_info(signature: etree._Element, certificates: Iterable[x509.Certificate]) -> None:
    data = etree.SubElement(etree.SubElement(signature, ds("KeyInfo")), ds("X509Data"))
    for certificate in certificates:
        etree.SubElement(data, ds("X509Certificate")).text = base64.b64encode(der_of(certificate)).decode("ascii")


def _add_properties(
    signature: etree._Element,
    signature_id: str,
    certificate: x509.Certificate,
    at: datetime,
    references: tuple[Reference, ...],
) -> etree._Element:
    holder = etree.SubElement(signature, ds("Object"))
    qualifying = etree.SubElement(
        holder, xades("QualifyingProperties"), {"Target": f"#{signature_id}"}, nsmap={"xades": PREFIXES["xades"]}
    )
    signed = etree.SubElement(qualifying, xades("SignedProperties"), Id=f"{signature_id}-properties")
    own = etree.SubElement(signed, xades("SignedSignatureProperties"))
    etree.SubElement(own, xades("SigningTime")).text = in_vietnam(at).replace(microsecond=0).isoformat()
    cert = etree.SubElement(etree.SubElement(own, xades("SigningCertificateV2")), xades("Cert"))
    digest = etree.SubElement(cert, xades("CertDigest"))
    etree.SubElement(digest, ds("DigestMethod"), Algorithm=SHA256)
    etree.SubElement(digest, ds("DigestValue")).text = base64.b64encode(bytes(certificate.sha256)).decode("ascii")
    data = etree.SubElement(signed, xades("SignedDataObjectProperties"))
    for order, reference in enumerate(references, start=1):
        entry = etree.SubElement(data, xades("DataObjectFormat"), ObjectReference=f"#{signature_id}-r{order}")
        etree.SubElement(entry, xades("MimeType")).text = reference.media_type
    return signed


def _child(element: etree._Element, name: str) -> etree._Element:
    found = element.find(ds(name))
    assert found is not None
    return found
