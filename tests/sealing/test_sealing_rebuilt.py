"""Forgeries in an envelope that was written anew: nothing may hide there that its detached seal does not speak of."""

from __future__ import annotations

import pytest
from lxml import etree
from sealing_scenario import AT

from edocx.envelope import names as n
from edocx.envelope.read import read
from edocx.envelope.write import compose, write
from edocx.sealing import seal, verify_envelope, with_statement
from edocx.signing.report import Indication

HEADER = "/edXML/edXMLEnvelope/edXMLHeader"


@pytest.fixture(scope="module")
def rebuilt(workshop, letter, tmp_path_factory):
    """The text of an envelope that lost the seal in its header and kept the detached one."""
    folder = tmp_path_factory.mktemp("rebuilt")
    skeleton = compose(with_statement(letter, workshop.signer, at=AT))
    seal(skeleton, workshop.signer, at=AT)
    skeleton.save(folder / "both.edxml")
    write(read(folder / "both.edxml"), folder / "rebuilt.edxml")
    return (folder / "rebuilt.edxml").read_text("utf-8")


def judge(workshop, tmp_path, text: str):
    path = tmp_path / "forged.edxml"
    path.write_text(text, encoding="utf-8")
    return verify_envelope(path, workshop.criteria)


def test_the_rebuilt_envelope_passes_as_it_is(workshop, rebuilt, tmp_path):
    assert judge(workshop, tmp_path, rebuilt).indication is Indication.TOTAL_PASSED


FORGERIES = {
    "a second subject behind the first": ("</edXML:Subject>", "</edXML:Subject><edXML:Subject>Giả</edXML:Subject>"),
    "a second document id": ("<edXML:Subject>", "<edXML:DocumentId>giả</edXML:DocumentId><edXML:Subject>"),
    "a second header": (
        "</edXML:MessageHeader>", "</edXML:MessageHeader><edXML:MessageHeader><edXML:Subject>Giả</edXML:Subject></edXML:MessageHeader>"
    ),
    "a second business block": (
        "</edXML:TraceHeaderList>",
        "<edXML:Bussiness><edXML:BussinessDocType>1</edXML:BussinessDocType></edXML:Bussiness></edXML:TraceHeaderList>",
    ),
    "a comment that cuts the subject": ("Về việc thử", "Về việc <!-- -->thử"),
    "an instruction that cuts the subject": ("Về việc thử", "Về việc <?x?>thử"),
    "a type that contradicts its name": ("<edXML:BussinessDocType>0<", "<edXML:BussinessDocType> 0 <"),
    "a name with a path": (
        "<AttachmentName>số liệu.bin", "<AttachmentName>../số liệu.bin"
    ),
    "a name with a path in the manifest": (
        "<edXML:AttachmentName>số liệu.bin", "<edXML:AttachmentName>..\\số liệu.bin"
    ),
    "a name beside the content": ("<AttachmentName>số liệu.bin", "<AttachmentName>khác.exe"),
    "junk before the declaration": ("<?xml", "1212<?xml"),
    "the business block spelt as nobody reads it": ("edXML:Bussiness", "edXML:Business"),
    "a subject in no namespace": ("<edXML:Subject>", '<Subject xmlns="">Giả</Subject><edXML:Subject>'),
    "a date in another order": ("PromulgationDate>2023/06/15<", "PromulgationDate>15/06/2023<"),
    "base64 with odd bits": ("aGVsbG8=", "aGVsbG9="),
    "base64 split by a comment": ("aGVsbG8=", "aGVs<!-- -->bG8="),
    "two files with one id": ("<ContentId>cid:file-2<", "<ContentId>cid:file-1<"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_rebuild_that_others_read_otherwise_fails(workshop, rebuilt, tmp_path, name):
    before, after = FORGERIES[name]
    assert before in rebuilt
    report = judge(workshop, tmp_path, rebuilt.replace(before, after))
    assert report.indication is Indication.TOTAL_FAILED, report.to_json()


STRAYS = {
    f"{HEADER}/DigitalSignature/Subject": (
        "<edXML:MessageHeader ",
        "<edXML:DigitalSignature><edXML:Subject>Giả</edXML:Subject></edXML:DigitalSignature><edXML:MessageHeader ",
    ),
    f"{HEADER}/Signature/Subject": (
        "<edXML:MessageHeader ",
        "<edXML:Signature><edXML:Subject>Giả</edXML:Subject></edXML:Signature><edXML:MessageHeader ",
    ),
    f"{HEADER}/MessageHeader/text()": ("<edXML:Subject>", "nội dung lạ<edXML:Subject>"),
    f"{HEADER}/text()": ("</edXML:MessageHeader>", "</edXML:MessageHeader>nội dung lạ"),
    f"{HEADER}/TraceHeaderList/TraceHeader/text()": ("<edXML:TraceHeader>", "<edXML:TraceHeader>nội dung lạ"),
    "/edXML/text()": ("<AttachmentEncoded", "nội dung lạ<AttachmentEncoded"),
    f"{HEADER}/comment()": ("</edXML:MessageHeader>", "</edXML:MessageHeader><!-- nội dung lạ -->"),
    "TraceHeaderList/TraceHeader[1]/{http://www.mic.gov.vn/TBT/QCVN_102_2016}Payload": (
        "<edXML:TraceHeader>", "<edXML:TraceHeader><edXML:Payload>nội dung lạ</edXML:Payload>"
    ),
    "MessageHeader/Subject[1]/{urn:x}note": ("<edXML:Subject>", '<edXML:Subject xmlns:x="urn:x" x:note="lạ">'),
}  # fmt: skip


@pytest.mark.parametrize("where", STRAYS)
def test_what_a_rebuild_put_between_the_fields_is_named(workshop, rebuilt, tmp_path, where):
    before, after = STRAYS[where]
    assert before in rebuilt
    report = judge(workshop, tmp_path, rebuilt.replace(before, after, 1))
    assert report.indication is Indication.INDETERMINATE, report.to_json()
    assert where in {m.where for m in report.messages if m.code == "EDX-UNSEALED"}


def test_something_added_anywhere_in_a_rebuilt_envelope_never_passes(workshop, rebuilt, tmp_path):
    """The two texts of a trace entry are the relay's own; blanks, and what zips and defaults do, are a rebuild's."""
    whole = etree.fromstring(rebuilt.encode())
    passed = []
    for place, element in enumerate(whole.iter(etree.Element)):
        in_trace = element.getparent() is not None and element.getparent().tag == n.tag(n.TRACE)
        for kind in ("text", "tail", "child", "attribute", "comment", "instruction"):
            if (kind == "tail" and element is whole) or (kind == "text" and in_trace):
                continue
            root = etree.fromstring(rebuilt.encode())
            target = list(root.iter(etree.Element))[place]
            match kind:
                case "text":
                    target.text = f"{target.text or ''}x"
                case "tail":
                    target.tail = f"{target.tail or ''}x"
                case "child":
                    etree.SubElement(target, "{urn:x}x").text = "x"
                case "attribute":
                    target.set("note", "x")
                case "comment":
                    target.append(etree.Comment("x"))
                case "instruction":
                    target.insert(0, etree.PI("x"))
            if (
                judge(workshop, tmp_path, etree.tostring(root, encoding="unicode")).indication
                is Indication.TOTAL_PASSED
            ):
                passed.append((n.local(element.tag), kind))
    assert passed == []
