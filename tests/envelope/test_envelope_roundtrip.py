from __future__ import annotations

import datetime as dt
import json
import re
import string
import tempfile
from pathlib import Path

import pytest
from envelope_scenario import KINDS, as_bytes, comparable, document_of_kind, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.documents.words import StatusCode
from edocx.envelope import Attachment, Envelope, Organization, compose, open_envelope, write
from edocx.envelope.model import Code, Promulgation, Receiver, Replaced, ResponseFor, Trace, Update
from edocx.envelope.record import from_record, header_record
from edocx.envelope.status_message import status_message
from edocx.errors import EdocxError, UsageError

NOW = dt.datetime(2024, 3, 6, 7, 8, 9, tzinfo=VIETNAM)
PROFILES = ["axis", "dotnet", "lgsp"]

_letters = st.sampled_from(string.ascii_letters + string.digits + " ăâđêôơưĂÂĐÊÔƠƯáàảãạếềểễệỳỵỹỷ<>&\"'–…()/,.;:")
texts = st.none() | st.text(_letters, min_size=1, max_size=30).map(str.strip).filter(bool)
codes = st.none() | st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{2}){0,3}", fullmatch=True)
days = st.none() | st.dates(dt.date(1945, 9, 2), dt.date(2999, 12, 31))
moments = st.none() | st.datetimes(
    dt.datetime(1976, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.just(VIETNAM),
).map(lambda value: value.replace(microsecond=0))
numbers = st.none() | st.integers(0, 999_999)
organizations = st.builds(Organization, unit=codes, name=texts, in_charge=texts, address=texts, email=texts)
files = st.lists(
    st.builds(
        Attachment,
        content_id=st.none() | st.sampled_from(["a1", "209", "MessageHeader", "a1", "Ký"]),
        name=st.sampled_from(["a.pdf", "b c.docx", "ghi chú.txt", "x.bin"]),
        description=texts,
        content=st.binary(max_size=300).filter(lambda data: not data.startswith(b"PK")).map(Blob.from_bytes),
    ),
    max_size=3,
).map(tuple)
documents = st.builds(
    Envelope,
    sender=organizations.filter(lambda item: item != Organization()),
    to=st.lists(organizations, max_size=3).map(tuple),
    document_id=texts,
    code=st.builds(Code, number=texts, notation=texts).filter(lambda item: item != Code()),
    promulgation=st.builds(Promulgation, place=texts, date=st.dates(dt.date(1945, 9, 2), dt.date(2999, 12, 31))),
    subject=texts,
    content=texts,
    due_date=days,
    steering=numbers,
    to_places=st.lists(texts.filter(bool), max_size=3).map(tuple),
    business=st.none() | st.sampled_from(sorted(KINDS)),
    business_reason=texts,
    paper=numbers,
    update=st.none()
    | st.builds(Update, document_info=st.integers(0, 1), receivers=st.just((Receiver(unit="A", type=1),))),
    replaces=st.lists(st.builds(Replaced, document_id=texts, units=st.just(("H41",))), max_size=2).map(tuple),
    trace=st.lists(st.builds(Trace, unit=codes, timestamp=moments), max_size=2).map(tuple),
    attachments=files,
)


def reread(envelope: Envelope, profile: str = "axis") -> Envelope:
    return comparable(open_envelope(as_bytes(envelope, profile)).detach())


@given(documents, st.sampled_from(PROFILES))
def test_writing_and_reading_gives_the_same_envelope(envelope: Envelope, profile: str) -> None:
    once = reread(envelope, profile)
    assert once.model_copy(update={"attachments": ()}) == envelope.model_copy(update={"attachments": ()})
    assert [item.content for item in once.attachments] == [item.content for item in envelope.attachments]
    assert [item.name for item in once.attachments] == [item.name for item in envelope.attachments]
    assert reread(once, profile) == once


@given(documents)
def test_the_json_record_carries_all_but_attachments(envelope: Envelope) -> None:
    bare = envelope.model_copy(update={"attachments": ()})
    assert from_record(json.loads(json.dumps(header_record(bare), ensure_ascii=False))) == bare


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("profile", PROFILES)
def test_the_four_kinds_of_document_round_trip(kind: str, profile: str) -> None:
    envelope = document_of_kind(kind)
    assert reread(envelope, profile) == envelope


@pytest.mark.parametrize("code", sorted(StatusCode))
@pytest.mark.parametrize("profile", PROFILES)
def test_the_nine_statuses_round_trip(code: StatusCode, profile: str, document: Envelope) -> None:
    status = status_message(
        code, document, sender=Organization(unit="H41", name="Nhận"), at=NOW, to="G22", reason="Lý do"
    )
    again = reread(status, profile)
    assert again == status
    assert again.kind == "status"
    assert again.status_code == code.value
    assert again.response_for[0].document_id == document.document_id
    assert b"edXMLBody" not in as_bytes(status)


def test_a_recall_request_goes_from_the_sender_to_the_one_receiver() -> None:
    document = full_document(to=(Organization(unit="H41"),))
    assert document.sender is not None
    status = status_message(StatusCode.RECALL_REQUESTED, document, sender=document.sender, at=NOW, reason="Sai")
    assert status.response_for[0].unit == "H41"
    assert status.sender == document.sender


def test_a_recall_request_to_several_receivers_must_name_one(document: Envelope) -> None:
    with pytest.raises(UsageError) as caught:
        status_message("13", document, sender=Organization(unit="G22"), at=NOW, reason="Sai")
    assert caught.value.code == "EDX-STATUS-RECEIVER"


@pytest.mark.parametrize(
    "arguments, code",
    [
        ({"code": "07"}, "EDX-STATUS-UNKNOWN"),
        ({"code": "02"}, "EDX-STATUS-REASON"),
        ({"code": "13", "to": "H41", "reason": " "}, "EDX-STATUS-REASON"),
        ({"code": "01", "at": dt.datetime(2024, 1, 1)}, "EDX-TIME-NAIVE"),  # noqa: DTZ001
    ],
)
def test_a_status_that_peers_could_not_use_is_not_built(arguments: dict, code: str, document: Envelope) -> None:
    with pytest.raises(UsageError) as caught:
        status_message(**({"document": document, "sender": Organization(unit="H41"), "at": NOW} | arguments))
    assert caught.value.code == code


def test_an_undefined_status_code_is_never_written() -> None:
    status = Envelope(kind="status", status_code="07", response_for=(ResponseFor(unit="G22"),))
    with pytest.raises(UsageError):
        compose(status)


def test_unknown_elements_and_attributes_survive_the_round_trip() -> None:
    data = (
        as_bytes(full_document())
        .replace(b"</edXML:MessageHeader>", b'<edXML:Moi v="1">m\xe1\xbb\x9bi<b/>x</edXML:Moi></edXML:MessageHeader>')
        .replace(b"<edXML:OrganId>H41<", b'<edXML:OrganId la="2">H41<')
        .replace(b"<edXML:TraceHeader>", b'<edXML:TraceHeader><x:y xmlns:x="urn:x"/>', 1)
    )
    reading = open_envelope(data)
    first = reading.detach()
    assert reading.unknown == 3
    second = reread(first)
    assert [(item.parent, item.name, item.value) for item in second.unknown] == [
        (item.parent, item.name, item.value) for item in first.unknown
    ]
    assert reread(second) == second  # prefixes may have been renamed once, and no more
    assert as_bytes(reread(second)) == as_bytes(second)
    written = as_bytes(first)
    assert re.search(
        r'<edXML:Moi v="1">mới<[\w:]*b/>x</edXML:Moi>'.encode(), re.sub(rb' xmlns[:\w]*="[^"]*"', b"", written)
    )
    assert b'la="2"' in written


def test_the_axis_form_follows_the_checklist(document: Envelope) -> None:
    data = as_bytes(document.model_copy(update={"steering": None, "other": None}))
    assert data.startswith(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">'
    )
    assert b"SteeringType" not in data
    assert b"<edXML:PromulgationDate>2024/03/05<" in data
    assert b"<ContentId>cid:a1</ContentId>" in data
    assert b"<ContentType>application/pdf</ContentType>" in data
    assert not re.search(rb"<edXML:\w+\s*/>", data)


def test_the_dotnet_form_puts_the_document_id_last_and_links_the_manifest(document: Envelope) -> None:
    data = as_bytes(document, "dotnet")
    header = data[: data.index(b"</edXML:MessageHeader>")]
    assert header.rindex(b"<edXML:DocumentId>") > header.rindex(b"<edXML:SteeringType>")
    assert b'xlink:href="cid:a1"' in data
    assert b"<ContentTransferEncoded" in data
    assert b"edXML:ContentTransferEncoded" not in data
    with open_envelope(data) as reading:
        assert reading.dialect == "A-net"
        assert reading.quirks == ()


def test_every_signed_part_has_an_id_that_is_unique_and_valid(document: Envelope) -> None:
    twins = tuple(
        item.model_copy(update={"content_id": key})
        for item, key in zip(document.attachments, ("1", "edXMLBody"), strict=True)
    )
    root = compose(document.model_copy(update={"attachments": (*document.attachments, *twins, twins[0])})).root
    ids = [element.get("Id") for element in root.iter() if element.get("Id")]
    assert {"MessageHeader", "Bussiness", "edXMLBody", "a1", "a2"} <= set(ids)
    assert len(ids) == len(set(ids)) == 8
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", key) for key in ids if key)
    manifest = [node.text for node in root.iter("{*}ContentId")]
    assert manifest[:5] == manifest[5:]


def test_the_tree_never_holds_an_attachment(document: Envelope) -> None:
    skeleton = compose(document)
    assert list(skeleton.payloads.values()) == [item.content for item in document.attachments]
    b"".join(skeleton.pieces())
    assert all(not element.text for element in skeleton.payloads)
    assert skeleton.header.tag.endswith("edXMLHeader")


@pytest.mark.parametrize("broken", [{"subject": "a\x00b"}, {"to_places": ("\ud800",)}, {"code": Code(number="\x0b")}])
def test_a_character_that_xml_does_not_have_is_refused(broken: dict) -> None:
    with pytest.raises(UsageError) as caught:
        as_bytes(full_document(**broken))
    assert caught.value.code == "EDX-ENVELOPE-CHARACTER"


def test_an_attachment_without_content_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write(full_document(attachments=(Attachment(name="a.pdf"),)), tmp_path / "x.edxml")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error_with_the_path(document: Envelope, tmp_path: Path) -> None:
    with pytest.raises(EdocxError) as caught:
        write(document, tmp_path / "none" / "x.edxml")
    assert caught.value.code == "EDX-FILE-UNWRITABLE"


def test_the_blob_of_a_written_file_has_its_digest(document: Envelope, tmp_path: Path) -> None:
    blob = write(document, tmp_path / "x.edxml")
    assert blob == Blob.from_path(tmp_path / "x.edxml")


def test_an_envelope_read_from_a_path_keeps_its_content_readable(document: Envelope) -> None:
    from edocx.envelope import read

    with tempfile.TemporaryDirectory() as folder:
        write(document, Path(folder) / "x.edxml")
        envelope = read(Path(folder) / "x.edxml")
        assert [item.content.read() for item in envelope.attachments if item.content] == [
            item.content.read() for item in document.attachments if item.content
        ]


def test_reprs_show_no_content(document: Envelope) -> None:
    shown = f"{document!r} {document.sender!r} {document.attachments[0]!r} {document.to!r}"
    for secret in ("Nguyễn", "trích", "V/v", "G22", "cong-van", "Thử"):
        assert secret not in shown
