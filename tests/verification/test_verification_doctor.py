"""The digest doctor names every accident it knows, over CMS, PDF and XML, and never makes a verdict better."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from verification_scene import AT, SIGNED_AT

from edocx.signing.cms.sign import sign_file
from edocx.signing.doctor import MAX_EXAMINED, explain
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.verification import verify

LINES = "Kính gửi: Ủy ban\nSố: 12\n".encode()
ODD = b"%PDF-1.4 any text of odd length\n%%EOF"

ACCIDENTS = {
    "CRLF added": (LINES, LINES.replace(b"\n", b"\r\n"), "turned into CRLF"),
    "CRLF lost": (LINES.replace(b"\n", b"\r\n"), LINES, "lost their CR"),
    "BOM added": (LINES, b"\xef\xbb\xbf" + LINES, "byte order mark was put in front"),
    "BOM lost": (b"\xef\xbb\xbf" + LINES, LINES, "byte order mark was lost"),
    "blanks appended": (LINES.rstrip(), LINES.rstrip() + b" \t\n\n", "white space was appended"),
    "NULs appended": (LINES, LINES + bytes(512), "NUL bytes were appended"),
    "last line end lost": (LINES, LINES[:-1], "last line end was lost"),
    "last CRLF lost": (b"one line\r\n", b"one line", "last line end was lost"),
    "bytes appended": (ODD + b"\n", ODD + b"\nX-Virus-Scanned: yes\n", "foreign bytes were appended"),
    "twice": (LINES, LINES * 2, "stands there twice"),
    "mail header": (LINES, b"Content-Type: text/plain\r\nX-A: b\r\n c\r\n\r\n" + LINES, "mail header"),
    "still base64": (LINES, base64.encodebytes(LINES), "still encoded in base64"),
    "UTF-16 to UTF-8": (LINES.decode().encode("utf-16"), LINES, "UTF-16 was turned into UTF-8"),
    "UTF-8 to UTF-16": (LINES, LINES.decode().encode("utf-16"), "UTF-8 was turned into UTF-16"),
}


def causes(report):
    said = [message for signature in report.signatures for message in signature.messages] + list(report.messages)
    return [message.en for message in said if message.code == "EDX-DIGEST-EXPLAINED"]


@pytest.mark.parametrize("name", ACCIDENTS)
def test_an_accident_to_signed_content_is_named(bench, tmp_path, name):
    signed, received, words = ACCIDENTS[name]
    path = tmp_path / "a.bin"
    path.write_bytes(signed)
    beside = sign_file(path, tmp_path / "a.p7s", bench.person, at=SIGNED_AT)
    path.write_bytes(received)
    report = verify(beside, trust=bench.trust, at=AT, detached=[path])
    assert report.indication is Indication.TOTAL_FAILED
    assert [words in text for text in causes(report)] == [True], causes(report)


def test_what_nothing_explains_and_what_is_too_large_is_left_alone():
    assert explain(LINES, lambda variant: False) is None
    asked = []
    assert explain(bytes(MAX_EXAMINED + 1), asked.append) is None
    assert asked == []


PDF_ACCIDENTS = {
    "CRLF": (lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), "turned into CRLF"),
    "cut": (lambda data: data[:-300], "cut short, at least 300 bytes"),
    "in front": (lambda data: b"Content-Type: application/pdf\r\n\r\n" + data, "mail header"),
}


@pytest.mark.parametrize("name", PDF_ACCIDENTS)
def test_an_accident_to_a_pdf_is_named(bench, plain, tmp_path, name):
    data = sign(plain, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="S").read_bytes()
    change, words = PDF_ACCIDENTS[name]
    path = tmp_path / "b.pdf"
    path.write_bytes(change(data))
    report = verify(path, trust=bench.trust, at=AT)
    assert report.indication is Indication.TOTAL_FAILED
    assert [words in text for text in causes(report)] == [True], (causes(report), report)


def test_a_forged_pdf_is_not_explained_away(bench, plain, tmp_path):
    data = sign(plain, tmp_path / "a.pdf", bench.person, at=SIGNED_AT, field="S").read_bytes()
    path = tmp_path / "b.pdf"
    path.write_bytes(data.replace(b"/MediaBox", b"/mediaBox", 1))
    report = verify(path, trust=bench.trust, at=AT)
    assert (report.indication, causes(report)) == (Indication.TOTAL_FAILED, [])


DS = "http://www.w3.org/2000/09/xmldsig#"
INCLUSIVE, EXCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"


def signed_xml(person, named: str, used: bool) -> bytes:
    """An enveloping signature over an object with an unused namespace; ``used`` says whether exclusively."""
    root = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}" xmlns:un="urn:unused"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<ds:Reference URI="#o"><ds:Transforms><ds:Transform Algorithm="{named}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>'
        f"</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
        f"{base64.b64encode(person.certificate.public_bytes(Encoding.DER)).decode()}"
        f'</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object Id="o"><a>1</a></ds:Object></ds:Signature>'
    )
    held = etree.tostring(root.find(f"{{{DS}}}Object"), method="c14n", exclusive=used, with_comments=False)
    root.find(f".//{{{DS}}}DigestValue").text = base64.b64encode(hashlib.sha256(held).digest()).decode()
    info = etree.tostring(root[0], method="c14n", exclusive=True, with_comments=False)
    root[1].text = base64.b64encode(person.private_key.sign(info, PKCS1v15(), hashes.SHA256())).decode()
    return etree.tostring(root)


@pytest.mark.parametrize("right", [True, False])
def test_another_canonicalisation_than_named_is_recognised(bench, tmp_path, right):
    person = bench.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    path = tmp_path / "a.xml"
    path.write_bytes(signed_xml(person, INCLUSIVE, used=not right))
    report = verify(path, trust=bench.trust, at=AT)
    if right:
        assert (report.indication, causes(report)) == (Indication.TOTAL_PASSED, [])
    else:
        assert report.indication is Indication.TOTAL_FAILED
        assert ["another canonicalisation" in text for text in causes(report)] == [True]
