"""A verdict that was found is not found again: for the same bytes, under the same criteria, and for nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edocx.office import judged as room
from edocx.office import verdict
from edocx.office.desk import FRESH
from edocx.office.judged import Judged
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore
from edocx.testing import scene
from edocx.testing.clock import FixedClock
from edocx.testing.network import Network

NOW = FixedClock(scene.MORNING).now()


def criteria():
    return Criteria(TrustStore(), NOW, None)


def test_only_the_same_bytes_under_the_very_same_criteria_are_not_judged_again():
    asked, known, first = [], Judged(), criteria()

    def judge():
        asked.append(1)
        return object()

    report = known.once("m", "a", first, judge)
    assert known.once("m", "a", first, judge) is report
    for told in (("m", "b", first), ("n", "a", first), ("m", "a", criteria())):
        known.once(*told, judge)
    assert len(asked) == 4


def test_a_judgement_that_failed_is_not_remembered():
    known, one = Judged(), criteria()

    def fail():
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        known.once("m", "a", one, fail)
    assert known.once("m", "a", one, lambda: "verdict") == "verdict"


def test_few_are_remembered(monkeypatch):
    monkeypatch.setattr(room, "REMEMBERED", 2)
    known, one = Judged(), criteria()
    for number in range(5):
        known.once("m", str(number), one, object)
    assert len(known._known) == 2


def test_what_the_clerk_sees_is_judged_anew_after_a_while_and_after_a_change(tmp_path, monkeypatch):
    seen, judge = [], verdict.verify_reading

    def counted(*arguments, **more):
        seen.append(1)
        return judge(*arguments, **more)

    monkeypatch.setattr(verdict, "verify_reading", counted)
    with Network.four_levels(tmp_path / "net") as net:
        net.office(scene.COMMUNE).send(net.sample(), to=[scene.GOVERNMENT])
        net.run_until_quiet()
        centre = net.office(scene.GOVERNMENT)
        seen.clear()
        (first,) = centre.inbox()
        assert seen in ([], [1])
        seen.clear()
        (again,) = centre.inbox()
        assert seen == []
        assert again.report == first.report
        assert again.report.indication is Indication.TOTAL_PASSED
        net.clock.advance(seconds=FRESH / timedelta(seconds=1) + 1)
        list(centre.inbox())
        assert seen == [1]
