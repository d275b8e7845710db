"""Content added to a PDF after a signature that did not forbid it, for which a later signer answers.

The official signing tool writes number, date, arrival marks and remarks onto the pages after the leader has signed,
then the agency signs the whole. That is no form filling, and no forgery either: the leader's signature holds for its
revision, and the later signer, whose signature covers everything, answers for what came in between. Only additions
count: what the first signer saw must all still be there, unchanged, in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edocx.signing.pdf.added import pages_of
from edocx.signing.pdf.covering import covering_fields, draws, resolved
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded

MAX_DEPTH = 40
"""Of direct objects in one another."""

_CATALOGUE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version"})
"""Entries of the catalogue that may change; actions, names, layers and pages may not."""

_PAGE = frozenset({"/Contents", "/Resources", "/Annots", "/LastModified", "/Tabs"})
"""Entries of a page that may grow; its boxes and rotation decide what is seen, so they may not change."""

_TRAILER = frozenset({"/Size", "/Prev", "/ID", "/Info", "/XRefStm"}) | frozenset(
    {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
)
"""Entries of the trailer that may differ; the catalogue is the one that was signed, else all else is another file's."""

_STORES = frozenset({"/DSS", "/VRI"})

_FORM = frozenset({"/Fields", "/SigFlags", "/DR", "/DA", "/NeedAppearances"})
_SIGNED = frozenset({"/V", "/AP", "/M", "/F"})
_FILLED = frozenset({"/V", "/AP", "/AS", "/M"})
"""Entries of the form, of a field that is signed, of one that is filled; of a field that was, none may change."""


def permits_additions(signature: Embedded) -> bool:
    """Say whether a signature left open what may follow: no DocMDP, no lock (ISO 32000-2 12.8.2.2)."""
    return "/Reference" not in signature.dictionary and "/Lock" not in signature.holder


def only_added(reader: PdfFileReader, before: int, after: int) -> bool:
    """Say whether the revisions after ``before`` up to ``after`` only add to what was there."""
    try:
        old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(after)
        changed: set[generic.Reference] = set()
        for revision in range(before + 1, after + 1):
            step = reader.get_historical_resolver(revision)
            if step.refs_freed_in_revision() or not _same_trailer(old.trailer_view, step.trailer_view):
                return False
            changed |= set(step.explicit_refs_in_revision())
        if covering_fields(reader, before, after):
            return False
        info = old.trailer_view.get_value_as_reference("/Info", optional=True)
        kept = [one for one in changed if one != info and not old.is_ref_unassignable(one)]
        growing = _growing(old) if kept else frozenset()
        return all(_harmless(old, new, one, growing) for one in kept)
    except MALFORMED:
        return False


def _same_trailer(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    one, other = (str(held["/ID"][0].original_bytes) if "/ID" in held else "" for held in (before, after))
    return _same_but(before, after, _TRAILER) and (not one or one == other)


def _growing(old: HistoricalResolver) -> frozenset[generic.Reference]:
    """Return the lists and resources that may grow, where they are objects of their own: of pages and of the form."""
    found: list[Any] = []
    for page, _ in pages_of(old):
        found += [page.raw_get(name) for name in ("/Contents", "/Annots") if name in page]
        holder: Any = page
        for _ in range(MAX_DEPTH):
            if "/Resources" in holder:
                found.append(holder.raw_get("/Resources"))
                found += [holder["/Resources"].raw_get(name) for name in holder["/Resources"]]
            if not ("/Parent" in holder and isinstance(holder["/Parent"], generic.DictionaryObject)):
                break
            holder = holder["/Parent"]
    form = old.root["/AcroForm"] if "/AcroForm" in old.root else generic.DictionaryObject()
    found += [form.raw_get(name) for name in ("/Fields", "/DR") if name in form]
    return frozenset(one.reference for one in found if isinstance(one, generic.IndirectObject))


def _harmless(
    old: HistoricalResolver,
    new: HistoricalResolver,
    reference: generic.Reference,
    growing: frozenset[generic.Reference],
) -> bool:
    before, after = old(reference), new(reference)
    if _same(before, after):
        return True
    if isinstance(before, generic.ArrayObject):
        return isinstance(after, generic.ArrayObject) and reference in growing and _list_grew(before, after)
    if not (isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject)):
        return False
    if isinstance(before, generic.StreamObject) or isinstance(after, generic.StreamObject):
        return _unseen(old, reference, str(before.get("/Type", "")))
    return _dictionary_grew(before, after, may_grow=reference in growing)


def _unseen(old: HistoricalResolver, reference: generic.Reference, kind: str) -> bool:
    """Say whether a stream is bookkeeping and no more: one that a page shows may call itself anything."""
    old._load_reverse_xref_cache()  # noqa: SLF001 - pyHanko's analysis has made it already
    uses = len((old._indirect_object_access_cache or {}).get(reference, ()))  # noqa: SLF001
    if kind == "/Metadata":
        held = old.root.raw_get("/Metadata") if "/Metadata" in old.root else None
        return uses <= 1 and isinstance(held, generic.IndirectObject) and held.reference == reference
    return kind in {"/XRef", "/ObjStm"} and not uses


