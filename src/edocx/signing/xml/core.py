"""Core validation of any `ds:Signature` (XML-DSig 1.1 section 3.2) with its XAdES properties.

For our own envelope seal there is the strict `edocx.signing.xml.verify`; this one takes what others made, and reports
what it covers, because nothing but the caller can say what should have been covered.

1. Structure: one SignedInfo, one SignatureValue, known algorithms.
2. References: each resolved inside the document or in a file given by hand, transformed, digested.
3. XAdES: signed properties must be referenced, and bind the signing certificate by digest.
4. Key: given by hand, else the certificate that the signer bound, else one in KeyInfo that fits, else a bare key.
5. The signature value over the canonical SignedInfo.
6. Timestamps in the unsigned properties.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from edocx._xml import parse
from edocx.errors import EdocxError, LimitExceeded, SigningRefused
from edocx.signing.budget import Budget
from edocx.signing.doctor import explain, explain_canonicalisation, explain_element
from edocx.signing.given import GivenKey
from edocx.signing.judgement import Finding
from edocx.signing.mechanism import Mechanism, VerifyingKey, digest, load_key
from edocx.signing.messages import (
    BUDGET,
    MALFORMED_SIGNATURE,
    NO_CERTIFICATE,
    NOT_THE_CERTIFICATE,
    UNKNOWN_ALGORITHM,
    VALUE,
)
from edocx.signing.report import Indication, Integrity, Message, SubIndication
from edocx.signing.signed import MAX_KEPT, Content, SignedXml, kept
from edocx.signing.token import Token
from edocx.signing.trust import TrustStore
from edocx.signing.xml.algorithm_names import DIGESTS, Mac, read_method
from edocx.signing.xml.archive import archive_stamps, archive_tokens
from edocx.signing.xml.encoding import decode_value
from edocx.signing.xml.key_info import Offered, read_key_info
from edocx.signing.xml.manifests import MANIFEST, MANIFEST_TYPE, MAX_LISTED, followed, unfollowed, unread
from edocx.signing.xml.names import ds
from edocx.signing.xml.prefixes import unsigned_prefix
from edocx.signing.xml.qualifying import MALFORMED, TYPES, Properties, names, properties_of
from edocx.signing.xml.remarks import SECRET_NEEDED, UNSIGNED_PROPERTIES, doubled, mismatch, missing, prefix, refused
from edocx.signing.xml.selection import CANONICALISATIONS, DoubledIdentifier, Nodes, canonical_element
from edocx.signing.xml.source import MissingSource, Sources
from edocx.signing.xml.transforms import TransformRefused, inclusive_prefixes, transform

MAX_PARTS = 1_000
"""Elements that one signature may cover apart from each other: each is named, and looked around."""

MAX_REFERENCES = 200
"""In one SignedInfo; each may canonicalise the whole document."""


@dataclass(slots=True)
class _Work:
    """What becomes known of a signature on the way, kept also when a later step fails."""

    algorithm: str = "unknown"
    hash_names: list[str] = field(default_factory=list)
    certificate: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    properties: Properties | None = None
    covered: list[Nodes] = field(default_factory=list)
    given: bool = False
    bound: bool = False
    detached: bool = False
    absent: str | None = None
    """What a manifest lists and nobody gave."""
    notes: list[Message] = field(default_factory=list)
    causes: list[Message] = field(default_factory=list)
    archived: list[bytes] | None = None
    """The octets of every reference, for archive timestamps; None where there is none."""
    kept: list[tuple[str, bytes]] | None = None
    """The octets of every reference but that to the signed properties, where somebody asked for them."""

    def cover(self, nodes: Nodes) -> None:
        """Note what a reference covers; raise `_Fault` when these are more parts than anybody looks at."""
        self.covered.append(nodes)
        if sum(len(one.apexes) for one in self.covered) > MAX_PARTS:
            raise _Fault(SubIndication.GENERIC, BUDGET, Indication.INDETERMINATE)


class _Fault(Exception):
    """Carries a failed step to the one place that makes the finding."""

    def __init__(self, sub: SubIndication, message: Message, outcome: Indication = Indication.TOTAL_FAILED) -> None:
        super().__init__(message.en)
        self.sub, self.message, self.outcome = sub, message, outcome


@dataclass(frozen=True, slots=True)
class CoreResult:
    """A finding and the parts of the document that its references cover."""

    finding: Finding
    covered: tuple[Nodes, ...]
    signature: etree._Element


def examine_any(
    signature: etree._Element,
    *,
    sources: Sources,
    keys: Iterable[GivenKey],
    budget: Budget,
    name: str,
    keep: bool = False,
) -> CoreResult:
    """Check one signature of any shape; trust comes later (`edocx.signing.judgement.judge`).

    ``keep`` holds on to the octets that its references were hashed over.
    """
    work = _Work(kept=[] if keep else None)
    fault: _Fault | None = None
    try:
        _examine(signature, sources, tuple(keys), budget, work)
    except _Fault as failed:
        fault = failed
    except LimitExceeded:
        fault = _Fault(SubIndication.GENERIC, BUDGET, Indication.INDETERMINATE)
    except (*MALFORMED, RecursionError, SigningRefused, etree.LxmlError):
        fault = _Fault(SubIndication.FORMAT_FAILURE, MALFORMED_SIGNATURE)
    finding = replace(_finding(signature, work, name), matched=frozenset(sources.used))
    if fault is None and work.absent is not None:
        # XML-DSig 3.2: the signature holds, its list too; what is listed was not seen, so nothing is said of that.
        told = (*finding.messages, missing(work.absent))
        lost = SubIndication.SIGNED_DATA_NOT_FOUND
        finding = replace(finding, outcome=Indication.INDETERMINATE, failure=lost, messages=told)
    if fault is None:
        return CoreResult(finding, tuple(work.covered), signature)
    failed_for_good = fault.outcome is Indication.TOTAL_FAILED
    finding = replace(
        finding,
        integrity=Integrity.INVALID if failed_for_good else Integrity.INDETERMINATE,
        outcome=fault.outcome,
        failure=fault.sub,
        messages=(fault.message, *work.causes),
        tokens=(),
        archives=(),
    )
    return CoreResult(finding, (), signature)


def _finding(signature: etree._Element, work: _Work, name: str) -> Finding:
    properties = work.properties
    tokens: tuple[Token, ...] = ()
    archives: tuple[Token, ...] = ()
    notes = tuple(work.notes)
    evidence = TrustStore()
    if properties is not None:
        evidence = properties.evidence()
        value = signature.find(ds("SignatureValue"))
        tokens = properties.tokens(value) if value is not None else ()
        if work.archived is not None:
            archives, unjudged = archive_tokens(properties, signature, work.archived)
            notes = (*notes, *unjudged)
    return Finding(
        id=name,
        format="XAdES" if properties is not None else "XMLDSig",
        integrity=Integrity.VALID,
        covers="whole-document" if any(nodes.whole for nodes in work.covered) else "elements",
        algorithm=work.algorithm,
        hash_names=tuple(dict.fromkeys(work.hash_names)),
        certificate=work.certificate,
        embedded=work.others,
        claimed_time=properties.claimed_time() if properties is not None else None,
        level=_level(work, tokens, archives, evidence),
        tokens=tokens,
        archives=archives,
        evidence=evidence,
        given_key=work.given and work.certificate is None,
        messages=notes,
        content=Content("xml", kept(work.kept), SignedXml) if work.kept is not None else None,
    )


def _level(
    work: _Work, tokens: tuple[Token, ...], archives: tuple[Token, ...], evidence: TrustStore
) -> Literal["B-B", "B-T", "B-LT", "B-LTA"] | None:
    if work.properties is None or not work.bound:
        return None
    if not any(token.intact for token in (*tokens, *archives)):
        return "B-B"
    if any(token.intact for token in archives) and any(token.intact for token in tokens):
        return "B-LTA"
    return "B-LT" if evidence.revocation_lists or evidence.ocsp_responses else "B-T"


def _examine(
    signature: etree._Element, sources: Sources, given: tuple[GivenKey, ...], budget: Budget, work: _Work
) -> None:
    # 1. structure
    info = _only(signature, ds("SignedInfo"))
    if any(not isinstance(node.tag, str) for node in info.iter()):
        # What canonicalisation drops must not be there to be read: only what was hashed counts.
        raise ValueError("comments in SignedInfo")
    method = _method(info, work)
    canonicalisation = _only(info, ds("CanonicalizationMethod"))
    way = CANONICALISATIONS.get(canonicalisation.get("Algorithm", ""))
    if way is None:
        raise _Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM)
    work.properties = properties_of(signature)
    if work.properties is not None and archive_stamps(work.properties):
        work.archived = []
    # 2. references
    references = info.findall(ds("Reference"))
    if not 0 < len(references) <= MAX_REFERENCES:
        raise ValueError("no references, or too many")
    seen = [_check_reference(reference, signature, sources, budget, work) for reference in references]
    archived, work.archived = work.archived, None  # what manifests list is stamped through them
    _check_manifests([nodes for nodes in seen if nodes is not None], signature, sources, budget, work)
    work.archived = archived
    # 3. signed properties
    if work.properties is not None:
        _check_properties(work.properties, references, seen)
    # 4, 5. key and value
    value = decode_value(_only(signature, ds("SignatureValue")))
    data = canonical_element(info, way, inclusive_prefixes(canonicalisation))
    if isinstance(method, Mac):
        _check_mac(method, value, data, given)
        work.given = True
    else:
        _check_value(method, value, data, signature=signature, given=given, work=work)


def _method(info: etree._Element, work: _Work) -> Mechanism | Mac:
    try:
        method = read_method(_only(info, ds("SignatureMethod")))
    except (ValueError, KeyError) as error:
        raise _Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM) from error
    work.algorithm = method.name
    work.hash_names.append(method.hash_name)
    return method


def _check_reference(
    reference: etree._Element, signature: etree._Element, sources: Sources, budget: Budget, work: _Work
) -> Nodes | None:
    budget.check()
    uri = reference.get("URI")
    try:
        source = sources.resolve(uri, signature)
        data, covered = transform(source, reference, signature, budget, work.notes)
    except MissingSource as error:
        raise _Fault(SubIndication.SIGNED_DATA_NOT_FOUND, missing(uri), Indication.INDETERMINATE) from error
    except DoubledIdentifier as error:
        raise _Fault(SubIndication.FORMAT_FAILURE, doubled(uri)) from error
    except TransformRefused as error:
        raise _Fault(SubIndication.FORMAT_FAILURE, refused(uri, str(error))) from error
    hash_name = DIGESTS.get(_only(reference, ds("DigestMethod")).get("Algorithm", ""))
    if hash_name is None:
        raise _Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM)
    work.hash_names.append(hash_name)
    expected = decode_value(_only(reference, ds("DigestValue")))
    if not hmac.compare_digest(digest(hash_name, data), expected):
        work.causes += _causes(source, data, hash_name, expected)
        raise _Fault(SubIndication.HASH_FAILURE, mismatch(uri))
    _keep(reference, uri, data, work)
    if reference.get("Type") == MANIFEST_TYPE and not _is_list(covered):
        work.notes.append(unread(uri or ""))
    if isinstance(source, Nodes):
        if covered is not None and covered.text_only:
            kind = work.properties.media_type(reference) if work.properties is not None else None
            work.cover(replace(covered, media_type=kind))
            return None
        if covered is not None:
            work.cover(covered)
            loose = unsigned_prefix(data, covered)
            work.notes += [] if loose is None else [prefix(loose)]
        return covered
    work.detached = True
    return None


def _is_list(covered: Nodes | None) -> bool:
    return covered is not None and not covered.text_only and covered.apexes[0].tag == MANIFEST


def _keep(reference: etree._Element, uri: str | None, data: bytes, work: _Work) -> None:
    held = sum(len(octets) for _, octets in work.kept or ()) + sum(map(len, work.archived or ()))
    if held + len(data) > MAX_KEPT and (work.kept is not None or work.archived is not None):
        raise _Fault(SubIndication.GENERIC, BUDGET, Indication.INDETERMINATE)
    if work.archived is not None:
        work.archived.append(data)
    if work.kept is not None and reference.get("Type") not in TYPES:
        work.kept.append((uri or "", data))


def _causes(source: bytes | Nodes, data: bytes, hash_name: str, expected: bytes) -> list[Message]:
    def fits(variant: bytes) -> bool:
        return hmac.compare_digest(digest(hash_name, variant), expected)

    if isinstance(source, bytes):
        found = explain(data, fits)
    else:
        # What was digested, read again: the signature and whatever else the transforms left out is gone from it.
        try:
            root = parse(data)
        except EdocxError:
            return []

        def fits_somehow(element: etree._Element) -> bool:
            return any(fits(canonical_element(element, way)) for way in CANONICALISATIONS.values())

        found = explain_canonicalisation(root, fits_somehow) or explain_element(root, fits_somehow)
    return [] if found is None else [found]


def _check_manifests(
    signed: list[Nodes], signature: etree._Element, sources: Sources, budget: Budget, work: _Work
) -> None:
    # XML-DSig 1.1 5.1 leaves these to the application: here what is listed is what was signed, all of it, and what is
    # listed by a list that is listed too.
    waiting, listed = list(signed), 0
    known: set[etree._Element] = set()
    while waiting:
        nodes = waiting.pop(0)
        if (loose := unfollowed(nodes)) is not None:
            work.notes.append(unread(loose.getroottree().getpath(loose)))
        for manifest in [one for one in followed(nodes, signature) if one not in known]:
            known.add(manifest)
            references = manifest.findall(ds("Reference"))
            listed += len(references)
            if listed > MAX_LISTED:
                raise _Fault(SubIndication.GENERIC, BUDGET, Indication.INDETERMINATE)
            waiting += [n for one in references if (n := _check_listed(one, signature, sources, budget, work))]


def _check_listed(
    reference: etree._Element, signature: etree._Element, sources: Sources, budget: Budget, work: _Work
) -> Nodes | None:
    try:
        return _check_reference(reference, signature, sources, budget, work)
    except _Fault as fault:
        if fault.sub is not SubIndication.SIGNED_DATA_NOT_FOUND:
            raise
        work.absent = work.absent or reference.get("URI") or "?"
        return None


def _check_properties(properties: Properties, references: list[etree._Element], seen: list[Nodes | None]) -> None:
    # EN 319 132-1 5.1: a reference of this type to these properties; without it anyone may write them.
    for reference, nodes in zip(references, seen, strict=True):
        if nodes is not None and properties.signed in nodes.apexes and reference.get("Type") in TYPES:
            return
    if any(nodes is not None and properties.signed in nodes.apexes for nodes in seen):
        return  # referenced without the type: as good, for the digest covers them
    raise _Fault(SubIndication.FORMAT_FAILURE, UNSIGNED_PROPERTIES)


def _check_mac(method: Mac, value: bytes, data: bytes, given: tuple[GivenKey, ...]) -> None:
    secrets = [key.secret for key in given if key.secret is not None]
    if not secrets:
        raise _Fault(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, SECRET_NEEDED, Indication.INDETERMINATE)
    for secret in secrets:
        code = hmac.new(secret, data, getattr(hashlib, method.hash_name)).digest()[: method.size]
        if hmac.compare_digest(code, value):
            return
    raise _Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)


def _check_value(
    method: Mechanism,
    value: bytes,
    data: bytes,
    *,
    signature: etree._Element,
    given: tuple[GivenKey, ...],
    work: _Work,
) -> None:
    chosen = [key for key in given if key.secret is None]
    binding = work.properties.binding() if work.properties is not None else None
    offered = read_key_info(signature) if not chosen or binding is not None else Offered()
    if chosen:
        _check_given(method, value, data, chosen, work)
        work.others = offered.certificates
        return
    evidence = work.properties.evidence() if work.properties is not None else None
    candidates = offered.certificates or (evidence.intermediates if evidence is not None and binding else ())
    if binding is not None:
        candidates = tuple(c for c in candidates if names(binding, c))
        if not candidates:
            message = NOT_THE_CERTIFICATE if offered.certificates else NO_CERTIFICATE
            raise _Fault(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, message, Indication.INDETERMINATE)
        work.bound = True
    if not candidates:
        _check_bare(method, value, data, offered)
        return
    work.certificate = candidates[0]
    for certificate in candidates:
        if _fits(method, load_key(certificate.public_key), value, data):
            work.certificate = certificate
            work.others = tuple(c for c in offered.certificates if c is not certificate)
            return
    raise _Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)


def _check_given(method: Mechanism, value: bytes, data: bytes, given: list[GivenKey], work: _Work) -> None:
    for key in given:
        public = load_key(key.certificate.public_key) if key.certificate is not None else key.public
        if public is not None and _fits(method, public, value, data):
            work.certificate, work.given = key.certificate, True
            return
    raise _Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)


def _check_bare(method: Mechanism, value: bytes, data: bytes, offered: Offered) -> None:
    if not offered.bare:
        raise _Fault(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, NO_CERTIFICATE, Indication.INDETERMINATE)
    if not any(_fits(method, key, value, data) for key in offered.bare):
        raise _Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)


def _fits(method: Mechanism, key: VerifyingKey, value: bytes, data: bytes) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        # RFC 9231 2.3.6: r and s of equal length; the length is that of the order, so that there is one encoding.
        size = (key.curve.key_size + 7) // 8 if isinstance(key, ec.EllipticCurvePublicKey) else _order_size(key)
        if len(value) != 2 * size:
            return False
        value = encode_dss_signature(int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big"))
    return method.mismatch(key, value, data) is None


def _order_size(key: dsa.DSAPublicKey) -> int:
    return (key.parameters().parameter_numbers().q.bit_length() + 7) // 8


def _only(element: etree._Element, name: str) -> etree._Element:
    found = element.findall(name)
    if len(found) != 1:
        raise ValueError(f"{name} occurs {len(found)} times")
    return found[0]
