"""The first phase of signing without pyHanko: a signature with a gap, appended to a plain PDF.

What is written is what pyHanko writes for the same request (PAdES B-B, EN 319 142-1), and what is not plain is left to
it: form filling, text in appearances, fields within fields, files that an earlier signature locks, and every refusal.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Unpack

from asn1crypto import x509

from edocx.content import durable_file, storage_translated
from edocx.documents import Box
from edocx.signing.algorithms import SignatureAlgorithm
from edocx.signing.certificate import der_of
from edocx.signing.cms.content import room_for, signed_attributes
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.fast.append import Draft, Update, text, with_item, written
from edocx.signing.pdf.fast.form import Form, read_form, rectangle, require_upright
from edocx.signing.pdf.fast.picture import draw, read_picture
from edocx.signing.pdf.fast.revisions import Revisions
from edocx.signing.pdf.fast.source import Source
from edocx.signing.pdf.fast.syntax import UNREADABLE, NotPlain, Ref
from edocx.signing.pdf.form import SEAL_FIELD
from edocx.signing.pdf.look import Look
from edocx.signing.pdf.phases import prepare
from edocx.signing.pdf.prepared import Prepared
from edocx.signing.working_file import open_working

MAX_REASON = 1_000
"""Characters; a reason is a sentence."""

MAX_FILE = 9_000_000_000
"""Bytes; offsets in tables have ten digits."""

_NUMBER = 10
"""Digits kept for a number of the byte range: what an offset in a table may have."""

_WIDGET_FLAGS = 132
"""Print, and locked in place (ISO 32000-2 table 167)."""

_VERSION, _MODERN = (1, 7), (2, 0)
"""The version that a file is raised to with its first signature, and the one from which PAdES is no extension."""

_NUMBERED = re.compile(r"[12]\.[0-9]")

_EXTENSION = b"<</ESIC<</Type/DeveloperExtensions/BaseVersion/1.7/ExtensionLevel 1>>>>"
"""That the file has PAdES structures (EN 319 142-1 5.6), before PDF 2.0."""

_RANGE = b"/ByteRange[0 %s %s %s]"
_SIGNATURE_REFERENCE = (
    b"/Reference[<</Type/SigRef/TransformMethod/%s%s/TransformParams<</Type/TransformParams/V/1.2%s>>>>]"
)
_SIGNED_APPEND_ONLY = 3

_WIDGET = b"<</FT/Sig/T%s/Type/Annot/Subtype/Widget/F %d/Rect%s/P %s%s>>"
_LOCK = {"Action": "All", "P": 1}
_LOCKING = b"<</Type/SigFieldLock/Action/All/P 1>>"
"""That a seal locks every field and permits no change (ISO 32000-2 12.7.5.5), read and written."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be appended; ``room`` is in bytes of CMS, ``at`` the claimed signing time (aware)."""

    field: str
    room: int
    hash_name: str
    at: datetime
    reason: str | None = None
    certify: bool = False
    appearance: Appearance | None = None
    box: Box | None = None
    seal: Box | None = None
    lock: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Where the signature goes: the offsets of ``<`` and just after ``>``; and the digest of all the rest."""

    begin: int
    end: int
    digest: bytes


@storage_translated()
def prepare_fast(
    source: Path,
    working_file: Path,
    *,
    certificate: x509.Certificate,
    algorithm: SignatureAlgorithm,
    at: datetime,
    field: str,
    chain: Iterable[x509.Certificate] = (),
    timestamp_room: int = 0,
    durable: bool = True,
    **look: Unpack[Look],
) -> Prepared:
    """Do what `edocx.signing.pdf.phases.prepare` does, without pyHanko where the file and the request are plain.

    Arguments, result and errors are those of ``prepare``, which gets everything that is not plain.
    """
    held = tuple(chain)
    room = room_for(certificate, held, timestamp_room)
    gap = None
    if not look.get("fill"):
        wanted = Wanted(
            field, room, algorithm.hash_name, at,
            look.get("reason"), look.get("certify", False), look.get("appearance"), look.get("box"), look.get("seal"),
            look.get("lock", False),
        )  # fmt: skip
        gap = _prepare_plain(source, working_file, wanted, durable=durable)
    if gap is None:
        return prepare(
            source, working_file, certificate=certificate, algorithm=algorithm, at=at, field=field, chain=held,
            timestamp_room=timestamp_room, durable=durable, **look,
        )  # fmt: skip
    return Prepared(
        working_file=working_file,
        document_digest=gap.digest,
        gap=(gap.begin, gap.end),
        signed_attributes=signed_attributes(gap.digest, certificate),
        certificate=der_of(certificate),
        chain=tuple(map(der_of, held)),
        scheme=algorithm.scheme,
        hash_name=algorithm.hash_name,
    )


def _prepare_plain(source: Path, working_file: Path, wanted: Wanted, *, durable: bool) -> Gap | None:
    """Write ``source`` and a revision with a gap; None, and nothing written, when it is not plain."""
    try:
        held = Source(source)
    except OSError:
        return None  # said by the usual way
    with held:
        try:
            update, objects = _append(Revisions.read(held), wanted)
        except UNREADABLE:
            return None
        with durable_file(working_file) if durable else open_working(working_file, buffered=False) as stream:
            return _write(held, update, objects, wanted, stream)


def _append(file: Revisions, wanted: Wanted) -> tuple[bytes, int]:
    form = read_form(file)
    _require_free(file, form, wanted)
    update = Update(file)
    signature = update.reserve()
    held = form.named(wanted.field)
    if held is None:
        lock, added = _LOCK if wanted.lock else None, _add_fields(update, form, wanted, signature)
    else:
        lock, added = _fill_field(update, held, wanted, signature), b""
    _update_catalogue(update, form, wanted, signature, _update_form(update, form, added))
    update.put(signature, _dictionary(file, wanted, lock))
    return update.build(_identity(file, wanted))


def _require_free(file: Revisions, form: Form, wanted: Wanted) -> None:
    if file.source.size > MAX_FILE:
        raise NotPlain("a file too large")
    if "XFA" in form.value or form.is_locked(file, visible=wanted.box is not None):
        raise NotPlain("an XFA form, or one that is locked")
    if wanted.certify and (form.signed or "Perms" in form.root):
        raise NotPlain("only a first signature certifies")
    if set(file.dictionary(form.root.get("Perms", {}), file.newest)) - {"DocMDP"}:
        raise NotPlain("usage rights")
    if wanted.reason is not None and len(wanted.reason) > MAX_REASON:
        raise NotPlain("a long reason")
    if wanted.appearance is not None and wanted.appearance.lines:
        raise NotPlain("text to be set")


def _fill_field(
    update: Update, held: tuple[Ref, dict[str, Any]], wanted: Wanted, signature: Ref
) -> dict[str, Any] | None:
    """Sign a field that is there, and return its lock."""
    (reference, one), file = held, update.file
    if (
        one["FT"] != "Sig"
        or "V" in one
        or "SV" in one
        or one.get("Subtype") != "Widget"
        or wanted.box is not None
        or wanted.lock
        or wanted.seal is not None
    ):
        raise NotPlain("not an empty signature field")
    corners = rectangle(one.get("Rect"))
    width, height = corners[2] - corners[0], corners[3] - corners[1]
    if _shows(wanted) != bool(width * height):
        raise NotPlain("a visible field without a picture, or the reverse")
    entries = {"V": written(signature)}
    if _shows(wanted):
        if "AS" in one or not isinstance(one.get("AP", {}), dict):
            raise NotPlain("a field with appearances of its own")
        require_upright(file, one.get("P"), corners)
        entries["AP"] = _drawn(update, wanted, width, height)
    update.put(reference, Draft.of(file, file.stored(reference, file.newest)).set(entries))
    if "Lock" not in one:
        return None
    lock = file.dictionary(one["Lock"], file.newest)
    if lock.get("Action") != "All" or set(lock) - {"Type", "Action", "P"} or wanted.certify:
        raise NotPlain("a lock of some fields")
    if lock.get("P", 1) not in {1, 2, 3}:
        raise NotPlain("an unknown permission")
    return lock


def _add_fields(update: Update, form: Form, wanted: Wanted, signature: Ref) -> bytes:
    """Make a field that is its own widget, and an empty one for the seal over it; hang them onto their page.

    Return what names them in the form. pyHanko hangs invisible ones onto a page too.
    """
    file, box = update.file, wanted.box
    if "." in wanted.field or not wanted.field or _shows(wanted) != (box is not None):
        raise NotPlain("a field within a field, or a box without a picture")
    page = file.page(0 if box is None else _index(file, box.page), file.newest)
    corners = (0.0, 0.0, 0.0, 0.0) if box is None else box.corners
    appearance = b""
    if box is not None:
        require_upright(file, page, corners)
        appearance = b"/AP" + _drawn(update, wanted, corners[2] - corners[0], corners[3] - corners[1])
    locked = b"/Lock" + _LOCKING if wanted.lock else b""
    entries = appearance + locked + b"/V " + written(signature)
    widgets = [update.add(_WIDGET % (text(wanted.field), _WIDGET_FLAGS, _place(corners), written(page), entries))]
    if wanted.seal is not None:
        if box is None or wanted.seal.page != box.page or form.named(SEAL_FIELD) is not None:
            raise NotPlain("a seal's place apart from the signature's")
        require_upright(file, page, wanted.seal.corners)
        place = _place(wanted.seal.corners)
        # After the signature: viewers draw in this order, and a seal stands over it.
        widgets.append(
            update.add(_WIDGET % (text(SEAL_FIELD), _WIDGET_FLAGS, place, written(page), b"/Lock" + _LOCKING))
        )
    added = b" ".join(map(written, widgets))
    _annotate(update, page, added)
    return added


def _place(corners: tuple[float, float, float, float]) -> bytes:
    return b"[" + b" ".join(f"{edge:.4f}".rstrip("0").rstrip(".").encode() for edge in corners) + b"]"


def _index(file: Revisions, page: int) -> int:
    if page >= 0:
        return page
    count = file.dictionary(file.root(file.newest).get("Pages"), file.newest).get("Count")
    if type(count) is not int or count + page < 0:
        raise NotPlain("no such page")
    return count + page


def _shows(wanted: Wanted) -> bool:
    return wanted.appearance is not None and wanted.appearance.visible


def _drawn(update: Update, wanted: Wanted, width: float, height: float) -> bytes:
    assert wanted.appearance is not None
    assert wanted.appearance.image is not None
    return draw(update, read_picture(wanted.appearance.image), width, height)


def _annotate(update: Update, page: Ref, widgets: bytes) -> None:
    file = update.file
    held = Draft.of(file, file.stored(page, file.newest))
    annotations = held.value.get("Annots")
    if isinstance(annotations, Ref):
        array = file.stored(annotations, file.newest)
        update.put(annotations, with_item(file.raw(array), widgets))
    else:
        listed = held["Annots"] if "Annots" in held.spans else b"[]"
        update.put(page, held.set({"Annots": with_item(listed, widgets)}))


def _update_form(update: Update, form: Form, added: bytes) -> Ref | None:
    """Name new fields and set /SigFlags (signatures exist, append only); return the form where it moved to."""
    file, entries = update.file, {}
    if form.value.get("SigFlags") != _SIGNED_APPEND_ONLY:
        if form.signed:
            raise NotPlain("flags that would change under a signature")
        entries["SigFlags"] = b"%d" % _SIGNED_APPEND_ONLY
    fields = form.value.get("Fields")
    if added and isinstance(fields, Ref):
        update.put(fields, with_item(file.raw(file.stored(fields, file.newest)), added))
    elif added:
        listed = b"[]" if fields is None or form.draft is None else form.draft["Fields"]
        entries["Fields"] = with_item(listed, added)
    if not entries:
        return None
    if form.draft is None:
        return update.add(b"<<" + b"".join(b"/%s %s" % (key.encode(), entries[key]) for key in entries) + b">>")
    if form.reference is None:  # it stood in the catalogue itself
        return update.add(form.draft.set(entries))
    update.put(form.reference, form.draft.set(entries))
    return None


def _update_catalogue(update: Update, form: Form, wanted: Wanted, signature: Ref, moved: Ref | None) -> None:
    file = update.file
    entries = {} if moved is None else {"AcroForm": written(moved)}
    if wanted.certify:
        entries["Perms"] = b"<</DocMDP " + written(signature) + b">>"
    version = _version(file, form)
    if version < _VERSION and not form.signed:  # under a signature it would be a change
        entries["Version"] = b"/%d.%d" % _VERSION
    if version < _MODERN and "Extensions" not in form.root:
        entries["Extensions"] = _EXTENSION
    if entries:
        reference = file.root_reference
        update.put(reference, Draft.of(file, file.stored(reference, file.newest)).set(entries))


def _version(file: Revisions, form: Form) -> tuple[int, int]:
    """Return the version that counts: the later one of header and catalogue (ISO 32000-2 7.2.2)."""
    header, held = file.source.read(0, 8)[5:].decode("ascii"), form.root.get("Version")
    if held is not None and not (isinstance(held, str) and _NUMBERED.fullmatch(held)):
        raise NotPlain("a strange version")
    return max((int(one[0]), int(one[2])) for one in (header, held) if one is not None)


def _dictionary(file: Revisions, wanted: Wanted, lock: dict[str, Any] | None) -> bytes:
    parts = [
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(",
        _date(wanted.at),
        b")",
        b"" if wanted.reason is None else b"/Reason" + text(wanted.reason),
        _references(file, wanted, lock),
        _RANGE % ((b" " * _NUMBER,) * 3),
        b"/Contents<",
        b"0" * (2 * wanted.room),
        b">>>",
    ]
    return b"".join(parts)


def _references(file: Revisions, wanted: Wanted, lock: dict[str, Any] | None) -> bytes:
    # ISO 32000-2 12.8.2.2 and 12.8.2.4: the certifying signature permits form filling (P2), a seal locks the form.
    if wanted.certify:
        return _SIGNATURE_REFERENCE % (b"DocMDP", b"", b"/P 2")
    if lock is None:
        return b""
    permission = b"/P %d" % lock["P"] if "P" in lock else b""
    return _SIGNATURE_REFERENCE % (b"FieldMDP", b"/Data " + written(file.root_reference), b"/Action/All" + permission)


def _date(at: datetime) -> bytes:
    offset = at.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    zone = f"{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02d}'{abs(minutes) % 60:02d}'" if minutes else "Z"
    return f"D:{at:%Y%m%d%H%M%S}{zone}".encode("ascii")


def _identity(file: Revisions, wanted: Wanted) -> bytes:
    # ISO 32000-2 14.4: another one for each revision; nothing secret and nothing random is needed.
    parts = (wanted.field, wanted.at.isoformat(), file.source.size, file.sections[-1].trailer.get("ID"))
    return hashlib.sha256(repr(parts).encode()).digest()[:16]


def _write(held: Source, update: bytes, objects: int, wanted: Wanted, stream: BinaryIO) -> Gap:
    # The signature is the last object, and its byte range stands right before /Contents.
    place = update.rindex(b"/Contents<", 0, objects) + len(b"/Contents")
    begin, end = held.size + place, held.size + place + 2 * wanted.room + 2
    digits = tuple(b"%-*d" % (_NUMBER, number) for number in (begin, end, held.size + len(update) - end))
    span = _RANGE % digits
    stop = place - len(b"/Contents")
    update = update[: stop - len(span)] + span + update[stop:]
    digest = hashlib.new(wanted.hash_name)
    for piece in held.pieces(0, held.size):
        digest.update(piece)
        stream.write(piece)
    digest.update(memoryview(update)[:place])
    digest.update(memoryview(update)[end - held.size :])
    stream.write(update)
    return Gap(begin, end, digest.digest())
