"""The words of XML-DSig and XAdES, so that nothing passes for one of them by its namespace.

Around signed content stand keys, properties, timestamps and lists that nobody's signature need cover. What is none of
these may say anything to whoever reads the file: a letter stays a letter inside of a CounterSignature.
"""

from __future__ import annotations

import re

from lxml import etree

from edocx.signing.xml.algorithm_names import DSIG11
from edocx.signing.xml.names import DS, ds
from edocx.signing.xml.qualifying import NAMESPACES

_DSIG = (
    "Signature SignatureValue SignedInfo CanonicalizationMethod SignatureMethod HMACOutputLength Reference "
    "Transforms Transform XPath DigestMethod DigestValue KeyInfo KeyName MgmtData KeyValue RetrievalMethod "
    "X509Data X509CRL X509SKI X509IssuerSerial X509IssuerName X509SerialNumber X509SubjectName X509Certificate "
    "PGPData PGPKeyID PGPKeyPacket SPKIData SPKISexp Object Manifest SignatureProperties SignatureProperty "
    "DSAKeyValue P Q G Y J Seed PgenCounter RSAKeyValue Modulus Exponent"
)
_DSIG_11 = (
    "ECKeyValue NamedCurve PublicKey X509Digest DEREncodedKeyValue KeyInfoReference ECParameters FieldID Prime P "
    "Curve A B Base Order CoFactor"
)
_XADES = (
    "SignedProperties SignedSignatureProperties SignedDataObjectProperties SigningTime SigningCertificate Cert "
    "CertDigest SigningCertificateV2 IssuerSerial IssuerSerialV2 SignaturePolicyIdentifier SignaturePolicyId "
    "SignaturePolicyImplied SigPolicyId SigPolicyHash SigPolicyQualifiers SigPolicyQualifier SPURI SPUserNotice "
    "NoticeRef Organization int NoticeNumbers ExplicitText Identifier Description DocumentationReferences "
    "DocumentationReference City CountryName SignatureProductionPlace SignatureProductionPlaceV2 StreetAddress "
    "StateOrProvince PostalCode SignerRole SignerRoleV2 ClaimedRoles ClaimedRole CertifiedRoles CertifiedRole "
    "CertifiedRolesV2 DataObjectFormat ObjectIdentifier MimeType Encoding CommitmentTypeIndication "
    "CommitmentTypeId ObjectReference AllSignedDataObjects CommitmentTypeQualifiers CommitmentTypeQualifier "
    "AllDataObjectsTimeStamp IndividualDataObjectsTimeStamp Include EncapsulatedTimeStamp"
)
_XADES_UNSIGNED = (
    "QualifyingProperties UnsignedProperties UnsignedSignatureProperties SignatureTimeStamp CounterSignature "
    "CompleteCertificateRefs CompleteCertificateRefsV2 CompleteRevocationRefs CertRefs CRLRefs CRLRef OCSPRefs "
    "OCSPRef DigestAlgAndValue CRLIdentifier OCSPIdentifier Issuer IssueTime Number ResponderID ByName ByKey "
    "ProducedAt AttributeCertificateRefs AttributeCertificateRefsV2 AttributeRevocationRefs SigAndRefsTimeStamp "
    "SigAndRefsTimeStampV2 RefsOnlyTimeStamp RefsOnlyTimeStampV2 CertificateValues RevocationValues CRLValues "
    "OCSPValues AttrAuthoritiesCertValues AttributeRevocationValues EncapsulatedX509Certificate "
    "EncapsulatedCRLValue EncapsulatedOCSPValue EncapsulatedPKIData ArchiveTimeStamp ArchiveTimeStampV2 "
    "TimeStampValidationData AnyValidationData SignaturePolicyStore SPDocSpecification SignaturePolicyDocument "
    "SigPolDocLocalURI RenewedDigests RenewedDigestsV2 RecomputedDigestValue ReferenceInfo"
)
XADES_141 = "http://uri.etsi.org/01903/v1.4.1#"


def _names(*groups: tuple[str, str]) -> frozenset[str]:
    return frozenset(f"{{{namespace}}}{name}" for namespace, names in groups for name in names.split())


