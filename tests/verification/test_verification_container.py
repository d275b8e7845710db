"""Containers and signatures beside a file: what stands around what was signed is refused or named, never silent."""

from __future__ import annotations

import io
import zipfile
from unicodedata import normalize
from urllib.parse import quote

import pytest
from asn1crypto import cms
from verification_scene import AT, SIGNED_AT

from edocx.errors import InputError, PdfError
from edocx.signing.cms.sign import sign_file
from edocx.signing.container import framing
from edocx.signing.container.sign import sign_files
from edocx.signing.report import Indication, Integrity
from edocx.signing.xml.source import member_name
from edocx.testing.attacks import container as attacks
from edocx.verification import verify


@pytest.fixture
def files(tmp_path):
    (tmp_path / "note.txt").write_text("ghi chú " * 100, "utf-8")
    (tmp_path / "bảng.csv").write_text("a,b\n", "utf-8")
    return [tmp_path / "note.txt", tmp_path / "bảng.csv"]


@pytest.fixture
def genuine(bench, files, tmp_path):
    return sign_files(files, tmp_path / "a.asice", bench.agency, at=SIGNED_AT).read_bytes()


def judged(bench, data, folder, suffix="asice", **options):
    path = folder / f"judged.{suffix}"
    path.write_bytes(data)
    return verify(path, trust=bench.trust, at=AT, **options)


def test_a_zip_that_readers_take_for_different_ones_is_refused(bench, genuine, tmp_path):
    assert judged(bench, genuine, tmp_path).indication is Indication.TOTAL_PASSED
    kinds = []
    for attack in attacks.framings(genuine):
        with pytest.raises(InputError) as refusal:
            judged(bench, attack.data, tmp_path)
        kinds.append((attack.name, refusal.value.code))
    assert len(kinds) == 19
    # One is no zip by its beginning, and in two Python finds the directory at the wrong place or names that differ.
    others = {name for name, code in kinds if code != "EDX-ZIP-FOREIGN"}
    named = {"zip-bytes-in-front", "zip-other-local-name", "zip-bytes-before-the-end", "zip-folder-with-content"}
    named |= {"zip-link"}
    assert others <= named, kinds


def written(items, *, seekable=True, large=False, comment=b""):
    """A zip as others write it: sizes behind the data, room for 64 bits, a comment."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    target = io.BytesIO() if seekable else Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for entry, data in items:
            made = zipfile.ZipInfo(entry.filename, entry.date_time)
            with archive.open(made, "w", force_zip64=large) as stream:
                stream.write(data)
    return target.getvalue() if seekable else bytes(target.data)


@pytest.mark.parametrize(
    "shape",
    [
        {"seekable": False},
        {"large": True},
        {"seekable": False, "large": True},
        {"comment": b"mimetype=application/vnd.etsi.asic-e+zip"},
    ],
)
def test_the_ways_others_write_a_zip_are_read(bench, genuine, tmp_path, shape):
    with zipfile.ZipFile(io.BytesIO(genuine)) as archive:
        items = [(entry, archive.read(entry)) for entry in archive.infolist()]
    assert judged(bench, written(items, **shape), tmp_path).indication is Indication.TOTAL_PASSED


def test_a_container_may_hold_a_zip(bench, files, genuine, tmp_path):
    (tmp_path / "inside.zip").write_bytes(written([(zipfile.ZipInfo("a.txt"), b"a")]))
    out = sign_files([tmp_path / "inside.zip"], tmp_path / "b.asice", bench.agency, at=SIGNED_AT).read_bytes()
    with zipfile.ZipFile(io.BytesIO(out)) as archive:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as copy:  # stored: the end record of the inner one stands near the end
            for name in archive.namelist():
                copy.writestr(name, archive.read(name))
    assert framing.framing_fault(stream, zipfile.ZipFile(stream).infolist()) is None
    assert judged(bench, stream.getvalue(), tmp_path).signatures[0].indication is Indication.TOTAL_PASSED


def test_a_zip_of_more_entries_than_16_bits_count_is_read_by_its_own_end_record():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    assert framing.framing_fault(stream, archive.infolist()) is None
    end = stream.getvalue().rindex(b"PK\6\6")
    spoiled = stream.getvalue()[:end] + b"foreign" + stream.getvalue()[end:]
    assert framing.framing_fault(io.BytesIO(spoiled), archive.infolist()) is not None


def with_a_pdf_as_it_is(files, signer, folder, *, suffix="asice", front=b""):
    """A container whose first file is a PDF, stored: its beginning stands where viewers look for a PDF's."""
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
    out = sign_files([folder / "letter.pdf", *files], folder / f"c.{suffix}", signer, at=SIGNED_AT).read_bytes()
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(out)) as archive, zipfile.ZipFile(stream, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name))
    assert b"%PDF-" in stream.getvalue()[:1024]
    return front + stream.getvalue()


