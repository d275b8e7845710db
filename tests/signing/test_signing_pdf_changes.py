"""What counts as a change after a signature, by the long way (the short one knows our own files alone)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from signing_samples import SIGNED_AT, plain

from edocx.documents import DocumentNumber
from edocx.signing.judgement import Criteria
from edocx.signing.pdf.changes import Change, classify
from edocx.signing.pdf.document import open_pdf
from edocx.signing.pdf.embedded import embedded_in
from edocx.signing.pdf.extend import extend_file
from edocx.signing.pdf.field_text import DATE_FIELD, number_and_date
from edocx.signing.pdf.form import SEAL_FIELD, fill_fields, make_form, person_field
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.revision import open_revision
from edocx.signing.pdf.sign import sign
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication


def changes_of(path):
    with open_pdf(path) as reader:
        found, _ = embedded_in(reader, 10)
        return {one.name: classify(one) for one in found if one.name in {person_field(1), SEAL_FIELD}}


def revised(source, out, act):
    with source.open("rb") as stream:
        revision = open_revision(stream, str(source))
        act(revision)
        with out.open("wb") as target:
            revision.write(target)
    return out


@pytest.fixture(scope="module")
def steps(signing, tmp_path_factory):
    """Signed, then number and date filled in a revision of their own, then sealed: the seal locks every field."""
    folder = tmp_path_factory.mktemp("changes")
    source = plain(folder / "source.pdf")
    layout = layout_for(source)
    values = number_and_date(
        layout, number=DocumentNumber(number="15", notation="UBND-VP"), place="Bình Đức", issued_on=date(2023, 6, 15)
    )
    form = make_form(source, folder / "form.pdf", layout)
    signed = sign(form, folder / "signed.pdf", signing.person, at=SIGNED_AT, field=person_field(1), certify=True)
    filled = revised(signed, folder / "filled.pdf", lambda revision: fill_fields(revision, values, "x"))
    sealed = sign(filled, folder / "sealed.pdf", signing.organisation, at=SIGNED_AT, field=SEAL_FIELD)
    return {"signed": signed, "filled": filled, "sealed": sealed}


@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_a_timestamp_after_a_seal_that_locks_all_touches_no_field_drawn_before_it(signing, steps, tmp_path, level):
    lifted = extend_file(
        steps["sealed"], tmp_path / "lifted.pdf", level,
        at=SIGNED_AT + timedelta(hours=1), timestamps=signing.timestamps(), evidence=signing.evidence,
    )  # fmt: skip
    again = extend_file(
        lifted, tmp_path / "again.pdf", "B-LTA",
        at=SIGNED_AT + timedelta(hours=2), timestamps=signing.timestamps(), evidence=signing.evidence,
    )  # fmt: skip
    for path in (lifted, again):
        assert changes_of(path) == {person_field(1): Change.FILLED, SEAL_FIELD: Change.EXPLAINED}
        report = verify_pdf(path, Criteria(signing.trust, SIGNED_AT + timedelta(days=1)))
        assert report.indication is Indication.TOTAL_PASSED


def drawn_over(revision):
    """Draw something else where the date stood, in the place of the old appearance."""
    field = _date_field(revision)
    stream = field["/AP"].raw_get("/N").get_object()
    stream._data = b"/Tx BMC q 0 0 50 10 re f Q EMC"
    stream._encoded_data = None
    revision.update_container(stream)


def drawn_anew(revision):
    """Draw something else in a new appearance."""
    field = _date_field(revision)
    shown = generic.StreamObject(
        {pdf_name("/BBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 9, 9)))}, stream_data=b""
    )
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): revision.add_object(shown)})
    revision.update_container(field)


def _date_field(revision):
    return next(
        one.get_object() for one in revision.root["/AcroForm"]["/Fields"] if one.get_object()["/T"] == DATE_FIELD
    )


@pytest.mark.parametrize("draw", [drawn_over, drawn_anew])
def test_a_field_drawn_otherwise_after_the_seal_breaks_it(signing, steps, tmp_path, draw):
    forged = revised(steps["sealed"], tmp_path / "forged.pdf", draw)
    assert changes_of(forged)[SEAL_FIELD] is Change.FORBIDDEN
    stamped = tmp_path / "stamped.pdf"
    # A timestamp over the forgery does not heal it.
    extend_file(forged, stamped, "B-T", at=SIGNED_AT, timestamps=signing.timestamps())
    assert changes_of(stamped)[SEAL_FIELD] is Change.FORBIDDEN
    report = verify_pdf(stamped, Criteria(signing.trust, SIGNED_AT + timedelta(days=1)))
    assert report.indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("draw", [drawn_over, drawn_anew])
def test_before_the_seal_a_field_may_be_drawn_again_in_either_way(steps, tmp_path, draw):
    assert changes_of(revised(steps["signed"], tmp_path / "again.pdf", draw)) == {person_field(1): Change.FILLED}
