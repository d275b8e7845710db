"""The pages about disagreements list every one that the tests allow, and the how-to's policy can be loaded."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from edocx.signing.policy import load_policy

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "disagreements.md"


def load(path):
    spec = importlib.util.spec_from_file_location(f"read_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", ["tools/judge_samples.py", "tests/signing/test_signing_pkits.py"])
def test_every_disagreement_allowed_is_argued_on_the_page_and_no_other(path):
    allowed = set(load(ROOT / path).ARGUED)
    named = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert allowed <= named
    ours = {name for name in named if ("/" in name) == ("judge_samples" in path)}
    assert ours == allowed


def test_the_policies_of_the_how_to_are_policies(tmp_path):
    text = (ROOT / "docs" / "how-to" / "verify-a-file.md").read_text("utf-8")
    found = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(found) >= 2
    for number, one in enumerate(found):
        place = tmp_path / f"{number}.json"
        place.write_text(one, "utf-8")
        assert load_policy(str(place)).name == json.loads(one)["name"]
