"""What came after a signature, judged by what it means: everything says the same, or is on a short list.

The whole document is walked as it resolves in either revision (`identity`). Different may be: of the catalogue, the
form, validation data, extensions, metadata and a higher version; of the form, fields appended; of a page, their
widgets appended; of a field, what filling or signing it sets (`filled`). Nothing else, by whatever path it is reached:
page trees, resources, layers, actions, names, the structure, looks through dictionaries of their own. Of numbers,
names and rectangles in what came later, only the form that the standard gives them is read: a lenient reader takes
``/F 2.5`` for a hidden field, and a viewer shows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.signing.pdf.comparison import same_but
from edocx.signing.pdf.document import HEADER_WITHIN, MALFORMED
from edocx.signing.pdf.field_names import names_on_pages
from edocx.signing.pdf.filled import Fields, Unexplained, dictionary, elements
from edocx.signing.pdf.identity import Identity
from edocx.signing.pdf.page_resources import names_used
from edocx.signing.pdf.page_tree import pages_of

VERSIONS = ("/1.0", "/1.1", "/1.2", "/1.3", "/1.4", "/1.5", "/1.6", "/1.7", "/2.0")

MAX_EXTENSION_DEPTH = 5
"""Of the developer extensions: names of them, levels and notes (ISO 32000-2 7.12)."""

_HEADER = re.compile(rb"%PDF-(\d\.\d)")

_CATALOGUE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version"})
_FORM = frozenset({"/Fields", "/SigFlags", "/NeedAppearances"})
_TRAILER = frozenset({"/Size", "/Prev", "/ID", "/Info", "/XRefStm"}) | frozenset(
    {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
)
"""Entries of the trailer that may differ; the catalogue is the one that was signed, else all else is another file's."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is explained of the revisions after a signature."""

    filled: bool
    """Whether a field was made or filled that is no timestamp's: somebody answers for it, or nobody does."""


def aftermath(reader: PdfFileReader, before: int, after: int) -> Aftermath | None:
    """Compare a later revision with one that was signed; None when anything is not explained.

    Raises what pyHanko raises for a damaged file, and `LimitExceeded` when the reader's budget ends.
    """
    if before >= after:
        return Aftermath(filled=False)
    try:
        for revision in range(before + 1, after + 1):
            step = reader.get_historical_resolver(revision)
            if not same_but(reader.get_historical_resolver(before).trailer_view, step.trailer_view, _TRAILER):
                return None
        return _Walk(Identity(reader, before, after), reader).run()
    except Unexplained:
        return None


def only_stamped(reader: PdfFileReader, before: int) -> bool:
    """Say whether no field was made or filled after a revision but those of timestamps, whose looks draw nothing."""
    try:
        found = aftermath(reader, before, reader.xrefs.total_revisions - 1)
    except MALFORMED:
        return False
    return found is not None and not found.filled


