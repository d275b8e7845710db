"""Two offices and an axis that drops, repeats, delays and reorders, while either may crash at any point."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from routing_scenario import BOOK, RECEIVER, SENDER, START, World

from edocx.errors import Text, TransportUnavailable
from edocx.routing.inbox import IncomingState
from edocx.routing.transitions import Handling, Passage
from edocx.routing.transport.memory import MemoryAxis
from edocx.testing.clock import FixedClock
from edocx.testing.faults import Crash, Faults


class BadNetwork:
    """An axis behind a network that loses questions and answers, and lists what it listed before."""

    def __init__(self, axis: MemoryAxis) -> None:
        self.axis = axis
        self.lose: list[str] = []
        self.stale = False
        self.reverse = False
        self.delayed = 0
        self._listed: dict[str, dict[str, object]] = {}

    def submit(self, parcel, payload):
        return self._carry("submit", lambda: self.axis.submit(parcel, payload))

    def pending(self, unit):
        entries = list(self._carry("pending", lambda: self.axis.pending(unit)))
        seen = self._listed.setdefault(unit, {})
        seen.update({entry.key: entry for entry in entries})
        entries = list(seen.values()) if self.stale else entries[self.delayed :]
        return tuple(reversed(entries)) if self.reverse else tuple(entries)

    def fetch(self, entry):
        return self._carry("fetch", lambda: self.axis.fetch(entry))

    def acknowledge(self, entry):
        return self._carry("acknowledge", lambda: self.axis.acknowledge(entry))

    def heal(self):
        self.lose.clear()
        self.stale = self.reverse = False
        self.delayed = 0

    def _carry(self, verb, act):
        if f"{verb} question" in self.lose:
            self.lose.remove(f"{verb} question")
            raise self._away()
        answer = act()
        if f"{verb} answer" in self.lose:
            self.lose.remove(f"{verb} answer")
            raise self._away()
        return answer

    @staticmethod
    def _away():
        return TransportUnavailable(
            Text("Mất mạng.", "The network is down."), hint=Text("Chờ.", "Wait."), retryable=True
        )


losses = st.lists(
    st.sampled_from(
        [f"{verb} {part}" for verb in ("submit", "pending", "fetch", "acknowledge") for part in ("question", "answer")]
    ),
    max_size=3,
)


class Offices(RuleBasedStateMachine):
    """Rules are what hosts, workers, clocks and misfortune do; the invariants are the promises."""

    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FixedClock(START)
        self.network = BadNetwork(MemoryAxis(clock=self.clock))
        for unit in (SENDER, RECEIVER):
            self.network.axis.register(unit)
        self.sent = 0
        self.ahead = timedelta()
        self.jumped = False
        self.heads = {}
        self.restart()

    def restart(self):
        """What a new process does: everything in memory is gone."""
        if hasattr(self, "stack"):
            self.stack.close()
        self.stack = ExitStack()
        self.faults = Faults()
        self.world = World(Path(self.folder.name), self.stack, faults=self.faults, axis=self.network)
        self.world.clock.set(self.clock.now())
        self.workers = {
            "sender": self.world.worker(self.world.sender, SENDER, 1),
            "receiver": self.world.worker(self.world.receiver, RECEIVER, 2),
        }

    def attempt(self, act, crash):
        if crash:
            self.faults.crash_after(crash)
        try:
            act()
        except Crash:
            self.restart()
        self.faults.disarm()

    @rule(crash=st.integers(0, 6))
    def send(self, crash):
        # The host sends again after a crash, until it has been told that the document is durable.
        number = self.sent
        self.attempt(lambda: self.world.host_sends(range(number, number + 1)), crash)
        with self.world.sender.read() as tx:
            self.sent += tx.documents.find(f"d{number}") is not None

    @rule(who=st.sampled_from(["sender", "receiver"]), crash=st.integers(0, 8))
    def work(self, who, crash):
        self.attempt(self.workers[who].step, crash)

    @rule(crash=st.integers(1, 8))
    def crash_on_the_way(self, crash):
        """A document goes all the way from one office to the other, and the receiver crashes somewhere."""
        self.network.heal()
        self.send(0)
        self.clock.set(self.clock.now() + timedelta(minutes=31))
        self.world.clock.set(self.clock.now())
        self.work("sender", 0)
        self.work("receiver", crash)

    @rule(crash=st.integers(0, 6))
    def open_incoming(self, crash):
        self.attempt(self.world.receiver_opens, crash)

    @rule(crash=st.integers(0, 6))
    def read_statuses(self, crash):
        self.attempt(self.world.sender_reads_statuses, crash)

    @rule(lose=losses, stale=st.booleans(), reverse=st.booleans(), delayed=st.integers(0, 2))
    def trouble(self, lose, stale, reverse, delayed):
        self.network.lose = lose
        self.network.stale, self.network.reverse, self.network.delayed = stale, reverse, delayed

    @rule(minutes=st.integers(-3, 30))
    def time_passes(self, minutes):
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))
        self.world.clock.set(self.clock.now())

    @rule(weeks=st.integers(1, 5))
    def the_clock_jumps_ahead_and_is_put_right(self, weeks):
        """First ahead, and the next time back by as much: what was done in between bears times of the future."""
        step = -self.ahead if self.ahead else timedelta(weeks=weeks)
        self.ahead += step
        self.jumped = True
        self.clock.set(self.clock.now() + step)
        self.world.clock.set(self.clock.now())

    @rule()
    def restart_in_order(self):
        self.restart()

    @invariant()
    def an_accepted_document_is_never_lost(self):
        with self.world.sender.read() as tx:
            assert [entry.number for entry in tx.register.entries(*BOOK)] == list(range(1, self.sent + 1))
            for number in range(self.sent):
                outgoing = tx.outbox.find(f"doc-{number}")
                assert outgoing is not None
                # A parcel that was not taken for weeks is given up, with its reason, and can be sent anew.
                assert outgoing.state in ({"queued", "sent", "dead"} if self.jumped else {"queued", "sent"})

    @invariant()
    def a_receipt_exists_only_for_what_the_axis_has(self):
        with self.world.sender.read() as tx:
            for number in range(self.sent):
                if tx.outbox.find(f"doc-{number}").state == "sent":
                    assert self.network.axis.trace(SENDER, f"doc-{number}")

    @invariant()
    def what_the_axis_may_forget_is_on_disk(self):
        with self.world.receiver.read() as tx:
            stored = {incoming.message_id for incoming in tx.inbox.in_state(*IncomingState)}
        waiting = {entry.message_id for entry in self.network.axis.pending(RECEIVER)}
        for number in range(self.sent):
            if self.network.axis.trace(SENDER, f"doc-{number}"):
                assert f"doc-{number}" in stored | waiting

    @invariant()
    def each_document_is_new_once(self):
        with self.world.receiver.read() as tx:
            documents = [incoming.document_id for incoming in tx.inbox.in_state(*IncomingState)]
            presented = [line for line in tx.journal_lines() if '"event":"message.presented"' in line]
        assert len(documents) == len(set(documents))
        assert len(presented) <= self.sent

    @invariant()
    def journals_only_grow(self):
        for name in ("sender", "receiver"):
            with getattr(self.world, name).read() as tx:
                head = tx.verify_journal(*self.heads.get(name, ())).require()
            self.heads[name] = (head,)

    def teardown(self):
        if not hasattr(self, "stack"):
            return
        # The network heals, time passes, everybody works: both sides must agree.
        self.network.heal()
        if self.ahead:
            self.the_clock_jumps_ahead_and_is_put_right(0)
        for store in (self.world.sender, self.world.receiver):
            with store.begin() as tx:
                for letter in tx.outbox.dead():
                    tx.outbox.redrive(letter.message_id)
        for _ in range(3):
            self.clock.set(self.clock.now() + timedelta(hours=1))
            self.restart()
            self.world.settle()
        with self.world.sender.read() as tx:
            for number in range(self.sent):
                (tracked,) = tx.deliveries.of_document(f"d{number}")
                shown = tracked.delivery.shown
                assert (shown.passage, shown.handling) == (Passage.ARRIVED, Handling.ARRIVED)
        with self.world.receiver.read() as tx:
            assert len(tx.inbox.in_state(IncomingState.PRESENTED)) == self.sent
        self.stack.close()
        with suppress(OSError):
            self.folder.cleanup()


Offices.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOffices = Offices.TestCase
