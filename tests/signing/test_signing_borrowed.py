"""A signature is over what it was made over: not over the file beside it, nor over what another protocol signed."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest
from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from lxml import etree
from signing_samples import SIGNED_AT, plain

from edocx.signing.cms.borrowed import is_borrowed
from edocx.signing.cms.content import tlv
from edocx.signing.cms.document import examine_beside, load_signed_data
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, SubIndication
from edocx.testing.attacks.cms import enclosing, out_of_a_pdf, passed_off
from edocx.testing.attacks.container import enclosed
from edocx.testing.credential import Credential
from edocx.verification import verify

CONTENT = "Công văn số 1 của Nguyễn Văn A.\n".encode()
AT = SIGNED_AT + timedelta(days=1)


@pytest.fixture(scope="module")
def person(signing) -> Credential:
    return signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")


def signed(person, *options):
    builder = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def judged(signing, folder, name, data, **options):
    path = folder / name
    path.write_bytes(data)
    return verify(path, trust=signing.trust, at=AT, **options)


def refusals(report):
    return {message.code for signature in report.signatures for message in signature.messages}


def test_a_signature_in_a_container_brings_no_content_of_its_own(signing, person, tmp_path):
    detached = signed(person, pkcs7.PKCS7Options.DetachedSignature)
    assert judged(signing, tmp_path, "a.p7m", enclosing(detached, CONTENT)).indication is Indication.TOTAL_PASSED
    names = []
    for attack in enclosed(detached, CONTENT):
        report = judged(signing, tmp_path, "a.asice", attack.data)
        assert report.indication is Indication.TOTAL_FAILED, attack.name
        assert refusals(report) == {"EDX-CMS-ENCLOSES"}, attack.name
        names.append(attack.name)
    assert len(names) == 6


def test_a_signature_taken_out_of_a_pdf_signs_no_file_beside_it(signing, tmp_path):
    once = sign(plain(tmp_path / "a.pdf"), tmp_path / "b.pdf", signing.person, at=SIGNED_AT, field="A")
    twice = sign(once, tmp_path / "c.pdf", signing.organisation, at=SIGNED_AT, field="B")
    taken = list(out_of_a_pdf(twice.read_bytes()))
    assert len(taken) == 2
    for data, content in taken:
        inside = enclosing(data, content)
        genuine = judged(signing, tmp_path, "a.p7m", inside)
        assert genuine.signatures[0].indication is Indication.TOTAL_PASSED, "it holds by itself"
        for attack in enclosed(data, content):
            assert judged(signing, tmp_path, "a.asice", attack.data).indication is Indication.TOTAL_FAILED, attack.name
        (tmp_path / "letter.txt").write_bytes(b"FORGED")
        beside = judged(signing, tmp_path, "a.p7m", inside, detached=[tmp_path / "letter.txt"])
        assert beside.indication is not Indication.TOTAL_PASSED


def test_a_statement_is_signed_over_its_own_bytes_and_no_others(person):
    """Receipts and journal heads come through this door."""
    detached = signed(person, pkcs7.PKCS7Options.DetachedSignature)
    (own,) = examine_beside(load_signed_data(detached, "a"), CONTENT)
    assert own.outcome is Indication.TOTAL_PASSED
    (other,) = examine_beside(load_signed_data(detached, "a"), CONTENT + b" ")
    assert other.outcome is Indication.TOTAL_FAILED
    for inside in (CONTENT, b"", CONTENT + b" "):
        assert list(examine_beside(load_signed_data(enclosing(detached, inside), "a"), CONTENT)) == []


def value_over(person, data):
    return person.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def test_attributes_that_are_long_or_in_no_order_pass_for_no_content(signing, person, tmp_path):
    def attribute(kind, value):
        return cms.CMSAttribute({"type": kind, "values": [value]}).dump()

    long = attribute("1.2.3.4.5", core.OctetString(b"A" * 100_000))
    rest = attribute("content_type", "data") + attribute("message_digest", hashlib.sha256(CONTENT).digest())
    endless = b"\x31\x80" + long + rest + b"\0\0"
    for attributes in (tlv(0x31, long, rest), tlv(0x31, rest, long), endless):
        forged = passed_off(value_over(person, attributes), attributes, der(person))
        report = judged(signing, tmp_path, "a.p7m", forged)
        assert report.indication is Indication.TOTAL_FAILED
        assert refusals(report) == {"EDX-CMS-BORROWED"}


def der(credential):
    return credential.certificate.public_bytes(Encoding.DER)


def signed_info(prefix):
    colon = f"{prefix}:" if prefix else ""
    declared = f"xmlns:{prefix}" if prefix else "xmlns"
    text = (
        f'<{colon}SignedInfo {declared}="http://www.w3.org/2000/09/xmldsig#">'
        f'<{colon}CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></{colon}SignedInfo>'
    )
    return etree.tostring(etree.fromstring(text), method="c14n", exclusive=True)


def bodies(signing, person):
    request = x509.CertificateSigningRequestBuilder().subject_name(person.certificate.subject)
    yield "request", request.sign(person.private_key, hashes.SHA256()).tbs_certrequest_bytes
    yield "certificate", person.certificate.tbs_certificate_bytes
    for listed in signing.trust.revocation_lists:
        yield "list", listed["tbs_cert_list"].dump()
    for prefix in ("", "ds", "chữ-ký"):
        yield f"SignedInfo {prefix}", signed_info(prefix)


@pytest.mark.parametrize("inside", [True, False])
def test_what_another_protocol_signs_is_no_document(signing, person, tmp_path, inside):
    kinds = []
    for kind, body in bodies(signing, person):
        data, given = passed_off(value_over(person, body), body, der(person)), []
        if not inside:
            outer = cms.ContentInfo.load(data)
            del outer["content"]["encap_content_info"][1]
            data, given = outer.dump(force=True), [tmp_path / "a.bin"]
            given[0].write_bytes(body)
        report = judged(signing, tmp_path, "a.p7m", data, detached=given)
        assert report.indication is Indication.TOTAL_FAILED, kind
        assert report.signatures[0].sub_indication is SubIndication.FORMAT_FAILURE, kind
        assert refusals(report) == {"EDX-CMS-BORROWED"}, kind
        kinds.append(kind)
    assert len(set(kinds)) >= 6


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        b"1. \x06 0",
        b"",
        b"%PDF-1.7\n",
        b"<SignedInformation/>",
        "<thư>SignedInfo</thư>".encode(),
        b"PK\3\4",
        base64.b64encode(CONTENT),
    ],
)
def test_documents_without_signed_attributes_stay_what_they_are(signing, person, tmp_path, content):
    report = judged(signing, tmp_path, "a.p7m", passed_off(value_over(person, content), content, der(person)))
    assert report.signatures[0].indication is Indication.TOTAL_PASSED
    assert report.indication is Indication.TOTAL_PASSED


def test_signatures_and_certificates_that_somebody_signs_as_files_are_no_borrowed_values(signing, person):
    assert not is_borrowed(der(person))
    assert not is_borrowed(signed(person))
    assert not any(is_borrowed(one.dump()) for one in signing.trust.revocation_lists)
