"""The province that `edocx bench province` plays: its day has the shape asked for, and its count can find faults."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from functools import cached_property

import pytest

from edocx.cli import bench_province
from edocx.testing.clock import RunningClock
from edocx.testing.province import Plan, Tally, populate
from edocx.testing.province.crew import Crew
from edocx.testing.province.plan import OUTSIDE
from edocx.testing.scene import MORNING


class SmallPlan(Plan):
    """Seven documents: one recalled, one replaced, one refused, one unsigned."""

    @cached_property
    def letters(self):
        first, second, third, *rest = Plan.letters.func(self)
        changed = [
            first._replace(turn="recall", recipients=first.recipients[:2]),
            second._replace(turn="replace", recipients=second.recipients[:2]),
            third._replace(refused_by=frozenset(third.recipients[:1]), recipients=third.recipients[:2]),
            *(letter._replace(recipients=letter.recipients[:2]) for letter in rest),
        ]
        changed[-1] = changed[-1]._replace(signed=False, sender=self.unsealed[0])
        return tuple(changed)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A small province after its day, played by one crew in this process."""
    folder, plan = tmp_path_factory.mktemp("province") / "p", SmallPlan(documents=7, organisations=6, persons=9)
    clock = RunningClock(MORNING)
    issued = populate(folder, plan, clock=clock)
    assert issued == 6 + 9 + len(OUTSIDE)
    with Crew(folder, plan, frozenset((*plan.sealed, *plan.unsealed, *OUTSIDE)), clock=clock) as crew:
        crew.play(lambda _: None)
        while crew.serve(lambda _: None):
            pass
        seen = crew.seen
    return folder, plan, seen


def test_the_day_has_the_shape_of_2023():
    plan = Plan()
    assert len(plan.above) - len(OUTSIDE) == 1174
    assert len(plan.sealed) == len(set(plan.sealed)) == 327
    assert sum(plan.signers(code) for code in plan.sealed) == 2238
    assert sum(len(letter.recipients) for letter in plan.letters) == 7200  # a fan-out of 3.6
    assert Counter(letter.signed for letter in plan.letters) == {True: 1900, False: 100}
    assert Counter(letter.turn for letter in plan.letters) == {"": 1980, "recall": 10, "replace": 10}
    assert 0.017 < sum(len(letter.refused_by) for letter in plan.letters) / 7200 < 0.021
    assert {letter.urgency for letter in plan.letters} == {0, 1, 2, 3, 4}
    assert Plan().letters == plan.letters


def test_nobody_writes_to_itself_or_twice_to_one():
    for letter in Plan(documents=500).letters:
        assert letter.sender not in letter.recipients
        assert len(set(letter.recipients)) == len(letter.recipients)


def test_nothing_is_lost_and_every_sender_hears_what_became_of_its_documents(played):
    folder, plan, seen = played
    tally = Tally.of(folder, plan)
    assert tally.faults == 0
    assert tally.copies == plan.copies
    assert (tally.refused, tally.taken_back) == (1, 4)
    assert (len(seen.signed), len(seen.unsigned)) == (7, 1)
    assert sum(len(found) for found in tally.waits.values()) == tally.copies


@pytest.mark.parametrize(
    "change, fault",
    [
        ("DELETE FROM inbox WHERE id = (SELECT min(id) FROM inbox WHERE kind = 'document')", "lost"),
        ("UPDATE parcels SET state = 'queued' WHERE id = (SELECT min(id) FROM parcels)", "lost"),
        ("UPDATE inbox SET sha256 = (SELECT max(sha256) FROM payloads WHERE sha256 <> inbox.sha256)", "altered"),
        ("UPDATE deliveries SET handling = 'arrived', change = 'none' WHERE direction = 'out'", "unanswered"),
        ("UPDATE register SET document = (SELECT max(document) FROM register) WHERE series = 'den'", "twice"),
    ],
)
def test_the_count_finds_what_is_wrong_in_a_store(played, tmp_path, change, fault):
    folder, plan, _ = played
    shutil.copytree(folder, tmp_path / "p")
    changed = 0
    for place in sorted((tmp_path / "p" / "offices").glob("*/office.db")):
        with sqlite3.connect(place) as office:
            office.execute("DROP INDEX IF EXISTS uq_register_document")
            changed += office.execute(change).rowcount
        office.close()
    assert changed
    assert getattr(Tally.of(tmp_path / "p", plan), fault) > 0


@pytest.mark.slow
def test_two_scales_are_compared_and_every_zero_is_printed(capsys):
    plan = Plan(documents=20, organisations=8, persons=16)
    figures = bench_province.run(scales=(1, 2), processes=2, plan=plan)
    zeroes = [one for one in figures if one["goal"] == "0"]
    assert len(zeroes) == 12
    assert all(one["value"] == 0 for one in zeroes)
    assert figures[-1]["goal"] == "<= 1.25"
    bench_province.show(figures)
    assert "P-256" in capsys.readouterr().out
