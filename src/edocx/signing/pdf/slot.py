"""Where in a document one more signature goes: its field, its place on the page, and what has to be there with it.

Places are made before the first signature or not at all (ISO 32000-2 12.8.2.2): after a certifying one, a new field
that shows something breaks it. So whoever signs a bare file first leaves a place for the seal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from edocx.documents import Box
from edocx.documents.layout import SEAL, seal_over
from edocx.errors import SigningRefused, Text, UsageError
from edocx.signing.fitness import Role
from edocx.signing.pdf.document import MALFORMED, damaged, open_pdf
from edocx.signing.pdf.drawn import drawn_signatures
from edocx.signing.pdf.form import SEAL_FIELD, initial_field, joint_seal_field, person_field
from edocx.signing.pdf.page_text import box_above
from edocx.signing.pdf.page_view import seen_box
from edocx.signing.pdf.permission import closed_to
from edocx.signing.pdf.placing import layout_for, page_size

PERSON, JOINT_SEAL, INITIAL = (name(0).removesuffix("0") for name in (person_field, joint_seal_field, initial_field))
"""How the names of prepared fields begin."""

MAX_FIELDS = 20
"""Of one kind that are looked for in a document."""

MOST_COVERED = 0.5
"""Of a signature's width by a seal that is moved onto the page."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The signature fields of a document by name, signed and free; whether it takes a new one that shows something."""

    taken: tuple[str, ...]
    free: tuple[str, ...]
    closed: SigningRefused | None = None
    """Why it takes none: it is locked, or an author's signature certifies it."""

    @classmethod
    def of(cls, source: Path) -> Fields:
        """Read them; raise `PdfError`."""
        with open_pdf(source) as reader:
            try:
                found = [(name, value is not None) for name, value, _ in enumerate_sig_fields(reader)]
                closed = closed_to(reader, frozenset(), source, visible=True)
            except MALFORMED as error:
                raise damaged(str(source)) from error
        taken = tuple(name for name, signed in found if signed)
        return cls(taken, tuple(name for name, signed in found if not signed), closed)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a signature goes.

    ``name`` is its field; ``box`` its place where that field is new and shows something. ``seal`` is where an empty
    field for the seal to come is made with it. ``lock`` is for a new seal: no change is permitted after it.
    ``sealless`` says of a first, visible personal signature that it leaves no place for a seal that is seen.
    """

    name: str
    box: Box | None = None
    seal: Box | None = None
    lock: bool = False
    sealless: bool = False


def slot_for(
    source: Path,
    fields: Fields,
    role: Role,
    *,
    visible: bool,
    field: str | None = None,
    box: Box | None = None,
    initials: bool = False,
    exempt: bool = False,
) -> Slot:
    """Choose the field and place of one more signature; see `edocx.signing.pdf.order.sign_as` for the arguments.

    Raises `UsageError` (``EDX-SIGN-PLACED``) for a place beside the one that was prepared, `SigningRefused`:
    ``EDX-FIELD-MISSING``, ``EDX-PDF-LOCKED``, ``EDX-SIGN-CERTIFIED`` for a visible signature that would break an
    earlier one, ``EDX-PAGE-SMALL``.
    """
    if field is not None and field not in fields.free:
        raise _no_such_field(source, field, fields)
    fresh = f"EdocxSignature{len(fields.taken) + 1}"
    marks = exempt and box is not None  # the top right of the page, whatever else was prepared
    leaves_room = not initials and not fields.taken and SEAL_FIELD not in fields.free
    name = field or (None if marks else _free_field(fields.free, "initials" if initials else role)) or fresh
    if name in fields.free:
        if box is not None:
            raise _placed(source, name)
        if leaves_room and visible and role == "person":
            place = None if _locks(source, name) else field_box(source, name)
            seal = None if place is None else _room_for_seal(source, place)
            return Slot(name, seal=seal, sealless=seal is None)
        return Slot(name)
    sealing = role == "organisation"
    if not visible and box is None:
        return Slot(name, lock=sealing)
    if fields.closed is not None:
        raise fields.closed
    if sealing:
        return Slot(name, box or seal_place(source), lock=True)
    place = box or layout_for(source).signatures[0]
    seal = _room_for_seal(source, place) if leaves_room else None
    return Slot(name, place, seal=seal, sealless=leaves_room and seal is None)


def field_box(source: Path, name: str) -> Box | None:
    """Return where a signature field stands on its page; None for one that shows nothing. Raises `PdfError`."""
    with open_pdf(source) as reader:
        try:
            widget = _widget(reader, name)
            box = seen_box(reader, widget) if widget is not None and "/Rect" in widget else None
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return box if box is not None and box.x1 < box.x2 and box.y1 < box.y2 else None


def _locks(source: Path, name: str) -> bool:
    """Say whether signing a field locks others (ISO 32000-2 12.7.5.5): a seal made beside it could not be signed."""
    with open_pdf(source) as reader:
        try:
            widget = _widget(reader, name)
            locks = widget is not None and "/Lock" in widget
        except MALFORMED as error:
            raise damaged(str(source)) from error
    return locks


def _widget(reader: PdfFileReader, name: str) -> Any:
    found = (one.get_object() for known, _, one in enumerate_sig_fields(reader) if known == name)
    return next(found, None)


def seal_place(source: Path, near: Box | None = None) -> Box:
    """Return the place of a seal over a third of the personal signature that a document shows (Phụ lục I).

    The last one that is seen; with ``near`` the last there, and ``near`` itself where none is. Without any it is the
    decree's place. Raises `PdfError`, and `SigningRefused` (``EDX-PAGE-SMALL``).
    """
    with open_pdf(source) as reader:
        try:
            count = int(reader.root["/Pages"]["/Count"])
            shown = [box for name, box in drawn_signatures(reader) if not name.startswith((INITIAL, JOINT_SEAL))]
        except MALFORMED as error:
            raise damaged(str(source)) from error
    if near is not None:
        shown = [near, *(box for box in shown if _overlap(box, near, count))]
    return seal_on_page(shown[-1], page_size(source, shown[-1].page)) if shown else layout_for(source).seal


def place_near(source: Path, name: str, role: Role) -> Box:
    """Return the place above the signatory's name: of a signature, or of the seal over it; see `box_above`."""
    above = box_above(source, name)
    return seal_place(source, above) if role == "organisation" else above


