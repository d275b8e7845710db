"""Files in the making never outlive the work: neither its end, nor its death."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edocx.errors import EdocxError, StateError
from edocx.office.workspace import clear_abandoned, workspace
from edocx.testing import scene
from edocx.testing.network import Network

HOLD = """
import sys
from pathlib import Path
from edocx.office.workspace import workspace
with workspace(Path(sys.argv[1])) as folder:
    (folder / "half.pdf").write_bytes(b"%PDF")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_workspace_is_gone_after_its_block_also_after_an_error(tmp_path):
    def fail_in(folder):
        (folder / "half.pdf").write_bytes(b"%PDF")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), workspace(tmp_path) as folder:
        fail_in(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_a_folder_that_the_next_one_clears_away(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        folder = holder.stdout.readline().strip()
        assert clear_abandoned(tmp_path) == 0, "a living process keeps its folder"
        assert [str(path) for path in tmp_path.iterdir()] == [folder]
        holder.kill()
    assert clear_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_opening_an_office_clears_what_a_killed_one_left(tmp_path):
    with Network.four_levels(tmp_path) as network:
        network.office("G22")
    home = tmp_path / "offices" / "G22"
    (home / ".work-abandoned").mkdir()
    with Network.four_levels(tmp_path) as network:
        network.office("G22")
        assert not list(home.glob(".work-*"))


def test_the_first_document_of_a_number_is_not_called_a_second_one(tmp_path):
    with Network.four_levels(tmp_path) as network:
        document = network.sample()
        network.office("H58.12.01").send(document, to=["H58.12"])
        network.run_until_quiet()
        with network.office("H58.12").store.read() as transaction:
            lines = "\n".join(transaction.journal_lines())
    assert "number-noted" in lines
    assert "same-number" not in lines


def test_a_wrong_step_of_the_clerk_is_said_in_words_of_both_languages(tmp_path):
    with Network.four_levels(tmp_path) as network:
        document = network.sample()
        network.office("H58.12.01").send(document, to=["H58.12"])
        network.run_until_quiet()
        (incoming,) = network.office("H58.12").inbox()
        incoming.reject(by="van-thu", reason="Không thuộc thẩm quyền.")
        with pytest.raises(StateError) as refused:
            incoming.accept(by="van-thu")
    assert "đã từ chối" in refused.value.text.vi
    assert "rejected" not in refused.value.text.vi


def test_a_draft_whose_pdf_is_missing_is_refused_with_the_path(tmp_path):
    with Network.four_levels(tmp_path) as network:
        commune = network.office(scene.COMMUNE)
        path, layout = scene.write_letter(tmp_path)
        path.unlink()
        with pytest.raises(EdocxError) as refused:
            commune.approve(scene.draft(path, layout), by="director")
    assert str(path) in str(refused.value)
