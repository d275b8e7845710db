"""One hub over a real socket for each test, with three agencies and a clock that stands still."""

from __future__ import annotations

import pytest
from hub_scene import NOW, SECRETS, OfficialClient, open_hub, serving

from edocx.testing.clock import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def hub(tmp_path, clock):
    made = open_hub(tmp_path, clock=clock, max_bytes=4 * 1024 * 1024)
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
