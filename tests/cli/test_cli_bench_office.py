"""``edocx bench office``: every figure of the issue is measured, as a ratio against the commit of the same run."""

from __future__ import annotations

from edocx.cli import bench_office


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
