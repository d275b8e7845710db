"""Whether an envelope that a route wrote anew reads alike to everybody, so that comparing what we read is enough.

A detached seal is over another text than the one that arrived. Comparing fields finds what we read otherwise; it does
not find what another reader reads otherwise: a second Subject behind the first, a text cut by a comment, a file under
one name in the manifest and under another beside its content. None of the routes known does such things, so each is a
fault. What stands between the fields is named as unsealed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lxml import etree

from edocx.envelope import media
from edocx.envelope import names as n
from edocx.envelope.model import Attachment
from edocx.envelope.notes import MAX_NOTES, XML_BLANKS
from edocx.envelope.read import Reading
from edocx.envelope.tree import is_element, path_of
from edocx.sealing import parts as p
from edocx.sealing.frame import MAX_NAMED, message
from edocx.sealing.survey import survey
from edocx.signing.report import Message

_AMBIGUOUS: Final = frozenset(
    ("EDX-ELEMENT-TWICE", "EDX-ATTACHMENT-TWICE", "EDX-ATTACHMENT-NAME", "EDX-ATTACHMENT-UNLISTED", "EDX-FIELD-VALUE")
)
"""Findings of reading that other readers answer otherwise, or where ours saw no value and another may see one."""

_USUAL: Final = frozenset(
    (
        *("byte-order-mark", "utf-16", "processing-instruction", "manifest-name", "not-nfc", "empty-number"),
        *("cid-doubled", "name-completed", "zip-wrapped", "zip-undeclared", "type-misspelt", "type-missing"),
        *("base64-wrapped", "trace-attribute-prefixed", "trace-business"),
    )
)
"""Tolerances that a rebuild by known software needs, or that change nothing for any reader."""

_PASSED_OVER: Final = frozenset((n.tag(n.SIGNATURE), n.tag(n.DIGITAL_SIGNATURE)))
_IN_TRACE: Final = f"/{n.TRACE_LIST}/{n.TRACE}"
_NCNAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Remarks:
    """``faults`` spoil the seal; ``outside`` are paths of what stands between the fields."""

    faults: tuple[Message, ...]
    outside: tuple[str, ...]


def inspect(reading: Reading, stated: Reading) -> Remarks:
    """Look at an envelope that arrived without the seal in its header; ``stated`` is its detached seal, opened."""
    seen = survey(reading.skeleton)
    faults = [message("EDX-SEAL-TWICE", name, *_OTHERWISE) for name in seen.doubled[:MAX_NAMED]]
    faults += islice(_odd(reading, stated), MAX_NAMED)
    faults += islice(_unlike(reading), MAX_NAMED)
    strays = [stray.where for stray in seen.outside[:MAX_NAMED] if stray.part or _in_signature(stray.element)]
    faults += [
        message("EDX-SEAL-LOOKALIKE", stray.where, *_OTHERWISE) for stray in seen.outside[:MAX_NAMED] if stray.mimics()
    ]
    outside = dict.fromkeys((*strays, *islice(_between(reading.skeleton), MAX_NAMED)))
    return Remarks(tuple(faults[:MAX_NAMED]), tuple(outside))


def _in_signature(element: etree._Element) -> bool:
    """Say whether an element stands in one that reading passes over: there it is nobody's unknown element."""
    return any(holder.tag in _PASSED_OVER for holder in element.iterancestors())


def _odd(reading: Reading, stated: Reading) -> Iterator[Message]:
    known = _USUAL | {quirk.id for quirk in stated.quirks}
    for quirk in reading.quirks:
        if quirk.id not in known and _IN_TRACE not in (quirk.where or ""):
            yield message("EDX-SEAL-DEVIANT", quirk.where or quirk.id, quirk.vi, quirk.en)
    for finding in reading.findings:
        if finding.code in _AMBIGUOUS and _IN_TRACE not in (finding.where or ""):
            yield message("EDX-SEAL-DEVIANT", finding.where or finding.code, finding.vi, finding.en)
    if max(len(reading.quirks), reading.unknown) >= MAX_NOTES:
        # No more are noted; the one that matters may be the next.
        yield message("EDX-SEAL-DEVIANT", None, *_OTHERWISE)


def _unlike(reading: Reading) -> Iterator[Message]:
    """Yield a fault for every file of which manifest and attachment, or link and id, say different things."""
    beside = {n.bare_id(_text(holder, n.CONTENT_ID)): holder for holder in reading.skeleton.findall(_FILES)}
    files = {item.content_id: item for item in reading.envelope.attachments}
    for entry in reading.skeleton.findall(p.MANIFEST_ENTRIES):
        key = n.bare_id(_text(entry, n.CONTENT_ID) or entry.get(n.HREF, ""))
        holder, item = beside.get(key), files.get(key)
        linked = n.bare_id(entry.get(n.HREF, key))
        if holder is None or item is None or linked != key or not _agree(entry, holder, item):
            yield message("EDX-SEAL-BINDING", path_of(entry), *_OTHERWISE)


def _agree(entry: etree._Element, holder: etree._Element, item: Attachment) -> bool:
    usual = {media.type_of(item.name or ""), media.ZIP, media.OCTETS, ""}
    listed, own = _text(entry, n.DESCRIPTION), _text(holder, n.DESCRIPTION)
    if item.name == n.SEAL_FILE:  # nothing sealed says what stands beside the statement itself
        return not (listed or own) and {_text(entry, n.CONTENT_TYPE), _text(holder, n.CONTENT_TYPE)} <= usual
    return listed == own and _text(entry, n.CONTENT_TYPE) in {item.media_type, *usual}


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(n.tag(name)) or "").strip(XML_BLANKS)


def _between(root: etree._Element) -> Iterator[str]:
    """Yield the paths of texts between tags, of comments and instructions, and of attributes used as a hiding place."""
    for node in root.iter():
        if not is_element(node):
            parent = node.getparent()
            if parent is not None:
                yield f"{path_of(parent)}/{'processing-instruction' if hasattr(node, 'target') else 'comment'}()"
            continue
        if len(node) and any((text or "").strip(XML_BLANKS) for text in (node.text, *(child.tail for child in node))):
            yield f"{path_of(node)}/text()"
        if (held := node.get(n.ID)) is not None and not _NCNAME.fullmatch(held):
            yield f"{path_of(node)}/@{n.ID}"
        if node.get(n.NIL) is not None and (len(node) or node.text):
            yield f"{path_of(node)}/@nil"  # some readers take it for nothing, whatever stands there


_FILES: Final = f"{p.ATTACHMENTS}/{n.tag(n.ATTACHMENT)}"
_OTHERWISE: Final = (
    "Phong bì được ghi lại theo cách mà mỗi phần mềm đọc một khác; không phần mềm nào đã biết ghi như vậy.",
    "The envelope was written anew in a way that readers read differently; no known software writes so.",
)
