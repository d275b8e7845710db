"""Seals that outlive their certificates: a timestamp over the value (B-T), and the evidence beside it (B-LT)."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from sealing_scenario import AT

from edocx.envelope.write import compose
from edocx.errors import Text, Unavailable
from edocx.sealing import Means, complete_seal, prepare_seal, seal, verify_envelope
from edocx.signing.evidence import Evidence
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.report import Indication, Integrity
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing.tsa import Tsa

STAMPED = AT + timedelta(minutes=3)


@pytest.fixture(scope="module")
def timestamps(workshop):
    tsa = Tsa(workshop.pki)
    return Rfc3161("tsa", lambda request: tsa.answer(request, STAMPED), trust=workshop.criteria.trust)


@pytest.fixture
def evidence(workshop):
    return Evidence(workshop.criteria.trust)


def write(workshop, letter, path, means, signer=None):
    skeleton = compose(letter)
    seal(skeleton, signer or workshop.signer, at=AT, means=means)
    skeleton.save(path)
    return path


def test_a_timestamp_lifts_the_seal_to_b_t_and_proves_its_time(workshop, letter, timestamps, tmp_path):
    tomorrow = Criteria(workshop.criteria.trust, AT + timedelta(days=1))
    report = verify_envelope(write(workshop, letter, tmp_path / "t.edxml", Means(timestamps)), tomorrow)
    (signature,) = report.signatures
    assert (report.indication, signature.level) == (Indication.TOTAL_PASSED, "B-T")
    assert (signature.time_source, signature.signing_time) == ("timestamp", STAMPED)


def test_evidence_lifts_it_to_b_lt_and_an_anchor_alone_is_enough_to_judge_it(
    workshop, letter, timestamps, evidence, tmp_path
):
    path = write(workshop, letter, tmp_path / "lt.edxml", Means(timestamps, evidence))
    bare = Criteria(TrustStore(workshop.criteria.trust.anchors), workshop.criteria.at)
    report = verify_envelope(path, bare)
    assert (report.indication, report.signatures[0].level) == (Indication.TOTAL_PASSED, "B-LT")
    # The same seal without its evidence leaves open whether the certificate was revoked.
    plain = verify_envelope(write(workshop, letter, tmp_path / "t.edxml", Means(timestamps)), bare)
    assert plain.indication is Indication.INDETERMINATE


def test_a_stamped_seal_outlives_its_certificate(workshop, letter, timestamps, evidence, tmp_path):
    brief = workshop.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ THỬ", not_after=AT + timedelta(days=30))
    brief.save(tmp_path / "brief.p12")
    signer = open_signer(f"file:{tmp_path / 'brief.p12'}")
    later = Criteria(workshop.criteria.trust, datetime(2030, 1, 1, tzinfo=UTC))
    lasting = write(workshop, letter, tmp_path / "lt.edxml", Means(timestamps, evidence), signer)
    assert verify_envelope(lasting, later).indication is Indication.TOTAL_PASSED
    expired = write(workshop, letter, tmp_path / "b.edxml", None, signer)
    assert verify_envelope(expired, later).indication is Indication.INDETERMINATE


def test_other_peoples_tools_accept_a_lifted_seal(workshop, letter, timestamps, evidence, tool):
    from test_sealing_seal import signxml_verifies, xmlsec1

    path = write(workshop, letter, workshop.folder / "lt.edxml", Means(timestamps, evidence))
    assert xmlsec1(tool, workshop, path) == 0
    assert signxml_verifies(workshop, path)


def test_a_foreign_timestamp_proves_nothing_and_breaks_nothing(workshop, letter, timestamps, tmp_path):
    one = write(workshop, letter, tmp_path / "one.edxml", Means(timestamps)).read_text("utf-8")
    other = write(workshop, letter.model_copy(update={"subject": "khác"}), tmp_path / "two.edxml", Means(timestamps))
    token = re.search(r"<xades:EncapsulatedTimeStamp>([^<]*)<", other.read_text("utf-8"))
    assert token
    swapped = re.sub(r"(<xades:EncapsulatedTimeStamp>)[^<]*", rf"\g<1>{token[1]}", one)
    (tmp_path / "swapped.edxml").write_text(swapped, encoding="utf-8")
    (signature,) = verify_envelope(tmp_path / "swapped.edxml", workshop.criteria).signatures
    assert (signature.integrity, signature.level) == (Integrity.VALID, "B-B")
    assert signature.time_source == "claimed"
    assert "EDX-STAMP-INVALID" in {message.code for message in signature.messages}


def test_garbage_in_the_unsigned_properties_ends_in_no_traceback(workshop, letter, timestamps, evidence, tmp_path):
    text = write(workshop, letter, tmp_path / "lt.edxml", Means(timestamps, evidence)).read_text("utf-8")
    for name in ("EncapsulatedTimeStamp", "EncapsulatedCRLValue", "EncapsulatedX509Certificate"):
        for value in ("", "!", base64.b64encode(b"\x30\x80" + bytes(99)).decode()):
            forged = re.sub(f"(<xades:{name}>)[^<]*", rf"\g<1>{value}", text)
            assert forged != text
            (tmp_path / "f.edxml").write_text(forged, encoding="utf-8")
            (signature,) = verify_envelope(tmp_path / "f.edxml", workshop.criteria).signatures
            assert signature.integrity is Integrity.VALID


def test_when_no_service_answers_the_envelope_stays_without_seal(workshop, letter):
    def away(_request):
        raise Unavailable(Text("a", "b"), hint=Text("c", "d"))

    skeleton = compose(letter)
    prepared = prepare_seal(
        skeleton, certificate=workshop.signer.certificate, algorithm=workshop.signer.algorithm, at=AT
    )
    value = workshop.signer.sign_digest(prepared.to_sign)
    with pytest.raises(Unavailable):
        complete_seal(skeleton, prepared, value, means=Means(Rfc3161("away", away)))
    assert not skeleton.header.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")
    complete_seal(skeleton, prepared, value)
    assert skeleton.header.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")
