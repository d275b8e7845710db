"""The shapes of certificates: names, extensions and keys of the national official-duty hierarchy.

Only shapes are followed (spec of NĐ 68/2024 and certificates seen in public). Every name says THỬ NGHIỆM,
every address is under the reserved ``.example`` (RFC 2606), the policy is of the example arc 2.999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from edocx.errors import Text, UsageError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyKind = Literal["rsa2048", "p256"]
Kind = Literal["person", "organisation", "device", "authority", "tsa", "ocsp"]

HOST = "http://pki.edocx.example"
POLICY = x509.ObjectIdentifier("2.999.704.1")
TEST_BODY = "PKI THỬ NGHIỆM - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"

NAME_LIMIT = 64
"""X.520 ub-name; the common name is counted in UTF-8 bytes by most software, so here too."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a certificate is to say; the issuer adds its own name, key identifier and addresses."""

    kind: Kind
    subject: x509.Name
    not_before: datetime
    not_after: datetime
    hosts: tuple[str, ...] = ()
    path_length: int | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: name, key, and the word its CRL and certificate go by in addresses."""

    subject: x509.Name
    key: PrivateKey
    slug: str


def generate_key(kind: KeyKind) -> PrivateKey:
    """Make a private key: about 25 ms for ``rsa2048``, well under 1 ms for ``p256``."""
    match kind:
        case "rsa2048":
            return rsa.generate_private_key(65537, 2048)
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            raise UsageError(
                Text(f"Không có loại khóa “{kind}”.", f"There is no key kind “{kind}”."),
                hint=Text("Dùng rsa2048 hoặc p256.", "Use rsa2048 or p256."),
                code="EDX-PKI-KEY-KIND",
            )


def distinguished_name(
    common_name: str,
    *,
    locality: str = "",
    organisation: str = "",
    units: Sequence[str] = (),
    email: str = "",
) -> x509.Name:
    """Build a DN in the order seen: C, L, O, OU…, CN, E; empty parts are left out.

    Raises `UsageError` when a part is longer than X.520 allows.
    """
    parts = [
        (NameOID.COUNTRY_NAME, "VN"),
        (NameOID.LOCALITY_NAME, locality),
        (NameOID.ORGANIZATION_NAME, organisation),
        *((NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
        (NameOID.COMMON_NAME, common_name),
        (NameOID.EMAIL_ADDRESS, email),
    ]
    for oid, value in parts:
        length = len(value.encode()) if oid == NameOID.COMMON_NAME else len(value)
        if oid != NameOID.EMAIL_ADDRESS and length > NAME_LIMIT:
            raise UsageError(
                Text("Tên trong chứng thư dài quá 64 ký tự.", "A name in the certificate is longer than 64."),
                hint=Text("Rút gọn tên, tên CN tính theo byte UTF-8.", "Shorten it; CN counts UTF-8 bytes."),
                code="EDX-PKI-NAME-LENGTH",
                where=oid.dotted_string,
            )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def build(request: Request, key: PrivateKey, issuer: Issuer) -> x509.Certificate:
    """Make and sign a certificate for ``key``; a self-signed one when the issuer's key is the same object."""
    self_signed = issuer.key is key
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(request.not_before)
        .not_valid_after(request.not_after)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
        .add_extension(identifier, critical=False)
        .add_extension(_key_usage(request.kind, key), critical=True)
    )
    if request.kind == "authority":
        constraints = x509.BasicConstraints(ca=True, path_length=request.path_length)
        builder = builder.add_extension(constraints, critical=True)
    else:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if purposes := _purposes(request.kind):
        # RFC 3161 2.3: a time-stamping unit's purpose is critical and alone.
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=request.kind == "tsa")
    if request.hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in request.hosts])
        builder = builder.add_extension(names, critical=False)
    if request.kind == "ocsp":
        # RFC 6960 4.2.2.2.1: nobody asks about the responder itself, or the question would never end.
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    elif not self_signed:
        for extension in _addresses(issuer.slug):
            builder = builder.add_extension(extension, critical=False)
    if request.kind == "authority" and not self_signed:
        # Seen on the intermediate only, never on subscribers.
        policies = x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)])
        builder = builder.add_extension(policies, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def _key_usage(kind: Kind, key: PrivateKey) -> x509.KeyUsage:
    authority = kind == "authority"
    # Subscribers seen: digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment. A key that
    # cannot encrypt (RFC 5480 section 3) and the services' own keys only sign.
    encrypts = isinstance(key, rsa.RSAPrivateKey) and kind in {"person", "organisation", "device"}
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=kind in {"person", "organisation", "device", "tsa"},
        key_encipherment=encrypts,
        data_encipherment=encrypts,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _purposes(kind: Kind) -> list[x509.ObjectIdentifier]:
    match kind:
        case "tsa":
            return [ExtendedKeyUsageOID.TIME_STAMPING]
        case "ocsp":
            return [ExtendedKeyUsageOID.OCSP_SIGNING]
        case "device":
            return [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        case _:
            return []


def _addresses(slug: str) -> tuple[x509.ExtensionType, ...]:
    def address(path: str) -> x509.UniformResourceIdentifier:
        return x509.UniformResourceIdentifier(f"{HOST}/{path}")

    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, address(f"crt/{slug}.crt")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, address("ocsp")),
        ]
    )
    point = x509.DistributionPoint(
        full_name=[address(f"crl/{slug}.crl")], relative_name=None, reasons=None, crl_issuer=None
    )
    return access, x509.CRLDistributionPoints([point])
