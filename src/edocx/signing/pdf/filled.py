"""The fields of a form after a signature: which were filled or signed since, which are new, and nothing else.

A field that said something says the same and looks the same. An empty one, or one with blanks, may be filled; an
empty one for a signature signed; and places for signatures may be appended. Whoever has the file can add a timestamp
or an empty place: neither may draw anything, be it hidden, without an area, or in a state that does not show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from edocx.signing.pdf.comparison import fills_blanks, resolved
from edocx.signing.pdf.field_names import names_of_fields
from edocx.signing.pdf.identity import Identity
from edocx.signing.pdf.ink import draws_nothing

MAX_FIELDS = 20_000
"""Fields and widgets of a form; the largest of tax forms have some thousands."""

MAX_DEPTH = 30
"""Of fields in one another."""

MAX_FLAGS = 2**31 - 1

_NONE = generic.NullObject
_EMPTY = ("", b"", "/Off")
_FILLED = frozenset({"/V", "/AP", "/AS", "/M", "/RV", "/I", "/TI"})
_SIGNED = frozenset({"/V", "/AP", "/AS", "/M", "/F", "/MK"})
_OWN = frozenset({"/Kids"})
_NEW_FIELD = frozenset({"/FT", "/T", "/TU", "/TM", "/Ff", "/V", "/Lock", "/SV", "/Kids", "/DA", "/Q"})
_NEW_WIDGET = frozenset({"/Type", "/Subtype", "/F", "/Rect", "/P", "/AP", "/AS", "/MK", "/NM", "/M", "/Parent"}) | {
    "/Border",
    "/BS",
    "/H",
}
_DRAWN_ON = frozenset({"/Subtype", "/Rect", "/AP", "/AS", "/MK", "/F"})
"""What only the widget of a field has: what stands on a page, and is drawn."""

_FRAME = frozenset({"/BG", "/BC", "/R"})
_BORDER_STYLE = frozenset({"/Type", "/W", "/S"})


class Unexplained(Exception):
    """A change that nothing on the list explains; it never leaves `aftermath`."""


class Fields:
    """The fields of two revisions, paired."""

    def __init__(self, identity: Identity, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        self.identity = identity
        self.filled = False
        self.added: set[generic.Reference] = set()
        """New fields and their widgets."""
        self.widgets: set[generic.Reference] = set()
        """Those of them that may stand on a page."""
        self.old: set[generic.Reference] = set(_all_below(identity, before))
        self._forms = before, after
        self._judged: set[generic.Reference] = set()

    def judge(self) -> None:
        """Raise `Unexplained` for any field that is otherwise than it may have become."""
        self._listed(*self._forms, "/Fields", (), 0)

    def names_used(self) -> Iterator[str]:
        """Yield the names that the signed fields draw with; see `names_of_fields`."""
        yield from names_of_fields(map(self.identity.old, self.old))

    def _listed(
        self,
        before: generic.DictionaryObject,
        after: generic.DictionaryObject,
        name: str,
        above: tuple[tuple[generic.DictionaryObject, generic.DictionaryObject], ...],
        depth: int,
    ) -> None:
        old = elements(self.identity, before, name, later=False)
        new = elements(self.identity, after, name, later=True)
        if depth > MAX_DEPTH or len(new) < len(old):
            raise Unexplained("fields taken away, or in one another without end")
        for one, other in zip(old, new, strict=False):
            self._field(one, other, above, depth)
        for raw in new[len(old) :]:
            if name == "/Kids" and any("/FT" in one for pair in above for one in pair):
                raise Unexplained("a widget added to a field")
            self._new(raw)

    def _field(
        self,
        one: Any,
        other: Any,
        above: tuple[tuple[generic.DictionaryObject, generic.DictionaryObject], ...],
        depth: int,
    ) -> None:
        reference = _reference(one)
        if reference != _reference(other):
            raise Unexplained("another field")
        if reference in self._judged:
            return
        self._judged.add(reference)
        before = self.identity.value(one, later=False)
        after = self.identity.value(other, later=True)
        if not isinstance(before, generic.DictionaryObject):
            if not self.identity.same(one, other):
                raise Unexplained("what was no field")
            return
        pairs = (*above, (before, dictionary(after)))
        self._compare(before, after, pairs)
        if "/Kids" in before or "/Kids" in after:
            self._listed(before, after, "/Kids", pairs, depth + 1)

    def _compare(
        self,
        before: generic.DictionaryObject,
        after: generic.DictionaryObject,
        pairs: tuple[tuple[generic.DictionaryObject, generic.DictionaryObject], ...],
    ) -> None:
        kind = self._inherited(pairs, "/FT", later=False)
        signs = kind == "/Sig"
        open_names = _SIGNED if signs else _FILLED
        if not self.identity.same_but(before, after, open_names | _OWN):
            raise Unexplained("what a field is")
        became = {name for name in open_names if not self.identity.same_entry(before, after, name)}
        was, value = (self._inherited(pairs, "/V", later=later) for later in (False, True))
        if not became:
            return
        self._require_types(after, became)
        if signs:
            self._signed(after, became, was, value)
        else:
            self._filled(kind, became, was, value)

    def _signed(self, after: generic.DictionaryObject, became: set[str], was: Any, value: Any) -> None:
        if not isinstance(was, _NONE):
            raise Unexplained("a signature that was there")
        anyones = is_stamp(value) or isinstance(value, _NONE)
        if anyones and became & {"/AP", "/F", "/AS", "/MK"} and not draws_nothing(after):
            raise Unexplained("a place or a timestamp that draws")
        if not isinstance(value, _NONE):
            dictionary(value)
        self.filled |= not is_stamp(value)

    def _filled(self, kind: Any, became: set[str], was: Any, value: Any) -> None:
        empty = isinstance(was, _NONE) or was in _EMPTY
        texts = isinstance(was, generic.TextStringObject) and isinstance(value, generic.TextStringObject)
        if not empty and not (texts and was != value and fills_blanks(str(was), str(value))):
            raise Unexplained("a field that said something")
        listed = [value]
        if isinstance(value, generic.ArrayObject):
            listed = [value.raw_get(place) for place in range(len(value))]
        wanted = generic.NameObject if kind == "/Btn" else generic.TextStringObject | generic.ByteStringObject
        if not all(isinstance(one, wanted | _NONE) for one in listed):
            raise Unexplained("a value that a field of its kind never has")
        if kind == "/Btn" and "/AP" in became:
            raise Unexplained("a button drawn otherwise")
        self.filled = True

    def _inherited(
        self,
        pairs: tuple[tuple[generic.DictionaryObject, generic.DictionaryObject], ...],
        name: str,
        *,
        later: bool,
    ) -> Any:
        for pair in reversed(pairs):
            found = self.identity.entry(pair[later], name, later=later)
            if not isinstance(found, _NONE):
                return found
        return _NONE()

    def _new(self, raw: Any) -> None:
        reference = _reference(raw)
        if reference in self.old or reference in self.added:
            raise Unexplained("a field twice")
        one = dictionary(self.identity.value(raw, later=True))
        if one.keys() - _NEW_FIELD - _NEW_WIDGET or self.identity.entry(one, "/FT", later=True) != "/Sig":
            raise Unexplained("a new field that is more than a place for a signature")
        value = self.identity.entry(one, "/V", later=True)
        if not isinstance(value, _NONE):
            dictionary(value)
        self.added.add(reference)
        self._new_widget(reference, one, value)
        for kid in elements(self.identity, one, "/Kids", later=True):
            held = dictionary(self.identity.value(kid, later=True))
            if _reference(kid) in self.old or held.keys() - _NEW_WIDGET:
                raise Unexplained("a widget that is more than a signature's")
            self.added.add(_reference(kid))
            self._new_widget(_reference(kid), held, value)
        self.filled |= not is_stamp(value)

    def _new_widget(self, reference: generic.Reference, widget: generic.DictionaryObject, value: Any) -> None:
        """Raise `Unexplained` for a new place that says or draws something.

        A note, a square or a highlight that calls itself a field too is drawn as what its subtype says.
        """
        if self.identity.entry(widget, "/Subtype", later=True) == "/Widget":
            self.widgets.add(reference)
        elif not _DRAWN_ON.isdisjoint(widget):
            raise Unexplained("an annotation that is no widget")
        self._require_types(widget, _NEW_WIDGET & widget.keys())
        if (is_stamp(value) or isinstance(value, _NONE)) and not draws_nothing(widget):
            raise Unexplained("a new place or timestamp that draws")
        if is_stamp(value) and _has_area(widget):
            raise Unexplained("a new timestamp with an area, where some readers draw a look of their own")

    def _require_types(self, widget: generic.DictionaryObject, names: frozenset[str] | set[str]) -> None:
        """Raise `Unexplained` for a number, a name or a rectangle that not all readers take for the same."""
        for name in names:
            held = self.identity.entry(widget, name, later=True)
            if not isinstance(held, _NONE) and not _SHAPES.get(name, _any)(held):
                raise Unexplained(f"{name} of a kind that it never is")


def is_stamp(value: Any) -> bool:
    """Say whether a field's value is a document timestamp, or calls itself one."""
    if not isinstance(value, generic.DictionaryObject):
        return False
    said = {str(value[name]) for name in ("/Type", "/SubFilter") if name in value}
    return bool(said & {"/DocTimeStamp", "/ETSI.RFC3161"})


