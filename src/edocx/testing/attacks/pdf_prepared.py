"""Shadow attacks: a document prepared before its first signer sees it, and changed after under a later trusted seal.

What is prepared shows nothing out of the ordinary: an unused name, a hidden field, an object of two roles. What comes
after changes only what a careless analysis holds for bookkeeping or growth; what shows is another text. The later seal
covers all of it, so only the first signature can fail. After Mainka et al., "Shadow Attacks" (2021).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from edocx.testing.attacks.pdf_objects import PAGE, add_field, dictionary, first_page, form_of, numbers, shadow_field

_FORGED = b"1 g 0 0 595 842 re f 0 g BT /F1 24 Tf 30 780 Td (FORGED) Tj ET"
_Change = Callable[[IncrementalPdfFileWriter], None]


@dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow attack: what is done to the document before the first signature, and what after it."""

    name: str
    before: _Change
    after: _Change
    streams: bool = False
    """Whether the document is written with object streams first."""

    def prepared(self, data: bytes) -> bytes:
        """Return the document to be signed first."""
        return _updated(_with_object_streams(data) if self.streams else data, self.before)

    def revealed(self, data: bytes) -> bytes:
        """Return the signed document as the attacker hands it to the later signer."""
        return _updated(data, self.after)

    def __str__(self) -> str:
        return self.name


def _updated(data: bytes, change: _Change) -> bytes:
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream, strict=False)
    change(writer)
    writer.write_in_place()
    return stream.getvalue()


