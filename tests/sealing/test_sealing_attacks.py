"""Forgeries against the seal: each leaves every digest that a careless verifier computes intact."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.sealing import verify_envelope
from edocx.signing.report import Indication, Integrity, SubIndication


def judge(workshop, data: str):
    path = workshop.folder / "forged.edxml"
    path.write_text(data, encoding="utf-8")
    return verify_envelope(path, workshop.criteria)


def part(text: str, name: str) -> str:
    found = re.search(rf"<edXML:{name}[ >].*?</edXML:{name}>", text, re.DOTALL)
    assert found
    return found[0]


def moved_header(text: str) -> str:
    """The signed header put aside under another parent, a forged one in its place (signature wrapping)."""
    original = part(text, "MessageHeader")
    forged = original.replace("H58.12.01</edXML:OrganId>", "G22</edXML:OrganId>", 1)
    return text.replace(original, forged).replace("</edXML:edXMLHeader>", f"<x>{original}</x></edXML:edXMLHeader>")


def renamed_header(text: str) -> str:
    """As above, the forged header without an Id, so that the reference finds the original."""
    original = part(text, "MessageHeader")
    forged = original.replace("H58.12.01</edXML:OrganId>", "G22</edXML:OrganId>", 1).replace(
        ' Id="MessageHeader"', "", 1
    )
    return text.replace(original, forged).replace("</edXML>", f"<y>{original}</y></edXML>")


def two_headers(text: str) -> str:
    original = part(text, "MessageHeader")
    forged = original.replace("H58.12.01</edXML:OrganId>", "G22</edXML:OrganId>", 1).replace(
        ' Id="MessageHeader"', "", 1
    )
    return text.replace(original, original + forged)


def two_bodies(text: str) -> str:
    original = part(text, "edXMLBody")
    forged = original.replace(' Id="edXMLBody"', "").replace("công văn.txt", "khác.txt")
    return text.replace(original, forged + original)


def two_envelopes(text: str) -> str:
    inner = part(text, "edXMLEnvelope")
    return text.replace(inner, inner + inner.replace("H58.12.01", "G22").replace(" Id=", " data-id="))


def split_base64(text: str) -> str:
    return text.replace("aGVsbG8=", "aGVs<!-- -->bG8=")


def odd_padding(text: str) -> str:
    return text.replace("aGVsbG8=", "aGVsbG9=")


def blanks_in_base64(text: str) -> str:
    return text.replace("aGVsbG8=", "aGVs bG8=")


def swapped_names(text: str) -> str:
    """Two good files under each other's names, outside the manifest."""
    tail = text[text.index("<AttachmentEncoded") :]
    swapped = tail.replace("công văn.txt", "\0").replace("số liệu.bin", "công văn.txt").replace("\0", "số liệu.bin")
    return text.replace(tail, swapped)


def other_type(text: str) -> str:
    start = text.index("<AttachmentEncoded")
    return text[:start] + re.sub("<ContentType>[^<]*<", "<ContentType>application/x-msdownload<", text[start:], count=1)


def added_file(text: str) -> str:
    extra = (
        "<Attachment><ContentId>cid:file-9</ContentId><AttachmentName>thêm.txt</AttachmentName>"
        "<ContentType>text/plain</ContentType><edXML:ContentTransferEncoded "
        'xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016" Id="file-9">aGVsbG8=</edXML:ContentTransferEncoded>'
        "</Attachment></AttachmentEncoded>"
    )
    return text.replace("</AttachmentEncoded>", extra)


def removed_file(text: str) -> str:
    found = re.findall("<Attachment>.*?</Attachment>", text, re.DOTALL)
    return text.replace(found[-1], "")


def header_in_a_trace(text: str) -> str:
    """A forged header where every relay may write, before the sealed block: readers by name take it."""
    forged = part(text, "MessageHeader").replace(' Id="MessageHeader"', "").replace("H58.12.01", "G22")
    return text.replace("<edXML:TraceHeader>", f"<edXML:TraceHeader>{forged}", 1)


def business_in_a_trace(text: str) -> str:
    forged = part(text, "Bussiness").replace(' Id="Bussiness"', "").replace("Type>0<", "Type>1<")
    entry = f"<edXML:TraceHeader><edXML:OrganId>H58</edXML:OrganId>{forged}</edXML:TraceHeader>"
    return text.replace('<edXML:Bussiness Id="Bussiness">', f'{entry}<edXML:Bussiness Id="Bussiness">')


