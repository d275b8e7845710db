"""Two revisions say the same only when everything that they refer to does; what may differ is on a short list."""

from __future__ import annotations

import io
import zlib

import pytest
import signing_samples as samples
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from edocx.signing.pdf import ink
from edocx.signing.pdf.aftermath import aftermath, only_stamped
from edocx.signing.pdf.document import MALFORMED
from edocx.signing.pdf.identity import Identity
from edocx.signing.pdf.ink import draws_nothing
from edocx.testing.attacks.pdf_objects import add_field, dictionary, form_of, shadow_field


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return samples.plain(tmp_path_factory.mktemp("identity") / "plain.pdf").read_bytes()


def revised(data, *changes):
    for change in changes:
        stream = io.BytesIO(data)
        writer = IncrementalPdfFileWriter(stream, strict=False)
        change(writer)
        writer.write_in_place()
        data = stream.getvalue()
    return PdfFileReader(io.BytesIO(data), strict=False)


def compared(plain, before, after):
    return aftermath(revised(plain, before, after), 1, 2)


def fonts(*names):
    def change(writer):
        if "/AcroForm" not in writer.root:
            add_field(writer, "/Tx", 4, (10, 10, 90, 30), DA=pdf_string("/Helv 12 Tf"), V=pdf_string("1"))
        named = {name: dictionary(Type=pdf_name("/Font"), BaseFont=pdf_name("/Helvetica")) for name in names}
        writer.root["/AcroForm"][pdf_name("/DR")] = dictionary(Font=dictionary(**named))
        writer.update_container(writer.root["/AcroForm"])
        writer.update_root()

    return change


@pytest.mark.parametrize(
    "before,after,explained",
    [
        (["F1"], ["F1"], True),
        (["F1"], ["F1", "Myriad"], True),
        (["F1"], [], False),
        (["F1"], ["F1", "Helv"], False),
    ],
    ids=["same", "one-more", "one-less", "one-that-a-field-names"],
)
def test_the_form_may_get_fonts_that_no_field_names(plain, before, after, explained):
    assert (compared(plain, fonts(*before), fonts(*after)) is not None) is explained


def test_a_value_moved_into_an_object_of_its_own_is_the_same(plain):
    def before(writer):
        writer.root[pdf_name("/Lang")] = pdf_string("vi")
        writer.root[pdf_name("/ViewerPreferences")] = dictionary(DisplayDocTitle=generic.BooleanObject(value=True))
        writer.update_root()

    def after(writer):
        root = writer.root
        for name in ("/Lang", "/ViewerPreferences"):
            root[pdf_name(name)] = writer.add_object(root.raw_get(name))
        writer.update_root()

    assert compared(plain, before, after) is not None


def test_circles_that_are_direct_in_one_revision_only_end(plain):
    def before(writer):
        one = dictionary(Name=pdf_string("x"))
        reference = writer.add_object(one)
        one[pdf_name("/Next")] = dictionary(Back=reference)
        writer.root[pdf_name("/PieceInfo")] = reference
        writer.update_root()

    def after(writer):
        held = writer.root["/PieceInfo"]
        held[pdf_name("/Next")] = writer.add_object(dictionary(Back=writer.root.raw_get("/PieceInfo")))
        writer.update_container(held)

    assert compared(plain, before, after) is not None


def test_an_object_is_excused_nowhere_that_is_painted(plain):
    def before(writer):
        add_field(writer, "/Tx", 4, (10, 10, 90, 30))
        reference, _ = shadow_field(writer)
        page, _ = writer.find_page_for_modification(0)
        page.get_object()[pdf_name("/Group")] = dictionary(S=reference)
        writer.mark_update(page)

    def after(writer):
        reference, field = shadow_field(writer)
        field[pdf_name("/V")] = pdf_string("filled")
        writer.mark_update(reference)

    reader = revised(plain, before, after)
    identity = Identity(reader, 1, 2)
    raw = identity.old.root["/AcroForm"]["/Fields"].raw_get(0)
    identity.apart.add(raw.reference)
    assert identity.same(raw, raw)
    assert not identity.same(raw, raw, painting=True)
    assert aftermath(reader, 1, 2) is None


def filled(**entries):
    def change(writer):
        reference, field = shadow_field(writer)
        field.update({pdf_name(f"/{name}"): value for name, value in entries.items()})
        writer.mark_update(reference)

    return change


def place(kind, **entries):
    return lambda writer: add_field(writer, kind, 4, (10, 10, 90, 30), **entries)


@pytest.mark.parametrize(
    "kind,was,becomes,explained",
    [
        ("/Tx", {}, {"V": pdf_string("12")}, True),
        ("/Tx", {"V": pdf_string("Số: ...")}, {"V": pdf_string("Số: 12")}, True),
        ("/Tx", {"V": pdf_string("12")}, {"V": pdf_string("13")}, False),
        ("/Tx", {}, {"V": pdf_name("/twelve")}, False),
        ("/Tx", {}, {"V": dictionary(SubFilter=pdf_name("/ETSI.RFC3161"))}, False),
        ("/Tx", {}, {"V": pdf_string("12"), "Rect": generic.ArrayObject()}, False),
        ("/Tx", {}, {"V": pdf_string("12"), "F": generic.NumberObject(6)}, False),
        ("/Tx", {}, {"V": pdf_string("12"), "AS": pdf_string("Off")}, False),
        ("/Btn", {"V": pdf_name("/Off")}, {"V": pdf_name("/Yes"), "AS": pdf_name("/Yes")}, True),
        ("/Btn", {"V": pdf_name("/No")}, {"V": pdf_name("/Yes")}, False),
    ],
)
def test_a_field_becomes_only_what_filling_makes_of_it(plain, kind, was, becomes, explained):
    found = compared(plain, place(kind, **was), filled(**becomes))
    assert (found is not None) is explained
    if explained:
        assert found.filled
        assert not only_stamped(revised(plain, place(kind, **was), filled(**becomes)), 1)


