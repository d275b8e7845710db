"""What a reference leaves out of the digest is signed by nobody, whatever the digest says."""

from __future__ import annotations

import base64
import hashlib
import zipfile

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from verification_scene import AT

from edocx.signing.report import Indication, Integrity, SubIndication
from edocx.testing.attacks.xml_selection import around_encoded, filters_rebound
from edocx.verification import verify

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
BODY = "<doc><p>Pay 5 to Nguyễn Văn A</p></doc>"
TEXT = base64.b64encode(b"Pay 5").decode()


@pytest.fixture(scope="module")
def person(bench):
    return bench.pki.issue_person("Nguyễn Văn B", "ỦY BAN THỬ NGHIỆM")


def canonical(element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def transform(algorithm: str, inside: str = "") -> str:
    return f'<Transform Algorithm="{algorithm}">{inside}</Transform>'


ENVELOPED, CANONICAL = transform(f"{DS}enveloped-signature"), transform(EXCLUSIVE)


def reference(uri: str, transforms: str, data: bytes) -> str:
    value = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return (
        f'<Reference URI="{uri}"><Transforms>{transforms}</Transforms>'
        f'<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue>{value}</DigestValue></Reference>'
    )


def signature(person, references: str, objects: str = "") -> str:
    """A signature as other software writes it: no prefix, exclusive canonicalisation."""
    certificate = base64.b64encode(person.certificate.public_bytes(Encoding.DER)).decode()
    text = (
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>{references}</SignedInfo>'
        f"<SignatureValue>@@</SignatureValue><KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate>"
        f"</X509Data></KeyInfo>{objects}</Signature>"
    )
    value = person.private_key.sign(canonical(etree.fromstring(text)[0]), padding.PKCS1v15(), hashes.SHA256())
    return text.replace("@@", base64.b64encode(value).decode())


def judged(bench, data, folder, **options):
    path = folder / "judged.xml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return verify(path, trust=bench.trust, at=AT, **options)


def filtered(person, prefix, transforms, after=CANONICAL):
    signed = signature(person, reference("", transforms + after, canonical(etree.fromstring(BODY))))
    assert f'xmlns:{prefix}="{DS}"' in signed
    return BODY.replace("</doc>", f"{signed}</doc>").encode()


PLAIN = transform(XPATH, f'<XPath xmlns:s="{DS}">not(ancestor-or-self::s:Signature)</XPath>')
SUBTRACTED = transform(
    FILTER2, f'<XPath xmlns="{FILTER2}" xmlns:s="{DS}" Filter="subtract">/descendant::s:Signature</XPath>'
)


@pytest.mark.parametrize("transforms", [PLAIN, ENVELOPED + PLAIN, SUBTRACTED, ENVELOPED + SUBTRACTED])
def test_a_filter_that_leaves_out_signatures_covers_the_rest_and_one_bound_anew_does_not(
    bench, person, tmp_path, transforms
):
    data = filtered(person, "s", transforms)
    assert judged(bench, data, tmp_path).indication is Indication.TOTAL_PASSED
    for attack in filters_rebound(data, "s"):
        assert judged(bench, attack.data, tmp_path).indication is not Indication.TOTAL_PASSED, attack.name


@pytest.mark.parametrize("transforms", [ENVELOPED + PLAIN, ENVELOPED + SUBTRACTED])
def test_where_a_rebound_filter_keeps_the_value_whole_the_file_is_partial(bench, person, tmp_path, transforms):
    (attack,) = filters_rebound(filtered(person, "s", transforms), "s")
    report = judged(bench, attack.data, tmp_path)
    assert report.signatures[0].indication is Indication.TOTAL_PASSED
    assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL)


def enveloping(person, attributes=""):
    held = f'<Object Id="o"{attributes}>{TEXT}</Object>'
    return signature(person, reference("#o", transform(f"{DS}base64"), b"Pay 5"), held)


