"""What a hostile sender puts beside a signature: lists and tokens as no authority should make them.

Unlike the other modules of this room these need the keys of a `Pki`: the statements are authentic, and their age, their
scope or what they leave out is the trick.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from edocx.testing.authority import Authority
from edocx.testing.credential import Credential


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a revocation list; ``issuer`` is named where another authority issued the certificate."""

    certificate: x509.Certificate
    since: datetime
    reason: x509.ReasonFlags | None = None
    issuer: x509.Name | None = None


def revocation_list(
    signer: Authority | Credential,
    published: datetime,
    until: datetime,
    entries: Iterable[Entry] = (),
    *extensions: tuple[x509.ExtensionType, bool],
    name: x509.Name | None = None,
) -> x509.CertificateRevocationList:
    """Sign a list of any age and scope; ``extensions`` are added with whether they are critical.

    A `cryptography.x509.DeltaCRLIndicator` among them makes it a delta, an issuing distribution point narrows it.
    ``name`` is whose list it says it is, the signer's own by default.
    """
    held = signer.credential if isinstance(signer, Authority) else signer
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name or held.certificate.subject)
        .last_update(published)
        .next_update(until)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(held.certificate.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .add_extension(x509.CRLNumber(int(published.timestamp())), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for one in entries:
        builder = builder.add_revoked_certificate(_line(one))
    return builder.sign(held.private_key, hashes.SHA256())


def reissued(
    subject: Credential, authority: Authority, *, without: type[x509.ExtensionType], instead: x509.ExtensionType | None
) -> Credential:
    """Return a credential whose certificate the authority issued anew, one extension left out or not critical."""
    old = subject.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    for extension in old.extensions:
        if not isinstance(extension.value, without):
            builder = builder.add_extension(extension.value, extension.critical)
    if instead is not None:
        builder = builder.add_extension(instead, critical=False)
    made = builder.sign(authority.credential.private_key, hashes.SHA256())
    return Credential(made, subject.private_key, subject.chain)


def unbound(token: bytes, unit: Credential) -> bytes:
    """Return a time-stamp token signed anew by its unit, without the attribute that names the unit's certificate."""
    made = cms.ContentInfo.load(token)
    info = made["content"]["signer_infos"][0]
    kept = cms.CMSAttributes([one for one in info["signed_attrs"] if one["type"].native != "signing_certificate_v2"])
    fields: dict[str, Any] = {n: info[n] for n in ("version", "sid", "digest_algorithm", "signature_algorithm")}
    signer = cms.SignerInfo(fields | {"signed_attrs": kept, "signature": unit.sign(kept.dump())})
    signed = {n: made["content"][n] for n in ("version", "digest_algorithms", "encap_content_info", "certificates")}
    return bytes(
        cms.ContentInfo(
            {"content_type": "signed_data", "content": cms.SignedData(signed | {"signer_infos": [signer]})}
        ).dump()
    )


def _line(one: Entry) -> x509.RevokedCertificate:
    line = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(one.since)
    if one.reason is not None:
        line = line.add_extension(x509.CRLReason(one.reason), critical=False)
    if one.issuer is not None:
        line = line.add_extension(x509.CertificateIssuer([x509.DirectoryName(one.issuer)]), critical=True)
    return line.build()
