"""One certification authority: issues certificates, records what it revoked, publishes its list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from edocx.errors import Text, UsageError
from edocx.testing.certificates import Issuer, Kind, PrivateKey, Request, build
from edocx.testing.credential import Credential


@dataclass(frozen=True, slots=True)
class Issued:
    """A line of the authority's book: what was issued, and when and why it was revoked."""

    serial: int
    sha256: str
    kind: Kind
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@dataclass(slots=True, repr=False)
class Authority:
    """A CA with its key; ``path`` is what its subscribers need between themselves and the anchor."""

    slug: str
    credential: Credential
    path: tuple[x509.Certificate, ...] = ()
    book: dict[int, Issued] = field(default_factory=dict)

    @property
    def certificate(self) -> x509.Certificate:
        """The authority's own certificate."""
        return self.credential.certificate

    @property
    def issuer(self) -> Issuer:
        """How it signs certificates."""
        return Issuer(self.certificate.subject, self.credential.private_key, self.slug)

    def issue(self, request: Request, key: PrivateKey) -> Credential:
        """Certify a key and enter it in the book."""
        certificate = build(request, key, self.issuer)
        credential = Credential(certificate, key, self.path)
        self.book[certificate.serial_number] = Issued(certificate.serial_number, credential.sha256, request.kind)
        return credential

    def revoke(self, serial: int, at: datetime, reason: x509.ReasonFlags) -> None:
        """Enter a revocation; raise `UsageError` for a serial this authority never issued or revoked already."""
        entry = self.book.get(serial)
        if entry is None or entry.revoked_at is not None:
            raise UsageError(
                Text(
                    "Chứng thư không do CA này cấp, hoặc đã bị thu hồi.",
                    "This authority did not issue the certificate, or has revoked it already.",
                ),
                hint=Text("Thu hồi đúng chứng thư của PKI này, một lần.", "Revoke a certificate of this PKI, once."),
                code="EDX-PKI-REVOKE",
            )
        self.book[serial] = Issued(serial, entry.sha256, entry.kind, at.astimezone(UTC), reason)

    def revoked(self, at: datetime | None = None) -> list[Issued]:
        """Return what is revoked by ``at`` (by default: ever), oldest first."""
        entries = [(one.revoked_at, one) for one in self.book.values() if one.revoked_at is not None]
        return [one for moment, one in sorted(entries, key=lambda pair: pair[0]) if at is None or moment <= at]

    def crl(self, at: datetime | None = None, *, until: datetime | None = None) -> x509.CertificateRevocationList:
        """Sign the list as published at ``at`` and good ``until``.

        By default it is dated by its newest revocation (the authority's first day when there is none) and good as
        long as the authority. Entries later than ``at`` are not in it.
        """
        first_day = self.certificate.not_valid_before_utc
        entries = self.revoked(at)
        newest = max((one.revoked_at for one in entries if one.revoked_at), default=first_day)
        this_update = at or newest
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(this_update)
            .next_update(until or self.certificate.not_valid_after_utc)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.certificate.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
            # RFC 5280 5.2.3: the number only grows; the second of publication does.
            .add_extension(x509.CRLNumber(1 + (this_update - first_day) // timedelta(seconds=1)), critical=False)
        )
        for one in entries:
            builder = builder.add_revoked_certificate(_entry(one))
        return builder.sign(self.credential.private_key, hashes.SHA256())


def _entry(one: Issued) -> x509.RevokedCertificate:
    assert one.revoked_at is not None
    builder = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.revoked_at)
    if one.reason is not x509.ReasonFlags.unspecified:
        # RFC 5280 5.3.1: "unspecified" is said by leaving the reason out.
        builder = builder.add_extension(x509.CRLReason(one.reason), critical=False)
    return builder.build()
