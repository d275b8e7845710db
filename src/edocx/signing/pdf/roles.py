"""What each object of a revision is, by who refers to it: an object may call itself anything (its /Type).

A font that says it is a security store, or that the trailer names as the file's information too, would else be free to
change; an object has a role here only if nothing else uses it in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.covering import widgets_of
from edocx.signing.pdf.page_tree import pages_of

MAX_PARENTS = 40
"""Of a page, up the tree."""

MAX_STORED = 20_000
"""Objects of a document security store; a document of many signers has some hundreds."""

_References = frozenset[generic.Reference]


@dataclass(frozen=True, slots=True)
class Roles:
    """Objects by role: those that may change (``bookkeeping``), streams nobody sees, and those that may grow."""

    catalogue: generic.Reference
    bookkeeping: _References
    unseen: _References
    pages: _References
    resources: _References
    categories: _References
    lists: _References
    forms: _References
    fields: _References

    @classmethod
    def of(cls, old: HistoricalResolver) -> Roles:
        """Read the roles of a revision; raise what pyHanko raises for a damaged one."""
        pages, resources, categories, lists = set(), set(), set(), set()
        for page, reference in pages_of(old):
            pages.add(reference)
            lists |= _indirect(page, "/Contents", "/Annots")
            for holder in _with_parents(page):
                resources |= _indirect(holder, "/Resources")
                held = holder["/Resources"] if "/Resources" in holder else generic.DictionaryObject()
                categories |= _indirect(held, *held)
        form = old.root["/AcroForm"] if "/AcroForm" in old.root else generic.DictionaryObject()
        shown = _indirect(form, "/DR")
        resources |= shown
        if "/DR" in form:
            categories |= _indirect(form["/DR"], *form["/DR"])
        lists |= _indirect(form, "/Fields")
        information = old.trailer_view.get_value_as_reference("/Info", optional=True)
        return cls(
            catalogue=old.root_ref,
            bookkeeping=frozenset(
                one for one in {*_stored(old), *([information] if information else [])} if _uses(old, one) <= 1
            ),
            unseen=frozenset(one for one in _indirect(old.root, "/Metadata") if _uses(old, one) <= 1)
            | frozenset(_tables(old)),
            pages=frozenset(one for one in pages if one is not None),
            resources=frozenset(resources),
            categories=frozenset(categories),
            lists=frozenset(lists),
            forms=frozenset(_indirect(old.root, "/AcroForm")),
            fields=frozenset(widgets_of(old)),
        )


def _uses(old: HistoricalResolver, reference: generic.Reference) -> int:
    old._load_reverse_xref_cache()  # noqa: SLF001 - pyHanko's analysis has made it already
    return len((old._indirect_object_access_cache or {}).get(reference, ()))  # noqa: SLF001


def _tables(old: HistoricalResolver) -> Iterator[generic.Reference]:
    """Yield cross-reference streams, to which nothing refers; streams of objects hold what was signed."""
    for revision in range(old.revision + 1):
        meta = old.reader.xrefs.get_xref_container_info(revision)
        if meta.stream_ref is not None and not _uses(old, meta.stream_ref):
            yield meta.stream_ref


def _stored(old: HistoricalResolver) -> set[generic.Reference]:
    """Return the dictionaries and lists of the document security store; its streams never change."""
    waiting = list(_indirect(old.root, "/DSS"))
    held = resolved(old.root, "/DSS")
    if isinstance(held, generic.DictionaryObject) and not waiting:
        waiting += _indirect(held, *held)
    found: set[generic.Reference] = set()
    while waiting and len(found) < MAX_STORED:
        reference = waiting.pop()
        one = old(reference)
        if reference in found or isinstance(one, generic.StreamObject):
            continue
        found.add(reference)
        if isinstance(one, generic.DictionaryObject):
            waiting += _indirect(one, *one)
            inner = [one[name] for name in one]
            waiting += [ref for held in inner if isinstance(held, generic.DictionaryObject)
                        and not isinstance(held, generic.StreamObject) for ref in _indirect(held, *held)]  # fmt: skip
    return found


def _with_parents(page: generic.DictionaryObject) -> Iterator[generic.DictionaryObject]:
    holder: Any = page
    for _ in range(MAX_PARENTS):
        if not isinstance(holder, generic.DictionaryObject):
            return
        yield holder
        holder = resolved(holder, "/Parent")


def _indirect(holder: generic.DictionaryObject, *names: str) -> set[generic.Reference]:
    raws = (holder.raw_get(name) for name in names if name in holder)
    return {raw.reference for raw in raws if isinstance(raw, generic.IndirectObject)}
