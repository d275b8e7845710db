"""What a KeyInfo offers: certificates and bare keys, as candidates and never as trust (XML-DSig 1.1 section 4.5).

Nothing is fetched, and names are not looked up: a KeyInfo is written by whoever wrote the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from lxml import etree

from edocx.signing.certificate import parse_certificate
from edocx.signing.mechanism import MAX_EXPONENT_BITS, MAX_RSA_BITS, VerifyingKey, load_key
from edocx.signing.xml.algorithm_names import DSIG11
from edocx.signing.xml.encoding import decode_value
from edocx.signing.xml.names import ds
from edocx.signing.xml.selection import find_by_id

MAX_CERTIFICATES = 20
"""In KeyInfo: a chain has three; thousands are an attack on path building."""

_CURVES: dict[str, ec.EllipticCurve] = {
    "urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1(),
    "urn:oid:1.3.132.0.34": ec.SECP384R1(),
    "urn:oid:1.3.132.0.35": ec.SECP521R1(),
    "urn:oid:1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1(),
    "urn:oid:1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1(),
    "urn:oid:1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1(),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """The candidates of one KeyInfo."""

    certificates: tuple[x509.Certificate, ...] = ()
    bare: tuple[VerifyingKey, ...] = field(default=(), repr=False)


def read_key_info(signature: etree._Element) -> Offered:
    """Read the KeyInfo of a signature; raise ``ValueError`` and its like for a malformed one."""
    infos = signature.findall(ds("KeyInfo"))
    if len(infos) > 1:
        raise ValueError("more than one KeyInfo")
    if not infos:
        return Offered()
    info = infos[0]
    # XML-DSig 1.1 4.5.10: one step to another KeyInfo of the same document, no further.
    for link in info.iterfind(f"{{{DSIG11}}}KeyInfoReference"):
        uri = link.get("URI", "")
        if uri.startswith("#"):
            target = find_by_id(info.getroottree(), uri[1:])
            if target.tag == ds("KeyInfo"):
                info = target
    certificates: dict[bytes, x509.Certificate] = {}
    for element in list(info.iterfind(f"{ds('X509Data')}/{ds('X509Certificate')}"))[:MAX_CERTIFICATES]:
        certificate = parse_certificate(decode_value(element))
        certificates[bytes(certificate.sha256)] = certificate
    bare = [_key_value(value) for value in info.iterfind(ds("KeyValue"))]
    bare += [
        load_key(keys.PublicKeyInfo.load(decode_value(element)))
        for element in info.iterfind(f"{{{DSIG11}}}DEREncodedKeyValue")
    ]
    return Offered(tuple(certificates.values()), tuple(bare[:MAX_CERTIFICATES]))


def _key_value(value: etree._Element) -> VerifyingKey:
    if (element := value.find(ds("RSAKeyValue"))) is not None:
        modulus, exponent = _number(element, ds("Modulus")), _number(element, ds("Exponent"))
        if modulus.bit_length() > MAX_RSA_BITS or exponent.bit_length() > MAX_EXPONENT_BITS:
            raise ValueError("RSA key too large")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if (element := value.find(ds("DSAKeyValue"))) is not None:
        p, q, g, y = (_number(element, ds(name)) for name in "PQGY")
        return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    if (element := value.find(f"{{{DSIG11}}}ECKeyValue")) is not None:
        # Only named curves: explicit parameters let a forger choose the generator (CVE-2020-0601).
        curve = element.find(f"{{{DSIG11}}}NamedCurve")
        point = element.find(f"{{{DSIG11}}}PublicKey")
        if curve is None or point is None:
            raise ValueError("not a named curve")
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve.get("URI", "")], decode_value(point))
    raise ValueError("an unknown kind of KeyValue")


def _number(holder: etree._Element, name: str) -> int:
    element = holder.find(name)
    if element is None:
        raise ValueError(f"{name} is missing")
    return int.from_bytes(decode_value(element), "big")
