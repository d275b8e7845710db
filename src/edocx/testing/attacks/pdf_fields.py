"""What anybody can do to a signed PDF without a key, where nobody looks: by objects of their own, and by odd values.

Each `Shadow` is prepared before the only signature, and revealed after it. A look hangs from a dictionary that is an
object of its own; a field without a look is drawn with the fonts of the form; a name tree, a structure, the resources
of all pages are objects that somebody can write again. And a timestamp is something that anybody can add, with a key
of his own: in `PLACES` its field draws, and says in a way that readers take differently that it does not.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from edocx.testing.attacks import Attack
from edocx.testing.attacks.pdf_objects import PAGE, add_field, dictionary, first_page, form_of, numbers, shadow_field
from edocx.testing.attacks.pdf_prepared import NOTE_GIVEN, TICK_GIVEN, Shadow

PLACE = "Shadow"
"""The name of the field that is added."""

_SMALL = (100, 700, 300, 740)
_GENUINE = b"/Tx BMC BT /F1 20 Tf 5 10 Td (100) Tj ET EMC"
_FORGED = b"/Tx BMC BT /F1 20 Tf 5 10 Td (FORGED) Tj ET EMC"
_STATES = 250
"""More than a reader that stops somewhere goes through."""

_Change = Callable[[IncrementalPdfFileWriter], None]


def _font(**more: Any) -> generic.DictionaryObject:
    return dictionary(Type=pdf_name("/Font"), Subtype=pdf_name("/Type1"), BaseFont=pdf_name("/Helvetica"), **more)


def _nine() -> generic.DictionaryObject:
    """Return an encoding in which 1 shows as 9."""
    return dictionary(Differences=generic.ArrayObject([generic.NumberObject(49), pdf_name("/nine")]))


def _look(data: bytes, font: Any) -> generic.StreamObject:
    look = form_of(data)
    look[pdf_name("/Resources")] = dictionary(Font=dictionary(F1=font))
    return look


def _with_look(kind: str, value: Any, rectangle: tuple[int, ...] = _SMALL, data: bytes = _GENUINE) -> _Change:
    """Make a field whose looks are an object of their own."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        shown = writer.add_object(_look(data, writer.add_object(_font(Encoding=writer.add_object(dictionary())))))
        entries: dict[str, Any] = {} if value is None else {"V": value}
        if kind == "/Btn":
            entries["AS"] = pdf_name("/Yes")
            shown = writer.add_object(dictionary(Yes=shown, Off=writer.add_object(form_of(b""))))
        style = pdf_string("/F1 12 Tf")
        add_field(writer, kind, 4, rectangle, AP=writer.add_object(dictionary(N=shown)), DA=style, **entries)

    return change


def _look_exchanged(writer: IncrementalPdfFileWriter) -> None:
    _, field = shadow_field(writer)
    shown = field["/AP"]
    forged = writer.add_object(_look(_FORGED, _font()))
    if "/AS" in field:
        forged = writer.add_object(dictionary(Yes=forged, Off=writer.add_object(form_of(b""))))
    shown[pdf_name("/N")] = forged
    writer.mark_update(field.raw_get("/AP"))


def _letters_exchanged(writer: IncrementalPdfFileWriter) -> None:
    _, field = shadow_field(writer)
    font = field["/AP"]["/N"]["/Resources"]["/Font"]["/F1"]
    font["/Encoding"].update(_nine())
    writer.mark_update(font.raw_get("/Encoding"))


def _in_two_places(writer: IncrementalPdfFileWriter) -> None:
    """Make a field above, which has the value, and its widget below, which has the look."""
    _with_look("/Tx", None)(writer)
    raw, widget = shadow_field(writer)
    above = dictionary(FT=pdf_name("/Tx"), T=pdf_string("Above"), V=pdf_string("100"), Kids=generic.ArrayObject([raw]))
    fields = writer.root["/AcroForm"]["/Fields"]
    reference = writer.add_object(above)
    fields[-1] = reference
    widget[pdf_name("/Parent")] = reference
    for name in ("/FT", "/T"):
        del widget[name]
    writer.update_container(fields)
    writer.mark_update(raw)