def header_in_the_dummy(text: str) -> str:
    forged = part(text, "MessageHeader").replace(' Id="MessageHeader"', "").replace("H58.12.01", "G22")
    return text.replace("</edXML:edXMLHeader>", f"<edXML:Signature>{forged}</edXML:Signature></edXML:edXMLHeader>")


def dropped_reference(text: str) -> str:
    return re.sub('<ds:Reference URI="#Bussiness".*?</ds:Reference>', "", text, flags=re.DOTALL)


def dropped_business(text: str) -> str:
    return text.replace(part(text, "Bussiness"), "")


def second_seal(text: str) -> str:
    found = re.search("<ds:Signature .*?</ds:Signature>", text, re.DOTALL)
    assert found
    return text.replace(found[0], found[0] + found[0].replace('Id="Seal', 'Id="Seal2'))


def other_transform(text: str) -> str:
    base64 = "http://www.w3.org/2000/09/xmldsig#base64"
    return text.replace(base64, "http://www.w3.org/2001/10/xml-exc-c14n#", 1)


def sha1(text: str) -> str:
    return text.replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", 1)


def hmac(text: str) -> str:
    return re.sub(
        '(<ds:SignatureMethod Algorithm=")[^"]*', r"\1http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", text
    )


def whole_document(text: str) -> str:
    return text.replace('URI="#MessageHeader"', 'URI=""')


