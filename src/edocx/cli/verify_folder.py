"""Files of a folder: which are judged, and which are no signed documents and are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edocx.errors import EdocxError, Text

if TYPE_CHECKING:
    from edocx.signing.report import Report

SIGNED = frozenset(
    {".pdf", ".xml", ".edxml", ".p7s", ".p7m", ".p7b", ".p7c", ".pem"}
    | {".asice", ".asics", ".sce", ".scs", ".asc", ".bdoc"}
)
"""Endings under which a file says that it is signed: one of these that cannot be read is a fault, never left out."""

_NOT_OURS = frozenset(
    {"EDX-FILE-KIND", "EDX-ZIP-KIND", "EDX-XML-DTD", "EDX-XML-ENCODING", "EDX-XML-MALFORMED", "EDX-CMS-UNREADABLE"}
)
"""What the readers say of a picture, a spreadsheet, a page of HTML, a text that begins like something else."""

LEFT_OUT = Text("không phải văn bản đã ký, bỏ qua", "no signed document, left out")
UNREADABLE = Text("không đọc được", "could not be read")


def listed(files: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield each file to judge, and whether it was found in a folder; hidden ones are passed over."""
    for file in files:
        if file.is_dir():
            found = sorted(p for p in file.rglob("*") if p.is_file() and not p.name.startswith("."))
            yield from ((one, True) for one in found)
        else:
            yield file, False


def is_left_out(path: Path, outcome: Report | EdocxError, *, found: bool) -> bool:
    """Say whether a file lies in a folder without being, or saying that it is, a signed document."""
    if not found or not isinstance(outcome, EdocxError):
        return False
    return outcome.code in _NOT_OURS and path.suffix.lower() not in SIGNED
