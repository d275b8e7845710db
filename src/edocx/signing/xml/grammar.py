"""Which element of XML-DSig and XAdES stands in which, and what its text may be (XML-DSig 1.1; EN 319 132-1 4 and 5).

What nobody signed passes for a part of a signature only in the place and of the shape that the standards give it: an
element of theirs says whatever its reader makes of it as soon as it stands in one of somebody's own (McIntosh and
Austel 2005, 4.2).
"""

from __future__ import annotations

import re

from lxml import etree

_TABLE = """
Signature: SignedInfo SignatureValue KeyInfo Object
SignedInfo: CanonicalizationMethod SignatureMethod Reference
CanonicalizationMethod: InclusiveNamespaces
SignatureMethod: HMACOutputLength RSAPSSParams
RSAPSSParams: DigestMethod MaskGenerationFunction SaltLength TrailerField
MaskGenerationFunction: DigestMethod
Reference: Transforms DigestMethod DigestValue
Transforms: Transform
Transform: XPath InclusiveNamespaces
KeyInfo: KeyName MgmtData KeyValue RetrievalMethod X509Data PGPData SPKIData DEREncodedKeyValue KeyInfoReference
KeyValue: DSAKeyValue RSAKeyValue ECKeyValue
RetrievalMethod: Transforms
X509Data: X509IssuerSerial X509SKI X509SubjectName X509Certificate X509CRL X509Digest
X509IssuerSerial: X509IssuerName X509SerialNumber
PGPData: PGPKeyID PGPKeyPacket
SPKIData: SPKISexp
DSAKeyValue: P Q G Y J Seed PgenCounter
RSAKeyValue: Modulus Exponent
ECKeyValue: ECParameters NamedCurve PublicKey
ECParameters: FieldID Curve Base Order CoFactor
FieldID: Prime
Prime: P
Curve: A B
Object: Manifest SignatureProperties QualifyingProperties KeyInfo SignatureValue
Manifest: Reference
SignatureProperties: SignatureProperty
QualifyingProperties: SignedProperties UnsignedProperties
SignedProperties: SignedSignatureProperties SignedDataObjectProperties
SignedSignatureProperties: SigningTime SigningCertificate SigningCertificateV2 SignaturePolicyIdentifier
SignedSignatureProperties: SignatureProductionPlace SignatureProductionPlaceV2 SignerRole SignerRoleV2
SigningCertificate SigningCertificateV2 CertRefs: Cert
Cert: CertDigest IssuerSerial IssuerSerialV2
CertDigest SigPolicyHash DigestAlgAndValue ReferenceInfo: DigestMethod DigestValue
IssuerSerial: X509IssuerName X509SerialNumber
SignaturePolicyIdentifier: SignaturePolicyId SignaturePolicyImplied
SignaturePolicyId: SigPolicyId Transforms SigPolicyHash SigPolicyQualifiers
SigPolicyId CommitmentTypeId ObjectIdentifier SPDocSpecification: Identifier Description DocumentationReferences
DocumentationReferences: DocumentationReference
SigPolicyQualifiers: SigPolicyQualifier
SigPolicyQualifier: SPURI SPUserNotice SPDocSpecification
SPUserNotice: NoticeRef ExplicitText
NoticeRef: Organization NoticeNumbers
NoticeNumbers: int
SignatureProductionPlace SignatureProductionPlaceV2: City StreetAddress StateOrProvince PostalCode CountryName
SignerRole SignerRoleV2: ClaimedRoles CertifiedRoles CertifiedRolesV2
ClaimedRoles: ClaimedRole
CertifiedRoles CertifiedRolesV2: CertifiedRole
CertifiedRole: EncapsulatedPKIData EncapsulatedX509Certificate X509AttributeCertificate
X509AttributeCertificate: EncapsulatedX509Certificate
SignedDataObjectProperties: DataObjectFormat CommitmentTypeIndication AllDataObjectsTimeStamp
SignedDataObjectProperties: IndividualDataObjectsTimeStamp
DataObjectFormat: Description ObjectIdentifier MimeType Encoding
CommitmentTypeIndication: CommitmentTypeId ObjectReference AllSignedDataObjects CommitmentTypeQualifiers
CommitmentTypeQualifiers: CommitmentTypeQualifier
AllDataObjectsTimeStamp IndividualDataObjectsTimeStamp SignatureTimeStamp: Include ReferenceInfo
AllDataObjectsTimeStamp IndividualDataObjectsTimeStamp SignatureTimeStamp: CanonicalizationMethod EncapsulatedTimeStamp
ArchiveTimeStamp ArchiveTimeStampV2 SigAndRefsTimeStamp: Include ReferenceInfo
ArchiveTimeStamp ArchiveTimeStampV2 SigAndRefsTimeStamp: CanonicalizationMethod EncapsulatedTimeStamp
SigAndRefsTimeStampV2 RefsOnlyTimeStamp RefsOnlyTimeStampV2: Include ReferenceInfo
SigAndRefsTimeStampV2 RefsOnlyTimeStamp RefsOnlyTimeStampV2: CanonicalizationMethod EncapsulatedTimeStamp
UnsignedProperties: UnsignedSignatureProperties
UnsignedSignatureProperties: SignatureTimeStamp CounterSignature CompleteCertificateRefs CompleteCertificateRefsV2
UnsignedSignatureProperties: CompleteRevocationRefs AttributeCertificateRefs AttributeCertificateRefsV2
UnsignedSignatureProperties: AttributeRevocationRefs SigAndRefsTimeStamp SigAndRefsTimeStampV2 RefsOnlyTimeStamp
UnsignedSignatureProperties: RefsOnlyTimeStampV2 CertificateValues RevocationValues AttrAuthoritiesCertValues
UnsignedSignatureProperties: AttributeRevocationValues ArchiveTimeStamp ArchiveTimeStampV2 TimeStampValidationData
UnsignedSignatureProperties: AnyValidationData SignaturePolicyStore RenewedDigests RenewedDigestsV2
CounterSignature: Signature
CompleteCertificateRefs CompleteCertificateRefsV2 AttributeCertificateRefs AttributeCertificateRefsV2: CertRefs
CompleteRevocationRefs AttributeRevocationRefs: CRLRefs OCSPRefs
CRLRefs: CRLRef
CRLRef: DigestAlgAndValue CRLIdentifier
CRLIdentifier: Issuer IssueTime Number
OCSPRefs: OCSPRef
OCSPRef: OCSPIdentifier DigestAlgAndValue
OCSPIdentifier: ResponderID ProducedAt
ResponderID: ByName ByKey
CertificateValues AttrAuthoritiesCertValues: EncapsulatedX509Certificate
RevocationValues AttributeRevocationValues: CRLValues OCSPValues
CRLValues: EncapsulatedCRLValue
OCSPValues: EncapsulatedOCSPValue
TimeStampValidationData AnyValidationData: CertificateValues RevocationValues
SignaturePolicyStore: SPDocSpecification SignaturePolicyDocument SigPolDocLocalURI
RenewedDigests RenewedDigestsV2: RecomputedDigestValue
"""

