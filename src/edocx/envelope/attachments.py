"""Attachments: manifest and content joined, one-entry zips opened, names cleaned; and taken out into a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lxml import etree

from edocx.content import Blob, storage_error
from edocx.envelope import fields as f
from edocx.envelope import filenames, media, zips
from edocx.envelope import names as n
from edocx.envelope.interpret import Interpreter
from edocx.envelope.limits import Limits
from edocx.envelope.model import Attachment, Envelope, Severity
from edocx.envelope.notes import Notes
from edocx.envelope.tree import Payload, path_of
from edocx.errors import InputError, LimitExceeded, Text

_ALSO: Final = frozenset((n.ENCODED, n.CONTENT))


@dataclass(slots=True)
class _File:
    """One attachment on its way: what the manifest says, what stands beside the content."""

    key: str
    where: etree._Element
    listed: dict[str, Any] | None = None
    encoded: dict[str, Any] | None = None
    payload: Payload | None = None

    def said(self, name: str) -> Any:
        """Return a field as the content's entry has it, else as the manifest."""
        return (self.encoded or {}).get(name) or (self.listed or {}).get(name)


def join(
    interpreter: Interpreter,
    entries: Sequence[etree._Element],
    encoded: Sequence[etree._Element],
    payloads: Mapping[etree._Element, Payload],
    limits: Limits,
) -> list[Attachment]:
    """Return the attachments in the manifest's order, then those it does not list.

    The key is the ContentId without ``cid:``. What does not fit is a finding; the attachment then stands
    in the list with what is known of it.
    """
    notes = interpreter.notes
    files = [_listed(interpreter, element) for element in entries]
    by_key: dict[str, _File] = {}
    for file in files:
        if by_key.setdefault(file.key, file) is not file:
            _twice(notes, file)
    listing = bool(files)
    for element in encoded:
        found = _encoded(interpreter, element, payloads)
        entry = by_key.get(found.key) if found.key else None
        if entry is not None and entry.encoded is None:
            entry.encoded, entry.payload, entry.where = found.encoded, found.payload, found.where
            continue
        if entry is not None:
            _twice(notes, found)
        elif interpreter.namespace == n.QCVN:
            severity: Severity = "error" if listing else "warning"
            text = Text("Tệp không có trong bảng kê.", "The manifest does not list this file.")
            notes.finding("EDX-ATTACHMENT-UNLISTED", text, element, severity)
        files.append(found)
    return [_attachment(file, notes, limits) for file in files]


def _listed(interpreter: Interpreter, entry: etree._Element) -> _File:
    values = interpreter.group(entry, f.MANIFEST_ENTRY)
    identifier = values.get("content_id") or entry.get(n.HREF) or ""
    return _File(_key(interpreter.notes, identifier, entry), entry, listed=values)


def _encoded(interpreter: Interpreter, element: etree._Element, payloads: Mapping[etree._Element, Payload]) -> _File:
    values = interpreter.group(element, f.ATTACHMENT, _ALSO)
    names = (n.ENCODED, n.CONTENT) if interpreter.namespace == n.GO else (n.ENCODED,)
    tags = [tag for name in names for tag in (n.tag(name, interpreter.namespace), name)]
    content = interpreter.only({"": list(element.iterchildren(*tags))}, "")
    key = _key(interpreter.notes, values.get("content_id") or "", element)
    return _File(key, element, encoded=values, payload=payloads.get(content) if content is not None else None)


def _key(notes: Notes, identifier: str, element: etree._Element) -> str:
    key = n.bare_id(identifier)
    if identifier.strip().removeprefix(n.CID) != key:
        notes.quirk("cid-doubled", element)
    return key


def _attachment(file: _File, notes: Notes, limits: Limits) -> Attachment:
    name = _name(file, notes)
    declared = file.said("media_type")
    values = {key: file.said(key) for key in ("description", "field_name", "mime_type", "format")}
    base = {"content_id": file.key or None, **values}
    if file.encoded is None:
        text = Text("Bảng kê nêu tệp không có trong phong bì.", "The manifest lists a file that is not there.")
        notes.finding("EDX-ATTACHMENT-MISSING", text, file.where)
        return Attachment(name=name, media_type=declared, **base)
    blob = _decoded(file, notes)
    if blob is None:
        return Attachment(name=name, media_type=declared, **base)
    content, name, zipped = _unwrapped(blob, name, file, notes, limits)
    kind = _media_type(file, name, notes, zipped=zipped)
    return Attachment(name=name, media_type=kind, content=content, zipped=zipped, **base)


