"""What stands in a signer's own signature is content as soon as it is more than the standards' words."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from test_verification_parts import LETTER, both_over_letter, official, stored, wheres
from test_verification_selection import CANONICAL, DS, canonical, reference, signature

from edocx.signing.report import Indication
from edocx.signing.xml.element_path import element_path
from edocx.signing.xml.grammar import is_shaped
from edocx.signing.xml.own_parts import is_own

XADES = "http://uri.etsi.org/01903/v1.3.2#"
FORGED = '<Letter xmlns=""><Text>Cấp 900 tỷ đồng</Text></Letter>'
HIDDEN = f'<Letter xmlns=""><Text><KeyName xmlns="{DS}">Cấp 900 tỷ đồng</KeyName></Text></Letter>'
VALUES = (
    f'<x:CertificateValues Id="c"/><x:CompleteCertificateRefs><x:CertRefs><x:Cert><x:CertDigest>'
    f'<DigestMethod xmlns="{DS}" Algorithm="a"/><DigestValue xmlns="{DS}">AA\n== </DigestValue></x:CertDigest><x:IssuerSerial>'
    f'<X509IssuerName xmlns="{DS}">CN=CA THỬ NGHIỆM</X509IssuerName><X509SerialNumber xmlns="{DS}">1</X509SerialNumber>'
    "</x:IssuerSerial></x:Cert></x:CertRefs></x:CompleteCertificateRefs>"
)
COUNTER = f'<Signature xmlns="{DS}"><SignedInfo/><SignatureValue>AAAA</SignatureValue>'
COUNTERSIGNED_POLICY = (
    f"<x:CounterSignature>{COUNTER}<Object><x:QualifyingProperties><x:SignedProperties><x:SignedSignatureProperties>"
    "<x:SignaturePolicyIdentifier><x:SignaturePolicyId><x:SigPolicyId><x:Identifier>a</x:Identifier></x:SigPolicyId>"
    "</x:SignaturePolicyId></x:SignaturePolicyIdentifier></x:SignedSignatureProperties></x:SignedProperties>"
    "</x:QualifyingProperties></Object></Signature></x:CounterSignature>"
)
TIMED = '<SigningTime xmlns="">2023-06-15T08:00:00+07:00</SigningTime>'


@pytest.fixture(scope="module")
def outsider(bench):
    return bench.pki.issue_person("Người Lạ", "NƠI KHÁC")


def beside(bench, outsider, own, held):
    """Put an outsider's signature over the letter and over a part of his own ahead of those of person and agency."""
    over = reference("#L", CANONICAL, canonical(etree.fromstring(LETTER)))
    mine = reference("#M", CANONICAL, canonical(etree.fromstring(own)))
    text = signature(outsider, over + mine, held)
    return both_over_letter(bench).replace("<Doc>", f"<Doc>{text}", 1)


def properties(inside):
    own = f'<SignatureProperties xmlns="{DS}" Id="M"><SignatureProperty Target="#S">{inside}</SignatureProperty></SignatureProperties>'
    return own, f"<Object>{own}</Object>"


def qualifying(inside):
    own = (
        f'<x:SignedProperties xmlns:x="{XADES}" Id="M"><x:SignedDataObjectProperties>{inside}'
        "</x:SignedDataObjectProperties></x:SignedProperties>"
    )
    return own, f'<Object><x:QualifyingProperties xmlns:x="{XADES}" Target="#S">{own}</x:QualifyingProperties></Object>'


@pytest.mark.parametrize("make", [properties, qualifying])
def test_a_letter_in_an_outsiders_own_properties_is_content_that_nobody_else_signed(bench, outsider, tmp_path, make):
    report = official(bench, stored(tmp_path, beside(bench, outsider, *make(FORGED))))
    assert report.indication is Indication.INDETERMINATE
    assert len(wheres(report, "EDX-POLICY-OUTSIDE")) == 1


def test_a_time_in_an_outsiders_own_properties_is_none(bench, outsider, tmp_path):
    report = official(bench, stored(tmp_path, beside(bench, outsider, *properties(TIMED))))
    assert (report.indication, wheres(report, "EDX-POLICY-OUTSIDE")) == (Indication.TOTAL_PASSED, [])


