"""The seal: other people's tools accept it, a relay does not break it, every other change does."""

from __future__ import annotations

import re
import subprocess

import pytest
from sealing_scenario import AT

from edocx.envelope.write import compose
from edocx.sealing import complete_seal, prepare_seal, verify_envelope
from edocx.signing.report import Indication, Integrity, SubIndication
from edocx.signing.xml.sign import PreparedSignature

IDS = ("MessageHeader", "Bussiness", "edXMLBody", "ContentTransferEncoded", "SignedProperties")
TRACE = (
    "<edXML:TraceHeader><edXML:OrganId>H58</edXML:OrganId>"
    "<edXML:Timestamp>2023/06/15 10:00:00</edXML:Timestamp></edXML:TraceHeader></edXML:TraceHeaderList>"
)


def relayed(data: str) -> str:
    """What a relay does: it appends its trace."""
    return data.replace("</edXML:TraceHeaderList>", TRACE)


def judge(workshop, data: str):
    path = workshop.folder / "changed.edxml"
    path.write_text(data, encoding="utf-8")
    return verify_envelope(path, workshop.criteria)


def xmlsec1(tool, workshop, path) -> int:
    ids = [word for name in IDS for word in ("--id-attr:Id", name)]
    trust = workshop.folder / "trust"
    command = [tool("xmlsec1"), "--verify", "--trusted-pem", trust / "root.crt", "--untrusted-pem", trust / "state.crt"]
    return subprocess.run([*command, *ids, path], capture_output=True, check=False).returncode


def signxml_verifies(workshop, path) -> bool:
    from signxml import SignatureConfiguration, XMLVerifier
    from signxml.exceptions import InvalidSignature

    try:
        results = XMLVerifier().verify(
            path.read_bytes(),
            ca_pem_file=str(workshop.folder / "trust" / "root.crt"),
            id_attribute="Id",
            expect_config=SignatureConfiguration(expect_references=True),
        )
    except InvalidSignature:
        return False
    return len(results) == 6


def test_a_seal_verifies_and_names_its_level(workshop, sealed):
    report = verify_envelope(sealed, workshop.criteria)
    assert report.indication is Indication.TOTAL_PASSED
    assert report.integrity is Integrity.VALID
    (signature,) = report.signatures
    assert (signature.format, signature.level, signature.covers) == ("XAdES", "B-B", "elements")
    assert signature.signing_time == AT
    assert signature.time_source == "claimed"


def test_without_trust_a_seal_is_intact_but_indeterminate(workshop, sealed):
    from edocx.signing.judgement import Criteria
    from edocx.signing.trust import TrustStore

    report = verify_envelope(sealed, Criteria(TrustStore(), AT))
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert report.integrity is Integrity.VALID


def test_xmlsec1_and_signxml_accept_the_seal_also_after_a_relay(workshop, sealed, tool):
    assert xmlsec1(tool, workshop, sealed) == 0
    assert signxml_verifies(workshop, sealed)
    path = workshop.folder / "relayed.edxml"
    path.write_text(relayed(sealed.read_text("utf-8")), encoding="utf-8")
    assert xmlsec1(tool, workshop, path) == 0
    assert signxml_verifies(workshop, path)


def test_a_relay_appending_its_trace_leaves_the_seal_whole(workshop, sealed):
    report = judge(workshop, relayed(sealed.read_text("utf-8")))
    assert report.indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    "before,after",
    [
        ("H58.12.01</edXML:OrganId>", "H58.12.02</edXML:OrganId>"),
        ("UBND xã Bình Đức", "UBND xã Bình Đưc"),
        ("Về việc thử", "Về việc  thử"),
        ("<edXML:BussinessDocType>0<", "<edXML:BussinessDocType>1<"),
        ("aGVsbG8=", "aGVsbG9v"),
        ("công văn.txt</edXML:AttachmentName>", "công văn.pdf</edXML:AttachmentName>"),
        ("2023-06-15T09:00:00+07:00", "2023-06-16T09:00:00+07:00"),
    ],
)
def test_any_other_change_breaks_the_seal(workshop, sealed, tool, before, after):
    text = sealed.read_text("utf-8")
    assert before in text
    changed = text.replace(before, after, 1)
    assert judge(workshop, changed).indication is Indication.TOTAL_FAILED
    assert xmlsec1(tool, workshop, workshop.folder / "changed.edxml") != 0


def test_a_status_is_sealed_by_its_header_alone(workshop, status):
    path = workshop.write(status, "status.edxml")
    text = path.read_text("utf-8")
    assert len(re.findall("<ds:Reference ", text)) == 2
    assert verify_envelope(path, workshop.criteria).indication is Indication.TOTAL_PASSED
    changed = text.replace("<edXML:StatusCode>01<", "<edXML:StatusCode>06<")
    assert judge(workshop, changed).indication is Indication.TOTAL_FAILED


def test_a_seal_can_be_finished_later_from_plain_data(workshop, letter, tmp_path):
    skeleton = compose(letter)
    prepared = prepare_seal(
        skeleton, certificate=workshop.signer.certificate, algorithm=workshop.signer.algorithm, at=AT
    )
    stored = PreparedSignature(prepared.signature, prepared.certificate, prepared.scheme, prepared.hash_name)
    complete_seal(skeleton, stored, workshop.signer.sign_digest(stored.to_sign))
    skeleton.save(tmp_path / "later.edxml")
    # The issuer travels with the trust store here, not with the seal.
    assert verify_envelope(tmp_path / "later.edxml", workshop.criteria).indication is Indication.TOTAL_PASSED


def test_a_value_of_something_else_is_refused_before_it_is_written(workshop, letter):
    from edocx.errors import SigningRefused

    skeleton = compose(letter)
    prepared = prepare_seal(
        skeleton, certificate=workshop.signer.certificate, algorithm=workshop.signer.algorithm, at=AT
    )
    wrong = workshop.signer.sign_digest(workshop.signer.algorithm.digest(b"something else"))
    with pytest.raises(SigningRefused) as caught:
        complete_seal(skeleton, prepared, wrong)
    assert caught.value.code == "EDX-SIGN-MISMATCH"
    assert not skeleton.header.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")


def test_an_unsigned_attachment_under_a_good_seal_is_named(workshop, sealed):
    report = verify_envelope(sealed, workshop.criteria)
    named = {m.where for m in report.messages if m.code == "EDX-ATTACHMENT-UNSIGNED"}
    assert named == {"công văn.txt", "số liệu.bin"}


def test_an_envelope_without_seal_says_so(workshop, letter, tmp_path):
    compose(letter).save(tmp_path / "bare.edxml")
    report = verify_envelope(tmp_path / "bare.edxml", workshop.criteria)
    assert report.indication is Indication.NO_SIGNATURE
    assert "EDX-SEAL-ABSENT" in {m.code for m in report.messages}
