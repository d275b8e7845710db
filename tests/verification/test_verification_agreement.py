"""The agreement table is true of a part of the files, and every disagreement in it has its argument."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "make_agreement.py"


@pytest.fixture(scope="module")
def agreement():
    spec = importlib.util.spec_from_file_location("make_agreement", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_agreement"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table(agreement):
    """Family to number, harmless ones, and accepted by each judge."""
    rows = {}
    for line in agreement.PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 6 and cells[1].isdigit():
            rows[cells[0]] = [int(cell) for cell in cells[1:]]
    return rows


@pytest.fixture(scope="module")
def rows(agreement, tmp_path_factory, tool):
    for name in ("pdfsig", "xmlsec1"):
        tool(name)
    whole = agreement.judge(tmp_path_factory.mktemp("xml"), {"xml"})
    part = agreement.judge(tmp_path_factory.mktemp("pdf"), {"pdf"}, every=6)
    return whole | part


def test_the_page_has_no_forgery_accepted_and_nothing_unexplained(agreement, table):
    text = agreement.PAGE.read_text("utf-8")
    assert "NOT EXPLAINED" not in text
    assert len(table) >= 10
    for family, (number, harmless, ours, *_) in table.items():
        assert (ours == number) if "forged" not in family and "signed by" in family else ours <= harmless, family


def test_a_part_judged_again_stands_as_the_page_has_it(agreement, rows, table):
    for family, row in rows.items():
        number, _, *accepted = table[family]
        judges = agreement.PDF if family.startswith("PDF") else agreement.XML
        counts = [len(row.accepted[name]) for name in judges]
        if len(row.names) == number:
            assert counts == accepted, family
        else:
            assert all(few <= many for few, many in zip(counts, accepted, strict=True)), family


def test_every_disagreement_of_the_part_is_argued_and_on_the_page(agreement, rows):
    text = agreement.PAGE.read_text("utf-8")
    for (peer, family, direction), names in agreement.disagreements(rows).items():
        said = agreement.argument(peer, family, direction)
        assert said is not None, (peer, family, direction, names)
        assert said in text
        assert re.search(re.escape(f"**{peer} {direction}: {family}**"), text)


def test_edocx_accepts_no_forgery_of_the_part(agreement, rows):
    assert agreement.accepted_forgeries(rows) == {}
