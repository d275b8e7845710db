"""Proof of existence: what a timestamp carries a signature over, and what it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT

from edocx.signing.evidence import Evidence
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, SubIndication
from edocx.signing.trust import TrustStore
from edocx.testing import Pki

FIELD = "Signature1"
YEAR = timedelta(days=365)


@pytest.fixture
def draft(tmp_path):
    return samples.plain(tmp_path / "draft.pdf")


@pytest.fixture
def short_lived(tmp_path, signing):
    """A person whose certificate lasts a year from 2023 on, in the PKI of the room."""
    person = signing.pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM", not_after=SIGNED_AT + YEAR)
    person.save(tmp_path / "short.p12")
    return open_signer(f"file:{tmp_path / 'short.p12'}")


def judged(path, trust, at):
    (signature,) = verify_pdf(path, Criteria(trust, at)).signatures
    return signature


def codes(signature):
    return {message.code for message in signature.messages}


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_a_signature_has_the_level_it_was_made_with(signing, draft, tmp_path, level):
    out = sign(
        draft, tmp_path / "out.pdf", signing.person, at=SIGNED_AT, field=FIELD,
        level=level, timestamps=signing.timestamps(), evidence=signing.evidence,
    )  # fmt: skip
    signature = judged(out, signing.trust, SIGNED_AT + timedelta(days=1))
    assert signature.level == level
    assert signature.indication is Indication.TOTAL_PASSED
    assert signature.time_source == ("claimed" if level == "B-B" else "timestamp")


def test_an_expired_certificate_passes_only_when_a_timestamp_proves_the_signature_older(
    signing, draft, tmp_path, short_lived
):
    later = SIGNED_AT + 3 * YEAR
    bare = sign(draft, tmp_path / "b.pdf", short_lived, at=SIGNED_AT, field=FIELD)
    stamped = sign(
        draft, tmp_path / "t.pdf", short_lived, at=SIGNED_AT, field=FIELD, level="B-T", timestamps=signing.timestamps()
    )
    first = judged(bare, signing.trust, later)
    assert (first.indication, first.sub_indication) == (Indication.INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE)
    second = judged(stamped, signing.trust, later)
    assert second.indication is Indication.TOTAL_PASSED
    assert "EDX-CERT-REVOKED-LATER" in codes(second)


@pytest.fixture
def revoked(tmp_path):
    """A PKI of its own whose person is revoked ten days after signing."""
    pki = Pki.create()
    person = pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    person.save(tmp_path / "person.p12")
    from edocx.signing.timestamp import Rfc3161
    from edocx.testing import Tsa

    service = Tsa(pki)
    pki.save_trust(tmp_path / "before")
    stamps = Rfc3161(
        "test",
        lambda request: service.answer(request, SIGNED_AT + timedelta(minutes=1)),
        trust=TrustStore.from_path(tmp_path / "before"),
    )
    pki.revoke(person, SIGNED_AT + timedelta(days=10))
    pki.save_trust(tmp_path / "after")
    signer = open_signer(f"file:{tmp_path / 'person.p12'}")
    return signer, stamps, TrustStore.from_path(tmp_path / "after")


def test_a_revoked_certificate_passes_only_when_a_timestamp_is_older_than_the_revocation(draft, tmp_path, revoked):
    signer, stamps, trust = revoked
    later = SIGNED_AT + timedelta(days=100)
    bare = sign(draft, tmp_path / "b.pdf", signer, at=SIGNED_AT, field=FIELD)
    stamped = sign(draft, tmp_path / "t.pdf", signer, at=SIGNED_AT, field=FIELD, level="B-T", timestamps=stamps)
    assert judged(bare, trust, later).sub_indication is SubIndication.REVOKED_NO_POE
    assert judged(stamped, trust, later).indication is Indication.TOTAL_PASSED


def test_a_timestamp_of_an_untrusted_authority_proves_nothing(signing, draft, tmp_path, short_lived):
    other = Pki.create()
    from edocx.signing.timestamp import Rfc3161
    from edocx.testing import Tsa

    other.save_trust(tmp_path / "other")
    service = Tsa(other)
    stamps = Rfc3161(
        "other",
        lambda request: service.answer(request, SIGNED_AT),
        trust=TrustStore.from_path(tmp_path / "other"),
    )
    out = sign(draft, tmp_path / "t.pdf", short_lived, at=SIGNED_AT, field=FIELD, level="B-T", timestamps=stamps)
    signature = judged(out, signing.trust, SIGNED_AT + 3 * YEAR)
    assert signature.indication is Indication.INDETERMINATE
    assert "EDX-STAMP-UNTRUSTED" in codes(signature)
    assert signature.time_source == "claimed"


def test_without_revocation_evidence_the_verdict_is_indeterminate_and_says_so(signing, draft, tmp_path):
    out = sign(draft, tmp_path / "b.pdf", signing.person, at=SIGNED_AT, field=FIELD)
    bare = TrustStore(signing.trust.anchors, signing.trust.intermediates)
    signature = judged(out, bare, SIGNED_AT + timedelta(days=1))
    assert signature.sub_indication is SubIndication.TRY_LATER
    assert "EDX-REVOCATION-UNKNOWN" in codes(signature)


def test_embedded_evidence_alone_completes_a_signature(signing, draft, tmp_path):
    out = sign(
        draft, tmp_path / "lt.pdf", signing.person, at=SIGNED_AT, field=FIELD, level="B-LT",
        timestamps=signing.timestamps(), evidence=Evidence(signing.trust),
    )  # fmt: skip
    anchors_only = TrustStore(signing.trust.anchors)
    assert judged(out, anchors_only, SIGNED_AT + timedelta(days=1)).indication is Indication.TOTAL_PASSED


def test_evidence_in_a_file_is_never_an_anchor(signing, draft, tmp_path):
    out = sign(
        draft, tmp_path / "lt.pdf", signing.person, at=SIGNED_AT, field=FIELD, level="B-LT",
        timestamps=signing.timestamps(), evidence=Evidence(signing.trust),
    )  # fmt: skip
    signature = judged(out, TrustStore(), SIGNED_AT + timedelta(days=1))
    assert signature.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