def with_keys(bench, outsider, inside, identifier):
    """Let the outsider's KeyInfo say more; it is signed when its identifier is M."""
    der = base64.b64encode(outsider.certificate.public_bytes(Encoding.DER)).decode()
    plain = f"<KeyInfo><X509Data><X509Certificate>{der}</X509Certificate></X509Data></KeyInfo>"
    own = plain.replace("<KeyInfo>", f'<KeyInfo xmlns="{DS}" Id="{identifier}">')
    own = own.replace("</KeyInfo>", f"{inside}</KeyInfo>")
    part = (own, "") if identifier == "M" else properties("")
    return beside(bench, outsider, *part).replace(plain, own, 1)


@pytest.mark.parametrize("identifier", ["M", "K"])
@pytest.mark.parametrize(
    "inside, passes",
    [
        (FORGED, False),
        (f"<X509Data><X509SKI>{FORGED}</X509SKI></X509Data>", False),
        ("<X509Data><X509SKI>Cấp 900 tỷ đồng</X509SKI></X509Data>", False),
        (f"<X509Data><X509IssuerSerial>{FORGED}</X509IssuerSerial></X509Data>", False),
        ('<Letter xmlns="" pay="900"/>', False),
        (HIDDEN, False),
        (f"<X509Data><X509SKI>{HIDDEN}</X509SKI></X509Data>", False),
        (f'<RetrievalMethod URI="#k">{HIDDEN}</RetrievalMethod>', False),
        ('<X509Data><X509SKI><Letter xmlns=""><Approved/></Letter></X509SKI></X509Data>', False),
        (
            (
                "<X509Data><X509IssuerSerial><X509IssuerName>Cấp 900 tỷ</X509IssuerName>"
                "<X509SerialNumber>1</X509SerialNumber></X509IssuerSerial></X509Data>"
            ),
            False,
        ),
        (
            (
                '<RetrievalMethod URI="#k"><Transforms><Transform Algorithm="a"><XPath>Cấp 900 tỷ</XPath></Transform>'
                "</Transforms></RetrievalMethod>"
            ),
            False,
        ),
        ("<KeyName>a</KeyName>", True),
    ],
)
def test_a_letter_beside_an_outsiders_keys_is_no_name_of_a_key(bench, outsider, tmp_path, inside, passes, identifier):  # noqa: PLR0917
    report = official(bench, stored(tmp_path, with_keys(bench, outsider, inside, identifier)))
    assert report.signatures[0].indication is Indication.TOTAL_PASSED
    assert report.indication is (Indication.TOTAL_PASSED if passes else Indication.INDETERMINATE)
    assert bool(wheres(report, "EDX-POLICY-OUTSIDE")) is not passes


@pytest.mark.parametrize(
    "added",
    [
        f"<x:CertificateValues>{FORGED}</x:CertificateValues>",
        f"<x:AnyValidationData>{FORGED}</x:AnyValidationData>",
        "<x:CertificateValues><x:EncapsulatedX509Certificate>Cấp 900 tỷ</x:EncapsulatedX509Certificate></x:CertificateValues>",
        "<x:CertificateValues><x:Description>Cấp-900-tỷ</x:Description></x:CertificateValues>",
        "<x:SignaturePolicyStore><x:Identifier>Cấp 900 tỷ đồng</x:Identifier></x:SignaturePolicyStore>",
        "<x:CertificateValues Id='Cấp 900 tỷ'/>",
        "<x:CertificateValues><x:EncapsulatedX509Certificate>Huy bo va cap 900 ty</x:EncapsulatedX509Certificate></x:CertificateValues>",
        (
            f"{COUNTERSIGNED_POLICY}<x:SignaturePolicyStore><x:SPDocSpecification><x:Description>Cấp 900 tỷ</x:Description>"
            "</x:SPDocSpecification></x:SignaturePolicyStore>"
        ),
        "<x:CertificateValues><x:Identifier>900</x:Identifier></x:CertificateValues>",
        (
            "<x:SignaturePolicyStore><x:SigPolDocLocalURI>Cấp\N{BRAILLE PATTERN BLANK}900\N{WORD JOINER}tỷ</x:SigPolDocLocalURI>"
            "</x:SignaturePolicyStore>"
        ),
        "<x:CompleteCertificateRefs Id='Cấp\N{HANGUL FILLER}900'/>",
        f"<x:CounterSignature>{COUNTER}<KeyInfo><KeyName>Cấp 900 tỷ</KeyName></KeyInfo></Signature></x:CounterSignature>",
        "<x:CompleteCertificateRefs pay='900'/>",
        "<x:CompleteCertificateRefs><x:Letter>900</x:Letter></x:CompleteCertificateRefs>",
        f"<x:CounterSignature>{COUNTER}<Object>{FORGED}</Object></Signature></x:CounterSignature>",
    ],
)
def test_anybody_may_add_a_property_and_no_letter_in_one(bench, tmp_path, added):
    genuine = both_over_letter(bench)
    place = f'<x:UnsignedProperties xmlns:x="{XADES}"><x:UnsignedSignatureProperties>{{}}</x:UnsignedSignatureProperties></x:UnsignedProperties>'

    def report_with(inside):
        root = etree.fromstring(genuine)
        next(root.iter(f"{{{XADES}}}QualifyingProperties")).append(etree.fromstring(place.format(inside)))
        return official(bench, stored(tmp_path, etree.tostring(root, encoding="unicode")))

    assert report_with(VALUES).indication is Indication.TOTAL_PASSED
    assert report_with(added).indication is Indication.INDETERMINATE


