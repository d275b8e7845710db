"""A disk that is full, denied or broken is called that, and never a damaged PDF; nothing half written stays."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from signing_samples import SIGNED_AT, plain

from edocx.documents import PageLayout
from edocx.errors import EdocxError, StoreUnavailable
from edocx.signing.cms.sign import sign_file
from edocx.signing.container.sign import sign_files
from edocx.signing.pdf.copies import make_copy
from edocx.signing.pdf.document import read_pdf
from edocx.signing.pdf.extend import extend_file
from edocx.signing.pdf.form import make_form, person_field
from edocx.signing.pdf.marks import CopyForm
from edocx.signing.pdf.order import sign_as
from edocx.signing.pdf.phases import complete, prepare
from edocx.signing.pdf.preview import preview_page

TOLD = {
    errno.ENOSPC: "EDX-DISK-FULL",
    errno.EDQUOT: "EDX-DISK-FULL",
    errno.EROFS: "EDX-FILE-DENIED",
    errno.EACCES: "EDX-FILE-DENIED",
    errno.EIO: "EDX-DISK-IO",
}


class FailingDisk(io.FileIO):
    """Takes so many bytes and then says what a disk says."""

    def __init__(self, path, mode, code, space):
        super().__init__(path, mode)
        self._code, self._space = code, space

    def write(self, data):
        self._space -= len(data)
        if self._space < 0:
            raise OSError(self._code, os.strerror(self._code))
        return super().write(data)


@pytest.fixture
def failing(monkeypatch):
    """Let every write of a file fail with a code after ``space`` bytes."""
    opened, made = Path.open, os.fdopen

    def install(code, space=0):
        def open_failing(path, mode="r", *rest, **options):
            if not set(mode) & set("wx+"):
                return opened(path, mode, *rest, **options)
            raw = FailingDisk(path, mode.replace("b", ""), code, space)
            return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

        def fdopen_failing(number, mode="r", *rest, **options):
            if not set(mode) & set("wx+"):
                return made(number, mode, *rest, **options)
            return io.BufferedRandom(FailingDisk(number, mode.replace("b", ""), code, space))

        monkeypatch.setattr(Path, "open", open_failing)
        monkeypatch.setattr(os, "fdopen", fdopen_failing)

    return install


@pytest.fixture(scope="module")
def files(signing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("storage")
    source = plain(folder / "source.pdf", pages=2)
    form = make_form(source, folder / "form.pdf", PageLayout.standard())
    signed = folder / "signed.pdf"
    sign_as(form, signed, signing.person, "person", at=SIGNED_AT)
    return {"source": source, "form": form, "signed": signed}


def _prepare(signing, files, folder):
    return prepare(
        files["form"],
        folder / "working.pdf",
        certificate=signing.person.certificate,
        algorithm=signing.person.algorithm,
        at=SIGNED_AT,
        field=person_field(1),
    )


def _complete(signing, files, folder):
    working = folder.parent / "prepared.pdf"
    prepared = prepare(
        files["form"],
        working,
        certificate=signing.person.certificate,
        algorithm=signing.person.algorithm,
        at=SIGNED_AT,
        field=person_field(1),
    )
    return lambda: complete(prepared, signing.person.sign_digest(prepared.to_sign), folder / "out.pdf")


VERBS = {
    "form": lambda s, f, d: lambda: make_form(f["source"], d / "out.pdf", PageLayout.standard()),
    "prepare": lambda s, f, d: lambda: _prepare(s, f, d),
    "complete": _complete,
    "sign": lambda s, f, d: lambda: sign_as(f["form"], d / "out.pdf", s.person, "person", at=SIGNED_AT),
    "seal": lambda s, f, d: lambda: sign_as(f["signed"], d / "out.pdf", s.organisation, "organisation", at=SIGNED_AT),
    "extend": lambda s, f, d: (
        lambda: extend_file(
            f["signed"], d / "out.pdf", "B-LTA", at=SIGNED_AT, timestamps=s.timestamps(), evidence=s.evidence
        )
    ),
    "copy": lambda s, f, d: (
        lambda: make_copy(f["signed"], d / "out.pdf", s.organisation, form=CopyForm.WHOLE, agency="UBND", at=SIGNED_AT)
    ),
    "cms": lambda s, f, d: lambda: sign_file(f["source"], d / "out.p7s", s.person, at=SIGNED_AT),
    "asice": lambda s, f, d: lambda: sign_files([f["source"]], d / "out.asice", s.person, at=SIGNED_AT),
}


def named_for_people(where):
    """Say whether a place is one that its user named, and no hidden file of ours."""
    return Path(where).parent.is_dir() and not Path(where).name.startswith(".")


@pytest.mark.parametrize("space", [0, 1_000])
@pytest.mark.parametrize("verb", [name for name in VERBS if name not in {"cms", "complete"}])
def test_a_full_disk_is_told_in_every_verb_and_leaves_nothing(signing, files, tmp_path, failing, verb, space):  # noqa: PLR0917
    before = {path: path.read_bytes() for path in files.values()}
    folder = tmp_path / "out"
    folder.mkdir()
    act = VERBS[verb](signing, files, folder)
    failing(errno.ENOSPC, space)
    with pytest.raises(StoreUnavailable) as caught:
        act()
    assert caught.value.code == "EDX-DISK-FULL"
    assert caught.value.retryable
    assert "đầy" in caught.value.text.vi
    assert named_for_people(caught.value.where)
    assert list(folder.iterdir()) == []
    assert {path: path.read_bytes() for path in files.values()} == before


@pytest.mark.parametrize("code", TOLD, ids=errno.errorcode.get)
@pytest.mark.parametrize("verb", VERBS)
def test_what_the_system_says_of_a_file_is_never_a_damaged_pdf(signing, files, tmp_path, failing, verb, code):  # noqa: PLR0917
    folder = tmp_path / "out"
    folder.mkdir()
    act = VERBS[verb](signing, files, folder)
    failing(code)
    with pytest.raises(StoreUnavailable) as caught:
        act()
    assert caught.value.code == TOLD[code]
    assert named_for_people(caught.value.where)
    assert list(folder.iterdir()) == []


def test_a_preview_on_a_full_disk_says_so(files, tmp_path, failing, tool):
    tool("pdftoppm")
    failing(errno.ENOSPC, 3_000)  # the page may be drawn, its picture not be kept
    with pytest.raises(StoreUnavailable) as caught:
        preview_page(files["source"], tmp_path / "page.png", role="person")
    assert caught.value.code == "EDX-DISK-FULL"
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_fails_while_a_pdf_is_read_is_not_a_damaged_pdf(files):
    class Failing(io.BytesIO):
        def seek(self, *_):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="error"):
        read_pdf(Failing(files["source"].read_bytes()), "x.pdf")


def test_a_position_before_the_file_is_the_files_fault(tmp_path):
    data = plain(tmp_path / "plain.pdf").read_bytes()
    at = data.rindex(b"startxref") + len(b"startxref\n")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(data[:at] + b"-5\n%%EOF")
    with broken.open("rb") as stream, pytest.raises(EdocxError) as caught:
        read_pdf(stream, "broken.pdf")
    assert caught.value.code == "EDX-PDF-DAMAGED"
