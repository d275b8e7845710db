"""Archive timestamps of XAdES and CAdES: what they cover they prove, what they do not they do not."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from asn1crypto import cms, core, tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from verification_scene import SIGNED_AT

from edocx.signing import proof
from edocx.signing.cms import archive as cms_archive
from edocx.signing.cms.sign import sign_file
from edocx.signing.keys import open_signer
from edocx.signing.mechanism import digest
from edocx.signing.report import Indication, SubIndication
from edocx.signing.token import Token
from edocx.signing.trust import TrustStore
from edocx.signing.xml import archive
from edocx.signing.xml.qualifying import properties_of
from edocx.testing import Tsa
from edocx.verification import verify

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "signatures" / "xml-signxml"
YEAR = timedelta(days=365)
LATER = SIGNED_AT + 3 * YEAR
STAMPED_AT = SIGNED_AT + timedelta(days=2)
X132, X141 = "{http://uri.etsi.org/01903/v1.3.2#}", "{http://uri.etsi.org/01903/v1.4.1#}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@pytest.fixture(scope="module")
def person(bench):
    """Somebody whose certificate lasts a year."""
    return bench.pki.issue_person("Nguyễn Văn B", "ỦY BAN THỬ NGHIỆM", not_after=SIGNED_AT + YEAR)


def token(bench, hashed, at=STAMPED_AT) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashed}
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "cert_req": True})
    answer = tsp.TimeStampResp.load(Tsa(bench.pki).answer(request.dump(), at))
    assert answer["status"]["status"].native == "granted"
    return answer["time_stamp_token"].dump()


def c14n(element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def signed_xml(person) -> etree._Element:
    """A document with an enveloped XAdES signature, put together by hand."""
    root = etree.fromstring("<doc><amount>100</amount></doc>")
    named = base64.b64encode(person.certificate.fingerprint(hashes.SHA256())).decode()
    der = base64.b64encode(person.certificate.public_bytes(Encoding.DER)).decode()
    method = f'<ds:DigestMethod Algorithm="{SHA256_URI}"/>'
    signature = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS[1:-1]}" Id="S"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/>'
        f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{DS[1:-1]}enveloped-signature"/>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>{method}<ds:DigestValue/></ds:Reference>'
        f'<ds:Reference URI="#P" Type="http://uri.etsi.org/01903#SignedProperties"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>{method}<ds:DigestValue/></ds:Reference>'
        f"</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate>"
        f'</ds:X509Data></ds:KeyInfo><ds:Object><x:QualifyingProperties xmlns:x="{X132[1:-1]}" Target="#S">'
        f'<x:SignedProperties Id="P"><x:SignedSignatureProperties><x:SigningTime>{SIGNED_AT.isoformat()}</x:SigningTime>'
        f"<x:SigningCertificateV2><x:Cert><x:CertDigest>{method}<ds:DigestValue>{named}</ds:DigestValue></x:CertDigest>"
        f"</x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties>"
        f"</x:QualifyingProperties></ds:Object></ds:Signature>"
    )
    octets = (c14n(root), c14n(signature.find(f".//{X132}SignedProperties")))
    for reference, data in zip(signature.iter(f"{DS}Reference"), octets, strict=True):
        reference.find(f"{DS}DigestValue").text = base64.b64encode(hashlib.sha256(data).digest()).decode()
    value = person.private_key.sign(c14n(signature.find(f"{DS}SignedInfo")), PKCS1v15(), hashes.SHA256())
    signature.find(f"{DS}SignatureValue").text = base64.b64encode(value).decode()
    root.append(signature)
    return root


def stamped_over(root) -> bytes:
    """What an archive timestamp covers, computed here from the standard's list, over our own simple document."""
    signature = root.find(f"{DS}Signature")
    data = c14n(etree.fromstring("<doc><amount>100</amount></doc>")) + c14n(root.find(f".//{X132}SignedProperties"))
    for name in ("SignedInfo", "SignatureValue", "KeyInfo"):
        data += c14n(signature.find(f"{DS}{name}"))
    return data + b"".join(c14n(one) for one in root.iterfind(f".//{X132}UnsignedSignatureProperties/*"))


