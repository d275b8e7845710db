"""On a mismatch, the ordinary accident that explains it is named; what was really changed is not explained away."""

from __future__ import annotations

from datetime import timedelta

import pytest
import signxml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from lxml import etree
from signing_samples import SIGNED_AT

from edocx.signing.report import Indication
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)
TEXT = "Kính gửi:\nỦy ban\n".encode()


@pytest.fixture(scope="module")
def person(signing):
    return signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")


def explained(report):
    (signature,) = report.signatures
    return [m for m in signature.messages if m.code == "EDX-DIGEST-EXPLAINED"]


@pytest.mark.parametrize(
    "received,word",
    [
        (TEXT.replace(b"\n", b"\r\n"), "CRLF"),
        (b"\xef\xbb\xbf" + TEXT, "byte order mark"),
        (TEXT + bytes(512), "NUL"),
        (TEXT[:-1], "last line end"),
    ],
)
def test_what_happened_to_detached_content_is_named_and_still_fails(signing, person, tmp_path, received, word):
    builder = pkcs7.PKCS7SignatureBuilder().set_data(TEXT)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]
    (tmp_path / "a.p7s").write_bytes(builder.sign(Encoding.DER, options))
    (tmp_path / "a.txt").write_bytes(received)
    report = verify(tmp_path / "a.p7s", trust=signing.trust, at=AT, detached=[tmp_path / "a.txt"])
    assert report.indication is Indication.TOTAL_FAILED
    assert [word in message.en for message in explained(report)] == [True]


def signed_xml(person) -> bytes:
    signer = signxml.XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
    root = etree.fromstring("<a><b>Nguyễn Văn A</b><c>1</c></a>")
    return etree.tostring(signer.sign(root, key=person.private_key, cert=[person.certificate]))


def test_xml_that_was_indented_again_is_recognised(signing, person, tmp_path):
    data = signed_xml(person).replace(b"<b>", b"\n  <b>").replace(b"<c>", b"\n  <c>")
    (tmp_path / "a.xml").write_bytes(data)
    report = verify(tmp_path / "a.xml", trust=signing.trust, at=AT)
    assert report.indication is Indication.TOTAL_FAILED
    assert ["indented" in message.en for message in explained(report)] == [True]


def test_a_changed_word_is_not_explained_away(signing, person, tmp_path):
    (tmp_path / "a.xml").write_bytes(signed_xml(person).replace(b"<c>1</c>", b"<c>2</c>"))
    report = verify(tmp_path / "a.xml", trust=signing.trust, at=AT)
    assert report.indication is Indication.TOTAL_FAILED
    assert explained(report) == []