def waiting_for_seal(fields: Fields) -> tuple[str, ...]:
    """Name the prepared fields that must be signed before the last seal, which locks them all."""
    return tuple(one for one in fields.free if one.startswith((PERSON, JOINT_SEAL)))


def _overlap(one: Box, other: Box, pages: int) -> bool:
    same = one.page % pages == other.page % pages
    return same and one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2


def seal_on_page(signature: Box, size: tuple[float, float]) -> Box:
    """Place a seal over a signature and on its page: moved at an edge, and to its right where it would hide it."""
    width, height = size
    seal, third = seal_over(signature), (signature.x2 - signature.x1) / 3
    left, bottom = max(0.0, seal.x1), min(max(0.0, seal.y1), height - SEAL)
    if left + SEAL - signature.x1 > MOST_COVERED * 3 * third and signature.x2 - third + SEAL <= width:
        left = signature.x2 - third
    left = min(left, width - SEAL)
    return seal.model_copy(update={"x1": left, "x2": left + SEAL, "y1": bottom, "y2": bottom + SEAL})


def _room_for_seal(source: Path, signature: Box) -> Box | None:
    """Return where a seal would stand over a signature; None on a page that is smaller than one, or on none."""
    size = page_size(source, signature.page)
    return seal_on_page(signature, size) if min(size) > SEAL else None


def _free_field(free: tuple[str, ...], role: Literal["person", "organisation", "initials"]) -> str | None:
    name = {"person": person_field, "organisation": joint_seal_field, "initials": initial_field}[role]
    wanted = [name(order) for order in range(1, MAX_FIELDS + 1)]
    if role == "organisation":
        wanted.append(SEAL_FIELD)
    return next((one for one in wanted if one in free), None)


def _placed(source: Path, name: str) -> UsageError:
    return UsageError(
        Text(
            f"Tệp đã có sẵn ô chữ ký “{name[:100]}”; vị trí của ô không đổi được.",
            f"The file has the field “{name[:100]}” prepared for this signature, and its place cannot be changed.",
        ),
        hint=Text(
            "Bỏ --near, --place; hoặc đặt chữ ký trên tệp chưa tạo ô bằng `edocx form`.",
            "Leave --near and --place out, or take the file as it was before `edocx form`.",
        ),
        code="EDX-SIGN-PLACED",
        where=str(source),
    )


def _no_such_field(source: Path, field: str, fields: Fields) -> SigningRefused:
    signed = field in fields.taken
    listed = ", ".join(fields.free[:MAX_FIELDS]) or "-"
    state = Text("đã ký", "is signed already") if signed else Text("không có trong tệp", "is not in the file")
    return SigningRefused(
        Text(f"Ô chữ ký “{field[:100]}” {state.vi}.", f"The signature field “{field[:100]}” {state.en}."),
        hint=Text(f"Các ô còn trống: {listed}.", f"Fields that are free: {listed}."),
        code="EDX-PDF-LOCKED" if signed else "EDX-FIELD-MISSING",
        where=str(source),
    )
