"""What was done to a PDF after a signature: every changed object explained, or the signature fails.

pyHanko's difference analysis compares each later revision with the signed one, object by object, against rules for
what form filling, signing, timestamps and validation data may touch; here it gets the permissions of the signature.
It takes new objects for harmless as long as a field or a store needs them, and assumes that nothing signed refers to
them: that is checked here. Plain files are analysed in `edocx.signing.pdf.fast.steps`, more strictly.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    DiffResult,
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
    FormUpdatingRule,
    GenericFieldModificationRule,
    ModificationLevel,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
)
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from edocx.signing.pdf.aftermath import aftermath
from edocx.signing.pdf.comparison import resolved
from edocx.signing.pdf.covering import covering_fields
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.embedded import Embedded

MAX_REVISIONS = 200
"""After a signature; each is compared object by object, and a document of many signers has some dozens."""


class Change(IntEnum):
    """The worst thing that happened after a signature."""

    NONE = 0
    EXPLAINED = 1
    """Timestamps, validation data, metadata."""
    FILLED = 2
    """Fields filled or signed."""
    ANNOTATED = 3
    FORBIDDEN = 4


def classify(signature: Embedded) -> Change:
    """Classify everything after a signature's revision; raise what pyHanko raises when that cannot be read."""
    reader = signature.reader
    if reader.xrefs.total_revisions - signature.revision > MAX_REVISIONS:
        return Change.FORBIDDEN
    permission = _permission(signature)
    result = _POLICY.review_file(reader, signature.revision, field_mdp_spec=_field_lock(signature), doc_mdp=permission)
    if not isinstance(result, DiffResult):
        return Change.FORBIDDEN
    if names_ahead(reader, signature.revision, reader.xrefs.total_revisions - 1):
        return Change.FORBIDDEN
    level = result.modification_level
    if permission is not None and level.value > permission.value:
        return Change.FORBIDDEN
    if not _is_explained(reader, signature.revision):
        return Change.FORBIDDEN
    return {
        ModificationLevel.NONE: Change.NONE,
        ModificationLevel.LTA_UPDATES: Change.EXPLAINED,
        ModificationLevel.FORM_FILLING: Change.FILLED,
        ModificationLevel.ANNOTATIONS: Change.ANNOTATED,
    }.get(level, Change.FORBIDDEN)


def _is_explained(reader: PdfFileReader, revision: int) -> bool:
    last = reader.xrefs.total_revisions - 1
    try:
        return aftermath(reader, revision, last) is not None and not covering_fields(reader, revision, last)
    except MALFORMED:
        return False  # what cannot be read is not explained


class _TouchedAppearances(GenericFieldModificationRule):
    """pyHanko's rule for fields that are no signatures, without its view of appearances that nobody touched.

    It takes an appearance drawn in a revision before the signed one for a change made after it, and so finds a seal
    broken, whose lock covers all fields, by the document timestamp that is to preserve it.
    """

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> Iterator[tuple[ModificationLevel, FormUpdate]]:
        """Yield the updates of this revision; the field itself is compared whether it is among them or not."""
        touched = context.new.explicit_refs_in_revision()
        for level, update in super().check_form_field(fq_name, spec, context):
            if update.updated_ref == spec.new_field_ref or update.updated_ref in touched:
                yield level, update


_POLICY = StandardDiffPolicy(
    global_rules=DEFAULT_DIFF_POLICY.global_rules,
    form_rule=FormUpdatingRule([SigFieldCreationRule(), SigFieldModificationRule(), _TouchedAppearances()]),
)


def names_ahead(reader: PdfFileReader, revision: int, last: int) -> bool:
    """Say whether a signed revision refers to objects that only a later one, up to ``last``, defines.

    A shadow attack: a page shows an object that does not exist yet, and the look of a field brings it into being.
    """
    old = reader.get_historical_resolver(revision)
    old._load_reverse_xref_cache()  # noqa: SLF001 - pyHanko's analysis has made it already
    used = old._indirect_object_access_cache or {}  # noqa: SLF001
    ahead = {one.idnum for one in used if reader.xrefs.get_historical_ref(one, revision) is None}
    if not ahead:
        return False
    later = range(revision + 1, last + 1)
    return any(one.idnum in ahead for step in later for one in reader.xrefs.explicit_refs_in_revision(step))


def _permission(signature: Embedded) -> MDPPerm | None:
    # ISO 32000-2 12.8.2.2: from the signature's own transform, else from its field's lock.
    parameters = _reference(signature.dictionary, "/DocMDP")
    if parameters is not None:
        return MDPPerm(parameters.get("/P", 2))
    lock = resolved(signature.holder, "/Lock")
    if isinstance(lock, generic.DictionaryObject) and "/P" in lock:
        return MDPPerm(lock["/P"])
    return None


def _field_lock(signature: Embedded) -> FieldMDPSpec | None:
    parameters = _reference(signature.dictionary, "/FieldMDP")
    if parameters is None:
        parameters = resolved(signature.holder, "/Lock")
    if not isinstance(parameters, generic.DictionaryObject) or "/Action" not in parameters:
        return None
    return FieldMDPSpec.from_pdf_object(parameters)


def _reference(dictionary: generic.DictionaryObject, method: str) -> Any:
    for entry in resolved(dictionary, "/Reference", ()):
        reference = entry.get_object()
        if resolved(reference, "/TransformMethod") == method:
            return resolved(reference, "/TransformParams", generic.DictionaryObject())
    return None


def revisions_after(reader: PdfFileReader, revision: int) -> int:
    """Count the revisions after one."""
    return int(reader.xrefs.total_revisions) - 1 - revision
