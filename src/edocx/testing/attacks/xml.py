"""Attacks on signed XML: wrapping, substitution of keys and algorithms, entities, hostile transforms.

After McIntosh and Austel, "XML Signature Element Wrapping Attacks" (2005), and Somorovsky et al., "On Breaking SAML"
(2012): the shapes differ in where the signed element and the forged one stand.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable, Iterator

from lxml import etree

from edocx._xml import parse
from edocx.testing.attacks import Attack
from edocx.testing.attacks.xml_keys import AMONG_KEYS

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"


def forgeries(data: bytes, *, other_certificate: bytes | None = None) -> Iterator[Attack]:
    """Yield forged copies of a document with one `ds:Signature`; ``other_certificate`` (DER) is somebody else's."""
    for name, change in _CHANGES.items():
        root = parse(data)
        forged = change(root)
        if forged is not None:
            yield Attack(name, etree.tostring(forged))
    if other_certificate is not None:
        yield Attack("certificate-exchanged", etree.tostring(_exchanged(parse(data), other_certificate)))
    yield Attack(
        "entities", b'<!DOCTYPE a [<!ENTITY b "FORGED"><!ENTITY c "&b;&b;&b;">]>\n' + _without_declaration(data)
    )
    yield Attack("external-entity", b'<!DOCTYPE a SYSTEM "file:///etc/passwd">\n' + _without_declaration(data))


def unsigned_parts(data: bytes) -> Iterator[Attack]:
    """Yield copies of a document whose enveloped signature holds what nobody signed; it is intact itself."""
    for name, change in _UNSIGNED.items():
        yield Attack(name, etree.tostring(change(parse(data))))


def surroundings(data: bytes) -> Iterator[Attack]:
    """Yield copies of a document with other surroundings of what is signed; every reference holds.

    The document has a bare root, which holds one signed element and the signature that names it by its Id; or that
    element is its root. What nobody signed says how the signed part is meant.
    """
    for name, change in _AROUND.items():
        root = parse(data)
        if (forged := change(root)) is not None:
            yield Attack(f"around-{name}", etree.tostring(forged))
    plain = _without_declaration(data)
    for name, written in {
        "style-sheet": b'<?xml-stylesheet type="text/xsl" href="data:text/xml,FORGED"?>' + plain,
        "instruction-behind": plain + b"<?pay FORGED?>",
    }.items():
        yield Attack(f"around-{name}", written)


def _without_declaration(data: bytes) -> bytes:
    return etree.tostring(parse(data))


