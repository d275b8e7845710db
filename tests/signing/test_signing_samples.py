"""Signatures that others made, judged against their labels; each disagreement is argued in tools/judge_samples.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "judge_samples.py"


@pytest.fixture(scope="module")
def judge():
    spec = importlib.util.spec_from_file_location("judge_samples", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["judge_samples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", ["pdf-misc", "xml-iaik", "xml-signxml"])
def test_samples_are_judged_as_labelled_or_argued(judge, samples, folder):
    outcomes = list(judge.judge_folder(samples / "signatures" / folder))
    assert outcomes
    wrong = [(o.id, o.case["expect"], o.found, o.codes) for o in outcomes if not o.agrees and o.id not in judge.ARGUED]
    assert wrong == []


def test_no_argument_is_kept_for_what_agrees(judge, samples):
    everything = {
        o.id: o
        for folder in ("pdf-misc", "xml-iaik", "xml-signxml")
        for o in judge.judge_folder(samples / "signatures" / folder)
    }
    assert [name for name in judge.ARGUED if everything[name].agrees] == []


@pytest.mark.parametrize("folder", ["pdf-misc", "xml-iaik", "xml-signxml"])
def test_no_sample_takes_long(judge, samples, folder):
    slow = [(o.id, o.seconds) for o in judge.judge_folder(samples / "signatures" / folder) if o.seconds > judge.SLOW]
    assert slow == []
