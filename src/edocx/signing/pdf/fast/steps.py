"""What one revision did to the one before it: only what is on a short list, every byte of it accounted for.

The list: an empty signature field signed, a new signature field, a text field filled, the widget of a new field hung
onto its page, the document security store grown (`security_store`), and the bookkeeping around these. Each object of
the revision must have one of these roles, must stand where the cross-references say with nothing in between, and
must not be reachable in any other role (`usage`). Everything else raises `NotPlain`, and is judged elsewhere; nothing
is ever refused here. Stricter in every point than pyHanko's analysis (ISO 32000-2 12.8.2.2; the roles and levels are
the same, so that the verdicts are).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edocx.signing.pdf.changes import Change
from edocx.signing.pdf.comparison import fills_blanks
from edocx.signing.pdf.covering import MAX_COVERED, MAX_SHARE, overlap
from edocx.signing.pdf.fast.form import field_name, rectangle
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.sections import Stored, inflate
from edocx.signing.pdf.fast.syntax import NotPlain, Ref, references_in, same
from edocx.signing.pdf.fast.usage import Holders, Usage
from edocx.signing.pdf.filled import MAX_FLAGS
from edocx.signing.pdf.look_text import Letters, shows

MAX_GAP = 64
"""Bytes of white space between two objects."""

_NEW_FIELD = frozenset({"FT", "T", "Type", "Subtype", "F", "Rect", "P", "V", "AP"})
_SIGNATURE = frozenset(
    {"Type", "Filter", "SubFilter", "Contents", "ByteRange", "M", "Reason", "Location", "Name", "ContactInfo"}
    | {"Reference", "Prop_Build"}
)
_CATALOGUE = frozenset({"AcroForm", "DSS", "Extensions"})
_TRAILER = frozenset({"Size", "Root", "Prev", "Info", "ID"})
_TRAILER_STREAM = _TRAILER | {"Type", "W", "Index", "Length", "Filter", "DecodeParms"}


@dataclass(slots=True)
class Step:
    """What a revision did: the highest level, the fields whose locks it touches, whether a visible field is new."""

    level: Change = Change.EXPLAINED
    fields: set[str] = field(default_factory=set)
    visible: bool = False
    shares: dict[int, float] = field(default_factory=dict)
    """Of each page (by its object's number), what looks drawn in this revision take."""


class Analysis:
    """The analysis of one revision; `run` gives the `Step` or raises `NotPlain`."""

    __slots__ = ("before", "explained", "file", "now", "objects", "step", "usage")

    def __init__(self, file: Revisions, revision: int) -> None:
        self.file = file
        self.before, self.now = revision - 1, revision
        self.objects = _objects(file, revision)
        self.explained: set[int] = set()
        self.step = Step()
        self.usage = Usage()

    def run(self) -> Step:
        """Explain every object of the revision."""
        from edocx.signing.pdf.fast.security_store import explain_store  # noqa: PLC0415 - it needs this class

        self._trailer()
        self._catalogue()
        added = self._form()
        self._pages(added)
        explain_store(self)
        own = self.file.sections[self.now].number
        if own and self.is_new(own):
            self.explained.add(own)
        if self.objects.keys() - self.explained:
            raise NotPlain("something else was changed")
        new = {number for number in self.objects if self.is_new(number)}
        if any(self.objects[number].data is not None for number in self.objects.keys() - new):
            raise NotPlain("an object overwritten by a stream")
        if max(self.objects, default=0) >= self.file.sections[self.now].size:
            raise NotPlain("an object beyond the size")
        self.usage.new |= new
        self.usage.require(self.file, self.before)
        return self.step

    def is_new(self, number: int) -> bool:
        """Say whether no earlier revision could have had an object of this number."""
        earlier = self.file.last_change(number, self.before)
        below = number < self.file.sections[self.before].size
        if (earlier is not None) != below:
            raise NotPlain("a number between the old and the new")
        return not below

    def introduced(self, value: Any) -> Stored:
        """Return the new object that a reference names, and count it as explained; raise `NotPlain` otherwise."""
        if not isinstance(value, Ref) or value.number not in self.objects or not self.is_new(value.number):
            raise NotPlain("a new object is missing")
        self.explained.add(value.number)
        return self.objects[value.number]

    def raise_to(self, level: Change) -> None:
        """Count a change of at least this level."""
        self.step.level = max(self.step.level, level)

    def touch(self, name: str) -> None:
        """Count a field as filled or signed."""
        self.step.fields.add(name)
        self.raise_to(Change.FILLED)

    def _trailer(self) -> None:
        old, new = (self.file.sections[place] for place in (self.before, self.now))
        known = _TRAILER_STREAM if new.number else _TRAILER
        if bool(old.number) != bool(new.number):
            raise NotPlain("tables and streams mixed")
        if new.trailer.keys() - known or not same(old.trailer.get("Info"), new.trailer.get("Info")):
            raise NotPlain("another trailer")
        identity = old.trailer.get("ID")
        if isinstance(identity, list) and identity[:1] != (new.trailer.get("ID") or [None])[:1]:
            raise NotPlain("another file's trailer")

    def _catalogue(self) -> None:
        reference = self.file.root_reference
        if reference.number not in self.objects:
            return
        old, new = self.file.root(self.before), self.file.root(self.now)
        require_same_but(old, new, _CATALOGUE)
        require_kept(old, new, "Extensions")
        for extensions in (old.get("Extensions", {}), new.get("Extensions", {})):
            if not isinstance(extensions, dict) or references_in(extensions):
                raise NotPlain("extensions elsewhere")
        self.explained.add(reference.number)

    def _form(self) -> list[tuple[Ref, dict[str, Any]]]:
        """Explain the form and its fields; return the new ones."""
        root = self.file.root_reference.number
        old_held, new_held = (self.file.root(place).get("AcroForm") for place in (self.before, self.now))
        holder, key = root, "AcroForm"
        if isinstance(old_held, Ref) and old_held == new_held:
            self._overwritten(old_held, root, "AcroForm")
            holder, key = old_held.number, "Fields"
        elif not (isinstance(old_held, dict) and isinstance(new_held, dict)):
            raise NotPlain("another form")
        old, new = (self.file.dictionary(held, at) for held, at in ((old_held, self.before), (new_held, self.now)))
        require_same_but(old, new, frozenset({"Fields"}))
        require_kept(old, new, "Fields")
        holders: Holders = {holder: key}
        if isinstance(listed := old.get("Fields"), Ref):
            if listed != new.get("Fields"):
                raise NotPlain("another list of fields")
            self._overwritten(listed, holder, key)
            holders[listed.number] = None
        return self._fields(holders)

    def _fields(self, holders: Holders) -> list[tuple[Ref, dict[str, Any]]]:
        old, new = self.file.fields(self.before), self.file.fields(self.now)
        if [one for one, _ in new[: len(old)]] != [one for one, _ in old]:
            raise NotPlain("fields taken away")
        names = [field_name(one) for _, one in new]
        if len(set(names)) != len(names):
            raise NotPlain("two fields of one name")
        for (reference, before), (_, after), name in zip(old, new, names, strict=False):
            if reference.number in self.objects:
                self._changed_field(reference, before, after, name)
                self._widget_holders(reference, before, holders)
        added = new[len(old) :]
        for (reference, one), name in zip(added, names[len(old) :], strict=True):
            self._new_field(reference, one, name)
        return added

    def _changed_field(self, reference: Ref, before: dict[str, Any], after: dict[str, Any], name: str) -> None:
        require_same_but(before, after, frozenset({"V", "AP"}))
        if not same(before.get("AP"), after.get("AP")):
            if not isinstance(before.get("AP", {}), dict):
                raise NotPlain("an appearance elsewhere")
            self._appearance(after.get("AP"), name)
            self._take_room(reference, before, new=False)
        match after["FT"]:
            case "Sig" if "V" not in before and "V" in after:
                self._signed(after, name)
            case "Tx" if isinstance(after.get("V"), bytes) and isinstance(before.get("V", b""), bytes):
                was, became = _text(before.get("V", b"")), _text(after["V"])
                if not fills_blanks(was, became) or (was and was == became):
                    raise NotPlain("a value that was there")
                self._require_shown(after, became)
                self.touch(name)
            case _:
                raise NotPlain("another field")
        self.explained.add(reference.number)

    def _require_shown(self, after: dict[str, Any], value: str) -> None:
        """Raise `NotPlain` unless a filled field shows what it says: whatever differs is told by the long way."""
        if "AP" not in after:
            return
        look = self.file.stored(after["AP"]["N"], self.now)
        if "OC" in look.value or "OC" in after or look.value.get("Matrix", [1, 0, 0, 1])[:4] != [1, 0, 0, 1]:
            raise NotPlain("a look that is turned, or not always there")
        left, low, right, high = rectangle(look.value.get("BBox"))
        resources = self.file.dictionary(look.value.get("Resources", {}), self.now)
        fonts = self.file.dictionary(resources.get("Font", {}), self.now)

        def letters_of(name: str) -> Letters:
            font = self.file.dictionary(fonts.get(name), self.now)
            width = 2 if font.get("Subtype") == "Type0" else 1
            if "ToUnicode" not in font:
                own = isinstance(self.file.resolved(font.get("Encoding"), self.now), dict)
                if own or font.get("BaseFont") in {"ZapfDingbats", "Symbol"}:
                    raise NotPlain("a font of its own letters")
                return Letters(width)
            return Letters(width, inflate(self.file.source, self.file.stored(font["ToUnicode"], self.now)))

        if not shows(inflate(self.file.source, look), value, letters_of, (abs(right - left), abs(high - low))):
            raise NotPlain("a look that shows another value")

    def _new_field(self, reference: Ref, one: dict[str, Any], name: str) -> None:
        self.introduced(reference)
        kinds = (one.get("FT"), one.get("Type"), one.get("Subtype"))
        if one.keys() - _NEW_FIELD or kinds != ("Sig", "Annot", "Widget") or not _is_flags(one.get("F", 0)):
            raise NotPlain("a new field that is more than a place for a signature")
        x1, y1, x2, y2 = rectangle(one.get("Rect"))
        if "AP" in one and "V" not in one:
            raise NotPlain("a field that may hide the page")
        if (x2 - x1) * (y2 - y1):
            self.step.visible = True
            self.touch(name)
        if "AP" in one:
            self._appearance(one["AP"], name)
            self._take_room(reference, one, new=True)
        if "V" in one:
            self._signed(one, name)

    def _appearance(self, shown: Any, name: str) -> None:
        if not isinstance(shown, dict) or set(shown) != {"N"}:
            raise NotPlain("an appearance with states")
        waiting = [shown["N"]]
        if self.introduced(shown["N"]).data is None:
            raise NotPlain("no appearance")
        while waiting:
            one = waiting.pop()
            for inside in references_in(self.introduced(one).value):
                if inside.number in self.objects and self.is_new(inside.number):
                    if inside.number not in self.explained:
                        waiting.append(inside)
                    self.explained.add(inside.number)
                else:
                    self.file.stored(inside, self.before)
        self.touch(name)

    def _signed(self, one: dict[str, Any], name: str) -> None:
        stored = self.introduced(one["V"])
        value = stored.value
        if not isinstance(value, dict) or stored.data is not None or value.keys() - _SIGNATURE:
            raise NotPlain("no signature")
        if any(inside != self.file.root_reference for inside in references_in(value)):
            raise NotPlain("a signature in parts")
        stamp = value.get("Type") == "DocTimeStamp"
        if value.get("Type") not in {"Sig", "DocTimeStamp"} or stamp != (value.get("SubFilter") == "ETSI.RFC3161"):
            raise NotPlain("a signature of no clear kind")
        x1, y1, x2, y2 = rectangle(one.get("Rect"))
        if stamp and "AP" in one:
            raise NotPlain("a timestamp that may draw, if only where a viewer takes no area for some")
        if stamp and not (x2 - x1) * (y2 - y1):
            return
        self.touch(name)

    def _take_room(self, reference: Ref, one: dict[str, Any], *, new: bool) -> None:
        """Count what a look takes of its page; raise `NotPlain` for much of it, or over what an earlier field shows."""
        corners = rectangle(one.get("Rect"))
        if not _size(corners):
            return
        page = one.get("P")
        if not isinstance(page, Ref) or not self.file.in_page_tree(page, self.before):
            raise NotPlain("a look on no page")
        if self.file.inherited(page, "CropBox", self.before) is not None:
            raise NotPlain("a page seen in part")
        share = _size(corners) / max(_size(rectangle(self.file.inherited(page, "MediaBox", self.before))), 1.0)
        if share > MAX_SHARE:
            raise NotPlain("a look that may hide the page")
        self.step.shares[page.number] = self.step.shares.get(page.number, 0.0) + share
        if new:
            for other in self.file.array(self.file.dictionary(page, self.before).get("Annots", []), self.before):
                held = rectangle(self.file.dictionary(other, self.before).get("Rect"))
                if other != reference and overlap(corners, held) > MAX_COVERED * _size(held):
                    raise NotPlain("a look over another field")

    def _pages(self, added: list[tuple[Ref, dict[str, Any]]]) -> None:
        widgets = {reference for reference, _ in added}
        for page in {one["P"] for _, one in added if "P" in one}:
            if not isinstance(page, Ref) or not self.file.in_page_tree(page, self.before):
                raise NotPlain("a page outside of the tree")
            before, after = (self.file.dictionary(page, place) for place in (self.before, self.now))
            if page.number in self.objects:
                if before.get("Type") != "Page":
                    raise NotPlain("no page")
                require_same_but(before, after, frozenset({"Annots"}))
                require_kept(before, after, "Annots")
                self.explained.add(page.number)
            old, new = self._annotations(page, before, after)
            if len(old) == len(new) and not same(before, after):
                raise NotPlain("a page changed for nothing")
            if not same(new[: len(old)], old) or not all(one in widgets for one in new[len(old) :]):
                raise NotPlain("other annotations")

    def _annotations(self, page: Ref, before: dict[str, Any], after: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        old, new = before.get("Annots"), after.get("Annots")
        if isinstance(old, Ref):
            if old != new:
                raise NotPlain("another list of annotations")
            self._overwritten(old, page.number, "Annots")
        elif isinstance(new, Ref):
            if old is not None:
                raise NotPlain("another list of annotations")
            self.introduced(new)
        lists = tuple(
            self.file.array([] if held is None else held, place)
            for held, place in ((old, self.before), (new, self.now))
        )
        return lists[0], lists[1]

    def _overwritten(self, reference: Ref, holder: int, key: str | None) -> None:
        if reference.number in self.objects:
            if self.objects[reference.number].data is not None or self.is_new(reference.number):
                raise NotPlain("a stream, or nothing, overwritten")
            self.explained.add(reference.number)
            self.usage.allow(reference.number, holder, key)

    def overwritten(self, reference: Ref, holder: int, key: str | None) -> None:
        """Explain an object that is overwritten in place, and used by one holder under one key alone."""
        self._overwritten(reference, holder, key)

    def _widget_holders(self, reference: Ref, one: dict[str, Any], holders: Holders) -> None:
        """Let a field be named by the form and by its page, in any earlier revision, and by nothing else."""
        for holder, key in holders.items():
            self.usage.allow(reference.number, holder, key)
        page = one.get("P")
        if isinstance(page, Ref) and self.file.in_page_tree(page, self.before):
            self.usage.allow(reference.number, page.number, "Annots")
            listed = self.file.dictionary(page, self.before).get("Annots")
            if isinstance(listed, Ref):
                self.usage.allow(reference.number, listed.number, None)


def _is_flags(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_FLAGS


def _text(value: bytes) -> str:
    """Decode a field's value as far as comparing needs it: every byte counts, and blanks are blanks."""
    wide = value.startswith(b"\xfe\xff") and len(value) % 2 == 0
    return value[2:].decode("utf-16-be", "surrogatepass") if wide else value.decode("latin-1")


def _size(corners: tuple[float, float, float, float]) -> float:
    return (corners[2] - corners[0]) * (corners[3] - corners[1])


def require_kept(before: dict[str, Any], after: dict[str, Any], key: str) -> None:
    """Raise `NotPlain` when an entry was taken away."""
    if key in before and key not in after:
        raise NotPlain("an entry taken away")


def require_same_but(before: dict[str, Any], after: dict[str, Any], open_keys: frozenset[str]) -> None:
    """Raise `NotPlain` unless two dictionaries are the same outside of some keys."""
    for key in (before.keys() | after.keys()) - open_keys:
        if key not in before or key not in after or not same(before[key], after[key]):
            raise NotPlain("an entry changed")


def _objects(file: Revisions, revision: int) -> dict[int, Stored]:
    """Return all objects of a revision; raise `NotPlain` unless they and their section are all there is of it."""
    section = file.sections[revision]
    found: dict[int, Stored] = {}
    places: list[tuple[int, int, int]] = []
    for number, entry in section.entries().items():
        if number == 0 and entry is None:
            continue
        if entry is None or entry.stream:
            raise NotPlain("objects freed, or packed")
        places.append((entry.offset, number, entry.generation))
    cursor = file.sections[revision - 1].end
    for offset, number, generation in sorted(places):
        stored = file.stored(Ref(number, generation), revision)
        _require_blank(file, cursor, offset)
        if stored.begin != offset or (stored.end > section.start and number != section.number):
            raise NotPlain("objects out of place")
        found[number] = stored
        cursor = stored.end
    if section.number and section.number in found:
        if found[section.number].begin != section.start:
            raise NotPlain("another section")
    else:
        _require_blank(file, cursor, section.start)
        if section.number:
            raise NotPlain("a section that does not name itself")
    return found


def _require_blank(file: Revisions, begin: int, end: int) -> None:
    if not 0 <= end - begin <= MAX_GAP or file.source.read(begin, end).strip(b"\0\t\n\f\r "):
        raise NotPlain("bytes that belong to nothing")
