"""A folder that is signed a second time: what counts as done, and what a wrong PIN does to the run."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
import signing_samples as samples
from PIL import Image
from signing_samples import SIGNED_AT
from test_signing_cli import edocx, key, tsa  # noqa: F401 - fixtures among them

from edocx.cli.sign_folder import SignedFolder
from edocx.documents import PageLayout
from edocx.errors import StoreUnavailable, Text, WrongPassword
from edocx.signing.pdf.form import make_form
from edocx.signing.pdf.resume import level_made
from edocx.signing.pdf.sign import sign


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    samples.plain(place / "a.pdf")
    return place


def signed(edocx, signing, folder, *more, who="person"):  # noqa: F811 - the fixture's value
    out = folder.parent / "out"
    code, said, err = edocx(
        "sign", folder, "--key", key(signing, who), "--as", "person", "--out", out, "--json", *more
    )  # fmt: skip
    assert said, err
    (one,) = json.loads(said)["files"]
    return code, one["state"], one["level"]


@pytest.mark.parametrize("case", ["empty", "the source", "the source and noise", "another", "another's key"])
def test_only_the_source_signed_by_this_key_counts_as_done(edocx, signing, folder, case):  # noqa: F811
    out = folder.parent / "out"
    out.mkdir()
    source, made = folder / "a.pdf", out / "a.pdf"
    if case == "another":
        sign(samples.plain(folder.parent / "b.pdf", pages=2), made, signing.person, at=SIGNED_AT, field="S")
    elif case == "another's key":
        sign(source, made, signing.organisation, at=SIGNED_AT, field="S")
    else:
        data = source.read_bytes()
        made.write_bytes({"empty": b"", "the source": data}.get(case, data + b"\n% noise\n"))
    assert signed(edocx, signing, folder) == (0, "signed", "B-B")
    assert made.read_bytes().startswith(source.read_bytes())
    assert level_made(source, made, signing.person, at=SIGNED_AT) == "B-B"
    assert signed(edocx, signing, folder) == (0, "skipped", "B-B")


def test_a_result_of_an_earlier_draft_is_signed_anew(edocx, signing, folder):  # noqa: F811
    assert signed(edocx, signing, folder) == (0, "signed", "B-B")
    samples.plain(folder / "a.pdf", pages=3)
    assert signed(edocx, signing, folder) == (0, "signed", "B-B")


def test_a_result_below_the_level_asked_for_is_lifted_and_not_signed_again(edocx, signing, folder, tsa):  # noqa: F811
    assert signed(edocx, signing, folder) == (0, "signed", "B-B")
    made = folder.parent / "out" / "a.pdf"
    before = made.read_bytes()
    assert signed(edocx, signing, folder, "--tsa", tsa) == (0, "signed", "B-T")
    assert made.read_bytes().startswith(before)
    assert signed(edocx, signing, folder, "--tsa", tsa) == (0, "skipped", "B-T")


def test_what_waits_for_its_level_counts_only_when_it_is_the_source(tmp_path):
    source, out, made = tmp_path / "a.pdf", tmp_path / "out", []
    source.write_bytes(b"a")
    out.mkdir()
    (out / ".a.pdf.B-B").write_bytes(b"planted")

    def sign_one(path, target):
        made.append(path.name)
        shutil.copy(path, target)

    run = SignedFolder(sign_one, shutil.copy, level="B-T", look_at=lambda *_: None)
    run.run([source], out, lambda _: None)
    assert made == ["a.pdf"]
    assert (out / "a.pdf").read_bytes() == b"a"


def test_a_folder_is_not_signed_into_itself(edocx, signing, folder):  # noqa: F811
    before = (folder / "a.pdf").read_bytes()
    code, _, err = edocx("sign", folder, "--key", key(signing), "--as", "person", "--out", folder / ".." / "in")
    assert code == 2
    assert "EDX-USAGE-OVERWRITE" in err
    assert (folder / "a.pdf").read_bytes() == before


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_refused_pin_stops_the_run(tmp_path, jobs):
    asked, together = [], threading.Barrier(jobs)

    def refuse(source, _):
        asked.append(source)
        together.wait(30)
        raise WrongPassword(Text("sai", "wrong"), hint=Text("", ""), code="EDX-TOKEN-PIN")

    sources = [tmp_path / f"{n}.pdf" for n in range(20)]
    with pytest.raises(WrongPassword):
        SignedFolder(refuse, jobs=jobs).run(sources, tmp_path / "out", lambda _: None)
    assert len(asked) == jobs, "only those on their way already"


@pytest.mark.parametrize("prepared", [False, True])
def test_a_run_with_a_picture_does_not_take_a_result_without_one_for_done(edocx, signing, folder, prepared):  # noqa: F811
    picture = folder.parent / "signature.png"
    Image.new("RGBA", (200, 90), (0, 0, 200, 255)).save(picture)
    if prepared:
        make_form(folder / "a.pdf", folder.parent / "form.pdf", PageLayout.standard())
        (folder.parent / "form.pdf").replace(folder / "a.pdf")
    assert signed(edocx, signing, folder) == (0, "signed", "B-B")
    assert signed(edocx, signing, folder, "--image", picture) == (0, "signed", "B-B")
    assert signed(edocx, signing, folder, "--image", picture) == (0, "skipped", "B-B")
    assert signed(edocx, signing, folder) == (0, "skipped", "B-B")


def test_a_failure_names_the_result_and_not_the_hidden_file_it_waits_in(tmp_path):
    source, out = tmp_path / "a.pdf", tmp_path / "out"
    source.write_bytes(b"a")
    out.mkdir()

    def fail(_source, staged):
        raise StoreUnavailable(Text("đầy", "full"), hint=Text("", ""), code="EDX-DISK-FULL", where=str(staged))

    for sign_one, lift_one in ((fail, lambda *_: None), (lambda _, staged: staged.write_bytes(b"s") and None, fail)):
        (one,) = SignedFolder(sign_one, lift_one, level="B-T").run([source], out, lambda _: None)
        assert one.state == "failed"
        assert one.error.where == str(out / "a.pdf")