def _look_below_exchanged(writer: IncrementalPdfFileWriter) -> None:
    fields = [one.get_object() for one in writer.root["/AcroForm"]["/Fields"]]
    widget = next(one["/Kids"][0] for one in fields if "/Kids" in one)
    widget["/AP"][pdf_name("/N")] = writer.add_object(_look(_FORGED, _font()))
    writer.mark_update(widget.raw_get("/AP"))


def _without_look(*, indirect: bool) -> _Change:
    """Make a field that viewers draw themselves, with the fonts of the form."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        add_field(writer, "/Tx", 4, _SMALL, V=pdf_string("100"), DA=pdf_string("/F1 12 Tf"))
        held = dictionary(Font=dictionary(F1=_font()))
        form = writer.root["/AcroForm"]
        form[pdf_name("/DR")] = writer.add_object(held) if indirect else held
        writer.update_container(form)

    return change


def _fonts_exchanged(writer: IncrementalPdfFileWriter) -> None:
    form = writer.root["/AcroForm"]
    form["/DR"]["/Font"][pdf_name("/F1")] = _font(Encoding=_nine())
    raw = form.raw_get("/DR")
    if isinstance(raw, generic.IndirectObject):
        writer.mark_update(raw)
    else:
        writer.update_container(form)


def _value_apart(writer: IncrementalPdfFileWriter) -> None:
    _with_look("/Tx", writer.add_object(pdf_string("100")))(writer)


def _value_exchanged(writer: IncrementalPdfFileWriter) -> None:
    _, field = shadow_field(writer)
    raw = field.raw_get("/V")
    writer.objects[(raw.generation, raw.idnum)] = pdf_string("FORGED")
    _look_exchanged(writer)


def _filled_as_timestamp(writer: IncrementalPdfFileWriter) -> None:
    raw, field = shadow_field(writer)
    field[pdf_name("/V")] = dictionary(Type=pdf_name("/DocTimeStamp"), SubFilter=pdf_name("/ETSI.RFC3161"))
    field[pdf_name("/AP")] = dictionary(N=writer.add_object(_look(_FORGED, _font())))
    writer.mark_update(raw)


def _entry(name: str, before: Any, after: Any, *, page: bool = False, above: bool = False) -> tuple[_Change, _Change]:
    """Prepare an entry of the catalogue, a page or what is above it, in an object of its own that is written again."""

    def holder(writer: IncrementalPdfFileWriter) -> tuple[Any, Any]:
        reference: Any = writer.find_page_for_modification(0)[0] if page or above else writer.root_ref
        if above:
            reference = reference.get_object().raw_get("/Parent")
        return reference, reference.get_object()

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        reference, one = holder(writer)
        one[pdf_name(name)] = writer.add_object(before())
        writer.mark_update(reference)

    def reveal(writer: IncrementalPdfFileWriter) -> None:
        raw = holder(writer)[1].raw_get(name)
        writer.objects[(raw.generation, raw.idnum)] = after()

    return prepare, reveal


def _version(value: str) -> _Change:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.root[pdf_name("/Version")] = pdf_name(value)
        writer.update_root()

    return change


def _labels(prefix: str) -> Callable[[], Any]:
    style = pdf_string(prefix)
    return lambda: dictionary(Nums=generic.ArrayObject([generic.NumberObject(0), dictionary(P=style)]))


def _script(code: str) -> Callable[[], Any]:
    return lambda: dictionary(S=pdf_name("/JavaScript"), JS=pdf_string(code))


def _spoken(text: str) -> Callable[[], Any]:
    element = {"S": pdf_name("/Document"), "ActualText": pdf_string(text)}
    return lambda: dictionary(Type=pdf_name("/StructTreeRoot"), K=dictionary(**element))


def _empty() -> Any:
    return dictionary()


def _places(names: tuple[int, ...]) -> Callable[[], Any]:
    return lambda: dictionary(Somewhere=numbers(*names))


def _group(space: str) -> Callable[[], Any]:
    return lambda: dictionary(S=pdf_name("/Transparency"), CS=pdf_name(space))


KEYLESS = (
    TICK_GIVEN,
    NOTE_GIVEN,
    Shadow("look-by-its-dictionary", _with_look("/Tx", pdf_string("100")), _look_exchanged),
    Shadow("look-of-a-page-by-its-dictionary", _with_look("/Tx", None, PAGE, b""), _look_exchanged),
    Shadow("look-of-a-button-by-its-dictionary", _with_look("/Btn", pdf_name("/Yes")), _look_exchanged),
    Shadow("look-of-a-widget-below", _in_two_places, _look_below_exchanged),
    Shadow("letters-of-a-look", _with_look("/Tx", pdf_string("100")), _letters_exchanged),
    Shadow("value-apart", _value_apart, _value_exchanged),
    Shadow("fonts-of-the-form", _without_look(indirect=False), _fonts_exchanged),
    Shadow("fonts-of-the-form-apart", _without_look(indirect=True), _fonts_exchanged),
    Shadow("filled-as-a-timestamp", _with_look("/Tx", None, data=b""), _filled_as_timestamp),
    Shadow("version-lowered", _version("/1.7"), _version("/1.0")),
    Shadow("action-on-opening", *_entry("/OpenAction", _script(""), _script("app.alert(1)"))),
    Shadow("names-of-destinations", *_entry("/Dests", _places((0,)), _places((1,)))),
    Shadow("labels-of-pages", *_entry("/PageLabels", _labels("1"), _labels("9"))),
    Shadow("permissions", *_entry("/Perms", _empty, lambda: dictionary(UR3=dictionary()))),
    Shadow("legal-notes", *_entry("/Legal", _empty, lambda: dictionary(Attestation=pdf_string("harmless")))),
    Shadow("text-for-reading-aloud", *_entry("/StructTreeRoot", _spoken("100"), _spoken("900"))),
    Shadow("unit-of-a-page", *_entry("/UserUnit", lambda: generic.NumberObject(1), lambda: generic.NumberObject(9),
                                     page=True)),
    Shadow("group-of-a-page", *_entry("/Group", _group("/DeviceRGB"), _group("/DeviceGray"), page=True)),
    Shadow("resources-of-all-pages", *_entry(
        "/Resources", _empty, lambda: dictionary(Font=dictionary(F1=_font(Encoding=_nine()))), above=True)),
)  # fmt: skip
"""Each is prepared, signed by one, and revealed by anybody: it must not pass."""


def _place(rectangle: tuple[int, ...] = PAGE, states: tuple[str, ...] = (), **entries: Any) -> _Change:
    """Add a field for a signature that draws over the page, or says that it does not."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        forged = b"1 g 0 0 595 842 re f 0 g BT /F1 40 Tf 100 500 Td (FORGED) Tj ET"
        shown: Any = writer.add_object(_look(forged, _font()))
        if states:
            nothing = dict.fromkeys(states[:-1], generic.NullObject())
            shown = dictionary(**nothing, **{states[-1]: shown})
        add_field(writer, "/Sig", 4, rectangle, AP=dictionary(N=shown))
        raw, field = shadow_field(writer)
        field.update({pdf_name(f"/{name}"): value for name, value in entries.items()})
        writer.mark_update(raw)

    return change


