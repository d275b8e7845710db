"""One SignerInfo of a CMS SignedData, checked by its own rules (RFC 5652 5.4-5.6, CAdES EN 319 122-1).

1. Exactly one certificate fits the signer identifier and, if present, the ESS signing-certificate attribute.
2. Signed attributes: content-type and message-digest once each, the first equal to the content's own type.
3. The digest of the content equals message-digest.
4. The algorithms named outside equal those named inside (RFC 6211), where they are named inside.
5. The value fits the key over the attributes as they were encoded.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms, core, tsp, x509

from edocx.errors import SigningRefused
from edocx.signing.certificate import fingerprint, remembered_certificate
from edocx.signing.mechanism import Mechanism, digest, load_key
from edocx.signing.messages import (
    DIGEST,
    MALFORMED_SIGNATURE,
    NO_CERTIFICATE,
    NOT_THE_CERTIFICATE,
    UNKNOWN_ALGORITHM,
    VALUE,
)
from edocx.signing.report import Message, SubIndication

MAX_CERTIFICATES = 100
"""Looked at in one SignedData; a chain has a handful, ten thousand are an attack on path building."""

MAX_ATTRIBUTES = 200
"""In one SignerInfo."""

MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What asn1crypto raises on hostile bytes, lazily, wherever a value is first looked at."""

_EDDSA_HASH = {"ed25519": "sha512", "ed448": "shake256"}
"""The only digest that goes with these in CMS (RFC 8419 section 3.1)."""

Digester = Callable[[str], bytes]
"""Gives the digest of the signed content by the hash's name; raises ``ValueError`` for an unknown hash."""


@dataclass(frozen=True, slots=True)
class SignerFinding:
    """What one SignerInfo says and whether it holds; ``failure`` is None when it does."""

    algorithm: str = "unknown"
    hash_names: tuple[str, ...] = ()
    certificate: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    claimed_time: datetime | None = None
    bound: bool = False
    """Whether a signing-certificate attribute binds the certificate (baseline level B-B needs it)."""
    value: bytes = b""
    failure: SubIndication | None = None
    message: Message | None = None


class Fault(Exception):
    """Carries a failed step to the one place that makes the finding."""

    def __init__(self, sub: SubIndication, message: Message) -> None:
        super().__init__(message.en)
        self.sub = sub
        self.message = message


def examine_signer(
    signed: cms.SignedData,
    info: cms.SignerInfo,
    content: Digester,
    *,
    known: Iterable[x509.Certificate] = (),
) -> SignerFinding:
    """Check one signer over content given by its digests; ``known`` are certificates from elsewhere, to find his in."""
    found = SignerFinding()
    try:
        _refuse_empty(info)
        digest_name = str(info["digest_algorithm"]["algorithm"].native)
        found = replace(found, value=bytes(info["signature"].native), claimed_time=_claimed_time(info))
        mechanism = _mechanism(info, digest_name)
        found = replace(found, algorithm=mechanism.name, hash_names=(digest_name, mechanism.hash_name))
        attributes = _attributes(info)
        held = certificates_of(signed)
        try:
            certificate, bound = _signing_certificate(info, attributes, (*held, *known))
        except Fault:
            # Else whoever changes a file would take the certificate out, and have a milder verdict.
            _check_content(info, attributes, content)
            raise
        others = tuple(c for c in held if c is not certificate)
        found = replace(found, certificate=certificate, others=others, bound=bound)
        _check(signed, info, attributes, content, mechanism=mechanism, certificate=certificate)
    except Fault as fault:
        return replace(found, failure=fault.sub, message=fault.message)
    except (*MALFORMED, SigningRefused):
        return replace(found, failure=SubIndication.FORMAT_FAILURE, message=MALFORMED_SIGNATURE)
    return found


def certificates_of(signed: cms.SignedData) -> tuple[x509.Certificate, ...]:
    """Return the certificates that came with a SignedData, each once, in order."""
    if not isinstance(signed["certificates"], cms.CertificateSet):
        return ()
    found: dict[str, x509.Certificate] = {}
    for choice in list(signed["certificates"])[:MAX_CERTIFICATES]:
        if choice.name == "certificate":
            certificate = remembered_certificate(bytes(choice.chosen.dump()))
            found.setdefault(fingerprint(certificate), certificate)
    return tuple(found.values())


def has_attributes(info: cms.SignerInfo) -> bool:
    """Say whether there are signed attributes: an empty set of them holds none."""
    held = info["signed_attrs"]
    return isinstance(held, cms.CMSAttributes) and len(held) > 0


def _refuse_empty(info: cms.SignerInfo) -> None:
    # RFC 5652 5.3: SET SIZE (1..MAX). An empty set is there and says nothing: the value is then over the content
    # itself, and content that is another signature's attributes passes for signed (the attributes attack). An empty set
    # of unsigned ones, which real tools write (samples/signatures, SiVa), takes nothing away.
    if isinstance(info["signed_attrs"], cms.CMSAttributes) and not has_attributes(info):
        raise ValueError("signed attributes that are an empty set")


def unsigned_attribute(info: cms.SignerInfo, name: str) -> list[Any]:
    """Return all values of an unsigned attribute by asn1crypto's name or by dotted identifier."""
    attributes = info["unsigned_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        return []
    return [value for one in list(attributes)[:MAX_ATTRIBUTES] if _is(one, name) for value in one["values"]]


def _is(attribute: cms.CMSAttribute, name: str) -> bool:
    return name in {attribute["type"].native, attribute["type"].dotted}


def _mechanism(info: cms.SignerInfo, digest_name: str) -> Mechanism:
    try:
        mechanism = Mechanism.of_cms(info["signature_algorithm"], digest_name)
    except MALFORMED as error:
        raise Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM) from error
    expected = _EDDSA_HASH.get(mechanism.scheme)
    if expected is not None and digest_name.removesuffix("_len") != expected:
        raise Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM)
    return mechanism if expected is None else replace(mechanism, hash_name=expected)


