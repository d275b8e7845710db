"""From a recognised frame to an `Envelope`: blocks found in their places, fields read, leftovers kept."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final, cast

from lxml import etree

from edocx.envelope import fields as f
from edocx.envelope import names as n
from edocx.envelope.attachments import join
from edocx.envelope.dialect import Frame
from edocx.envelope.doctypes import settle
from edocx.envelope.interpret import Interpreter
from edocx.envelope.limits import Limits
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.notes import Notes
from edocx.envelope.tree import Tree, exceeded, path_of
from edocx.errors import EnvelopeError, Text

_MANIFESTS: Final = (n.MANIFEST, n.MANIFEST_SHORT)
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
_with_attributes = etree.XPath("descendant-or-self::*[@*]")


def assemble(tree: Tree, frame: Frame, notes: Notes, limits: Limits) -> Envelope:
    """Return the envelope that a tree holds; raise `EnvelopeError` for a status message without a code."""
    attributed = _attributed(tree.root, limits)
    interpreter = Interpreter(frame.namespace, notes)
    header = _header(tree, frame, interpreter)
    message = interpreter.child(header, n.MESSAGE_HEADER) if header is not None else None
    values: dict[str, Any] = {"kind": "document"}
    if message is None:
        notes.finding("EDX-HEADER-MISSING", Text("Thiếu MessageHeader.", "There is no MessageHeader."), frame.envelope)
    elif _is_status(message, interpreter):
        values = {"kind": "status"} | interpreter.group(message, f.STATUS_HEADER)
        _require_code(values, message)
    else:
        values |= interpreter.group(message, f.DOCUMENT_HEADER)
    if header is not None and (traces := interpreter.child(header, n.TRACE_LIST)) is not None:
        values |= interpreter.group(traces, f.TRACE_LIST)
        values |= _list_attributes(traces, frame, notes)
    if values.get("document_type") and settle(values["document_type"]):
        notes.quirk("type-by-name", message)
    values["attachments"] = _files(tree, frame, interpreter, limits)
    _keep_attributes(attributed, frame, notes)
    values["unknown"] = notes.unknown
    return Envelope.model_validate(values)


def _header(tree: Tree, frame: Frame, interpreter: Interpreter) -> etree._Element | None:
    """Return what holds the message header, and keep the strangers around it."""
    flat = frame.dialect == "C"
    if flat:
        interpreter.notes.quirk("namespace-go", frame.envelope)
    if frame.envelope is not tree.root:
        if n.local(str(tree.root.tag)) != n.ROOT:
            interpreter.notes.quirk("root-name", tree.root)
        interpreter.strangers(tree.root, _IN_ROOT)
    interpreter.strangers(frame.envelope, _FLAT if flat else _IN_ENVELOPE)
    header = interpreter.child(frame.envelope, n.HEADER)
    if header is None:
        return frame.envelope if flat else None
    interpreter.strangers(header, _IN_HEADER)
    _strange_signatures(header, frame, interpreter.notes)
    return header


def _is_status(message: etree._Element, interpreter: Interpreter) -> bool:
    """A status message is told by its code; one that has lost it, by the time only status messages have here."""
    if interpreter.children(message, n.STATUS_CODE):
        return True
    return bool(interpreter.children(message, n.TIMESTAMP)) and not interpreter.children(message, n.TO)


def _require_code(values: dict[str, Any], message: etree._Element) -> None:
    if not values.get("status_code"):
        raise EnvelopeError(
            Text("Gói trạng thái không có mã trạng thái (StatusCode).", "The status message has no StatusCode."),
            hint=Text("Yêu cầu bên gửi gửi lại trạng thái.", "Ask the sender to send the status again."),
            code="EDX-STATUS-CODELESS",
            where=f"{path_of(message)}/{n.STATUS_CODE}",
        )


def _strange_signatures(header: etree._Element, frame: Frame, notes: Notes) -> None:
    for node in header.findall(n.tag(n.SIGNATURE, frame.namespace)):
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


def _files(tree: Tree, frame: Frame, interpreter: Interpreter, limits: Limits) -> list[Attachment]:
    flat = frame.dialect == "C"
    body = interpreter.child(frame.envelope, n.BODY)
    holder = body if body is not None else frame.envelope if flat else None
    manifest = interpreter.child(holder, *_MANIFESTS) if holder is not None else None
    entries: list[etree._Element] = []
    encoded: list[etree._Element] = []
    if body is not None:
        interpreter.strangers(body, frozenset(_MANIFESTS))
    if manifest is not None:
        if n.local(str(manifest.tag)) == n.MANIFEST_SHORT and not flat:
            interpreter.notes.quirk("manifest-name", manifest)
        interpreter.strangers(manifest, frozenset((n.REFERENCE, *((n.ATTACHMENT,) if flat else ()))))
        entries = interpreter.children(manifest, n.REFERENCE)
        encoded += interpreter.children(manifest, n.ATTACHMENT) if flat else []
    wrapper = interpreter.child(tree.root, n.ATTACHMENTS)
    if wrapper is None and frame.envelope is not tree.root:
        wrapper = interpreter.child(frame.envelope, n.ATTACHMENTS)
    if wrapper is not None:
        interpreter.strangers(wrapper, frozenset((n.ATTACHMENT,)))
        encoded += interpreter.children(wrapper, n.ATTACHMENT)
    if flat:
        encoded += interpreter.children(frame.envelope, n.ATTACHMENT)
    return join(interpreter, entries, encoded, tree.payloads, limits)


def _attributed(root: etree._Element, limits: Limits) -> list[Any]:
    """Return the elements with attributes; raise `LimitExceeded` when one has very many."""
    found = cast("list[Any]", _with_attributes(root))
    if any(len(element.keys()) > limits.attributes for element in found):
        what = Text("thuộc tính một phần tử", "attributes of an element")
        raise exceeded("EDX-LIMIT-ATTRIBUTES", limits.attributes, what)
    return found


def _keep_attributes(attributed: list[Any], frame: Frame, notes: Notes) -> None:
    for element in attributed:
        known = _ATTRIBUTES.get(n.local(str(element.tag)), frozenset())
        for key in element.keys():  # noqa: SIM118 - an lxml element iterates over its children
            name = str(key)
            if name == n.ID or name in known or name == n.NIL or name in _SOAP_LEFTOVERS:
                continue
            if n.namespace(name) == frame.namespace and n.local(name) in known:
                continue
            if not _inside_strange(element, frame, notes):
                notes.unknown_attribute(element, name)


def _inside_strange(element: etree._Element, frame: Frame, notes: Notes) -> bool:
    signatures = {n.tag(n.SIGNATURE, space) for space in (frame.namespace, n.XMLDSIG)}
    return any(node in notes.strange or node.tag in signatures for node in (element, *element.iterancestors()))