@pytest.mark.parametrize("attributes", ["", f' Encoding="{DS}base64"'])
def test_of_what_is_signed_as_base64_the_text_alone_is_signed(bench, person, tmp_path, attributes):
    data = enveloping(person, attributes).encode()
    report = judged(bench, data, tmp_path)
    assert (report.indication, report.signatures[0].covers) == (Indication.TOTAL_PASSED, "elements")
    names = []
    for attack in around_encoded(data, "o"):
        report = judged(bench, attack.data, tmp_path)
        assert report.signatures[0].indication is Indication.TOTAL_PASSED, attack.name
        assert (report.indication, report.integrity) == (Indication.INDETERMINATE, Integrity.PARTIAL), attack.name
        names.append(attack.name)
    assert len(names) == 5


def test_the_name_of_an_element_around_a_signed_text_is_told(bench, person, tmp_path):
    signed = signature(person, reference("#f", transform(f"{DS}base64"), b"Pay 5"))
    report = judged(bench, f'<root><file Id="f">{TEXT}</file>{signed}</root>', tmp_path)
    assert report.indication is Indication.TOTAL_PASSED
    assert {m.code: m.where for m in report.messages}["EDX-XML-TEXT-ONLY"] == "/root/file"
    named = judged(bench, f'<root><file Id="f" name="a">{TEXT}</file>{signed}</root>', tmp_path)
    assert named.indication is Indication.INDETERMINATE


