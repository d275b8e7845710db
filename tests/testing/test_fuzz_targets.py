"""What `make fuzz` runs holds for its own seeds and for a few blind changes to them; nothing here needs the fuzzer."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module")
def targets():
    spec = importlib.util.spec_from_file_location("fuzz_targets", TOOLS / "fuzz_targets.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_targets"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fuzz_targets"]


@pytest.mark.parametrize("name", ["envelope", "unit", "seal", "pdf", "asice"])
def test_a_target_takes_its_seeds_and_blind_changes_to_them(targets, name):
    act, seeds = targets.TARGETS[name]
    chance = random.Random(name)
    for seed in seeds():
        act(seed)
        if len(seed) == 1:
            for _ in range(10):
                act(seed + bytes(chance.randrange(256) for _ in range(chance.randrange(5, 40))))


def test_a_seal_over_something_else_would_be_found(targets, monkeypatch):
    act, _ = targets.TARGETS["seal"]
    counted = iter(range(99))
    monkeypatch.setattr(targets, "_said", lambda _text: next(counted))
    with pytest.raises(targets.Broken):
        act(b"\x01")


def test_edits_are_made_where_and_as_the_bytes_say(targets):
    assert targets.edited([b"abcdef"], b"\x01" + bytes((0, 0, 2, 3, 1)) + b"X") == b"abXf"
    assert targets.edited([b"abcdef"], b"\x00xyz") == b"xyz"