def add_unsigned(root, element) -> None:
    holder = next(root.iter(f"{X132}QualifyingProperties"))
    own = holder.find(f"{X132}UnsignedProperties/{X132}UnsignedSignatureProperties")
    if own is None:
        unsigned = etree.SubElement(holder, f"{X132}UnsignedProperties")
        own = etree.SubElement(unsigned, f"{X132}UnsignedSignatureProperties")
    own.append(element)


def archive_stamp(bench, data, at=STAMPED_AT, name=f"{X141}ArchiveTimeStamp") -> etree._Element:
    element = etree.Element(name)
    etree.SubElement(element, f"{DS}CanonicalizationMethod", Algorithm=EXCLUSIVE)
    value = base64.b64encode(token(bench, hashlib.sha256(data).digest(), at)).decode()
    etree.SubElement(element, f"{X132}EncapsulatedTimeStamp").text = value
    return element


def judged(bench, data, folder, at=LATER, **options):
    path = folder / "a.xml"
    path.write_bytes(data if isinstance(data, bytes) else etree.tostring(data))
    (signature,) = verify(path, trust=bench.trust, at=at, **options).signatures
    return signature


def codes(signature):
    return {message.code for message in signature.messages}


def test_an_archive_timestamp_carries_xades_over_its_certificate(bench, person, tmp_path):
    root = signed_xml(person)
    assert judged(bench, root, tmp_path).sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    add_unsigned(root, archive_stamp(bench, stamped_over(root)))
    signature = judged(bench, root, tmp_path)
    assert (signature.indication, signature.time_source) == (Indication.TOTAL_PASSED, "timestamp")
    assert signature.signing_time == STAMPED_AT


@pytest.mark.parametrize("what", ["key-info", "before", "token-of-another"])
def test_what_an_archive_timestamp_does_not_cover_spoils_it(bench, person, tmp_path, what):
    root = signed_xml(person)
    data = stamped_over(root)
    if what == "token-of-another":
        data += b"x"
    if what == "before":
        add_unsigned(root, etree.Element(f"{X132}CertificateValues"))
    add_unsigned(root, archive_stamp(bench, data))
    if what == "key-info":
        etree.SubElement(next(root.iter(f"{DS}KeyInfo")), f"{DS}KeyName").text = "added"
    signature = judged(bench, root, tmp_path)
    assert signature.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert "EDX-STAMP-INVALID" in codes(signature)


def test_what_comes_after_an_archive_timestamp_leaves_it_as_it_is(bench, person, tmp_path):
    root = signed_xml(person)
    add_unsigned(root, archive_stamp(bench, stamped_over(root)))
    add_unsigned(root, archive_stamp(bench, stamped_over(root), STAMPED_AT + YEAR))
    assert judged(bench, root, tmp_path).signing_time == STAMPED_AT


@pytest.mark.parametrize("form", ["Include", "{http://uri.etsi.org/01903/v1.2.2#}ArchiveTimeStamp"])
def test_a_form_that_is_not_judged_is_named_and_proves_nothing(bench, person, tmp_path, form):
    root = signed_xml(person)
    name = form if form.startswith("{") else f"{X141}ArchiveTimeStamp"
    element = archive_stamp(bench, stamped_over(root), name=name)
    if form == "Include":
        element.insert(0, etree.Element(f"{X132}Include", URI="#x"))
    add_unsigned(root, element)
    signature = judged(bench, root, tmp_path)
    assert signature.indication is Indication.INDETERMINATE
    assert "EDX-STAMP-UNJUDGED" in codes(signature)