@pytest.mark.parametrize(
    "kept, told", [("", "p:Small"), (f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="p"/>', None)]
)
def test_a_prefix_that_only_a_value_uses_is_told_unless_its_meaning_is_signed(bench, person, tmp_path, kept, told):
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    body = f'<doc xmlns:p="urn:small"><p xmlns:xsi="{xsi}" xsi:type="p:Small">5</p></doc>'
    whole = etree.tostring(
        etree.fromstring(body), method="c14n", exclusive=True, inclusive_ns_prefixes=["p"] if kept else None
    )
    signed = signature(person, reference("", ENVELOPED + transform(EXCLUSIVE, kept), whole))
    genuine = body.replace("</doc>", f"{signed}</doc>")
    report = judged(bench, genuine, tmp_path)
    assert report.indication is Indication.TOTAL_PASSED
    assert {m.code: m.where for m in report.signatures[0].messages}.get("EDX-XML-PREFIX") == told
    rebound = judged(bench, genuine.replace("urn:small", "urn:large"), tmp_path)
    if told:
        assert "EDX-XML-PREFIX" in {m.code for m in rebound.signatures[0].messages}
    else:
        assert rebound.indication is Indication.TOTAL_FAILED


def test_what_a_manifest_lists_and_nobody_gave_is_not_verified(bench, person, tmp_path):
    (tmp_path / "letter.txt").write_bytes(b"Pay 5")
    listed = reference("letter.txt", "", b"Pay 5").replace("<Transforms></Transforms>", "")
    manifest = etree.fromstring(f'<Object xmlns="{DS}"><Manifest Id="m">{listed}</Manifest></Object>')[0]
    data = signature(person, reference("#m", CANONICAL, canonical(manifest)), etree.tostring(manifest).decode())
    data = data.replace("<Manifest", "<Object><Manifest").replace("</Manifest>", "</Manifest></Object>")
    alone = judged(bench, data, tmp_path)
    assert (alone.indication, alone.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    given = judged(bench, data, tmp_path, detached=[tmp_path / "letter.txt"])
    assert given.indication is Indication.TOTAL_PASSED
    (tmp_path / "letter.txt").write_bytes(b"Pay 5000")
    assert judged(bench, data, tmp_path, detached=[tmp_path / "letter.txt"]).indication is Indication.TOTAL_FAILED


def listing(*files, identifier="m"):
    entries = "".join(reference(name, "", data).replace("<Transforms></Transforms>", "") for name, data in files)
    return f'<Manifest xmlns="{DS}" Id="{identifier}">{entries}</Manifest>'


def over(person, identifier, element):
    """A signature over an element that it holds."""
    return signature(person, reference(f"#{identifier}", CANONICAL, canonical(etree.fromstring(element))), element)


def test_a_list_within_a_signed_object_is_followed(bench, person, tmp_path):
    (tmp_path / "letter.txt").write_bytes(b"Pay 5")
    given = {"detached": [tmp_path / "letter.txt"]}
    held = f'<Object xmlns="{DS}" Id="o">{listing(("letter.txt", b"Pay 5"))}</Object>'
    data = over(person, "o", held)
    assert judged(bench, data, tmp_path).sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND
    assert judged(bench, data, tmp_path, **given).indication is Indication.TOTAL_PASSED
    (tmp_path / "letter.txt").write_bytes(b"Pay 5000")
    assert judged(bench, data, tmp_path, **given).indication is Indication.TOTAL_FAILED


def test_a_list_that_a_list_lists_is_followed(bench, person, tmp_path):
    (tmp_path / "letter.txt").write_bytes(b"Pay 5")
    given = {"detached": [tmp_path / "letter.txt"]}
    inner = listing(("letter.txt", b"Pay 5"), identifier="n")
    entry = reference("#n", CANONICAL, canonical(etree.fromstring(inner)))
    outer = f'<Manifest xmlns="{DS}" Id="m">{entry}</Manifest>'
    signed = signature(person, reference("#m", CANONICAL, canonical(etree.fromstring(outer))))
    data = signed.replace("</Signature>", f"<Object>{outer}</Object><Object>{inner}</Object></Signature>")
    assert judged(bench, data, tmp_path, **given).indication is Indication.TOTAL_PASSED
    (tmp_path / "letter.txt").write_bytes(b"Pay 5000")
    assert judged(bench, data, tmp_path, **given).indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("count, expected", [(300, Indication.TOTAL_FAILED), (1001, Indication.INDETERMINATE)])
def test_a_long_list_is_followed_to_its_end_or_nothing_is_concluded(bench, person, tmp_path, count, expected):
    (tmp_path / "a.txt").write_bytes(b"Pay 5")
    (tmp_path / "z.txt").write_bytes(b"Pay 5000")
    files = [("a.txt", b"Pay 5")] * (count - 1) + [("z.txt", b"Pay 5")]
    held = f'<Object xmlns="{DS}" Id="o">{listing(*files)}</Object>'
    report = judged(bench, over(person, "o", held), tmp_path, detached=[tmp_path / "a.txt", tmp_path / "z.txt"])
    assert report.indication is expected


def test_a_list_elsewhere_in_a_signed_part_is_named(bench, person, tmp_path):
    body = f"<doc>{listing(('letter.txt', b'Pay 5'))}</doc>"
    signed = signature(person, reference("", ENVELOPED + CANONICAL, canonical(etree.fromstring(body))))
    report = judged(bench, body.replace("</doc>", f"{signed}</doc>"), tmp_path)
    assert report.indication is Indication.TOTAL_PASSED
    told = {m.code: m.where for m in report.signatures[0].messages}
    assert told["EDX-XML-MANIFEST"] == "/doc/*[1]"


def test_a_list_in_a_file_beside_is_named(bench, person, tmp_path):
    (tmp_path / "list.xml").write_text(listing(("letter.txt", b"Pay 5")))
    referenced = reference("list.xml", "", (tmp_path / "list.xml").read_bytes())
    referenced = referenced.replace("<Transforms></Transforms>", "").replace(" URI=", f' Type="{DS}Manifest" URI=')
    report = judged(bench, signature(person, referenced), tmp_path, detached=[tmp_path / "list.xml"])
    assert report.indication is Indication.TOTAL_PASSED
    assert {m.code: m.where for m in report.signatures[0].messages}["EDX-XML-MANIFEST"] == "list.xml"


def test_a_list_that_nobody_signed_covers_nothing(bench, person, tmp_path):
    signed = signature(person, reference("", ENVELOPED + CANONICAL, canonical(etree.fromstring(BODY))))
    forged = signed.replace("</Signature>", f"<Object>{listing(('letter.txt', b'Pay 5'))}</Object></Signature>")
    (tmp_path / "letter.txt").write_bytes(b"Pay 5")
    data = BODY.replace("</doc>", f"{forged}</doc>")
    report = judged(bench, data, tmp_path, detached=[tmp_path / "letter.txt"])
    assert report.indication is Indication.INDETERMINATE
    assert {"EDX-PARTIAL-COVERAGE", "EDX-DETACHED-UNSIGNED"} <= {m.code for m in report.messages}


C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
LETTER = "<Letter><Sum>900</Sum></Letter>"
SPLIT = "<Letter><Sum>9<!-- x -->00</Sum></Letter>"


def detached_letter(person, way=C14N):
    whole = etree.tostring(etree.fromstring(LETTER), method="c14n", with_comments=True)
    return signature(person, reference("det.xml", transform(way), whole))


def test_a_comment_within_a_text_of_a_file_beside_is_told(bench, person, tmp_path):
    (tmp_path / "det.xml").write_text(LETTER)
    given = {"detached": [tmp_path / "det.xml"]}
    genuine = judged(bench, detached_letter(person), tmp_path, **given)
    assert genuine.indication is Indication.TOTAL_PASSED
    assert "EDX-XML-COMMENT" not in {m.code for m in genuine.signatures[0].messages}
    (tmp_path / "det.xml").write_text(SPLIT)
    report = judged(bench, detached_letter(person), tmp_path, **given)
    assert {m.code: m.where for m in report.signatures[0].messages}["EDX-XML-COMMENT"] == "det.xml/Letter/Sum"
    commented = judged(bench, detached_letter(person, f"{C14N}#WithComments"), tmp_path, **given)
    assert commented.indication is Indication.TOTAL_FAILED


def test_a_comment_within_a_text_is_told_in_a_container_too(bench, person, tmp_path):
    holder = "http://uri.etsi.org/02918/v1.2.1#"
    for letter, told in ((LETTER, False), (SPLIT, True)):
        path = tmp_path / "a.asice"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "application/vnd.etsi.asic-e+zip")
            archive.writestr("det.xml", letter)
            signed = f'<a:XAdESSignatures xmlns:a="{holder}">{detached_letter(person)}</a:XAdESSignatures>'
            archive.writestr("META-INF/signatures.xml", signed)
        report = verify(path, trust=bench.trust, at=AT)
        assert report.indication is Indication.TOTAL_PASSED
        assert ("EDX-XML-COMMENT" in {m.code for m in report.signatures[0].messages}) is told


def test_a_comment_within_what_was_decoded_is_told(bench, person, tmp_path):
    whole = etree.tostring(etree.fromstring(LETTER), method="c14n")
    way = transform(f"{DS}base64") + transform(C14N)
    for letter, told in ((LETTER, False), (SPLIT, True)):
        held = f'<Object Id="o">{base64.b64encode(letter.encode()).decode()}</Object>'
        report = judged(bench, signature(person, reference("#o", way, whole), held), tmp_path)
        assert report.indication is Indication.TOTAL_PASSED
        assert ("EDX-XML-COMMENT" in {m.code for m in report.signatures[0].messages}) is told


def test_the_subject_that_somebody_writes_beside_a_certificate_is_told_as_a_claim(bench, person, tmp_path):
    data = filtered(person, "s", PLAIN).decode()
    genuine = judged(bench, data, tmp_path)
    named = data.replace("<X509Data>", "<X509Data><X509SubjectName>CN=Trần Thị B</X509SubjectName>")
    report = judged(bench, named, tmp_path)
    assert {m.code for m in report.messages} - {m.code for m in genuine.messages} == {"EDX-XML-KEY-CLAIM"}
