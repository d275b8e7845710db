"""The national trust pack: certificates shipped with edocx, each checked against its published fingerprint.

Nobody is trusted by default: a pack counts only where it is named (``--trust vn-official``). The official-duty and
the public domain are two packs and never mix: a path ends at an anchor of one of them, and the verdict names it.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files

from asn1crypto import x509
from pydantic import BaseModel, ConfigDict

from edocx.errors import InputError, Text, UsageError
from edocx.signing.certificate import certificates_in, fingerprint
from edocx.signing.trust import TrustStore


class KnownCertificate(BaseModel):
    """A certificate that the pack knows by its SHA-256 (lower-case hex); ``file`` is None for those not shipped."""

    model_config = ConfigDict(frozen=True)

    name: str
    domain: str
    role: str
    sha256: str
    file: str | None = None
    published: str | None = None


class TrustPack(BaseModel):
    """What is known: its version and source, the domains' names (vi, en), and every certificate."""

    model_config = ConfigDict(frozen=True)

    version: str
    source: str
    domains: dict[str, dict[str, str]]
    certificates: tuple[KnownCertificate, ...]

    def domain_name(self, domain: str) -> Text:
        """Return the name of a domain in both languages."""
        return Text(self.domains[domain]["vi"], self.domains[domain]["en"])


@functools.cache
def read_pack() -> TrustPack:
    """Return the shipped pack's description."""
    text = (files("edocx.signing") / "trust_data" / "pack.json").read_text("utf-8")
    return TrustPack.model_validate(json.loads(text))


@functools.cache
def load_domain(domain: str) -> TrustStore:
    """Return the anchors and intermediates of one domain (``vn-official``, ``vn-public``).

    Raises `UsageError` for another name, `InputError` when a shipped file is not what its fingerprint says.
    """
    pack = read_pack()
    if domain not in pack.domains:
        raise UsageError(
            Text(f"Không có gói tin cậy “{domain}”.", f"There is no trust pack “{domain}”."),
            hint=Text(f"Có: {', '.join(pack.domains)}.", f"There are: {', '.join(pack.domains)}."),
            code="EDX-TRUST-PACK",
        )
    anchors: list[x509.Certificate] = []
    intermediates: list[x509.Certificate] = []
    for known in pack.certificates:
        if known.domain == domain and known.file is not None:
            (anchors if known.role == "anchor" else intermediates).append(_shipped(known))
    return TrustStore(tuple(anchors), tuple(intermediates))


def recognise(sha256: str) -> KnownCertificate | None:
    """Return what the pack knows of a certificate's fingerprint, None when it does not know it."""
    return next((known for known in read_pack().certificates if known.sha256 == sha256), None)


def is_pack(name: str) -> bool:
    """Say whether a word given as trust names a shipped pack."""
    return name in read_pack().domains


def _shipped(known: KnownCertificate) -> x509.Certificate:
    data = (files("edocx.signing") / "trust_data" / str(known.file)).read_bytes()
    for certificate in certificates_in(data):
        if fingerprint(certificate) == known.sha256:
            return certificate
    raise InputError(
        Text("Chứng thư trong gói tin cậy đã bị thay đổi.", "A certificate of the trust pack was changed."),
        hint=Text("Cài đặt lại edocx từ nguồn tin cậy.", "Install edocx again from a trusted source."),
        code="EDX-TRUST-TAMPERED",
        where=known.file,
    )