def test_an_archive_timestamp_vouches_only_for_what_stands_before_it(monkeypatch):
    """Whoever breaks an old authority's key must not date a signature back by hiding behind a newer stamp."""
    asked = {}

    def problem(token, trust, at):
        asked[token.hash_name] = at

    monkeypatch.setattr(proof, "_problem", problem)

    def stamp(name, days, end):
        return Token(intact=True, time=SIGNED_AT + timedelta(days=days), hash_name=name, end=end)

    own = [stamp("before", 0, 1), stamp("between", 0, 3), stamp("behind", 0, 5), stamp("by its nature", 0, None)]
    archives = [stamp("second", 20, 4), stamp("first", 10, 2)]
    proof.prove(own, archives, TrustStore(), LATER)
    assert asked == {
        "second": LATER,
        "first": SIGNED_AT + timedelta(days=20),
        "before": SIGNED_AT + timedelta(days=10),
        "between": SIGNED_AT + timedelta(days=20),
        "behind": LATER,
        "by its nature": SIGNED_AT + timedelta(days=10),
    }


def test_places_in_xades_tell_what_stands_before_what(bench, person):
    root = signed_xml(person)
    value = c14n(next(root.iter(f"{DS}SignatureValue")))
    own = archive_stamp(bench, value, SIGNED_AT, name=f"{X132}SignatureTimeStamp")
    add_unsigned(root, archive_stamp(bench, stamped_over(root)))
    add_unsigned(root, own)
    signature = next(root.iter(f"{DS}Signature"))
    properties = properties_of(signature)
    (behind,) = properties.tokens(signature.find(f"{DS}SignatureValue"))
    (stamp,), _ = archive.archive_tokens(properties, signature, [])
    assert behind.intact
    assert behind.end > stamp.end


@pytest.mark.parametrize(
    "name,intact",
    [
        ("xades-lta-valid", [True]),
        ("xades-ocsp-before-cert-validity", [True]),
        ("xades-extended-short-a", [True]),
        ("xades-attr-authorities-values", [True]),
        ("Signature-X-HU_POL-3", [True]),
        ("nonconformant-sellosFNMT-XAdES_A", [True]),
        ("xades-with-multiple-archivetimestamps", [True, True]),
        ("xades-lta-with-additional-cert-in-keyinfo", [False]),  # KeyInfo was changed after it was stamped
    ],
)
def test_archive_timestamps_that_others_made_are_read_as_they_meant(name, intact, monkeypatch):
    path = SAMPLES / f"signxml_xades_{name}.xml"
    if not path.exists():
        pytest.skip("the samples are not beside the repository")
    found = []
    original = archive.archive_tokens

    def spy(*arguments):
        result = original(*arguments)
        found.extend(result[0])
        return result

    monkeypatch.setattr("edocx.signing.xml.core.archive_tokens", spy)
    verify(path, at=LATER)
    assert [one.intact for one in found] == intact


# -- CAdES


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )
    return bytes([tag]) + length + content


SHA256 = tlv(0x30, bytes.fromhex("0609608648016503040201"))


def entry_of(data: bytes) -> bytes:
    return tlv(0x04, hashlib.sha256(data).digest())


def oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def index_of(signed, info, *, skip=()) -> bytes:
    """An ATSHashIndexV3 over everything that is there, written by hand."""
    certificates = b"".join(entry_of(one.dump()) for one in signed["certificates"])
    attributes = b""
    for place, one in enumerate(unsigned(info)):
        if place not in skip:
            attributes += b"".join(entry_of(one["type"].dump() + value.dump()) for value in one["values"])
    return tlv(0x30, SHA256 + tlv(0x30, certificates) + tlv(0x30, b"") + tlv(0x30, attributes))


def unsigned(info):
    held = info["unsigned_attrs"]
    return list(held) if isinstance(held, cms.CMSAttributes) else []


def with_archive(bench, data: bytes, content: bytes, at=STAMPED_AT, *, skip=(), spoil=b"", entry=b"") -> bytes:
    outer = cms.ContentInfo.load(data)
    signed = outer["content"]
    (info,) = signed["signer_infos"]
    index = index_of(signed, info, skip=skip)
    if entry:
        index = tlv(0x30, SHA256 + tlv(0x30, tlv(0x04, entry)) + tlv(0x30, b"") + tlv(0x30, b""))
    covered = signed["encap_content_info"]["content_type"].dump() + hashlib.sha256(content).digest()
    for name in ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature"):
        covered += info[name].dump()
    stamp = cms.ContentInfo.load(token(bench, hashlib.sha256(covered + index + spoil).digest(), at))
    hashed = tlv(0x30, oid("0.4.0.19122.1.5") + tlv(0x31, index))
    stamped = append_unsigned(stamp.dump(), hashed)
    return append_unsigned(data, tlv(0x30, oid("0.4.0.1733.2.4") + tlv(0x31, stamped)))


