"""A small world of two offices and an axis, each on disk, and a host that works like an office does.

Everything a step does is derived from what is on disk, as a real office does after a restart; so the
whole scenario can be run again after any crash, and must then come to the same end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from edocx.content import Blob
from edocx.routing.database import Store
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import Parcel, ParcelKind
from edocx.routing.state import Basis, Speaker
from edocx.routing.store.payloads import INLINE_LIMIT
from edocx.routing.transitions import Handling, Passage
from edocx.routing.transport import Transport
from edocx.routing.transport.local import LocalAxis
from edocx.routing.worker import Worker
from edocx.testing.clock import FixedClock
from edocx.testing.faults import Faults

SENDER, RECEIVER = "H58.12.01", "G22"
START = datetime(2023, 6, 15, 1, 0, tzinfo=UTC)
BOOK = (SENDER, "di/QĐ-UBND", 2023)


def content_of(number: int) -> bytes:
    # Every third document is too large for the database and becomes a file.
    return f"van ban {number}".encode() * (1 if number % 3 else INLINE_LIMIT)


def open_store(folder: Path, name: str, **seam: object) -> Store:
    """Open a store of the world: on the server that a file in the folder names, else in SQLite."""
    server = folder / f"{name}.server"
    if server.is_file():
        return Store.open(server.read_text(encoding="utf-8"), folder=folder / name, **seam)
    return Store.open(folder / f"{name}.db", **seam)


class World:
    """Both offices and the axis, opened from a folder."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        *,
        minutes: int = 0,
        faults: Faults | None = None,
        axis: Transport | None = None,
    ) -> None:
        self.clock = FixedClock(START + timedelta(minutes=minutes))
        self.faults = faults or Faults()
        seam = {"clock": self.clock, "faults": self.faults}
        self.axis = axis or stack.enter_context(LocalAxis.open(folder / "axis.db", **seam))
        self.sender = stack.enter_context(open_store(folder, "sender", **seam))
        self.receiver = stack.enter_context(open_store(folder, "receiver", **seam))

    def worker(self, store: Store, unit: str, seed: int = 1) -> Worker:
        return Worker(
            store, self.axis, unit, clock=self.clock, random=Random(seed), faults=self.faults, name=f"w{seed}", batch=4
        )

    def host_sends(self, numbers: range) -> None:
        """Issue and send each document in one transaction; sending again is harmless."""
        for number in numbers:
            payload = self.sender.keep(Blob.from_bytes(content_of(number)))
            with self.sender.begin("send") as tx:
                if tx.documents.find(f"d{number}") is not None:
                    continue
                entry = tx.register.issue(tx.register.reserve(*BOOK, f"d{number}"))
                tx.documents.put(f"d{number}", state="sent", metadata={"number": entry.number}, payload=payload)
                parcel = Parcel.of(
                    payload,
                    sender=SENDER,
                    recipients=(RECEIVER,),
                    document_id=f"d{number}",
                    created_at=tx.now,
                    message_id=f"doc-{number}",
                    urgency=number % 4,
                )
                tx.submit(parcel, payload)

    def receiver_opens(self, *, lease: str = "office") -> int:
        """Present what came, and answer 01 in the same transaction."""
        held = self.receiver.lease(lease)
        with self.receiver.begin("open.claim") as tx:
            claimed = tx.inbox.claim(held, kind=ParcelKind.DOCUMENT, limit=4)
        for incoming in claimed:
            document_id = incoming.document_id
            assert document_id is not None
            answer = Blob.from_bytes(f"01 {document_id}".encode())
            with self.receiver.begin("open.present") as tx:
                if tx.inbox.get(incoming.id).state is not IncomingState.NEW:
                    continue  # our lease had lapsed and another was faster
                tx.inbox.move(incoming.id, IncomingState.PRESENTED)
                tx.deliveries.open_incoming(
                    message_id=incoming.message_id, document_id=document_id, issuer=incoming.sender, recipient=RECEIVER
                )
                tx.state_status(document_id, RECEIVER, "01", unit=RECEIVER)
                status = Parcel.of(
                    answer,
                    sender=RECEIVER,
                    recipients=(incoming.sender,),
                    document_id=document_id,
                    created_at=tx.now,
                    kind=ParcelKind.STATUS,
                    message_id=f"status-{document_id}",
                )
                tx.submit(status, answer)
        return len(claimed)

    def sender_reads_statuses(self, *, lease: str = "office") -> int:
        """Read each status message and record what it says, in one transaction."""
        held = self.sender.lease(lease)
        with self.sender.begin("status.claim") as tx:
            claimed = tx.inbox.claim(held, kind=ParcelKind.STATUS, limit=4)
        for incoming in claimed:
            with self.sender.begin("status.record") as tx:
                code, document_id = tx.inbox.payload(incoming).read().decode().split(" ")
                speaker = Speaker(incoming.sender, incoming.sender, Basis.SEAL)
                tx.record_status(document_id, RECEIVER, code, speaker=speaker, claimed_at=START)
                tx.inbox.move(incoming.id, IncomingState.APPLIED)
        return len(claimed)

    def settle(self) -> None:
        """Work until nothing moves anywhere."""
        workers = [self.worker(self.sender, SENDER), self.worker(self.receiver, RECEIVER, 2)]
        while True:
            moved = [worker.step().moved for worker in workers]
            if not any(moved) and not self.receiver_opens() and not self.sender_reads_statuses():
                return


