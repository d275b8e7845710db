"""From a recognised frame to an `Envelope`: blocks found in their places, fields read, leftovers kept."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from edocx.envelope import fields as f
from edocx.envelope import names as n
from edocx.envelope.attachments import join
from edocx.envelope.dialect import Frame
from edocx.envelope.doctypes import settle
from edocx.envelope.interpret import Blocks, Interpreter
from edocx.envelope.limits import Limits
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.notes import Notes
from edocx.envelope.tree import Tree, path_of
from edocx.errors import EnvelopeError, Text

_MANIFESTS: Final = frozenset((n.MANIFEST, n.MANIFEST_SHORT))
_IN_MANIFEST: Final = frozenset((n.REFERENCE,))
_IN_FLAT_MANIFEST: Final = frozenset((n.REFERENCE, n.ATTACHMENT))
_IN_ATTACHMENTS: Final = frozenset((n.ATTACHMENT,))
_IN_ROOT: Final = frozenset((n.ENVELOPE, n.ENVELOPE_C, n.ATTACHMENTS))
_IN_ENVELOPE: Final = frozenset((n.HEADER, n.BODY, n.ATTACHMENTS))
_IN_HEADER: Final = frozenset((n.MESSAGE_HEADER, n.TRACE_LIST, n.SIGNATURE, n.DIGITAL_SIGNATURE))
_FLAT: Final = _IN_ENVELOPE | _IN_HEADER | frozenset((*_MANIFESTS, n.ATTACHMENT))
"""Dialect C has everything right under its envelope."""

_ATTRIBUTES: Final = MappingProxyType(
    {
        n.TRACE_LIST: frozenset((n.LIST_ID, n.VERSION, n.MUST_UNDERSTAND, n.ACTOR)),
        n.MANIFEST: frozenset((n.VERSION,)),
        n.MANIFEST_SHORT: frozenset((n.VERSION,)),
        n.REFERENCE: frozenset((n.HREF, n.ROLE, n.LINK_TYPE)),
    }
)
_SOAP_LEFTOVERS: Final = frozenset((n.MUST_UNDERSTAND, n.ACTOR))
_OF_SIGNATURES: Final = (f"{{{n.XMLDSIG}}}", "{http://uri.etsi.org/01903/")
"""XML-DSig and the versions of XAdES: most attributes of a sealed envelope stand on their elements."""


def assemble(tree: Tree, frame: Frame, notes: Notes, limits: Limits) -> Envelope:
    """Return the envelope that a tree holds; raise `EnvelopeError` for a status message without a code."""
    interpreter = Interpreter(frame.namespace, notes)
    outer, inner, header = _blocks(tree, frame, interpreter)
    message = interpreter.only(header, n.MESSAGE_HEADER)
    values: dict[str, Any] = {"kind": "document"}
    if message is None:
        notes.finding("EDX-HEADER-MISSING", Text("Thiếu MessageHeader.", "There is no MessageHeader."), frame.envelope)
    elif _is_status(message, frame.namespace):
        values = {"kind": "status"} | interpreter.group(message, f.STATUS_HEADER)
        _require_code(values, message)
    else:
        values |= interpreter.group(message, f.DOCUMENT_HEADER)
    if (traces := interpreter.only(header, n.TRACE_LIST)) is not None:
        values |= interpreter.group(traces, f.TRACE_LIST)
        values |= _list_attributes(traces, frame, notes)
    if values.get("document_type") and settle(values["document_type"]):
        notes.quirk("type-by-name", message)
    values["attachments"] = _files(tree, outer, inner, interpreter, limits)
    _keep_attributes(tree.attributed, frame, notes)
    values["unknown"] = notes.unknown
    return Envelope.model_validate(values)


def _blocks(tree: Tree, frame: Frame, interpreter: Interpreter) -> tuple[Blocks, Blocks, Blocks]:
    """Return the blocks under the root, under the envelope, and under what holds the message header."""
    flat = frame.dialect == "C"
    if flat:
        interpreter.notes.quirk("namespace-go", frame.envelope)
    outer: Blocks = {}
    if frame.envelope is not tree.root:
        if n.local(str(tree.root.tag)) != n.ROOT:
            interpreter.notes.quirk("root-name", tree.root)
        outer = interpreter.blocks(tree.root, _IN_ROOT)
        interpreter.only(outer, n.ENVELOPE, n.ENVELOPE_C)
    inner = interpreter.blocks(frame.envelope, _FLAT if flat else _IN_ENVELOPE)
    holder = interpreter.only(inner, n.HEADER)
    if holder is None:
        return outer, inner, inner if flat else {}
    header = interpreter.blocks(holder, _IN_HEADER)
    _strange_signatures(header, interpreter.notes)
    return outer, inner, header


def _is_status(message: etree._Element, namespace: str) -> bool:
    """A status message is told by its code; one that has lost it, by the time only status messages have here."""
    if _has(message, n.STATUS_CODE, namespace):
        return True
    return _has(message, n.TIMESTAMP, namespace) and not _has(message, n.TO, namespace)


def _has(element: etree._Element, name: str, namespace: str) -> bool:
    return next(element.iterchildren(n.tag(name, namespace), name), None) is not None


def _require_code(values: dict[str, Any], message: etree._Element) -> None:
    if not values.get("status_code"):
        raise EnvelopeError(
            Text("Gói trạng thái không có mã trạng thái (StatusCode).", "The status message has no StatusCode."),
            hint=Text("Yêu cầu bên gửi gửi lại trạng thái.", "Ask the sender to send the status again."),
            code="EDX-STATUS-CODELESS",
            where=f"{path_of(message)}/{n.STATUS_CODE}",
        )


def _strange_signatures(header: Blocks, notes: Notes) -> None:
    for node in header.get(n.SIGNATURE, ()):
        text = Text(
            "Có khối Signature của QCVN; khối này không ký gì cả.",
            "There is a Signature of the QCVN; it signs nothing.",
        )
        notes.finding("EDX-SIGNATURE-MEANINGLESS", text, node, "info")


def _list_attributes(traces: etree._Element, frame: Frame, notes: Notes) -> dict[str, str]:
    values = {}
    prefixed = False
    for name, key in ((n.LIST_ID, "trace_id"), (n.VERSION, "trace_version")):
        value = traces.get(name)
        if value is None and (value := traces.get(n.tag(name, frame.namespace))) is not None:
            prefixed = True
        if value and value.strip():
            values[key] = value.strip()
    if prefixed:
        notes.quirk("trace-attribute-prefixed", traces)
    return values


def _files(tree: Tree, outer: Blocks, inner: Blocks, interpreter: Interpreter, limits: Limits) -> list[Attachment]:
    flat = interpreter.namespace == n.GO
    body = interpreter.only(inner, n.BODY)
    holder = interpreter.blocks(body, _MANIFESTS) if body is not None else inner if flat else {}
    manifest = interpreter.only(holder, n.MANIFEST, n.MANIFEST_SHORT)
    listed: Blocks = {}
    if manifest is not None:
        if n.local(str(manifest.tag)) == n.MANIFEST_SHORT and not flat:
            interpreter.notes.quirk("manifest-name", manifest)
        listed = interpreter.blocks(manifest, _IN_FLAT_MANIFEST if flat else _IN_MANIFEST)
    wrapper = interpreter.only(outer, n.ATTACHMENTS)
    if wrapper is None:
        wrapper = interpreter.only(inner, n.ATTACHMENTS)
    wrapped = interpreter.blocks(wrapper, _IN_ATTACHMENTS) if wrapper is not None else {}
    encoded = [node for blocks in (listed, wrapped, inner) for node in blocks.get(n.ATTACHMENT, ())]
    return join(interpreter, listed.get(n.REFERENCE, []), encoded, tree.payloads, limits)


def _keep_attributes(attributed: list[etree._Element], frame: Frame, notes: Notes) -> None:
    inside: set[etree._Element] | None = None
    for element in attributed:
        tag = str(element.tag)
        if tag.startswith(_OF_SIGNATURES):
            continue  # no field of ours: it stands in a signature, or in a subtree that is kept whole
        known = _ATTRIBUTES.get(n.local(tag), frozenset())
        for key in element.keys():  # noqa: SIM118 - an lxml element iterates over its children
            name = str(key)
            if name == n.ID or name in known or name == n.NIL or name in _SOAP_LEFTOVERS:
                continue
            if n.namespace(name) == frame.namespace and n.local(name) in known:
                continue
            if inside is None:
                inside = _inside_strange(attributed[0].getroottree().getroot(), frame, notes)
            if element not in inside:
                notes.unknown_attribute(element, name)


def _inside_strange(root: etree._Element, frame: Frame, notes: Notes) -> set[etree._Element]:
    """Return all elements of unknown subtrees, which are kept whole, and of signatures, which are not ours to keep."""
    signatures = root.iter(n.tag(n.SIGNATURE, frame.namespace), n.tag(n.SIGNATURE, n.XMLDSIG))
    return {node for apex in (*notes.strange, *signatures) for node in apex.iter(etree.Element)}
