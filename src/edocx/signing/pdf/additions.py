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

from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded

MAX_DEPTH = 40
"""Of direct objects in one another."""

_CATALOGUE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version"})
"""Entries of the catalogue that may change; actions, names, layers and pages may not."""

_PAGE = frozenset({"/Contents", "/Resources", "/Annots", "/LastModified", "/Tabs"})
"""Entries of a page that may grow; its boxes and rotation decide what is seen, so they may not change."""

_BOOKKEEPING = frozenset({"/XRef", "/ObjStm", "/Metadata", "/DSS", "/VRI", "/Sig", "/DocTimeStamp"})


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
            if step.refs_freed_in_revision():
                return False
            changed |= set(step.explicit_refs_in_revision())
        info = old.trailer_view.get_value_as_reference("/Info", optional=True)
        return all(_harmless(old, new, one) for one in changed if one != info and not old.is_ref_unassignable(one))
    except MALFORMED:
        return False


def _harmless(old: HistoricalResolver, new: HistoricalResolver, reference: generic.Reference) -> bool:
    before, after = old(reference), new(reference)
    if _same(before, after):
        return True
    if isinstance(before, generic.ArrayObject):
        return isinstance(after, generic.ArrayObject) and _contains_in_order(before, after)
    if not (isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject)):
        return False
    if isinstance(before, generic.StreamObject) or isinstance(after, generic.StreamObject):
        return str(before.get("/Type", "")) in _BOOKKEEPING
    return _dictionary_grew(before, after)


def _dictionary_grew(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    kind = str(before.raw_get("/Type")) if "/Type" in before else ""
    if kind == "/Catalog":
        return _same_but(before, after, _CATALOGUE)
    if kind == "/Page":
        return _same_but(before, after, _PAGE) and _page_grew(before, after)
    if kind in _BOOKKEEPING or "/FT" in before or "/Fields" in before:
        return _fields_kept(before, after)
    return kind in {"", "/Font", "/ExtGState"} and _grew(before, after)


def _fields_kept(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    # A signature that is there stays what it is; other fields may be filled, the form may grow.
    if "/FT" in before and str(before["/FT"]) == "/Sig" and "/V" in before:
        return "/V" in after and _same(before.raw_get("/V"), after.raw_get("/V"))
    if "/Fields" in before:
        return "/Fields" in after and _entry_grew(before.raw_get("/Fields"), after.raw_get("/Fields"))
    return True


def _page_grew(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    for name in ("/Contents", "/Annots"):
        if name in before and not (name in after and _entry_grew(before.raw_get(name), after.raw_get(name))):
            return False
    if "/Resources" not in before:
        return True
    return "/Resources" in after and _grew_deep(before["/Resources"], after["/Resources"])


def _entry_grew(before: Any, after: Any) -> bool:
    return _contains_in_order(_as_list(before), _as_list(after))


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


def _grew(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    return all(name in after and _same(before.raw_get(name), after.raw_get(name)) for name in before)


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
