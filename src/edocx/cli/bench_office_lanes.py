"""How long an urgent document waits while the bottom lane is full: from its commit to the axis's hand."""

from __future__ import annotations

import sqlite3
import statistics
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.documents import Urgency
from edocx.routing.database import Store
from edocx.routing.parcel import Parcel
from edocx.routing.transport import Receipt
from edocx.routing.transport.memory import MemoryAxis
from edocx.routing.worker import Worker

SENDER, RECEIVER = "H58", "G22"
PAUSE = 0.02
"""Seconds between two urgent documents."""


def top_lane(folder: Path, *, bottom: int, urgent: int) -> dict[str, Any]:
    """Measure with so many ordinary parcels queued, one worker carrying them all the while."""
    place = folder / "lanes.db"
    with Store.open(place) as store:
        _fill(place, bottom)
        axis = _Watch()
        worker = Worker(store, axis, SENDER, clock=SystemClock(), random=Random(1))  # noqa: S311 - jitter
        thread = threading.Thread(target=worker.run_until_quiet)
        thread.start()
        for number in range(urgent):
            _queue(store, axis, f"urgent-{number}")
            time.sleep(PAUSE)
        axis.all_came.wait(60)
        worker.stop()
        thread.join()
        with store.read() as transaction:
            left = transaction.outbox.waiting()
    waits = sorted(axis.waits.values())
    worst = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    return {
        "name": f"top lane with {bottom:,} parcels in the bottom lane: p99 from commit to the axis",
        "value": round(worst * 1000, 1),
        "unit": "ms",
        "goal": "<= 1,000 ms",
        "peers": {"its own median": {"ms": round(statistics.median(waits) * 1000, 1), "left": left}},
    }


class _Watch(MemoryAxis):
    """An axis that notes when each urgent parcel came."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock())
        for unit in (SENDER, RECEIVER):
            self.register(unit)
        self.began: dict[str, float] = {}
        self.waits: dict[str, float] = {}
        self.all_came = threading.Event()

    def submit(self, parcel: Parcel, payload: Blob) -> Receipt:
        """Take a parcel as any axis does, and note how long an urgent one took."""
        began = self.began.get(parcel.message_id)
        if began is not None:
            self.waits[parcel.message_id] = time.perf_counter() - began
            if len(self.waits) == len(self.began):
                self.all_came.set()
        return super().submit(parcel, payload)


def _queue(store: Store, axis: _Watch, name: str) -> None:
    payload = Blob.from_bytes(name.encode())
    axis.all_came.clear()
    axis.began[name] = time.perf_counter()
    with store.begin("send") as transaction:
        parcel = Parcel.of(
            payload,
            sender=SENDER,
            recipients=(RECEIVER,),
            document_id=name,
            created_at=transaction.now,
            urgency=int(max(Urgency)),
            message_id=name,
        )
        transaction.submit(parcel, payload)


def _fill(place: Path, bottom: int) -> None:
    """Queue ordinary parcels straight into the tables, without their journal."""
    now = f"{SystemClock().now():%Y-%m-%dT%H:%M:%S.%f}Z"
    payload = Blob.from_bytes(b"x" * 2000)
    bare = sqlite3.connect(place)
    parcel = (
        "INSERT INTO parcels VALUES"
        " (?, ?, 'document', ?, ?, 'new', 0, ?, 2000, ?, 'queued', 1, 0, ?, ?, NULL, NULL, NULL, NULL)"
    )
    delivery = "INSERT INTO deliveries VALUES (?, 'out', ?, ?, ?, ?, 'none', 'none', NULL, 0, ?)"
    with bare:
        stored = (payload.sha256, payload.size, payload.read(), now)
        bare.execute("INSERT INTO payloads VALUES (?, ?, ?, ?, NULL)", stored)
        numbers = range(1, bottom + 1)
        bare.executemany(parcel, ((n, f"m{n}", SENDER, f"d{n}", payload.sha256, now, now, now) for n in numbers))
        bare.executemany(delivery, ((n, f"m{n}", f"d{n}", SENDER, RECEIVER, now) for n in numbers))
    bare.close()
