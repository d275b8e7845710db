"""Comparing the envelope that arrived with the one that was sealed, when a route wrote it anew.

What such routes do by themselves (spec/edxml.md §2, what the official reader fills in) is told apart from what somebody
changed: only a field that was empty may get its known default, and only the trace may grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from edocx.envelope import media
from edocx.envelope.model import Attachment, Envelope
from edocx.envelope.record import header_record

_UNSEALED: Final = frozenset(("trace", "trace_id", "trace_version", "trace_paper"))
"""What stands outside every seal."""

_DEFAULTS: Final[Mapping[str, frozenset[Any]]] = MappingProxyType(
    {
        "document_type.type": frozenset((2,)),
        "other.urgency": frozenset((0,)),
        "other.copies": frozenset((1,)),
        "other.pages": frozenset((1,)),
        "other.direction": frozenset((False,)),
        "steering": frozenset((0,)),
    }
)
"""What the official library writes for a field that it read as absent (spec §2.2)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How what arrived differs from what was sealed, by the names of fields and never their values.

    Attributes:
        different: changed by somebody: the seal fails.
        added: stands outside what was sealed.
        filled: an empty field that got its known default.
        lost: sealed, and gone.
        files: each sealed file with the one that arrived for it.
    """

    different: tuple[str, ...]
    added: tuple[str, ...]
    filled: tuple[str, ...]
    lost: tuple[str, ...]
    files: tuple[tuple[Attachment, Attachment | None], ...]


def compare(sealed: Envelope, received: Envelope, files: Sequence[Attachment]) -> Comparison:
    """Compare two envelopes; ``files`` are those that arrived, without the statement itself.

    Contents are not compared here: a seal speaks of their digests.
    """
    before, after = dict(_leaves(header_record(sealed))), dict(_leaves(header_record(received)))
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    filled = [key for key in changed if before.get(key) is None and after.get(key) in _DEFAULTS.get(key, frozenset())]
    different = [key for key in changed if key not in filled]
    pairs, left = _paired(sealed.attachments, files)
    for place, (item, found) in enumerate(pairs, 1):
        different += [f"attachments.{place}.{key}" for key in _misfits(item, found)]
    different += [f"attachments.{len(pairs) + place}" for place in range(1, len(left) + 1)]
    added = [f"{item.parent}/{item.name}" for item in received.unknown if item not in sealed.unknown]
    if received.trace_paper != sealed.trace_paper:
        added.append("trace_paper")
    lost = [f"{item.parent}/{item.name}" for item in sealed.unknown if item not in received.unknown]
    return Comparison(tuple(different), tuple(added), tuple(filled), tuple(lost), pairs)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the single values of a record with their paths; an absent one and an empty list are none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if path or key not in _UNSEALED:
                yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            yield f"{path}.{place}", True  # an entry without fields is an entry all the same
            yield from _leaves(item, f"{path}.{place}")
    elif value is not None:
        yield path, value


def _paired(
    sealed: Sequence[Attachment], files: Sequence[Attachment]
) -> tuple[tuple[tuple[Attachment, Attachment | None], ...], list[Attachment]]:
    """Find for each sealed file the one of its name, and of its id where names repeat; return the rest as well."""
    left = list(files)
    pairs: list[tuple[Attachment, Attachment | None]] = []
    for item in sealed:
        same = [file for file in left if file.name == item.name]
        found = next((file for file in same if file.content_id == item.content_id), same[0] if same else None)
        if found is not None:
            left.remove(found)
        pairs.append((item, found))
    return tuple(pairs), left


def _misfits(item: Attachment, found: Attachment | None) -> Iterator[str]:
    if found is None:
        yield "name"
        return
    usual = {item.media_type, media.type_of(item.name or ""), media.OCTETS}
    if found.media_type not in usual:
        yield "media_type"
    if found.description not in {item.description, None}:
        yield "description"
    if (found.field_name, found.mime_type, found.format) != (None, None, None):
        yield "field_name"
