"""Which dialect an XML document is, told by its root, namespaces and blocks; never by prefix or file name.

The one exception is the label "A-default": it differs from "A" in nothing but the prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from lxml import etree

from edocx.envelope import names as n
from edocx.envelope.tree import is_element
from edocx.errors import EnvelopeError, Text

Dialect = Literal["A", "A-net", "A-default", "C", "D"]
"""A: the national library's; A-net: the .NET library's; A-default: without prefix; C: go.vn; D: “Business”."""

_ENVELOPES: Final = (n.ENVELOPE, n.ENVELOPE_C)


@dataclass(frozen=True, slots=True)
class Frame:
    """The blocks that hold everything else, and the namespace they are in."""

    namespace: str
    envelope: etree._Element
    dialect: Dialect


_reports_viruses: Final = etree.XPath(f"boolean(*[local-name()='{n.BODY}']/*[local-name()='{n.AV_REPORT}'])")
_HEADER: Final = n.tag(n.HEADER)
_TRACES: Final = n.tag(n.TRACE_LIST)
_DIGITAL_SIGNATURE: Final = n.tag(n.DIGITAL_SIGNATURE)
_REFERENCE: Final = n.tag(n.REFERENCE)


def recognise(root: etree._Element) -> Frame:
    """Return the frame of an envelope; raise `EnvelopeError` for a document that is none we read."""
    envelope = _envelope(root)
    namespace = n.namespace(str(envelope.tag)) if envelope is not None else ""
    if envelope is None or namespace not in {n.QCVN, n.GO}:
        _refuse(root, envelope)
    if _reports_viruses(envelope):
        _refuse(root, envelope)
    if namespace == n.GO:
        return Frame(namespace, envelope, "C")
    return Frame(namespace, envelope, _variant(root, envelope))


def _envelope(root: etree._Element) -> etree._Element | None:
    if n.local(str(root.tag)) in _ENVELOPES:
        return root
    for node in root:
        if is_element(node) and n.local(str(node.tag)) in _ENVELOPES:
            return node
    return None


def _variant(root: etree._Element, envelope: etree._Element) -> Dialect:
    header = next(envelope.iterchildren(_HEADER), None)
    traces = next(header.iterchildren(_TRACES), None) if header is not None else None
    if traces is not None and next(traces.iterchildren("{*}Business"), None) is not None:
        return "D"
    net = (
        (traces is not None and traces.get(n.MUST_UNDERSTAND) is not None)
        or (header is not None and next(header.iterchildren(_DIGITAL_SIGNATURE), None) is not None)
        or any(node.get(n.HREF) for node in envelope.iter(_REFERENCE))
        or {n.XSI, n.XSD} <= set(root.nsmap.values())
    )
    if net:
        return "A-net"
    return "A" if envelope.prefix else "A-default"


def _refuse(root: etree._Element, envelope: etree._Element | None) -> NoReturn:
    spaces = {n.namespace(str(node.tag)) for node in root.iter() if is_element(node)}
    names = {n.local(str(node.tag)) for node in root.iter() if is_element(node)}
    if n.AV_REPORT in names:
        _raise("F", "báo cáo mã độc, không phải văn bản", "an antivirus report, not a document")
    if n.ALL_DOCUMENT in names:
        _raise("B′", "gói gửi qua thư điện tử theo công văn 512", "a mail package of guide 512")
    if n.EDOC in spaces and n.local(str(root.tag)) != n.SOAP_ENVELOPE:
        _raise("B′", "gói gửi qua thư điện tử theo công văn 2803", "a mail package of guide 2803")
    if n.EDOC in spaces or n.namespace(str(root.tag)) == n.SOAP:
        _raise("B", "gói SOAP thế hệ trước", "a SOAP package of the generation before")
    if envelope is not None:
        space = n.namespace(str(envelope.tag))
        raise EnvelopeError(
            Text(
                f"Phong bì phải ở không gian tên {n.QCVN}, không phải “{space}”.",
                f"The envelope must be in the namespace {n.QCVN}, not “{space}”.",
            ),
            hint=Text("Yêu cầu bên gửi ghi đúng không gian tên.", "Ask the sender to write the right namespace."),
            code="EDX-ENVELOPE-NAMESPACE",
            where=f"/{n.local(str(root.tag))}",
        )
    raise EnvelopeError(
        Text("XML này không phải là phong bì edXML.", "This XML is no edXML envelope."),
        hint=Text("Kiểm tra xem có gửi nhầm tệp không.", "Check whether it is the right file."),
        where=f"/{n.local(str(root.tag))}",
    )


def _raise(dialect: str, vi: str, en: str) -> NoReturn:
    raise EnvelopeError(
        Text(f"Tệp thuộc dạng {dialect}: {vi}.", f"The file is of dialect {dialect}: {en}."),
        hint=Text("Yêu cầu bên gửi gửi lại theo QCVN 102:2016.", "Ask the sender to send it as QCVN 102:2016 says."),
        code="EDX-ENVELOPE-DIALECT",
        where=dialect,
    )
