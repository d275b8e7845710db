"""Blobs and durable files."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.content import Blob, durable_file
from edocx.errors import InputError, LimitExceeded, UsageError


@given(st.binary(max_size=4096), st.integers(1, 700))
def test_a_blob_gives_back_its_bytes_in_any_pieces(data, size):
    blob = Blob.from_bytes(data)
    assert b"".join(blob.pieces(size)) == data
    assert (blob.sha256, blob.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_blobs_are_equal_by_content_wherever_it_lies(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert Blob.from_path(tmp_path / "a") == Blob.from_bytes(b"content")
    assert hash(Blob.from_path(tmp_path / "a")) == hash(Blob.from_bytes(b"content"))


def test_reading_more_than_the_limit_is_refused():
    with pytest.raises(LimitExceeded):
        Blob.from_bytes(b"x" * 11).read(limit=10)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    with pytest.raises(InputError) as caught:
        Blob.from_path(tmp_path / "missing")
    assert caught.value.code == "EDX-FILE-UNREADABLE"


def test_saving_writes_the_whole_file_or_leaves_the_old_one(tmp_path):
    target = tmp_path / "f"
    Blob.from_bytes(b"old").save(target)

    def half():
        yield b"new"
        raise RuntimeError("power cut")

    from edocx.content import write_durably

    with pytest.raises(RuntimeError):
        write_durably(target, half())
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_durable_file_is_visible_only_when_whole(tmp_path):
    target = tmp_path / "f"
    with durable_file(target) as stream:
        stream.write(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"


def test_no_device_or_pipe_is_replaced_by_a_file(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for place in (pipe, link):
        with pytest.raises(UsageError) as refused, durable_file(place):
            pass
        assert refused.value.code == "EDX-FILE-DEVICE"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