@pytest.mark.parametrize("version,explained", [("/1.3", False), ("/1.7", True), ("/2.0", True), ("/9.9", False)])
def test_the_version_is_never_below_that_of_the_header(plain, version, explained):
    def after(writer):
        writer.root[pdf_name("/Version")] = pdf_name(version)
        writer.update_root()

    newer = plain.replace(b"%PDF-1.3", b"%PDF-1.7", 1)
    assert b"/Version" not in newer
    assert (aftermath(revised(newer, after), 0, 1) is not None) is explained


def test_nothing_after_a_revision_is_nothing_filled(plain):
    assert only_stamped(revised(plain), 0)


@pytest.mark.parametrize(
    "looks,nothing",
    [
        ({"N": form_of(b"")}, True),
        ({"N": form_of(b"% DSBlank\nq Q")}, True),
        ({"N": form_of(b"0 g")}, False),
        ({"N": dictionary(Off=form_of(b""), On=form_of(b"0 0 1 1 re f"))}, False),
        ({"N": form_of(b""), "D": form_of(b"0 0 1 1 re f")}, False),
    ],
)
def test_nothing_is_drawn_only_when_every_state_is_empty(looks, nothing):
    for hidden in ({}, {"F": generic.NumberObject(2)}):
        assert draws_nothing(dictionary(AP=dictionary(**looks), **hidden)) is nothing


def shown_elsewhere():
    look = form_of(b"")
    look[pdf_name("/Ref")] = dictionary(Page=generic.NumberObject(0))
    return look


@pytest.mark.parametrize(
    "looks",
    [
        dictionary(N=shown_elsewhere()),
        dictionary(N=dictionary(Off=generic.NullObject())),
        dictionary(N=pdf_name("/Off")),
        generic.ArrayObject(),
    ],
)
def test_what_is_no_look_is_not_taken_for_an_empty_one(looks):
    with pytest.raises(MALFORMED):
        draws_nothing(dictionary(AP=looks))


def test_more_states_than_a_field_has_are_refused(monkeypatch):
    monkeypatch.setattr(ink, "MAX_LOOKS", 2)
    states = {f"S{number}": form_of(b"") for number in range(3)}
    with pytest.raises(ValueError, match="states"):
        draws_nothing(dictionary(AP=dictionary(N=dictionary(**states))))


@pytest.mark.parametrize(
    "later,explained",
    [
        (b"\xff\xff\xff\xc8\xc8\xc8", True),
        (b"\xfe\xff" + "\u00ff\u00ff\u00ff\u00c8\u00c8\u00c8".encode("utf-16-be"), False),
    ],
    ids=["the same", "the same letters in UTF-16"],
)
def test_strings_are_the_same_only_byte_by_byte(plain, later, explained):
    """The colours of an indexed space are a string: the same letters in another encoding are other colours."""

    def lookup(colours):
        def change(writer):
            reference, _ = writer.find_page_for_modification(0)
            space = [pdf_name("/Indexed"), pdf_name("/DeviceRGB"), generic.NumberObject(1)]
            colour_space = generic.ArrayObject([*space, generic.ByteStringObject(colours)])
            reference.get_object()[pdf_name("/PieceInfo")] = dictionary(CS=colour_space)
            writer.mark_update(reference)

        return change

    assert (compared(plain, lookup(b"\xff\xff\xff\xc8\xc8\xc8"), lookup(later)) is not None) is explained


@pytest.mark.parametrize(
    "data,more,nothing",
    [
        (b"q Q", {}, True),
        (zlib.compress(b"q Q"), {"Filter": "/FlateDecode"}, True),
        (zlib.compress(b"q Q"), {"Filter": "/FlateDecode", "DecodeParms": {}}, None),
        (zlib.compress(b"q Q") + b"0 0 1 1 re f", {"Filter": "/FlateDecode"}, None),
        (zlib.compress(b"q Q")[:-1], {"Filter": "/FlateDecode"}, None),
        (b"71205120>", {"Filter": "/ASCIIHexDecode"}, None),
        (zlib.compress(b"0 0 1 1 re f"), {"Filter": "/FlateDecode"}, False),
    ],
    ids=["bare", "deflated", "with parameters", "going on", "cut", "another filter", "ink"],
)
def test_only_what_every_reader_decodes_alike_draws_nothing(data, more, nothing):
    entries = {f"/{name}": pdf_name(value) if isinstance(value, str) else dictionary() for name, value in more.items()}
    look = generic.StreamObject({pdf_name(name): value for name, value in entries.items()}, encoded_data=data)
    widget = dictionary(AP=dictionary(N=look))
    if nothing is None:
        with pytest.raises(TypeError):
            draws_nothing(widget)
    else:
        assert draws_nothing(widget) is nothing
