"""The whole way of a document, killed at every commit: nothing lost, nothing twice."""

from __future__ import annotations

import os
import shutil
import signal

import office_scenario as scenario
import pytest

PORTIONS = 6
"""The kill points are dealt out over this many tests, which run beside each other."""


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Offices with keys, and the numbers of the points that follow a commit."""
    folder = tmp_path_factory.mktemp("ready") / "net"
    scenario.set_up(folder)
    dry = folder.with_name("dry")
    shutil.copytree(folder, dry)
    points = scenario.play(dry).points
    commits = [n for n, point in enumerate(points, 1) if ".commit.after" in point]
    return folder, commits


@pytest.fixture(scope="module")
def nursery():
    made = scenario.Nursery()
    yield made
    made.close()


def test_the_story_told_twice_is_the_story_told_once(tmp_path):
    folder = tmp_path / "net"
    scenario.play(folder)
    scenario.assert_whole(folder)


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_killed_after_every_commit_no_document_is_lost_and_none_delivered_twice(ready, nursery, tmp_path, portion):
    folder, commits = ready
    assert len(commits) > 60
    for number in commits[portion::PORTIONS]:
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        assert nursery.killed_at(copy, number) == -signal.SIGKILL, number
        scenario.assert_whole(copy)
        shutil.rmtree(copy)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
@pytest.mark.timeout(3600)
def test_killed_at_every_numbered_point_no_document_is_lost_and_none_delivered_twice(ready, nursery, tmp_path):
    folder, commits = ready
    for number in range(1, commits[-1] + 1):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        assert nursery.killed_at(copy, number) == -signal.SIGKILL, number
        scenario.assert_whole(copy)
        shutil.rmtree(copy)
