"""The agreement table is true of a part of the files, and every disagreement in it has its argument."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from edocx.testing import attacks
from edocx.testing.attacks.pdf_prepared import Shadow

TOOLS = Path(__file__).parents[2] / "tools"

NO_ATTACKS = {
    "mutation.mutations": "random: no two runs make the same files; test_signing_attacks judges them",
    "seal.forge": "changes one element; the wrappings use it",
    "pdf_objects.dictionary": "a PDF object",
    "pdf_objects.numbers": "a PDF object",
    "pdf_objects.first_page": "looks up a PDF object",
    "pdf_objects.form_of": "a PDF object",
    "pdf_objects.shadow_field": "looks up a PDF object",
}
"""What of edocx.testing.attacks the table need not have, and why."""


@pytest.fixture(scope="module")
def agreement():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        yield importlib.import_module("make_agreement")


@pytest.fixture(scope="module")
def table(agreement):
    """Family to number, harmless ones, and accepted by each judge."""
    rows = {}
    for line in agreement.PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) in {5, 6} and cells[1].isdigit():
            rows[cells[0]] = [int(cell) for cell in cells[1:]]
    return rows


@pytest.fixture(scope="module")
def rows(agreement, tmp_path_factory, tool):
    for name in ("pdfsig", "xmlsec1", "openssl"):
        tool(name)
    whole = agreement.judge(tmp_path_factory.mktemp("whole"), {"xml", "cms", "container", "joined", "evidence"})
    part = agreement.judge(tmp_path_factory.mktemp("pdf"), {"pdf"}, every=6)
    return whole | part


def test_the_page_has_no_forgery_accepted_and_nothing_unexplained(agreement, table):
    text = agreement.PAGE.read_text("utf-8")
    assert "NOT EXPLAINED" not in text
    assert len(table) >= 50
    for family, (number, harmless, ours, *_) in table.items():
        genuine = "forged" not in family and not family.startswith("envelope, ")
        assert ours == number if genuine or "sealed by" in family else ours <= harmless, family


def test_a_part_judged_again_stands_as_the_page_has_it(rows, table):
    for family, row in rows.items():
        number, _, *accepted = table[family]
        counts = [len(names) for names in row.accepted.values()]
        if len(row.names) == number:
            assert counts == accepted, family
        else:
            assert all(few <= many for few, many in zip(counts, accepted, strict=True)), family


def test_every_maker_of_attacks_is_asked_about(agreement):
    """A generator that nobody put into the tool would be missing from the table in silence."""
    made = {
        f"{module.name}.{name}"
        for module in pkgutil.iter_modules(attacks.__path__)
        for name, value in vars(importlib.import_module(f"{attacks.__name__}.{module.name}")).items()
        if not name.startswith("_") and is_maker(value, f"{attacks.__name__}.{module.name}", name)
    }
    used = {name for file in (TOOLS / "agreement").glob("*_files.py") for name in taken(file)}
    assert len(made) > 35
    assert made - used == NO_ATTACKS.keys()


def is_maker(value, module, name):
    if inspect.isfunction(value):
        return value.__module__ == module
    return isinstance(value, tuple) and isinstance(value[0], Shadow) and name.isupper()


def taken(file):
    """Yield ``module.name`` for each name of edocx.testing.attacks that a module of the tool uses."""
    tree = ast.parse(file.read_text("utf-8"))
    modules = {}
    for node in (one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)):
        if node.module == attacks.__name__:
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif (node.module or "").startswith(f"{attacks.__name__}."):
            yield from (f"{node.module.rpartition('.')[2]}.{alias.name}" for alias in node.names)
    for node in (one for one in ast.walk(tree) if isinstance(one, ast.Attribute)):
        if isinstance(node.value, ast.Name) and node.value.id in modules:
            yield f"{modules[node.value.id]}.{node.attr}"


def test_every_disagreement_of_the_part_is_argued_and_on_the_page(agreement, rows):
    text = agreement.PAGE.read_text("utf-8")
    for (peer, family, direction), names in agreement.disagreements(rows).items():
        said = agreement.argument(peer, family, direction)
        assert said is not None, (peer, family, direction, names)
        assert said in text
        assert re.search(re.escape(f"**{peer} {direction}: {family}**"), text)


def test_edocx_accepts_no_forgery_of_the_part(agreement, rows):
    assert agreement.accepted_forgeries(rows) == {}
