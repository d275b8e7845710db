"""What the README shows is what happens."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edocx.testing.network import Network

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    command = [sys.executable, "-m", "edocx", "demo", "--keep", "out", "--lang", "en"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return folder, done.stdout


def test_the_demo_prints_what_the_readme_shows(demo):
    _, printed = demo
    shown = next(block for block in re.findall("```\n(.*?)```", README, re.DOTALL) if "Bình Đức commune" in block)
    for line in shown.splitlines():
        if line.strip() not in {"", "…"}:
            assert line in printed


def test_the_ten_lines_run(demo, monkeypatch):
    folder, _ = demo
    program = re.search("```python\n(.*?)```", README, re.DOTALL)
    assert program
    commune = folder / "out/offices/H58.12.01"
    with Network.four_levels(folder / "out"):
        pass
    work = folder / "work"
    shutil.copytree(commune.parent, work / "offices")
    shutil.copytree(folder / "out/trust", work / "trust")
    monkeypatch.chdir(work / "offices/H58.12.01")
    names: dict[str, object] = {}
    exec(compile(program[1], "README.md", "exec"), names)
    assert str(names["document"].number).endswith("/UBND-VP")
    assert str(names["document"].id).startswith("H58.12.01,")


def test_the_verify_commands_pass(demo):
    folder, _ = demo
    commands = [line for line in README.splitlines() if line.startswith("edocx verify ")]
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *command.split()], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
