"""What an office claims to open is nobody's for longer than it works: it dies or fails, and the next one sees it."""

from __future__ import annotations

import pytest

from edocx.errors import StoreUnavailable, Text
from edocx.office import Office
from edocx.testing import scene
from edocx.testing.faults import Crash, Faults
from edocx.testing.network import Network

FULL = StoreUnavailable(Text("Đầy.", "Full."), hint=Text("Dọn.", "Free."), code="EDX-STORE-FULL", retryable=True)


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        made.office(scene.COMMUNE).send(made.sample(), to=["G22"])
        made.office(scene.COMMUNE).work()
        yield made


def ministry(net, faults=None):
    options = {} if faults is None else {"faults": faults}
    return Office.open(net.folder / "offices" / "G22" / "office.toml", clock=net.clock, **options)


def test_what_a_process_that_died_had_claimed_is_opened_by_the_next_at_once(net):
    faults = Faults()
    dying = ministry(net, faults)

    def die():
        raise Crash

    faults.call("store.commit.after:open", die)
    with pytest.raises(Crash):
        dying.work()
    dying.close()  # as the system does with a dead process's files
    with ministry(net) as office:
        assert len(list(office.inbox())) == 1


@pytest.mark.parametrize("more", ["nothing", "store.commit.before:release"])
def test_what_could_not_be_opened_is_tried_again_at_the_next_round(net, more):
    """At the second the disk is too full even to give it back."""
    faults = Faults()
    with ministry(net, faults) as office:
        office.work()
        faults.fail("store.commit.before:answer-*", FULL)
        faults.fail(more, FULL)
        net.office(scene.COMMUNE).send(net.sample("another"), to=["G22"])
        net.office(scene.COMMUNE).work()
        before = office.inbox_count()
        with pytest.raises(StoreUnavailable, match="EDX-STORE-FULL"):
            office.work()
        faults.disarm()
        office.work()
        assert office.inbox_count() == before + 1


def test_another_process_sees_at_once_what_the_first_could_not_open(net):
    faults = Faults()
    with ministry(net, faults) as first, ministry(net) as second:
        faults.fail("store.commit.before:answer-*", FULL)
        with pytest.raises(StoreUnavailable, match="EDX-STORE-FULL"):
            first.work()
        assert len(list(second.inbox())) == 1