def run(folder: Path, count: int, *, minutes: int = 0, faults: Faults | None = None) -> Faults:
    """Run the whole scenario once."""
    with ExitStack() as stack:
        world = World(folder, stack, minutes=minutes, faults=faults)
        for unit in (SENDER, RECEIVER):
            world.axis.register(unit)
        world.host_sends(range(count))
        world.settle()
        return world.faults


class Nursery:
    """A process with the imports done and no threads, which forks children that are to be killed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def killed_at(self, folder: Path, count: int, number: int) -> int:
        """Run the scenario in a child that is killed at a numbered point; return its exit code."""
        return self._ask(("run", str(folder), count, number))

    def start(self, folder: Path, role: str, seed: int) -> int:
        """Start a child that works until it is killed; return its process id."""
        return self._ask(("work", str(folder), role, seed))

    def kill(self, child: int) -> int:
        """Kill a child; return its exit code."""
        return self._ask(("kill", child))

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def _ask(self, order: tuple[object, ...]) -> int:
        print(json.dumps(order), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


def killed_at_random(folder: Path, nursery: Nursery, count: int, kills: int) -> int:
    """Send documents while workers of both sides are killed, one after the other; return how many died."""
    random = Random(count)
    roles = ["sender", "receiver", "receiver"]
    deaths = 0

    def start(role: str) -> int:
        return nursery.start(folder, role, random.randint(0, 10**6))

    def kill(child: int) -> int:
        code = nursery.kill(child)
        assert code == -signal.SIGKILL, f"a worker ended by itself: {code}"
        return 1

    with ExitStack() as stack:
        world = World(folder, stack)
        for unit in (SENDER, RECEIVER):
            world.axis.register(unit)
        alive = [start(role) for role in roles]
        for turn in range(kills):
            # The host's own work is the time in which the workers get somewhere before one of them dies.
            world.host_sends(range(count * turn // kills, count * (turn + 1) // kills))
            victim = random.randrange(len(roles))
            deaths += kill(alive[victim])
            alive[victim] = start(roles[victim])
        return deaths + sum(kill(child) for child in alive)


def serve() -> None:
    """Obey a `Nursery`; whatever still works when it closes is killed."""
    children: set[int] = set()
    for line in sys.stdin:
        match json.loads(line):
            case "run", folder, count, number:
                child = _fork(lambda: run(Path(folder), count, faults=Faults.kill_at(number)))
                print(_exit_code(child), flush=True)
            case "work", folder, role, seed:
                child = _fork(lambda: work_for_ever(Path(folder), role, seed))
                children.add(child)
                print(child, flush=True)
            case "kill", child:
                children.discard(child)
                os.kill(child, signal.SIGKILL)
                print(_exit_code(child), flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        _exit_code(child)


def _fork(act: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - the child's last words
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def work_for_ever(folder: Path, role: str, seed: int) -> None:
    """Do one role until killed; time passes, so that leases of the dead lapse."""
    with ExitStack() as stack:
        world = World(folder, stack)
        store, unit = (world.sender, SENDER) if role == "sender" else (world.receiver, RECEIVER)
        worker = world.worker(store, unit, seed)
        while True:
            # The real moment, a hundred times as fast: a lease of a minute lasts half a second.
            world.clock.set(START + timedelta(seconds=(time.time() % 1_000_000) * 100))
            worker.step()
            opened = world.receiver_opens(lease=f"o{seed}") if role == "receiver" else world.sender_reads_statuses()
            if not opened:
                time.sleep(0.002)


def assert_whole(folder: Path, count: int) -> None:
    """Nothing lost, nothing twice, numbers without gaps, journals whole, both sides agreed."""
    with ExitStack() as stack:
        world = World(folder, stack, minutes=10**6)
        with world.sender.read() as tx:
            numbers = [entry.number for entry in tx.register.entries(*BOOK)]
            assert numbers == list(range(1, count + 1))
            for number in range(count):
                (tracked,) = tx.deliveries.of_document(f"d{number}")
                shown = tracked.delivery.shown
                assert (shown.passage, shown.handling) == (Passage.ARRIVED, Handling.ARRIVED), f"d{number}"
                assert (shown.contradictions, shown.foreign) == ((), ())
            assert tx.outbox.waiting() == 0
            assert tx.outbox.dead() == ()
            sender_lines = tx.journal_lines()
            tx.verify_journal().require()
        with world.receiver.read() as tx:
            presented = tx.inbox.in_state(IncomingState.PRESENTED)
            assert sorted(incoming.document_id for incoming in presented) == sorted(f"d{n}" for n in range(count))
            for incoming in presented:
                assert tx.inbox.payload(incoming).read() == content_of(int(incoming.document_id[1:]))
            others = [s for s in IncomingState if s is not IncomingState.PRESENTED]
            assert tx.inbox.in_state(*others) == ()
            receiver_lines = tx.journal_lines()
            tx.verify_journal().require()
        for unit in (SENDER, RECEIVER):
            assert world.axis.pending(unit) == ()
        events = Counter(line.split('"event":"')[1].split('"')[0] for line in (*sender_lines, *receiver_lines))
        assert events["parcel.queued"] == events["parcel.sent"] == 2 * count
        assert events["message.presented"] == events["status.recorded"] / 2 == count
        assert events["message.received"] == 2 * count


if __name__ == "__main__":
    serve()