def dictionary(value: Any) -> generic.DictionaryObject:
    """Return a value that must be a dictionary and no stream; raise `Unexplained` otherwise."""
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise Unexplained("no dictionary")
    return value


def elements(identity: Identity, holder: generic.DictionaryObject, name: str, *, later: bool) -> list[Any]:
    """Return the elements of a list, unresolved; none for no list. Raises `Unexplained` for anything else."""
    held = identity.entry(holder, name, later=later)
    if isinstance(held, _NONE):
        return []
    if not isinstance(held, generic.ArrayObject):
        raise Unexplained("no list")
    return [held.raw_get(place) for place in range(len(held))]


def _all_below(identity: Identity, form: generic.DictionaryObject) -> Iterator[generic.Reference]:
    waiting = [(one, 0) for one in elements(identity, form, "/Fields", later=False)]
    seen: set[generic.Reference] = set()
    while waiting:
        raw, depth = waiting.pop()
        reference = _reference(raw)
        if reference in seen:
            continue
        seen.add(reference)
        yield reference
        one = identity.value(raw, later=False)
        if len(seen) > MAX_FIELDS or depth > MAX_DEPTH:
            raise Unexplained("more fields than a form has")
        if isinstance(one, generic.DictionaryObject):
            waiting += [(kid, depth + 1) for kid in elements(identity, one, "/Kids", later=False)]


