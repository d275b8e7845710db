from __future__ import annotations

import datetime as dt
import unicodedata
from pathlib import Path

import pytest
from envelope_scenario import as_bytes, document_of_kind, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx.clock import VIETNAM
from edocx.content import Blob
from edocx.envelope import Envelope, Organization, Reading, expect, open_envelope
from edocx.envelope.names import EDOC, GO, QCVN
from edocx.envelope.quirks import QUIRKS
from edocx.envelope.values import read_moment
from edocx.errors import EnvelopeError, XmlError

BASE = as_bytes(full_document())


def opened(*changes: tuple[str, str], data: bytes = BASE) -> Reading:
    """Open the full document with pieces of its text replaced; each must be there."""
    for old, new in changes:
        assert old.encode() in data, old
        data = data.replace(old.encode(), new.encode())
    reading = open_envelope(data)
    reading.detach()
    return reading


def quirk_ids(reading: Reading) -> set[str]:
    return {quirk.id for quirk in reading.quirks}


def finding_codes(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.findings}


def test_what_we_write_reads_without_a_word() -> None:
    reading = opened()
    assert reading.quirks == ()
    assert reading.findings == ()
    assert reading.dialect == "A"
    assert reading.unknown == 0


def unprefixed(data: bytes) -> bytes:
    return data.replace(b' xmlns:edXML="' + QCVN.encode() + b'"', b"").replace(b"edXML:", b"")


def test_the_dialects_are_told_apart_by_content() -> None:
    assert opened(data=unprefixed(BASE)).dialect == "A-default"
    assert opened(("edXML:", "x:"), ("xmlns:edXML", "xmlns:x")).dialect == "A"
    assert opened(data=as_bytes(full_document(), "lgsp")).dialect == "A-net"
    assert opened(("<edXML:TraceHeaderList", '<edXML:TraceHeaderList mustUnderstand="1"')).dialect == "A-net"
    assert opened((QCVN, GO)).dialect == "C"


def test_every_dialect_of_one_tree_gives_the_same_envelope(document: Envelope) -> None:
    for data in (unprefixed(BASE), BASE.replace(b"edXML:", b"x:").replace(b"xmlns:edXML", b"xmlns:x")):
        assert opened(data=data).envelope == document
    respelt = opened(("Bussiness", "Business"), ('Id="Business"', 'Id="B"'))
    assert respelt.dialect == "D"
    assert respelt.envelope == document
    assert quirk_ids(respelt) == {"business-spelling"}


DIALECT_C = f"""<?xml version="1.0"?>
<EdXMLEnvelope xmlns="{GO}"><MessageHeader>
 <From><OrganId>G22</OrganId><OrganName>Gửi</OrganName></From><To><OrganId>H41</OrganId><OrganName>Nhận</OrganName></To>
 <DocumentId>d-1</DocumentId><Code><CodeNumber>1</CodeNumber><CodeNotation>A</CodeNotation></Code>
 <PromulgationInfo><Promulgator>Sở</Promulgator><PromulgationDate>2024-03-05</PromulgationDate></PromulgationInfo>
 <Subject>Thử</Subject><Content>Tóm tắt</Content>
 <SignerInfo><Signer>Nguyễn Văn A</Signer><Position>GĐ</Position><Competence>TM.</Competence></SignerInfo>
</MessageHeader><TraceHeaderList><TraceHeader><OrganId>G22</OrganId><Timestamp>2024-03-05T08:00:00</Timestamp></TraceHeader>
</TraceHeaderList>%s</EdXMLEnvelope>"""
FILE_C = (
    "<Attachment><FileName>a.pdf</FileName><FileType>application/pdf</FileType><Content>JVBERi0x</Content></Attachment>"
)


@pytest.mark.parametrize("files", [FILE_C, f"<Manifest>{FILE_C}</Manifest>"])
def test_dialect_c_is_read_in_both_places_of_its_attachments(files: str) -> None:
    reading = open_envelope((DIALECT_C % files).encode())
    envelope = reading.detach()
    assert reading.dialect == "C"
    assert envelope.promulgation is not None
    assert envelope.promulgation.date == dt.date(2024, 3, 5)
    assert envelope.signatory is not None
    assert envelope.signatory.full_name == "Nguyễn Văn A"
    assert envelope.content == "Tóm tắt"
    assert [(item.name, item.content) for item in envelope.attachments] == [("a.pdf", Blob.from_bytes(b"%PDF-1"))]
    assert envelope.trace[0].timestamp == dt.datetime(2024, 3, 5, 8, tzinfo=VIETNAM)
    assert not {finding.severity for finding in reading.findings} & {"error"}