def _signature(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{{{DS}}}Signature"))


def _find(root: etree._Element, name: str) -> etree._Element:
    return next(root.iter(f"{{{DS}}}{name}"))


def _target(root: etree._Element) -> etree._Element | None:
    uri = _find(root, "Reference").get("URI", "")
    if uri == "":
        return root
    for element in root.iter(etree.Element):
        if uri[1:] in {element.get("Id"), element.get("ID"), element.get("id")}:
            return element
    return None


def _forge_text(element: etree._Element) -> None:
    for child in element.iter(etree.Element):
        if etree.QName(child).namespace != DS and not len(child):
            child.text = (child.text or "") + " FORGED"
            return
    element.set("forged", "true")


def _text(root: etree._Element) -> etree._Element:
    target = _target(root)
    _forge_text(root if target is None else target)
    return root


def _wrap_in_object(root: etree._Element) -> etree._Element | None:
    """Move the signed element into an Object of the signature and put a forged twin in its place."""
    target = _target(root)
    if target is None or target is root or _signature(root) in list(target.iterdescendants()):
        return _wrap_root(root)
    twin = copy.deepcopy(target)
    _forge_text(twin)
    parent = target.getparent()
    assert parent is not None
    parent.replace(target, twin)
    etree.SubElement(_signature(root), f"{{{DS}}}Object").append(target)
    return root


def _wrap_root(root: etree._Element) -> etree._Element:
    """Make a forged document around the whole signed one."""
    outer = copy.deepcopy(root)
    for signature in list(outer.iter(f"{{{DS}}}Signature")):
        parent = signature.getparent()
        if parent is not None:
            parent.remove(signature)
    _forge_text(outer)
    outer.append(root)
    return outer


def _wrap_sibling(root: etree._Element) -> etree._Element:
    outer = etree.Element("wrapper")
    forged = _wrap_root(copy.deepcopy(root))[0] if len(root) else etree.Element("forged")
    outer.append(forged)
    outer.append(root)
    return outer


def _wrap_without_identifier(root: etree._Element) -> etree._Element:
    outer = _wrap_root(root)
    for name in ("Id", "ID", "id"):
        if outer.get(name) is not None:
            del outer.attrib[name]
    outer.set("forged", "true")
    return outer


def _comment_in_digest(root: etree._Element) -> etree._Element:
    value = _find(root, "DigestValue")
    text = value.text or ""
    value.text = text[:4]
    comment = etree.Comment("")
    comment.tail = text[4:]
    value.append(comment)
    return _text(root)


def _hmac(root: etree._Element) -> etree._Element:
    """Sign with a code whose secret is the certificate that stands in the file."""
    method = _find(root, "SignatureMethod")
    method.set("Algorithm", f"{MORE}hmac-sha256")
    certificate = root.find(f".//{{{DS}}}X509Certificate")
    secret = base64.b64decode("".join((certificate.text or "").split())) if certificate is not None else b""
    data = etree.tostring(_find(root, "SignedInfo"), method="c14n", exclusive=True, with_tail=False)
    code = hmac.new(secret, data, hashlib.sha256).digest()
    _find(root, "SignatureValue").text = base64.b64encode(code).decode("ascii")
    return root


def _hmac_truncated(root: etree._Element) -> etree._Element:
    forged = _hmac(root)
    etree.SubElement(_find(forged, "SignatureMethod"), f"{{{DS}}}HMACOutputLength").text = "0"
    _find(forged, "SignatureValue").text = ""
    return forged


def _transforms(algorithm: str, inside: Callable[[etree._Element], None]) -> Callable[[etree._Element], etree._Element]:
    def change(root: etree._Element) -> etree._Element:
        reference = _find(root, "Reference")
        transforms = reference.find(f"{{{DS}}}Transforms")
        if transforms is None:
            transforms = etree.Element(f"{{{DS}}}Transforms")
            reference.insert(0, transforms)
        inside(etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=algorithm))
        return root

    return change


def _xpath(expression: str) -> Callable[[etree._Element], None]:
    def fill(transform: etree._Element) -> None:
        etree.SubElement(transform, f"{{{DS}}}XPath").text = expression

    return fill


def _stylesheet(transform: etree._Element) -> None:
    xsl = "http://www.w3.org/1999/XSL/Transform"
    sheet = etree.SubElement(transform, f"{{{xsl}}}stylesheet", version="1.0")
    template = etree.SubElement(sheet, f"{{{xsl}}}template", match="/", name="again")
    etree.SubElement(template, f"{{{xsl}}}call-template", name="again")


def _many_transforms(root: etree._Element) -> etree._Element:
    transforms = root.find(f".//{{{DS}}}Transforms")
    holder = transforms if transforms is not None else etree.SubElement(_find(root, "Reference"), f"{{{DS}}}Transforms")
    for _ in range(1000):
        uri = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
        etree.SubElement(holder, f"{{{DS}}}Transform", Algorithm=uri)
    return root


def _many_references(root: etree._Element) -> etree._Element:
    info = _find(root, "SignedInfo")
    reference = _find(root, "Reference")
    for _ in range(1000):
        info.append(copy.deepcopy(reference))
    return root


def _outward(uri: str) -> Callable[[etree._Element], etree._Element]:
    def change(root: etree._Element) -> etree._Element:
        _find(root, "Reference").set("URI", uri)
        return root

    return change


def _no_references(root: etree._Element) -> etree._Element:
    info = _find(root, "SignedInfo")
    for reference in info.findall(f"{{{DS}}}Reference"):
        info.remove(reference)
    return root


def _doubled_info(root: etree._Element) -> etree._Element:
    info = _find(root, "SignedInfo")
    forged = copy.deepcopy(info)
    _signature(root).insert(0, forged)
    return _text(root)


def _exchanged(root: etree._Element, certificate: bytes) -> etree._Element:
    for element in root.iter(f"{{{DS}}}X509Certificate"):
        element.text = base64.b64encode(certificate).decode("ascii")
    return root


def _unsigned_object(root: etree._Element) -> etree._Element:
    etree.SubElement(etree.SubElement(_signature(root), f"{{{DS}}}Object"), "amount").text = "FORGED"
    return root


def _unsigned_element(root: etree._Element) -> etree._Element:
    etree.SubElement(_signature(root), "amount").text = "FORGED"
    return root


