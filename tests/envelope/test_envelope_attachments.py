from __future__ import annotations

import base64
import io
import os
import random
import re
import unicodedata
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest
from envelope_scenario import as_bytes, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx.content import Blob
from edocx.envelope import Attachment, Limits, Reading, extract, open_envelope, write
from edocx.envelope.filenames import LONGEST, cleaned, distinct
from edocx.errors import InputError, LimitExceeded, UsageError


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def envelope_with(data: bytes, name: str, kind: str = "application/zip") -> bytes:
    """An envelope with one attachment, as a careless sender would write it."""
    text = as_bytes(
        full_document(attachments=(Attachment(content_id="a1", name="ten.pdf", content=Blob.from_bytes(b"MAU!")),))
    )
    return (
        text.replace(b"TUFVIQ==", base64.b64encode(data))
        .replace(b"ten.pdf", name.encode())
        .replace(b"ContentType>application/pdf", b"ContentType>" + kind.encode())
    )


def opened(data: bytes, limits: Limits | None = None) -> Reading:
    reading = open_envelope(data, limits=limits)
    reading.detach()
    return reading


def the_file(reading: Reading) -> Attachment:
    [attachment] = reading.envelope.attachments
    return attachment


@pytest.mark.parametrize(
    "name, entry, kind",
    [
        ("bang.xlsx", "9a2f.xlsx", "application/zip"),
        ("ghi chú.txt", "90b3.txt", "application/zip"),
        ("cong-van.pdf", "cong-van.pdf", "application/pdf"),
        ("bang.xlsx", "bang.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_one_entry_zip_is_opened_by_what_it_is(name: str, entry: str, kind: str, method: int) -> None:
    content = b"noi dung " * 500
    reading = opened(envelope_with(zipped((entry, content), method=method), name, kind))
    assert the_file(reading).content == Blob.from_bytes(content)
    assert the_file(reading).content.read() == content
    assert the_file(reading).name == name
    assert {quirk.id for quirk in reading.quirks} == {"zip-wrapped" if kind == "application/zip" else "zip-undeclared"}


def test_a_name_without_extension_takes_that_of_the_entry() -> None:
    attachment = the_file(opened(envelope_with(zipped(("90b3.txt", b"x")), "ghi chú")))
    assert (attachment.name, attachment.media_type) == ("ghi chú.txt", "text/plain")


@pytest.mark.parametrize(
    "name, entries",
    [
        ("goi.zip", [("a.txt", b"1")]),
        ("goi.zip", [("a.txt", b"1"), ("../b.txt", b"2")]),
        ("van-ban.docx", [("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]),
        ("van-ban.odt", [("mimetype", b"x"), ("content.xml", b"<x/>")]),
        ("ky.asice", [("mimetype", b"x")]),
    ],
)
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/zip"])
def test_a_file_that_is_a_zip_itself_stays_as_it_is(name: str, entries: list, kind: str) -> None:
    if name == "ky.asice" and kind == "application/zip":
        return  # one entry that calls itself a zip is one wrapped file
    data = zipped(*entries)
    reading = opened(envelope_with(data, name, kind))
    assert the_file(reading).content.read() == data
    assert not the_file(reading).zipped
    assert not reading.findings


@pytest.mark.parametrize(
    "entries, code",
    [
        ([("a.txt", b"1"), ("b.txt", b"2")], "EDX-ZIP-ENTRIES"),
        ([], "EDX-ZIP-ENTRIES"),
        ([("../../etc/cron.d/x", b"1")], "EDX-ZIP-PATH"),
        ([("a/b.txt", b"1")], "EDX-ZIP-PATH"),
        ([("..\\b.txt", b"1")], "EDX-ZIP-PATH"),
        ([("C:b.txt", b"1")], "EDX-ZIP-PATH"),
        ([("a/", b"")], "EDX-ZIP-PATH"),
    ],
)
def test_a_zip_with_a_path_or_other_than_one_entry_is_a_finding(entries: list, code: str) -> None:
    reading = opened(envelope_with(zipped(*entries), "ghi-chu.txt"))
    assert the_file(reading).content is None
    assert [(item.code, item.severity) for item in reading.findings] == [(code, "error")]
    assert reading.findings[0].where == "/edXML/AttachmentEncoded/Attachment"


def test_a_damaged_or_encrypted_zip_is_a_finding() -> None:
    good = bytearray(zipped(("a.txt", b"xin chao" * 50)))
    for spoil in (good[:-30], good[:40] + b"\xff" * 4 + good[44:]):
        assert opened(envelope_with(bytes(spoil), "a.txt")).findings[0].code == "EDX-ZIP-DAMAGED"
    place = good.index(b"PK\x01\x02")
    good[6] |= 1
    good[place + 8] |= 1
    assert opened(envelope_with(bytes(good), "a.txt")).findings[0].code == "EDX-ZIP-METHOD"


def test_a_zip_bomb_stops_at_the_ratio() -> None:
    data = envelope_with(zipped(("a.txt", bytes(30_000_000))), "a.txt")
    with pytest.raises(LimitExceeded) as caught:
        opened(data)
    assert caught.value.code == "EDX-LIMIT-ZIP-RATIO"
    assert the_file(opened(data, Limits(zip_ratio=2000))).content.size == 30_000_000


def test_a_zip_inside_a_zip_is_opened_only_as_deep_as_allowed() -> None:
    inner = zipped(("a.txt", b"trong"))
    data = envelope_with(zipped(("a.txt", inner)), "a.txt")
    assert the_file(opened(data)).content.read() == inner
    assert the_file(opened(data, Limits(zip_nesting=2))).content.read() == b"trong"
    assert not the_file(opened(data, Limits(zip_nesting=0))).zipped


def test_a_central_directory_of_gigabytes_is_not_read() -> None:
    data = bytearray(zipped(("a.txt", b"x")))
    place = data.rindex(b"PK\x05\x06")
    data[place + 12 : place + 20] = (0xFFFFFF00).to_bytes(4, "little") + (0).to_bytes(4, "little")
    assert opened(envelope_with(bytes(data), "a.txt")).findings[0].code == "EDX-ZIP-DAMAGED"


@pytest.mark.parametrize(
    "limits, code",
    [
        (Limits(attachments=1), "EDX-LIMIT-ATTACHMENTS"),
        (Limits(attachment_bytes=11), "EDX-LIMIT-ATTACHMENT"),
        (Limits(total_bytes=20), "EDX-LIMIT-TOTAL"),
        (Limits(file_bytes=1000), "EDX-LIMIT-FILE"),
        (Limits(skeleton_bytes=1000), "EDX-LIMIT-SIZE"),
        (Limits(elements=20), "EDX-LIMIT-ELEMENTS"),
    ],
)
def test_every_limit_stops_what_passes_it(limits: Limits, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        opened(as_bytes(full_document()), limits)
    assert caught.value.code == code
    # The remedy names the one bound that would have to be raised.
    (turned,) = (one.name for one in fields(Limits) if getattr(limits, one.name) != getattr(Limits(), one.name))
    assert f"Limits({turned}=…)" in caught.value.hint.vi
    assert f"Limits({turned}=…)" in caught.value.hint.en


@pytest.mark.parametrize("more", [1 << 20, 8 << 20])
def test_what_is_too_long_is_said_by_its_limit_not_by_where_reading_stopped(more: int) -> None:
    for long in (
        b"<!--" + b"x" * (Limits().skeleton_bytes + more) + b"-->",
        b"<x>" + b"y" * ((4 << 20) + more) + b"</x>",
    ):
        with pytest.raises(LimitExceeded) as caught:
            opened(as_bytes(full_document()).replace(b"</edXML:edXMLHeader>", long + b"</edXML:edXMLHeader>"))
        assert caught.value.code == "EDX-LIMIT-SIZE"
        assert re.findall(r"[0-9]+", caught.value.text.en) == [str(Limits().skeleton_bytes)]


@pytest.mark.parametrize("wrapping", [None, 76])
def test_invalid_base64_is_an_error_with_its_offset(wrapping: int | None) -> None:
    good = base64.b64encode(bytes(range(256)) * 2000)
    if wrapping:
        good = b"\r\n".join(good[place : place + wrapping] for place in range(0, len(good), wrapping))
    data = envelope_with(b"MAU!", "a.pdf").replace(base64.b64encode(b"MAU!"), good[:300_001] + b"@" + good[300_002:])
    reading = opened(data)
    [finding] = reading.findings
    assert finding.code == "EDX-BASE64"
    assert finding.where == f"/edXML/AttachmentEncoded/Attachment/ContentTransferEncoded, byte {data.rindex(b'@')}"
    assert the_file(reading).content is None


def test_a_manifest_entry_without_a_file_is_an_error_finding() -> None:
    data = as_bytes(full_document()).replace(b"<ContentId>cid:a2</ContentId>", b"<ContentId>cid:a9</ContentId>")
    reading = opened(data)
    assert [item.content is None for item in reading.envelope.attachments] == [False, True, False]
    assert {item.code for item in reading.findings} == {"EDX-ATTACHMENT-MISSING", "EDX-ATTACHMENT-UNLISTED"}
    assert {item.severity for item in reading.findings} == {"error"}


def test_two_files_with_one_key_are_an_error_finding() -> None:
    data = as_bytes(full_document()).replace(b"<ContentId>cid:a2<", b"<ContentId>cid:a1<")
    assert "EDX-ATTACHMENT-TWICE" in {item.code for item in opened(data).findings}


def test_a_name_that_contradicts_the_manifest_is_a_finding_and_the_manifest_counts() -> None:
    data = as_bytes(full_document()).replace(b"<AttachmentName>cong-van.pdf<", b"<AttachmentName>khac.pdf<")
    reading = opened(data)
    assert reading.envelope.attachments[0].name == "cong-van.pdf"
    assert {item.code for item in reading.findings} == {"EDX-ATTACHMENT-NAME"}


@pytest.mark.parametrize("content", ["<x/>", "<!-- -->", ""])
def test_an_attachment_without_text_is_empty_and_said(content: str) -> None:
    data = envelope_with(b"MAU!", "a.pdf").replace(base64.b64encode(b"MAU!"), content.encode())
    reading = opened(data)
    assert the_file(reading).content == Blob.from_bytes(b"")
    assert {item.code for item in reading.findings} == {"EDX-ATTACHMENT-ZERO"}


@pytest.mark.parametrize(
    "wire, clean",
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\x.dll", "x.dll"),
        ("C:\\a\\b.pdf", "b.pdf"),
        ("a\x00b\n.pdf", "a_b_.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("..", "tep-dinh-kem"),
        ("", "tep-dinh-kem"),
        (" . ", "tep-dinh-kem"),
        ("hoa\u202egpj.exe", "hoagpj.exe"),
        ("a\u200bb.pdf", "ab.pdf"),
        ("ten.pdf. ", "ten.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        (unicodedata.normalize("NFD", "Công văn số 1.pdf"), "Công văn số 1.pdf"),
    ],
)
def test_names_are_cleaned(wire: str, clean: str) -> None:
    assert cleaned(wire) == clean


@given(st.text(max_size=400))
def test_a_cleaned_name_is_one_file_in_its_folder(text: str) -> None:
    name = cleaned(text)
    assert name
    assert name not in {".", ".."}
    assert not set(name) & set('/\\<>:"|?*\x00')
    assert len(name.encode()) <= LONGEST
    assert cleaned(name) == name
    assert unicodedata.is_normalized("NFC", name)


@given(st.lists(st.sampled_from(["a.pdf", "A.PDF", "a (2).pdf", "b", "B"]), max_size=12))
def test_distinct_names_are_distinct_whatever_the_case(names: list[str]) -> None:
    result = distinct(names)
    assert len(result) == len(names)
    assert len({name.casefold() for name in result}) == len(names)


def test_a_long_name_keeps_its_extension() -> None:
    assert cleaned("ế" * 300 + ".pdf").endswith("ế.pdf")


def test_extracting_writes_nothing_outside_and_overwrites_nothing(tmp_path: Path) -> None:
    data = envelope_with(b"%PDF-1", "../../ngoai.pdf", "application/pdf")
    inside = tmp_path / "trong"
    inside.mkdir()
    (inside / "NGOAI.pdf").write_text("có sẵn")
    with open_envelope(data) as reading:
        [path] = extract(reading.envelope, inside)
        assert "name-cleaned" in {quirk.id for quirk in reading.quirks}
    assert path == inside / "ngoai (2).pdf"
    assert path.read_bytes() == b"%PDF-1"
    assert (inside / "NGOAI.pdf").read_text() == "có sẵn"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["trong"]


def test_extracting_passes_over_a_file_that_could_not_be_read(tmp_path: Path) -> None:
    data = as_bytes(full_document()).replace(b"JVBERi0x", b"@@@@@@@@")
    with open_envelope(data) as reading:
        paths = extract(reading.envelope, tmp_path)
    assert paths[0] is None
    assert paths[1] == tmp_path / "ghi chú.txt"


def test_temporary_files_have_no_names_and_are_gone_afterwards(tmp_path: Path) -> None:
    data = as_bytes(full_document()).replace(b"JVBERi0x", b"JVBE<!-- -->Ri0x")
    with open_envelope(data, workdir=tmp_path) as reading:
        assert reading.envelope.attachments[0].content.read().startswith(b"%PDF-1")
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError) as caught:
        reading.envelope.attachments[0].content.read()
    assert caught.value.code == "EDX-ENVELOPE-CLOSED"
    before = open_files()
    for cut in range(0, len(data), 300):
        with pytest.raises(InputError):
            open_envelope(data[:cut], workdir=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert open_files() <= before


def test_a_file_changed_while_it_is_open_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.edxml"
    write(full_document(), path)
    with open_envelope(path) as reading:
        with path.open("r+b") as stream:
            stream.seek(path.read_bytes().index(b"JVBERi0x"))
            stream.write(b"AAAAAAAA")
        with pytest.raises(InputError) as caught:
            reading.envelope.attachments[0].content.read()
        assert caught.value.code == "EDX-FILE-CHANGED"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError):
        reading.detach().attachments[0].content.read()


@pytest.mark.parametrize("newline", [b"", b"\n", b"\r\n"])
def test_a_content_can_be_read_from_anywhere(newline: bytes, tmp_path: Path) -> None:
    content = random.Random(7).randbytes(3_000_001)
    text = base64.b64encode(content)
    text = newline.join(text[place : place + 76] for place in range(0, len(text), 76))
    (tmp_path / "x").write_bytes(
        envelope_with(b"MAU!", "a.pdf", "application/pdf").replace(base64.b64encode(b"MAU!"), text)
    )
    chooser = random.Random(8)
    with open_envelope(tmp_path / "x") as reading:
        blob = the_file(reading).content
        assert blob == Blob.from_bytes(content)
        with blob.open() as stream:
            for _ in range(60):
                place, size = chooser.randrange(len(content)), chooser.choice([1, 5, 1000, 300_000])
                assert stream.seek(place) == place
                assert stream.read(size) == content[place : place + size]
            assert stream.seek(-3, os.SEEK_END) == len(content) - 3
            assert stream.read() == content[-3:]
            stream.seek(0)
            buffer = bytearray(10)
            assert stream.readinto(buffer) == 10
            assert bytes(buffer) == content[:10]
