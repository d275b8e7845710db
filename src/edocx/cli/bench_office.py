"""``edocx bench office``: durable steps beside the machine's own one-row SQLite commit at synchronous=FULL.

Everything is measured in turns on one disk (A B C A B C …), since a disk's syncs take twice as long one
second and half as long the next; only the ratios of one run are held against goals.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from edocx.cli import bench_office_lanes as lanes
from edocx.cli import bench_office_server as server
from edocx.cli import bench_office_syncs as syncs
from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.routing.database import Store
from edocx.routing.parcel import Parcel
from edocx.routing.state import Basis, Speaker
from edocx.routing.transport import Transport
from edocx.routing.transport.memory import MemoryAxis
from edocx.routing.worker import Worker

SENDER, RECEIVER = "H58", "G22"
COMMIT = "one-row commit, synchronous=FULL"
THREADS = 32
RECEIVED = 100
CLAIMED = 16
SMALL, LARGE = 2_000, 100_000


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure the office's store; ``quick`` takes fewer turns and 50,000 deliveries instead of a million."""
    with tempfile.TemporaryDirectory() as folder:
        figures = _rates(Path(folder), turns=5 if quick else 15, size=32 if quick else 96)
    with tempfile.TemporaryDirectory() as folder:
        figures.append(_claiming(Path(folder), 50_000 if quick else 1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        bottom, urgent = (5_000, 50) if quick else (100_000, 300)
        figures.append(lanes.top_lane(Path(folder), bottom=bottom, urgent=urgent))
    with tempfile.TemporaryDirectory() as folder:
        counted = syncs.syncs_a_commit(Path(folder))
        figures += [] if counted is None else [counted]
    if server.is_possible():
        figures.append(server.cycles(size=32 if quick else 160))
    return figures


def _rates(folder: Path, *, turns: int, size: int) -> list[dict[str, Any]]:
    bare = _bare(folder / "bare.db")
    try:
        with Store.open(folder / "sender.db") as sender, Store.open(folder / "receiver.db") as receiver:
            office = _Office(sender, receiver)
            rates = _in_turns(
                turns,
                office.settle,
                {
                    COMMIT: lambda: _commits(bare, size),
                    "queue": lambda: office.queue(size, SMALL),
                    "cycle": lambda: office.cycle(size, SMALL),
                    "threads": lambda: office.queue_at_once(THREADS * 4),
                    "receive": lambda: office.receive(RECEIVED),
                    "large": lambda: office.cycle(size // 4, LARGE),
                },
            )
            statuses = office.statuses
    finally:
        bare.close()
    shown = {
        "queue": ("queue a 2 KB document: parcel, delivery, register, journal in one transaction", ">= 0.5"),
        "cycle": (f"full cycle: queued one by one, claimed, sent, answered ({statuses} a batch)", ">= 0.2"),
        "threads": (f"queue, {THREADS} threads at once, each waiting for its own durability", ">= 2"),
        "receive": (f"receive, {RECEIVED} a batch", ">= 3"),
        "large": ("full cycle, 100 KB documents", ">= 0.12"),
    }
    return [_figure(name, rates[key], rates[COMMIT], goal) for key, (name, goal) in shown.items()]


def _figure(name: str, rate: float, commits: float, goal: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(rate),
        "unit": "1/s",
        "goal": f"{goal} x {COMMIT}",
        "peers": {COMMIT: {"1/s": round(commits), "ratio": round(rate / commits, 2)}},
    }


def _in_turns(turns: int, settle: Callable[[], object], measured: Mapping[str, Callable[[], int]]) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(turns):
        for name, act in measured.items():
            settle()  # what the one before left over is not this one's work
            started = time.perf_counter()
            done = act()
            rates[name].append(done / (time.perf_counter() - started))
    return {name: statistics.median(found) for name, found in rates.items()}


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, content TEXT)")
    return connection


def _commits(bare: sqlite3.Connection, size: int) -> int:
    for _ in range(size):
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO rows (content) VALUES ('x')")
        bare.execute("COMMIT")
    return size


class _Office:
    """Two stores and an axis in memory, so that only the stores' work is measured."""

    statuses = CLAIMED

    def __init__(self, sender: Store, receiver: Store) -> None:
        self._sender = sender
        self._numbers = count(1)
        self._axis = _axis()
        self._worker = _worker(sender, self._axis, SENDER, CLAIMED)
        self._incoming = _axis()
        self._receiver = _worker(receiver, self._incoming, RECEIVER, RECEIVED)

    def queue(self, size: int, length: int) -> int:
        """Queue documents one after the other, each in its own transaction."""
        for _ in range(size):
            self._queue_one(length)
        return size

    def queue_at_once(self, size: int) -> int:
        """Queue documents from many threads; each waits for its own commits."""
        threads = [threading.Thread(target=self.queue, args=(size // THREADS, SMALL)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return size

    def cycle(self, size: int, length: int) -> int:
        """Queue documents, let the worker carry them, and record the recipient's 01 for each."""
        documents = [self._queue_one(length) for _ in range(size)]
        self.settle()
        for start in range(0, size, CLAIMED):
            with self._sender.begin("status") as transaction:
                for document in documents[start : start + CLAIMED]:
                    speaker = Speaker(RECEIVER, RECEIVER, Basis.HUB)
                    transaction.record_status(document, RECEIVER, "01", speaker=speaker, claimed_at=transaction.now)
        return size

    def receive(self, size: int) -> int:
        """Receive what waits at the axis: raw bytes, digest and journal on disk, then acknowledged."""
        for number in range(size):
            payload = Blob.from_bytes(os.urandom(SMALL))
            self._incoming.submit(_parcel(payload, f"in-{next(self._numbers)}-{number}", SystemClock().now()), payload)
        return self._receiver.step().received

    def settle(self) -> None:
        """Let the worker carry whatever is queued."""
        self._worker.run_until_quiet()

    def _queue_one(self, length: int) -> str:
        document = f"d{next(self._numbers)}"
        payload = self._sender.keep(Blob.from_bytes(os.urandom(length)))
        with self._sender.begin("send") as transaction:
            transaction.register.reserve(SENDER, "di", 2024, document)
            transaction.submit(_parcel(payload, document, transaction.now), payload)
        return document


def _axis() -> MemoryAxis:
    axis = MemoryAxis(clock=SystemClock())
    for unit in (SENDER, RECEIVER):
        axis.register(unit)
    return axis


def _worker(store: Store, axis: Transport, unit: str, batch: int) -> Worker:
    # Jitter for retries that do not happen here.
    return Worker(store, axis, unit, clock=SystemClock(), random=Random(1), batch=batch)  # noqa: S311


def _parcel(payload: Blob, document: str, now: datetime) -> Parcel:
    return Parcel.of(payload, sender=SENDER, recipients=(RECEIVER,), document_id=document, created_at=now)


def _claiming(folder: Path, deliveries: int) -> dict[str, Any]:
    """Claim from a store that holds many deliveries: most sent, a tenth queued for later, some due."""
    place = folder / "office.db"
    bare = _bare(folder / "bare.db")
    with Store.open(place) as store:
        _fill(place, deliveries)
        milliseconds: dict[str, list[float]] = {"claim": [], COMMIT: []}
        for turn in range(min(25, deliveries // 100 // CLAIMED)):
            for name, act in (
                ("claim", lambda turn=turn: _claim(store, f"bench-{turn}")),
                (COMMIT, lambda: _commits(bare, 1)),
            ):
                started = time.perf_counter()
                act()
                milliseconds[name].append((time.perf_counter() - started) * 1000)
    bare.close()
    own, peer = (statistics.median(milliseconds[name]) for name in ("claim", COMMIT))
    return {
        "name": f"claim {CLAIMED} due with {deliveries:,} deliveries in the store",
        "value": round(own, 2),
        "unit": "ms",
        "goal": "<= 5 ms",
        "peers": {COMMIT: {"ms": round(peer, 2), "ratio": round(peer / own, 2)}},
    }


def _claim(store: Store, lease: str) -> None:
    with store.begin("claim") as transaction:
        assert len(transaction.outbox.claim(lease, limit=CLAIMED)) == CLAIMED


def _fill(place: Path, deliveries: int) -> None:
    """Write the rows that a busy office has after years; straight into the tables, without their journal."""
    now = SystemClock().now()
    # Later than any pause would be due at once: a clock that was put right (`Outbox.claim`).
    later_on = now + timedelta(minutes=25)
    past, later = (f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" for moment in (now, later_on))
    payload = Blob.from_bytes(b"x" * 100)
    bare = sqlite3.connect(place)
    bare.execute("INSERT INTO payloads VALUES (?, ?, ?, ?, NULL)", (payload.sha256, payload.size, payload.read(), past))
    parcel = (
        "INSERT INTO parcels VALUES (?, ?, 'document', ?, ?, 'new', ?, ?, 100, ?, ?, 1, 0, ?, ?, NULL, NULL, ?, NULL)"
    )
    delivery = "INSERT INTO deliveries VALUES (?, 'out', ?, ?, ?, ?, 'none', 'none', NULL, 0, ?)"

    def parcels() -> Iterator[tuple[Any, ...]]:
        for number in range(1, deliveries + 1):
            state, due = ("queued", past if number % 100 == 0 else later) if number % 10 == 0 else ("sent", past)
            place = (number, f"m{number}", SENDER, f"d{number}", number % 5, payload.sha256)
            yield (*place, past, state, past, due, None if state == "queued" else past)

    with bare:
        bare.executemany(parcel, parcels())
        bare.executemany(
            delivery,
            ((n, f"m{n}", f"d{n}", SENDER, RECEIVER, past) for n in range(1, deliveries + 1)),
        )
    bare.close()
