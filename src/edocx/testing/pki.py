"""Pki: a test hierarchy in the shape of the national official-duty one, made in memory in a blink.

::

    root ── CA for state agencies ─┬─ persons, organisations, devices
      │                            ├─ time-stamping unit
      └─ revocation list           ├─ OCSP responder
                                   └─ revocation list

Nothing it signs has legal value, and its names say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509

from edocx.errors import Text, UsageError
from edocx.testing import pki_folder
from edocx.testing.authority import Authority
from edocx.testing.certificates import (
    TEST_BODY,
    Issuer,
    KeyKind,
    Kind,
    PrivateKey,
    Request,
    build,
    distinguished_name,
    generate_key,
)
from edocx.testing.credential import Credential
from edocx.testing.registry import Registration

START = datetime(2023, 1, 1, tzinfo=UTC)
YEARS = 20
"""NĐ 68/2024 Điều 9 gives an authority 20 years at most; here all have them, so that kept files stay verifiable."""


class Pki:
    """A root, a CA under it, and everything they issue.

    Certificates are in memory until `save`. Keys of the time-stamping unit and of the OCSP responder are
    made when first asked for.
    """

    def __init__(self, root: Authority, state: Authority, key: KeyKind) -> None:
        self.root = root
        self.state = state
        self.key: KeyKind = key
        self.registrations: list[Registration] = []
        self.services: dict[Kind, Credential] = {}

    @classmethod
    def create(cls, *, at: datetime = START, years: int = YEARS, key: KeyKind = "rsa2048") -> Self:
        """Make a new hierarchy, good from ``at`` for ``years``; every key in it is of the kind ``key``."""
        until = at.replace(year=at.year + years)
        root_key = generate_key(key)
        root_name = distinguished_name("RootCA THỬ NGHIỆM chuyên dùng công vụ", organisation=TEST_BODY)
        anchor = build(Request("authority", root_name, at, until), root_key, Issuer(root_name, root_key, "root"))
        root = Authority("root", Credential(anchor, root_key))
        name = distinguished_name("CA THỬ NGHIỆM phục vụ các cơ quan Nhà nước", organisation=TEST_BODY)
        below = root.issue(Request("authority", name, at, until, path_length=0), generate_key(key))
        return cls(root, Authority("state", below, (below.certificate,)), key)

    @property
    def not_before(self) -> datetime:
        """The first moment of everything issued without dates of its own."""
        return self.root.certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """The last moment of everything issued without dates of its own."""
        return self.root.certificate.not_valid_after_utc

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """What a verifier is asked to trust: the root."""
        return (self.root.certificate,)

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """What a verifier needs between anchor and subscribers: the CA for state agencies."""
        return (self.state.certificate,)

    @property
    def tsa(self) -> Credential:
        """The time-stamping unit's key and certificate (critical and only purpose: timeStamping)."""
        return self._service("tsa", "TSA THỬ NGHIỆM")

    def issue_tsa(self, not_before: datetime, not_after: datetime) -> Credential:
        """Issue to a further time-stamping unit: real ones are renewed every few years."""
        return self._issue("tsa", distinguished_name("TSA THỬ NGHIỆM", organisation=TEST_BODY), not_before, not_after)

    @property
    def ocsp(self) -> Credential:
        """The OCSP responder's key and certificate for the CA for state agencies."""
        return self._service("ocsp", "OCSP THỬ NGHIỆM")

    def issue_person(
        self,
        common_name: str,
        organisation: str,
        *,
        units: Sequence[str] = (),
        locality: str = "",
        email: str = "",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """Issue to a person: C, L, O, one OU for each of ``units`` (outermost first), CN, E.

        A title is never in a certificate (NĐ 68/2024): it belongs in the document and in the registry.
        """
        name = distinguished_name(common_name, locality=locality, organisation=organisation, units=units, email=email)
        return self._issue("person", name, not_before, not_after)

    def issue_organisation(
        self,
        common_name: str,
        organisation: str = "",
        *,
        units: Sequence[str] = (),
        locality: str = "",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """Issue to an agency: CN is its name, O the body above it (``CN=CỤC THUẾ,O=BỘ TÀI CHÍNH``)."""
        name = distinguished_name(common_name, locality=locality, organisation=organisation, units=units)
        return self._issue("organisation", name, not_before, not_after)

    def issue_device(
        self,
        common_name: str,
        organisation: str = "",
        *,
        hosts: Sequence[str] = (),
        locality: str = "",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """Issue to a device or service; ``hosts`` become DNS names for TLS."""
        name = distinguished_name(common_name, locality=locality, organisation=organisation)
        return self._issue("device", name, not_before, not_after, tuple(hosts))

    def revoke(
        self,
        credential: Credential | x509.Certificate,
        at: datetime,
        reason: x509.ReasonFlags = x509.ReasonFlags.unspecified,
    ) -> None:
        """Revoke a certificate as of ``at``; the next list and OCSP answer say so.

        Raises `UsageError` when it is not of this hierarchy or was revoked before.
        """
        certificate = credential.certificate if isinstance(credential, Credential) else credential
        authority = self.root if certificate.issuer == self.root.certificate.subject else self.state
        authority.revoke(certificate.serial_number, at, reason)

    def crls(
        self, at: datetime | None = None, *, until: datetime | None = None
    ) -> tuple[x509.CertificateRevocationList, ...]:
        """Return the lists of the root and of the CA, as published at ``at`` and good ``until``.

        By default: the newest state, good for the whole life of the hierarchy.
        """
        return tuple(authority.crl(at, until=until) for authority in (self.root, self.state))

    def register(
        self,
        credential: Credential,
        unit: str,
        *,
        full_name: str = "",
        position: str = "",
        capacity: str = "",
        source: str = "edocx pki",
    ) -> Registration:
        """Enter in the registry for which unit code a certificate acts, over the certificate's own life."""
        entry = self.state.book.get(credential.certificate.serial_number)
        if entry is None:
            raise UsageError(
                Text("Chứng thư không do PKI này cấp.", "The certificate is not of this PKI."),
                hint=Text("Đăng ký chứng thư do PKI này cấp.", "Register a certificate that this PKI issued."),
                code="EDX-PKI-REGISTER",
            )
        row = Registration(
            sha256=credential.sha256,
            kind=entry.kind,
            unit=unit,
            full_name=full_name,
            position=position,
            capacity=capacity,
            valid_from=credential.certificate.not_valid_before_utc,
            valid_to=credential.certificate.not_valid_after_utc,
            source=source,
        )
        self.registrations.append(row)
        return row

    def save_trust(self, folder: Path) -> None:
        """Write what a verifier needs: root, intermediate and the current list of each, all PEM."""
        pki_folder.save_trust(self, folder)

    def save(self, folder: Path, *, password: bytes | None = None, unit: str | None = None) -> None:
        """Write the whole hierarchy, keys too, so that `load` can go on issuing.

        Leaves ``trust/``, ``registry.csv``, ``ca/`` and, on the first save, ``person.p12`` and ``organisation.p12``
        of a fictitious chairman and his commune (registered for ``unit``). Keys are in the clear without a password.
        """
        pki_folder.save(self, folder, password, unit or pki_folder.DEMO_UNIT)

    @classmethod
    def load(cls, folder: Path, *, password: bytes | None = None) -> Self:
        """Read back what `save` wrote; raise `InputError` when it is not such a folder, `WrongPassword` likewise."""
        material = pki_folder.read(folder, password)
        pki = cls(material.root, material.state, material.key)
        pki.registrations = material.registrations
        pki.services = material.services
        return pki

    def _issue(
        self,
        kind: Kind,
        name: x509.Name,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        hosts: tuple[str, ...] = (),
    ) -> Credential:
        key: PrivateKey = generate_key(self.key)
        request = Request(kind, name, not_before or self.not_before, not_after or self.not_after, hosts)
        return self.state.issue(request, key)

    def _service(self, kind: Kind, common_name: str) -> Credential:
        if kind not in self.services:
            self.services[kind] = self._issue(kind, distinguished_name(common_name, organisation=TEST_BODY))
        return self.services[kind]
