"""A seal stands on the signature of somebody who may sign for that agency (NĐ 30/2020 Điều 13, 32)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from signing_samples import SIGNED_AT, plain

from edocx.errors import SigningRefused
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.placing import layout_for
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.testing.registry import write_registrations
from edocx.units.registry import CsvRegistry

AT = SIGNED_AT
COMMUNE, DISTRICT = "H58.12.01", "H58.12"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("entitled")
    pki = Pki.create(key="p256")
    held = {}

    def enter(name, credential, unit, **mandate):
        credential.save(folder / f"{name}.p12")
        held[name] = open_signer(f"file:{folder}/{name}.p12")
        if unit:
            pki.register(credential, unit, **mandate)
        return credential

    enter("chairman", pki.issue_person("Nguyễn Văn A", "XÃ"), COMMUNE, full_name="Nguyễn Văn A", position="Chủ tịch")
    enter("clerk", pki.issue_person("Lê Văn C", "XÃ"), COMMUNE, full_name="Lê Văn C")
    enter("other", pki.issue_person("Trần Thị B", "HUYỆN"), DISTRICT, full_name="Trần Thị B", position="Chủ tịch")
    enter("stranger", pki.issue_person("Phạm Văn D", "KHÁC"), None)
    revoked = enter(
        "revoked", pki.issue_person("Võ Văn E", "XÃ"), COMMUNE, full_name="Võ Văn E", position="Phó Chủ tịch"
    )
    enter("seal", pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ"), COMMUNE)
    pki.revoke(revoked, at=AT - timedelta(days=1))
    pki.save_trust(folder / "trust")
    (folder / "registry.csv").write_text(write_registrations(pki.registrations), encoding="utf-8")
    return held, TrustStore.from_path(folder / "trust"), CsvRegistry.from_path(folder / "registry.csv")


def sealed(world, who, tmp_path):
    held, trust, registry = world
    source = plain(tmp_path / "draft.pdf")
    sign_as(source, tmp_path / "signed.pdf", held[who], "person", at=AT)
    criteria = Criteria(trust, AT, registry)
    return sign_as(
        tmp_path / "signed.pdf", tmp_path / "sealed.pdf", held["seal"], "organisation", at=AT, criteria=criteria
    )


def test_the_seal_stands_on_somebody_who_may_sign_for_its_agency(world, tmp_path):
    assert sealed(world, "chairman", tmp_path) == ()
    assert (tmp_path / "sealed.pdf").exists()


@pytest.mark.parametrize(
    "who, code",
    [
        ("clerk", "EDX-SEAL-NOT-ENTITLED"),
        ("other", "EDX-SEAL-NOT-ENTITLED"),
        ("stranger", "EDX-SEAL-NO-PERSON"),
        ("revoked", "EDX-SEAL-NO-PERSON"),
    ],
)
def test_the_seal_is_refused_where_nobody_entitled_signed(world, tmp_path, who, code):
    with pytest.raises(SigningRefused) as refusal:
        sealed(world, who, tmp_path)
    assert refusal.value.code == code
    assert not (tmp_path / "sealed.pdf").exists()


def test_initials_are_no_signature(world, tmp_path):
    held, trust, registry = world
    source = plain(tmp_path / "draft.pdf")
    layout = layout_for(source, initials=1)
    form = make_form(source, tmp_path / "form.pdf", layout)
    sign_as(form, tmp_path / "one.pdf", held["chairman"], "person", at=AT, initials=True)
    for criteria in (None, Criteria(trust, AT, registry)):
        with pytest.raises(SigningRefused) as refusal:
            sign_as(tmp_path / "one.pdf", tmp_path / "out.pdf", held["seal"], "organisation", at=AT, criteria=criteria)
        assert refusal.value.code == "EDX-SEAL-NO-PERSON"
