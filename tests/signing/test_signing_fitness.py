"""A key that is not fit is refused by its certificate, before it is asked for anything."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from signing_samples import SIGNED_AT, plain

from edocx.errors import SigningRefused, Text, Unavailable
from edocx.signing.evidence import Evidence, RevocationAnswer
from edocx.signing.fitness import check_certificate
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.order import sign_as
from edocx.signing.subject import kind_by_subject
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.units.registry import CsvRegistry

AT = SIGNED_AT


class Untouched:
    """A signer whose key must not be asked."""

    def __init__(self, signer):
        self.certificate, self.chain, self.algorithm = signer.certificate, signer.chain, signer.algorithm

    def sign_digest(self, _digest):
        pytest.fail("the key was asked")


def opened(folder, credential):
    credential.save(folder / "key.p12")
    return Untouched(open_signer(f"file:{folder}/key.p12"))


UNFIT = {
    "expired": lambda pki: pki.issue_person("A", "B", not_after=AT - timedelta(days=1)),
    "not yet valid": lambda pki: pki.issue_person("A", "B", not_before=AT + timedelta(days=1)),
    "time-stamping unit": lambda pki: pki.tsa,
    "responder": lambda pki: pki.ocsp,
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_is_not_fit_is_refused_before_the_key_is_asked(tmp_path, kind):
    pki = Pki.create(key="p256")
    signer = opened(tmp_path, UNFIT[kind](pki))
    source = plain(tmp_path / "draft.pdf")
    with pytest.raises(SigningRefused) as refusal:
        sign_as(source, tmp_path / "out.pdf", signer, "person", at=AT)
    assert refusal.value.code == "EDX-CERT-NOT-FIT"
    assert not (tmp_path / "out.pdf").exists()


def test_an_authority_signs_no_documents(tmp_path):
    pki = Pki.create(key="p256")
    pki.save(tmp_path)
    for name in ("root", "state"):
        signer = Untouched(open_signer(f"file:{tmp_path}/ca/{name}.p12"))
        with pytest.raises(SigningRefused) as refusal:
            check_certificate(signer, "organisation", AT, None)
        assert refusal.value.code == "EDX-CERT-NOT-FIT"


class Source:
    def __init__(self, answer):
        self.answer = answer

    def about(self, _certificate, _issuer):
        if self.answer is None:
            raise Unavailable(Text("đi vắng", "away"), hint=Text("", ""), retryable=True)
        return self.answer


def lists(pki, at):
    from asn1crypto import crl
    from cryptography.hazmat.primitives.serialization import Encoding

    made = pki.crls(at, until=at + timedelta(days=1))
    return RevocationAnswer(tuple(crl.CertificateList.load(one.public_bytes(Encoding.DER)) for one in made))


def test_a_revoked_certificate_is_refused_when_somebody_can_be_asked(tmp_path):
    pki = Pki.create(key="p256")
    pki.save(tmp_path)
    person = pki.issue_person("Nguyễn Văn A", "CƠ QUAN THỬ NGHIỆM")
    signer = opened(tmp_path, person)
    stored = TrustStore.from_path(tmp_path / "trust")
    trust = TrustStore(stored.anchors, stored.intermediates)  # as on the day the folder was made, without lists
    criteria = Criteria(trust, AT)
    before = lists(pki, AT - timedelta(hours=2))
    assert check_certificate(signer, "person", AT, criteria, Evidence(trust, Source(before))) == ()
    pki.revoke(person, at=AT - timedelta(hours=1))
    revoked = lists(pki, AT - timedelta(minutes=5))
    with pytest.raises(SigningRefused) as refusal:
        check_certificate(signer, "person", AT, criteria, Evidence(trust, Source(revoked)))
    assert refusal.value.code == "EDX-CERT-NOT-FIT"
    # Nobody answers: that is no refusal by itself, and not passed over in silence.
    for evidence in (None, Evidence(trust), Evidence(trust, Source(None))):
        (note,) = check_certificate(signer, "person", AT, criteria, evidence)
        assert (note.code, note.severity) == ("EDX-REVOCATION-UNCHECKED", "warning")
    # The lists at hand are enough to refuse.
    held = TrustStore(trust.anchors, trust.intermediates, revoked.revocation_lists)
    with pytest.raises(SigningRefused):
        check_certificate(signer, "person", AT, Criteria(held, AT))


SUBJECTS = {
    "an agency": (lambda pki: pki.issue_organisation("CỤC THUẾ", "BỘ TÀI CHÍNH"), "organisation"),
    "an agency spelt decomposed": (
        lambda pki: pki.issue_organisation(unicodedata.normalize("NFD", "Ủy ban nhân dân xã Bình Đức")),
        "organisation",
    ),
    "a person of an agency": (
        lambda pki: pki.issue_person("Nguyễn Văn A", "ỦY BAN NHÂN DÂN TỈNH X", units=("SỞ Y TẾ",)),
        None,
    ),
    "a person whose name begins like a body's": (lambda pki: pki.issue_person("Vũ Văn Thuế", "BỘ TÀI CHÍNH"), None),
}


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_subject_is_a_hint_of_whose_it_is(tmp_path, kind):
    make, expected = SUBJECTS[kind]
    assert kind_by_subject(opened(tmp_path, make(Pki.create(key="p256"))).certificate) == expected


@pytest.mark.parametrize("registered", [False, True])
def test_an_agencys_certificate_signs_as_a_person_only_with_a_word_of_warning(tmp_path, registered):
    pki = Pki.create(key="p256")
    credential = pki.issue_organisation("CỤC THUẾ", "BỘ TÀI CHÍNH")
    signer = opened(tmp_path, credential)
    if registered:
        pki.register(credential, "G12.34")
        pki.save(tmp_path / "pki")
        criteria = Criteria(TrustStore(), AT, CsvRegistry.from_path(tmp_path / "pki" / "registry.csv"))
        with pytest.raises(SigningRefused):
            check_certificate(signer, "person", AT, criteria)
        return
    (note,) = check_certificate(signer, "person", AT, None)
    assert (note.code, note.severity) == ("EDX-SUBJECT-DOUBTFUL", "warning")
    assert check_certificate(signer, "organisation", AT, None) == ()