FORGERIES = [
    moved_header,
    renamed_header,
    two_headers,
    two_bodies,
    two_envelopes,
    split_base64,
    odd_padding,
    blanks_in_base64,
    swapped_names,
    other_type,
    added_file,
    removed_file,
    header_in_a_trace,
    business_in_a_trace,
    header_in_the_dummy,
    dropped_reference,
    dropped_business,
    second_seal,
    other_transform,
    sha1,
    hmac,
    whole_document,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forgery_is_never_accepted(workshop, sealed, forge):
    text = sealed.read_text("utf-8")
    forged = forge(text)
    assert forged != text
    report = judge(workshop, forged)
    assert report.indication is Indication.TOTAL_FAILED, report.to_json()


@pytest.mark.parametrize(
    "before,after",
    [
        ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2000+09/xmldsig#"),
        ("ds:Signature ", "ds:Sjgnature "),
        ("</edXML:edXMLHeader>", "<x/></edXML:edXMLHeader>"),
    ],
)
def test_a_bent_seal_does_not_count_as_none(workshop, sealed, before, after):
    text = sealed.read_text("utf-8")
    forged = text.replace(before, after, 1).replace(
        "</ds:Signature>", "</ds:Sjgnature>" if "Sjg" in after else "</ds:Signature>"
    )
    assert forged != text
    assert judge(workshop, forged).indication is not Indication.TOTAL_PASSED
    assert judge(workshop, forged).indication is not Indication.NO_SIGNATURE


def test_traces_of_dialect_e_and_the_dummy_signature_leave_a_seal_whole(workshop, sealed):
    text = sealed.read_text("utf-8")
    trace = (
        "<edXML:TraceHeader><edXML:OrganId>H58</edXML:OrganId><edXML:Business>x</edXML:Business></edXML:TraceHeader>"
    )
    dummy = '<edXML:Signature><edXML:SignedInfo><edXML:Reference URI=""/></edXML:SignedInfo></edXML:Signature>'
    for added, before in ((trace, "</edXML:TraceHeaderList>"), (dummy, "</edXML:edXMLHeader>")):
        report = judge(workshop, text.replace(before, added + before, 1))
        assert report.indication is Indication.TOTAL_PASSED, report.to_json()


def test_a_section_of_character_data_splits_no_sealed_text(workshop, sealed):
    """Canonical XML drops the section's marks, and Java's DOM gives only the text before them (getFirstChild)."""
    text = sealed.read_text("utf-8")
    split = text.replace(">H58.12.01<", ">H58.12<![CDATA[.01]]><", 1)
    assert split != text
    assert judge(workshop, split).indication is Indication.TOTAL_FAILED
    trace = "<edXML:TraceHeader><edXML:OrganId><![CDATA[H58]]></edXML:OrganId></edXML:TraceHeader>"
    relayed = text.replace("</edXML:TraceHeaderList>", f"{trace}</edXML:TraceHeaderList>", 1)
    assert judge(workshop, relayed).indication is Indication.TOTAL_PASSED


def test_what_stands_outside_the_seal_is_reported_as_unsealed(workshop, sealed):
    text = sealed.read_text("utf-8")
    report = judge(
        workshop, text.replace("</edXML:TraceHeaderList>", "<edXML:Paper>1</edXML:Paper></edXML:TraceHeaderList>")
    )
    assert report.indication is Indication.INDETERMINATE
    assert str(report.sub_indication) == "EDX-PARTIAL-COVERAGE"
    place = "/edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Paper"
    assert ("EDX-UNSEALED", place) in {(m.code, m.where) for m in report.messages}


def exchanged_certificate(workshop, text: str) -> str:
    """Another certificate of the same authority in KeyInfo: the signed property names the first."""
    other = workshop.pki.issue_organisation("CƠ QUAN KHÁC")
    der = base64.b64encode(other.certificate.public_bytes(Encoding.DER)).decode()
    return re.sub("(<ds:X509Certificate>)[^<]*", rf"\g<1>{der}", text, count=1)


def removed_certificate(_workshop, text: str) -> str:
    """No certificate at all."""
    return re.sub("<ds:KeyInfo.*?</ds:KeyInfo>", "", text, count=1, flags=re.DOTALL)


@pytest.mark.parametrize("forge", [exchanged_certificate, removed_certificate])
def test_a_seal_without_its_certificate_is_neither_right_nor_wrong(workshop, sealed, forge):
    """Nobody can check it (EN 319 102-1 5.2.3, table 6), and it never counts as the other's."""
    report = judge(workshop, forge(workshop, sealed.read_text("utf-8")))
    assert report.indication is Indication.INDETERMINATE
    (seal,) = report.signatures
    assert seal.sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert seal.integrity is Integrity.INDETERMINATE
    assert seal.certificate is None
    assert seal.unit is None


@pytest.mark.parametrize("forge", [exchanged_certificate, removed_certificate])
def test_a_change_fails_also_where_the_certificate_is_gone(workshop, sealed, forge):
    """Else whoever changes an envelope would take the certificate out, and have a milder verdict."""
    text = sealed.read_text("utf-8").replace("H58.12.01</edXML:OrganId>", "G22</edXML:OrganId>", 1)
    report = judge(workshop, forge(workshop, text))
    assert report.indication is Indication.TOTAL_FAILED
    assert report.signatures[0].sub_indication is SubIndication.HASH_FAILURE


@pytest.mark.parametrize("blank", ["\u00a0", "\u2028", "\u3000"])
@pytest.mark.parametrize("name", ["X509Certificate", "SignatureValue", "DigestValue"])
def test_only_the_blanks_of_xml_may_stand_in_a_value(workshop, sealed, name, blank):
    """xmlsec1 refuses others: a seal is not to hold for one reader and fail for the next."""
    before, place, rest = sealed.read_text(encoding="utf-8").partition(f"<ds:{name}>")
    assert place
    verdict = judge(workshop, f"{before}{place}{rest[:8]}\r\n\t {rest[8:]}")
    assert verdict.indication is Indication.TOTAL_PASSED or name == "DigestValue"
    verdict = judge(workshop, f"{before}{place}{rest[:8]}{blank}{rest[8:]}")
    assert verdict.indication is Indication.TOTAL_FAILED


def test_a_damaged_certificate_beside_the_signers_is_named(workshop, sealed):
    whole = sealed.read_text(encoding="utf-8")
    assert "EDX-CERT-DAMAGED" not in str(judge(workshop, whole).signatures)
    first, second = re.findall("<ds:X509Certificate>([^<]*)", whole)[:2]
    for other in (first, second):  # the last letters stand in the issuer's signature
        at = len(other) - 40
        bent = other[:at] + ("A" if other[at] != "A" else "B") + other[at + 1 :]
        data = whole.replace(f">{other}<", f">{other}</ds:X509Certificate><ds:X509Certificate>{bent}<", 1)
        verdict = judge(workshop, data)
        (signature,) = verdict.signatures
        assert verdict.indication is Indication.TOTAL_PASSED
        assert [one.code for one in signature.messages if one.severity == "warning"] == ["EDX-CERT-DAMAGED"]
