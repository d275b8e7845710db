"""Envelopes to bytes: dialect A by default, in the forms that every known peer reads (spec §8).

The tree never holds an attachment. Each stands in `Skeleton.payloads` under its empty element, and
`Skeleton.save` streams its base64 into the file, so that memory does not grow with the files.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from lxml import etree
from pydantic import BaseModel

from edocx.clock import in_vietnam
from edocx.content import PIECE, Blob, storage_error, write_durably
from edocx.documents.words import BusinessAction, StatusCode
from edocx.envelope import fields as f
from edocx.envelope import media
from edocx.envelope import names as n
from edocx.envelope.base64_stream import encode
from edocx.envelope.fields import Field, Group, Kind
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.unknown import restore
from edocx.errors import InputError, Text, UsageError

ProfileName = Literal["axis", "dotnet", "lgsp"]
"""Whom an envelope is written for: the national axis, a .NET peer, a province's LGSP."""

_TRIPLE_PIECE: Final = PIECE // 3 * 3
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_DIGITS: Final = 6
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,99}")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of peer wants the same envelope: order of fields, ids with ``cid:``, links, prefixes."""

    net: bool
    cid: bool
    links: bool
    encoded_prefix: bool


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "axis": Profile(net=False, cid=True, links=False, encoded_prefix=True),
        "dotnet": Profile(net=True, cid=False, links=True, encoded_prefix=False),
        "lgsp": Profile(net=True, cid=False, links=True, encoded_prefix=False),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """An envelope as a tree without its attachments' content.

    Attributes:
        root: the ``edXML`` element. ``MessageHeader``, ``Bussiness``, ``edXMLBody`` and every
            ``ContentTransferEncoded`` carry an ``Id`` that is unique and a valid NCName.
        header: the ``edXMLHeader``, into which a seal is put after ``TraceHeaderList``.
        payloads: the content of each (empty) ``ContentTransferEncoded``, in document order.
    """

    root: etree._Element
    header: etree._Element
    payloads: Mapping[etree._Element, Blob]

    def pieces(self) -> Iterator[bytes]:
        """Yield the document's bytes: UTF-8, declaration first, no BOM; base64 without line breaks."""
        # The content could hold any text, but not a number drawn after it was fixed.
        mark = f"edocx-{secrets.token_hex(16)}-"
        for place, element in enumerate(self.payloads):
            element.text = f"{mark}{place:0{_DIGITS}d}"
        try:
            text = _DECLARATION + etree.tostring(self.root, encoding="UTF-8", xml_declaration=False) + b"\n"
        finally:
            for element in self.payloads:
                element.text = None
        before, *others = text.split(mark.encode())
        contents = list(self.payloads.values())
        yield before
        for part in others:
            yield from encode(contents[int(part[:_DIGITS])].pieces(_TRIPLE_PIECE))
            yield part[_DIGITS:]

    def save(self, path: Path | str) -> Blob:
        """Write the document durably and return its Blob; raise `InputError` when the place cannot be written."""
        target = Path(path)
        digest, size = hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in self.pieces():
                digest.update(piece)
                size += len(piece)
                yield piece

        try:
            write_durably(target, counted())
        except OSError as error:
            failure = InputError(
                Text(f"Không ghi được tệp ({error.strerror}).", f"The file cannot be written ({error.strerror})."),
                hint=Text("Kiểm tra thư mục, quyền ghi và dung lượng.", "Check folder, permission and free space."),
                code="EDX-FILE-UNWRITABLE",
                where=str(target),
            )
            raise storage_error(error, otherwise=failure) from error
        return Blob(digest.hexdigest(), size, target, lambda: target.open("rb"))


def write(envelope: Envelope, path: Path | str, profile: ProfileName = "axis") -> Blob:
    """Write an envelope to a file, durably, and return the file's Blob.

    Raises `UsageError` for what no peer could read: a status code nobody defined, a character XML
    does not have, an attachment without content.
    """
    return compose(envelope, profile).save(path)


