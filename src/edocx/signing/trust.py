"""Whom a verifier trusts: always given, never assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import crl, ocsp, x509

from edocx.errors import InputError, Text
from edocx.signing.certificate import certificates_in, fingerprint, ocsp_responses_in, revocation_lists_in

MAX_TRUST_FILE = 64 * 1024 * 1024
"""A CRL of a national CA has megabytes; more is an attack on memory."""

MAX_TRUST_FILES = 10_000
"""In a folder given as trust; more is a folder given by mistake."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class TrustStore:
    """Anchors, known intermediates and revocation evidence. Empty trusts nobody."""

    anchors: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    revocation_lists: tuple[crl.CertificateList, ...] = ()
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = ()

    @classmethod
    def from_path(cls, path: Path | str) -> TrustStore:
        """Read a folder or a file.

        A folder is searched recursively: self-signed certificates are anchors, the rest intermediates, CRLs and OCSP
        answers evidence; keys and PKCS#12 files are ignored. The certificates in a file given by name are anchors even
        if not self-signed. Raises `InputError` when the path cannot be read or gives no certificate at all.
        """
        place = Path(path)
        if place.is_dir():
            store = cls._from_folder(place)
        else:
            data = _read(place)
            store = cls(certificates_in(data), (), revocation_lists_in(data), ocsp_responses_in(data))
        if store == cls():
            raise InputError(
                Text("Không tìm thấy chứng thư nào.", "No certificate was found."),
                hint=Text(
                    "Chỉ ra thư mục hoặc tệp chứa chứng thư gốc (PEM, DER).",
                    "Name a folder or file with root certificates (PEM, DER).",
                ),
                code="EDX-TRUST-EMPTY",
                where=str(place),
            )
        return store

    @classmethod
    def _from_folder(cls, folder: Path) -> TrustStore:
        anchors: list[x509.Certificate] = []
        intermediates: list[x509.Certificate] = []
        lists: list[crl.CertificateList] = []
        answers: list[ocsp.OCSPResponse] = []
        files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() not in {".p12", ".pfx", ".key"})
        for file in files[:MAX_TRUST_FILES]:
            data = _read(file)
            for certificate in certificates_in(data):
                (anchors if _self_signed(certificate) else intermediates).append(certificate)
            lists += revocation_lists_in(data)
            answers += ocsp_responses_in(data)
        return cls(_unique(anchors), _unique(intermediates), tuple(lists), tuple(answers))

    def __or__(self, other: TrustStore) -> TrustStore:
        """Join two stores."""
        return TrustStore(
            _unique((*self.anchors, *other.anchors)),
            _unique((*self.intermediates, *other.intermediates)),
            (*self.revocation_lists, *other.revocation_lists),
            (*self.ocsp_responses, *other.ocsp_responses),
        )

    def as_evidence(self) -> TrustStore:
        """Return the same material without any anchor: it may help to build a path, never to end one."""
        return TrustStore((), _unique((*self.anchors, *self.intermediates)), self.revocation_lists, self.ocsp_responses)


def _self_signed(certificate: x509.Certificate) -> bool:
    return certificate.self_signed in {"yes", "maybe"}


def _unique(certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    return tuple({fingerprint(c): c for c in certificates}.values())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_TRUST_FILE + 1)
    except OSError as error:
        raise InputError(
            Text(
                f"Không đọc được kho tin cậy ({error.strerror}).",
                f"The trust material cannot be read ({error.strerror}).",
            ),
            hint=Text("Kiểm tra đường dẫn.", "Check the path."),
            code="EDX-FILE-UNREADABLE",
            where=str(path),
        ) from error
    return data if len(data) <= MAX_TRUST_FILE else b""
