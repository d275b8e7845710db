"""No known forgery passes, and no change to a signed file ends in anything but a verdict or a clean error."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import signing_samples as samples
import signxml
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signing_samples import SIGNED_AT

from edocx.errors import EdocxError
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, Integrity
from edocx.testing.attacks import mutation, pdf, xml
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)
DOCUMENT = '<doc xmlns="urn:x" Id="doc"><to>Nguyễn Văn A</to><amount>100</amount></doc>'.encode()

LONGEST = 10.0
"""Seconds for one forged file."""


@pytest.fixture(scope="module")
def signed_pdf(signing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdf")
    return sign(samples.plain(folder / "a.pdf"), folder / "b.pdf", signing.person, at=SIGNED_AT, field="S").read_bytes()


@pytest.fixture(scope="module")
def sealed_pdf(signing, tmp_path_factory):
    """Certified by a person, then sealed by the agency."""
    folder = tmp_path_factory.mktemp("pdf")
    plain = samples.plain(folder / "a.pdf")
    first = sign(plain, folder / "b.pdf", signing.person, at=SIGNED_AT, field="S1", certify=True)
    return sign(first, folder / "c.pdf", signing.organisation, at=SIGNED_AT, field="S2").read_bytes()


def signed_xml(signing, method=signxml.methods.enveloped, **options) -> bytes:
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    signer = signxml.XMLSigner(method=method, c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
    root = signer.sign(
        etree.fromstring(DOCUMENT),
        key=person.private_key,
        cert=[person.certificate],
        always_add_key_value=False,
        **options,
    )
    return etree.tostring(root)


@pytest.fixture(scope="module")
def documents(signing):
    return {
        "enveloped": signed_xml(signing),
        "enveloped-by-id": signed_xml(signing, reference_uri="#doc"),
        "enveloping": signed_xml(signing, signxml.methods.enveloping),
    }


def judged(tmp_path, data, trust, name="file"):
    path = tmp_path / name
    path.write_bytes(data)
    begin = time.monotonic()
    try:
        return verify(path, trust=trust, at=AT)
    except EdocxError as error:
        return error
    finally:
        assert time.monotonic() - begin < LONGEST


def assert_not_passed(outcome, name):
    assert isinstance(outcome, EdocxError) or outcome.indication is not Indication.TOTAL_PASSED, name


def test_the_files_under_attack_pass_themselves(signing, signed_pdf, sealed_pdf, documents, tmp_path):
    for data in (signed_pdf, sealed_pdf, *documents.values()):
        assert judged(tmp_path, data, signing.trust).indication is Indication.TOTAL_PASSED


def test_no_forged_pdf_passes(signing, signed_pdf, sealed_pdf, tmp_path):
    for data in (signed_pdf, sealed_pdf):
        names = set()
        for attack in pdf.forgeries(data):
            assert attack.data != data, attack
            names.add(attack.name)
            assert_not_passed(judged(tmp_path, attack.data, signing.trust), attack.name)
        assert len(names) > 25


@pytest.mark.parametrize("shape", ["enveloped", "enveloped-by-id", "enveloping"])
def test_no_forged_xml_passes(signing, documents, shape, tmp_path):
    other = signing.pki.issue_person("Trần Thị B", "ỦY BAN THỬ NGHIỆM").certificate.public_bytes(Encoding.DER)
    for attack in xml.forgeries(documents[shape], other_certificate=other):
        assert_not_passed(judged(tmp_path, attack.data, signing.trust), f"{shape} {attack.name}")


@pytest.mark.parametrize("name", ["object", "element", "text", "attribute"])
def test_what_nobody_signed_inside_an_enveloped_signature_is_named(signing, documents, tmp_path, name):
    attacks = {one.name: one.data for one in xml.unsigned_parts(documents["enveloped"])}
    report = judged(tmp_path, attacks[f"unsigned-{name}"], signing.trust)
    assert report.integrity is Integrity.PARTIAL
    assert "EDX-PARTIAL-COVERAGE" in {message.code for message in report.messages}


def inside_a_root(signing) -> bytes:
    """A bare root that holds a signed element and the signature over it, as many formats have it."""
    signature = etree.fromstring(signed_xml(signing, signxml.methods.detached, reference_uri="#doc"))
    root = etree.Element("root")
    root.append(etree.fromstring(DOCUMENT))
    root.append(signature)
    return etree.tostring(root)


def test_a_signed_part_passes_in_a_bare_root_and_the_root_is_named(signing, tmp_path):
    report = judged(tmp_path, inside_a_root(signing), signing.trust)
    assert report.indication is Indication.TOTAL_PASSED
    assert [(message.code, message.where) for message in report.messages] == [("EDX-XML-ENCLOSED", "/root")]
    renamed = inside_a_root(signing).replace(b"<root>", b"<rejected>").replace(b"</root>", b"</rejected>")
    named = judged(tmp_path, renamed, signing.trust).messages
    assert [(message.code, message.where) for message in named] == [("EDX-XML-ENCLOSED", "/rejected")]


@pytest.mark.parametrize("shape", ["enveloped", "enveloped-by-id", "inside-a-root"])
def test_nothing_is_written_around_a_signed_part_unnoticed(signing, documents, tmp_path, shape):
    data = inside_a_root(signing) if shape == "inside-a-root" else documents[shape]
    names, partial = set(), set()
    for attack in xml.surroundings(data):
        names.add(attack.name)
        report = judged(tmp_path, attack.data, signing.trust)
        assert report.indication is not Indication.TOTAL_PASSED, attack.name
        if report.integrity is Integrity.PARTIAL:  # in the others the signature itself fails
            partial.add(attack.name)
            codes = {message.code for message in report.messages}
            assert codes & {"EDX-PARTIAL-COVERAGE", "EDX-XML-INSTRUCTION"}, attack.name
    assert len(names) == (21 if shape == "inside-a-root" else 15)
    assert len(partial) >= {"enveloped": 3, "enveloped-by-id": 6, "inside-a-root": 18}[shape]


def test_a_root_around_a_signed_part_has_no_attribute_not_even_an_identifier(signing, tmp_path):
    for attribute in (b'Id="REVOKED"', b'URI="REVOKED"', b'xml:lang="x"'):
        report = judged(tmp_path, inside_a_root(signing).replace(b"<root>", b"<root %s>" % attribute), signing.trust)
        assert report.integrity is Integrity.PARTIAL, attribute


def test_which_part_is_signed_stands_in_the_message(signing, tmp_path):
    attacks = {one.name: one.data for one in xml.surroundings(inside_a_root(signing))}
    (message,) = judged(tmp_path, attacks["around-moved"], signing.trust).messages
    assert "/root/old/*" in message.en
    assert message.where == "/root/old"


def test_comments_and_names_that_nobody_signed_are_told_and_change_no_verdict(signing, documents, tmp_path):
    commented = b"<!-- x -->" + documents["enveloped-by-id"]
    named = documents["enveloped"].replace(b"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyName>B</ds:KeyName>")
    assert named != documents["enveloped"]
    for data, code in ((commented, "EDX-XML-COMMENT-OUTSIDE"), (named, "EDX-XML-KEY-CLAIM")):
        report = judged(tmp_path, data, signing.trust)
        assert report.indication is Indication.TOTAL_PASSED
        assert [(message.code, message.severity) for message in report.messages] == [(code, "info")]


def test_a_comment_within_a_signed_text_is_named_and_one_beside_it_is_not(signing, documents, tmp_path):
    signed = documents["enveloped"]
    split = judged(tmp_path, signed.replace(b">100<", b">1<!---->00<"), signing.trust)
    assert split.indication is Indication.TOTAL_PASSED, "canonicalisation leaves comments out"
    assert [(message.code, message.where) for message in split.messages] == [("EDX-XML-COMMENT", "/*/*[2]")]
    beside = judged(tmp_path, signed.replace(b"</to>", b"</to><!-- x -->"), signing.trust)
    assert beside.indication is Indication.TOTAL_PASSED
    assert beside.messages == ()


def test_a_certificate_never_serves_as_a_shared_secret(signing, documents, tmp_path):
    person = tmp_path / "person.pem"
    for attack in xml.forgeries(documents["enveloped"]):
        if attack.name != "hmac-with-certificate":
            continue
        root = etree.fromstring(attack.data)
        text = root.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate")
        person.write_text(f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n")
        path = tmp_path / "a.xml"
        path.write_bytes(attack.data)
        report = verify(path, trust=signing.trust, at=AT, keys=[person])
        assert report.integrity is not Integrity.VALID
        return
    pytest.fail("the attack is gone")


def run_mutations(signing, tmp_path, data, accept, *, count, seed):
    for attack in mutation.mutations(data, count, seed=seed):
        outcome = judged(tmp_path, attack.data, signing.trust)
        if isinstance(outcome, EdocxError) or outcome.indication is not Indication.TOTAL_PASSED:
            continue
        assert accept(attack.data), f"{attack.name} passed (seed {seed})"


def unchanged_xml(original: bytes):
    """A change that canonicalisation takes away, or one outside what is signed (KeyInfo), signs the same content."""
    ds = "{http://www.w3.org/2000/09/xmldsig#}"

    def content(data):
        root = etree.fromstring(data)
        for signature in list(root.iter(f"{ds}Signature")):
            signature.getparent().remove(signature)
        return etree.tostring(root, method="c14n", exclusive=True)

    wanted = content(original)
    return lambda data: content(data) == wanted


def unchanged_pdf(original: bytes):
    """Only the digits of the signature's own gap, or white space after the end, may differ."""

    def same(data):
        start, end = original.index(b"/Contents <") + 11, original.index(b">", original.index(b"/Contents <"))
        body = data.rstrip(b"\0\r\n\t\f ")
        return body[:start] + body[end:] == (original[:start] + original[end:]).rstrip(b"\0\r\n\t\f ")

    return same


