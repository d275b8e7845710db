"""The algorithm URIs of XML-DSig and what they mean (XML-DSig 1.1 section 6, RFC 9231)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from edocx.signing.mechanism import Mechanism
from edocx.signing.xml.names import DS, ds

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
MORE_2021 = "http://www.w3.org/2021/04/xmldsig-more#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
ENC = "http://www.w3.org/2001/04/xmlenc#"

DIGESTS = {
    f"{MORE}md5": "md5",
    f"{DS}sha1": "sha1",
    f"{MORE}sha224": "sha224",
    f"{ENC}sha256": "sha256",
    f"{MORE}sha384": "sha384",
    f"{ENC}sha512": "sha512",
    f"{ENC}ripemd160": "ripemd160",
    **{f"{MORE_2007}sha3-{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)},
}
"""DigestMethod URIs to hash names."""

SIGNATURES = {
    f"{DS}rsa-sha1": Mechanism("pkcs1v15", "sha1"),
    f"{DS}dsa-sha1": Mechanism("dsa", "sha1"),
    f"{DSIG11}dsa-sha256": Mechanism("dsa", "sha256"),
    f"{MORE}rsa-md5": Mechanism("pkcs1v15", "md5"),
    **{f"{MORE}rsa-sha{bits}": Mechanism("pkcs1v15", f"sha{bits}") for bits in (224, 256, 384, 512)},
    **{f"{MORE}ecdsa-sha{bits}": Mechanism("ecdsa", f"sha{bits}") for bits in (1, 224, 256, 384, 512)},
    **{f"{MORE_2007}sha{bits}-rsa-MGF1": Mechanism("pss", f"sha{bits}") for bits in (1, 224, 256, 384, 512)},
    **{f"{MORE_2007}sha3-{bits}-rsa-MGF1": Mechanism("pss", f"sha3_{bits}") for bits in (224, 256, 384, 512)},
    **{f"{MORE_2021}ecdsa-sha3-{bits}": Mechanism("ecdsa", f"sha3_{bits}") for bits in (224, 256, 384, 512)},
    f"{MORE_2021}eddsa-ed25519": Mechanism("ed25519", "sha512"),
    f"{MORE_2021}eddsa-ed448": Mechanism("ed448", "shake256"),
}
"""SignatureMethod URIs to mechanisms."""

RSA_PSS = f"{MORE_2007}rsa-pss"

SECRETS = {
    f"{DS}hmac-sha1": "sha1",
    **{f"{MORE}hmac-sha{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)},
}
"""SignatureMethod URIs of message authentication codes to hash names."""

MIN_MAC_BITS = 80
"""A truncated code shorter than this, or than half its hash, is guessed (CVE-2009-0217; XML-DSig 1.1 6.3.1)."""


@dataclass(frozen=True, slots=True)
class Mac:
    """A message authentication code; ``size`` is its length in bytes."""

    hash_name: str
    size: int

    @property
    def name(self) -> str:
        """The name shown in reports."""
        return f"HMAC-{self.hash_name.upper()}"


def read_method(method: etree._Element) -> Mechanism | Mac:
    """Read a SignatureMethod; raise ``ValueError`` for one we do not know."""
    uri = method.get("Algorithm", "")
    if uri in SECRETS:
        return _read_mac(method, SECRETS[uri])
    if uri == RSA_PSS:
        return _read_pss(method)
    mechanism = SIGNATURES.get(uri)
    if mechanism is None or len(method):
        raise ValueError("unknown signature method")
    return mechanism


def _read_mac(method: etree._Element, hash_name: str) -> Mac:
    full = {"sha1": 160}.get(hash_name) or int(hash_name.removeprefix("sha"))
    text = method.findtext(ds("HMACOutputLength"))
    bits = full if text is None else int(text.strip())
    if bits % 8 or bits > full or bits < max(MIN_MAC_BITS, full // 2):
        raise ValueError("the code is truncated too far")
    return Mac(hash_name, bits // 8)


def _read_pss(method: etree._Element) -> Mechanism:
    parameters = method.find(f"{{{MORE_2007}}}RSAPSSParams")
    if parameters is None:
        return Mechanism("pss", "sha256")
    hash_name, salt, mask = "sha256", None, None
    found = parameters.find(ds("DigestMethod"))
    if found is not None:
        hash_name = DIGESTS[found.get("Algorithm", "")]
    generator = parameters.find(f"{{{MORE_2007}}}MaskGenerationFunction/{ds('DigestMethod')}")
    if generator is not None:
        mask = DIGESTS[generator.get("Algorithm", "")]
    length = parameters.findtext(f"{{{MORE_2007}}}SaltLength")
    if length is not None:
        salt = int(length)
    return Mechanism("pss", hash_name, salt, mask)
