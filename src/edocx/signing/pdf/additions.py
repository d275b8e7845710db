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

from edocx.signing.pdf.aftermath import same_trailer
from edocx.signing.pdf.changes import names_ahead
from edocx.signing.pdf.comparison import resolved, same, same_but
from edocx.signing.pdf.covering import covering_fields, widgets_of
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded
from edocx.signing.pdf.field_names import names_of_fields, names_on_pages, resource_names
from edocx.signing.pdf.ink import keeps_state, plain_data
from edocx.signing.pdf.page_resources import names_changed, names_grew, names_used, resources_grew
from edocx.signing.pdf.roles import Roles

_CATALOGUE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version"})
"""Entries of the catalogue that may change; actions, names, layers and pages may not."""

_PAGE = frozenset({"/Contents", "/Resources", "/Annots", "/LastModified", "/Tabs"})
"""Entries of a page that may grow; its boxes and rotation decide what is seen, so they may not change."""

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
            if step.refs_freed_in_revision() or not same_trailer(old.trailer_view, step.trailer_view):
                return False
            changed |= set(step.explicit_refs_in_revision())
        # Looks count up to the end: each later signer answers for his own, and together they could hide the page.
        if covering_fields(reader, before, reader.xrefs.total_revisions - 1):
            return False
        if names_ahead(reader, before, after) or names_changed(old, new) or _names_given(old, new):
            return False
        known = [one for one in changed if not old.is_ref_unassignable(one)]
        if any(one.generation for one in changed.difference(known)):
            return False  # a number used again: who refers to what it was finds nothing, or another thing
        roles = Roles.of(old) if known else None
        return roles is None or all(_harmless(old, new, one, roles) for one in known)
    except MALFORMED:
        return False


def _names_given(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Say whether the form of a later revision gives its fields a name that they used already."""
    before, after = (resolved(one.root, "/AcroForm", generic.DictionaryObject()) for one in (old, new))
    given = {name for _, name in resource_names(after) - resource_names(before)}
    if not given:
        return False
    default = names_used(str(resolved(before, "/DA", "")).encode())
    return not given.isdisjoint({*default, *names_of_fields(old(one) for one in widgets_of(old)), *names_on_pages(old)})


def _harmless(old: HistoricalResolver, new: HistoricalResolver, reference: generic.Reference, roles: Roles) -> bool:
    before, after = old(reference), new(reference)
    if same(before, after) or reference in roles.bookkeeping:
        return True
    if isinstance(before, generic.ArrayObject):
        return isinstance(after, generic.ArrayObject) and reference in roles.lists and _list_grew(before, after)
    if not (isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject)):
        return False
    if isinstance(before, generic.StreamObject) or isinstance(after, generic.StreamObject):
        return reference in roles.unseen and str(before.get("/Type", "")) == str(after.get("/Type", ""))
    return _grew(before, after, reference, roles)


def _grew(
    before: generic.DictionaryObject, after: generic.DictionaryObject, reference: generic.Reference, roles: Roles
) -> bool:
    if reference == roles.catalogue:
        return same_but(before, after, _CATALOGUE) and _form_kept(before, after)
    if reference in roles.pages:
        return same_but(before, after, _PAGE) and _page_grew(before, after)
    # A font, a graphics state, any other thing that is shown with is what it was: one entry more, and it shows others.
    if reference in roles.resources:
        return resources_grew(before, after)
    if reference in roles.categories:
        return names_grew(before, after)
    return reference in roles.forms | roles.fields and _fields_kept(before, after)


def _form_kept(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    if "/AcroForm" not in before:
        return True
    return "/AcroForm" in after and _fields_kept(before["/AcroForm"], after["/AcroForm"])


def _fields_kept(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    # A signature and its place stay what they are, and so do values; other fields may be filled, the form may grow.
    if "/FT" in before:
        if "/V" in before and before["/V"] not in ("", generic.NullObject()):
            return same(before, after)
        signed = str(before["/FT"]) == "/Sig"
        names = _SIGNED if signed else _FILLED
        return (
            "/V" in after
            and same_but(before, after, names)
            and not any(
                # What is a field and a set of looks as well would have a state of that name.
                isinstance(resolved(after, name), generic.StreamObject)
                for name in names
            )
        )
    if "/Fields" in before and not ("/Fields" in after and _entry_grew(before.raw_get("/Fields"), after["/Fields"])):
        return False
    if "/DR" in before and not ("/DR" in after and resources_grew(before["/DR"], after["/DR"])):
        return False
    if "/DA" in before and not ("/DA" in after and same(before["/DA"], after["/DA"])):
        return False
    regenerated = bool(resolved(after, "/NeedAppearances")) and not resolved(before, "/NeedAppearances")
    return not regenerated and same_but(before, after, _FORM)


def _page_grew(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    for name in ("/Contents", "/Annots"):
        if name in before and not (name in after and _entry_grew(before.raw_get(name), after.raw_get(name))):
            return False
    if "/Resources" not in before:
        return True
    return "/Resources" in after and resources_grew(before["/Resources"], after["/Resources"])


def _entry_grew(before: Any, after: Any) -> bool:
    return _list_grew(_as_list(before), _as_list(after))


def _list_grew(before: Iterable[Any], after: Iterable[Any]) -> bool:
    """Say whether a list has all it had in its order, nothing in between, and before it only what keeps the state.

    What draws, clips or moves there changes how the signed content looks, and so does what takes a state back; between
    two streams a string or a comment may be open.
    """
    known, listed = list(before), list(after)
    if not _contains_in_order(known, listed):
        return False
    old = {(one.idnum, one.generation) for one in known if isinstance(one, generic.IndirectObject)}
    places = [n for n, one in enumerate(listed) if isinstance(one, generic.IndirectObject)
              and (one.idnum, one.generation) in old]  # fmt: skip
    first, last = min(places, default=0), max(places, default=0)
    ahead, within = (
        [one.get_object() for one in part if isinstance(one, generic.IndirectObject)
         and (one.idnum, one.generation) not in old]
        for part in (listed[:first], listed[first:last])
    )  # fmt: skip
    held = [one for one in ahead if isinstance(one, generic.StreamObject)]
    return not any(isinstance(one, generic.StreamObject) for one in within) and all(map(_keeps_state, held))


def _keeps_state(stream: generic.StreamObject) -> bool:
    try:
        return keeps_state(plain_data(stream))
    except TypeError:
        return False


def _as_list(value: Any) -> list[Any]:
    held = value.get_object() if isinstance(value, generic.IndirectObject) else value
    return list(held) if isinstance(held, generic.ArrayObject) else [value]


def _contains_in_order(before: Iterable[Any], after: Iterable[Any]) -> bool:
    rest = iter(after)
    return all(any(same(one, other) for other in rest) for one in before)
