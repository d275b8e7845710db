"""The form of a plain PDF: its fields, the signatures in them, and what these lock (ISO 32000-2 12.7, 12.8.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edocx.signing.pdf.fast.append import Draft
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.syntax import NotPlain, Ref

Field = tuple[Ref, dict[str, Any]]

_OPEN = frozenset({2, 3})
"""Permissions of a certifying signature under which further signatures are welcome."""


@dataclass(frozen=True, slots=True)
class Form:
    """The catalogue and the form in it; ``reference`` is None where the form stands in the catalogue, or is none."""

    root: dict[str, Any]
    value: dict[str, Any]
    reference: Ref | None
    draft: Draft | None
    fields: dict[str, Field]

    @property
    def signed(self) -> list[dict[str, Any]]:
        """The signature fields that are signed."""
        return [one for _, one in self.fields.values() if one["FT"] == "Sig" and "V" in one]

    def named(self, name: str) -> Field | None:
        """Return a field by its name."""
        return self.fields.get(name)

    def is_locked(self, file: Revisions, *, visible: bool) -> bool:
        """Say whether an earlier signature may forbid one more; ``visible`` asks for a new visible field.

        Said of every field lock, without looking at which fields it names, and of a new visible field after a
        certifying signature, which verifiers refuse.
        """
        for one in self.signed:
            signature = file.dictionary(one["V"], file.newest)
            for entry in file.array(signature.get("Reference", []), file.newest):
                method = file.dictionary(entry, file.newest).get("TransformMethod")
                about = file.dictionary(file.dictionary(entry, file.newest).get("TransformParams", {}), file.newest)
                if method != "DocMDP" or about.get("P", 2) not in _OPEN or visible:
                    return True
        return False


def read_form(file: Revisions) -> Form:
    """Read the form of the newest revision; raise `NotPlain` for hierarchies, and for two fields of one name."""
    revision = file.newest
    stored = file.stored(file.root_reference, revision)
    catalogue = Draft.of(file, stored)
    held = catalogue.value.get("AcroForm")
    fields: dict[str, Field] = {}
    for reference, one in file.fields(revision):
        if fields.setdefault(field_name(one), (reference, one))[0] != reference:
            raise NotPlain("two fields of one name")
    if isinstance(held, Ref):
        draft: Draft | None = Draft.of(file, file.stored(held, revision))
    else:
        draft = catalogue.inner("AcroForm") if "AcroForm" in catalogue.value else None
    value = {} if draft is None else draft.value
    return Form(catalogue.value, value, held if isinstance(held, Ref) else None, draft, fields)


def field_name(one: dict[str, Any]) -> str:
    """Return the name of a field; raise `NotPlain` where encodings could differ on it."""
    raw = one["T"]
    if raw.startswith(b"\xfe\xff"):
        try:
            name = str(raw[2:].decode("utf-16-be"))
        except UnicodeDecodeError as error:
            raise NotPlain("a malformed name") from error
    elif raw.isascii():
        name = str(raw.decode("ascii"))
    else:
        raise NotPlain("a name in a national encoding")
    if "." in name or not name.isprintable():
        raise NotPlain("an odd name")
    return name


def rectangle(corners: Any) -> tuple[float, float, float, float]:
    """Read left, bottom, right, top; raise `NotPlain` for anything but four numbers in that order."""
    if not isinstance(corners, list) or len(corners) != 4 or any(type(n) not in {int, float} for n in corners):  # noqa: PLR2004
        raise NotPlain("a malformed rectangle")
    x1, y1, x2, y2 = corners
    if x2 < x1 or y2 < y1:
        raise NotPlain("a rectangle upside down")
    return x1, y1, x2, y2


def require_upright(file: Revisions, page: Any, corners: tuple[float, float, float, float]) -> None:
    """Raise `NotPlain` unless corners lie on a page that is seen as its file measures it: from 0, unturned, in points.

    Everything else is a matter of `edocx.signing.pdf.page_view`.
    """
    if not isinstance(page, Ref):
        raise NotPlain("a widget that names no page")
    media = rectangle(file.inherited(page, "MediaBox", file.newest))
    crop = file.inherited(page, "CropBox", file.newest)
    if media[:2] != (0, 0) or (crop is not None and rectangle(crop) != media):
        raise NotPlain("a page that is cropped")
    if file.inherited(page, "Rotate", file.newest) not in {None, 0} or "UserUnit" in file.dictionary(page, file.newest):
        raise NotPlain("a page that is turned, or scaled")
    if not (0 <= corners[0] < corners[2] <= media[2] and 0 <= corners[1] < corners[3] <= media[3]):
        raise NotPlain("a place beside the page")
