"""``edocx bench nats``: mail through two hub nodes over three NATS servers, each acknowledging what is on disk.

The hubs are processes of their own with SQLite databases; mail is handed in at the first one's door and counted in the
second one's database. The servers run with the configuration that ``edocx hub nats-config`` prints.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.routing.parcel import Business, ParcelKind

if TYPE_CHECKING:
    from edocx.hub import Hub

UPPER, LOWER = "G22", "H58"
SENDER, RECIPIENT = "H58.12.01", "G22"
SIZE = 20_000
"""Bytes of one envelope, as in `edocx bench axis`."""

TOP, BOTTOM = 4, 0
_URGENT, _BETWEEN = 100, 0.05
_LOOK = 0.1
_LIMIT = 240.0
_HAND_IN = 16
"""Threads that hand mail in at the first hub's door, as so many offices would."""


def run(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; ``quick`` sends a tenth."""
    from edocx.testing.nats_servers import NatsServers

    count = 300 if quick else 3_000
    with tempfile.TemporaryDirectory() as folder, NatsServers(Path(folder) / "nats", count=3) as servers:
        floor = _floor(servers.urls, count)
        with _hubs(Path(folder), servers.urls) as pair:
            before = _cpu_seconds(pair.upper, *servers.pids)
            rate = pair.drain(count)
            cpu = [
                1000 * (now - then) / count
                for now, then in zip(_cpu_seconds(pair.upper, *servers.pids), before, strict=True)
            ]
            lanes = pair.overtake(count)
    note = f"{SIZE // 1000} KB, two hub processes, three servers, sync_interval: always, replicas = 3"
    return [
        {
            "name": f"durable messages a second from database to database ({note})",
            "value": round(rate),
            "unit": "1/s",
            "goal": ">= 500",
            "peers": {
                "bare JetStream publish, same servers and sizes": _peer(floor, rate),
                "CPU a message at the first hub": {"ms": round(cpu[0], 2)},
                "CPU a message at the second hub": {"ms": round(cpu[1], 2)},
                "CPU a message at the three servers": {"ms": round(sum(cpu[2:]), 2)},
            },
        },
        {
            "name": f"p99 of the top lane, {len(lanes)} messages handed in while the bottom lane is full",
            "value": round(_at(lanes, 0.99), 1),
            "unit": "ms",
            "goal": "<= 250 ms",
            "peers": {"top lane, p50": {"ms": round(_at(lanes, 0.5), 1)}},
        },
    ]


def _cpu_seconds(*others: int) -> list[float]:
    """Return the CPU seconds of this process and of others so far; 0 where the kernel does not tell."""
    found, ticks = [time.process_time()], os.sysconf("SC_CLK_TCK")
    for pid in others:
        place = Path(f"/proc/{pid}/stat")
        # Fields 14 and 15 of proc(5), counted behind the name in parentheses.
        fields = place.read_text().rpartition(")")[2].split() if place.exists() else ["0"] * 14
        found.append((int(fields[11]) + int(fields[12])) / ticks)
    return found


def _peer(floor: float, rate: float) -> dict[str, float]:
    return {"1/s": round(floor), "ratio": round(rate / floor, 2)}


def _at(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class _Pair:
    """Two hubs and the way between them."""

    def __init__(self, folder: Path, lower: Hub, upper: int) -> None:
        self._folder, self._lower = folder, lower
        self.upper = upper
        self._sent: dict[str, float] = {}

    def drain(self, count: int) -> float:
        """Fill the first hub's outbox, then open the way; return messages a second until all are at the second."""
        letters = [(f"A{number}", BOTTOM) for number in range(count)]
        self._hand_in(letters)
        started = SystemClock().now().timestamp()
        self._open()
        return count / (max(self._arrivals(letters).values()) - started)

    def overtake(self, count: int) -> list[float]:
        """Fill the bottom lane, then hand in urgent mail; return its milliseconds to the second hub, ordered."""
        filling = [(f"B{number}", BOTTOM) for number in range(count)]
        pause, urgent = threading.Event(), list[tuple[str, int]]()
        with ThreadPoolExecutor(_HAND_IN) as offices:
            # The lane stays full: more comes in while it is carried.
            under_way = [offices.submit(self._hand_in_one, letter) for letter in filling]
            while not all(one.done() for one in under_way) or len(urgent) < _URGENT:
                urgent.append((f"T{len(urgent)}", TOP))
                self._hand_in_one(urgent[-1])
                pause.wait(_BETWEEN)
        arrived = self._arrivals(urgent)
        self._arrivals(filling)
        return sorted((at - self._sent[document]) * 1000 for document, at in arrived.items())

    def _hand_in(self, letters: list[tuple[str, int]]) -> None:
        with ThreadPoolExecutor(_HAND_IN) as offices:
            list(offices.map(self._hand_in_one, letters))

    def _hand_in_one(self, letter: tuple[str, int]) -> None:
        from edocx.hub import agencies
        from edocx.hub.admission import Offered
        from edocx.hub.letter_facts import LetterFacts

        document, urgency = letter
        service = self._lower.service
        with service.store.read() as connection:
            caller = agencies.require(connection, SENDER)
        blob = Blob.from_bytes(document.encode() + b"x" * SIZE)
        facts = LetterFacts(ParcelKind.DOCUMENT, SENDER, (), document, Business.NEW, urgency, blob.sha256)
        service.door.admit(Offered(caller, facts, (RECIPIENT,), blob))
        self._sent[document] = SystemClock().now().timestamp()

    def _open(self) -> None:
        assert self._lower.broker is not None
        self._lower.broker.start()

    def _arrivals(self, letters: list[tuple[str, int]]) -> dict[str, float]:
        """Wait until letters are in the second hub's database; return when each came, once."""
        import sqlite3
        from contextlib import closing
        from datetime import datetime

        pause, end, wanted = threading.Event(), time.monotonic() + _LIMIT, {document for document, _ in letters}
        query = "SELECT m.document_id, c.created_at FROM copies c JOIN messages m ON m.number = c.message"
        rows: list[Any] = []
        while len(rows) < len(wanted) and time.monotonic() < end:
            pause.wait(_LOOK)
            with closing(sqlite3.connect(f"file:{self._folder / UPPER / 'hub.db'}?mode=ro", uri=True)) as database:
                rows = [row for row in database.execute(query) if row[0] in wanted]
        found = {document: datetime.fromisoformat(at).timestamp() for document, at in rows}
        assert len(rows) == len(found) == len(wanted), "a message was lost or came twice"
        return found


@contextmanager
def _hubs(folder: Path, urls: tuple[str, ...]) -> Iterator[_Pair]:
    """Run the second hub in a process of its own; the first one is here, and its way still shut."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    upper = context.Process(target=_serve_upper, args=(folder, urls, ready, stop), daemon=True)
    upper.start()
    with ExitStack() as stack:
        stack.callback(upper.join)
        stack.callback(stop.set)
        assert ready.wait(60), "the second hub does not start"
        lower = make_hub(folder, LOWER, urls)
        stack.callback(lower.service.close)
        assert lower.broker is not None
        stack.callback(lower.broker.stop)
        assert upper.pid is not None
        yield _Pair(folder, lower, upper.pid)


def _serve_upper(folder: Path, urls: tuple[str, ...], ready: Any, stop: Any) -> None:
    upper = make_hub(folder, UPPER, urls)
    assert upper.broker is not None
    upper.broker.start()
    pause = threading.Event()
    while not upper.broker.connected:
        pause.wait(_LOOK)
    ready.set()
    stop.wait()
    upper.broker.stop()
    upper.service.close()


def make_hub(folder: Path, unit: str, urls: tuple[str, ...]) -> Hub:
    """Make one of the two hubs: its database, its register, its neighbour."""
    from edocx.hub import HubConfig, NewAgency, Peer, agencies, app
    from edocx.hub.broker_settings import BrokerConfig

    other = UPPER if unit == LOWER else LOWER
    peer = Peer(code=f"hub.{other}", endpoint="nats", role="above" if other == UPPER else "below")
    config = HubConfig(
        database=folder / unit / "hub.db",
        unit=unit,
        envelope="off",
        relay_seconds=0,
        peers=(peer,),
        broker=BrokerConfig(servers=urls, replicas=3),
    )
    hub = app(config)
    store, vault = hub.service.store, hub.service.vault
    with store.begin("enrol") as connection:
        now = store.now()
        if unit == LOWER:
            agencies.register(connection, NewAgency(SENDER, SENDER), now=now, by="bench")
        neighbour = agencies.register(connection, NewAgency(peer.code, peer.code, kind="hub"), now=now, by="bench")
        theirs, ours = f"{other}>{unit}", f"{unit}>{other}"
        agencies.new_hmac_secret(connection, neighbour, vault, now=now, by="bench", secret=theirs)
        agencies.put_outgoing_secret(connection, neighbour, vault, ours, now=now, by="bench")
        if unit == UPPER:
            told = NewAgency(SENDER, SENDER, served_by=peer.code)
            agencies.register(connection, told, now=now, by="bench")
            agencies.register(connection, NewAgency(RECIPIENT, RECIPIENT), now=now, by="bench")
    return hub


def _floor(urls: tuple[str, ...], count: int) -> float:
    """Return how many messages of the same size the servers alone take a second."""
    from edocx.routing.transport.nats_line import NatsLine, NatsSettings

    line = NatsLine(NatsSettings(urls))
    try:
        return line.run(_publish_bare(line, count))
    finally:
        line.close()


async def _publish_bare(line: Any, count: int) -> float:
    import asyncio

    from nats.js.api import StreamConfig

    js = await line.jetstream()
    await js.add_stream(StreamConfig(name="BARE", subjects=["bare"], num_replicas=3))
    body, started = b"x" * SIZE, time.perf_counter()
    for _ in range(0, count, 128):
        await asyncio.gather(*[await js.publish_async("bare", body) for _ in range(128)])
    seconds = time.perf_counter() - started
    await js.delete_stream("BARE")
    return count / seconds
