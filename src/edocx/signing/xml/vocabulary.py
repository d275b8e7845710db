"""The words of XML-DSig and XAdES, so that nothing passes for one of them by its namespace.

Around signed content stand keys, properties, timestamps and lists that nobody's signature need cover. What is none of
these may say anything to whoever reads the file: a letter stays a letter inside of a CounterSignature.
"""

from __future__ import annotations

from lxml import etree

from edocx.signing.xml.algorithm_names import DSIG11
from edocx.signing.xml.grammar import is_shaped, is_well_placed
from edocx.signing.xml.names import DS
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
    "CertifiedRolesV2 X509AttributeCertificate DataObjectFormat ObjectIdentifier MimeType Encoding "
    "CommitmentTypeIndication "
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
    (XADES_141, "SPDocSpecification"),
    ("http://www.w3.org/2001/10/xml-exc-c14n#", "InclusiveNamespaces"),
    ("http://www.w3.org/2007/05/xmldsig-more#", "RSAPSSParams MaskGenerationFunction SaltLength TrailerField"),
    ("http://www.w3.org/2002/06/xmldsig-filter2", "XPath"),
)
"""Of XML-DSig 1.1 and of what EN 319 132-1 5.2 lets a signer say; a name that nobody defined may hold a letter."""

_FREE = (
    "Description ExplicitText Organization ClaimedRole City StreetAddress StateOrProvince PostalCode CountryName "
    "CommitmentTypeQualifier"
)
UNSIGNED = (SIGNED | _names(*((one, f"{_XADES} {_XADES_UNSIGNED}") for one in (*NAMESPACES, XADES_141)))) - _names(
    (DS, "MgmtData KeyName"), *((one, _FREE) for one in (*NAMESPACES, XADES_141))
)
"""With what anybody may add to a signature later (EN 319 132-1 5.3 to 5.5 and its forerunners), but no free text."""


def is_made_of(element: etree._Element, names: frozenset[str], *, in_words: bool = False) -> bool:
    """Say whether an element and all below it are of these names, each in its place and of its shape (`is_shaped`)."""
    if any(True for _ in element.iter(etree.Comment, etree.ProcessingInstruction)):
        return False  # nothing to a program, and something to whoever reads the file
    return all(
        one.tag in names and is_well_placed(one) and is_shaped(one, in_words=in_words)
        for one in element.iter(etree.Element)
    )