@pytest.mark.parametrize(
    "text, dialect",
    [
        (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><e:MessageHeader xmlns:e="{EDOC}"/></s:Header></s:Envelope>',
            "B",
        ),
        (f'<e:edXML xmlns:e="{EDOC}"><e:edXMLEnvelope/></e:edXML>', "B′"),
        (f'<edXML:AllDocument xmlns:edXML="{EDOC}"><Document/></edXML:AllDocument>', "B′"),
        ("<edXML><edXML:AllDocument/></edXML>", "B′"),
        (
            f'<edXML xmlns="{QCVN}"><edXMLEnvelope><edXMLHeader/><edXMLBody><AVReport/></edXMLBody></edXMLEnvelope></edXML>',
            "F",
        ),
        (f'<edXMLEnvelope xmlns:edXML="{QCVN}"><edXML:edXMLBody><AVReport/></edXML:edXMLBody></edXMLEnvelope>', "F"),
    ],
)
def test_legacy_dialects_are_named_and_refused(text: str, dialect: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(text.encode())
    assert caught.value.code == "EDX-ENVELOPE-DIALECT"
    assert caught.value.where == dialect
    assert f" {dialect}:" in caught.value.text.en


@pytest.mark.parametrize(
    "text, code", [("<a/>", "EDX-ENVELOPE-UNKNOWN"), ("<edXML><edXMLEnvelope/></edXML>", "EDX-ENVELOPE-NAMESPACE")]
)
def test_other_xml_is_no_envelope(text: str, code: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(text.encode())
    assert caught.value.code == code


@pytest.mark.parametrize(
    "wire", ["2024/03/05", "05/03/2024", "2024-03-05", "5/3/2024", "2024-03-05T00:00:00Z", "2024-03-04T17:00:00.000Z"]
)
def test_dates_are_read_in_three_orders(wire: str) -> None:
    envelope = opened(("<edXML:PromulgationDate>2024/03/05<", f"<edXML:PromulgationDate>{wire}<")).envelope
    assert envelope.promulgation is not None
    assert envelope.promulgation.date == dt.date(2024, 3, 5)


@pytest.mark.parametrize(
    "wire",
    [
        "2024/02/31",
        "31/02/2024",
        "2024-13-01",
        "24/03/05",
        "2024/3",
        "hôm nay",
        "2024/03/05 25:00:00",
        "２０２４/03/05",
        "0000/01/01",
        "2024/03/05x",
    ],
)
def test_an_impossible_day_is_refused_by_field(wire: str) -> None:
    reading = opened(("<edXML:DueDate>2024/04/05<", f"<edXML:DueDate>{wire}<"))
    assert reading.envelope.due_date is None
    [finding] = reading.findings
    assert finding.code == "EDX-FIELD-VALUE"
    assert finding.severity == "error"
    assert finding.where == "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/DueDate"
    assert wire in finding.vi
    assert "hạn xử lý" in finding.vi.lower()


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9998, 12, 31)),  # noqa: DTZ001 - naive on purpose
    st.sampled_from(["%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]),
)
def test_moments_without_a_zone_are_vietnamese(value: dt.datetime, form: str) -> None:
    moment = read_moment(value.strftime(form))
    assert moment is not None
    assert moment.value == value.replace(microsecond=0, tzinfo=VIETNAM)


@given(st.text(max_size=30))
def test_no_text_makes_the_date_reader_fall(text: str) -> None:
    moment = read_moment(text)
    assert moment is None or moment.value.tzinfo is not None


QUIRK_CASES = [
    ("leading-junk", [("<?xml", "1212<?xml")]),
    ("leading-junk", [("<?xml", "\n<?xml")]),
    ("declaration", [('<?xml version="1.0"', '<?xml version="1.1"')]),
    ("declaration", [('encoding="UTF-8"', 'encoding="us-ascii"')]),
    ("processing-instruction", [("<edXML xmlns", "<?xml-stylesheet href='x'?><edXML xmlns")]),
    ("root-name", [("<edXML xmlns=", "<goi xmlns="), ("</edXML>", "</goi>")]),
    ("no-namespace-child", [("<edXML:Subject>", '<Subject xmlns="">'), ("</edXML:Subject>", "</Subject>")]),
    ("undeclared-prefix", [("<edXML:Subject>", '<edXML:Subject xlink:href="x">')]),
    (
        "undeclared-prefix",
        [("<AttachmentEncoded>", "<edXML:AttachmentEncoded>"), ("</AttachmentEncoded>", "</edXML:AttachmentEncoded>")],
    ),
    (
        "trace-business",
        [
            (
                "<edXML:TraceHeader>",
                "<edXML:TraceHeader><edXML:Business><edXML:BusinessName>x</edXML:BusinessName></edXML:Business>",
            )
        ],
    ),
    ("trace-attribute-prefixed", [("<edXML:TraceHeaderList id=", "<edXML:TraceHeaderList edXML:id=")]),
    ("manifest-name", [("edXMLManifest", "Manifest")]),
    ("date-day-first", [("<edXML:DueDate>2024/04/05", "<edXML:DueDate>05/04/2024")]),
    ("date-iso", [("<edXML:DueDate>2024/04/05", "<edXML:DueDate>2024-04-05")]),
    ("date-with-time", [("<edXML:DueDate>2024/04/05", "<edXML:DueDate>2024/04/05 00:00:00")]),
    ("time-without-clock", [("2024/03/05 08:09:10", "2024/03/05")]),
    ("blank-padded", [("<edXML:SteeringType>1<", "<edXML:SteeringType> 1 <")]),
    ("empty-number", [("<edXML:PageAmount>22</edXML:PageAmount>", "<edXML:PageAmount/>")]),
    ("number-as-word", [("<edXML:Priority>1<", "<edXML:Priority>Khẩn<")]),
    ("type-by-name", [("<edXML:Type>2<", "<edXML:Type>18<")]),
    ("split-text", [("<edXML:Subject>V/v", "<edXML:Subject>V/<!-- c -->v")]),
    (
        "not-nfc",
        [("<edXML:Content>Nội dung tóm tắt", "<edXML:Content>" + unicodedata.normalize("NFD", "Nội dung tóm tắt"))],
    ),
    ("cid-doubled", [("<ContentId>cid:a1", "<ContentId>cid:cid:a1")]),
    ("name-from-manifest", [("<AttachmentName>cong-van.pdf</AttachmentName>", "")]),
    (
        "type-missing",
        [
            ("<ContentType>application/pdf</ContentType>", ""),
            ("<edXML:ContentType>application/pdf</edXML:ContentType>", ""),
        ],
    ),
    ("type-misspelt", [("<ContentType>application/pdf<", "<ContentType>application/xslx<")]),
    ("zip-declared", [("<ContentType>application/pdf<", "<ContentType>application/zip<")]),
    ("base64-wrapped", [("JVBERi0x", "JVBE\nRi0x")]),
    ("base64-sloppy", [("JVBERi0x", "JVBE Ri0x")]),
    ("cdata", [("<edXML:Subject>V/v", "<edXML:Subject><![CDATA[V/v]]>")]),
    ("base64-split", [("JVBERi0x", "JVBE<!-- x -->Ri0x")]),
    ("base64-split", [("JVBERi0x", "JVBE&#82;i0x")]),
    (
        "base64-split",
        [
            ('Id="a1">', 'Id="a1"><![CDATA['),
            ("</edXML:ContentTransferEncoded>", "]]></edXML:ContentTransferEncoded>"),
            ('Id="a2">', 'Id="a2"><![CDATA['),
        ],
    ),
]


@pytest.mark.parametrize(
    "quirk, changes", QUIRK_CASES, ids=[f"{place}-{quirk}" for place, (quirk, _) in enumerate(QUIRK_CASES)]
)
def test_a_tolerance_is_named_and_changes_no_value(
    quirk: str, changes: list[tuple[str, str]], document: Envelope
) -> None:
    reading = opened(*changes)
    assert quirk_ids(reading) == {quirk}
    seen, wanted = reading.envelope, document
    if quirk == "time-without-clock":
        seen, wanted = (item.model_copy(update={"trace": ()}) for item in (seen, wanted))
    if quirk == "empty-number":
        assert seen.other is not None
        assert seen.other.pages is None
        seen, wanted = (item.model_copy(update={"other": None}) for item in (seen, wanted))
    if quirk == "type-misspelt":
        seen, wanted = (item.model_copy(update={"attachments": ()}) for item in (seen, wanted))
    assert seen.model_copy(update={"unknown": ()}) == wanted
    assert "error" not in {finding.severity for finding in reading.findings}


def test_a_byte_order_mark_and_utf16_are_read_and_said(document: Envelope) -> None:
    marked = open_envelope(b"\xef\xbb\xbf" + BASE)
    assert quirk_ids(marked) == {"byte-order-mark"}
    for encoding in ("utf-16-le", "utf-16-be"):
        text = BASE.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
        wide = open_envelope(("\ufeff" + text).encode(encoding))
        assert quirk_ids(wide) == {"utf-16"}
        assert wide.detach() == document


@pytest.mark.parametrize("name", ["windows-1258", "iso-8859-1", "utf-16", "utf-7", "ebcdic"])
def test_other_encodings_are_refused_by_name(name: str) -> None:
    with pytest.raises(XmlError) as caught:
        open_envelope(BASE.replace(b"UTF-8", name.encode(), 1))
    assert caught.value.code == "EDX-XML-ENCODING"
    assert name in caught.value.text.vi


def test_quirks_of_the_list_are_complete_and_all_shown_here() -> None:
    covered = {quirk for quirk, _ in QUIRK_CASES} | {"byte-order-mark", "utf-16", "business-spelling", "namespace-go"}
    elsewhere = {"status-one-digit", "name-cleaned", "name-completed", "zip-wrapped", "zip-undeclared"}
    assert covered | elsewhere == set(QUIRKS)
    assert all(quirk.vi.endswith(".") and quirk.en.endswith(".") and quirk.example for quirk in QUIRKS.values())


def test_a_number_that_is_no_word_of_the_list_is_a_finding() -> None:
    reading = opened(("<edXML:Priority>1<", "<edXML:Priority>rất gấp<"))
    assert reading.envelope.other is not None
    assert reading.envelope.other.urgency is None
    assert finding_codes(reading) == {"EDX-FIELD-VALUE"}


def test_the_type_follows_the_name() -> None:
    reading = opened(("<edXML:Type>2<", "<edXML:Type>18<"), ("<edXML:TypeDetail>18</edXML:TypeDetail>", ""))
    assert reading.envelope.document_type is not None
    assert (reading.envelope.document_type.type, reading.envelope.document_type.detail) == (2, 18)
    ambiguous = opened(
        ("<edXML:TypeName>Công văn<", "<edXML:TypeName>Quyết định<"), ("<edXML:Type>2<", "<edXML:Type>1<")
    )
    assert ambiguous.envelope.document_type is not None
    assert ambiguous.envelope.document_type.type == 1
    assert ambiguous.quirks == ()


def test_the_same_name_in_another_namespace_is_unknown() -> None:
    reading = opened(("<edXML:Subject>", '<x:Subject xmlns:x="urn:x">Giả</x:Subject><edXML:Subject>'))
    assert reading.envelope.subject == full_document().subject
    assert reading.unknown == 1


def test_a_second_element_is_a_finding_and_the_first_counts() -> None:
    reading = opened(("<edXML:Subject>", "<edXML:Subject>Trước</edXML:Subject><edXML:Subject>"))
    assert reading.envelope.subject == "Trước"
    assert finding_codes(reading) == {"EDX-ELEMENT-TWICE"}


@pytest.mark.parametrize("block", ["MessageHeader", "TraceHeaderList", "edXMLHeader", "edXMLBody"])
def test_a_second_block_is_a_finding(block: str) -> None:
    reading = opened((f"</edXML:{block}>", f"</edXML:{block}><edXML:{block}/>"))
    assert finding_codes(reading) == {"EDX-ELEMENT-TWICE"}
    assert reading.envelope == full_document()


def test_a_second_business_block_does_not_override_the_first() -> None:
    extra = "<edXML:Bussiness><edXML:BussinessDocType>1</edXML:BussinessDocType></edXML:Bussiness>"
    reading = opened(("</edXML:Bussiness>", "</edXML:Bussiness>" + extra))
    assert reading.envelope.business == "new"
    assert finding_codes(reading) == {"EDX-ELEMENT-TWICE"}


@pytest.mark.parametrize("wire", ["4", "44", "-1", "mới"])
def test_a_business_outside_the_list_is_a_finding(wire: str) -> None:
    reading = opened(("<edXML:BussinessDocType>0<", f"<edXML:BussinessDocType>{wire}<"))
    assert reading.envelope.business is None
    assert "EDX-FIELD-VALUE" in finding_codes(reading)


STATUS = as_bytes(
    Envelope(
        kind="status",
        sender=Organization(unit="H41", name="Nhận"),
        status_code="03",
        timestamp=dt.datetime(2024, 3, 6, 7, 8, 9, tzinfo=VIETNAM),
        description="Đã vào sổ",
        response_for=({"unit": "G22", "document_id": "d-1"},),  # type: ignore[arg-type]
    )
)


def test_a_status_is_told_by_its_code() -> None:
    reading = opened(data=STATUS)
    assert reading.envelope.kind == "status"
    assert reading.findings == ()
    assert reading.envelope.status is not None
    assert reading.envelope.status.vi == "Đã tiếp nhận"


def test_a_status_code_of_one_digit_is_completed() -> None:
    reading = opened((">03<", ">3<"), data=STATUS)
    assert reading.envelope.status_code == "03"
    assert quirk_ids(reading) == {"status-one-digit"}


@pytest.mark.parametrize("code", ["07", "14", "99", "abc"])
def test_an_unknown_status_code_is_readable(code: str) -> None:
    reading = opened((">03<", f">{code}<"), data=STATUS)
    assert reading.envelope.status_code == code
    assert finding_codes(reading) == {"EDX-STATUS-UNKNOWN"}


@pytest.mark.parametrize("wire", ["<edXML:StatusCode/>", "<edXML:StatusCode> </edXML:StatusCode>", ""])
def test_a_status_without_a_code_is_refused(wire: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        opened(("<edXML:StatusCode>03</edXML:StatusCode>", wire), data=STATUS)
    assert caught.value.code == "EDX-STATUS-CODELESS"
    assert "StatusCode" in (caught.value.where or "")


def test_a_document_where_a_status_was_expected_is_refused(document: Envelope) -> None:
    assert expect(document, "document") is document
    with pytest.raises(EnvelopeError) as caught:
        expect(document, "status")
    assert caught.value.code == "EDX-ENVELOPE-KIND"


def test_the_dummy_signature_of_the_norm_is_reported_as_meaningless() -> None:
    reading = opened(
        (
            "</edXML:edXMLHeader>",
            f'<Signature xmlns="{QCVN}"><SignatureValue>x</SignatureValue></Signature></edXML:edXMLHeader>',
        )
    )
    assert [(item.code, item.severity) for item in reading.findings] == [("EDX-SIGNATURE-MEANINGLESS", "info")]
    assert reading.unknown == 0


@pytest.mark.parametrize("kind", ["withdraw", "update"])
def test_the_target_of_an_action_is_resolved(kind: str) -> None:
    envelope = document_of_kind(kind)
    assert envelope.target == (envelope.business_target or envelope.document_id)
    assert full_document().target is None


def test_unit_codes_stand_as_received() -> None:
    envelope = opened(("<edXML:OrganId>H41<", "<edXML:OrganId>28.22.H17<")).envelope
    assert envelope.to[0].unit == "28.22.H17"
    assert envelope.to[0].unit_id is not None
    assert Organization(unit="không phải mã").unit_id is None


def test_required_fields_are_demanded_by_name() -> None:
    reading = open_envelope(
        f'<edXML xmlns="{QCVN}"><edXMLEnvelope><edXMLHeader><MessageHeader/></edXMLHeader></edXMLEnvelope></edXML>'.encode()
    )
    missing = {finding.where for finding in reading.findings if finding.severity == "error"}
    assert missing == {
        "From/OrganId", "From/OrganName", "To", "DocumentId", "Code/CodeNumber", "Code/CodeNotation",
        "PromulgationInfo/PromulgationDate", "Subject",
    }  # fmt: skip


def test_the_received_bytes_are_untouched(tmp_path: Path) -> None:
    data = b"1212" + BASE
    (tmp_path / "x.edxml").write_bytes(data)
    with open_envelope(tmp_path / "x.edxml") as reading:
        assert reading.raw == Blob.from_bytes(data)
        assert reading.raw.read() == data


def test_attachments_inside_the_envelope_are_read_too(document: Envelope) -> None:
    start = BASE.index(b"<AttachmentEncoded>")
    end = BASE.index(b"</AttachmentEncoded>") + len(b"</AttachmentEncoded>")
    moved = BASE[:start] + BASE[end:]
    moved = moved.replace(b"</edXML:edXMLEnvelope>", BASE[start:end] + b"</edXML:edXMLEnvelope>")
    assert opened(data=moved).envelope == document
