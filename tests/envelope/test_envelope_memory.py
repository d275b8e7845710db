from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from edocx.cli.bench_envelope import _memory, run


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
def test_memory_is_flat_in_the_size_of_attachments() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for figure in _memory(Path(folder), (1, 60)):
            assert figure["value"] <= 64, figure
            assert figure["peers"]["growth"] <= 8, figure


@pytest.mark.slow
def test_the_bench_gives_a_figure_for_every_goal() -> None:
    figures = run(quick=True)
    assert len(figures) >= 8
    assert all(figure["value"] > 0 and set(figure) == {"name", "value", "unit", "goal", "peers"} for figure in figures)
