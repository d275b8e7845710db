"""Values in XML signatures. ECDSA: DER for signers, r followed by s for XML-DSig (RFC 6931 2.3.6)."""

from __future__ import annotations

import binascii

import pybase64
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree

from edocx.signing.algorithms import PublicKey

_NO_BLANKS = str.maketrans("", "", " \t\r\n")


def signature_to_xml(value: bytes, key: PublicKey) -> bytes:
    """Turn a signer's value into what SignatureValue holds."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return value
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(value)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signature_from_xml(value: bytes, key: PublicKey) -> bytes | None:
    """Turn SignatureValue into what `SignatureAlgorithm.matches` takes; None when its length is wrong."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return value
    size = (key.curve.key_size + 7) // 8
    if len(value) != 2 * size:
        return None
    return encode_dss_signature(int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big"))


def decode_value(element: etree._Element) -> bytes:
    """Return the bytes of a base64 value; raise ``ValueError`` when nodes split it or it is not base64."""
    if len(element):
        raise ValueError("child nodes split a base64 value")
    return decode_text(element.text or "")


def decode_text(text: str) -> bytes:
    """Return the bytes that a base64 text stands for; raise ``ValueError`` when it is not base64.

    Blanks are those of XML, as other verifiers read them; Python counts U+00A0 and many more.
    """
    try:
        return pybase64.b64decode(text.translate(_NO_BLANKS), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
