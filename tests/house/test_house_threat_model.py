"""The threat model names tests; each of them must exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "docs/explanation/threat-model.md"
NAMED = re.findall(r"(tests/[\w/]+\.py)::(\w+)", MODEL.read_text("utf-8"))


def test_every_row_names_a_test():
    rows = [line for line in MODEL.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert rows
    assert all(re.search(r"tests/[\w/]+\.py::\w+", row) for row in rows)


@pytest.mark.parametrize("file,name", NAMED, ids=[name for _, name in NAMED])
def test_a_listed_test_exists(file, name):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in functions
