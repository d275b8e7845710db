"""Attacks on the envelope's seal in its text and in the signature itself: what no tree shows, or none should trust.

Some change nothing that anybody reads (a character reference, another encoding, a wrapped line of base64) and may pass;
none may pass that changes it.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator

from lxml import etree

from edocx._xml import parse
from edocx.envelope import names as n
from edocx.testing.attacks import Attack

DS = n.XMLDSIG
_EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
_LEAF = re.compile(r"(<edXML:(\w+)(?: [^>]*)?>)([^<>&]*\S[^<>&]*)(</edXML:\2>)")
_PREFIX = f' xmlns:{n.PREFIX}="{n.QCVN}"'


def rewritings(data: bytes) -> Iterator[Attack]:
    """Yield copies of a sealed envelope whose text was written otherwise: every text, in every way.

    Names begin with ``text-`` and a number, or ``trace-`` for the trace, which no seal covers.
    """
    text = data.decode()
    start, end = text.find(f"<{n.PREFIX}:{n.TRACE}>"), text.rfind(f"</{n.PREFIX}:{n.TRACE}>")
    for place, leaf in enumerate(_LEAF.finditer(text)):
        where = "trace" if start < leaf.start() < end else "text"
        for name, rewrite in _TEXTS.items():
            changed = text[: leaf.start(3)] + rewrite(leaf[3]) + text[leaf.end(3) :]
            yield Attack(f"{where}-{place}-{leaf[2]}-{name}", changed.encode())
    for name, change in _DOCUMENTS.items():
        yield Attack(name, change(text))


def signature_forgeries(data: bytes) -> Iterator[Attack]:
    """Yield copies of a sealed envelope whose signature was tampered with, each reference in turn."""
    count = len(list(parse(data).iter(f"{{{DS}}}Reference")))
    for place in range(count):
        for name, change in _REFERENCES.items():
            root = parse(data)
            change(list(root.iter(f"{{{DS}}}Reference"))[place])
            yield Attack(f"reference-{place}-{name}", etree.tostring(root))
    for name, alter in _SIGNATURES.items():
        root = parse(data)
        alter(next(root.iter(f"{{{DS}}}Signature")))
        yield Attack(f"signature-{name}", etree.tostring(root))


def _half(text: str, between: str) -> str:
    return text[: len(text) // 2] + between + text[len(text) // 2 :]


_TEXTS: dict[str, Callable[[str], str]] = {
    "changed": lambda _: "GIA-MAO",
    "emptied": lambda _: "",
    "comment": lambda text: _half(text, "<!-- x -->"),
    "comment-first": lambda text: f"<!-- x -->{text}",
    "comment-hides": lambda text: f"GIA<!--{text}-->",
    "comment-adds": lambda text: f"{text}<!-- x -->GIA-MAO",
    "instruction": lambda text: _half(text, "<?x y?>"),
    "cdata": lambda text: f"<![CDATA[{text}]]>",
    "cdata-half": lambda text: _half(text, "<![CDATA[]]>"),
    "cdata-adds": lambda text: f"{text}<![CDATA[GIA]]>",
    "references": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "reference-adds": lambda text: f"{text}&#65;",
    "entity": lambda text: f"{text}&x;",
    "blanks": lambda text: f" \n{text}\t",
    "carriage-return": lambda text: f"{text}&#13;",
    "line-ends": lambda text: _half(text, "\r\n"),
    "no-break-space": lambda text: f"{text}\u00a0",
    "decomposed": lambda text: unicodedata.normalize("NFD", text) + "\u0301",
    "element": lambda text: f"<x/>{text}",
}
_DOCUMENTS: dict[str, Callable[[str], bytes]] = {
    "byte-order-mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf-16": lambda text: text.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    "leading-junk": lambda text: b"\n1212" + text.encode(),
    "trailing-comment": lambda text: text.encode() + b"<!-- x -->",
    "stylesheet": lambda text: text.replace("?>", '?><?xml-stylesheet href="x"?>', 1).encode(),
    "doctype": lambda text: text.replace("?>", '?><!DOCTYPE edXML [<!ENTITY x "GIA-MAO">]>', 1).encode(),
    "doctype-external": lambda text: text.replace("?>", '?><!DOCTYPE edXML SYSTEM "http://127.0.0.1/x">', 1).encode(),
    "doctype-attribute": lambda text: text.replace(
        "?>", '?><!DOCTYPE edXML [<!ATTLIST edXML:Paper Id ID "MessageHeader">]>', 1
    ).encode(),
    "prefix-swapped": lambda text: text.replace("edXML:", "v:").replace("xmlns:edXML=", "xmlns:v=").encode(),
    "prefix-undeclared": lambda text: text.replace(_PREFIX, "").encode(),
    "prefix-to-another-namespace": lambda text: text.replace(_PREFIX, ' xmlns:edXML="urn:x"').encode(),
    "prefix-default": lambda text: text.replace("edXML:", "").replace(_PREFIX, "").encode(),
    "prefix-redeclared": lambda text: text.replace(
        "<edXML:Subject>", f'<edXML:Subject xmlns:edXML="{n.QCVN}" xmlns:x="urn:x">'
    ).encode(),
    "prefix-redeclared-elsewhere": lambda text: text.replace(
        "<edXML:Subject>", '<edXML:Subject xmlns:edXML="urn:x">'
    ).encode(),
    "default-namespace-changed": lambda text: text.replace(f' xmlns="{n.QCVN}"', ' xmlns="urn:x"', 1).encode(),
    "xinclude": lambda text: text.replace(
        "</edXML:Subject>", f'<x:include xmlns:x="{n.XINCLUDE}" href="/etc/hostname" parse="text"/></edXML:Subject>'
    ).encode(),
    "tags-on-lines": lambda text: text.replace("<edXML:Subject>", "<edXML:Subject\n >").encode(),
    "base64-wrapped": lambda text: _content(text, lambda value: _half(value, "\n")),
    "base64-indented": lambda text: _content(text, lambda value: _half(value, "  ")),
    "base64-commented": lambda text: _content(text, lambda value: _half(value, "<!---->")),
    "base64-in-cdata": lambda text: _content(text, lambda value: f"<![CDATA[{value}]]>"),
    "base64-referenced": lambda text: _content(text, lambda value: f"&#{ord(value[0])};{value[1:]}"),
    "base64-odd-bits": lambda text: text.replace("aGVsbG8=", "aGVsbG9=").encode(),
    "base64-without-padding": lambda text: text.replace("aGVsbG8=", "aGVsbG8").encode(),
    "base64-continued": lambda text: text.replace("aGVsbG8=", "aGVsbG8=aGVsbG8=").encode(),
    "base64-child": lambda text: _content(text, lambda value: _half(value, "<x/>")),
    "trace-appended": lambda text: text.replace(
        "</edXML:TraceHeaderList>",
        "<edXML:TraceHeader><edXML:OrganId>H58</edXML:OrganId></edXML:TraceHeader></edXML:TraceHeaderList>",
    ).encode(),
    "trace-removed": lambda text: re.sub(
        "<edXML:TraceHeader>.*?</edXML:TraceHeader>", "", text, flags=re.DOTALL
    ).encode(),
    "paper-added": lambda text: text.replace(
        "</edXML:TraceHeaderList>", "<edXML:Paper>1</edXML:Paper></edXML:TraceHeaderList>"
    ).encode(),
}


def _content(text: str, change: Callable[[str], str]) -> bytes:
    return re.sub(
        r"(<edXML:ContentTransferEncoded[^>]*>)([^<]+)",
        lambda found: found[1] + change(found[2]),
        text,
        count=1,
    ).encode()


def _transform(algorithm: str) -> Callable[[etree._Element], None]:
    def change(reference: etree._Element) -> None:
        holder = reference.find(f"{{{DS}}}Transforms")
        assert holder is not None
        etree.SubElement(holder, f"{{{DS}}}Transform", Algorithm=algorithm)

    return change


def _uri(make: Callable[[str], str | None]) -> Callable[[etree._Element], None]:
    def change(reference: etree._Element) -> None:
        uri = make(str(reference.get("URI", "")))
        if uri is None:
            del reference.attrib["URI"]
        else:
            reference.set("URI", uri)

    return change


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


_REFERENCES: dict[str, Callable[[etree._Element], None]] = {
    "removed": _remove,
    "doubled": lambda element: element.addnext(copy.deepcopy(element)),
    "whole": _uri(lambda _: ""),
    "nowhere": _uri(lambda _: None),
    "xpointer": _uri(lambda uri: f"#xpointer(id('{uri[1:]}'))"),
    "escaped": _uri(lambda uri: f"#%{ord(uri[1]):02X}{uri[2:]}"),
    "file": _uri(lambda _: "file:///etc/hostname"),
    "server": _uri(lambda _: "http://127.0.0.1:1/x"),
    "typed": lambda element: element.set("Type", f"{DS}Manifest"),
    "enveloped": _transform(f"{DS}enveloped-signature"),
    "xpath": _transform("http://www.w3.org/TR/1999/REC-xpath-19991116"),
    "xslt": _transform("http://www.w3.org/TR/1999/REC-xslt-19991116"),
    "base64": _transform(f"{DS}base64"),
    "untransformed": lambda element: _remove(element[0]),
    "sha1": lambda element: next(element.iter(f"{{{DS}}}DigestMethod")).set("Algorithm", f"{DS}sha1"),
    "digest-emptied": lambda element: setattr(next(element.iter(f"{{{DS}}}DigestValue")), "text", ""),
    "digest-commented": lambda element: next(element.iter(f"{{{DS}}}DigestValue")).append(etree.Comment("x")),
}


def _moved(path: str) -> Callable[[etree._Element], None]:
    def change(signature: etree._Element) -> None:
        target = signature.getroottree().getroot().find(path)
        assert target is not None
        target.append(signature)

    return change


def _method(algorithm: str) -> Callable[[etree._Element], None]:
    return lambda signature: next(signature.iter(f"{{{DS}}}SignatureMethod")).set("Algorithm", algorithm)


def _doubled(name: str) -> Callable[[etree._Element], None]:
    def change(signature: etree._Element) -> None:
        element = next(signature.iter(f"{{*}}{name}"))
        element.addprevious(copy.deepcopy(element))

    return change


def _without(name: str) -> Callable[[etree._Element], None]:
    return lambda signature: _remove(next(signature.iter(f"{{*}}{name}")))


_SIGNATURES: dict[str, Callable[[etree._Element], None]] = {
    "removed": _remove,
    "doubled": lambda signature: signature.addnext(copy.deepcopy(signature)),
    "moved-to-root": _moved("."),
    "moved-to-body": _moved(f"{n.tag(n.ENVELOPE)}/{n.tag(n.BODY)}"),
    "moved-to-message-header": _moved(f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}/{n.tag(n.MESSAGE_HEADER)}"),
    "moved-to-traces": _moved(f"{n.tag(n.ENVELOPE)}/{n.tag(n.HEADER)}/{n.tag(n.TRACE_LIST)}"),
    "without-namespace": lambda signature: setattr(signature, "tag", "Signature"),
    "in-the-standards-namespace": lambda signature: setattr(signature, "tag", n.tag("Signature")),
    "hmac": _method("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
    "rsa-sha1": _method(f"{DS}rsa-sha1"),
    "method-none": _method(""),
    "c14n-with-comments": lambda signature: next(signature.iter(f"{{{DS}}}CanonicalizationMethod")).set(
        "Algorithm", f"{_EXC}WithComments"
    ),
    "value-emptied": lambda signature: setattr(next(signature.iter(f"{{{DS}}}SignatureValue")), "text", ""),
    "comment-in-info": lambda signature: signature[0].append(etree.Comment("x")),
    **{f"{name}-doubled": _doubled(name) for name in (
        "SignedInfo", "SignatureValue", "KeyInfo", "X509Certificate", "Object", "QualifyingProperties",
        "SignedProperties", "SigningCertificateV2", "SigningTime",
    )},
    **{f"{name}-missing": _without(name) for name in (
        "SignedInfo", "SignatureValue", "KeyInfo", "Object", "QualifyingProperties", "SignedProperties",
        "SigningCertificateV2", "SigningTime",
    )},
}  # fmt: skip
