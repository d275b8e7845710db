"""Attacks on CMS signatures whose makers have no key: what a value fits besides what it was made over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asn1crypto import cms, x509

from edocx.testing.attacks import Attack


def attributes_as_content(data: bytes) -> Iterator[Attack]:
    """Yield copies of a DER signature whose content is the attributes that its value is over; none may pass.

    Without signed attributes the value is over the content itself (RFC 5652 5.4). An empty set of them is there, so
    that guards that ask for the field alone do not see the attack.
    """
    signed = cms.ContentInfo.load(data)["content"]
    info = signed["signer_infos"][0]
    attributes = bytes(info["signed_attrs"].untag().dump())
    kept = ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")
    for label, more in (("absent", {}), ("empty", {"signed_attrs": cms.CMSAttributes([])})):
        forged = cms.SignedData(
            {
                "version": signed["version"],
                "digest_algorithms": signed["digest_algorithms"],
                "encap_content_info": {"content_type": "data", "content": attributes},
                "certificates": signed["certificates"],
                "signer_infos": [cms.SignerInfo({name: info[name] for name in kept} | more)],
            }
        )
        made = cms.ContentInfo({"content_type": "signed_data", "content": forged})
        yield Attack(f"attributes-{label}", made.dump())


def enclosing(data: bytes, content: bytes) -> bytes:
    """Return a DER signature with what it was made over put inside, whatever its maker left outside.

    Such a signature holds by itself, beside any file: a verifier that means the file must not ask it alone.
    """
    outer = cms.ContentInfo.load(data)
    held = outer["content"]["encap_content_info"]
    outer["content"]["encap_content_info"] = {"content_type": held["content_type"].native, "content": content}
    return bytes(outer.dump(force=True))


def out_of_a_pdf(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each CMS signature of a PDF and the bytes that it was made over: all that `enclosing` needs."""
    for found in _RANGE.finditer(data):
        start, length, second, size = (int(number) for number in found.groups())
        digits = data[start + length + 1 : second - 1]
        yield bytes.fromhex(digits.decode()), data[start : start + length] + data[second : second + size]


_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


def passed_off(value: bytes, content: bytes, certificate: bytes) -> bytes:
    """Return a CMS signature without attributes around a value made elsewhere: RSA (PKCS #1) with SHA-256.

    ``content`` is what the value was made over there, ``certificate`` (DER) that of the key.
    """
    signer = x509.Certificate.load(certificate)
    named = {"issuer": signer.issuer, "serial_number": signer.serial_number}
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": named}),
            "digest_algorithm": {"algorithm": "sha256"},
            "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
            "signature": value,
        }
    )
    forged = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data", "content": content},
            "certificates": [signer],
            "signer_infos": [info],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": forged}).dump())
