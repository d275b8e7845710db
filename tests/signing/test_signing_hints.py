"""What a refusal tells to do is what the commands understand."""

from __future__ import annotations

import pytest
import signing_samples as samples
from test_signing_cli import draft, edocx, key  # noqa: F401 - fixtures among them

from edocx.signing.pdf.order import sign_as


def test_no_hint_counts_pages_otherwise_than_the_command(edocx, signing, draft, tmp_path):  # noqa: F811
    code, _, err = edocx(
        "sign", draft, "--key", key(signing), "--as", "person", "--out", tmp_path / "out.pdf", "--place", "9,10,10,40,20",
        "--image", _image(tmp_path),
    )  # fmt: skip
    assert (code, "EDX-PDF-PAGE" in err) == (2, True)
    assert "from 0" not in err


def test_a_number_without_fields_names_the_command_that_makes_them(edocx, signing, draft, tmp_path):  # noqa: F811
    one = tmp_path / "one.pdf"
    sign_as(draft, one, signing.person, "person", at=samples.SIGNED_AT)
    code, _, err = edocx(
        "sign", one, "--key", key(signing, "organisation"), "--as", "organisation", "--out", tmp_path / "two.pdf",
        "--number", "15/QĐ-UBND", "--city", "Bình Đức",
    )  # fmt: skip
    assert code != 0
    assert "EDX-FIELD-MISSING" in err
    assert "edocx form" in err


@pytest.mark.parametrize("kind", ["pdf", "p7s", "asice"])
def test_a_folder_named_for_one_result_is_told_by_its_own_name(edocx, signing, draft, tmp_path, kind):  # noqa: F811
    place = tmp_path / "results"
    place.mkdir()
    code, _, err = edocx("sign", draft, "--key", key(signing), "--as", "person", "--out", place, "--format", kind)
    assert (code, "EDX-USAGE-OUT" in err) == (2, True)
    assert str(place / "draft.pdf") in err.replace("\n", "")
    assert ".signing" not in err
    assert list(place.iterdir()) == []


def test_a_file_named_for_several_results_is_refused(edocx, signing, draft, tmp_path):  # noqa: F811
    place = tmp_path / "in"
    place.mkdir()
    samples.plain(place / "a.pdf")
    before = draft.read_bytes()
    code, _, err = edocx("sign", place, "--key", key(signing), "--as", "person", "--out", draft)
    assert (code, "EDX-USAGE-OUT" in err) == (2, True)
    assert draft.read_bytes() == before


def _image(folder):
    from PIL import Image

    Image.new("RGB", (60, 30), "blue").save(folder / "image.png")
    return folder / "image.png"