def _unsigned_text(root: etree._Element) -> etree._Element:
    _find(root, "SignedInfo").tail = "FORGED"
    return root


def _unsigned_attribute(root: etree._Element) -> etree._Element:
    _signature(root).set("amount", "FORGED")
    return root


def _signed_child(root: etree._Element) -> etree._Element | None:
    target = _target(root)
    return None if target is root else target


def _put_into(root: etree._Element, holder: etree._Element) -> etree._Element | None:
    target = _signed_child(root)
    if target is None:
        return None
    root.replace(target, holder)
    holder.append(target)
    return root


def _attribute_above(root: etree._Element) -> etree._Element | None:
    if _signed_child(root) is None:
        return None
    root.set("status", "REVOKED")
    return root


def _beside_signed(element: Callable[[], etree._Element]) -> Callable[[etree._Element], etree._Element | None]:
    def change(root: etree._Element) -> etree._Element | None:
        if _signed_child(root) is None:
            return None
        root.insert(0, element())
        return root

    return change


def _above(root: etree._Element) -> etree._Element:
    outer = etree.Element("rejected")
    outer.append(etree.Element("old"))
    outer[0].append(root)
    return outer


def _in_the_signature(made: Callable[[], etree._Element]) -> Callable[[etree._Element], etree._Element]:
    def change(root: etree._Element) -> etree._Element:
        _signature(root).append(made())
        return root

    return change


def _object(name: str, *, holder: str | None = None, **attributes: str) -> Callable[[], etree._Element]:
    def make() -> etree._Element:
        made = etree.Element(f"{{{DS}}}Object", attributes)
        inside = made if holder is None else etree.SubElement(made, holder)
        etree.SubElement(inside, name).text = "FORGED"
        return made

    return make


def _value_attribute(root: etree._Element) -> etree._Element:
    _find(root, "SignatureValue").set("amount", "FORGED")
    return root


_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_AROUND: dict[str, Callable[[etree._Element], etree._Element | None]] = {
    "moved": lambda root: _put_into(root, etree.Element("old")),
    "moved-with-attribute": lambda root: _put_into(root, etree.Element("old", amount="900")),
    "attribute": _attribute_above,
    "empty-element": _beside_signed(lambda: etree.Element("amount", value="900")),
    "bare-element": _beside_signed(lambda: etree.Element("rejected")),
    "instruction": _beside_signed(lambda: etree.PI("pay", "FORGED")),
    "whole-moved": _above,
    "properties": _in_the_signature(_object(f"{_XADES}QualifyingProperties")),
    "properties-unknown": _in_the_signature(_object(f"{_XADES}Note")),
    "properties-signed": _in_the_signature(
        _object(f"{_XADES}SignedProperties", holder=f"{_XADES}QualifyingProperties")
    ),
    "properties-data": _in_the_signature(
        _object(f"{_XADES}UnsignedProperties", holder=f"{_XADES}QualifyingProperties")
    ),
    **AMONG_KEYS,
    "instruction-in-signature": _in_the_signature(lambda: etree.PI("pay", "FORGED")),
    "value-attribute": _value_attribute,
}

_CHANGES: dict[str, Callable[[etree._Element], etree._Element | None]] = {
    "text-changed": _text,
    "wrapped-in-object": _wrap_in_object,
    "wrapped-in-forged-root": _wrap_root,
    "wrapped-beside": _wrap_sibling,
    "wrapped-without-identifier": _wrap_without_identifier,
    "comment-in-digest": _comment_in_digest,
    "hmac-with-certificate": _hmac,
    "hmac-truncated": _hmac_truncated,
    "xpath-selects-nothing": _transforms(_XPATH, _xpath("false()")),
    "xpath-bomb": _transforms(_XPATH, _xpath("count(//. | //@* | //namespace::*) >= 0" + " and //.[.//.]" * 50)),
    "xslt-endless": _transforms(_XSLT, _stylesheet),
    "transforms-many": _many_transforms,
    "references-many": _many_references,
    "reference-to-file": _outward("file:///etc/passwd"),
    "reference-to-server": _outward("http://127.0.0.1:1/x"),
    "no-references": _no_references,
    "signed-info-doubled": _doubled_info,
}

_UNSIGNED: dict[str, Callable[[etree._Element], etree._Element]] = {
    "unsigned-object": _unsigned_object,
    "unsigned-element": _unsigned_element,
    "unsigned-text": _unsigned_text,
    "unsigned-attribute": _unsigned_attribute,
}
