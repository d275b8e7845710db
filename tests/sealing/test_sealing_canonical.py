"""Canonical forms of parts of a document are those of python-xmlsec, in both ways and wherever the part stands."""

from __future__ import annotations

import base64
import hashlib

import xmlsec
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from edocx._xml import canonicalise, canonicalise_inclusively, parse
from edocx.signing.xml.names import ds
from edocx.signing.xml.selection import CANONICALISATIONS, canonical_element

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
KEY = xmlsec.Key.generate(xmlsec.constants.KeyDataHmac, 256, xmlsec.constants.KeyDataTypeSymmetric)

declarations = st.dictionaries(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["urn:x", "urn:y", "urn:z"]))
attributes = st.dictionaries(
    st.sampled_from(["k", "xml:lang", "xml:space"]), st.sampled_from(["vi", "preserve", "ệ<&"])
)
texts = st.text(st.sampled_from(" \n\tệA&<>'\""), max_size=5)


@st.composite
def elements(draw, depth: int = 0, scope: frozenset[str] = frozenset(), *, chosen: bool = True) -> str:
    declared = draw(declarations)
    known = scope | {prefix for prefix in declared if prefix}
    prefix = draw(st.sampled_from(["", *sorted(known)]))
    name = f"{prefix}:e" if prefix else "e"
    spaces = "".join(f' xmlns{":" if key else ""}{key}="{value}"' for key, value in declared.items())
    plain = {key: draw(texts) if key == "k" else value for key, value in draw(attributes).items() if value != "ệ<&"}
    own = draw(st.sampled_from(["", *sorted(known)]))
    if own:
        plain[f"{own}:q"] = "1"
    escaped = {
        key: value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") for key, value in plain.items()
    }
    listed = "".join(f' {key}="{value}"' for key, value in escaped.items())
    count = draw(st.integers(1 if chosen and depth < 2 else 0, 2)) if depth < 5 else 0
    inner = [draw(elements(depth=depth + 1, scope=known, chosen=chosen and not place)) for place in range(count)]
    mark = ' Id="part"' if chosen and depth == 2 else ""
    text = draw(texts).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}{spaces}{listed}{mark}>{text}{'<!-- x -->'.join(inner)}</{name}>"


def digest_of_xmlsec(root, way) -> bytes:
    node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformHmacSha256)
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri="#part")
    xmlsec.template.add_transform(reference, way)
    for element in root.iter(etree.Element):
        if element.get("Id") == "part":
            xmlsec.tree.add_ids(element, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = KEY
    context.sign(node)
    return base64.b64decode(node.findtext(f".//{ds('DigestValue')}"))


@given(elements())
def test_both_canonical_forms_of_a_part_are_those_of_xmlsec(text):
    root = parse(text.encode())
    [part] = [element for element in root.iter(etree.Element) if element.get("Id") == "part"]
    ours = {
        way: hashlib.sha256(canonical_element(part, CANONICALISATIONS[way])).digest() for way in (INCLUSIVE, EXCLUSIVE)
    }
    assert hashlib.sha256(canonicalise(part)).digest() == ours[EXCLUSIVE]
    assert digest_of_xmlsec(parse(text.encode()), xmlsec.constants.TransformExclC14N) == ours[EXCLUSIVE], text
    assert digest_of_xmlsec(parse(text.encode()), xmlsec.constants.TransformInclC14N) == ours[INCLUSIVE], text


def test_a_declaration_that_stands_again_below_is_left_out_of_the_inclusive_form():
    """lxml repeats it for a subtree in place."""
    root = parse(b'<r xmlns:a="urn:x"><p><a:q><a:s xmlns:a="urn:x"/></a:q></p></r>')
    assert canonicalise_inclusively(root[0], inherited={}) == b'<p xmlns:a="urn:x"><a:q><a:s></a:s></a:q></p>'
