"""Whether an envelope has the shape that a seal speaks of, so that every reader finds the same parts where we do.

1. What may stand once stands once; no Id stands twice, in whatever attribute a verifier may look for one.
2. A status message has nothing beside its header.
3. Each ContentTransferEncoded stands in its place and holds canonical base64 and nothing but text. xmlsec1 accepts a
   base64 reference whose text is split by a comment or has odd padding bits; other readers see other bytes there.
4. Name, type and id beside each content repeat the sealed manifest, one to one.
5. No comment or instruction stands in what is sealed: canonicalisation drops comments, and some readers take a text
   up to the first of them.
6. Nothing outside the seal bears the name of a part of it, or holds something that does.
7. No tolerance was needed to read it that other verifiers do not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from edocx.envelope import names as n
from edocx.envelope.quirks import QUIRKS
from edocx.envelope.read import Reading
from edocx.errors import Text
from edocx.sealing import parts as p
from edocx.sealing.survey import Stray, survey
from edocx.signing.report import Message

MAX_NAMED = 50
"""Faults or unsealed elements named one by one; a forged envelope may have a million."""

_TRACE = "/TraceHeaderList/"

_IDENTIFIERS = ("Id", "ID", "id")


@dataclass(frozen=True, slots=True)
class Frame:
    """``faults`` spoil any seal over the envelope; ``outside`` names what stands outside it. Both empty is right.

    ``parts`` are what a seal covers besides the files.
    """

    faults: tuple[Message, ...]
    outside: tuple[Message, ...]
    parts: tuple[etree._Element, ...]


def check_frame(reading: Reading, *, with_files: bool = True) -> Frame:
    """Look at the shape of an envelope that claims to be sealed.

    ``with_files`` is false for a detached statement, whose manifest lists files that stand elsewhere.
    """
    seen = survey(reading.skeleton)
    found = [message("EDX-SEAL-TWICE", name, *_TWICE) for name in seen.doubled[:MAX_NAMED]]
    found += [*_misnamed(reading), *_commented((*seen.parts, *seen.files))]
    found += islice(_lookalikes(seen.outside), MAX_NAMED)
    found += islice(_deviant(reading), MAX_NAMED)
    bodies = (p.PLACES[2], p.ATTACHMENTS)
    if reading.envelope.kind == "status" and any(reading.skeleton.find(place) is not None for place in bodies):
        found.append(message("EDX-SEAL-EXTRA", None, *_STATUS_EXTRA))
    if with_files:
        found += [*_misplaced(reading, seen.files), *_unbound(reading.skeleton, seen.files)]
    strangers = dict.fromkeys(stray.where for stray in seen.outside[:MAX_NAMED])
    outside = tuple(message("EDX-UNSEALED", where, *_OUTSIDE, severity="warning") for where in strangers)
    return Frame(tuple(found[:MAX_NAMED]), outside, seen.parts)


def message(code: str, where: str | None, vi: str, en: str, *, severity: str = "error") -> Message:
    """Make a message of the seal."""
    return Message.of(code, "warning" if severity == "warning" else "error", Text(vi, en), where)


def _misnamed(reading: Reading) -> Iterator[Message]:
    root = reading.skeleton
    if root.tag != n.tag(n.ROOT):
        yield message("EDX-SEAL-PLACE", n.local(str(root.tag)), *_PLACE)
    items = (item for element in reading.attributed for item in element.items())
    values = [str(value) for name, value in items if name[-2:] in _IDENTIFIERS and n.local(str(name)) in _IDENTIFIERS]
    if len(set(values)) != len(values):
        yield from (
            message("EDX-SEAL-ID", value[:200], *_SAME_ID) for value, count in Counter(values).items() if count > 1
        )


def _commented(parts: Iterable[etree._Element]) -> Iterator[Message]:
    for part in parts:
        if next(part.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
            yield message("EDX-SEAL-COMMENT", n.local(str(part.tag)), *_COMMENT)


def _lookalikes(strangers: Iterable[Stray]) -> Iterator[Message]:
    for stray in strangers:  # all of them: none may hide behind the first fifty
        if stray.mimics():
            yield message("EDX-SEAL-LOOKALIKE", stray.where, *_LOOKALIKE)


def _deviant(reading: Reading) -> Iterator[Message]:
    """Yield a fault for every tolerance used that no verifier but ours would use: the file is not what was sealed."""
    for quirk in reading.quirks:
        relay = quirk.id == "cdata" and _TRACE in (quirk.where or "")  # outside the seal, whoever wrote it
        if QUIRKS[quirk.id].spoils_seal and not relay:
            yield message("EDX-SEAL-DEVIANT", quirk.where or quirk.id, quirk.vi, quirk.en)


def _misplaced(reading: Reading, files: Iterable[etree._Element]) -> Iterator[Message]:
    holders = set(files)
    for element, payload in reading.payloads.items():
        if element.getparent() not in holders or element.tag != p.ENCODED:
            yield message("EDX-SEAL-PLACE", payload.where, *_PLACE)
        if payload.decoded is None or not payload.canonical or not payload.text_only:
            yield message("EDX-SEAL-CONTENT", payload.where, *_CONTENT)


def _unbound(root: etree._Element, holders: Sequence[etree._Element]) -> Iterator[Message]:
    """Yield a fault for every attachment that says something else than the sealed manifest."""
    try:
        listed = _entries(root.findall(p.MANIFEST_ENTRIES))
        beside = _entries(holders)
    except ValueError as error:
        yield message("EDX-SEAL-BINDING", str(error), *_BINDING)
        return
    if sorted(listed) != sorted(beside) or len({entry[0] for entry in listed}) != len(listed):
        names = sorted({entry[1] for entry in set(listed) ^ set(beside)})
        yield message("EDX-SEAL-BINDING", ", ".join(names[:MAX_NAMED]) or None, *_BINDING)
    for holder, entry in zip(holders, beside, strict=True):
        encoded = list(holder.iterchildren(p.ENCODED))
        if len(encoded) != 1 or encoded[0].get(n.ID) != entry[0]:
            yield message("EDX-SEAL-BINDING", entry[1] or None, *_BINDING)


def _entries(elements: Iterable[etree._Element]) -> list[tuple[str, ...]]:
    entries = []
    for element in elements:
        fields = dict.fromkeys(p.BOUND, "")
        seen = set()
        for child in element:
            tag = child.tag
            if tag in fields:
                if tag in seen or len(child):
                    raise ValueError(n.local(tag))  # read by one from the first and by another from the last
                seen.add(tag)
                fields[tag] = child.text or ""
        identifier, *others = fields.values()
        if identifier != identifier.strip():
            raise ValueError(n.CONTENT_ID)
        entries.append((n.bare_id(identifier), *others))
    return entries


_TWICE = (
    "Một phần chỉ được có một lần lại xuất hiện hai lần trong phong bì.",
    "A part that may stand once stands twice in the envelope.",
)
_SAME_ID = ("Hai phần của phong bì mang cùng một Id.", "Two parts of the envelope carry the same Id.")
_STATUS_EXTRA = ("Gói trạng thái không được có thân hay tệp kèm.", "A status message has neither body nor files.")
_PLACE = ("Một phần của phong bì đứng sai chỗ.", "A part of the envelope stands in the wrong place.")
_CONTENT = (
    "Nội dung tệp kèm không phải base64 chuẩn ở dạng chữ thuần; mỗi phần mềm sẽ đọc một khác.",
    "A file's content is not canonical base64 in plain text; readers would see different bytes.",
)
_BINDING = (
    "Tên, loại hoặc mã của tệp kèm không khớp bảng kê đã đóng dấu.",
    "Name, type or id of an attachment does not match the sealed manifest.",
)
_COMMENT = (
    "Trong phần được đóng dấu có chú thích hoặc chỉ thị XML; phần mềm khác có thể đọc thiếu chữ ở đó.",
    "A comment or instruction stands inside a sealed part; other readers may lose text there.",
)
_LOOKALIKE = (
    "Ngoài con dấu có phần mang tên giống phần đã đóng dấu; phần mềm khác có thể đọc nhầm.",
    "Something outside the seal bears the name of a sealed part; other readers may take it for that part.",
)
_OUTSIDE = (
    "Phần này đứng ngoài con dấu: ai cũng có thể đã thêm vào.",
    "This part stands outside the seal: anybody may have added it.",
)
