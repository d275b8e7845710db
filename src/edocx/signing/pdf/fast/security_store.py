"""The document security store (PAdES EN 319 142-1 5.4) of a plain PDF: what is in it, and how it may grow."""

from __future__ import annotations

import re
from typing import Any

from edocx.signing.certificate import certificates_in, ocsp_responses_in, revocation_lists_in
from edocx.signing.pdf.evidence import MAX_ITEM, MAX_ITEMS
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.sections import inflate
from edocx.signing.pdf.fast.steps import Analysis, require_same_but
from edocx.signing.pdf.fast.syntax import NotPlain, Ref
from edocx.signing.trust import TrustStore

_LISTS = {"Certs": "Cert", "CRLs": "CRL", "OCSPs": "OCSP"}
_STORE = frozenset({"Type", "VRI", *_LISTS})
_ABOUT_ONE = frozenset({"Type", "TU", "TS", *_LISTS.values()})
_STREAM = frozenset({"Type", "Length", "Filter", "DecodeParms"})
_NAME = re.compile(r"[A-Z0-9]{40}\Z")


def read_store(file: Revisions) -> TrustStore:
    """Return what `edocx.signing.pdf.evidence.evidence_in` returns; raise `NotPlain` where that is in doubt."""
    held = file.root(file.newest).get("DSS")
    if held is None:
        return TrustStore()
    store = file.dictionary(held, file.newest)
    certificates = [c for data in _streams(file, store, "Certs") for c in certificates_in(data)]
    lists = [one for data in _streams(file, store, "CRLs") for one in revocation_lists_in(data)]
    answers = [one for data in _streams(file, store, "OCSPs") for one in ocsp_responses_in(data)]
    return TrustStore((), tuple(certificates), tuple(lists), tuple(answers))


def _streams(file: Revisions, store: dict[str, Any], name: str) -> list[bytes]:
    newest = file.newest
    listed = list(file.array(store.get(name, []), newest))
    about = file.dictionary(store.get("VRI", {}), newest)
    if len(about) > MAX_ITEMS:
        raise NotPlain("a large store")
    for one in about.values():
        listed += file.array(file.dictionary(one, newest).get(_LISTS[name], []), newest)
    if len(listed) > MAX_ITEMS:
        raise NotPlain("a large store")
    found = []
    for reference in dict.fromkeys(_references(listed)):
        stored = file.stored(reference, newest)
        if stored.data is None or stored.data[1] - stored.data[0] > MAX_ITEM:
            raise NotPlain("no stream, or a large one")
        data = inflate(file.source, stored)
        if len(data) <= MAX_ITEM:
            found.append(data)
    return found


def explain_store(analysis: Analysis) -> None:
    """Explain the objects of the store that a revision brought; raise `NotPlain` for anything but growth."""
    file, root = analysis.file, analysis.file.root_reference.number
    old_held, new_held = (file.root(place).get("DSS") for place in (analysis.before, analysis.now))
    if new_held is None:
        if old_held is not None:
            raise NotPlain("the store was taken away")
        return
    holder, prefix = root, "DSS"
    if isinstance(new_held, Ref):
        if new_held == old_held:
            analysis.overwritten(new_held, root, "DSS")
        else:
            analysis.introduced(new_held)
        holder, prefix = new_held.number, ""
    old = file.dictionary({} if old_held is None else old_held, analysis.before)
    new = file.dictionary(new_held, analysis.now)
    if new.keys() - _STORE:
        raise NotPlain("a store with other entries")
    for name in _LISTS:
        _explain_list(analysis, old.get(name), new.get(name), (holder, prefix or name))
    _explain_details(analysis, old.get("VRI"), new.get("VRI"), (holder, prefix or "VRI"))


def _explain_details(analysis: Analysis, old: Any, new: Any, holder: tuple[int, str]) -> None:
    if new is None:
        if old is not None:
            raise NotPlain("a part of the store was taken away")
        return
    _explain_holder(analysis, old, new, holder)
    before = analysis.file.dictionary({} if old is None else old, analysis.before)
    after = analysis.file.dictionary(new, analysis.now)
    require_same_but(before, after, frozenset(after.keys() - before.keys()))
    for name in after.keys() - before.keys():
        one = after[name]
        about = analysis.introduced(one).value if isinstance(one, Ref) else one
        if not _NAME.match(name) or not isinstance(about, dict) or about.keys() - _ABOUT_ONE:
            raise NotPlain("an odd part of the store")
        for key in _LISTS.values():
            _explain_list(analysis, None, about.get(key), None)
        if "TS" in about:
            _explain_streams(analysis, [about["TS"]])


def _explain_list(analysis: Analysis, old: Any, new: Any, holder: tuple[int, str] | None) -> None:
    if new is None:
        if old is not None:
            raise NotPlain("a part of the store was taken away")
        return
    _explain_holder(analysis, old, new, holder)
    _explain_streams(analysis, analysis.file.array(new, analysis.now))


def _explain_holder(analysis: Analysis, old: Any, new: Any, holder: tuple[int, str] | None) -> None:
    if not isinstance(new, Ref):
        return
    if new == old and holder is not None:
        analysis.overwritten(new, *holder)
    else:
        analysis.introduced(new)


def _explain_streams(analysis: Analysis, listed: list[Any]) -> None:
    for reference in _references(listed):
        if reference.number in analysis.objects and analysis.is_new(reference.number):
            stored = analysis.introduced(reference)
        else:
            stored = analysis.file.stored(reference, analysis.before)
        if stored.data is None or stored.value.keys() - _STREAM:
            raise NotPlain("evidence that is no plain stream")


def _references(listed: list[Any]) -> list[Ref]:
    if not all(isinstance(one, Ref) for one in listed):
        raise NotPlain("evidence that is no stream")
    return listed
