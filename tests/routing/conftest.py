"""What the tests of the routing room share: a clock that stands still, stores, and axes of both kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from routing_server import Server

from edocx.content import Blob
from edocx.routing.database import Store
from edocx.routing.parcel import Business, Parcel, ParcelKind
from edocx.routing.transport.local import LocalAxis
from edocx.routing.transport.memory import MemoryAxis
from edocx.routing.worker import Worker
from edocx.testing.clock import FixedClock

UNITS = {"H58.12.01": "H58.12", "H58.12": "H58", "H58.07": "H58", "H58": None, "G22": None}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: FixedClock) -> Iterator[Store]:
    with Store.open(tmp_path / "office.db", clock=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of this test process alone."""
    with Server.running() as server:
        yield server


@pytest.fixture
def postgres_store(postgres: Server, tmp_path: Path, clock: FixedClock) -> Iterator[Store]:
    with postgres.fresh() as url, Store.open(url, clock=clock, folder=tmp_path / "payloads") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """One contract, both databases."""
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    opened: Store = request.getfixturevalue(name)
    return opened


@pytest.fixture(params=["memory", "local"])
def axis(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[MemoryAxis | LocalAxis]:
    made: MemoryAxis | LocalAxis
    made = MemoryAxis(clock=clock) if request.param == "memory" else LocalAxis.open(tmp_path / "axis.db", clock=clock)
    for unit, above in UNITS.items():
        made.register(unit, above=above)
    yield made
    if isinstance(made, LocalAxis):
        made.close()


@pytest.fixture
def parcel_of(clock: FixedClock) -> Callable[..., tuple[Parcel, Blob]]:
    def make(
        content: bytes = b"noi dung",
        *,
        sender: str = "H58.12.01",
        recipients: tuple[str, ...] = ("G22",),
        document_id: str = "D1",
        kind: ParcelKind = ParcelKind.DOCUMENT,
        business: Business = Business.NEW,
        urgency: int = 0,
        message_id: str | None = None,
    ) -> tuple[Parcel, Blob]:
        payload = Blob.from_bytes(content)
        made = Parcel.of(
            payload,
            sender=sender,
            recipients=recipients,
            document_id=document_id,
            created_at=clock.now(),
            kind=kind,
            business=business,
            urgency=urgency,
            message_id=message_id,
        )
        return made, payload

    return make


@pytest.fixture
def worker_of(clock: FixedClock) -> Callable[..., Worker]:
    def make(store: Store, transport: object, unit: str, **options: object) -> Worker:
        return Worker(store, transport, unit, clock=clock, random=Random(7), **options)

    return make


@pytest.fixture
def later() -> timedelta:
    """Longer than every lease."""
    return timedelta(minutes=10)