@pytest.mark.parametrize(
    "added, passes", [("", True), ("<Object><KeyInfo><KeyName>Cấp 900 tỷ</KeyName></KeyInfo></Object>", False)]
)
def test_who_signs_the_signature_of_another_answers_for_what_he_put_there(bench, outsider, tmp_path, added, passes):
    """The person's signature stands with words in it, and an outsider signs the lot: nobody else has signed them."""
    root = etree.fromstring(both_over_letter(bench))
    first = next(root.iter(f"{{{DS}}}Signature"))
    first.set("Id", "S1")
    if added:
        first.append(etree.fromstring(added.replace("<Object", f'<Object xmlns="{DS}"', 1)))
    over = reference("#L", CANONICAL, canonical(etree.fromstring(LETTER))) + reference(
        "#S1", CANONICAL, canonical(first)
    )
    root.insert(0, etree.fromstring(signature(outsider, over, "").replace(' Id="S1"', ' Id="S9"')))
    report = official(bench, stored(tmp_path, etree.tostring(root, encoding="unicode")))
    assert report.signatures[0].indication is Indication.TOTAL_PASSED
    assert report.indication is (Indication.TOTAL_PASSED if passes else Indication.INDETERMINATE)


@pytest.mark.parametrize(
    "added, passes",
    [
        ("<Object><KeyInfo><KeyValue/></KeyInfo></Object>", True),
        (f"<Object><KeyInfo><X509Data><X509SKI>{HIDDEN}</X509SKI></X509Data></KeyInfo></Object>", False),
        ("<Object MimeType='Cấp\N{WORD JOINER}900'/>", False),
        (f'<Object><x:QualifyingPropertiesReference xmlns:x="{XADES}" URI="http://a/b"/></Object>', True),
        (f'<Object><x:QualifyingPropertiesReference xmlns:x="{XADES}" URI="http://a/Cấp900tỷ"/></Object>', False),
    ],
)
def test_an_object_added_to_a_signature_holds_keys_or_an_address(bench, tmp_path, added, passes):
    root = etree.fromstring(both_over_letter(bench))
    first = next(root.iter(f"{{{DS}}}Signature"))
    first.append(etree.fromstring(added.replace("<Object", f'<Object xmlns="{DS}"', 1)))
    report = official(bench, stored(tmp_path, etree.tostring(root, encoding="unicode")))
    assert report.indication is (Indication.TOTAL_PASSED if passes else Indication.INDETERMINATE)


def test_a_root_that_says_where_its_schema_lies_says_no_sentence(bench, tmp_path):
    where = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="{}"'
    for told, passes in (("urn:a http://a/b.xsd", True), ("Cấp 900 tỷ", False), ("cap 900 ty", False)):
        text = both_over_letter(bench).replace("<Doc>", f"<Doc {where.format(told)}>", 1)
        found = official(bench, stored(tmp_path, text)).indication
        assert found is (Indication.TOTAL_PASSED if passes else Indication.INDETERMINATE), told