def same_trailer(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    """Say whether two trailers differ in nothing but bookkeeping; the first part of the ID is the file's for good."""
    one, other = (held["/ID"][0].original_bytes if "/ID" in held else b"" for held in (before, after))
    return same_but(before, after, _TRAILER) and (not one or one == other)


@dataclass(slots=True)
class _Walk:
    identity: Identity
    reader: PdfFileReader
    pages: list[generic.Reference] = field(default_factory=list)

    def run(self) -> Aftermath:
        old, new = self.identity.old, self.identity.new
        self.pages = [_required(reference) for _, reference in pages_of(old)]
        if self.pages != [reference for _, reference in pages_of(new)]:
            raise Unexplained("other pages")
        before, after = self._forms(old, new)
        fields = Fields(self.identity, before, after)
        self.identity.apart |= {old.root_ref, *self.pages, *fields.old}
        form = old.root.raw_get("/AcroForm") if "/AcroForm" in old.root else None
        if isinstance(form, generic.IndirectObject):
            self.identity.apart.add(form.reference)
        if not self.identity.same_but(old.trailer_view, new.trailer_view, _TRAILER):
            raise Unexplained("what the trailer names, how the file is encrypted for one")
        self._form(before, after, fields)
        fields.judge()
        for page in self.pages:
            self._page(page, fields)
        self._catalogue(old.root, new.root)
        return Aftermath(filled=fields.filled)

    def _forms(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> tuple[generic.DictionaryObject, generic.DictionaryObject]:
        before = self.identity.entry(old.root, "/AcroForm", later=False)
        after = self.identity.entry(new.root, "/AcroForm", later=True)
        none = generic.NullObject
        if isinstance(after, none) and not isinstance(before, none):
            raise Unexplained("no form any more")
        nothing = generic.DictionaryObject()
        return (
            nothing if isinstance(before, none) else dictionary(before),
            nothing if isinstance(after, none) else dictionary(after),
        )

    def _form(self, before: generic.DictionaryObject, after: generic.DictionaryObject, fields: Fields) -> None:
        # Where there was no field before, nor any other annotation that is drawn by the form's settings, none of them
        # draws anything otherwise.
        on_pages = set() if self.identity.same_but(before, after, _FORM) else set(names_on_pages(self.identity.old))
        had_none = not fields.old and not on_pages
        names = _FORM | {"/DR"} | ({"/DA", "/Q"} if had_none else frozenset())
        if not self.identity.same_but(before, after, names):
            raise Unexplained("settings of the form")
        if not had_none and not self.identity.same_entry(before, after, "/DR"):
            self._resources(before, after, {*fields.names_used(), *on_pages})
        regenerated = self.identity.entry(after, "/NeedAppearances", later=True)
        if not _is_false(regenerated) and not self.identity.same_entry(before, after, "/NeedAppearances"):
            raise Unexplained("looks made anew")
        flags = self.identity.entry(after, "/SigFlags", later=True)
        if not isinstance(flags, generic.NullObject) and type(flags) is not generic.NumberObject:
            raise Unexplained("flags that are no number")

    def _resources(self, before: generic.DictionaryObject, after: generic.DictionaryObject, used: set[str]) -> None:
        """Let the form's resources get names that nothing uses: Acrobat adds a font for the next signature's look."""
        given: set[str] = set()
        old, new = (self.identity.entry(one, "/DR", later=later) for one, later in ((before, False), (after, True)))
        was = generic.DictionaryObject() if isinstance(old, generic.NullObject) else dictionary(old)
        became = dictionary(new)
        for kind in {*was, *became}:
            if kind in was and self.identity.same_entry(was, became, kind):
                continue
            listed = dictionary(self.identity.entry(became, kind, later=True))
            known = dictionary(self.identity.entry(was, kind, later=False)) if kind in was else was
            if kind in was and not all(name in listed and self._same_named(known, listed, name) for name in known):
                raise Unexplained("resources of the form exchanged")
            given |= listed.keys() - (known.keys() if kind in was else set())
        if given & {*names_used(str(self.identity.entry(before, "/DA", later=False)).encode()), *used}:
            raise Unexplained("a name given that fields use already")

    def _same_named(self, before: generic.DictionaryObject, after: generic.DictionaryObject, name: str) -> bool:
        return self.identity.same(before.raw_get(name), after.raw_get(name), painting=True)

    def _page(self, reference: generic.Reference, fields: Fields) -> None:
        raw = generic.IndirectObject(reference.idnum, reference.generation, self.identity.old)
        before = dictionary(self.identity.value(raw, later=False))
        after = dictionary(self.identity.value(raw, later=True))
        if not self.identity.same_but(before, after, {"/Annots"}):
            raise Unexplained("a page")
        old = elements(self.identity, before, "/Annots", later=False)
        new = elements(self.identity, after, "/Annots", later=True)
        if len(new) < len(old) or not all(map(self.identity.same, old, new)):
            raise Unexplained("annotations")
        if any(_required(getattr(one, "reference", None)) not in fields.widgets for one in new[len(old) :]):
            raise Unexplained("an annotation that is no new field's")

    def _catalogue(self, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        if not self.identity.same_but(before, after, _CATALOGUE):
            raise Unexplained("the catalogue")
        self._version(before, after)
        packet = self.identity.entry(after, "/Metadata", later=True)
        if not self.identity.same_entry(before, after, "/Metadata") and not isinstance(packet, generic.StreamObject):
            raise Unexplained("metadata that are none")
        store = self.identity.entry(after, "/DSS", later=True)
        if not self.identity.same_entry(before, after, "/DSS"):
            dictionary(store)  # its entries are judged by pyHanko's rule, more strictly than the standard
        extensions = self.identity.entry(after, "/Extensions", later=True)
        if not self.identity.same_entry(before, after, "/Extensions"):
            kept = dictionary(extensions)
            earlier = self.identity.entry(before, "/Extensions", later=False)
            if isinstance(earlier, generic.DictionaryObject) and not earlier.keys() <= kept.keys():
                raise Unexplained("an extension taken away")
            self._plain(kept, 0)

    def _version(self, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        if self.identity.same_entry(before, after, "/Version"):
            return
        was = self.identity.entry(before, "/Version", later=False)
        became = self.identity.entry(after, "/Version", later=True)
        if not isinstance(became, generic.NameObject) or became not in VERSIONS:
            raise Unexplained("no version")
        least = was if isinstance(was, generic.NameObject) else self._header()
        if least in VERSIONS and VERSIONS.index(became) < VERSIONS.index(least):
            raise Unexplained("a lower version")

    def _header(self) -> str:
        # The reader's own idea of the version is the newest catalogue's, which is what is judged here.
        self.reader.stream.seek(0)
        found = _HEADER.search(self.reader.stream.read(HEADER_WITHIN))
        return f"/{found[1].decode()}" if found else ""

    def _plain(self, value: Any, depth: int) -> None:
        if depth > MAX_EXTENSION_DEPTH or isinstance(value, generic.StreamObject):
            raise Unexplained("more than an extension says")
        inside: list[Any] = []
        if isinstance(value, generic.DictionaryObject):
            inside = [value.raw_get(name) for name in value]
        elif isinstance(value, generic.ArrayObject):
            inside = [value.raw_get(place) for place in range(len(value))]
        for one in inside:
            self._plain(self.identity.value(one, later=True), depth + 1)


def _required(reference: Any) -> generic.Reference:
    if not isinstance(reference, generic.Reference):
        raise Unexplained("a page or an annotation that is no object of its own")
    return reference


def _is_false(value: Any) -> bool:
    return isinstance(value, generic.NullObject) or (isinstance(value, generic.BooleanObject) and not value.value)
