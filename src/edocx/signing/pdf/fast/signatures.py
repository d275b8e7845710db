"""The signatures of a plain PDF, each with what was changed after it; or `NotPlain`, and pyHanko reads the file.

Only what is beyond doubt is read here: a byte range from the first byte to a revision's end that leaves out the
signature's own digits and nothing else, and later revisions of which every byte is explained (`steps`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edocx.signing.mechanism import finish, new_hash
from edocx.signing.pdf.appended import MAX_APPENDED, Before, read_appended
from edocx.signing.pdf.changes import Change
from edocx.signing.pdf.covering import MAX_SHARE_TOGETHER
from edocx.signing.pdf.embedded import END_OF_FILE, Coverage
from edocx.signing.pdf.fast.form import field_name
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.security_store import read_store
from edocx.signing.pdf.fast.source import Source
from edocx.signing.pdf.fast.steps import Analysis, Step
from edocx.signing.pdf.fast.syntax import UNREADABLE, NotPlain, Ref
from edocx.signing.trust import TrustStore

_SUBFILTERS = frozenset({"ETSI.CAdES.detached", "adbe.pkcs7.detached", "ETSI.RFC3161"})
_ENDS = frozenset({b"", b"\n", b"\r", b"\r\n"})
"""What may stand between ``%%EOF`` and the end of a byte range."""


@dataclass(slots=True)
class PlainSignature:
    """One filled signature field, with the answers that `edocx.signing.pdf.embedded.Embedded` gives."""

    source: Source
    name: str
    subfilter: str
    byte_range: tuple[int, int, int, int]
    contents: bytes
    revision: int
    change: Change
    dictionary: dict[str, str]
    _digests: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_stamp(self) -> bool:
        """Whether it is a document timestamp."""
        return self.subfilter == "/ETSI.RFC3161"

    @property
    def end(self) -> int:
        """The place where the byte range ends."""
        return self.byte_range[2] + self.byte_range[3]

    def coverage(self) -> Coverage:
        """Say whether the byte range covers the file or a revision of it; anything else was never read."""
        return Coverage.FILE if self.end == self.source.size else Coverage.REVISION

    def digest(self, hash_name: str) -> bytes:
        """Digest the byte range, once for each hash; raise ``ValueError`` for an unknown hash."""
        if hash_name not in self._digests:
            hasher = new_hash(hash_name)
            _, length, second, rest = self.byte_range
            for begin, end in ((0, length), (second, second + rest)):
                for piece in self.source.pieces(begin, end):
                    hasher.update(piece)
            self._digests[hash_name] = finish(hasher)
        return self._digests[hash_name]

    def hashed(self) -> tuple[str, bytes]:
        """Return hash and digest that the signature was checked by, to know the same octets again later."""
        return next(iter(self._digests.items()))


@dataclass(frozen=True, slots=True)
class PlainFile:
    """The signatures of a file in signing order, and what it brings for their verification."""

    signatures: list[PlainSignature]
    evidence: TrustStore


@contextmanager
def open_plain(path: Path, limit: int) -> Iterator[PlainFile | None]:
    """Read a file's signatures, at most ``limit``; None when it is not plain, or has none.

    Raises ``OSError``, and may raise while the file is read on: `NotPlain` never.
    """
    with Source(path) as source:
        try:
            found = _read(source, limit)
        except UNREADABLE:
            found = None
        yield found


def _read(source: Source, limit: int) -> PlainFile:
    file = Revisions.read(source)
    if END_OF_FILE.fullmatch(file.source.read(file.sections[file.newest].end, source.size)) is None:
        raise NotPlain("bytes after the last revision")
    filled = [(ref, one) for ref, one in file.fields(file.newest) if one["FT"] == "Sig" and "V" in one]
    if not 0 < len(filled) <= limit:
        raise NotPlain("no signatures, or too many")
    file.dictionary(file.root(file.newest).get("Pages"), file.newest)
    steps: dict[int, Step] = {}
    found = [_signature(file, one, steps) for _, one in filled]
    found.sort(key=lambda one: (one.revision, one.end))
    _require_exact(file, found[0])
    return PlainFile(found, read_store(file))


def _require_exact(file: Revisions, first: PlainSignature) -> None:
    """Raise `NotPlain` unless what follows the first signature can be read in one way only (`appended`)."""
    section = file.sections[first.revision]
    before = Before(
        start=section.start,
        root=file.root_reference,
        size=section.size,
        known=lambda number: _is_known(file, number, first.revision),
        value=lambda number: file.stored(Ref(number, 0), first.revision).value,
    )
    data = file.source.read(first.end, min(file.source.size, first.end + MAX_APPENDED + 1))
    count = file.newest - first.revision
    if read_appended(data, first.end, before, count, bool) != [one.start for one in file.sections[-count:] if count]:
        raise NotPlain("revisions that may be read otherwise")


def _is_known(file: Revisions, number: int, revision: int) -> bool:
    last = file.last_change(number, revision)
    return last is not None and file.sections[last].find(number)[1] is not None


def _signature(file: Revisions, one: dict[str, Any], steps: dict[int, Step]) -> PlainSignature:
    reference, name = one["V"], field_name(one)
    stored = file.stored(reference, file.newest)
    value = stored.value
    revision = file.last_change(reference.number, file.newest)
    if not isinstance(value, dict) or stored.data is not None or stored.within is not None or not name:
        raise NotPlain("no signature")
    subfilter, contents, span = value.get("SubFilter"), value.get("Contents"), value.get("ByteRange")
    if (
        not isinstance(subfilter, str)
        or subfilter not in _SUBFILTERS
        or not isinstance(contents, bytes)
        or revision is None
    ):
        raise NotPlain("another kind of signature")
    if not isinstance(span, list) or len(span) != 4 or any(type(n) is not int or n < 0 for n in span):  # noqa: PLR2004
        raise NotPlain("another byte range")
    start, length, second, rest = span
    if start or stored.parsed.spans["Contents"] != (length, second) or file.source.read(length, length + 1) != b"<":
        raise NotPlain("the gap is not the signature")
    _require_end(file, revision, second + rest)
    change = _change(file, one, value, revision, steps)
    said = value.get("M")
    dictionary = {"/M": said.decode("ascii")} if isinstance(said, bytes) and said.isascii() else {}
    if "M" in value and not dictionary:
        raise NotPlain("a time in another encoding")
    return PlainSignature(
        file.source, name, f"/{subfilter}", (start, length, second, rest), contents, revision, change, dictionary
    )


def _require_end(file: Revisions, revision: int, end: int) -> None:
    """Raise `NotPlain` unless a byte range ends where its revision does, and the file goes on only with revisions."""
    section = file.sections[revision].end
    if not 0 <= end - section <= 2 or file.source.read(section, end) not in _ENDS:  # noqa: PLR2004
        raise NotPlain("a byte range that ends elsewhere")
    if (revision == file.newest) != (end == file.source.size):
        raise NotPlain("bytes after the last revision")


def _change(
    file: Revisions, one: dict[str, Any], signature: dict[str, Any], revision: int, steps: dict[int, Step]
) -> Change:
    """Classify everything after a signature's revision; raise `NotPlain` where it might forbid some of it."""
    level = Change.NONE
    touched: set[str] = set()
    visible = False
    shares: dict[int, float] = {}
    for later in range(revision + 1, file.newest + 1):
        if later not in steps:
            steps[later] = Analysis(file, later).run()
        level = max(level, steps[later].level)
        touched |= steps[later].fields
        visible = visible or steps[later].visible
        for page, share in steps[later].shares.items():
            shares[page] = shares.get(page, 0.0) + share
    if max(shares.values(), default=0.0) > MAX_SHARE_TOGETHER:
        raise NotPlain("looks that may hide a page")
    permission, locked = _permission(file, one, signature)
    if permission is not None and (visible or level > permission):
        raise NotPlain("more than the signature permits")
    if locked and touched:
        raise NotPlain("a lock")
    return level


def _permission(file: Revisions, one: dict[str, Any], signature: dict[str, Any]) -> tuple[int | None, bool]:
    # ISO 32000-2 12.8.2.2 and 12.8.2.4: from the signature's own transforms, else from its field's lock.
    permission: int | None = None
    locks: list[dict[str, Any]] = []
    lock = file.dictionary(one.get("Lock", {}), file.newest)
    for entry in file.array(signature.get("Reference", []), file.newest):
        about = file.dictionary(entry, file.newest)
        parameters = file.dictionary(about.get("TransformParams", {}), file.newest)
        match about.get("TransformMethod"):
            case "DocMDP" if permission is None:
                permission = _number(parameters.get("P", 2))
            case "FieldMDP" if not locks:
                locks.append(parameters)
            case _:
                raise NotPlain("another transform")
    if permission is None and "P" in lock:
        permission = _number(lock["P"])
    if not locks and lock:
        locks.append(lock)
    if any(parameters.get("Action") != "All" for parameters in locks):
        raise NotPlain("a lock of some fields")
    return permission, bool(locks)


def _number(value: Any) -> int:
    if type(value) is not int or value not in {1, 2}:
        raise NotPlain("another permission")
    return value
