"""What stands in an XML document outside of what its signatures cover, and is read by others all the same.

Signature wrapping lives here: the signed element stays intact, and what says how it is meant (the element around it,
an attribute of that, a neighbour, a style sheet in front) is written by anybody. So nothing uncovered is silent: names,
attributes, texts, instructions and comments are found wherever no reference reaches (McIntosh and Austel 2005, 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from edocx.signing.xml.algorithm_names import DSIG11
from edocx.signing.xml.grammar import has_attributes_of
from edocx.signing.xml.names import BASE64_TRANSFORM, ds
from edocx.signing.xml.own_parts import foreign_in
from edocx.signing.xml.qualifying import NAMESPACES
from edocx.signing.xml.vocabulary import SIGNED, UNSIGNED, is_made_of

_XADES = (*NAMESPACES, "http://uri.etsi.org/01903/v1.4.1#")
_IN_SIGNATURE = frozenset({ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"), ds("Object")})
_OF_SIGNATURE = frozenset({"Id", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"})
_ONLY_ID = frozenset({"Id"})
_OF_POINTER = frozenset({"Id", "URI"})
_OF_OBJECT = frozenset({"Id", "MimeType", "Encoding"})
_OF_ROOT = _OF_SIGNATURE - _ONLY_ID
_OF_CARRIER = _OF_SIGNATURE | {"URI"}
"""What names a document of nothing but signatures and Objects of XMLDSig; told with the root that carries it."""

_IN_KEY_INFO = frozenset({ds("X509Data"), ds("KeyValue"), ds("RetrievalMethod")}) | {
    f"{{{DSIG11}}}{local}" for local in ("DEREncodedKeyValue", "KeyInfoReference")
}
"""Keys and certificates, which are checked with the signature; all else in KeyInfo is what somebody says."""

_IN_X509_DATA = frozenset({ds("X509Certificate"), ds("X509CRL"), ds("X509SKI"), ds("X509IssuerSerial")}) | {
    f"{{{DSIG11}}}X509Digest"
}
"""What finds a certificate, or is checked itself; the name of a subject beside it is whatever somebody wrote."""

_UNSIGNED_PROPERTIES = frozenset({
    "SignatureTimeStamp", "CounterSignature",
    "CompleteCertificateRefs", "CompleteCertificateRefsV2", "CompleteRevocationRefs",
    "AttributeCertificateRefs", "AttributeCertificateRefsV2", "AttributeRevocationRefs",
    "SigAndRefsTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStamp", "RefsOnlyTimeStampV2",
    "CertificateValues", "RevocationValues", "AttrAuthoritiesCertValues", "AttributeRevocationValues",
    "ArchiveTimeStamp", "ArchiveTimeStampV2", "TimeStampValidationData", "AnyValidationData",
    "SignaturePolicyStore", "RenewedDigests", "RenewedDigestsV2",
})  # fmt: skip
"""Of EN 319 132-1 5.3 to 5.5 and its forerunners; what another name says is anybody's."""


@dataclass(slots=True)
class Surroundings:
    """What no signature covers: the first of each sort, None where there is none."""

    stray: etree._Element | None = None
    """An element, or a text or attribute of one, that may say anything; also one that moves a signed part."""

    enclosing: etree._Element | None = None
    """A root around signed parts that has no more of its own than its name, or what a `_OF_CARRIER` may have."""

    instruction: etree._Element | None = None
    comment: etree._Element | None = None
    encoded: etree._Element | None = None
    """An element of a name that nobody signed around a text that somebody did."""

    claim: etree._Element | None = None
    """What a KeyInfo says beside keys and certificates."""

    signatures: frozenset[etree._Element] = frozenset()
    texts: Mapping[etree._Element, str | None] = field(default_factory=dict)