def test_a_container_may_hold_a_pdf_as_it_is(bench, files, tmp_path):
    report = judged(bench, with_a_pdf_as_it_is(files, bench.agency, tmp_path), tmp_path)
    assert report.format == "asice"
    assert report.signatures[0].indication is Indication.TOTAL_PASSED


def test_a_file_that_is_pdf_and_zip_becomes_neither_in_silence(bench, files, tmp_path):
    data = with_a_pdf_as_it_is(files, bench.agency, tmp_path)
    with pytest.raises(PdfError):  # by its name it goes to a PDF viewer
        judged(bench, data, tmp_path, "pdf")
    with pytest.raises(PdfError):  # by its beginning it is no zip
        judged(bench, b"\n" + data, tmp_path)
    with pytest.raises(InputError):  # it begins as a zip does, and is none
        judged(bench, b"PK\3\4\n%PDF-1.7\n", tmp_path)


def test_a_pdf_with_the_beginning_of_a_zip_inside_a_container_is_named(bench, files, tmp_path):
    (tmp_path / "both.pdf").write_bytes(b"PK\3\4\n%PDF-1.7\n1 0 obj\n")
    out = sign_files([tmp_path / "both.pdf"], tmp_path / "d.asice", bench.agency, at=SIGNED_AT).read_bytes()
    (inside,) = judged(bench, out, tmp_path).attachments
    assert [message.code for message in inside.messages] == ["EDX-INSIDE-UNREADABLE"]


def test_nothing_is_said_in_a_container_where_no_signature_reaches(bench, genuine, tmp_path):
    codes = {}
    for attack in attacks.remarks(genuine):
        report = judged(bench, attack.data, tmp_path)
        assert report.indication is Indication.INDETERMINATE, attack.name
        assert report.signatures[0].indication is Indication.TOTAL_PASSED, attack.name
        codes[attack.name] = {message.code for message in report.messages}
    assert codes == {
        "remark-comment": {"EDX-ASIC-COMMENT"},
        "remark-comment-of-entry": {"EDX-ASIC-COMMENT"},
        "remark-mimetype": {"EDX-ASIC-MIMETYPE"},
        "remark-file-named-as-a-part": {"EDX-PARTIAL-COVERAGE"},
        "remark-object": {"EDX-PARTIAL-COVERAGE"},
        "remark-instruction": {"EDX-XML-INSTRUCTION"},
        "remark-property": {"EDX-PARTIAL-COVERAGE"},
        "remark-countersignature": {"EDX-PARTIAL-COVERAGE"},
        "remark-references": {"EDX-PARTIAL-COVERAGE"},
        "remark-property-of-data": {"EDX-PARTIAL-COVERAGE"},
    }


