"""The XAdES properties of a signature (EN 319 132-1): certificate binding, times, timestamps, evidence."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from asn1crypto import crl, ocsp, x509
from lxml import etree

from edocx.clock import VIETNAM
from edocx.signing.certificate import certificates_in, ocsp_responses_in, revocation_lists_in
from edocx.signing.mechanism import digest
from edocx.signing.token import MAX_TOKENS, Token, read_token
from edocx.signing.trust import TrustStore
from edocx.signing.xml.algorithm_names import DIGESTS
from edocx.signing.xml.encoding import decode_text
from edocx.signing.xml.names import ds
from edocx.signing.xml.selection import CANONICALISATIONS, DEFAULT, canonical_element

NAMESPACES = (
    "http://uri.etsi.org/01903/v1.3.2#",
    "http://uri.etsi.org/01903/v1.2.2#",
    "http://uri.etsi.org/01903/v1.1.1#",
)
TYPES = frozenset({
    "http://uri.etsi.org/01903#SignedProperties",
    "http://uri.etsi.org/01903/v1.3.2#SignedProperties",
    "http://uri.etsi.org/01903/v1.2.2#SignedProperties",
    "http://uri.etsi.org/01903/v1.1.1#SignedProperties",
})  # fmt: skip
"""Type of the reference to the signed properties, in the versions still met."""

_VALIDATION_DATA = "{http://uri.etsi.org/01903/v1.4.1#}TimeStampValidationData"
"""What it takes to judge a timestamp later (TS 101 903 v1.4.1 8.1)."""

MAX_VALUES = 200
"""Certificates, lists or answers taken from one signature."""

MALFORMED = (ValueError, TypeError, KeyError, AttributeError, LookupError, OverflowError)


@dataclass(frozen=True, slots=True)
class Properties:
    """The qualifying properties of one signature; ``signed`` must be covered by it, the rest is no more than help."""

    namespace: str
    signed: etree._Element
    unsigned: etree._Element | None

    def name(self, local: str) -> str:
        """Return the Clark name of one of their elements."""
        return f"{{{self.namespace}}}{local}"

    def binding(self) -> list[tuple[str, bytes]] | None:
        """Return hash name and digest of the certificates that the signer names, his own first; None without them."""
        own = self.signed.find(self.name("SignedSignatureProperties"))
        if own is None:
            return None
        holders = [e for local in ("SigningCertificateV2", "SigningCertificate") for e in own.findall(self.name(local))]
        if not holders:
            return None
        found = []
        for certificate in holders[0].findall(self.name("Cert"))[:MAX_VALUES]:
            held = certificate.find(self.name("CertDigest"))
            if held is None:
                raise ValueError("CertDigest is missing")
            # XAdES 1.1.1 has these two in its own namespace.
            method = next((e for e in held if e.tag in {ds("DigestMethod"), self.name("DigestMethod")}), None)
            value = held.findtext(ds("DigestValue")) or held.findtext(self.name("DigestValue"))
            if method is None or value is None:
                raise ValueError("CertDigest is incomplete")
            found.append((DIGESTS[method.get("Algorithm", "")], decode_text(value)))
        if not found:
            raise ValueError("SigningCertificate names none")
        return found

    def claimed_time(self) -> datetime | None:
        """Return the signing time that the signer claims; without a zone it means Vietnam's."""
        path = f"{self.name('SignedSignatureProperties')}/{self.name('SigningTime')}"
        text = (self.signed.findtext(path) or "").strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)

    def media_type(self, reference: etree._Element) -> str | None:
        """Return the media type that the signer states for what a reference leads to (EN 319 132-1 5.2.4)."""
        wanted = f"#{reference.get('Id')}" if reference.get("Id") else None
        path = f"{self.name('SignedDataObjectProperties')}/{self.name('DataObjectFormat')}"
        stated = [one for one in self.signed.findall(path) if one.get("ObjectReference") == wanted]
        return stated[0].findtext(self.name("MimeType")) if wanted and len(stated) == 1 else None

    def tokens(self, value: etree._Element) -> tuple[Token, ...]:
        """Return the signature timestamps; each stamps the canonical SignatureValue ``value`` (EN 319 132-1 5.3)."""
        holders = self._unsigned("SignatureTimeStamp")[:MAX_TOKENS]
        found = (replace(token, end=self.place(holder)) for holder in holders for token in self._tokens(holder, value))
        return tuple(islice(found, MAX_TOKENS))

    def place(self, holder: etree._Element) -> int:
        """Return where an unsigned property stands: an archive timestamp covers those before it, and no others."""
        parent = holder.getparent()
        return 0 if parent is None else parent.index(holder)

    def evidence(self) -> TrustStore:
        """Return the certificates, lists and answers that stand in the unsigned properties."""
        certificates: list[x509.Certificate] = []
        lists: list[crl.CertificateList] = []
        answers: list[ocsp.OCSPResponse] = []
        later = self._unsigned_by(_VALIDATION_DATA)
        for holder in (*self._unsigned("CertificateValues"), *later):
            certificates += [
                c for data in _values(holder, self.name("EncapsulatedX509Certificate")) for c in certificates_in(data)
            ]
        for holder in (*self._unsigned("RevocationValues"), *later):
            lists += [
                c for data in _values(holder, self.name("EncapsulatedCRLValue")) for c in revocation_lists_in(data)
            ]
            answers += [
                a for data in _values(holder, self.name("EncapsulatedOCSPValue")) for a in ocsp_responses_in(data)
            ]
        return TrustStore((), tuple(certificates), tuple(lists), tuple(answers))

    def _tokens(self, holder: etree._Element, value: etree._Element) -> tuple[Token, ...]:
        encapsulated = holder.findall(self.name("EncapsulatedTimeStamp"))
        method = holder.find(ds("CanonicalizationMethod"))
        way = DEFAULT if method is None else CANONICALISATIONS.get(method.get("Algorithm", ""))
        if not encapsulated or way is None or holder.find(self.name("Include")) is not None:
            return (Token(intact=False),)
        found = []
        for element in encapsulated[:MAX_TOKENS]:
            try:
                data = decode_text(element.text or "")
            except ValueError:
                found.append(Token(intact=False))
                continue
            found.append(read_token(data, lambda name: digest(name, canonical_element(value, way))))
        return tuple(found)

    def _unsigned(self, local: str) -> list[etree._Element]:
        return self._unsigned_by(self.name(local))

    def _unsigned_by(self, name: str) -> list[etree._Element]:
        if self.unsigned is None:
            return []
        return self.unsigned.findall(f"{self.name('UnsignedSignatureProperties')}/{name}")


