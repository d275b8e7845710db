"""The detached seal: what a route that writes the envelope anew leaves of it, and what nobody may change meanwhile."""

from __future__ import annotations

import re
import zipfile
from base64 import b64encode
from io import BytesIO

import pytest
from lxml import etree
from sealing_scenario import AT

from edocx.content import Blob
from edocx.envelope import names as n
from edocx.envelope.model import Attachment, Unknown
from edocx.envelope.read import open_envelope, read
from edocx.envelope.write import compose, write
from edocx.errors import UsageError
from edocx.sealing import seal, statement_of, verify_envelope, with_statement
from edocx.signing.report import Indication, Integrity

RAW = {"pdf", "doc", "docx", "zip"}


@pytest.fixture
def both(workshop, letter, tmp_path):
    """An envelope with both forms of the seal, as a file."""
    path = tmp_path / "both.edxml"
    skeleton = compose(with_statement(letter, workshop.signer, at=AT))
    seal(skeleton, workshop.signer, at=AT)
    skeleton.save(path)
    return path


def rebuilt_officially(path, target):
    """Write an envelope anew as the official Java library does, by spec/edxml.md §2 and §2.7.

    Unknown elements and Ids go, absent numbers get their defaults, texts are trimmed, the manifest calls every file a
    zip, and every file that is no PDF or Word document is one.
    """
    with open_envelope(path) as reading:
        envelope, files = reading.envelope, {}
        for item in envelope.attachments:
            data = item.content.read()
            kind = f"application/{item.name.rpartition('.')[2]}"
            if item.name.rpartition(".")[2] not in RAW:
                packed = BytesIO()
                with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.writestr("0a1b2c.bin", data)
                data, kind = packed.getvalue(), "application/zip"
            files[item.content_id] = (data, kind)
        other = (envelope.other or type(envelope).model_fields["other"].annotation.__args__[0]()).model_copy(
            update={"urgency": 0, "copies": 1, "pages": 1, "direction": False}
        )
        skeleton = compose(envelope.model_copy(update={"other": other, "unknown": ()}))
        root = skeleton.root
        for element in root.iter(etree.Element):
            element.attrib.pop(n.ID, None)
        for holder, payload in zip(root.findall(f"{n.tag('AttachmentEncoded')}/*"), skeleton.payloads, strict=True):
            key = n.bare_id(holder.findtext(n.tag("ContentId")))
            data, kind = files[key]
            holder.find(n.tag("ContentType")).text = kind
            payload.text = __import__("base64").b64encode(data).decode()
        for entry in root.iter(n.tag("Reference")):
            entry.find(n.tag("ContentType")).text = "application/zip"
        target.write_bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))
    return target


def rebuilt_by_us(path, target):
    write(read(path), target)
    return target


@pytest.mark.parametrize("rebuild", [rebuilt_officially, rebuilt_by_us])
def test_the_detached_seal_survives_a_rebuild(workshop, letter, both, tmp_path, rebuild):
    path = rebuild(both, tmp_path / "rebuilt.edxml")
    assert b"xmldsig#" not in path.read_bytes()  # the seal in the header is gone
    report = verify_envelope(path, workshop.criteria)
    assert report.indication is Indication.TOTAL_PASSED, report.to_json()
    assert "EDX-SEAL-REBUILT" in {message.code for message in report.messages}
    again = read(path)
    assert (again.subject, again.to, again.document_id) == (letter.subject, letter.to, letter.document_id)
    files = [item.content.sha256 for item in again.attachments if item.name != n.SEAL_FILE]
    assert files == [item.content.sha256 for item in letter.attachments]


def test_defaults_that_a_route_filled_in_are_named(workshop, both, tmp_path):
    report = verify_envelope(rebuilt_officially(both, tmp_path / "r.edxml"), workshop.criteria)
    filled = {message.where for message in report.messages if message.code == "EDX-SEAL-REBUILT-DEFAULT"}
    assert filled == {"other.urgency", "other.copies", "other.pages", "other.direction"}


def test_with_both_forms_the_one_in_the_header_is_judged(workshop, both):
    report = verify_envelope(both, workshop.criteria)
    assert report.indication is Indication.TOTAL_PASSED
    assert len(report.signatures) == 1
    assert "EDX-SEAL-REBUILT" not in {message.code for message in report.messages}
    assert n.SEAL_FILE not in {message.where for message in report.messages}


