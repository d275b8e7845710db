"""What signing says of a look that will disappoint: empty and tiny pictures, no place for the seal, covered text."""

# ruff: noqa: F811 - fixtures of the other files
from __future__ import annotations

import subprocess

import pytest
import signing_samples as samples
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, SigFieldSpec, append_signature_field
from signing_letters import letter
from signing_samples import SIGNED_AT
from test_signing_cli import edocx, key  # noqa: F401
from test_signing_cli_kinds import images  # noqa: F401

from edocx.documents import Box
from edocx.errors import SigningRefused
from edocx.signing.pdf.appearance import Appearance
from edocx.signing.pdf.document import open_pdf
from edocx.signing.pdf.form import SEAL_FIELD, make_form
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.placing import layout_for
from edocx.signing.pdf.slot import Fields
from edocx.verification import verify

NAMED_PLACE = Box(page=0, x1=300, y1=150, x2=430, y2=212)


def foreign(path, *, lock=False):
    """Write a page with a signature field of somebody else's making."""
    source = samples.plain(path.with_name("plain.pdf"))
    with source.open("rb") as stream, path.open("wb") as target:
        writer = IncrementalPdfFileWriter(stream)
        rule = FieldMDPSpec(FieldMDPAction.ALL) if lock else None
        append_signature_field(writer, SigFieldSpec("ChuKy", box=(300, 150, 430, 212), field_mdp_spec=rule))
        writer.write(target)
    return path


@pytest.mark.parametrize("fast", [False, True])
def test_a_first_signature_in_a_foreign_field_leaves_the_seals_place(
    signing, tmp_path, images, accepted_by_all, fast
):  # fmt: skip
    one, two = tmp_path / "one.pdf", tmp_path / "two.pdf"
    notes = sign_as(
        foreign(tmp_path / "foreign.pdf"), one, signing.person, "person", at=SIGNED_AT, field="ChuKy",
        appearance=Appearance(image=images["signature"]), fast=fast,
    )  # fmt: skip
    assert notes == ()
    assert Fields.of(one).free == (SEAL_FIELD,)
    sign_as(
        one, two, signing.organisation, "organisation", at=SIGNED_AT, appearance=Appearance(image=images["seal"]),
        fast=fast,
    )  # fmt: skip
    accepted_by_all(two, 2)
    assert str(verify(two, trust=signing.trust).indication) == "TOTAL-PASSED"


def test_a_field_that_locks_the_document_leaves_none_and_that_is_said(signing, tmp_path, images):
    one = tmp_path / "one.pdf"
    notes = sign_as(
        foreign(tmp_path / "foreign.pdf", lock=True), one, signing.person, "person", at=SIGNED_AT, field="ChuKy",
        appearance=Appearance(image=images["signature"]),
    )  # fmt: skip
    assert [(note.code, note.severity) for note in notes] == [("EDX-SEAL-NO-PLACE", "warning")]
    assert "edocx form" in notes[0].vi
    with pytest.raises(SigningRefused):
        sign_as(
            one, tmp_path / "two.pdf", signing.organisation, "organisation", at=SIGNED_AT,
            appearance=Appearance(image=images["seal"]),
        )  # fmt: skip


def test_an_image_that_nobody_sees_is_warned_of(signing, tmp_path, images):
    source = samples.plain(tmp_path / "draft.pdf")
    empty, thin = tmp_path / "empty.png", tmp_path / "thin.png"
    Image.new("RGBA", (100, 50), (0, 0, 255, 0)).save(empty)
    Image.new("RGBA", (10, 300), (0, 0, 255, 255)).save(thin)
    form = make_form(source, tmp_path / "form.pdf", layout_for(source))
    tiny = NAMED_PLACE.model_copy(update={"x2": 310})
    for draft, image, box, said in (
        (source, images["signature"], NAMED_PLACE, []),
        (form, images["signature"], None, []),
        (source, empty, NAMED_PLACE, ["EDX-IMAGE-EMPTY"]),
        (form, empty, None, ["EDX-IMAGE-EMPTY"]),
        (source, thin, NAMED_PLACE, ["EDX-IMAGE-SMALL"]),
        (form, thin, None, ["EDX-IMAGE-SMALL"]),
        (source, images["signature"], tiny, ["EDX-IMAGE-SMALL"]),
    ):
        notes = sign_as(
            draft, tmp_path / "out.pdf", signing.person, "person", at=SIGNED_AT, box=box,
            appearance=Appearance(image=image),
        )  # fmt: skip
        assert [note.code for note in notes] == said
    # The same name may hold another picture tomorrow.
    Image.new("RGBA", (101, 50), (0, 0, 255, 255)).save(empty)
    assert sign_as(
        source, tmp_path / "out.pdf", signing.person, "person", at=SIGNED_AT, appearance=Appearance(image=empty)
    ) == ()  # fmt: skip


def test_a_prepared_field_signed_without_a_picture_stays_empty(signing, tmp_path, tool):
    source = samples.plain(tmp_path / "draft.pdf")
    form = make_form(source, tmp_path / "form.pdf", layout_for(source))
    sign_as(form, tmp_path / "out.pdf", signing.person, "person", at=SIGNED_AT)
    shown = [
        subprocess.run([tool("pdftotext"), path, "-"], capture_output=True, text=True, check=True).stdout
        for path in (source, tmp_path / "out.pdf")
    ]
    assert shown[0] == shown[1], "no stamp in English"
    with open_pdf(tmp_path / "out.pdf") as reader:
        assert reader.embedded_signatures


def test_the_command_says_that_a_number_covers_printed_text(edocx, signing, tmp_path, tool):
    tool("pdftotext")
    source = letter(tmp_path / "letter.pdf", number="Ngành Tài chính tỉnh Tiền Giang", line=132)
    paths = [make_form(source, tmp_path / "0.pdf", layout_for(source)), tmp_path / "1.pdf", tmp_path / "2.pdf"]
    assert edocx("sign", paths[0], "--key", key(signing), "--as", "person", "--out", paths[1])[0] == 0
    agency = ("--key", key(signing, "organisation"), "--as", "organisation")
    fields = ("--number", "15/UBND-VX", "--city", "Bình Đức", "--date", "2023-06-05")
    code, said, err = edocx("sign", paths[1], *agency, *fields, "--out", paths[2])
    assert code == 0, err
    assert "EdocxNumber: This field stands over printed text" in said
