"""One hub over a real socket for each test, with three agencies and a clock that stands still, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hub_nation import Nation
from hub_postgres import Server
from hub_scene import NOW, SECRETS, OfficialClient, open_hub, serving

from edocx.content import Blob
from edocx.routing.parcel import Parcel
from edocx.testing.clock import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of this test process alone."""
    with Server.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request) -> Iterator[dict[str, str]]:
    """The settings that say where a hub keeps its data: one contract, both databases."""
    if request.param == "sqlite":
        yield {}
        return
    with request.getfixturevalue("postgres").fresh() as url:
        yield {"server": url}


@pytest.fixture
def nation(tmp_path, clock) -> Iterator[Nation]:
    """Hubs of two provinces and the nation, each on sockets of its own."""
    with ExitStack() as stack:
        made = Nation(tmp_path, clock, stack)
        yield made
    for hub in made.hubs.values():
        hub.carrier.stop()
        hub.service.close()


@pytest.fixture
def hub(tmp_path, clock, database):
    made = open_hub(tmp_path, clock=clock, max_bytes=4 * 1024 * 1024, **database)
    yield made
    made.service.close()


@pytest.fixture
def address(hub):
    with serving(hub) as found:
        yield found


@pytest.fixture
def client(address):
    """Make a client of an agency."""

    def make(code: str, **options) -> OfficialClient:
        return OfficialClient(address, code, options.pop("secret", SECRETS.get(code, "khong-biet")), **options)

    return make


@pytest.fixture
def parcel_of(clock):
    """Make a parcel and its payload."""

    def make(content=b"noi dung", *, sender="H58.12.01", recipients=("G22",), document_id="D1", **more):
        payload = Blob.from_bytes(content)
        told = {"sender": sender, "recipients": recipients, "document_id": document_id, "created_at": clock.now()}
        return Parcel.of(payload, **told, **more), payload

    return make
