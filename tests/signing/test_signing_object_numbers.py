"""A trailer that says a /Size too small: what is there is never written over, whoever numbers the new objects."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import signing_samples as samples
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from signing_samples import SIGNED_AT

from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication
from edocx.verification import verify

AT = SIGNED_AT + timedelta(days=1)


def understated(data: bytes, size: int = 3) -> bytes:
    """The last trailer's /Size made smaller, the file as long as before."""
    found = list(re.finditer(rb"/Size (\d+)", data))[-1]
    return data[: found.start(1)] + b"%-*d" % (len(found[1]), size) + data[found.end(1) :]


def table(path: Path, _tool) -> Path:
    path.write_bytes(understated(samples.plain(path).read_bytes()))
    return path


def later_table(path: Path, _tool) -> Path:
    return updated(samples.plain(path))


def later_stream(path: Path, tool) -> Path:
    return updated(samples.by_qpdf(tool("qpdf"), path, "--object-streams=generate", "--compress-streams=y"))


def updated(path: Path) -> Path:
    """Add a revision; the first one says its size rightly, the newest does not."""
    with path.open("r+b") as file:
        writer = IncrementalPdfFileWriter(file)
        writer.root[pdf_name("/Lang")] = generic.pdf_string("vi")
        writer.update_root()
        writer.write_in_place()
    path.write_bytes(understated(path.read_bytes()))
    return path


SHAPES = {"table": table, "later-table": later_table, "later-stream": later_stream}


@pytest.fixture(params=SHAPES)
def letter(request, tmp_path, tool) -> Path:
    return SHAPES[request.param](tmp_path / "letter.pdf", tool)


def drawn(path: Path, pdftoppm: str) -> bytes:
    options = ["-r", "40", "-gray", "-f", "1", "-l", "1", str(path)]
    return subprocess.run([pdftoppm, *options], check=True, capture_output=True).stdout


@pytest.mark.parametrize("fast", [False, True])
def test_a_size_too_small_overwrites_nothing(signing, accepted_by_all, tool, tmp_path, letter, fast):  # noqa: PLR0917
    looks = drawn(letter, tool("pdftoppm"))
    assert len(set(looks)) > 2, "the letter shows something"
    person, sealed = tmp_path / "person.pdf", tmp_path / "sealed.pdf"
    sign(letter, person, signing.person, at=SIGNED_AT, field="Person", fast=fast)
    sign(person, sealed, signing.organisation, at=SIGNED_AT, field="Seal", fast=fast)
    for path in (person, sealed):
        assert drawn(path, tool("pdftoppm")) == looks
        said = verify(path, trust=signing.trust, at=AT)
        assert said.indication is Indication.TOTAL_PASSED, said
    accepted_by_all(sealed, 2)