def _place_without_look(writer: IncrementalPdfFileWriter) -> None:
    """Add a field that has no look: some viewers draw one of their own, as large as the field."""
    add_field(writer, "/Sig", 4, PAGE)


def _place_predicted(writer: IncrementalPdfFileWriter) -> None:
    """Add a look in rows of a PNG predictor: one begins a comment, and the next some readers see as it is."""
    ink = b"\n1 g 0 0 595 842 re f 0 g BT /F1 40 Tf 100 500 Td (FORGED) Tj ET"
    rows = b"\x02%" + b" " * (_COLUMNS - 1) + b"\x00" + ink.ljust(_COLUMNS)
    _place()(writer)
    raw, field = shadow_field(writer)
    look = generic.StreamObject(
        dict_data=dict(_look(b"", _font())),
        encoded_data=zlib.compress(rows),
    )
    look[pdf_name("/Filter")] = pdf_name("/FlateDecode")
    parameters = {"Predictor": generic.NumberObject(15), "Columns": generic.NumberObject(_COLUMNS)}
    look[pdf_name("/DecodeParms")] = dictionary(**parameters)
    field[pdf_name("/AP")] = dictionary(N=writer.add_object(look))
    writer.mark_update(raw)


def _place_as(subtype: str, *, below: bool = False) -> _Change:
    """Add a field that calls itself another annotation as well: viewers draw that, with neither area nor look."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        add_field(writer, "/Sig", 4, (100, 500, 100, 500) if subtype == "/Text" else (100, 500, 100, 560))
        raw, field = shadow_field(writer)
        says = {"Subtype": pdf_name(subtype), "Contents": pdf_string("FORGED"), "DA": pdf_string("/Helv 20 Tf 0 g")}
        note: Any = field
        if below:
            note = dictionary(Type=pdf_name("/Annot"), Parent=raw, Rect=field["/Rect"], F=generic.NumberObject(4))
            reference = writer.add_object(note)
            field[pdf_name("/Kids")] = generic.ArrayObject([reference])
            writer.register_annotation(first_page(writer), reference)
        note.update({pdf_name(f"/{name}"): value for name, value in says.items()})
        writer.mark_update(raw)

    return change


_COLUMNS = 200

_MANY = (*(f"A{number}" for number in range(_STATES)), "Off")

_PLACES: dict[str, _Change] = {
    "plain": _place(),
    "flags-of-a-fraction": _place(F=generic.FloatObject("2.5")),
    "flags-beyond-32-bits": _place(F=generic.NumberObject(4294967298)),
    "flags-as-a-text": _place(F=pdf_string("2")),
    "flags-negative": _place(F=generic.NumberObject(-2147483646)),
    "flags-hidden": _place(F=generic.NumberObject(2)),
    "flags-printed-only": _place(F=generic.NumberObject(36)),
    "state-as-a-text": _place(states=("Off",), AS=pdf_string("Off")),
    "state-that-is-not-there": _place(states=("Off",), AS=pdf_name("/Y")),
    "states-without-end": _place(states=_MANY, AS=pdf_name("/Off")),
    "rectangle-of-five": _place((0, 0, 595, 842, 1)),
    "rectangle-of-three": _place((-595, -842, 595)),
    "rectangle-without-area": _place((100, 500, 100, 500)),
    "no-look": _place_without_look,
    "look-by-a-predictor": _place_predicted,
    "as-a-note": _place_as("/Text"),
    "as-a-note-below": _place_as("/Text", below=True),
    "as-a-square": _place_as("/Square"),
    "as-a-typewriter": _place_as("/FreeText"),
    "as-an-attachment": _place_as("/FileAttachment"),
}
"""Looks that a field for a timestamp must not have, each under another pretext."""


def filled_showing(value: str | None, shown: bytes) -> Shadow:
    """Prepare an empty field, and fill it with a value and a look that shows something, be it another thing."""

    def fill(writer: IncrementalPdfFileWriter) -> None:
        raw, field = shadow_field(writer)
        if value is not None:
            field[pdf_name("/V")] = pdf_string(value)
        look = _look(b"/Tx BMC q BT /F1 12 Tf 2 2 Td (%s) Tj ET Q EMC" % shown, writer.add_object(_font()))
        field[pdf_name("/AP")] = dictionary(N=writer.add_object(look))
        writer.mark_update(raw)

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        add_field(writer, "/Tx", 4, _SMALL, DA=pdf_string("/F1 12 Tf"))

    return Shadow(f"filled-{value}-showing-{shown.decode()}", prepare, fill)


def drawing_places(data: bytes) -> Iterator[Attack]:
    """Yield copies of a signed PDF with an empty field for a signature that draws (its name is `PLACE`)."""
    for name, change in _PLACES.items():
        yield Attack(f"place-{name}", Shadow(name, change, change).revealed(data))


def drawing_timestamps(data: bytes, stamp: Callable[[bytes, str], bytes]) -> Iterator[Attack]:
    """Yield the same copies, each with a timestamp in that field; ``stamp`` makes one, by anybody's key."""
    for place in drawing_places(data):
        yield Attack(f"timestamp-{place.name}", stamp(place.data, PLACE))