# No part gives back what it took (*+): a text of megabytes is read once, whatever is in it.
_OCTETS = re.compile(r"\s*+(?:[A-Za-z0-9+/=]++[ \t]*+(?:[\r\n]\s*+|\Z))*+", re.ASCII)
"""Base64, in lines; blanks within a line are between words."""
_PLACE = re.compile(r"\s*+[\w.~:/?#\[\]@!$&'()*+,;=%\-]*+\s*+", re.ASCII)
_NUMBER = re.compile(r"\s*+-?\d{1,80}+\s*+", re.ASCII)
_TIME = re.compile(r"\s*+[\d:.TZ+\-]{8,40}+\s*+", re.ASCII)
_NAME = re.compile(r"\s*+/?+[\w.\-]++\s*+=.*+", re.DOTALL)
_PLACES = re.compile(r"(?>\s*+(?=\S*[:/.])[\w.~:/?#@!&()*+,;=%\-]++)*+\s*+", re.ASCII)
_IDENTIFIER = re.compile("[A-Za-z0-9_.:\\-\u00c0-\u024f\u1e00-\u1eff]*+")
"""An XML name in Latin letters, Vietnamese ones too; others have letters that look like blanks."""
_EXPRESSION = re.compile(r"[\w.\-:()\[\]/@*=!,|\s]*+", re.ASCII)
"""An XPath of qualified names alone, ``not(ancestor-or-self::ds:Signature)``: its words are looked at besides."""

