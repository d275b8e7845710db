"""Real processes, really killed: nothing is lost and nothing is there twice."""

from __future__ import annotations

import os
import shutil
import signal
from random import Random

import pytest
import routing_scenario as scenario

from edocx.testing.faults import Crash, Faults

COUNT = 2


@pytest.fixture(scope="module")
def nursery():
    made = scenario.Nursery()
    yield made
    made.close()


def test_the_scenario_itself_is_whole(tmp_path):
    scenario.run(tmp_path, COUNT)
    scenario.assert_whole(tmp_path, COUNT)
    scenario.run(tmp_path, COUNT, minutes=10)
    scenario.assert_whole(tmp_path, COUNT)


def test_every_kind_of_durable_step_is_among_the_points(tmp_path):
    points = {point.split(":")[0] for point in scenario.run(tmp_path, COUNT).points}
    assert points == {
        f"{step}.{side}"
        for step in (
            "store.payload",
            "store.commit",
            "axis.commit",
            "transport.submit",
            "transport.fetch",
            "transport.acknowledge",
        )
        for side in ("before", "after")
    }


def test_acknowledge_never_precedes_commit(tmp_path):
    committed = False
    for point in scenario.run(tmp_path, COUNT).points:
        if point == "transport.fetch.before":
            committed = False
        elif point == "store.commit.after:receive":
            committed = True
        elif point == "transport.acknowledge.before":
            assert committed


def test_a_parcel_is_durable_before_it_is_submitted(tmp_path):
    points = scenario.run(tmp_path, COUNT).points
    assert points.index("store.commit.after:send") < points.index("transport.submit.before")


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
@pytest.mark.timeout(600)  # a hundred processes, each with its own fsyncs: slow on a busy disk
def test_killed_at_every_point_nothing_is_lost_and_nothing_twice(tmp_path, nursery):
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    scenario.run(fresh, 0)
    shutil.copytree(fresh, tmp_path / "dry")
    total = len(scenario.run(tmp_path / "dry", COUNT).points)
    assert total > 60
    for number in range(1, total + 1):
        folder = tmp_path / str(number)
        shutil.copytree(fresh, folder)
        assert nursery.killed_at(folder, COUNT, number) == -signal.SIGKILL, number
        scenario.run(folder, COUNT, minutes=10)
        scenario.assert_whole(folder, COUNT)


@pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here")
def test_what_a_killed_process_had_claimed_is_free_at_once(tmp_path, nursery):
    """Without waiting for the lease to end: the clock of the second run says the same as that of the first."""
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    scenario.run(fresh, 0)
    shutil.copytree(fresh, tmp_path / "dry")
    points = scenario.run(tmp_path / "dry", COUNT).points
    for step in ("store.commit.after:claim", "store.commit.after:open.claim", "store.commit.after:status.claim"):
        folder = tmp_path / step.replace(":", "-")
        shutil.copytree(fresh, folder)
        assert nursery.killed_at(folder, COUNT, points.index(step) + 1) == -signal.SIGKILL
        scenario.run(folder, COUNT)
        scenario.assert_whole(folder, COUNT)


def test_crashing_again_and_again_still_comes_to_the_same_end(tmp_path):
    random = Random(20230615)
    minutes = 0
    for _ in range(60):
        try:
            scenario.run(tmp_path, COUNT, minutes=minutes, faults=Faults.crash_at(random.randint(1, 40)))
        except Crash:
            minutes += 10
    scenario.run(tmp_path, COUNT, minutes=minutes + 10)
    scenario.assert_whole(tmp_path, COUNT)


@pytest.mark.parametrize(
    "count, kills",
    [(100, 20), pytest.param(1000, 200, marks=pytest.mark.slow)],
)
@pytest.mark.timeout(1200)
def test_workers_that_die_at_random_lose_nothing(tmp_path, nursery, count, kills):
    assert scenario.killed_at_random(tmp_path, nursery, count, kills) == kills + 3
    scenario.run(tmp_path, count, minutes=10**6)
    scenario.assert_whole(tmp_path, count)