CHANGES = {
    "recipient": (">G22</", ">G23</"),
    "subject": ("Về việc thử", "Về việc thật"),
    "business": ("BussinessDocType>0<", "BussinessDocType>1<"),
    "number": ("CodeNumber>01<", "CodeNumber>02<"),
    "file name": ("số liệu.bin", "số liệu khác.bin"),
    "a default that is none": ("<edXML:Subject>", "<edXML:SteeringType>2</edXML:SteeringType><edXML:Subject>"),
    "urgency": ("<edXML:Subject>", "<edXML:OtherInfo><edXML:Priority>3</edXML:Priority></edXML:OtherInfo><edXML:Subject>"),
    "one more recipient": (
        "<edXML:DocumentId>",
        "<edXML:To><edXML:OrganId>H41</edXML:OrganId></edXML:To><edXML:DocumentId>",
    ),
    "an empty recipient": ("<edXML:DocumentId>", "<edXML:To/><edXML:DocumentId>"),
    "content": ("aGVsbG8=", "aGVsbG9v"),
    "type": ("application/octet-stream", "application/x-msdownload"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_during_a_rebuild_fails(workshop, both, tmp_path, change):
    path = rebuilt_by_us(both, tmp_path / "r.edxml")
    before, after = CHANGES[change]
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    report = verify_envelope(path, workshop.criteria)
    assert (report.indication, report.integrity) == (Indication.TOTAL_FAILED, Integrity.INVALID)


@pytest.mark.parametrize("zipped", [False, True], ids=["two files alike", "two zips alike"])
def test_of_two_files_alike_neither_speaks_for_the_other(workshop, letter, tmp_path, zipped):
    """Each answers for itself: a zip around another file stands in for one because its twin still is what was sealed."""

    def packed(data):
        held = BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("a.txt", data)
        return held.getvalue()

    data = packed(b"Nghi hai ngay") if zipped else b"Nghi hai ngay"
    name = "phu-luc-{}.zip" if zipped else "phu-luc-{}.txt"
    twins = tuple(Attachment(name=name.format(one), content=Blob.from_bytes(data)) for one in "12")
    skeleton = compose(with_statement(letter.model_copy(update={"attachments": twins}), workshop.signer, at=AT))
    skeleton.save(tmp_path / "r.edxml")
    report = verify_envelope(tmp_path / "r.edxml", workshop.criteria)
    assert report.indication is Indication.TOTAL_PASSED, report.to_json()
    text, kept = (tmp_path / "r.edxml").read_text("utf-8"), b64encode(data).decode()
    assert text.count(kept) == 2
    for place in (text.index(kept), text.rindex(kept)):
        forged = text[:place] + b64encode(packed(b"Cap 900 ty")).decode() + text[place + len(kept) :]
        (tmp_path / "f.edxml").write_text(forged, encoding="utf-8")
        assert verify_envelope(tmp_path / "f.edxml", workshop.criteria).indication is Indication.TOTAL_FAILED


def test_a_file_added_or_taken_away_during_a_rebuild_fails(workshop, both, tmp_path):
    envelope = read(both)
    extra = Attachment(name="thêm.txt", content=Blob.from_bytes(b"x"))
    for files in ((*envelope.attachments, extra), envelope.attachments[1:]):
        path = tmp_path / "r.edxml"
        write(envelope.model_copy(update={"attachments": files}), path)
        assert verify_envelope(path, workshop.criteria).indication is Indication.TOTAL_FAILED


def test_what_a_rebuild_adds_stands_outside(workshop, both, tmp_path):
    envelope = read(both)
    strange = Unknown(parent="MessageHeader", name="{urn:x}a", xml='<a xmlns="urn:x">b</a>')
    write(envelope.model_copy(update={"unknown": (strange,)}), tmp_path / "r.edxml")
    report = verify_envelope(tmp_path / "r.edxml", workshop.criteria)
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)
    assert ("EDX-UNSEALED", "MessageHeader/{urn:x}a") in {(m.code, m.where) for m in report.messages}


def test_the_statement_of_another_envelope_does_not_help(workshop, letter, both, tmp_path):
    other = letter.model_copy(update={"document_id": "khác"})
    with open_envelope(both) as reading:
        stolen = next(item for item in reading.envelope.attachments if item.name == n.SEAL_FILE)
        write(other.model_copy(update={"attachments": (*other.attachments, stolen)}), tmp_path / "r.edxml")
    report = verify_envelope(tmp_path / "r.edxml", workshop.criteria)
    assert report.indication is Indication.TOTAL_FAILED
    wheres = {m.where for s in report.signatures for m in s.messages if m.code == "EDX-SEAL-REBUILT-OTHERWISE"}
    assert wheres == {"document_id"}


@pytest.mark.parametrize(
    "content", [b"", b"x", b"<a/>", b"<!DOCTYPE a><a/>", b"<edXML/>"], ids=["empty", "text", "xml", "dtd", "bare"]
)
def test_a_statement_that_is_none_fails_and_says_so(workshop, letter, tmp_path, content):
    item = Attachment(name=n.SEAL_FILE, media_type="application/xml", content=Blob.from_bytes(content))
    write(letter.model_copy(update={"attachments": (*letter.attachments, item)}), tmp_path / "r.edxml")
    report = verify_envelope(tmp_path / "r.edxml", workshop.criteria)
    assert report.indication is Indication.TOTAL_FAILED
    assert {m.code for s in report.signatures for m in s.messages} == {"EDX-SEAL-STATEMENT"}


def test_two_statements_are_as_bad_as_none(workshop, both, tmp_path):
    envelope = read(both)
    twice = (*envelope.attachments, envelope.attachments[-1].model_copy(update={"content_id": "again"}))
    write(envelope.model_copy(update={"attachments": twice}), tmp_path / "r.edxml")
    assert verify_envelope(tmp_path / "r.edxml", workshop.criteria).indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("part", ["MessageHeader", "edXMLBody", "Bussiness", "SignedInfo"])
def test_a_changed_statement_fails(workshop, letter, tmp_path, part):
    skeleton = compose(letter)
    seal(skeleton, workshop.signer, at=AT)
    item = statement_of(skeleton)
    data = re.sub(rf"(<(?:edXML|ds):{part}\b[^>]*>)".encode(), rb"\1 ", item.content.read())
    forged = item.model_copy(update={"content": Blob.from_bytes(data)})
    write(letter.model_copy(update={"attachments": (*letter.attachments, forged)}), tmp_path / "r.edxml")
    assert verify_envelope(tmp_path / "r.edxml", workshop.criteria).indication is Indication.TOTAL_FAILED


def test_a_statement_is_finished_later_from_plain_data_like_any_seal(workshop, letter, tmp_path):
    from edocx.sealing import complete_seal, prepare_seal

    skeleton, signer = compose(letter), workshop.signer
    prepared = prepare_seal(skeleton, certificate=signer.certificate, algorithm=signer.algorithm, at=AT)
    complete_seal(skeleton, prepared, signer.sign_digest(prepared.to_sign))
    files = (*letter.attachments, statement_of(skeleton))
    write(letter.model_copy(update={"attachments": files}), tmp_path / "r.edxml")
    assert verify_envelope(tmp_path / "r.edxml", workshop.criteria).indication is Indication.TOTAL_PASSED


def test_only_a_document_carries_a_statement_and_only_one(workshop, letter, status):
    for envelope in (status, with_statement(letter, workshop.signer, at=AT)):
        with pytest.raises(UsageError) as caught:
            with_statement(envelope, workshop.signer, at=AT)
        assert caught.value.code == "EDX-SEAL-STATEMENT-PLACE"


def test_a_file_that_is_a_zip_of_one_entry_keeps_its_seal(workshop, letter, tmp_path):
    """Reading opens it, the seal is over the zip: the digest is then that of what came, not of what was in it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "nội dung")
    item = Attachment(name="gói.dat", media_type="application/octet-stream", content=Blob.from_bytes(packed.getvalue()))
    envelope = with_statement(letter.model_copy(update={"attachments": (item,)}), workshop.signer, at=AT)
    write(envelope, tmp_path / "r.edxml")
    assert verify_envelope(tmp_path / "r.edxml", workshop.criteria).indication is Indication.TOTAL_PASSED


def test_other_peoples_tools_verify_a_statement_once_the_files_are_put_back(workshop, letter, tool):
    from test_sealing_seal import signxml_verifies, xmlsec1

    skeleton = compose(letter)
    seal(skeleton, workshop.signer, at=AT)
    statement = statement_of(skeleton).content.read().decode()
    files = b"".join(compose(letter).pieces()).decode()
    files = files[files.index("<AttachmentEncoded") : files.index("</edXML>")]
    path = workshop.folder / "put-back.edxml"
    path.write_text(statement.replace("</edXML>", f"{files}</edXML>"), encoding="utf-8")
    assert xmlsec1(tool, workshop, path) == 0
    assert signxml_verifies(workshop, path)