def surroundings_of(
    root: etree._Element,
    covered: Iterable[etree._Element],
    signatures: Iterable[etree._Element],
    *,
    texts: Mapping[etree._Element, str | None] | None = None,
    whole: bool,
) -> Surroundings:
    """Find what stands outside of ``covered``, elements that count with all below them.

    Of ``texts`` the text alone is signed; each comes with the media type that the signer states for it. ``whole`` says
    that instructions beside the root are covered too. A signature within what it signs is left out of it (the enveloped
    transform): what is in it is looked at by itself.
    """
    within, own = set(covered), frozenset(signatures)
    found = Surroundings(signatures=own, texts=texts or {})
    for node in _beside(root):
        _note(node, found, signed=whole)
    waiting = [root, *own]
    while waiting:
        node = waiting.pop()
        if not _is_element(node):
            _note(node, found, signed=False)
        elif node in within:
            continue
        elif node in own:
            waiting += _in_signature(node, within, found)
        else:
            waiting += _in_element(node, root, found)
    return found


def _is_element(node: Any) -> bool:
    return isinstance(node.tag, str)  # comments and instructions have a function there


def _beside(root: etree._Element) -> Iterator[etree._Element]:
    yield from root.itersiblings(preceding=True)
    yield from root.itersiblings()


def _note(node: Any, found: Surroundings, *, signed: bool) -> None:
    if node.tag is etree.Comment:
        found.comment = node if found.comment is None else found.comment
    elif node.tag is etree.ProcessingInstruction and not signed and found.instruction is None:
        found.instruction = node


def _in_element(element: etree._Element, root: etree._Element, found: Surroundings) -> list[etree._Element]:
    """Judge an uncovered element by what it has of its own; return what else is to be looked at."""
    inside = list(element.iterchildren("*"))
    if element in found.texts and not inside and _says_encoding(element, found.texts[element]):
        if element.tag != ds("Object") or element.getparent() not in found.signatures:
            found.encoded = element if found.encoded is None else found.encoded
        return list(element)
    carrier = all(child in found.signatures or child.tag == ds("Object") for child in inside)
    if element is root and inside and not _speaks(element, _OF_CARRIER if carrier else _OF_ROOT):
        found.enclosing = element
    elif not _is_frame(element, found) and found.stray is None:
        found.stray = element
    return list(element)


def _says_encoding(element: etree._Element, media_type: str | None) -> bool:
    """Say whether an element has no more attributes than the encoding of its text, and the type that was signed."""
    known = {"Encoding": BASE64_TRANSFORM, "MimeType": media_type, "Id": element.get("Id")}
    return all(known.get(str(name)) == value for name, value in element.attrib.items())


def _is_frame(element: etree._Element, found: Surroundings) -> bool:
    """Say whether an element is one that XMLDSig puts around signed content, with an identifier and nothing else."""
    holder = element if element.tag == ds("Object") else element.getparent()
    if holder is None or holder.tag != ds("Object") or holder.getparent() not in found.signatures:
        return False
    return element.tag in {ds("Object"), ds("SignatureProperties")} and not _speaks(element, _ONLY_ID)


def _in_signature(signature: etree._Element, covered: set[etree._Element], found: Surroundings) -> list[etree._Element]:
    """Judge what stands in a signature beside what its value holds together; return what else is to be looked at."""
    foreign = signature if _speaks(signature, _OF_SIGNATURE) else None
    left = []
    for child in signature:
        if not _is_element(child):
            left.append(child)
        elif child.tag not in _IN_SIGNATURE or (child.tag == ds("SignatureValue") and set(child.attrib) - _ONLY_ID):
            foreign = child if foreign is None else foreign
        elif child in covered:
            continue
        elif child.tag == ds("KeyInfo"):
            foreign = foreign_in(child) if foreign is None else foreign
            found.claim = _claim_in(child) if found.claim is None else found.claim
            left += _instructions(child)
        elif child.tag == ds("Object") and _holds_properties(child, covered):
            left += _instructions(child)
        elif child.tag == ds("Object"):
            left.append(child)
    found.stray = foreign if found.stray is None else found.stray
    return left


def _instructions(holder: etree._Element) -> Iterator[etree._Element]:
    return holder.iter(etree.ProcessingInstruction)


def _claim_in(info: etree._Element) -> etree._Element | None:
    if _speaks(info, _ONLY_ID):
        return info
    for one in info.iterchildren("*"):
        if one.tag not in _IN_KEY_INFO:
            return one
        if one.tag == ds("X509Data"):
            said = next((part for part in one.iterchildren("*") if part.tag not in _IN_X509_DATA), None)
            if said is not None or _says(one):
                return one if said is None else said
    return None