def compose(envelope: Envelope, profile: ProfileName = "axis") -> Skeleton:
    """Build the tree of an envelope, ready to be sealed and saved; raise `UsageError` as `write` does."""
    shape = PROFILES[profile]
    root = etree.Element(n.tag(n.ROOT), nsmap=cast("dict[str, str]", {None: n.QCVN}))
    inner = etree.SubElement(root, n.tag(n.ENVELOPE), nsmap={n.PREFIX: n.QCVN})
    header = _add(inner, n.HEADER)
    message = _add(header, n.MESSAGE_HEADER)
    message.set(n.ID, n.MESSAGE_HEADER)
    payloads: dict[etree._Element, Blob] = {}
    if envelope.kind == "status":
        _check_status(envelope)
        _put(message, f.STATUS_HEADER, envelope, net=shape.net)
    else:
        _put(message, f.DOCUMENT_HEADER, envelope, net=shape.net)
        _put_trace(header, envelope, shape)
        _put_files(root, inner, envelope, shape, payloads)
    etree.indent(root, "  ")
    restore(root, envelope.unknown)
    return Skeleton(root, header, MappingProxyType(payloads))


def _put_trace(header: etree._Element, envelope: Envelope, shape: Profile) -> None:
    traces = _add(header, n.TRACE_LIST)
    if envelope.trace_id:
        traces.set(n.LIST_ID, _checked(envelope.trace_id, n.LIST_ID))
    if envelope.trace_version:
        traces.set(n.VERSION, _checked(envelope.trace_version, n.VERSION))
    _put(traces, f.TRACE_LIST, envelope, net=shape.net)
    business = traces.find(n.tag(n.BUSINESS))
    if business is not None:
        business.set(n.ID, n.BUSINESS)


def _put_files(
    root: etree._Element,
    inner: etree._Element,
    envelope: Envelope,
    shape: Profile,
    payloads: dict[etree._Element, Blob],
) -> None:
    body = _add(inner, n.BODY)
    body.set(n.ID, n.BODY)
    manifest = _add(body, n.MANIFEST)
    manifest.set(n.VERSION, n.MANIFEST_VERSION)
    encoded = _add(root, n.ATTACHMENTS)
    files = list(named(envelope.attachments))
    for item in files:
        assert item.content_id is not None
        wire = item.model_copy(update={"content_id": n.CID + item.content_id if shape.cid else item.content_id})
        entry = etree.SubElement(manifest, n.tag(n.REFERENCE), nsmap={"xlink": n.XLINK} if shape.links else None)
        if shape.links:
            entry.set(n.HREF, n.CID + item.content_id)
            entry.set(n.ROLE, n.LINK_ROLE)
            entry.set(n.LINK_TYPE, n.LINK_SIMPLE)
        _put(entry, f.MANIFEST_ENTRY, wire, net=shape.net)
        attachment = _add(encoded, n.ATTACHMENT)
        _put(attachment, f.ATTACHMENT, wire, net=shape.net)
        nsmap = {n.PREFIX: n.QCVN} if shape.encoded_prefix else None
        payload = etree.SubElement(attachment, n.tag(n.ENCODED), nsmap=nsmap)
        payload.set(n.ID, item.content_id)
        assert item.content is not None
        payloads[payload] = item.content


def named(attachments: tuple[Attachment, ...]) -> Iterator[Attachment]:
    """Yield the attachments as they will be written: with a unique id, a name with extension, and a true type.

    Ids that are no valid XML ids, or stand twice, or are those of other signed parts, are replaced. Raises
    `UsageError` for an attachment without content.
    """
    taken = {n.MESSAGE_HEADER, n.BUSINESS, n.BODY}
    taken |= {item.content_id for item in attachments if item.content_id and _ID.fullmatch(item.content_id)}
    used = {n.MESSAGE_HEADER, n.BUSINESS, n.BODY}
    for place, item in enumerate(attachments, 1):
        if item.content is None:
            raise _contentless(place)
        key = item.content_id or ""
        if not _ID.fullmatch(key) or key in used:
            key = next(name for count in range(place, place + len(taken) + 1) if (name := f"file-{count}") not in taken)
        used.add(key)
        taken.add(key)
        with item.content.open() as stream:
            head = stream.read(16)
        name = item.name or key
        if not media.extension(name) and (ending := media.sniffed_extension(head)):
            name = f"{name}.{ending}"
        kind = item.media_type
        if not kind or (kind == media.ZIP and media.extension(name) != "zip"):
            # The official reader unzips whatever calls itself a zip under another name.
            kind = media.type_of(name) if media.extension(name) in media.BY_EXTENSION else media.OCTETS
        yield item.model_copy(update={"content_id": key, "name": name, "media_type": kind})


