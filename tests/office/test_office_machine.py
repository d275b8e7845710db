"""Offices that crash, take back and set their clocks, over a line that loses, repeats, delays and mixes messages.

What must hold all the same: an accepted document is never lost; each is presented as new once; when everything heals
both sides agree; no status is shown that its speaker did not state; what was acknowledged was on disk; a receipt exists
only for what the axis took; every journal verifies.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from edocx.errors import StateError
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.state import Statement, counts
from edocx.testing import scene
from edocx.testing.clock import FixedClock
from edocx.testing.faults import Crash, Faults
from edocx.testing.network import Network
from edocx.testing.unruly import Trouble, UnrulyLine

RECEIVERS = ("G22", "H58.05")
DRAFTS = ("mot", "hai")
PARTIES = (scene.COMMUNE, *RECEIVERS)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machine") / "net"
    with Network.four_levels(folder) as network:
        for draft in DRAFTS:
            network.sample(draft)
    return folder


_GIVEN_BACK = {IncomingState.REJECTED, IncomingState.RECALLED}


class Offices(RuleBasedStateMachine):
    ready: Path

    def __init__(self):
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.folder = Path(self._place.name) / "net"
        shutil.copytree(self.ready, self.folder)
        self.clock = FixedClock(scene.MORNING + timedelta(hours=1))
        self.faults = Faults()
        self.line: UnrulyLine
        self.sent: set[tuple[str, str]] = set()
        self.attempts: dict[str, int] = {}
        self.taken_back: set[str] = set()
        self.ahead = timedelta()
        self.net = self._open()
        self.ids = {draft: str(self.net.office(scene.COMMUNE).document(draft).id) for draft in DRAFTS}

    def _open(self):
        return Network.four_levels(self.folder, clock=self.clock, faults=self.faults, line=self._unruly)

    def _unruly(self, axis):
        self.line = UnrulyLine(axis)
        return self.line

    def _do(self, act):
        """Do something that people or machines may do at this moment, or may not, or die doing."""
        self.clock.advance(minutes=1)
        try:
            act()
        except StateError:
            pass  # refused: nothing may have changed, which the end shows
        except Crash:
            self.faults.disarm()
            self.net.close()
            self.net = self._open()

    @initialize(arrived=st.booleans())
    def begin(self, arrived):
        self.send(DRAFTS[0], set(RECEIVERS))
        for code in PARTIES if arrived else ():
            self.work(code)

    @rule(draft=st.sampled_from(DRAFTS), to=st.sets(st.sampled_from(RECEIVERS), min_size=1))
    def send(self, draft, to):
        office = self.net.office(scene.COMMUNE)

        def act():
            office.send(office.document(draft), to=sorted(to))
            self.sent.update((draft, unit) for unit in to)

        self._do(act)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data):
        """Send a document anew that nobody refuses or takes back: which attempt a refusal means no message tells."""
        held = sorted(one for one in self.sent if one[0] not in self.taken_back)
        if not held:
            return
        draft, unit = data.draw(st.sampled_from(held))
        self.attempts[draft] = self.attempts.get(draft, 1) + 1
        office = self.net.office(scene.COMMUNE)
        self._do(lambda: office.send(office.document(draft), to=[unit], attempt=self.attempts[draft]))

    @rule(code=st.sampled_from(PARTIES))
    def work(self, code):
        self._do(self.net.office(code).work)

    @precondition(lambda self: self.sent)
    @rule(code=st.sampled_from(RECEIVERS), draft=st.sampled_from(DRAFTS), refuse=st.booleans())
    def decide(self, code, draft, refuse):
        def act():
            incoming = self.net.office(code).incoming(self.ids[draft])
            incoming.reject("Gửi nhầm", by="van-thu") if refuse else incoming.accept(by="van-thu")

        refuse = refuse and draft not in self.attempts
        self.taken_back |= {draft} if refuse else set()
        self._do(act)

    @precondition(lambda self: self.sent)
    @rule(draft=st.sampled_from(DRAFTS), as_document=st.booleans())
    def recall(self, draft, as_document):
        if draft in self.attempts:
            return
        self.taken_back.add(draft)
        act = self.net.office(scene.COMMUNE).recall
        self._do(lambda: act(draft, "Nhầm phụ lục", by="van-thu-xa", as_document=as_document))

    @precondition(lambda self: self.sent)
    @rule(code=st.sampled_from(RECEIVERS), refuse=st.booleans())
    def answer(self, code, refuse):
        def act():
            for request in self.net.office(code).requests():
                request.refuse("Đã xử lý", by="van-thu") if refuse else request.agree(by="van-thu")

        self._do(act)

    @rule(trouble=st.sampled_from(Trouble), times=st.integers(1, 3))
    def give_trouble(self, trouble, times):
        self.line.expect(trouble, times=times)

    @rule(steps=st.integers(1, 25))
    def crash_soon(self, steps):
        self.faults.disarm()
        self.faults.crash_after(steps)

    @rule(seconds=st.sampled_from([-90, -30, 5, 10_800]))
    def set_the_clock(self, seconds):
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))

    @rule(weeks=st.integers(1, 4))
    def let_the_clock_jump_ahead_or_put_it_right(self, weeks):
        """First ahead, and the next time back by as much: what was done in between bears times of the future."""
        step = -self.ahead if self.ahead else timedelta(weeks=weeks)
        self.ahead += step
        self.clock.set(self.clock.now() + step)

    def teardown(self):
        try:
            self.faults.disarm()
            self._heal()
            self._assert_acknowledged_after_commit()
            self._assert_receipts()
            for office in self.net.offices:
                with office.store.read() as transaction:
                    assert transaction.verify_journal().fault is None
            for draft, unit in sorted(self.sent):
                self._assert_delivered(self.ids[draft], unit)
        finally:
            self.net.close()
            self._place.cleanup()

    def _heal(self):
        self.net.close()
        self.net = self._open()
        if self.ahead:
            self.let_the_clock_jump_ahead_or_put_it_right(0)
        for office in self.net.offices:  # what was not taken for weeks was given up; somebody sends it anew
            with office.store.begin() as transaction:
                for letter in transaction.outbox.dead():
                    transaction.outbox.redrive(letter.message_id)
        for _ in range(6):  # past every lease and put-off attempt
            self.clock.advance(hours=1)
            self.net.run_until_quiet()

    def _assert_acknowledged_after_commit(self):
        safe = True
        for point in self.faults.points:
            if point == "transport.fetch.before":
                safe = False
            elif point == "store.commit.after:receive":
                safe = True
            elif point == "transport.acknowledge.before":
                assert safe, "acknowledged what was not on disk"

    def _assert_receipts(self):
        for code in PARTIES:
            with self.net.office(code).store.read() as transaction:
                lines = [json.loads(line.partition(" ")[2]) for line in transaction.journal_lines()]
                settled = {line["ids"]["message_id"] for line in lines if line["event"] == "parcel.sent"}
                queued = {line["ids"]["message_id"] for line in lines if line["event"] == "parcel.queued"}
                assert transaction.outbox.dead() == ()
            assert settled == queued, "something never left"
            for message_id in settled:
                assert self.net.axis.trace(code, message_id), "a receipt for what the axis never took"

    def _assert_delivered(self, document_id, unit):
        with self.net.office(unit).store.read() as transaction:
            messages = [m for m in transaction.inbox.of_document(document_id) if m.kind is ParcelKind.DOCUMENT]
            came = [m for m in messages if m.state is not IncomingState.APPLIED]
            lines = [json.loads(line.partition(" ")[2]) for line in transaction.journal_lines()]
        assert came, "lost"
        assert IncomingState.NEW not in {m.state for m in came}
        shown_new = Counter(line["ids"]["message_id"] for line in lines if line["event"] == "message.presented")
        assert set(shown_new.values()) <= {1}, "presented twice"
        if not {state for state in (m.state for m in came) if state in _GIVEN_BACK}:
            assert len(shown_new & Counter(m.message_id for m in came)) == 1, "two attempts shown as new"
        there = self._last(unit, document_id, unit, "in")
        here = self._last(scene.COMMUNE, document_id, unit, "out")
        assert (here.shown.handling, here.shown.change) == (there.shown.handling, there.shown.change)
        said = Counter(e.code for e in there.events if isinstance(e, Statement) and counts(there, e))
        heard = Counter(e.code for e in here.events if isinstance(e, Statement) and counts(here, e))
        assert heard == said, "something was heard that nobody said, or said and not heard"

    def _last(self, office, document_id, recipient, direction):
        deliveries = self.net.office(office).trace(document_id).deliveries
        return [t.delivery for t in deliveries if (t.direction, t.delivery.recipient) == (direction, recipient)][-1]


def test_offices_agree_whatever_happens_to_them(ready):
    Offices.ready = ready
    run_state_machine_as_test(
        Offices,
        settings=settings(
            settings.default,
            # Each example opens five offices on disk: a tenth of the profile's number is already minutes at night.
            max_examples=max(10, settings.default.max_examples // 10),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