@pytest.mark.parametrize("seed", range(4))
def test_mutated_pdfs_never_pass_changed(signing, signed_pdf, tmp_path, seed):
    run_mutations(signing, tmp_path, signed_pdf, unchanged_pdf(signed_pdf), count=60, seed=seed)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_xml_never_passes_changed(signing, documents, tmp_path, seed):
    data = documents["enveloped"]
    run_mutations(signing, tmp_path, data, unchanged_xml(data), count=60, seed=seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 150))
def test_five_thousand_mutated_files_never_pass_changed(signing, signed_pdf, documents, tmp_path, seed):
    run_mutations(signing, tmp_path, signed_pdf, unchanged_pdf(signed_pdf), count=50, seed=seed)
    data = documents["enveloped"]
    run_mutations(signing, tmp_path, data, unchanged_xml(data), count=50, seed=seed)


@pytest.mark.parametrize(
    "attack,code",
    [
        ("incremental-overlay", "EDX-PDF-OVERLAID"),
        ("incremental-replace-page", "EDX-PDF-OVERLAID"),
        ("incremental-annotation", "EDX-PDF-ANNOTATED"),
        ("incremental-crop", "EDX-PDF-CROPPED"),
        ("incremental-action", "EDX-PDF-ACTIONS"),
        ("incremental-layers", "EDX-PDF-LAYERS"),
        ("incremental-fonts", "EDX-PDF-FONT-REPLACED"),
        ("wrapping-gap-filled", "EDX-PDF-CONTENTS"),
        ("appended-bytes", "EDX-PDF-TAIL"),
    ],
)
def test_each_family_of_changes_is_named(signing, signed_pdf, tmp_path, attack, code):
    (data,) = [one.data for one in pdf.forgeries(signed_pdf) if one.name == attack]
    report = judged(tmp_path, data, signing.trust)
    said = [m.code for s in report.signatures for m in s.messages] + [m.code for m in report.messages]
    assert code in said