def _put(parent: etree._Element, group: Group, values: BaseModel, *, net: bool) -> None:
    for field in group.ordered(net):
        value = (
            getattr(values, "sender" if field.key == "from" else field.key) if field.kind is not Kind.MERGED else values
        )
        if value is not None and value != ():
            _put_field(parent, field, value, net=net)


def _put_field(parent: etree._Element, field: Field, value: Any, *, net: bool) -> None:
    match field.kind:
        case Kind.GROUP | Kind.MERGED:
            _put_group(parent, field.name, field.group, value, net=net)
        case Kind.GROUPS:
            for item in value:
                _put_group(parent, field.name, field.group, item, net=net, keep=True)
        case Kind.LIST:
            wrapper = _add(parent, field.name)
            for item in value:
                _put_group(wrapper, field.item, field.group, item, net=net, keep=True)
        case Kind.TEXTS:
            wrapper = _add(parent, field.name)
            for item in value:
                _add(wrapper, field.item).text = _checked(item, field.item)
        case _:
            _add(parent, field.name).text = _checked(_SPELL.get(field.kind, str)(value), field.name)


_SPELL: Final[Mapping[Kind, Callable[[Any], str]]] = MappingProxyType(
    {
        Kind.DATE: lambda value: f"{value.year:04}/{value:%m/%d}",
        Kind.MOMENT: lambda value: f"{in_vietnam(value).year:04}/{in_vietnam(value):%m/%d %H:%M:%S}",
        Kind.FLAG: lambda value: "true" if value else "false",
        Kind.BUSINESS: lambda value: str(int(BusinessAction[value.upper()])),
    }
)
"""How values of each kind are written; all others as they are."""


def _put_group(
    parent: etree._Element, name: str, group: Group | None, value: Any, *, net: bool, keep: bool = False
) -> None:
    assert group is not None
    element = _add(parent, name)
    _put(element, group, value, net=net)
    if not (keep or len(element)):
        parent.remove(element)


def _add(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, n.tag(name))


def _checked(text: str, name: str) -> str:
    if _NOT_XML.search(text):
        raise UsageError(
            Text(f"{name} chứa ký tự không có trong XML.", f"{name} holds a character that XML does not have."),
            hint=Text("Bỏ ký tự điều khiển khỏi trường này.", "Remove control characters from this field."),
            code="EDX-ENVELOPE-CHARACTER",
            where=name,
        )
    return text


def _check_status(envelope: Envelope) -> None:
    if envelope.status_code not in set(StatusCode):
        raise UsageError(
            Text(
                "Không ghi mã trạng thái mà không văn bản nào định nghĩa.",
                "A status code nobody defined is not written.",
            ),
            hint=Text("Dùng 01 đến 06, 13, 15 hoặc 16.", "Use 01 to 06, 13, 15 or 16."),
            code="EDX-STATUS-UNKNOWN",
            where=n.STATUS_CODE,
        )


def _contentless(place: int) -> UsageError:
    return UsageError(
        Text(f"Tệp đính kèm thứ {place} không có nội dung.", f"Attachment {place} has no content."),
        hint=Text("Thêm nội dung hoặc bỏ tệp khỏi phong bì.", "Give it content or leave it out."),
        code="EDX-ATTACHMENT-EMPTY",
        where=f"{n.ATTACHMENTS}/{n.ATTACHMENT}[{place}]",
    )
