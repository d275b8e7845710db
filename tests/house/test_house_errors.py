"""Errors: one tree, both languages, a remedy, no secrets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edocx import errors
from edocx.errors import EdocxError, Text

SOURCE = Path(errors.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))


def test_every_error_descends_from_one_root_and_has_an_exit_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, EdocxError) for kind in kinds)
    assert {kind.exit_code for kind in kinds} <= {1, 2, 4}
    assert all(kind.default_code.startswith("EDX-") for kind in kinds)


def test_the_tree_drawn_in_the_module_names_every_kind():
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert kind.__name__ in (errors.__doc__ or "")


def test_an_error_reads_as_code_sentence_place_and_remedy():
    error = EdocxError(Text("Sai.", "Wrong."), hint=Text("Sửa.", "Mend it."), code="EDX-X", where="a.pdf")
    assert str(error) == "EDX-X: Wrong. (a.pdf) Mend it."


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_codes_are_spelt_alike_everywhere(path):
    for code in re.findall(r'"(EDX[-_A-Za-z0-9]*)"', path.read_text("utf-8")):
        assert re.fullmatch(r"EDX(-[A-Z0-9]+)+-?", code), code


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_every_pair_of_sentences_has_two(path):
    """A Text with literal parts: Vietnamese first, English second, neither empty nor the same by oversight."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Text" and len(node.args) == 2:
            parts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            assert all(isinstance(part, str) for part in parts)
            assert len(parts) < 2 or bool(parts[0]) == bool(parts[1]), parts


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_the_clock_reads_the_wall_clock(path):
    if path.name == "clock.py" and path.parent == SOURCE:
        return
    tree = ast.parse(path.read_text("utf-8"))
    reads = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.search(r"\b(datetime\.now|date\.today|time\.time|utcnow)$", ast.unparse(node.func))
    ]
    assert not reads
