"""Revoked by any evidence is revoked: an older answer that still runs outweighs nobody's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl, ocsp, x509
from cryptography.hazmat.primitives.serialization import Encoding

from edocx.signing.path import judge_path
from edocx.signing.report import Indication, SubIndication
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.testing.ocsp import Ocsp

AT = datetime(2024, 6, 15, 2, 0, tzinfo=UTC)
ANSWERED, REVOKED = AT - timedelta(days=10), AT - timedelta(days=5)


def der(one):
    return one.public_bytes(Encoding.DER)


@pytest.fixture(params=["of whoever signed", "of its authority"])
def revoked(request):
    """A certificate, which one of its path was revoked, and the old answers that call both good."""
    pki = Pki.create(key="p256")
    agency = pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC")
    answers = Ocsp(pki, fresh_for=timedelta(days=60))
    good = tuple(
        ocsp.OCSPResponse.load(answers.about(one, ANSWERED)) for one in (agency.certificate, pki.state.certificate)
    )
    before = judge(pki, agency, pki.crls(AT), good)
    assert before.indication is Indication.TOTAL_PASSED
    signer = request.param == "of whoever signed"
    pki.revoke(agency if signer else pki.state.certificate, REVOKED)
    return pki, agency, good, SubIndication.REVOKED_NO_POE if signer else SubIndication.REVOKED_CA_NO_POE


def judge(pki, agency, lists, answers):
    trust = TrustStore(
        tuple(x509.Certificate.load(der(one)) for one in pki.anchors),
        (x509.Certificate.load(der(pki.state.certificate)),),
        tuple(crl.CertificateList.load(der(one)) for one in lists),
        answers,
    )
    return judge_path(x509.Certificate.load(der(agency.certificate)), trust=trust, at=AT)


def test_an_answer_of_before_the_revocation_outweighs_no_list(revoked):
    pki, agency, good, sub_indication = revoked
    verdict = judge(pki, agency, pki.crls(AT), good)
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, sub_indication)
    assert judge(pki, agency, pki.crls(AT), ()).sub_indication is sub_indication


def test_answers_alone_still_tell_what_they_tell(revoked):
    pki, agency, good, _ = revoked
    lists = pki.crls(ANSWERED)
    assert judge(pki, agency, (), good).indication is Indication.TOTAL_PASSED
    assert judge(pki, agency, lists[:1], good).indication is Indication.TOTAL_PASSED, "one list is missing"