def _holds_properties(holder: etree._Element, covered: set[etree._Element]) -> bool:
    """Say whether an Object holds qualifying properties of the shape of EN 319 132-1 4.3.1, or a key, and no more."""
    inside = list(holder.iterchildren("*"))
    if not inside or _speaks(holder, _OF_OBJECT):
        return False
    return all(
        one in covered
        or (one.tag == ds("KeyInfo") and foreign_in(one) is None and _claim_in(one) is None)
        or _points_to_properties(one)
        or any(one.tag == f"{{{ns}}}QualifyingProperties" and _is_framed(one, ns, covered) for ns in NAMESPACES)
        for one in inside
    )


def _points_to_properties(element: etree._Element) -> bool:
    """Say whether an element is a reference to properties elsewhere (EN 319 132-1 4.3.2): an address, no words."""
    known = any(element.tag == f"{{{ns}}}QualifyingPropertiesReference" for ns in _XADES)
    return known and not len(element) and not _speaks(element, _OF_POINTER)


def _is_framed(properties: etree._Element, namespace: str, covered: set[etree._Element]) -> bool:
    if _speaks(properties, _OF_SIGNATURE | {"Target"}):
        return False
    for part in properties.iterchildren("*"):
        if part in covered:
            continue
        if part.tag != f"{{{namespace}}}UnsignedProperties" or _speaks(part, _ONLY_ID):
            return False
        for group in part.iterchildren("*"):
            # Timestamps, certificates and the like, each checked where it counts; what holds data is none of them.
            if group.tag != f"{{{namespace}}}UnsignedSignatureProperties" or _speaks(group, _ONLY_ID):
                return False
            if any(not _is_property(one) for one in group.iterchildren("*")):
                return False
    return True


def _is_property(element: etree._Element) -> bool:
    name = etree.QName(element)
    if name.namespace not in _XADES or name.localname not in _UNSIGNED_PROPERTIES:
        return False
    if not is_made_of(element, UNSIGNED) and not _is_policy_named(element):
        return False
    inside = list(element.iterchildren("*"))
    if name.localname == "CounterSignature":
        return len(inside) == 1 and inside[0].tag == ds("Signature") and _is_signature(inside[0])
    # References name a certificate or a list by digest, issuer and place, each in an element of its own.
    return (
        not name.localname.startswith("Attribute")
        or not name.localname.endswith(_REFERENCES)
        or not any(etree.QName(one).localname not in _OF_REFERENCES for one in inside)
    )


def _is_policy_named(element: etree._Element) -> bool:
    """Say whether an element holds the policy (EN 319 132-1 5.2.10) that a signature states, and words about it."""
    signature = next(element.iterancestors(ds("Signature")), None)
    if signature is None or not str(element.tag).endswith("}SignaturePolicyStore"):
        return False
    stated = any(
        signature.find("/".join((ds("Object"), *(f"{{{ns}}}{n}" for n in _POLICY)))) is not None for ns in NAMESPACES
    )
    return stated and is_made_of(element, SIGNED | UNSIGNED)


_POLICY = (
    *("QualifyingProperties", "SignedProperties", "SignedSignatureProperties", "SignaturePolicyIdentifier"),
    "SignaturePolicyId",
)
"""Where a signature states its own policy; a countersignature in it states another's."""

_REFERENCES = ("CertificateRefs", "CertificateRefsV2", "RevocationRefs")
_OF_REFERENCES = frozenset({"CertRef", "CertRefs", "CRLRefs", "OCSPRefs", "OtherRefs"})


def _is_signature(element: etree._Element) -> bool:
    """Say whether a countersignature, which is not judged here, is at least one: what holds no SignedInfo is data."""
    return [one.tag for one in element.iterchildren("*")][:2] == [ds("SignedInfo"), ds("SignatureValue")]


def _speaks(element: etree._Element, attributes: frozenset[str]) -> bool:
    """Say whether an element has a text of its own, or an attribute that is none of these and of their shape."""
    return not has_attributes_of(element, attributes) or _says(element)


def _says(element: etree._Element) -> bool:
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)
