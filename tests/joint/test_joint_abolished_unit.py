"""Directory, registry and verification together: what a unit signed before it was abolished.

An organisation's certificate is revoked when it merges (NĐ 68/2024 Điều 17); only proof of existence saves its
signatures. Tiền Giang (H58) closed on 2025-07-01.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from edocx.errors import UnitError
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, Integrity, SubIndication
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Pki, Tsa, scene
from edocx.testing.registry import write_registrations
from edocx.units.registry import CsvRegistry
from edocx.units.shipped import shipped_directory

LAST_DAY = datetime(2025, 6, 30, 9, tzinfo=UTC)
MERGED = datetime(2025, 6, 30, 17, tzinfo=UTC)
"""Midnight of 1 July 2025 in Vietnam."""
TODAY = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    """H58's key, revoked on the day of the merger, and what a verifier has in 2026."""
    folder = tmp_path_factory.mktemp("province")
    pki = Pki.create(key="p256")
    agency = pki.issue_organisation("ỦY BAN NHÂN DÂN TỈNH TIỀN GIANG")
    agency.save(folder / "agency.p12")
    pki.register(agency, "H58")
    pki.save_trust(folder / "before")
    pki.revoke(agency, MERGED)
    pki.save_trust(folder / "trust")
    (folder / "registry.csv").write_text(write_registrations(pki.registrations), encoding="utf-8")
    letter, _ = scene.write_letter(folder)
    return pki, folder, letter


def judged(province, out, *, stamped_at=None):
    pki, folder, letter = province
    options = {}
    if stamped_at is not None:
        service, trust = Tsa(pki), TrustStore.from_path(folder / "before")
        stamps = Rfc3161("test", lambda request: service.answer(request, stamped_at), trust=trust)
        options = {"level": "B-T", "timestamps": stamps}
    signer = open_signer(f"file:{folder / 'agency.p12'}")
    sign(letter, out, signer, at=LAST_DAY, field="Seal", **options)
    registry = CsvRegistry.from_path(folder / "registry.csv")
    report = verify_pdf(out, Criteria(TrustStore.from_path(folder / "trust"), TODAY, registry))
    (signature,) = report.signatures
    assert signature.integrity is Integrity.VALID
    return signature


def test_a_timestamp_from_before_the_last_day_saves_the_signature(province, tmp_path):
    signature = judged(province, tmp_path / "a.pdf", stamped_at=LAST_DAY + timedelta(minutes=1))
    assert signature.indication is Indication.TOTAL_PASSED
    assert signature.time_source == "timestamp"
    assert (signature.kind, signature.unit) == ("organisation", "H58")
    # The unit that it names existed on the proven day, and no longer does.
    directory = shipped_directory()
    assert directory.resolve("H58", signature.signing_time).name
    with pytest.raises(UnitError) as closed:
        directory.resolve("H58", TODAY)
    assert closed.value.code == "EDX-UNIT-CLOSED"


def test_with_only_a_claimed_time_it_is_indeterminate_and_says_what_is_missing(province, tmp_path):
    signature = judged(province, tmp_path / "b.pdf")
    assert signature.indication is Indication.INDETERMINATE
    assert signature.sub_indication is SubIndication.REVOKED_NO_POE
    assert signature.time_source == "claimed"
    reasons = [message for message in signature.messages if message.code == "EDX-CERT-REVOKED"]
    assert reasons
    assert "không dấu thời gian hay biên nhận nào" in reasons[0].vi
    assert "no timestamp or receipt shows" in reasons[0].en


def test_proven_only_after_the_last_day_it_does_not_verify(province, tmp_path):
    signature = judged(province, tmp_path / "c.pdf", stamped_at=MERGED + timedelta(days=3))
    assert signature.indication is not Indication.TOTAL_PASSED
    assert signature.sub_indication is SubIndication.REVOKED_NO_POE


def test_the_successor_is_named(province):
    (successor,) = shipped_directory().successors("H58", date(2026, 11, 22))
    assert str(successor.unit.code) == "H20"