def _name(file: _File, notes: Notes) -> str | None:
    listed, encoded = (file.listed or {}).get("name"), (file.encoded or {}).get("name")
    if file.encoded is not None and encoded is None and listed:
        notes.quirk("name-from-manifest", file.where)
    if listed and encoded and listed != encoded:
        text = Text("Tên tệp khác tên trong bảng kê.", "The file's name is not the manifest's.")
        notes.finding("EDX-ATTACHMENT-NAME", text, file.where, "warning")
    wire = listed or encoded  # the manifest's, since a seal covers it
    if not wire:
        text = Text("Tệp đính kèm không có tên.", "The attachment has no name.")
        notes.finding("EDX-ATTACHMENT-NAMELESS", text, file.where)
        return None
    name = filenames.cleaned(wire)
    if name != wire:
        notes.quirk("name-cleaned", file.where)
    return name


def _decoded(file: _File, notes: Notes) -> Blob | None:
    payload = file.payload
    if payload is None:
        text = Text("Tệp đính kèm không có nội dung.", "The attachment has no content.")
        notes.finding("EDX-ATTACHMENT-EMPTY", text, file.where)
        return None
    if payload.decoded is None:
        text = Text(
            f"Base64 sai tại byte {payload.bad_at} ({n.ENCODED}).",
            f"Invalid base64 at byte {payload.bad_at} ({n.ENCODED}).",
        )
        notes.finding("EDX-BASE64", text, f"{payload.where}, byte {payload.bad_at}")
        return None
    if payload.wrapped:
        notes.quirk("base64-wrapped", payload.where)
    if not payload.canonical:
        notes.quirk("base64-sloppy", payload.where)
    if not payload.text_only:
        notes.quirk("base64-split", payload.where)
    if payload.decoded.size == 0:
        text = Text("Tệp đính kèm rỗng.", "The attachment is empty.")
        notes.finding("EDX-ATTACHMENT-ZERO", text, file.where, "warning")
    return payload.decoded


def _unwrapped(
    blob: Blob, name: str | None, file: _File, notes: Notes, limits: Limits
) -> tuple[Blob | None, str | None, bool]:
    """Return the file itself, its name, and whether it came in a zip."""
    declared = file.said("media_type") == media.ZIP
    content: Blob | None = blob
    zipped = False
    assert file.payload is not None
    packed = zips.looks_zipped(file.payload.head)
    for nesting in range(limits.zip_nesting):
        assert content is not None
        if not (_is_zip(content) if nesting else packed):
            break
        try:
            opened = zips.open_single(content, name or "", declared=declared, limits=limits)
        except LimitExceeded as error:
            error.where = error.where or path_of(file.where)
            raise
        except InputError as error:
            notes.finding(error.code, error.text, file.where)
            return None, name, False
        if opened is None:
            break
        content, zipped = opened.content, True
        if name and not media.extension(name) and opened.extension:
            name = filenames.cleaned(f"{name}.{opened.extension}")
            notes.quirk("name-completed", file.where)
    if zipped:
        notes.quirk("zip-wrapped" if declared else "zip-undeclared", file.where)
    elif declared and not packed:
        notes.quirk("zip-declared", file.where)
    return content, name, zipped


def _is_zip(blob: Blob) -> bool:
    with blob.open() as stream:
        return zips.looks_zipped(stream.read(4))


def _media_type(file: _File, name: str | None, notes: Notes, *, zipped: bool) -> str:
    declared = file.said("media_type")
    if declared is None:
        notes.quirk("type-missing", file.where)
    elif declared in media.MISSPELT:
        notes.quirk("type-misspelt", file.where)
        return media.MISSPELT[declared]
    elif declared != media.ZIP or media.extension(name or "") == "zip":
        return str(declared)
    assert file.payload is not None
    return media.type_of(name or "", b"" if zipped else file.payload.head)


def _twice(notes: Notes, file: _File) -> None:
    text = Text("Khoá tệp (ContentId) bị trùng.", "Two files have the same ContentId.")
    notes.finding("EDX-ATTACHMENT-TWICE", text, file.where)


def extract(envelope: Envelope, folder: Path | str) -> list[Path | None]:
    """Write the attachments into a folder, each under its own name, and return their paths in order.

    Names are clean already and made distinct; nothing that exists is overwritten. ``None`` stands for an
    attachment without content. Raises `InputError` when the folder cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        present = [entry.name for entry in target.iterdir()]
        wanted = [filenames.cleaned(item.name or f"tep-{place}") for place, item in enumerate(envelope.attachments, 1)]
        names = filenames.distinct([*present, *wanted])[len(present) :]
        return [
            item.content.save(target / name).path if item.content is not None else None
            for item, name in zip(envelope.attachments, names, strict=True)
        ]
    except OSError as error:
        failure = InputError(
            Text(
                f"Không ghi được vào thư mục ({error.strerror}).", f"The folder cannot be written ({error.strerror})."
            ),
            hint=Text("Kiểm tra quyền ghi và dung lượng.", "Check permission and free space."),
            code="EDX-FILE-UNWRITABLE",
            where=str(target),
        )
        raise storage_error(error, otherwise=failure) from error
