"""Joint documents and initials: every field is there before the first signature, and each is used in its turn."""

from __future__ import annotations

from datetime import date

import pytest
from signing_samples import SIGNED_AT, plain

from edocx.documents import DocumentNumber, PageLayout
from edocx.errors import SigningRefused
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication

AT = SIGNED_AT


@pytest.fixture(scope="module")
def people(signing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")

    def opened(name, credential):
        credential.save(folder / f"{name}.p12")
        return open_signer(f"file:{folder}/{name}.p12")

    pki = signing.pki
    return {
        "drafter": opened("drafter", pki.issue_person("Lê Văn C", "SỞ THỬ NGHIỆM")),
        "one": opened("one", pki.issue_person("Nguyễn Văn A", "SỞ THỬ NGHIỆM")),
        "two": opened("two", pki.issue_person("Trần Thị B", "SỞ KHÁC")),
        "first agency": opened("first", pki.issue_organisation("SỞ THỬ NGHIỆM")),
        "second agency": opened("second", pki.issue_organisation("SỞ KHÁC")),
    }


@pytest.fixture
def joint(tmp_path):
    source = plain(tmp_path / "draft.pdf", pages=2)
    layout = layout_for(source, people=2, initials=1)
    return make_form(source, tmp_path / "form.pdf", layout), layout


def seen(name):
    return Appearance(lines=(name,))


def test_initials_two_signatures_and_two_seals_in_their_turn(signing, people, joint, tmp_path, accepted_by_all):
    form, layout = joint
    numbered = number_and_date(
        layout, number=DocumentNumber(number="3", notation="TTLT"), place="Mỹ Tho", issued_on=date(2023, 6, 15)
    )
    steps = [
        ("drafter", "person", {"initials": True}),
        ("one", "person", {}),
        ("two", "person", {}),
        ("second agency", "organisation", {"fill": numbered}),
        ("first agency", "organisation", {}),
    ]
    held = form
    for place, (who, role, more) in enumerate(steps):
        out = tmp_path / f"{place}.pdf"
        sign_as(held, out, people[who], role, at=AT, appearance=seen(who), **more)
        held = out
    verdicts = accepted_by_all(held, 5)
    assert list(verdicts) == ["EdocxInitial1", "EdocxPerson1", "EdocxPerson2", "EdocxJointSeal1", "EdocxSeal"]
    assert [one.modification_level.name for one in verdicts.values()] == ["FORM_FILLING"] * 4 + ["NONE"]
    report = verify_pdf(held, Criteria(signing.trust, AT))
    assert report.indication is Indication.TOTAL_PASSED
    with pytest.raises(SigningRefused) as caught:
        sign_as(held, tmp_path / "more.pdf", people["one"], "person", at=AT)
    assert caught.value.code == "EDX-PDF-LOCKED"


def test_initials_come_before_signatures(people, joint, tmp_path):
    sign_as(joint[0], tmp_path / "one.pdf", people["one"], "person", at=AT)
    with pytest.raises(SigningRefused) as caught:
        sign_as(tmp_path / "one.pdf", tmp_path / "late.pdf", people["drafter"], "person", at=AT, initials=True)
    assert caught.value.code == "EDX-SIGN-INITIALS"
    assert not (tmp_path / "late.pdf").exists()


def test_the_last_seal_waits_for_all_who_are_to_sign(people, joint, tmp_path):
    sign_as(joint[0], tmp_path / "one.pdf", people["one"], "person", at=AT)
    sign_as(tmp_path / "one.pdf", tmp_path / "joint.pdf", people["second agency"], "organisation", at=AT)
    with pytest.raises(SigningRefused) as caught:
        sign_as(tmp_path / "joint.pdf", tmp_path / "out.pdf", people["first agency"], "organisation", at=AT)
    assert caught.value.code == "EDX-SEAL-WAITS"
    assert "1 " in caught.value.text.vi
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.parametrize("people_count", range(1, 7))
def test_places_of_a_joint_document_do_not_cover_each_other(people_count):
    layout = PageLayout.standard(people=people_count, initials=3)
    groups = [[*layout.signatures, *layout.initials], [layout.seal, *layout.joint_seals, *layout.initials]]
    for boxes in groups:
        for place, one in enumerate(boxes):
            assert one.x1 >= 0
            assert one.x2 <= 595
            for other in boxes[place + 1 :]:
                apart = one.x2 <= other.x1 or other.x2 <= one.x1 or one.y2 <= other.y1 or other.y2 <= one.y1
                assert apart, (one, other)
    assert len(layout.joint_seals) == people_count - 1