def test_what_nobody_signed_in_meta_inf_is_named(bench, genuine, tmp_path):
    assert judged(bench, genuine, tmp_path).messages == ()
    for attack in attacks.beside(genuine):
        report = judged(bench, attack.data, tmp_path)
        named = [message.where for message in report.messages]
        assert any(attack.name.removeprefix("beside-") in (where or "") for where in named), attack.name
        assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL), attack.name
        assert report.signatures[0].indication is Indication.TOTAL_PASSED, attack.name


@pytest.mark.parametrize(
    "name, content",
    [
        ("META-INF/ASiCArchiveManifest.xml", b"<?xml version='1.0'?><a/>"),
        ("META-INF/timestamp001.tst", b"\x30\x03\x02\x01\x00"),
        ("META-INF/evidencerecord.ers", b"\x30\x03\x02\x01\x00"),
        ("META-INF/container.xml", b"<container/>"),
    ],
)
def test_what_the_standard_puts_into_meta_inf_is_told_and_changes_no_verdict(bench, genuine, tmp_path, name, content):
    def with_it(data):
        stream = io.BytesIO(genuine)
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr(zipfile.ZipInfo(name), data)
        return judged(bench, stream.getvalue(), tmp_path)

    report = with_it(content)
    assert report.indication is Indication.TOTAL_PASSED
    assert [(one.code, one.where) for one in report.messages] == [("EDX-ASIC-BESIDE", name)]
    for posing in (b"%PDF-1.7 FORGED", content + b"%PDF-1.7 FORGED", b"FORGED"):
        assert with_it(posing).indication is Indication.INDETERMINATE


def test_what_stands_behind_a_signature_is_named_and_does_not_pass(bench, files, tmp_path):
    data = sign_file(files[0], tmp_path / "a.p7s", bench.person, at=SIGNED_AT).read_bytes()
    for attack in attacks.trailers(data):
        if attack.name == "trailing-pem-ahead":  # by its beginning it is no signature at all
            with pytest.raises(InputError):
                judged(bench, attack.data, tmp_path, "p7s", detached=[files[0]])
            continue
        report = judged(bench, attack.data, tmp_path, "p7s", detached=[files[0]])
        assert "EDX-CMS-TRAILING" in {message.code for message in report.messages}, attack.name
        assert report.indication is Indication.INDETERMINATE, attack.name
        assert report.signatures[0].indication is Indication.TOTAL_PASSED, attack.name


@pytest.mark.parametrize("end", [b"\n", b"\r\n", bytes(512)])
def test_white_space_and_padding_behind_a_signature_say_nothing(bench, files, tmp_path, end):
    data = sign_file(files[0], tmp_path / "a.p7s", bench.person, at=SIGNED_AT).read_bytes()
    report = judged(bench, data + end, tmp_path, "p7s", detached=[files[0]])
    assert report.indication is Indication.TOTAL_PASSED


def test_a_signature_in_a_container_has_nothing_behind_it(bench, files, tmp_path):
    signature = sign_file(files[0], tmp_path / "a.p7s", bench.person, at=SIGNED_AT).read_bytes()

    def container(data):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("mimetype", "application/vnd.etsi.asic-s+zip")
            archive.write(files[0], "note.txt")
            archive.writestr("META-INF/signature.p7s", data)
        return stream.getvalue()

    assert judged(bench, container(signature), tmp_path, "asics").indication is Indication.TOTAL_PASSED
    report = judged(bench, container(signature + b"FORGED"), tmp_path, "asics")
    assert report.indication is Indication.INDETERMINATE
    assert [(one.code, one.where) for one in report.messages] == [("EDX-CMS-TRAILING", "META-INF/signature.p7s")]


def with_entry(data, name, added):
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        items = [(one.filename, source.read(one)) for one in source.infolist() if one.filename != name]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for item in [*items, (name, added)]:
            target.writestr(*item)
    return made.getvalue()


LISTED = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</m:manifest>'


