"""What this room signs, this room's verifier passes, at the level it was signed for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT

import edocx
from edocx.documents import DocumentNumber, PageLayout
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.field_text import number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, make_form, person_field
from edocx.signing.pdf.marks import CopyForm
from edocx.signing.pdf.sign import sign

LATER = SIGNED_AT + timedelta(days=1)


def verdict(signing, path, **options):
    return edocx.verify(path, trust=signing.trust, at=LATER, **options)


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_person_number_and_seal_pass_at_their_level(signing, tmp_path, level):
    layout = PageLayout.standard()
    form = make_form(samples.plain(tmp_path / "draft.pdf"), tmp_path / "form.pdf", layout)
    means = {"level": level, "timestamps": signing.timestamps(), "evidence": signing.evidence}
    one = sign(
        form, tmp_path / "one.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True,
        **(means | {"level": "B-B" if level == "B-B" else "B-T"}),
    )  # fmt: skip
    number = DocumentNumber(number="15", notation="QĐ-UBND")
    values = number_and_date(layout, number=number, place="Bình Đức", issued_on=date(2023, 6, 15))
    two = sign(one, tmp_path / "two.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD, fill=values, **means)
    report = verdict(signing, two)
    assert report.indication == "TOTAL-PASSED", report.to_json()
    assert report.signatures[-1].level == level


def test_other_containers_pass(signing, tmp_path):
    (tmp_path / "data.bin").write_bytes(bytes(1000))
    packed = sign_files([tmp_path / "data.bin"], tmp_path / "o.asice", signing.person, at=SIGNED_AT)
    assert verdict(signing, packed).indication == "TOTAL-PASSED"
    stamped = sign_files(
        [tmp_path / "data.bin"], tmp_path / "t.asice", signing.person, at=SIGNED_AT, timestamps=signing.timestamps()
    )
    assert verdict(signing, stamped).signatures[0].level == "B-T"
    beside = sign_file(tmp_path / "data.bin", tmp_path / "data.bin.p7s", signing.person, at=SIGNED_AT)
    assert verdict(signing, beside, detached=[tmp_path / "data.bin"]).indication == "TOTAL-PASSED"


def test_a_copy_passes_by_its_own_seal(signing, tmp_path):
    source = sign(samples.plain(tmp_path / "d.pdf"), tmp_path / "s.pdf", signing.person, at=SIGNED_AT, field="S")
    make_copy(source, tmp_path / "c.pdf", signing.organisation, form=CopyForm.WHOLE, agency="CƠ QUAN", at=SIGNED_AT)
    report = verdict(signing, tmp_path / "c.pdf")
    assert [one.indication for one in report.signatures] == ["TOTAL-PASSED"]
