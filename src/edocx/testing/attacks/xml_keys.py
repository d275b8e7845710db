"""Letters among the keys of an XML signature: elements of one's own whose words stand in those of XML-DSig."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"


def _signature(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{{{DS}}}Signature"))


def _letter_of_keys() -> etree._Element:
    """Return a letter whose words stand in an element of XML-DSig, so that its own elements hold none."""
    letter = etree.Element("Letter")
    etree.SubElement(etree.SubElement(letter, "Text"), f"{{{DS}}}KeyName").text = "FORGED"
    return letter


def _among_keys(*names: str, made: Callable[[], etree._Element]) -> Callable[[etree._Element], etree._Element]:
    def change(root: etree._Element) -> etree._Element:
        signature = _signature(root)
        holder = signature.find(f"{{{DS}}}KeyInfo")
        if holder is None:
            holder = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        for name in names:
            holder = etree.SubElement(holder, f"{{{DS}}}{name}")
        holder.append(made())
        return root

    return change


def _key_named(words: str) -> Callable[[], etree._Element]:
    def make() -> etree._Element:
        made = etree.Element(f"{{{DS}}}X509IssuerSerial")
        etree.SubElement(made, f"{{{DS}}}X509IssuerName").text = words
        etree.SubElement(made, f"{{{DS}}}X509SerialNumber").text = "1"
        return made

    return make


def _in_object(root: etree._Element) -> etree._Element:
    holder = etree.SubElement(_signature(root), f"{{{DS}}}Object")
    for name in ("KeyInfo", "X509Data", "X509SKI"):
        holder = etree.SubElement(holder, f"{{{DS}}}{name}")
    holder.append(_letter_of_keys())
    return root


AMONG_KEYS: dict[str, Callable[[etree._Element], etree._Element]] = {
    "letter-among-keys": _among_keys(made=_letter_of_keys),
    "letter-in-a-key": _among_keys("X509Data", "X509SKI", made=_letter_of_keys),
    "letter-in-a-pointer": _among_keys("RetrievalMethod", made=_letter_of_keys),
    "letter-in-an-issuer": _among_keys("X509Data", "X509IssuerSerial", "X509IssuerName", made=_letter_of_keys),
    "sentence-as-an-issuer": _among_keys("X509Data", made=_key_named("FORGED amount 900")),
    "letter-of-keys-in-object": _in_object,
}
"""By name: changes that put words where keys are named, and that no signature covers."""