@pytest.mark.parametrize(
    "inside, silent",
    [
        ('<m:file-entry m:full-path="/" m:media-type="application/vnd.etsi.asic-e+zip"/>', True),
        ('<m:file-entry m:full-path="note.txt" m:media-type="text/plain" m:size="9"/>', True),
        ('<m:file-entry m:full-path="/" m:media-type="a" note="900"/>', False),
        ('<m:file-entry m:full-path="/" m:media-type="Cấp"/>', False),
        ('<m:file-entry m:full-path="Cấp 900 tỷ" m:media-type="a"/>', False),
        ("<Letter><Approved/></Letter>", False),
        ('<m:file-entry m:full-path="/"><Approved/></m:file-entry>', False),
        ("<!-- 900 -->", False),
    ],
)
def test_a_listing_that_says_more_than_the_files_is_named(bench, genuine, tmp_path, inside, silent):
    report = judged(bench, with_entry(genuine, "META-INF/manifest.xml", LISTED.format(inside)), tmp_path)
    assert ("EDX-ASIC-BESIDE" in {one.code for one in report.messages}) is not silent


def test_a_folder_that_holds_nothing_is_named(bench, genuine, tmp_path):
    report = judged(bench, with_entry(genuine, "Cấp 900 tỷ/", b""), tmp_path)
    assert [one.where for one in report.messages if one.code == "EDX-ASIC-FOLDER"] == ["Cấp 900 tỷ/"]
    assert not [one for one in judged(bench, genuine, tmp_path).messages if one.code == "EDX-ASIC-FOLDER"]


@pytest.mark.parametrize(
    "name, data",
    [
        ("META-INF/signatures9.xml", b"<Letter><Text>900</Text></Letter>"),
        ("META-INF/my signatures.xml", b"<html><body>900</body></html>"),
    ],
)
def test_a_letter_under_the_name_of_a_signature_is_none(bench, genuine, tmp_path, name, data):
    """Readers that look for signatures by name pass it over, and who opens the container sees a letter in it."""
    report = judged(bench, with_entry(genuine, name, data), tmp_path)
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)
    assert [one.where for one in report.messages if one.code == "EDX-ASIC-BESIDE"] == [name]


def without_signers(bench, folder):
    """A CMS file that holds certificates and nobody's signature."""
    (folder / "x").write_bytes(b"x")
    signed = cms.ContentInfo.load(sign_file(folder / "x", folder / "x.p7s", bench.person, at=SIGNED_AT).read_bytes())
    signed["content"]["signer_infos"] = cms.SignerInfos([])
    return signed.dump(force=True)


def test_a_list_that_a_signature_without_signers_speaks_for_is_anybodys(bench, genuine, tmp_path):
    letter = (
        '<a:ASiCManifest xmlns:a="http://uri.etsi.org/02918/v1.2.1#"><a:SigReference URI="META-INF/signature3.p7s"/>'
        "<Letter>900</Letter></a:ASiCManifest>"
    )
    data = with_entry(genuine, "META-INF/signature3.p7s", without_signers(bench, tmp_path))
    report = judged(bench, with_entry(data, "META-INF/ASiCManifest3.xml", letter), tmp_path)
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)
    named = [one.where for one in report.messages if one.code == "EDX-ASIC-BESIDE"]
    assert named == ["META-INF/ASiCManifest3.xml", "META-INF/signature3.p7s"]


def test_a_list_of_names_in_another_form_names_the_same_files(bench, files, tmp_path):
    """A file system that takes letters apart writes such lists: “ả” as “a” and its mark."""
    data = sign_files(files, tmp_path / "a.asice", bench.agency, at=SIGNED_AT).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        items = [(normalize("NFD", one.filename), archive.read(one)) for one in archive.infolist()]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for item in items:
            target.writestr(*item)
    assert judged(bench, made.getvalue(), tmp_path).indication is Indication.TOTAL_PASSED
    assert member_name(quote(normalize("NFD", "bảng.csv"))) == "bảng.csv"
