"""What is no ordinary file ends in a sentence, and never in a wait."""

from __future__ import annotations

import os

import pytest

from edocx.errors import InputError
from edocx.verification import verify


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name on this system")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError) as caught:
        verify(tmp_path / "pipe")
    assert caught.value.code == "EDX-FILE-ORDINARY"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError):
        verify(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\0" * 5000, b"<", b"PK\x03\x04", b"%PDF-", b"MIIB", b"\x30\x80"])
def test_crumbs_end_in_a_sentence(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError):
        verify(tmp_path / "a")