def _attributes(info: cms.SignerInfo) -> dict[str, list[Any]]:
    attributes = info["signed_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        return {}
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError("too many attributes")
    found: dict[str, list[Any]] = {}
    for attribute in attributes:
        name = str(attribute["type"].native)
        if name in found and name in _SINGLE:
            raise ValueError(f"{name} stands twice")
        found.setdefault(name, []).extend(attribute["values"])
    for name in _SINGLE & found.keys():
        if len(found[name]) != 1:
            raise ValueError(f"{name} needs one value")
    return found


_SINGLE = {
    "content_type", "message_digest", "signing_time", "signing_certificate", "signing_certificate_v2",
    "cms_algorithm_protection",
}  # fmt: skip
"""Attributes that must stand once with one value (RFC 5652 11, RFC 5035, RFC 6211)."""


def _signing_certificate(
    info: cms.SignerInfo, attributes: dict[str, list[Any]], candidates: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, bool]:
    # step 1; EN 319 102-1 5.2.3
    named = [c for c in candidates if _identifies(info["sid"], c)]
    if not named:
        raise Fault(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, NO_CERTIFICATE)
    binding = _binding(attributes)
    if binding is None:
        return named[0], False
    hash_name, expected = binding
    for certificate in named:
        if hmac.compare_digest(digest(hash_name, certificate.dump()), expected):
            return certificate, True
    # RFC 5035 section 3: the attribute names another certificate than the identifier.
    raise Fault(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, NOT_THE_CERTIFICATE)


def _identifies(sid: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        wanted = sid.chosen
        return bool(
            wanted["serial_number"].native == certificate.serial_number
            # The same bytes are the same name; preparing names for comparison (RFC 4518) takes a millisecond.
            and (wanted["issuer"].dump() == certificate.issuer.dump() or wanted["issuer"] == certificate.issuer)
        )
    return bool(sid.chosen.native == certificate.key_identifier)


def _binding(attributes: dict[str, list[Any]]) -> tuple[str, bytes] | None:
    if values := attributes.get("signing_certificate_v2"):
        first = tsp.SigningCertificateV2.load(values[0].dump())["certs"][0]
        return str(first["hash_algorithm"]["algorithm"].native), bytes(first["cert_hash"].native)
    if values := attributes.get("signing_certificate"):
        first = tsp.SigningCertificate.load(values[0].dump())["certs"][0]
        return "sha1", bytes(first["cert_hash"].native)
    return None


def _check(
    signed: cms.SignedData,
    info: cms.SignerInfo,
    attributes: dict[str, list[Any]],
    content: Digester,
    *,
    mechanism: Mechanism,
    certificate: x509.Certificate,
) -> None:
    key = load_key(certificate.public_key)
    value = bytes(info["signature"].native)
    if not attributes:
        # RFC 5652 5.3: only plain data may go without attributes.
        if signed["encap_content_info"]["content_type"].native != "data":
            raise ValueError("attributes are missing")
        if mechanism.mismatch_of_digest(key, value, _digested(info, content)) is not None:
            raise Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)
        return
    # 2. attributes
    if attributes["content_type"][0].native != signed["encap_content_info"]["content_type"].native:
        raise ValueError("content-type differs")
    # 3. content
    _check_content(info, attributes, content)
    # 4. algorithms
    if protection := attributes.get("cms_algorithm_protection"):
        _check_protection(protection[0], info)
    # 5. value; as encoded first, then as DER wants it, which some signers digest while sending something else
    raw = info["signed_attrs"].untag()
    if mechanism.mismatch(key, value, raw.dump()) is None:
        return
    if mechanism.mismatch(key, value, _sorted(raw)) is not None:
        raise Fault(SubIndication.SIG_CRYPTO_FAILURE, VALUE)


def _check_content(info: cms.SignerInfo, attributes: dict[str, list[Any]], content: Digester) -> None:
    if attributes and not hmac.compare_digest(bytes(attributes["message_digest"][0].native), _digested(info, content)):
        raise Fault(SubIndication.HASH_FAILURE, DIGEST)


def _digested(info: cms.SignerInfo, content: Digester) -> bytes:
    try:
        return content(str(info["digest_algorithm"]["algorithm"].native))
    except ValueError as error:
        raise Fault(SubIndication.FORMAT_FAILURE, UNKNOWN_ALGORITHM) from error


def _check_protection(protection: Any, info: cms.SignerInfo) -> None:
    inside = protection["signature_algorithm"]
    if protection["digest_algorithm"].native != info["digest_algorithm"].native or (
        inside.native is not None and inside.native != info["signature_algorithm"].native
    ):
        raise ValueError("algorithms differ from those protected")


def _sorted(attributes: cms.CMSAttributes) -> bytes:
    return bytes(
        core.SetOf(sorted((a.copy() for a in attributes), key=lambda a: a.dump()), spec=cms.CMSAttribute).dump()
    )


def _claimed_time(info: cms.SignerInfo) -> datetime | None:
    attributes = info["signed_attrs"]
    if not isinstance(attributes, cms.CMSAttributes):
        return None
    for attribute in list(attributes)[:MAX_ATTRIBUTES]:
        if attribute["type"].native == "signing_time":
            moment = attribute["values"][0].native
            return moment if isinstance(moment, datetime) and moment.tzinfo else None
    return None