def _reference(raw: Any) -> generic.Reference:
    if not isinstance(raw, generic.IndirectObject):
        raise Unexplained("a field that is no object of its own")
    return raw.reference


def _any(_: Any) -> bool:
    return True


def _is_flags(value: Any) -> bool:
    return type(value) is generic.NumberObject and 0 <= int(value) <= MAX_FLAGS


def _is_number(value: Any) -> bool:
    return isinstance(value, generic.NumberObject | generic.FloatObject)


def _is_text(value: Any) -> bool:
    return isinstance(value, generic.TextStringObject | generic.ByteStringObject)


def _is_rectangle(value: Any) -> bool:
    numbers = generic.NumberObject | generic.FloatObject
    four = isinstance(value, generic.ArrayObject) and len(value) == 4  # noqa: PLR2004
    return four and all(isinstance(one, numbers) and math.isfinite(float(one)) for one in value)


def _has_area(widget: generic.DictionaryObject) -> bool:
    left, bottom, right, top = (float(number) for number in resolved(widget, "/Rect", (0, 0, 0, 0)))
    return left != right and bottom != top


def _is_name(value: Any) -> bool:
    return isinstance(value, generic.NameObject)


def _is_dictionary(value: Any) -> bool:
    return isinstance(value, generic.DictionaryObject) and not isinstance(value, generic.StreamObject)


_SHAPES = {
    "/F": _is_flags,
    "/Rect": _is_rectangle,
    "/AS": _is_name,
    "/Type": _is_name,
    "/Subtype": _is_name,
    "/AP": _is_dictionary,
    "/MK": lambda value: _is_dictionary(value) and value.keys() <= _FRAME,
    "/BS": lambda value: _is_dictionary(value) and value.keys() <= _BORDER_STYLE,
    "/Border": lambda value: isinstance(value, generic.ArrayObject) and all(map(_is_number, value)),
    "/H": _is_name,
    "/M": _is_text,
    "/NM": _is_text,
}
