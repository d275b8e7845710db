"""The national trust pack: certificates shipped with edocx, each checked against its published fingerprint.

Nobody is trusted by default: a pack counts only where it is named (``--trust vn-official``). The official-duty and
the public domain are two packs and never mix: a path ends at an anchor of one of them, and the verdict names it.

The pack's description is versioned and signed (Ed25519) with the key of whoever maintains edocx, pinned below: a pack
that somebody exchanged on the way, or an older one put back, is refused. The key is no authority's: it says that the
maintainer put these certificates there, and no more (docs/how-to/keys-and-trust.md).
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from edocx.errors import InputError, Text, UsageError
from edocx.signing.certificate import certificates_in, fingerprint
from edocx.signing.trust import TrustStore

PACK, SIGNATURE = "pack.json", "pack.json.sig"
"""The description, and its signature in base64."""

CONTEXT = b"edocx trust pack 1\n"
"""Stands before what is signed, so that nothing else the key ever signs passes for a pack."""

MAINTAINER = "43685c1d8e4aaa3269e3391cd63b605648f8229a23907b7a02e4cec53b93bac4"
"""The Ed25519 public key, hex; `tools/sign_trust_pack.py` makes a pair and signs."""

LEAST_VERSION = "2026.11"
"""Raised with each release that changes the pack: an older one may lack a certificate that was withdrawn since."""


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
    """Return the shipped pack's description; raises as `open_pack`."""
    return open_pack(files("edocx.signing") / "trust_data")


def open_pack(folder: Traversable, *, key: str = MAINTAINER, least: str = LEAST_VERSION) -> TrustPack:
    """Read a pack's description (``pack.json``, ``pack.json.sig``), checked before anything in it is looked at.

    Raises `InputError`: ``EDX-TRUST-PACK-SIGNATURE`` when the pinned key (Ed25519, hex) did not sign these bytes,
    ``EDX-TRUST-PACK-OLD`` when the version is older than ``least``, ``EDX-TRUST-PACK-FORM`` when it is no pack.
    """
    data = (folder / PACK).read_bytes()
    try:
        value = base64.b64decode((folder / SIGNATURE).read_bytes().strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(value, CONTEXT + data)
    except (OSError, binascii.Error, ValueError, InvalidSignature) as error:
        raise _refused(
            "EDX-TRUST-PACK-SIGNATURE",
            Text(
                "Chữ ký trên gói tin cậy không đúng: gói đã bị thay đổi.",
                "The signature on the trust pack does not hold: the pack was changed.",
            ),
        ) from error
    try:
        pack = TrustPack.model_validate(json.loads(data))
        old = _order(pack.version) < _order(least)
    except (ValidationError, ValueError, RecursionError) as error:
        raise _refused(
            "EDX-TRUST-PACK-FORM", Text("Gói tin cậy sai cấu trúc.", "The trust pack has another form.")
        ) from error
    if old:
        raise _refused(
            "EDX-TRUST-PACK-OLD",
            Text(
                f"Gói tin cậy phiên bản {pack.version} cũ hơn phiên bản tối thiểu {least}.",
                f"The trust pack's version {pack.version} is older than the least one, {least}.",
            ),
        )
    return pack


def _order(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}){1,3}", version):
        raise ValueError("a version is numbers with dots")
    return tuple(int(part) for part in version.split("."))


def _refused(code: str, text: Text) -> InputError:
    hint = Text("Cài đặt lại edocx từ nguồn tin cậy.", "Install edocx again from a trusted source.")
    return InputError(text, hint=hint, code=code, where=PACK)


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