def _with_object_streams(data: bytes) -> bytes:
    """Write the document anew with its pages and fonts in an object stream."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(data), strict=False))
    writer.stream_xrefs = True
    held = writer.prepare_object_stream()
    for key in list(writer.objects):
        one = writer.objects[key]
        if isinstance(one, generic.DictionaryObject) and str(one.get("/Type", "")) in {"/Page", "/Font"}:
            del writer.objects[key]
            number, generation = key[1], key[0]
            held.add_object(number, one)
            assert generation == 0
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _nothing(writer: IncrementalPdfFileWriter) -> None:
    del writer


def _resources(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    """Give the page resources of its own, so that one place is changed."""
    page = first_page(writer)
    holder = page.get_object()
    while "/Resources" not in holder:
        holder = holder["/Parent"]
    own = generic.DictionaryObject({name: holder["/Resources"].raw_get(name) for name in holder["/Resources"]})
    for name in ("/Font", "/XObject"):
        if name in own:
            own[pdf_name(name)] = generic.DictionaryObject({one: own[name].raw_get(one) for one in own[name]})
    page.get_object()[pdf_name("/Resources")] = own
    writer.mark_update(page)
    return own


def _first_font(resources: generic.DictionaryObject) -> tuple[str, generic.DictionaryObject]:
    name = next(iter(resources["/Font"]))
    return name, resources["/Font"][name]


def _twisted(font: generic.DictionaryObject) -> generic.DictionaryObject:
    """Return the font with every letter another one."""
    twisted = generic.DictionaryObject({name: font.raw_get(name) for name in font})
    differences = [generic.NumberObject(32), *(pdf_name(f"/{'AZ'[n % 2]}") for n in range(96))]
    twisted[pdf_name("/Encoding")] = dictionary(
        Type=pdf_name("/Encoding"), Differences=generic.ArrayObject(differences)
    )
    return twisted


def _plain_font(writer: IncrementalPdfFileWriter) -> None:
    """Let the first font have no encoding, so that one can be added."""
    resources = _resources(writer)
    name, font = _first_font(resources)
    bare = generic.DictionaryObject({one: font.raw_get(one) for one in font if one != "/Encoding"})
    resources["/Font"][pdf_name(name)] = writer.add_object(bare)


def _font_exchanged(writer: IncrementalPdfFileWriter) -> None:
    resources = _resources(writer)
    name, font = _first_font(resources)
    resources["/Font"][pdf_name(name)] = writer.add_object(_twisted(font))


def _direct_font(writer: IncrementalPdfFileWriter) -> None:
    resources = _resources(writer)
    name, font = _first_font(resources)
    resources["/Font"][pdf_name(name)] = generic.DictionaryObject(
        {one: font.raw_get(one) for one in font if one != "/Encoding"}
    )


def _direct_font_grown(writer: IncrementalPdfFileWriter) -> None:
    resources = _resources(writer)
    name, font = _first_font(resources)
    resources["/Font"][pdf_name(name)] = _twisted(font)


def _with_picture(writer: IncrementalPdfFileWriter) -> None:
    _resources(writer)[pdf_name("/XObject")] = dictionary(
        Shown=writer.add_object(form_of(b"0 g 10 10 5 5 re f".ljust(len(_FORGED))))
    )
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"/Shown Do")))


def _picture_exchanged(writer: IncrementalPdfFileWriter) -> None:
    _resources(writer)["/XObject"][pdf_name("/Shown")] = writer.add_object(form_of(_FORGED))


def _name_ahead(writer: IncrementalPdfFileWriter) -> None:
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"/Sh#6Fwn Do")))


def _name_given(writer: IncrementalPdfFileWriter) -> None:
    _resources(writer)[pdf_name("/XObject")] = dictionary(Shown=writer.add_object(form_of(_FORGED)))


def _font_typed(kind: str) -> _Change:
    def change(writer: IncrementalPdfFileWriter) -> None:
        resources = _resources(writer)
        name, font = _first_font(resources)
        posing = generic.DictionaryObject({one: font.raw_get(one) for one in font if one != "/Encoding"})
        posing[pdf_name("/Type")] = pdf_name(kind)
        resources["/Font"][pdf_name(name)] = writer.add_object(posing)

    return change


def _font_rewritten(writer: IncrementalPdfFileWriter) -> None:
    name, font = _first_font(first_page(writer).get_object()["/Resources"])
    raw = first_page(writer).get_object()["/Resources"]["/Font"].raw_get(name)
    font[pdf_name("/Encoding")] = _twisted(font)["/Encoding"]
    writer.mark_update(raw)


def _font_as_information(writer: IncrementalPdfFileWriter) -> None:
    resources = _resources(writer)
    name, font = _first_font(resources)
    posing = generic.DictionaryObject({one: font.raw_get(one) for one in font if one != "/Encoding"})
    reference = writer.add_object(posing)
    resources["/Font"][pdf_name(name)] = reference
    writer.set_info(reference)


def _object_stream_exchanged(writer: IncrementalPdfFileWriter) -> None:
    """Overwrite the stream that holds the signed objects: who goes by the old table finds other objects in it."""
    reader = writer.prev
    _, font = _first_font(first_page(writer).get_object()["/Resources"])
    kept = reader.xrefs[font.container_ref]
    stream = reader.get_object(generic.Reference(kept.obj_stream_id, 0, reader))
    data = stream.data.replace(b"/Encoding", b"/EncodinX").replace(b"/BaseFont", b"/BaseFonX")
    entries = {name: stream.raw_get(name) for name in stream if name not in {"/Length", "/Filter", "/DecodeParms"}}
    writer.objects[(0, kept.obj_stream_id)] = generic.StreamObject(entries, stream_data=data)


def _generation_raised(writer: IncrementalPdfFileWriter) -> None:
    """Define the page's content under the next generation: what refers to the first one finds nothing."""
    raw = first_page(writer).get_object().raw_get("/Contents")
    one = raw if isinstance(raw, generic.IndirectObject) else raw.raw_get(0)
    writer.objects[(1, one.idnum)] = generic.StreamObject(stream_data=_FORGED)


def _hidden(kind: str, rectangle: tuple[int, ...]) -> _Change:
    def change(writer: IncrementalPdfFileWriter) -> None:
        value = {"V": pdf_string("1")} if kind == "/Tx" else {}
        look = dictionary(N=writer.add_object(form_of(_FORGED)))
        add_field(writer, kind, 2, rectangle, AP=look, **value)

    return change


def _shown(writer: IncrementalPdfFileWriter) -> None:
    raw, field = shadow_field(writer)
    field[pdf_name("/F")] = generic.NumberObject(4)
    writer.mark_update(raw)


def _empty(kind: str) -> _Change:
    return lambda writer: add_field(writer, kind, 4, PAGE)


def _filled(writer: IncrementalPdfFileWriter) -> None:
    raw, field = shadow_field(writer)
    field[pdf_name("/V")] = pdf_string("1")
    field[pdf_name("/AP")] = dictionary(N=writer.add_object(form_of(_FORGED)))
    writer.mark_update(raw)


