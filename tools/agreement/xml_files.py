"""Documents signed with XML signatures by others than edocx, and their forgeries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from agreement.case import XML, Case
from agreement.workshop import Workshop
from edocx.testing import Credential
from edocx.testing.attacks import Attack, xml, xml_selection

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
DOCUMENT = '<doc xmlns="urn:x" Id="doc"><to>Nguyễn Văn A</to><amount>100</amount></doc>'.encode()
_FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_BODY = "<doc><p>Pay 5 to Nguyễn Văn A</p></doc>"
_TEXT = b"Pay 5"


def documents(shop: Workshop) -> Iterator[Case]:
    """Yield documents in each shape of a signature, and every forgery of them."""
    other = shop.other_key.certificate.public_bytes(Encoding.DER)
    for shape, data in _shapes(shop):
        yield Case("XML, signed by signxml", shape, data, XML, genuine=True)
        families: dict[str, Iterator[Attack]] = {"XML, forged": xml.forgeries(data, other_certificate=other)}
        if shape != "enveloping":
            families["XML, forged around"] = xml.surroundings(data)
        if shape.startswith("enveloped"):
            families["XML, forged inside the signature"] = xml.unsigned_parts(data)
        for family, attacks in families.items():
            for attack in attacks:
                yield Case(f"{family}, {shape}", attack.name, attack.data, XML, genuine=False)
    yield from _selections(shop.person_key)


def _shapes(shop: Workshop) -> Iterator[tuple[str, bytes]]:
    import signxml  # noqa: PLC0415

    shapes: dict[str, tuple[Any, dict[str, Any]]] = {
        "enveloped": (signxml.methods.enveloped, {}),
        "enveloped, by Id": (signxml.methods.enveloped, {"reference_uri": "#doc"}),
        "enveloping": (signxml.methods.enveloping, {}),
        "beside what is signed": (signxml.methods.detached, {"reference_uri": "#doc"}),
    }
    for shape, (method, options) in shapes.items():
        root = signxml.XMLSigner(method=method, c14n_algorithm=EXCLUSIVE).sign(
            etree.fromstring(DOCUMENT),
            key=shop.person_key.private_key,
            cert=[shop.person_key.certificate, shop.pki.state.certificate],
            always_add_key_value=False,
            **options,
        )
        if method is signxml.methods.detached:
            frame = etree.Element("root")
            frame.extend([etree.fromstring(DOCUMENT), root])
            root = frame
        yield shape, etree.tostring(root)


def _selections(person: Credential) -> Iterator[Case]:
    """Yield signatures whose references select with XPath or take a text as base64, and what that leaves open."""
    plain = _transform(_XPATH, f'<XPath xmlns:s="{DS}">not(ancestor-or-self::s:Signature)</XPath>')
    subtracted = _transform(
        _FILTER2, f'<XPath xmlns="{_FILTER2}" xmlns:s="{DS}" Filter="subtract">/descendant::s:Signature</XPath>'
    )
    enveloped = _transform(f"{DS}enveloped-signature")
    for label, transforms in {
        "filter": plain,
        "filter after enveloped": enveloped + plain,
        "filter 2": subtracted,
        "filter 2 after enveloped": enveloped + subtracted,
    }.items():
        whole = _canonical(etree.fromstring(_BODY))
        signed = _signature(person, _reference("", transforms + _transform(EXCLUSIVE), whole))
        data = _BODY.replace("</doc>", f"{signed}</doc>").encode()
        yield Case("XML, selected by XPath", label, data, XML, genuine=True)
        for attack in xml_selection.filters_rebound(data, "s"):
            yield Case("XML, forged, selected by XPath", f"{attack.name} {label}", attack.data, XML, genuine=False)
    for label, attributes in {"base64": "", "base64, named": f' Encoding="{DS}base64"'}.items():
        held = f'<Object Id="o"{attributes}>{base64.b64encode(_TEXT).decode()}</Object>'
        data = _signature(person, _reference("#o", _transform(f"{DS}base64"), _TEXT), held).encode()
        yield Case("XML, a text signed as base64", label, data, XML, genuine=True)
        for attack in xml_selection.around_encoded(data, "o"):
            yield Case(
                "XML, forged, around a text signed as base64", f"{attack.name} {label}", attack.data, XML, genuine=False
            )


def _canonical(element: etree._Element) -> bytes:
    return bytes(etree.tostring(element, method="c14n", exclusive=True))


def _transform(algorithm: str, inside: str = "") -> str:
    return f'<Transform Algorithm="{algorithm}">{inside}</Transform>'


def _reference(uri: str, transforms: str, data: bytes) -> str:
    value = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return (
        f'<Reference URI="{uri}"><Transforms>{transforms}</Transforms><DigestMethod '
        f'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue>{value}</DigestValue></Reference>'
    )


def _signature(person: Credential, references: str, objects: str = "") -> str:
    """Sign as other software does: no prefix, exclusive canonicalisation."""
    held = (person.certificate, *person.chain)
    certificates = "".join(
        f"<X509Certificate>{base64.b64encode(one.public_bytes(Encoding.DER)).decode()}</X509Certificate>"
        for one in dict.fromkeys(held)
    )
    text = (
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>{references}</SignedInfo>'
        f"<SignatureValue>@@</SignatureValue><KeyInfo><X509Data>{certificates}</X509Data></KeyInfo>{objects}"
        f"</Signature>"
    )
    info = _canonical(etree.fromstring(text)[0])
    value = person.sign(info)
    return text.replace("@@", base64.b64encode(value).decode())