def append_unsigned(data: bytes, attribute: bytes) -> bytes:
    """Add one encoded attribute to the only signer's unsigned attributes, byte by byte."""
    outer = cms.ContentInfo.load(data)
    signed = outer["content"]
    (info,) = signed["signer_infos"]
    names = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")
    fields = b"".join(info[name].dump() for name in names)
    there = b"".join(one.dump() for one in unsigned(info))
    signer = tlv(0x30, fields + tlv(0xA1, there + attribute))
    parts = b"".join(signed[name].dump() for name in ("version", "digest_algorithms", "encap_content_info"))
    if isinstance(signed["certificates"], cms.CertificateSet):
        parts += signed["certificates"].dump()
    body = tlv(0x30, parts + tlv(0x31, signer))
    return tlv(0x30, outer["content_type"].dump() + tlv(0xA0, body))


@pytest.fixture
def detached(person, plain, tmp_path):
    person.save(tmp_path / "short.p12")
    key = open_signer(f"file:{tmp_path / 'short.p12'}")
    return sign_file(plain, tmp_path / "a.p7s", key, at=SIGNED_AT).read_bytes()


def judged_cms(bench, data, plain, folder):
    path = folder / "b.p7s"
    path.write_bytes(data)
    (signature,) = verify(path, trust=bench.trust, at=LATER, detached=[plain]).signatures
    return signature


def test_an_archive_timestamp_carries_cades_over_its_certificate(bench, detached, plain, tmp_path):
    assert judged_cms(bench, detached, plain, tmp_path).sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    data = with_archive(bench, detached, plain.read_bytes())
    signature = judged_cms(bench, data, plain, tmp_path)
    assert (signature.indication, signature.signing_time) == (Indication.TOTAL_PASSED, STAMPED_AT)


def test_a_chain_of_cades_archive_timestamps_goes_back_to_the_first(bench, detached, plain, tmp_path):
    data = with_archive(bench, detached, plain.read_bytes())
    data = with_archive(bench, data, plain.read_bytes(), STAMPED_AT + YEAR)
    assert judged_cms(bench, data, plain, tmp_path).signing_time == STAMPED_AT


def test_a_later_stamp_that_leaves_the_first_out_does_not_vouch_for_it(bench, detached, plain, tmp_path):
    data = with_archive(bench, detached, plain.read_bytes())
    data = with_archive(bench, data, plain.read_bytes(), STAMPED_AT + YEAR, skip=(0,))
    outer = cms.ContentInfo.load(data)["content"]
    (info,) = outer["signer_infos"]
    content = partial(digest, data=plain.read_bytes())
    tokens, _, notes = cms_archive.archive_tokens(outer, info, content, ())
    assert [token.intact for token in tokens] == [True, False]
    assert [note.code for note in notes] == ["EDX-STAMP-UNJUDGED"]


@pytest.mark.parametrize("fault", [{"spoil": b"x"}, {"entry": bytes(32)}])
def test_a_cades_archive_timestamp_over_something_else_proves_nothing(bench, detached, plain, tmp_path, fault):
    data = with_archive(bench, detached, plain.read_bytes(), **fault)
    signature = judged_cms(bench, data, plain, tmp_path)
    assert signature.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert "EDX-STAMP-INVALID" in codes(signature)


def test_an_older_form_of_cades_archive_timestamps_is_named(bench, detached, plain, tmp_path):
    stamp = token(bench, hashlib.sha256(b"whatever").digest())
    data = append_unsigned(detached, tlv(0x30, oid("1.2.840.113549.1.9.16.2.48") + tlv(0x31, stamp)))
    signature = judged_cms(bench, data, plain, tmp_path)
    assert signature.indication is Indication.INDETERMINATE
    assert "EDX-STAMP-UNJUDGED" in codes(signature)
