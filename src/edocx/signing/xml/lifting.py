"""Lifting an XML signature from XAdES B-B to B-T and B-LT (EN 319 132-1 6.3): unsigned properties beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from asn1crypto import x509
from lxml import etree

from edocx.signing.certificate import remembered_certificate
from edocx.signing.evidence import Collected, Evidence, collect
from edocx.signing.timestamp import Timestamper, token_certificates, token_time
from edocx.signing.xml.encoding import decode_value
from edocx.signing.xml.names import ds, xades
from edocx.signing.xml.sign import add_timestamp


def lift(signature: etree._Element, timestamps: Timestamper, evidence: Evidence | None = None) -> None:
    """Add a timestamp over a finished signature (B-T) and, with ``evidence``, what shows its certificates good (B-LT).

    The evidence is that for the moment of the timestamp: certificates of the signer's and the stamping unit's paths,
    revocation lists, OCSP answers. Raises what `Timestamper.timestamp` and `collect` raise.
    """
    add_timestamp(signature, timestamps)
    if evidence is None:
        return
    token = decode_value(next(signature.iter(xades("EncapsulatedTimeStamp"))))
    moment = token_time(token)
    own, *others = _certificates(signature)
    stamper, embedded = token_certificates(token)
    collected = collect(own, others, evidence, moment) | collect(stamper, embedded, evidence, moment)
    _add(next(signature.iter(xades("UnsignedSignatureProperties"))), collected)


def _certificates(signature: etree._Element) -> list[x509.Certificate]:
    # The signer's own stands first: `edocx.signing.xml.sign` writes it so.
    return [remembered_certificate(decode_value(one)) for one in signature.iter(ds("X509Certificate"))]


def _add(unsigned: etree._Element, collected: Collected) -> None:
    certificates = etree.SubElement(unsigned, xades("CertificateValues"))
    _add_values(certificates, "EncapsulatedX509Certificate", (one.dump() for one in collected.certificates))
    values = etree.SubElement(unsigned, xades("RevocationValues"))
    if collected.revocation_lists:
        lists = etree.SubElement(values, xades("CRLValues"))
        _add_values(lists, "EncapsulatedCRLValue", (one.dump() for one in collected.revocation_lists))
    if collected.ocsp_responses:
        answers = etree.SubElement(values, xades("OCSPValues"))
        _add_values(answers, "EncapsulatedOCSPValue", (one.dump() for one in collected.ocsp_responses))


def _add_values(parent: etree._Element, name: str, values: Iterable[bytes]) -> None:
    for value in values:
        etree.SubElement(parent, xades(name)).text = base64.b64encode(value).decode("ascii")