def _second_place(*, in_form: bool) -> _Change:
    """Show a forgery as the look of the first signature: in a second widget that names it."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        fields = writer.root["/AcroForm"]["/Fields"]
        signature = fields[0].raw_get("/V")
        page = first_page(writer)
        widget = dictionary(
            FT=pdf_name("/Sig"),
            Type=pdf_name("/Annot"),
            Subtype=pdf_name("/Widget"),
            T=pdf_string("Second"),
            V=signature,
            Rect=numbers(30, 600, 230, 800),
            AP=dictionary(N=writer.add_object(form_of(_FORGED))),
            P=page,
        )
        reference = writer.add_object(widget)
        if in_form:
            fields.append(reference)
            writer.update_container(fields)
        writer.register_annotation(page, reference)

    return change


def _inherited_names(writer: IncrementalPdfFileWriter) -> None:
    """Let the page take its fonts from the tree above it."""
    page = first_page(writer).get_object()
    if "/Resources" in page:
        above = page.raw_get("/Parent")
        above.get_object()[pdf_name("/Resources")] = page.raw_get("/Resources")
        del page["/Resources"]
        writer.mark_update(above)
        writer.mark_update(first_page(writer))


def _names_taken_away(writer: IncrementalPdfFileWriter) -> None:
    first_page(writer).get_object()[pdf_name("/Resources")] = dictionary(Font=generic.DictionaryObject())
    writer.mark_update(first_page(writer))


def _with_states(writer: IncrementalPdfFileWriter) -> None:
    looks = dictionary(Off=writer.add_object(form_of(b"")), Yes=writer.add_object(form_of(_FORGED)))
    add_field(writer, "/Btn", 4, PAGE, AP=dictionary(N=looks), AS=pdf_name("/Off"), V=pdf_name("/Off"))


def _switched(writer: IncrementalPdfFileWriter) -> None:
    raw, field = shadow_field(writer)
    field[pdf_name("/AS")] = field[pdf_name("/V")] = pdf_name("/Yes")
    writer.mark_update(raw)


def _with_states_of_a_field(writer: IncrementalPdfFileWriter) -> None:
    """Let the states of a look pose as a field that is empty: the one that shows is the value it is to get."""
    states = dictionary(FT=pdf_name("/Tx"), M=writer.add_object(form_of(b"")))
    looks = dictionary(N=writer.add_object(states))
    add_field(writer, "/Tx", 4, (100, 700, 300, 740), AP=looks, AS=pdf_name("/V"), V=pdf_string("100"))


def _state_filled(writer: IncrementalPdfFileWriter) -> None:
    _, field = shadow_field(writer)
    field["/AP"]["/N"][pdf_name("/V")] = writer.add_object(form_of(_FORGED))
    writer.mark_update(field["/AP"].raw_get("/N"))


def _with_value(writer: IncrementalPdfFileWriter) -> None:
    style = pdf_string("/Helv 12 Tf 0 g")
    add_field(writer, "/Tx", 4, (30, 700, 130, 730), V=pdf_string("12"), DA=style)


def _rewritten(name: str, value: str) -> _Change:
    def change(writer: IncrementalPdfFileWriter) -> None:
        raw, field = shadow_field(writer)
        field[pdf_name(name)] = pdf_string(value)
        writer.mark_update(raw)

    return change


def _pushed_ahead(writer: IncrementalPdfFileWriter) -> None:
    """Take the graphics state back between two signed contents, so that a clip ends too early."""
    page = first_page(writer)
    listed = list(page.get_object()["/Contents"])
    popped = writer.add_object(generic.StreamObject(stream_data=b"Q"))
    page.get_object()[pdf_name("/Contents")] = generic.ArrayObject([*listed[:-1], popped, listed[-1]])
    writer.mark_update(page)


def _clipped(writer: IncrementalPdfFileWriter) -> None:
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"q 0 0 1 1 re W n")))
    page = first_page(writer)
    contents = page.get_object()["/Contents"]
    forged = writer.add_object(generic.StreamObject(stream_data=_FORGED + b" Q"))
    page.get_object()[pdf_name("/Contents")] = generic.ArrayObject([*contents, forged])
    writer.mark_update(page)


def _ticked(writer: IncrementalPdfFileWriter) -> None:
    add_field(writer, "/Btn", 4, (30, 700, 50, 720), V=pdf_name("/Yes"), AS=pdf_name("/Yes"))
    writer.root["/AcroForm"][pdf_name("/DR")] = dictionary(Font=dictionary(F1=_letters()))
    writer.update_container(writer.root["/AcroForm"])


def _tick_given(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/AcroForm"]["/DR"]["/Font"][pdf_name("/ZaDb")] = _twisted(_letters())
    writer.update_container(writer.root["/AcroForm"])


def _letters() -> generic.DictionaryObject:
    return dictionary(Type=pdf_name("/Font"), Subtype=pdf_name("/Type1"), BaseFont=pdf_name("/Helvetica"))


TICK_GIVEN = Shadow("tick-given", _ticked, _tick_given)
"""A box that says no font gets the one that viewers take for its tick, and draw other letters with."""


def _noted(writer: IncrementalPdfFileWriter) -> None:
    """Put a text on the page that has no look: viewers draw it by its default appearance."""
    says = {"Contents": pdf_string("PAY 100"), "DA": pdf_string("/Helv 20 Tf 0 g")}
    room = generic.ArrayObject(map(generic.NumberObject, (100, 500, 400, 560)))
    note = dictionary(Type=pdf_name("/Annot"), Subtype=pdf_name("/FreeText"), Rect=room, **says)
    page = first_page(writer)
    page.get_object()[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
    writer.mark_update(page)
    writer.root[pdf_name("/AcroForm")] = dictionary(Fields=generic.ArrayObject())
    writer.update_root()


def _letters_given(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/AcroForm"][pdf_name("/DR")] = dictionary(Font=dictionary(Helv=_twisted(_letters())))
    writer.update_container(writer.root["/AcroForm"])
    writer.update_root()


NOTE_GIVEN = Shadow("note-given", _noted, _letters_given)
"""A text that is no field draws with a font of the form's that was not there."""