def _dictionary_grew(before: generic.DictionaryObject, after: generic.DictionaryObject, *, may_grow: bool) -> bool:
    kind = str(before.raw_get("/Type")) if "/Type" in before else ""
    if kind == "/Catalog":
        return _same_but(before, after, _CATALOGUE) and _form_kept(before, after)
    if kind == "/Page":
        return _same_but(before, after, _PAGE) and _page_grew(before, after)
    if kind in _STORES:
        return True
    if "/FT" in before or "/Fields" in before:
        return _fields_kept(before, after)
    # A font, a graphics state, any other thing that is shown with is what it was: one entry more, and it shows others.
    return kind == "" and "/Subtype" not in before and may_grow and _grew_deep(before, after)


def _form_kept(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    if "/AcroForm" not in before:
        return True
    return "/AcroForm" in after and _fields_kept(before["/AcroForm"], after["/AcroForm"])


def _fields_kept(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    # A signature and its place stay what they are, and so do values; other fields may be filled, the form may grow.
    if "/FT" in before:
        if "/V" in before and before["/V"] not in ("", generic.NullObject()):
            return _same(before, after)
        signed = str(before["/FT"]) == "/Sig"
        return "/V" in after and _same_but(before, after, _SIGNED if signed else _FILLED)
    if "/Fields" in before and not ("/Fields" in after and _entry_grew(before.raw_get("/Fields"), after["/Fields"])):
        return False
    if "/DR" in before and not ("/DR" in after and _grew_deep(before["/DR"], after["/DR"])):
        return False
    if "/DA" in before and not ("/DA" in after and _same(before["/DA"], after["/DA"])):
        return False
    regenerated = bool(resolved(after, "/NeedAppearances")) and not resolved(before, "/NeedAppearances")
    return not regenerated and _same_but(before, after, _FORM)


def _page_grew(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    for name in ("/Contents", "/Annots"):
        if name in before and not (name in after and _entry_grew(before.raw_get(name), after.raw_get(name))):
            return False
    if "/Resources" not in before:
        return True
    return "/Resources" in after and _grew_deep(before["/Resources"], after["/Resources"])


def _entry_grew(before: Any, after: Any) -> bool:
    return _list_grew(_as_list(before), _as_list(after))


def _list_grew(before: Iterable[Any], after: Iterable[Any]) -> bool:
    """Say whether a list has all it had in its order, and nothing that draws, clips or moves before the last of it."""
    known, listed = list(before), list(after)
    if not _contains_in_order(known, listed):
        return False
    old = {(one.idnum, one.generation) for one in known if isinstance(one, generic.IndirectObject)}
    places = [n for n, one in enumerate(listed) if isinstance(one, generic.IndirectObject)
              and (one.idnum, one.generation) in old]  # fmt: skip
    ahead = (one.get_object() for one in listed[: max(places, default=0)] if isinstance(one, generic.IndirectObject)
             and (one.idnum, one.generation) not in old)  # fmt: skip
    return not any(isinstance(one, generic.StreamObject) and draws(one.data) for one in ahead)


def _as_list(value: Any) -> list[Any]:
    held = value.get_object() if isinstance(value, generic.IndirectObject) else value
    return list(held) if isinstance(held, generic.ArrayObject) else [value]


def _contains_in_order(before: Iterable[Any], after: Iterable[Any]) -> bool:
    rest = iter(after)
    return all(any(_same(one, other) for other in rest) for one in before)


def _grew_deep(before: Any, after: Any, depth: int = 0) -> bool:
    """Say whether every name that meant something still means the same; names may be added, two levels deep."""
    if depth > 2 or not isinstance(before, generic.DictionaryObject):  # noqa: PLR2004
        return _same(before, after)
    if not isinstance(after, generic.DictionaryObject):
        return False
    for name in before:
        if name not in after:
            return False
        one, other = before.raw_get(name), after.raw_get(name)
        if not _same(one, other) and not _grew_deep(before[name], after[name], depth + 1):
            return False
    return True


def _same_but(before: generic.DictionaryObject, after: generic.DictionaryObject, open_names: frozenset[str]) -> bool:
    names = (set(before) | set(after)) - open_names
    return all(name in before and name in after and _same(before.raw_get(name), after.raw_get(name)) for name in names)


def _same(before: Any, after: Any, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(before, generic.IndirectObject) or isinstance(after, generic.IndirectObject):
        return (
            isinstance(before, generic.IndirectObject)
            and isinstance(after, generic.IndirectObject)
            and (before.idnum, before.generation) == (after.idnum, after.generation)
        )
    if isinstance(before, generic.StreamObject) and not (
        isinstance(after, generic.StreamObject) and before.encoded_data == after.encoded_data
    ):
        return False
    if isinstance(before, generic.DictionaryObject):
        return (
            isinstance(after, generic.DictionaryObject)
            and before.keys() == after.keys()
            and all(_same(before.raw_get(name), after.raw_get(name), depth + 1) for name in before)
        )
    if isinstance(before, generic.ArrayObject):
        return (
            isinstance(after, generic.ArrayObject)
            and len(before) == len(after)
            and all(_same(one, other, depth + 1) for one, other in zip(before, after, strict=True))
        )
    return type(before) is type(after) and bool(before == after)
