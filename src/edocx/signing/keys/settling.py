"""Certificates that threads may share.

asn1crypto parses when asked and without a lock: two threads that ask the same certificate for the first time see it
half parsed (KeyError, IndexError). Whatever a `Signer` holds is parsed to the end before it is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable

from asn1crypto import x509

from edocx.errors import KeyFileError, Text


def settle(certificate: x509.Certificate) -> x509.Certificate:
    """Parse a certificate to the end and return it; raise `KeyFileError` for one that is malformed."""
    try:
        certificate.native  # noqa: B018 - the parsing is the point
        for part in (certificate, certificate.public_key, certificate.issuer, certificate.subject):
            part.dump()
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise KeyFileError(
            Text("Chứng thư của khóa bị hỏng.", "The key's certificate is malformed."),
            hint=Text("Xin cấp lại chứng thư.", "Ask for the certificate to be issued again."),
            code="EDX-KEY-CERTIFICATE",
        ) from error
    return certificate


def settle_all(certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Parse several certificates to the end."""
    return tuple(settle(one) for one in certificates)