def properties_of(signature: etree._Element) -> Properties | None:
    """Return the qualifying properties of a signature, None for plain XML-DSig.

    Raises ``ValueError`` when they are doubled or incomplete. Target is not looked at: the properties belong to the
    signature that holds them, and count only when its own reference covers them.
    """
    found = [
        (namespace, element)
        for namespace in NAMESPACES
        for holder in signature.findall(ds("Object"))
        for element in holder.findall(f"{{{namespace}}}QualifyingProperties")
    ]
    if not found:
        return None
    signed = [(ns, e, s) for ns, e in found for s in e.findall(f"{{{ns}}}SignedProperties")]
    if len(signed) > 1:
        raise ValueError("signed properties stand twice")
    if not signed:
        raise ValueError("signed properties are missing")
    namespace, element, own = signed[0]
    policy = own.find(f"{{{namespace}}}SignedSignatureProperties/{{{namespace}}}SignaturePolicyIdentifier")
    for identifier in () if policy is None else policy.findall(f"{{{namespace}}}SignaturePolicyId"):
        if identifier.find(f"{{{namespace}}}SigPolicyHash") is None:
            # EN 319 132-1 5.2.9: without its digest, the policy may be exchanged for another of the same name.
            raise ValueError("the signature policy has no digest")
    return Properties(namespace, own, element.find(f"{{{namespace}}}UnsignedProperties"))


def names(binding: list[tuple[str, bytes]], certificate: x509.Certificate) -> bool:
    """Say whether the first certificate that the signer names is this one (EN 319 132-1 5.2.2)."""
    hash_name, value = binding[0]
    return hmac.compare_digest(digest(hash_name, certificate.dump()), value)


def _values(holder: etree._Element, name: str) -> Iterable[bytes]:
    for element in list(holder.iter(name))[:MAX_VALUES]:
        try:
            yield decode_text(element.text or "")
        except ValueError:
            continue
