"""What was prepared before the first signature, or slips in as growth or as a setting: failed or named, never silent."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from verification_scene import AT, SIGNED_AT

from edocx.documents import Box
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.comparison import fills_blanks
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.testing.attacks.pdf import appendices
from edocx.testing.attacks.pdf_fields import filled_showing
from edocx.testing.attacks.pdf_prepared import SHADOWS
from edocx.verification import verify

A4, A5 = (595, 842), (420, 595)


def pages(size=A4):
    import fpdf

    document = fpdf.FPDF(unit="pt", format=size)
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text="As signed")
    return bytes(document.output())


class Desk:
    """Signs plainly, as other tools do, and judges."""

    def __init__(self, bench, folder):
        self.bench, self.folder, self.count = bench, folder, 0

    def place(self, data):
        self.count += 1
        path = self.folder / f"{self.count}.pdf"
        path.write_bytes(data)
        return path

    def signed(self, data, signer, field, box=None):
        look = Appearance(lines=("Ký",)) if box is not None else None
        out = self.folder / f"{self.count}-signed.pdf"
        sign(self.place(data), out, signer, at=SIGNED_AT, field=field, certify=False, box=box, appearance=look)
        return out.read_bytes()

    def judged(self, data):
        return verify(self.place(data), trust=self.bench.trust, at=AT)


@pytest.fixture
def desk(bench, tmp_path):
    return Desk(bench, tmp_path)


def changed(data, change):
    stream = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(stream, strict=False)
    change(writer)
    writer.write_in_place()
    return stream.getvalue()


@pytest.mark.parametrize("shadow", SHADOWS, ids=str)
def test_a_shadow_fails_whoever_seals_it_later(bench, desk, shadow):
    first = desk.signed(shadow.prepared(pages()), bench.person, "Leader")
    assert desk.judged(first).indication is Indication.TOTAL_PASSED, "what is prepared shows nothing yet"
    revealed = shadow.revealed(first)
    assert desk.judged(revealed).signatures[0].indication is Indication.TOTAL_FAILED
    report = desk.judged(desk.signed(revealed, bench.agency, "Seal"))
    *earlier, seal = report.signatures  # one that is shown twice is listed twice
    assert {one.indication for one in earlier} == {Indication.TOTAL_FAILED}
    assert seal.indication is Indication.TOTAL_PASSED


def with_store(data):
    """A revision of validation data, after which no signature ends."""

    def change(writer):
        certificate = writer.add_object(generic.StreamObject(stream_data=b"not looked at"))
        store = generic.DictionaryObject({pdf_name("/Certs"): generic.ArrayObject([certificate])})
        writer.root[pdf_name("/DSS")] = writer.add_object(store)
        writer.update_root()

    return changed(data, change)


@pytest.mark.parametrize("dress", [lambda data: data, with_store], ids=["signature-last", "store-last"])
def test_bytes_after_the_end_of_the_file_do_not_pass_unnamed(bench, desk, dress):
    data = dress(desk.signed(pages(), bench.person, "Leader"))
    assert desk.judged(data).indication is Indication.TOTAL_PASSED
    assert desk.judged(data + b"\n\r\n").indication is Indication.TOTAL_PASSED
    assert desk.judged(data + b"\n\r\n\0").indication is Indication.INDETERMINATE
    for attack in appendices(data):
        report = desk.judged(attack.data)
        assert report.indication is not Indication.TOTAL_PASSED, attack.name
        said = {message.code for message in report.messages} | {m.code for s in report.signatures for m in s.messages}
        assert said & {"EDX-PDF-TAIL", "EDX-PDF-CHANGED", "EDX-PDF-DAMAGED-AROUND"}, (attack.name, said)


@pytest.mark.parametrize(
    "before,after,fills",
    [
        ("", "12", True),
        ("12", "12", True),
        ("12", "13", False),
        ("ngày      tháng      năm 2023", "ngày 15 tháng 6 năm 2023", True),
        ("ngày      tháng      năm 2023", "ngày 15 tháng 6 năm 2024", False),
        ("Số: ....../UBND", "Số: 12/UBND", True),
        ("Số: ....../UBND", "12/UBND", False),
        ("Số: ......", "Số: 12", True),
        ("100 đồng", "100 000 đồng", False),
    ],
)
def test_filling_is_for_blanks(before, after, fills):
    assert fills_blanks(before, after) is fills


def information(writer):
    title = generic.DictionaryObject({pdf_name("/Title"): pdf_string("another title")})
    writer.set_info(writer.add_object(title))


def metadata(writer):
    names = {pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")}
    packet = generic.StreamObject(names, stream_data=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><t>other</t></x:xmpmeta>")
    writer.root[pdf_name("/Metadata")] = writer.add_object(packet)
    writer.update_root()


def regenerated(writer):
    writer.root["/AcroForm"][pdf_name("/NeedAppearances")] = generic.BooleanObject(value=True)
    writer.update_container(writer.root["/AcroForm"])
    writer.update_root()


def drawn_otherwise(writer):
    writer.root["/AcroForm"][pdf_name("/DA")] = pdf_string("/Helv 0 Tf 1 g")
    writer.update_container(writer.root["/AcroForm"])
    writer.update_root()


def version(writer):
    writer.root[pdf_name("/Version")] = pdf_name("/2.0")
    writer.update_root()


SETTINGS = {
    "Title": (information, "EDX-PDF-LATER-PROPERTIES"),
    "Metadata": (metadata, "EDX-PDF-LATER-PROPERTIES"),
    "DA": (drawn_otherwise, "EDX-PDF-LATER-FORM"),
    "Version": (version, "EDX-PDF-LATER-VERSION"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_changed_under_a_later_seal_is_named_as_what_it_is(bench, desk, name):
    change, code = SETTINGS[name]
    first = desk.signed(pages(), bench.person, "Leader")
    report = desk.judged(desk.signed(changed(first, change), bench.agency, "Seal"))
    assert report.indication is Indication.TOTAL_PASSED
    one, other = report.signatures
    said = {message.code: message for message in one.messages}
    assert name in said[code].where
    assert said[code].severity == "warning"
    assert "“Seal” covers that" in said[code].en
    assert code not in {message.code for message in other.messages}


@pytest.mark.parametrize(
    "value,shown,told",
    [
        ("100", b"100", False),
        ("Do Tr", b"Do Tr", False),
        ("100", b"999", True),
        (None, b"999", True),
        ("100", b"100) Tj /X Do (", True),
        ("100", b") Tj 3 Tr(100", True),
        ("100", b"9) Tj %\n(99", True),
        ("001", b"00) Tj -20 0 Td (1", True),
        ("1009", b"1) Tj 0 500 Td (00) Tj 0 -500 Td (9", True),
        ("100", b"100) Tj 1 g 0 0 200 40 re f (", True),
        ("100", b"100) Tj 5 5 m 5 30 l S (", True),
        ("100", b") Tj /G0 gs (100", True),
        ("100", b") Tj /F1 .01 Tf (100", True),
        ("100", b") Tj .9 0 0 .9 2 2 Tm (100", False),
        ("100", b") Tj [(1) -20 (0) 30 (0)] TJ (", False),
        ("19", b") Tj [(1) 1100 (9)] TJ (", True),
        ("001", b") Tj -12 Tc (001", True),
        ("801", b") Tj -1 0 0 1 40 2 Tm (801", True),
        ("66", b") Tj -1 0 0 -1 40 16 Tm (66", True),
        ("100", b") Tj .01 0 0 .01 2 2 Tm (100", True),
        ("100", b") Tj ET .01 0 0 .01 0 0 cm BT /F1 12 Tf 2 2 Td (100", True),
        ("001", b"00) Tj T* (1", True),
        ("1000", b") Tj 0 0 6 20 re W n (1000", True),
        ("1000", b") Tj /F1 900 Tf (1000", True),
        ("100", b") Tj /OC /MC0 BDC (100) Tj EMC (", True),
    ],
)
def test_a_field_that_shows_another_value_is_told_below_a_later_seal(bench, desk, value, shown, told):
    shadow = filled_showing(value, shown)
    first = desk.signed(shadow.prepared(pages()), bench.person, "Leader")
    report = desk.judged(desk.signed(shadow.revealed(first), bench.agency, "Seal"))
    said = {message.code: message for message in report.messages}
    assert ("EDX-PDF-VALUE-LOOK" in said) is told
    if told:
        assert said["EDX-PDF-VALUE-LOOK"].where == "Shadow"
        assert "ask the sender" in said["EDX-PDF-VALUE-LOOK"].en


def test_settings_left_alone_are_not_spoken_of(bench, desk):
    first = desk.signed(pages(), bench.person, "Leader")
    report = desk.judged(desk.signed(first, bench.agency, "Seal"))
    assert not any("LATER" in message.code for one in report.signatures for message in one.messages)


def test_form_settings_that_nobody_signed_do_not_pass(bench, desk):
    report = desk.judged(changed(desk.signed(pages(), bench.person, "Leader"), regenerated))
    assert report.indication is not Indication.TOTAL_PASSED
    assert "EDX-PDF-FORM-SETTINGS" in {message.code for message in report.messages}


def box(width, height, left=20, bottom=20):
    return Box(page=0, x1=left, y1=bottom, x2=left + width, y2=bottom + height)


@pytest.mark.parametrize(
    "size,place,passes",
    [
        (A4, box(200, 200), True),
        (A4, box(400, 300), True),
        (A5, box(200, 200), True),
        (A5, box(380, 300), False),  # less than a quarter of A4, and nearly half of this page
        (A4, box(500, 400), False),
        ((300, 200), box(200, 90, 10, 10), True),  # a label: more than a quarter, and no more than a signature needs
        ((300, 200), box(260, 120, 10, 10), False),
    ],
)
def test_a_later_signature_takes_a_quarter_of_its_own_page_at_most(bench, desk, size, place, passes):
    first = desk.signed(pages(size), bench.person, "Leader")
    report = desk.judged(desk.signed(first, bench.agency, "Seal", place))
    assert (report.signatures[0].indication is Indication.TOTAL_PASSED) is passes
    codes = {message.code for message in report.signatures[0].messages}
    assert ("EDX-PDF-COVERED" in codes) is not passes


def test_many_later_signatures_do_not_cover_a_page_together(bench, desk):
    data = desk.signed(pages(), bench.person, "Leader")
    for number, (left, bottom) in enumerate(((10, 10), (300, 10), (10, 430))):
        data = desk.signed(data, bench.agency, f"Seal{number}", box(280, 400, left, bottom))
        report = desk.judged(data)
        expected = Indication.TOTAL_PASSED if number < 2 else Indication.TOTAL_FAILED
        assert report.signatures[0].indication is expected, number


def with_number(writer):
    page, _ = writer.find_page_for_modification(0)
    form = generic.StreamObject(
        {
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 60, 20)),
        },
        stream_data=b"0 g 0 0 5 5 re f",
    )
    look = generic.DictionaryObject({pdf_name("/N"): writer.add_object(form)})
    held = generic.DictionaryObject(
        {
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/T"): pdf_string("Number"),
            pdf_name("/V"): pdf_string("12"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (100, 700, 160, 720)),
            pdf_name("/AP"): look,
            pdf_name("/P"): page,
        }
    )
    reference = writer.add_object(held)
    fields = generic.ArrayObject([reference])
    writer.root[pdf_name("/AcroForm")] = generic.DictionaryObject({pdf_name("/Fields"): fields})
    writer.update_root()
    writer.register_annotation(page, reference)


@pytest.mark.parametrize("left,passes", [(90, False), (150, True), (300, True)])
def test_no_later_signature_stands_over_a_number_that_was_signed(bench, desk, left, passes):
    first = desk.signed(changed(pages(), with_number), bench.person, "Leader")
    report = desk.judged(desk.signed(first, bench.agency, "Seal", box(100, 100, left, 650)))
    assert (report.signatures[0].indication is Indication.TOTAL_PASSED) is passes


@pytest.mark.parametrize("left,passes", [(20, False), (130, True), (170, True)])
def test_a_seal_covers_part_of_a_signature_and_never_all(bench, desk, left, passes):
    first = desk.signed(pages(), bench.person, "Leader", box(80, 40, 110, 160))
    report = desk.judged(desk.signed(first, bench.agency, "Seal", box(102 if passes else 200, 102, left, 130)))
    assert (report.signatures[0].indication is Indication.TOTAL_PASSED) is passes