def _borrowing(writer: IncrementalPdfFileWriter) -> None:
    """Show a form in a form that brings resources of its own; the inner one names a thing that neither has."""
    inner = form_of(b"/X9 Do")
    inner[pdf_name("/Resources")] = dictionary()
    outer = form_of(b"/I Do")
    outer[pdf_name("/Resources")] = dictionary(XObject=dictionary(I=writer.add_object(inner)))
    page = first_page(writer)
    held = page.get_object()
    resources = held["/Resources"] if "/Resources" in held else dictionary()
    resources[pdf_name("/XObject")] = dictionary(O=writer.add_object(outer))
    held[pdf_name("/Resources")] = resources
    writer.mark_update(page)
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"/O Do")))


def _borrowed(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page.get_object()["/Resources"]["/XObject"][pdf_name("/X9")] = writer.add_object(form_of(_FORGED))
    writer.mark_update(page)


BORROWED = Shadow("name-borrowed", _borrowing, _borrowed)
"""Viewers look in the page's resources for what a form within a form does not bring."""

SHADOWS = (
    TICK_GIVEN,
    NOTE_GIVEN,
    BORROWED,
    Shadow("font-exchanged", _plain_font, _font_exchanged),
    Shadow("font-grown", _direct_font, _direct_font_grown),
    Shadow("picture-exchanged", _with_picture, _picture_exchanged),
    Shadow("name-given", _name_ahead, _name_given),
    Shadow("font-as-store", _font_typed("/DSS"), _font_rewritten),
    Shadow("font-as-page", _font_typed("/Page"), _font_rewritten),
    Shadow("font-as-information", _font_as_information, _font_rewritten),
    Shadow("object-stream-exchanged", _nothing, _object_stream_exchanged, streams=True),
    Shadow("generation-raised", _nothing, _generation_raised),
    Shadow("hidden-field-shown", _hidden("/Tx", PAGE), _shown),
    Shadow("hidden-small-field-shown", _hidden("/Tx", (30, 700, 130, 730)), _shown),
    Shadow("large-field-filled", _empty("/Tx"), _filled),
    Shadow("clip-taken-back", _clipped, _pushed_ahead),
    Shadow("signature-shown-twice", _nothing, _second_place(in_form=True)),
    Shadow("signature-shown-beside-the-form", _nothing, _second_place(in_form=False)),
    Shadow("names-taken-away", _inherited_names, _names_taken_away),
    Shadow("state-switched", _with_states, _switched),
    Shadow("state-as-a-value", _with_states_of_a_field, _state_filled),
    Shadow("value-rewritten", _with_value, _rewritten("/V", "13")),
    Shadow("value-made-white", _with_value, _rewritten("/DA", "/Helv 12 Tf 1 g")),
)
"""Each is revealed by whoever has the file; the first signature must fail, whoever seals it later."""