_OF_XPATH = frozenset({"not", "and", "or", "count", "here", "self", "."})
_NAMES = re.compile(r"[\w.\-:]++", re.ASCII)

_WORDS = re.compile(r".*", re.DOTALL)
_NOTHING = re.compile(r"\s*")

_SHAPES: dict[re.Pattern[str], str] = {
    _OCTETS: (
        "X509SKI X509Certificate X509CRL X509Digest Modulus Exponent P Q G Y J A B Base Order CoFactor Seed "
        "PgenCounter PublicKey DigestValue SignatureValue DEREncodedKeyValue PGPKeyID PGPKeyPacket SPKISexp ByKey "
        "EncapsulatedTimeStamp EncapsulatedX509Certificate EncapsulatedCRLValue EncapsulatedOCSPValue "
        "EncapsulatedPKIData SignaturePolicyDocument RecomputedDigestValue CertifiedRole IssuerSerialV2 "
        "X509AttributeCertificate"
    ),
    _PLACE: "Identifier SPURI DocumentationReference SigPolDocLocalURI ObjectReference MimeType Encoding",
    _NUMBER: "X509SerialNumber Number int HMACOutputLength SaltLength TrailerField",
    _TIME: "SigningTime IssueTime ProducedAt",
    _NAME: "X509IssuerName X509SubjectName Issuer ByName ResponderID",
    _EXPRESSION: "XPath",
    _WORDS: (
        "KeyName MgmtData Description ExplicitText Organization ClaimedRole City StreetAddress "
        "StateOrProvince PostalCode CountryName CommitmentTypeQualifier"
    ),
}
"""Names to what their text is, where they hold no elements. Whatever is not listed has no text of its own."""

_ATTRIBUTES: dict[str, re.Pattern[str]] = {
    "Id": _IDENTIFIER,
    "PrefixList": re.compile(r"[\w.\-:#\s]*", re.ASCII),
    "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation": _PLACES,
    **dict.fromkeys(
        ("URI", "Algorithm", "Type", "Target", "Encoding", "MimeType", "Qualifier", "ObjectReference"), _PLACE
    ),
    **dict.fromkeys(("Filter", "Order", "referencedData"), _IDENTIFIER),
}


def _read(table: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in table.strip().splitlines():
        above, _, below = line.partition(":")
        for one in above.split():
            found[one] = found.get(one, frozenset()) | frozenset(below.split())
    return found


_CHILDREN = _read(_TABLE)
_TEXTS = {name: shape for shape, names in _SHAPES.items() for name in names.split()}


def is_well_placed(element: etree._Element) -> bool:
    """Say whether all right in an element of the standards stands there by them: its elements, and no text beside."""
    below = _CHILDREN.get(_local(element), frozenset())
    children = list(element.iterchildren("*"))
    if any(_local(one) not in below or (one.tail or "").strip() for one in children):
        return False
    return not (children and (element.text or "").strip())


def is_shaped(element: etree._Element, *, in_words: bool = False) -> bool:
    """Say whether the text and the attributes of an element are what the standards have there, and no sentence.

    ``in_words`` leaves it to who signed them how addresses, times and types are written: octets stay octets.
    """
    shape, text = _TEXTS.get(_local(element), _NOTHING), element.text or ""
    if in_words:
        known = {str(name) for name in element.attrib} <= set(_ATTRIBUTES)
        return known and (len(element) > 0 or shape not in {_OCTETS, _NOTHING} or shape.fullmatch(text) is not None)
    if not has_attributes_of(element, frozenset(_ATTRIBUTES)):
        return False
    if len(element):
        return True
    words = _NAMES.findall(text) if shape is _EXPRESSION else ()
    return shape.fullmatch(text) is not None and all(word in _OF_XPATH or ":" in word for word in words)


def has_attributes_of(element: etree._Element, names: frozenset[str]) -> bool:
    """Say whether an element has no attributes but these, each of the shape that the standards give it."""
    told = ((str(name), str(value)) for name, value in element.attrib.items())
    return all(name in names and _ATTRIBUTES[name].fullmatch(value) is not None for name, value in told)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
