"""What EN 319 162-1 puts into META-INF beside signatures, told from what anybody else puts there."""

from __future__ import annotations

import re

from edocx._xml import parse
from edocx.errors import EdocxError

LISTING = "META-INF/manifest.xml"
"""Names and types of the files, as OpenDocument wants it: every container has it, and nobody relies on it."""

_OPEN_DOCUMENT = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_TOLD = ("media-type", "size", "version")
_OF_ENTRY = {f"{_OPEN_DOCUMENT}{name}" for name in ("full-path", *_TOLD)}
_TYPE = re.compile(r"[\w.+\-/;= ]*", re.ASCII)


def is_known(name: str, start: bytes) -> bool:
    """Say whether a file of META-INF is by its name and beginning one of those that EN 319 162-1 puts there.

    They are lists of files and evidence in XML, timestamps and evidence records in DER, all told as not judged here.
    Whoever opens the container sees any other, a document above all, as a part of it, and nobody signed it.
    """
    if _PDF in start:
        return False
    return (_OF_XML.fullmatch(name) is not None and _XML.match(start) is not None) or (
        _OF_DER.fullmatch(name) is not None and start[:1] == b"\x30"
    )


_OF_XML = re.compile(
    r"META-INF/(?:container|metadata|rights|[^/]*(?:ASiC\w*Manifest|evidencerecord)[^/]*)\.xml",
    re.IGNORECASE,
)
_OF_DER = re.compile(r"META-INF/[^/]*(?:timestamp[^/]*\.tst|evidencerecord[^/]*\.ers)", re.IGNORECASE)
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_PDF = b"%PDF-"


def is_listing(data: bytes, names: frozenset[str]) -> bool:
    """Say whether a listing has the names and types of files that are there (OpenDocument 1.2 part 3, 4)."""
    try:
        root = parse(data)
    except EdocxError:
        return False
    entries = list(root.iterchildren())
    return (
        root.tag == f"{_OPEN_DOCUMENT}manifest"
        and not set(root.attrib) - {f"{_OPEN_DOCUMENT}version"}
        and all(one.tag == f"{_OPEN_DOCUMENT}file-entry" and not len(one) for one in entries)
        and all(set(one.attrib) <= _OF_ENTRY for one in entries)
        and all(one.get(f"{_OPEN_DOCUMENT}full-path") in names | {"/"} for one in entries)
        and all(_TYPE.fullmatch(one.get(f"{_OPEN_DOCUMENT}{name}", "")) for one in (root, *entries) for name in _TOLD)
        and not any(str(text).strip() for text in root.itertext())
    )
