"""Where a reference leads: into the document, or to files that the user named; never to the network or the disk.

A reference that the file chooses freely would read any file of the verifier's machine, or call any server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from lxml import etree

from edocx.content import Blob
from edocx.signing.xml.selection import Nodes, find_by_id

_XPOINTER_ID = re.compile(r"#xpointer\(id\((?P<quote>['\"])(?P<value>[^'\"()]+)(?P=quote)\)\)")


class MissingSource(LookupError):
    """A reference to something that was not given."""


def member_name(uri: str) -> str:
    """Return the name of a container's file that a URI stands for (EN 319 162-1 A.7: relative to its root), NFC."""
    return normalize("NFC", unquote(uri).removeprefix("./"))


class Sources:
    """Resolves references of the signatures of one document, and remembers which files they led to."""

    def __init__(self, detached: Iterable[Path] = (), *, members: Mapping[str, Path] | None = None) -> None:
        """Take files that a URI may name by its last part, and ``members`` of a container by their whole path."""
        self._detached = tuple(detached)
        self._members = members
        self.used: set[Path] = set()

    def resolve(self, uri: str | None, signature: etree._Element) -> bytes | Nodes:
        """Return what a URI stands for; raise `MissingSource`, or ``LookupError`` for a doubled identifier.

        Same-document references leave comments out, except by XPointer (XML-DSig 4.4.3.3).
        """
        tree = signature.getroottree()
        if uri == "":
            return Nodes((tree.getroot(),), whole=True)
        if uri == "#xpointer(/)":
            return Nodes((tree.getroot(),), whole=True, comments=True)
        if uri is not None and (pointed := _XPOINTER_ID.fullmatch(uri)) is not None:
            return Nodes((find_by_id(tree, pointed["value"]),), comments=True)
        if uri is not None and uri.startswith("#"):
            return Nodes((find_by_id(tree, unquote(uri[1:]) if "%" in uri else uri[1:]),))
        place = self._given(uri)
        self.used.add(place)
        return Blob.from_path(place).read()

    def _given(self, uri: str | None) -> Path:
        if self._members is not None:
            place = self._members.get(member_name(uri or ""))
            if place is None:
                raise MissingSource
            return place
        if uri is not None:
            wanted = PurePosixPath(unquote(urlsplit(uri).path)).name
            for path in self._detached:
                if path.name == wanted:
                    return path
        if len(self._detached) == 1:
            return self._detached[0]
        raise MissingSource
