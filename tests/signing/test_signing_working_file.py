"""The file a signature is made in: one for each signing, no link followed, and what killed processes left goes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT

from edocx.content import durable_file
from edocx.errors import EdocxError
from edocx.signing import working_file as module
from edocx.signing.pdf.sign import prepare, prepare_fast, sign
from edocx.signing.working_file import clear_abandoned, working_file


class Meeting:
    """A signer whose key answers only when another one is asked too."""

    def __init__(self, signer, barrier):
        self.certificate, self.chain, self.algorithm = signer.certificate, signer.chain, signer.algorithm
        self._signer, self._barrier = signer, barrier

    def sign_digest(self, digest):
        self._barrier.wait(30)
        return self._signer.sign_digest(digest)


@pytest.mark.parametrize("fast", [False, True])
def test_two_who_sign_to_one_place_leave_a_whole_file(signing, tmp_path, fast):
    import threading

    barrier = threading.Barrier(2)
    sources = [samples.plain(tmp_path / "a.pdf"), samples.plain(tmp_path / "b.pdf", pages=3)]
    out = tmp_path / "out.pdf"

    def one(source):
        return sign(source, out, Meeting(signing.person, barrier), at=SIGNED_AT, field="S", fast=fast)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, sources))
    assert any(out.read_bytes().startswith(source.read_bytes()) for source in sources)
    assert signing.judge(out)["S"].bottom_line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "b.pdf", "out.pdf"]


@pytest.mark.parametrize("fast", [False, True])
def test_a_link_where_the_file_is_made_destroys_nothing(signing, tmp_path, fast):
    source, out, treasure = samples.plain(tmp_path / "a.pdf"), tmp_path / "out.pdf", tmp_path / "treasure"
    treasure.write_text("dear")
    (tmp_path / ".out.pdf.signing").symlink_to(treasure)
    sign(source, out, signing.person, at=SIGNED_AT, field="S", fast=fast)
    assert treasure.read_text() == "dear"
    assert not out.is_symlink()


@pytest.mark.parametrize("prepare_one", [prepare, prepare_fast])
def test_no_link_is_followed_to_a_working_file(signing, tmp_path, prepare_one):
    treasure, link = tmp_path / "treasure", tmp_path / "link.pdf"
    treasure.write_text("dear")
    link.symlink_to(treasure)
    person = signing.person
    with pytest.raises(EdocxError):
        prepare_one(
            samples.plain(tmp_path / "a.pdf"), link, certificate=person.certificate, algorithm=person.algorithm,
            at=SIGNED_AT, field="S", durable=False,
        )  # fmt: skip
    assert treasure.read_text() == "dear"


def test_what_a_killed_process_left_is_cleared_and_what_a_living_one_has_is_not(tmp_path):
    script = """
        import os, signal, sys
        from pathlib import Path
        from edocx.signing.working_file import clear_abandoned, working_file
        with working_file(Path(sys.argv[1])) as place:
            place.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    out = tmp_path / "out.pdf"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(out)], check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    other = tmp_path / ".notes.signing"
    other.write_text("somebody's own")
    with working_file(tmp_path / "other.pdf") as living:
        assert not left.exists()
        module._cleared.clear()
        with working_file(out) as mine:
            assert living.exists()
            assert mine != living
    assert list(tmp_path.iterdir()) == [other]


def test_what_a_killed_process_left_of_a_durable_file_is_cleared_and_a_living_ones_is_not(tmp_path):
    script = """
        import os, signal, sys
        from pathlib import Path
        from edocx.content import durable_file
        with durable_file(Path(sys.argv[1])) as stream:
            stream.write(b"half")
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    out = tmp_path / "out.pdf"
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(out)], check=False)
    (left,) = tmp_path.iterdir()
    with durable_file(out) as living:
        living.write(b"whole")
        clear_abandoned(tmp_path)
        assert not left.exists()
        assert len(list(tmp_path.iterdir())) == 1
    assert out.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [out]


def test_a_link_among_leftovers_is_not_followed(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_text("dear")
    link = tmp_path / ".out.pdf.01234567.signing"
    link.symlink_to(treasure)
    with working_file(tmp_path / "out.pdf"):
        assert treasure.read_text() == "dear"
    assert os.path.lexists(link)


def test_an_error_names_the_place_that_was_asked_for(signing, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(EdocxError) as refusal:
        sign(samples.plain(tmp_path / "a.pdf"), tmp_path / "folder", signing.person, at=SIGNED_AT, field="S")
    assert refusal.value.where == str(tmp_path / "folder")