def test_a_signature_of_more_parts_than_anybody_looks_at_is_not_judged_to_its_end(bench, tmp_path):
    many = "<b/>" * 20_000
    chosen = '<XPath xmlns="http://www.w3.org/2002/06/xmldsig-filter2" Filter="intersect">//b</XPath>'
    over = (
        f'<Reference URI=""><Transforms><Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2">{chosen}'
        f'</Transform></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue>'
        f"{base64.b64encode(hashlib.sha256(b'<b></b>' * 20_000).digest()).decode()}</DigestValue></Reference>"
    )
    text = f"<Doc>{many}{signature(bench.pki.issue_person('Nguyễn Văn D', 'X'), over)}</Doc>"
    report = official(bench, stored(tmp_path, text))
    assert report.indication is Indication.INDETERMINATE
    assert {one.code for found in report.signatures for one in found.messages} == {"EDX-BUDGET"}


def test_an_identifier_is_a_name_in_latin_letters():
    for name, fits in (
        ("Chữ-ký_1.a:b", True),
        ("Cấp 900", False),
        ("a\N{HANGUL FILLER}b", False),
        ("a\N{WORD JOINER}b", False),
    ):
        assert is_shaped(etree.Element(f"{{{DS}}}KeyInfo", Id=name)) is fits, name


@given(st.text(max_size=60))
def test_a_text_with_words_of_a_language_is_no_value(words):
    for name in ("X509SKI", "X509SerialNumber", "DigestValue", "EncapsulatedTimeStamp", "IssueTime", "XPath"):
        element = etree.Element(f"{{{DS}}}{name}")
        element.text = "".join(one for one in words if one.isprintable() and one != "\x7f") + " Cấp 900 tỷ"
        assert not is_shaped(element)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", [" ", "a", "a ", "1", "a:", "a/ ", "a:b", "=", ".", "not", "::", "and:"])
def test_a_text_of_a_million_letters_is_read_once(piece):
    for name in ("X509SKI", "Identifier", "X509SerialNumber", "IssueTime", "X509IssuerName", "XPath"):
        for end in ("ấ", "a b"):
            element = etree.Element(f"{{{DS}}}{name}", URI=piece * 300_000 + end)
            assert not is_shaped(element)
            element = etree.Element(f"{{{DS}}}{name}")
            element.text = piece * 300_000 + end
            assert not is_shaped(element) or end == "a b"


def test_two_elements_of_names_that_begin_alike_are_two_parts(bench, outsider, tmp_path):
    names = ["x:" + "L" * 120 + last for last in "AB"]
    first, other = etree.fromstring(
        f'<d xmlns:x="urn:x"><{names[0]}><D/></{names[0]}><{names[1]}><D/></{names[1]}></d>'
    ).iter("D")
    assert element_path(first) != element_path(other)


def grown(name, children):
    element = etree.Element(name)
    element.extend(children)
    return element


NAMES = st.sampled_from(["a", "b", "{urn:x}a", "{urn:y}a", "L" * 70, "L" * 71, "{urn:x}" + "L" * 100])
TREES = st.recursive(NAMES.map(etree.Element), lambda inner: st.builds(grown, NAMES, st.lists(inner, max_size=4)))


@given(TREES)
def test_no_two_elements_have_one_path(root):
    paths = [element_path(one) for one in root.iter(etree.Element)]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    "inside, own",
    [
        (TIMED, True),
        (TIMED.replace("2023-06-15T08:00:00+07:00", "Cấp 900 tỷ"), False),
        (TIMED.replace("<SigningTime", "<SigningTime a='1'"), False),
        ("", True),
        ("Cấp 900 tỷ", False),
        ("<!-- 900 -->", False),
        ("<?show 900?>", False),
        (f'<Object xmlns="{DS}">900</Object>', False),
        ('<a xmlns=""/>', False),
        ("<Letter>900</Letter>", False),
        ("<KeyName>a</KeyName>", False),
    ],
)
def test_a_signers_own_part_says_nothing_but_the_standards_words(inside, own):
    root = etree.fromstring(f'<Signature xmlns="{DS}">{properties(inside)[1]}</Signature>')
    assert is_own(root[0][0], root) is own
    other = etree.fromstring(etree.tostring(root))
    assert not is_own(root[0][0], other), "in another's signature it is content"
    assert not is_own(etree.fromstring(properties(inside)[0]), root), "outside of a signature it is content"