SIGNED = _names(
    (DS, _DSIG),
    (DSIG11, _DSIG_11),
    *((one, _XADES) for one in NAMESPACES),
    ("http://www.w3.org/2001/10/xml-exc-c14n#", "InclusiveNamespaces"),
    ("http://www.w3.org/2002/06/xmldsig-filter2", "XPath"),
)
"""Of XML-DSig 1.1 and of what EN 319 132-1 5.2 lets a signer say; a name that nobody defined may hold a letter."""

_FREE = "Description ExplicitText ClaimedRole City StreetAddress StateOrProvince PostalCode CountryName Organization"
UNSIGNED = (SIGNED | _names(*((one, f"{_XADES} {_XADES_UNSIGNED}") for one in (*NAMESPACES, XADES_141)))) - _names(
    (DS, "MgmtData"), *((one, _FREE) for one in (*NAMESPACES, XADES_141))
)
"""With what anybody may add to a signature later (EN 319 132-1 5.3 to 5.5 and its forerunners), but no free text."""

_HOLDERS = frozenset({ds("Object"), ds("SignatureProperties"), ds("SignatureProperty")})
"""Elements for elements: a text right in one is somebody's."""

_ATTRIBUTES = frozenset({
    "Id", "URI", "Algorithm", "Type", "Target", "Encoding", "MimeType", "Qualifier", "PrefixList", "Filter", "Order",
    "ObjectReference", "referencedData", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation",
})  # fmt: skip

_NO_WORDS = re.compile(r"[A-Za-z0-9+/=\s]*")
"""What stands in an Encapsulated… value: base64 (EN 319 132-1 5.1.2), which nobody reads as a text."""

_OCTETS_LATER = frozenset({"SignaturePolicyDocument", "RecomputedDigestValue"})
_OF_NAMES = frozenset({"X509IssuerName", "X509SubjectName", "Issuer", "ByName", "KeyName", "XPath"})
_LISTS = frozenset({"PrefixList", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"})
_OCTETS = _names(
    (DS, "X509SKI X509Certificate X509CRL Modulus Exponent P Q G Y J Seed PgenCounter DigestValue SignatureValue"),
    (DS, "PGPKeyID PGPKeyPacket SPKISexp"),
    (DSIG11, "PublicKey X509Digest DEREncodedKeyValue"),
)


def is_made_of_values(element: etree._Element) -> bool:
    """Say whether an element is of what anybody may add, and holds names, numbers, times, octets, no sentence."""
    return is_made_of(element, UNSIGNED) and not any(
        _has_blanks(one) for one in element.iter(etree.Element) if etree.QName(one).localname not in _OF_NAMES
    )


def _has_blanks(element: etree._Element) -> bool:
    values = (str(value) for name, value in element.attrib.items() if name not in _LISTS)
    text = "" if len(element) or _is_of_octets(element) else element.text or ""
    return any(len(one.split()) > 1 for one in (*values, text))


def is_made_of(element: etree._Element, names: frozenset[str]) -> bool:
    """Say whether an element and all below it are of these names, with texts where the standards have them."""
    if any(True for _ in element.iter(etree.Comment, etree.ProcessingInstruction)):
        return False  # nothing to a program, and something to whoever reads the file
    return all(
        one.tag in names and not set(one.attrib) - _ATTRIBUTES and not misplaces_text(one)
        for one in element.iter(etree.Element)
    )


def has_text(element: etree._Element) -> bool:
    """Say whether something but blanks stands right in an element."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def misplaces_text(element: etree._Element) -> bool:
    """Say whether there is text beside elements, or words where a value of octets belongs."""
    if _is_of_octets(element) and not len(element):
        return _NO_WORDS.fullmatch(element.text or "") is None
    return bool(len(element) or element.tag in _HOLDERS) and has_text(element)


def _is_of_octets(element: etree._Element) -> bool:
    name = str(element.tag).rpartition("}")[2]
    return name.startswith("Encapsulated") or name in _OCTETS_LATER or element.tag in _OCTETS
